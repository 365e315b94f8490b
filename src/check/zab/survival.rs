//! Survivability (S13, zab.md §11.5): data loss is reported when it becomes possible, usually long before a client sees it.
//!
//! Voters are ranked as an election ranks them, by what boot would recover. A voter is good iff that contains G. Let b be
//! the best bad voter: a quorum that elects a bad voter exists iff at least a quorum's worth of voters rank at or below b.

use super::ZabMonitor;
use super::histories::{Histories, Node};
use super::story::{Claim, Cx, Story, claim};
use crate::base::id::ServerId;
use crate::base::zxid::{Epoch, Zxid};
use crate::check::verdict::Property;

const ENDANGERED: Claim = claim(Property::Survivability, "a-quorum-can-elect-loss");

/// A voter as an election sees it (zab.md §2.2), and whether it holds G.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Candidate {
    current: Epoch,
    last: Zxid,
    server: ServerId,
    is_good: bool,
}

/// The best candidate that lacks something committed and can win a quorum; `None` if every quorum elects a good one.
fn threat(candidates: &mut [Candidate], quorum: usize) -> Option<Candidate> {
    candidates.sort_unstable();
    let index = candidates
        .iter()
        .rposition(|candidate| !candidate.is_good)?;
    (index + 1 >= quorum).then(|| candidates[index])
}

/// Whether a history contains all of `whole`.
fn contains(tree: &Histories, node: Node, whole: Node) -> bool {
    tree.is_prefix(whole, node)
}

impl ZabMonitor {
    /// Judges survivability anew; called whenever something durable or G changed.
    pub(super) fn judge_survival(&mut self, cx: &mut Cx<'_>) {
        if self.committed.len() == 0 {
            return;
        }
        cx.exercise(Property::Survivability);
        let goal = self.committed.tip();
        let mut candidates: Vec<Candidate> = self
            .voters
            .iter()
            .filter_map(|server| {
                let ghost = self.ghost(server)?;
                let recoverable = ghost.recoverable(&self.tree);
                Some(Candidate {
                    current: ghost.current,
                    last: self.tree.zxid(recoverable),
                    server,
                    is_good: ghost.excused || contains(&self.tree, recoverable, goal),
                })
            })
            .collect();
        let threat = threat(&mut candidates, self.quorum());
        if let Some(worst) = threat
            && !self.endangered
        {
            self.report_threat(cx, worst, &candidates);
        }
        self.endangered = threat.is_some();
    }

    fn report_threat(&self, cx: &mut Cx<'_>, worst: Candidate, candidates: &[Candidate]) {
        let mut story = Story::default();
        let goal = self.committed.tip();
        let last = self.tree.zxid(goal);
        self.tell_fate(&mut story, last);
        self.tell_crash(&mut story, worst.server);
        if let Some(at) = self.ghost(worst.server).and_then(|ghost| ghost.dur_since) {
            story.tell(
                at,
                format!(
                    "the disk of server {} came to hold a history that ends at {}",
                    worst.server, worst.last
                ),
            );
        }
        let below: Vec<String> = candidates
            .iter()
            .filter(|candidate| **candidate <= worst)
            .map(|candidate| candidate.server.to_string())
            .collect();
        let conclusion = format!(
            "servers {{{}}} could now elect server {} (epoch {}, history to {}), which lacks committed transactions up to {last}",
            below.join(","),
            worst.server,
            worst.current,
            worst.last,
        );
        cx.violate(ENDANGERED, story, conclusion);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::digest::mix;

    /// Zab.md §11.5 in its plain form: some quorum's best member is bad.
    fn some_quorum_elects_loss(candidates: &[Candidate], quorum: usize) -> bool {
        (0..1_u32 << candidates.len()).any(|members| {
            let chosen = candidates
                .iter()
                .enumerate()
                .filter(|(index, _)| members >> index & 1 == 1)
                .map(|(_, candidate)| candidate);
            members.count_ones() as usize >= quorum
                && chosen.max().is_some_and(|best| !best.is_good)
        })
    }

    #[test]
    fn the_rank_of_the_best_bad_voter_decides_as_all_quorums_do() {
        let mut word = 1_u64;
        let mut draw = |below: u64| {
            word = mix(word.wrapping_add(0x9e37_79b9_7f4a_7c15));
            word % below
        };
        let mut endangered = 0;
        for _ in 0..20_000 {
            let voters = [1, 3, 4, 5, 7, 9][usize::try_from(draw(6)).unwrap()];
            let quorum = voters / 2 + 1;
            let good_in_8 = 1 + draw(8);
            let mut candidates: Vec<Candidate> = (1..=u8::try_from(voters).unwrap())
                .map(|sid| Candidate {
                    current: Epoch(u32::try_from(draw(3)).unwrap()),
                    last: Zxid(draw(4)),
                    server: ServerId(sid),
                    is_good: draw(8) < good_in_8,
                })
                .collect();
            let expected = some_quorum_elects_loss(&candidates, quorum);
            assert_eq!(
                threat(&mut candidates, quorum).is_some(),
                expected,
                "{candidates:?}"
            );
            endangered += u32::from(expected);
        }
        assert!(
            (2_000..18_000).contains(&endangered),
            "{endangered} of 20000 states were endangered"
        );
    }
}
