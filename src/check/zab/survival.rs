//! Survivability (S13, zab.md §11.5): data loss is reported when it becomes possible, usually long before a client sees it.
//!
//! Voters are ranked as an election ranks them, by what boot would recover. A voter is good iff that contains G. Let b be
//! the best bad voter: a quorum that elects a bad voter exists iff at least a quorum's worth of voters rank at or below b.

use super::ZabMonitor;
use super::ghost::Ghost;
use super::histories::Node;
use super::story::{Claim, Cx, Story, claim};
use crate::base::id::{ServerId, ServerSet};
use crate::base::zxid::{Epoch, Zxid};
use crate::check::verdict::Property;

const ENDANGERED: Claim = claim(Property::Survivability, "a-quorum-can-elect-loss");

/// A voter as an election sees it (zab.md §2.2), and whether it holds G.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Candidate {
    current: Epoch,
    last: Zxid,
    server: ServerId,
    is_good: bool,
}

/// The best candidate that lacks something committed and can win a quorum; `None` if every quorum elects a good one.
fn threat(candidates: &[Candidate], quorum: usize) -> Option<Candidate> {
    let bad = candidates.iter().filter(|candidate| !candidate.is_good);
    let worst = *bad.max()?;
    let below = candidates.iter().filter(|candidate| **candidate <= worst);
    (below.count() >= quorum).then_some(worst)
}

impl ZabMonitor {
    /// Judges survivability anew; called whenever something durable or G changed.
    pub(super) fn judge_survival(&mut self, cx: &mut Cx<'_>) {
        if self.committed.len() == 0 {
            return;
        }
        cx.exercise(Property::Survivability);
        let mut candidates = std::mem::take(&mut self.candidates);
        for server in self.voters.iter() {
            if let Some(candidate) = self.candidate(server) {
                candidates.push(candidate);
            }
        }
        let threat = threat(&candidates, self.quorum());
        if let Some(worst) = threat
            && !self.endangered
        {
            self.report_threat(cx, worst, &candidates);
        }
        self.endangered = threat.is_some();
        candidates.clear();
        self.candidates = candidates;
    }

    /// Judges survivability after a server forced more, having had a disk from which boot would recover `before`.
    ///
    /// A voter that now holds G and ranks no lower than before can endanger nothing: no bad voter outranks more voters for it.
    pub(super) fn judge_survival_after_force(
        &mut self,
        cx: &mut Cx<'_>,
        server: ServerId,
        before: Node,
    ) {
        let is_harmless = !self.endangered
            && self.tree.is_whole()
            && self.ghost(server).is_some_and(|ghost| {
                let now = ghost.recoverable(&self.tree);
                self.is_good(ghost, now) && self.tree.zxid(now) >= self.tree.zxid(before)
            });
        if !is_harmless {
            self.judge_survival(cx);
        } else if self.committed.len() > 0 {
            cx.exercise(Property::Survivability);
        }
    }

    /// A server as an election sees it now.
    #[inline]
    fn candidate(&self, server: ServerId) -> Option<Candidate> {
        let ghost = self.ghost(server)?;
        let recoverable = ghost.recoverable(&self.tree);
        Some(Candidate {
            current: ghost.current,
            last: self.tree.zxid(recoverable),
            server,
            is_good: self.is_good(ghost, recoverable),
        })
    }

    /// Whether a server of which boot would recover this holds G.
    #[inline]
    fn is_good(&self, ghost: &Ghost, recoverable: Node) -> bool {
        ghost.excused || self.tree.is_prefix(self.committed.tip(), recoverable)
    }

    #[cold]
    fn report_threat(&self, cx: &mut Cx<'_>, worst: Candidate, candidates: &[Candidate]) {
        let mut story = Story::default();
        let goal = self.committed.tip();
        let last = self.tree.zxid(goal);
        self.tell_fate(&mut story, last);
        self.tell_crash(&mut story, worst.server);
        self.tell_durable(&mut story, worst.server);
        let below: ServerSet = candidates
            .iter()
            .filter(|candidate| **candidate <= worst)
            .map(|candidate| candidate.server)
            .collect();
        if let Some(current) = self
            .ghost(worst.server)
            .and_then(|ghost| ghost.highest_current)
        {
            story.tell(
                current.at,
                format!(
                    "currentEpoch {} became durable at server {}",
                    current.value, worst.server
                ),
            );
        }
        let end = match worst.last {
            Zxid::ZERO => "an empty history".to_owned(),
            last => format!("a history to {last}"),
        };
        let conclusion = format!(
            "servers {below} could now elect server {} (epoch {}, {end}), which does not hold everything committed up to {last}",
            worst.server, worst.current,
        );
        cx.violate(ENDANGERED, story, conclusion);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::digest::mix;
    use crate::base::id::EventId;
    use crate::base::lineage::Lineage;
    use crate::base::time::Time;
    use crate::check::verdict::{At, Findings};
    use crate::check::zab::deliveries::Step;
    use crate::check::zab::histories::ROOT;

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

    struct Draw(u64);

    impl Draw {
        fn below(&mut self, bound: u64) -> u64 {
            self.0 = mix(self.0.wrapping_add(0x9e37_79b9_7f4a_7c15));
            self.0 % bound
        }
    }

    #[test]
    fn the_rank_of_the_best_bad_voter_decides_as_all_quorums_do() {
        let mut draw = Draw(1);
        let mut endangered = 0;
        for _ in 0..20_000 {
            let voters = [1, 3, 4, 5, 7, 9][usize::try_from(draw.below(6)).unwrap()];
            let quorum = voters / 2 + 1;
            let good_in_8 = 1 + draw.below(8);
            let candidates: Vec<Candidate> = (1..=u8::try_from(voters).unwrap())
                .map(|sid| Candidate {
                    current: Epoch(u32::try_from(draw.below(3)).unwrap()),
                    last: Zxid(draw.below(4)),
                    server: ServerId(sid),
                    is_good: draw.below(8) < good_in_8,
                })
                .collect();
            let expected = some_quorum_elects_loss(&candidates, quorum);
            assert_eq!(
                threat(&candidates, quorum).is_some(),
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

    /// A disk as plain lists, and what zab.md §16.2 says of it.
    #[derive(Clone, Debug)]
    struct Disk {
        history: Vec<(Zxid, u64)>,
        current: Epoch,
    }

    impl Disk {
        /// Epochs never decrease, contents differ between branches.
        fn draw(draw: &mut Draw) -> Self {
            let mut history = Vec::new();
            let mut last = Zxid::ZERO;
            for _ in 0..draw.below(5) {
                last = if last == Zxid::ZERO || draw.below(3) == 0 {
                    Zxid::new(last.epoch().next(), 1)
                } else {
                    last.next()
                };
                history.push((last, draw.below(10) / 9));
            }
            let current = Epoch(u32::try_from(draw.below(4)).unwrap());
            Self { history, current }
        }

        fn recovered(&self) -> &[(Zxid, u64)] {
            let kept = self
                .history
                .iter()
                .take_while(|(zxid, _)| zxid.epoch() <= self.current)
                .count();
            &self.history[..kept]
        }
    }

    fn plain_candidate(sid: u8, disk: &Disk, committed: &[(Zxid, u64)]) -> Candidate {
        Candidate {
            current: disk.current,
            last: disk
                .recovered()
                .last()
                .map_or(Zxid::ZERO, |(zxid, _)| *zxid),
            server: ServerId(sid),
            is_good: disk.recovered().starts_with(committed),
        }
    }

    #[test]
    fn the_monitor_agrees_with_plain_lists_and_all_quorums() {
        let mut draw = Draw(2);
        let mut endangered = 0;
        for round in 0..5_000 {
            let voters = [1, 3, 4, 5][usize::try_from(draw.below(4)).unwrap()];
            let voter_set = (1..=voters).map(ServerId).collect();
            let mut monitor = ZabMonitor::new(voter_set);
            let grow = |monitor: &mut ZabMonitor, history: &[(Zxid, u64)]| {
                history.iter().fold(ROOT, |node, (zxid, digest)| {
                    monitor.tree.grow(node, *zxid, *digest)
                })
            };
            let committed = Disk::draw(&mut draw).history;
            let node = grow(&mut monitor, &committed);
            monitor.committed.extend(&monitor.tree, node);
            let mut candidates = Vec::new();
            for sid in 1..=voters {
                let mut disk = Disk::draw(&mut draw);
                if draw.below(3) > 0 {
                    disk.history = committed.clone();
                }
                let node = grow(&mut monitor, &disk.history);
                let ghost = monitor.ghost_mut(ServerId(sid));
                ghost.dur = node;
                ghost.current = disk.current;
                candidates.push(plain_candidate(sid, &disk, &committed));
            }
            let expected = !committed.is_empty()
                && some_quorum_elects_loss(&candidates, usize::from(voters / 2 + 1));
            let at = At {
                event: EventId(round),
                time: Time::ZERO,
            };
            let mut findings = Findings::default();
            monitor.judge_survival(&mut Cx {
                at,
                findings: &mut findings,
            });
            assert_eq!(
                !findings.violations().is_empty(),
                expected,
                "{candidates:?} {committed:?}"
            );
            endangered += u32::from(expected);
        }
        assert!(
            (500..4_500).contains(&endangered),
            "{endangered} of 5000 states were endangered"
        );
    }

    /// The next transaction after a history, or the first of a later epoch, or of an earlier one as it must not be; with one of
    /// two contents.
    fn draw_step(draw: &mut Draw, last: Zxid) -> Step {
        let zxid = match draw.below(8) {
            0 => Zxid::new(last.epoch().next(), 1),
            1 if last.epoch() > Epoch(1) => Zxid::new(Epoch(1), 7),
            _ if last == Zxid::ZERO => Zxid::new(Epoch(1), 1),
            _ => last.next(),
        };
        Step::new(zxid, draw.below(8) / 7)
    }

    /// Something happens to a server or to G, as facts would make it happen, and survivability is judged.
    fn play_something(monitor: &mut ZabMonitor, cx: &mut Cx<'_>, draw: &mut Draw, voters: u64) {
        let server = ServerId(u8::try_from(1 + draw.below(voters)).unwrap());
        let dur = monitor.ghost_mut(server).dur;
        match draw.below(12) {
            // G grows to what a server holds.
            0..=3 if monitor.tree.is_prefix(monitor.committed.tip(), dur) => {
                monitor.committed.extend(&monitor.tree, dur);
            }
            4 => {
                let epoch = Epoch(u32::try_from(draw.below(4)).unwrap());
                monitor.set_current(cx, server, epoch);
            }
            // A disk holds what another one does, or what nobody was seen to append.
            5 => {
                let other = ServerId(u8::try_from(1 + draw.below(voters)).unwrap());
                let node = monitor.ghost_mut(other).dur;
                let mut lineage = monitor.tree.lineage(node);
                for _ in 0..draw.below(3) {
                    let step = draw_step(draw, lineage.last);
                    lineage = lineage.push(step.zxid, step.digest);
                }
                monitor.on_disk_truncated(cx, server, lineage);
            }
            6 if draw.below(4) == 0 => monitor.excuse(server),
            _ => return,
        }
        monitor.judge_survival(cx);
    }

    #[test]
    fn a_force_endangers_what_the_plain_judgement_says_it_does() {
        let mut draw = Draw(3);
        let (mut endangered, mut spared) = (0, 0);
        for round in 0..3_000 {
            let voters = [1, 3, 4, 5][usize::try_from(draw.below(4)).unwrap()];
            let set = (1..=u8::try_from(voters).unwrap()).map(ServerId);
            let mut monitor = ZabMonitor::new(set.collect());
            let at = At {
                event: EventId(round),
                time: Time::ZERO,
            };
            let mut findings = Findings::default();
            let (mut judged, mut plainly) = (Findings::default(), Findings::default());
            for server in monitor.voters.iter() {
                monitor.ghost_mut(server).current = Epoch(3);
            }
            for _ in 0..40 {
                let findings = &mut findings;
                let cx = &mut Cx { at, findings };
                play_something(&mut monitor, cx, &mut draw, voters);
                let [server, forcing] =
                    [(); 2].map(|()| ServerId(u8::try_from(1 + draw.below(voters)).unwrap()));
                for _ in 0..draw.below(3) {
                    let log = monitor.ghost_mut(server).log;
                    let step = draw_step(&mut draw, monitor.tree.zxid(log));
                    monitor.on_appended(cx, server, step);
                }
                let everything = Zxid(u64::MAX);
                let mut plain = monitor.clone();
                let findings = &mut judged;
                monitor.on_durable(&mut Cx { at, findings }, forcing, everything);
                let findings = &mut plainly;
                let ghost = plain.servers.of_mut(forcing);
                ghost.force(&plain.tree, everything, at);
                plain.judge_survival(&mut Cx { at, findings });
                assert_eq!(monitor.endangered, plain.endangered);
                assert_eq!(judged.violations(), plainly.violations());
                let [one, other] =
                    [&judged, &plainly].map(|found| found.exercised(Property::Survivability));
                assert_eq!(one, other);
                endangered += u32::from(plain.endangered);
                spared += u32::from(one > 0 && !plain.endangered);
            }
        }
        assert!(
            endangered > 10_000 && spared > 10_000,
            "{endangered} {spared}"
        );
    }

    /// A disk of which nothing could be recovered, because nobody knew what it holds, becomes a threat when somebody else is seen to
    /// grow the same history: what is judged next tells it.
    #[test]
    fn a_force_tells_what_became_known_of_another_disk() {
        let mut monitor = ZabMonitor::new((1..=3).map(ServerId).collect());
        let at = At {
            event: EventId(1),
            time: Time::ZERO,
        };
        let mut findings = Findings::default();
        let cx = &mut Cx {
            at,
            findings: &mut findings,
        };
        let first = Zxid::new(Epoch(1), 1);
        for server in [1, 2, 3].map(ServerId) {
            monitor.ghost_mut(server).current = Epoch(1);
        }
        for server in [1, 2].map(ServerId) {
            monitor.on_appended(cx, server, Step::new(first, 0));
            monitor.on_durable(cx, server, first);
        }
        let dur = monitor.ghost_mut(ServerId(1)).dur;
        monitor.committed.extend(&monitor.tree, dur);
        let other = [
            Step::new(first, 5),
            Step::new(first.next(), 5),
            Step::new(Zxid::new(Epoch(2), 1), 5),
        ];
        let lineage = other.iter().fold(Lineage::EMPTY, |lineage, step| {
            lineage.push(step.zxid, step.digest)
        });
        monitor.on_disk_truncated(cx, ServerId(3), lineage);
        assert!(!monitor.endangered);
        for step in other {
            monitor.on_appended(cx, ServerId(4), step);
        }
        monitor.on_appended(cx, ServerId(1), Step::new(first.next(), 0));
        monitor.on_durable(cx, ServerId(1), first.next());
        assert!(monitor.endangered);
    }
}
