//! `convergence` and `answered` (dst.md §6.8): once faults have ceased among a core of servers, every one of the core
//! catches up, and every operation handed in meanwhile has an outcome.
//!
//! The caller names the core, the moment from which nothing disturbs it, and how long recovery may take. Within one such
//! span a leader must be there (`liveness`); what is committed by then is due at every server of the core within a
//! second span, and what clients handed in by then must have been answered, or be known as lost. A server that caught up
//! once has done its duty: that it serves on is not promised. O(log n) per fact.

use std::collections::BTreeMap;

use super::news::{End, Frequent, News};
use super::numbered::ByNumber;
use super::recovery::Recovery;
use super::verdict::{At, Findings, Monitor, Property, Sentence, Violation};
use crate::base::id::{ServerId, ServerSet};
use crate::base::time::{Span, Time};
use crate::base::zxid::{Epoch, Zxid};
use crate::history::fact::Fact;

/// A server that serves.
#[derive(Clone, Copy, Debug)]
struct Service {
    since: At,
    epoch: Epoch,
    delivered: Zxid,
}

/// The monitor.
#[derive(Clone, Debug)]
pub struct ConvergenceMonitor {
    bound: Span,
    /// From when on nothing disturbs the core.
    calm_from: Option<Time>,
    serving: ByNumber<ServerId, Service>,
    /// The newest committed transaction, and the newest that counts as due.
    committed: Zxid,
    due: Zxid,
    /// The epoch established last.
    epoch: Epoch,
    /// The last role that each server lost.
    ended: BTreeMap<ServerId, At>,
    /// Servers of the core that have not caught up yet.
    behind: ServerSet,
    /// Operations that ended after the calm began.
    ended_ops: u64,
    /// Who can recover at all.
    recovery: Recovery,
}

impl ConvergenceMonitor {
    /// A monitor that allows this much time to recover, and as much again to catch up. Servers that refuse to start are
    /// not waited for, and nobody is if no quorum of these voters can run.
    pub fn new(bound: Span, voters: ServerSet) -> Self {
        Self {
            bound,
            calm_from: None,
            serving: ByNumber::default(),
            committed: Zxid::ZERO,
            due: Zxid::ZERO,
            epoch: Epoch(0),
            ended: BTreeMap::new(),
            behind: ServerSet::EMPTY,
            ended_ops: 0,
            recovery: Recovery::of(voters),
        }
    }

    /// From this moment on nothing disturbs the servers of `core` and the clients. Said in advance.
    pub fn calm_from(&mut self, from: Time, core: ServerSet) {
        self.calm_from = Some(from);
        self.behind = core;
        self.recovery.leave(core);
    }

    /// When all must be done; a run that is to be decided must last until then.
    pub fn deadline(&self) -> Option<Time> {
        self.calm_from.map(|from| from + self.bound * 2)
    }

    /// Until when what is committed is due, and what is handed in must be answered.
    fn cutoff(&self) -> Option<Time> {
        self.calm_from.map(|from| from + self.bound)
    }

    fn on_fact(&mut self, at: At, fact: &Fact) {
        if Recovery::heeds(fact) {
            self.recovery.observe(fact);
        }
        if let Fact::ServeStart {
            server,
            epoch,
            lineage,
            ..
        } = fact
        {
            self.epoch = self.epoch.max(*epoch);
            let service = Service {
                since: at,
                epoch: *epoch,
                delivered: lineage.last,
            };
            self.serving.insert(*server, service);
        } else if let Fact::Delivered { server, zxid, .. } = fact {
            if let Some(service) = self.serving.get_mut(*server) {
                service.delivered = *zxid;
            }
        } else if let Fact::RoleEnd { server, .. }
        | Fact::ServerCrashed { server, .. }
        | Fact::Booted { server, .. } = fact
        {
            if self.serving.remove(*server).is_some() {
                self.ended.insert(*server, at);
            }
        } else if let Fact::CommitDecided { zxid, .. } = fact {
            self.committed = self.committed.max(*zxid);
        } else if let Fact::QuorumFormed { lineage, .. } = fact {
            self.committed = self.committed.max(lineage.last);
        } else if let Fact::Returned { .. } | Fact::Lost { .. } = fact {
            self.ended_ops += u64::from(self.calm_from.is_some());
        }
    }

    /// Lets servers go that have caught up.
    fn release(&mut self, findings: &mut Findings) {
        for (server, service) in self.serving.iter_mut() {
            let is_there = service.epoch == self.epoch && service.delivered >= self.due;
            if is_there && self.behind.remove(server) {
                findings.exercise(Property::Convergence);
            }
        }
    }

    fn report_behind(&self, at: At, server: ServerId) -> Violation {
        let mut story = Vec::new();
        let (signature, what) = match self.serving.get(server) {
            None => {
                if let Some(ended) = self.ended.get(&server) {
                    let text = format!("server {server} ceased to serve, and did not serve again");
                    story.push(Sentence { at: *ended, text });
                }
                ("not-serving", format!("server {server} does not serve"))
            }
            Some(service) => {
                let epoch = service.epoch.0;
                let text = format!("server {server} began to serve in epoch {epoch}");
                story.push(Sentence {
                    at: service.since,
                    text,
                });
                let delivered = service.delivered;
                if service.epoch < self.epoch {
                    let newest = self.epoch.0;
                    (
                        "old-epoch",
                        format!(
                            "server {server} serves epoch {epoch}; epoch {newest} is established"
                        ),
                    )
                } else {
                    let due = self.due;
                    (
                        "behind",
                        format!("server {server} has delivered {delivered}; {due} is committed"),
                    )
                }
            }
        };
        let from = self.calm_from.unwrap_or(Time::ZERO);
        let text = format!("{what}, although nothing has disturbed the core since {from}");
        story.push(Sentence { at, text });
        Violation {
            property: Property::Convergence,
            at,
            signature,
            also: &[],
            story,
        }
    }

    fn judge(&mut self, end: &End<'_>, findings: &mut Findings) {
        let at = end.at;
        let (Some(deadline), Some(cutoff)) = (self.deadline(), self.cutoff()) else {
            return;
        };
        if at.time < deadline {
            let why = format!("the run ended at {}; it is judged at {deadline}", at.time);
            findings.leave_undecided(Property::Convergence, why.clone());
            findings.leave_undecided(Property::Answered, why);
            return;
        }
        self.release(findings);
        for server in self.behind.iter() {
            findings.exercise(Property::Convergence);
            match self.recovery.excuse() {
                Some(why) => findings.excuse(Property::Convergence, why),
                None if self.recovery.refuses(server) => {}
                None => findings.violate(self.report_behind(at, server)),
            }
        }
        for _ in 0..self.ended_ops {
            findings.exercise(Property::Answered);
        }
        let mut open = end.under_way.iter();
        if let Some(open) = open.find(|open| open.invoked.time <= cutoff) {
            findings.exercise(Property::Answered);
            let text = format!(
                "{} is still without an answer and without a loss",
                open.name()
            );
            findings.violate(Violation {
                property: Property::Answered,
                at,
                signature: "no-answer",
                also: &[],
                story: vec![open.sentence(), Sentence { at, text }],
            });
        }
    }
}

impl Monitor for ConvergenceMonitor {
    fn heeds(&self, kind: Frequent) -> bool {
        // Once the calm is announced, time matters.
        self.calm_from.is_some() || matches!(kind, Frequent::Delivered | Frequent::CommitDecided)
    }

    fn observe(&mut self, news: &News<'_>, findings: &mut Findings) {
        let (at, fact) = (news.at, news.fact);
        if let Some(cutoff) = self.cutoff() {
            if at.time <= cutoff {
                self.on_fact(at, fact);
                self.due = self.committed;
                return;
            }
            if !self.behind.is_empty() {
                self.release(findings);
            }
        }
        self.on_fact(at, fact);
    }

    fn finish(&mut self, end: &End<'_>, findings: &mut Findings) {
        self.judge(end, findings);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::base::id::{ClientId, EventId};
    use crate::base::lineage::Lineage;
    use crate::check::news::Desk;
    use crate::check::verdict::Verdict;
    use crate::history::fact::{Loss, Role};
    use crate::history::op::Request;

    const BOUND: Span = Span::from_ms(500);

    fn z(counter: u32) -> Zxid {
        Zxid::new(Epoch(1), counter)
    }

    fn serves(server: u8, last: Zxid) -> Fact {
        Fact::ServeStart {
            server: ServerId(server),
            role: Role::Follower,
            epoch: Epoch(1),
            lineage: Lineage {
                last,
                ..Lineage::EMPTY
            },
            tree: 0,
        }
    }

    fn delivered(server: u8, zxid: Zxid) -> Fact {
        Fact::Delivered {
            server: ServerId(server),
            zxid,
            digest: 0,
            tree: 0,
        }
    }

    fn committed(zxid: Zxid) -> Fact {
        Fact::CommitDecided {
            server: ServerId(1),
            zxid,
            epoch: Epoch(1),
            acks: ServerSet::EMPTY,
        }
    }

    fn invoked(op: u64) -> Fact {
        Fact::Invoked {
            client: ClientId(1),
            op,
            session: crate::base::id::SessionId(7),
            request: Arc::new(Request::Sync { path: "/".into() }),
        }
    }

    fn lost(op: u64) -> Fact {
        Fact::Lost {
            client: ClientId(1),
            op,
            session: crate::base::id::SessionId(7),
            loss: Loss::ConnectionLoss,
            sent: true,
        }
    }

    /// Nothing disturbs servers 1 and 2 from 1 s on; what is committed by 1.5 s is due by 2 s.
    fn judge(facts: &[(u64, Fact)], end_ms: u64) -> Findings {
        let mut monitor =
            ConvergenceMonitor::new(BOUND, [1, 2, 3].into_iter().map(ServerId).collect());
        let mut findings = Findings::default();
        monitor.calm_from(
            Time::from_ms(1_000),
            [1, 2].into_iter().map(ServerId).collect(),
        );
        let mut event = 0;
        let mut desk = Desk::default();
        for (ms, fact) in facts {
            event += 1;
            let at = At {
                event: EventId(event),
                time: Time::from_ms(*ms),
            };
            let note = desk.note(at, fact);
            monitor.observe(&note.news(at, fact), &mut findings);
        }
        let at = At {
            event: EventId(event),
            time: Time::from_ms(end_ms),
        };
        monitor.finish(&desk.end(at), &mut findings);
        findings
    }

    fn signature(findings: &Findings) -> Option<&'static str> {
        findings
            .violations()
            .first()
            .map(|violation| violation.signature)
    }

    #[test]
    fn a_core_that_has_delivered_what_was_committed_has_converged() {
        let facts = [
            (10, serves(1, z(0))),
            (20, serves(2, z(0))),
            (1_100, committed(z(3))),
            (1_200, delivered(1, z(3))),
            (1_300, serves(3, z(0))),
            (1_900, delivered(2, z(3))),
            (1_950, committed(z(9))),
        ];
        let findings = judge(&facts, 2_000);
        assert_eq!(findings.verdict(Property::Convergence), Verdict::Holds);
        assert_eq!(
            findings.exercised(Property::Convergence),
            2,
            "server 3 is not of the core"
        );
    }

    #[test]
    fn a_server_of_the_core_that_lags_has_not_converged() {
        let start = [(10, serves(1, z(3))), (1_100, committed(z(3)))];
        assert_eq!(signature(&judge(&start, 2_000)), Some("not-serving"));
        let lags = [start[0].clone(), (20, serves(2, z(1))), start[1].clone()];
        assert_eq!(signature(&judge(&lags, 2_000)), Some("behind"));
        let mut old = serves(1, z(3));
        if let Fact::ServeStart { epoch, .. } = &mut old {
            *epoch = Epoch(2);
        }
        let old = [(10, old), (20, serves(2, z(3))), start[1].clone()];
        assert_eq!(signature(&judge(&old, 2_000)), Some("old-epoch"));
    }

    #[test]
    fn a_server_that_caught_up_once_has_done_its_duty() {
        let end = Fact::RoleEnd {
            server: ServerId(2),
            role: Role::Follower,
            why: "learner-silent".into(),
        };
        let facts = [
            (10, serves(1, z(3))),
            (20, serves(2, z(3))),
            (1_100, committed(z(3))),
            (1_600, committed(z(4))),
            (1_700, end),
        ];
        assert_eq!(
            judge(&facts, 2_000).verdict(Property::Convergence),
            Verdict::Holds
        );
    }

    #[test]
    fn an_operation_without_an_outcome_is_reported_and_a_lost_one_is_not() {
        let core = [(10, serves(1, z(0))), (20, serves(2, z(0)))];
        let with = |more: &[(u64, Fact)]| judge(&[&core, more].concat(), 2_000);
        let findings = with(&[(1_100, invoked(1)), (1_200, lost(1)), (1_900, invoked(2))]);
        assert_eq!(findings.verdict(Property::Answered), Verdict::Holds);
        let findings = with(&[(1_100, invoked(1)), (1_200, lost(1)), (1_300, invoked(2))]);
        assert_eq!(signature(&findings), Some("no-answer"));
    }

    #[test]
    fn a_server_that_refuses_to_start_is_not_waited_for_unless_a_quorum_needs_it() {
        let refused = |server| Fact::BootRefused {
            server: ServerId(server),
            why: "bad checksum".into(),
        };
        let mut facts = vec![
            (10, serves(1, z(3))),
            (20, serves(3, z(3))),
            (1_100, refused(2)),
        ];
        let findings = judge(&facts, 2_000);
        assert_eq!(
            findings.verdict(Property::Convergence),
            Verdict::Excused,
            "the core is 1 and 2"
        );
        facts.push((1_200, serves(2, z(3))));
        assert_eq!(
            judge(&facts, 2_000).verdict(Property::Convergence),
            Verdict::Holds
        );
    }

    #[test]
    fn a_run_that_stops_early_is_undecided() {
        let findings = judge(&[(10, serves(1, z(0)))], 1_999);
        assert_eq!(findings.verdict(Property::Convergence), Verdict::Undecided);
        assert_eq!(findings.verdict(Property::Answered), Verdict::Undecided);
    }
}
