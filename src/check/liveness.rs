//! Bounded liveness (zab.md §16.2, last row): once faults have ceased, a leader emerges and a write is acknowledged.
//!
//! Only the caller knows when a run is free of faults and how long recovery may take, so it gives both. What it does not
//! judge: that *every* server comes back (convergence needs K8); `serving` tells who has.

use std::collections::BTreeMap;

use super::verdict::{At, Findings, Monitor, Property, Sentence, Violation};
use crate::base::id::{ClientId, ServerId, ServerSet};
use crate::base::time::{Span, Time};
use crate::history::fact::{Fact, Role};
use crate::history::op::ErrorCode;

/// A server that serves.
#[derive(Clone, Copy, Debug)]
struct Service {
    role: Role,
    since: At,
}

/// What has been seen since the moment from which the run is free of faults.
#[derive(Clone, Debug)]
struct Watch {
    from: Time,
    /// Some leader served.
    led: bool,
    /// Writes invoked since then and not answered.
    pending: BTreeMap<(ClientId, u64), At>,
    first_write: Option<At>,
    /// Writes whose outcome stayed unknown, and the last of them.
    lost: u64,
    last_lost: Option<At>,
    is_judged: bool,
}

/// Judges that a leader and an acknowledged write follow the last fault within a bound.
///
/// Vacuous unless a client hands in a write after the fault-free moment; undecided if the run stops before the bound.
#[derive(Clone, Debug)]
pub struct LivenessMonitor {
    bound: Span,
    watch: Option<Watch>,
    serving: BTreeMap<ServerId, Service>,
    /// The last role that ended, for the story.
    last_end: Option<(ServerId, At)>,
    last_fault: Option<At>,
    /// The last write ever handed in.
    last_write: Option<At>,
}

impl LivenessMonitor {
    /// A monitor that allows this much time after the last fault.
    pub fn new(bound: Span) -> Self {
        Self {
            bound,
            watch: None,
            serving: BTreeMap::new(),
            last_end: None,
            last_fault: None,
            last_write: None,
        }
    }

    /// From this moment on no fault acts: the last effective one is over, partitions are healed, servers are up. A later
    /// call, or a fault that acts after all, starts the clock anew.
    pub fn fault_free_from(&mut self, time: Time) {
        if self.watch.as_ref().is_none_or(|watch| watch.from < time) {
            self.watch = Some(Watch {
                from: time,
                led: false,
                pending: BTreeMap::new(),
                first_write: None,
                lost: 0,
                last_lost: None,
                is_judged: false,
            });
        }
    }

    /// When the bound is reached: a run that is to be decided must last until then, with clients that write.
    pub fn deadline(&self) -> Option<Time> {
        self.watch.as_ref().map(|watch| watch.from + self.bound)
    }

    /// Whether the verdict is in: nothing is gained by playing on for liveness.
    pub fn is_settled(&self) -> bool {
        self.watch.as_ref().is_some_and(|watch| watch.is_judged)
    }

    /// The servers that serve now.
    pub fn serving(&self) -> ServerSet {
        self.serving.keys().copied().collect()
    }

    fn has_leader(&self) -> bool {
        self.serving
            .values()
            .any(|service| service.role == Role::Leader)
    }

    fn on_fact(&mut self, at: At, fact: &Fact) -> Option<(ClientId, u64)> {
        if let Fact::ServeStart { server, role, .. } = fact {
            self.serving.insert(
                *server,
                Service {
                    role: *role,
                    since: at,
                },
            );
        } else if let Fact::RoleEnd { server, .. }
        | Fact::ServerCrashed { server, .. }
        | Fact::Booted { server, .. } = fact
        {
            if self.serving.remove(server).is_some() {
                self.last_end = Some((*server, at));
            }
        } else if let Fact::FaultBegan {
            effective: true, ..
        }
        | Fact::FaultEnded { .. } = fact
        {
            self.last_fault = Some(at);
            if self
                .watch
                .as_ref()
                .is_some_and(|watch| watch.from < at.time)
            {
                self.fault_free_from(at.time);
            }
        } else if let Fact::Invoked {
            client,
            op,
            request,
            ..
        } = fact
            && request.is_write()
        {
            self.last_write = Some(at);
            if let Some(watch) = self.watch.as_mut().filter(|watch| watch.from <= at.time) {
                watch.first_write.get_or_insert(at);
                watch.pending.insert((*client, *op), at);
            }
        } else if let Fact::Returned {
            client, op, result, ..
        } = fact
        {
            let answered = result
                .as_ref()
                .map_or_else(|code| is_answer(*code), |_| true);
            return answered.then_some((*client, *op));
        } else if let Fact::Lost { client, op, .. } = fact
            && let Some(watch) = self.watch.as_mut()
            && watch.pending.remove(&(*client, *op)).is_some()
        {
            watch.lost += 1;
            watch.last_lost = Some(at);
        }
        None
    }

    /// The bound is reached and the promise is not kept.
    fn report(&self, at: At, watch: &Watch, findings: &mut Findings) {
        let mut story = Vec::new();
        if let Some(fault) = self.last_fault {
            story.push((fault, "the last fault acted or ended".to_owned()));
        }
        if let Some((server, end)) = self.last_end {
            story.push((end, format!("server {server} ceased to serve")));
        }
        for (server, service) in &self.serving {
            let role = match service.role {
                Role::Leader => "leader",
                Role::Follower => "follower",
                Role::Observer => "observer",
            };
            story.push((
                service.since,
                format!("server {server} began to serve as {role}"),
            ));
        }
        if let Some(first) = watch.first_write {
            story.push((first, "the first write since was handed in".to_owned()));
        }
        if let Some(lost) = watch.last_lost {
            story.push((
                lost,
                format!("write number {} was lost to its client", watch.lost),
            ));
        }
        story.sort_by_key(|(at, _)| at.event);
        let surplus = story.len().saturating_sub(4);
        let (signature, what) = if watch.led {
            ("no-write-acknowledged", "no write has been acknowledged")
        } else {
            ("no-leader", "no leader has been established")
        };
        let conclusion = format!(
            "{what} within {} after {}, when the last fault was over",
            self.bound, watch.from
        );
        story.push((at, conclusion));
        findings.violate(Violation {
            property: Property::Liveness,
            at,
            signature,
            story: story
                .into_iter()
                .skip(surplus)
                .map(|(at, text)| Sentence { at, text })
                .collect(),
        });
    }

    /// Judges if the bound is passed.
    fn judge_deadline(&mut self, at: At, findings: &mut Findings) {
        let Some(watch) = self.watch.as_mut().filter(|watch| !watch.is_judged) else {
            return;
        };
        watch.is_judged = true;
        let watch = watch.clone();
        let wants_leader = !watch.led && self.last_write.is_some();
        if wants_leader || watch.first_write.is_some() {
            findings.exercise(Property::Liveness);
            self.report(at, &watch, findings);
        }
    }
}

/// Whether an error is the outcome of a write, and not a refusal to take it.
fn is_answer(code: ErrorCode) -> bool {
    match code {
        ErrorCode::NoNode
        | ErrorCode::BadVersion
        | ErrorCode::NoChildrenForEphemerals
        | ErrorCode::NodeExists
        | ErrorCode::NotEmpty => true,
        ErrorCode::Ok
        | ErrorCode::SystemError
        | ErrorCode::RuntimeInconsistency
        | ErrorCode::ConnectionLoss
        | ErrorCode::MarshallingError
        | ErrorCode::Unimplemented
        | ErrorCode::OperationTimeout
        | ErrorCode::BadArguments
        | ErrorCode::UnknownSession
        | ErrorCode::NoAuth
        | ErrorCode::SessionExpired
        | ErrorCode::InvalidAcl
        | ErrorCode::AuthFailed
        | ErrorCode::SessionMoved
        | ErrorCode::NoWatcher
        | ErrorCode::QuotaExceeded => false,
    }
}

impl Monitor for LivenessMonitor {
    fn observe(&mut self, at: At, fact: &Fact, findings: &mut Findings) {
        if self.deadline().is_some_and(|deadline| deadline < at.time) {
            self.judge_deadline(at, findings);
        }
        let answered = self.on_fact(at, fact);
        let has_leader = self.has_leader();
        let Some(watch) = self.watch.as_mut().filter(|watch| watch.from <= at.time) else {
            return;
        };
        watch.led |= has_leader;
        let acknowledged = answered.is_some_and(|op| watch.pending.remove(&op).is_some());
        if acknowledged && watch.led && !watch.is_judged {
            watch.is_judged = true;
            findings.exercise(Property::Liveness);
        }
    }

    fn finish(&mut self, at: At, findings: &mut Findings) {
        let Some(deadline) = self.deadline() else {
            return;
        };
        if deadline <= at.time {
            self.judge_deadline(at, findings);
        } else if !self.is_settled() && self.last_write.is_some() {
            let why = format!(
                "the run stopped at {}, before the bound {deadline}",
                at.time
            );
            findings.leave_undecided(Property::Liveness, why);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::base::id::{EventId, SessionId};
    use crate::base::lineage::Lineage;
    use crate::base::zxid::Epoch;
    use crate::check::verdict::Verdict;
    use crate::history::fact::Loss;
    use crate::history::op::{Request, Response};

    const LEADER: ServerId = ServerId(1);

    fn at(ms: u64) -> At {
        At {
            event: EventId(ms),
            time: Time::from_ms(ms),
        }
    }

    fn lead() -> Fact {
        Fact::ServeStart {
            server: LEADER,
            role: Role::Leader,
            epoch: Epoch(1),
            lineage: Lineage::EMPTY,
            tree: 0,
        }
    }

    fn write(op: u64) -> Fact {
        Fact::Invoked {
            client: ClientId(1),
            op,
            session: SessionId(1),
            request: Arc::new(Request::SetData {
                path: "/a".into(),
                data: None,
                version: -1,
            }),
        }
    }

    fn answer(op: u64, result: Result<Response, ErrorCode>) -> Fact {
        Fact::Returned {
            client: ClientId(1),
            op,
            session: SessionId(1),
            conn: 1,
            zxid: None,
            result,
        }
    }

    fn ok(op: u64) -> Fact {
        answer(op, Ok(Response::Empty))
    }

    fn lost(op: u64) -> Fact {
        Fact::Lost {
            client: ClientId(1),
            op,
            session: SessionId(1),
            loss: Loss::ConnectionLoss,
            sent: true,
        }
    }

    /// Plays facts at their milliseconds, free of faults from 1000 on, with a bound of 500 ms.
    fn judge(facts: &[(u64, Fact)], end_ms: u64) -> Findings {
        let mut monitor = LivenessMonitor::new(Span::from_ms(500));
        monitor.fault_free_from(Time::from_ms(1_000));
        let mut findings = Findings::default();
        for (ms, fact) in facts {
            monitor.observe(at(*ms), fact, &mut findings);
        }
        monitor.finish(at(end_ms), &mut findings);
        findings
    }

    fn signature(findings: &Findings) -> Option<&'static str> {
        findings.violations().first().map(|found| found.signature)
    }

    #[test]
    fn a_leader_that_still_serves_and_an_acknowledged_write_satisfy_it() {
        let findings = judge(&[(10, lead()), (1_100, write(1)), (1_200, ok(1))], 2_000);
        assert_eq!(findings.verdict(Property::Liveness), Verdict::Holds);
    }

    #[test]
    fn a_failed_conditional_write_is_an_acknowledgement() {
        let facts = [
            (1_050, lead()),
            (1_100, write(1)),
            (1_200, answer(1, Err(ErrorCode::BadVersion))),
        ];
        let findings = judge(&facts, 2_000);
        assert_eq!(findings.verdict(Property::Liveness), Verdict::Holds);
    }

    #[test]
    fn without_a_leader_within_the_bound_it_is_violated() {
        let crash = Fact::ServerCrashed {
            server: LEADER,
            power: false,
            code: None,
        };
        let facts = [
            (10, lead()),
            (900, crash),
            (1_100, write(1)),
            (1_600, lead()),
            (1_700, ok(1)),
        ];
        let findings = judge(&facts, 2_000);
        assert_eq!(signature(&findings), Some("no-leader"));
    }

    #[test]
    fn a_write_from_before_the_fault_free_moment_does_not_count() {
        let facts = [
            (10, lead()),
            (900, write(1)),
            (1_100, write(2)),
            (1_200, ok(1)),
            (1_300, lost(2)),
        ];
        let findings = judge(&facts, 2_000);
        assert_eq!(signature(&findings), Some("no-write-acknowledged"));
    }

    #[test]
    fn a_refused_write_is_no_acknowledgement() {
        let facts = [
            (10, lead()),
            (1_100, write(1)),
            (1_200, answer(1, Err(ErrorCode::SessionExpired))),
        ];
        let findings = judge(&facts, 1_500);
        assert_eq!(signature(&findings), Some("no-write-acknowledged"));
    }

    #[test]
    fn a_run_that_stops_before_the_bound_is_undecided() {
        let findings = judge(&[(10, lead()), (1_100, write(1))], 1_400);
        assert_eq!(findings.verdict(Property::Liveness), Verdict::Undecided);
    }

    #[test]
    fn without_a_client_that_writes_it_is_vacuous() {
        let findings = judge(&[(10, lead())], 2_000);
        assert_eq!(findings.verdict(Property::Liveness), Verdict::Vacuous);
    }

    #[test]
    fn a_fault_that_acts_later_starts_the_clock_anew() {
        let fault = Fact::FaultBegan {
            index: 0,
            effective: true,
        };
        let facts = [
            (10, lead()),
            (1_300, fault),
            (1_700, write(1)),
            (1_750, ok(1)),
        ];
        let findings = judge(&facts, 2_000);
        assert_eq!(findings.verdict(Property::Liveness), Verdict::Holds);
        let stopped = judge(&facts[..3], 1_790);
        assert_eq!(stopped.verdict(Property::Liveness), Verdict::Undecided);
    }
}
