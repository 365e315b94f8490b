//! Bounded liveness (zab.md §16.2, last row): once faults have ceased, a leader emerges and a write is acknowledged.
//!
//! Only the caller knows when a run is free of faults and how long recovery may take, so it gives both. What it does not
//! judge: that *every* server comes back (convergence needs K8); `serving` tells who has. A write can be acknowledged
//! only by a leader: where clients tried none since the last one began, a leader is all that is asked for.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::by_operation::ByOperation;
use super::news::{End, Frequent, News};
use super::recovery::Recovery;
use super::verdict::{At, Findings, Monitor, Property, Sentence, Violation};
use super::wording::Witness;
use crate::base::id::{ServerId, ServerSet};
use crate::base::time::{Span, Time};
use crate::history::fact::{Fact, Role};
use crate::history::op::ErrorCode;

/// A server that serves.
#[derive(Clone, Copy, Debug)]
struct Service {
    role: Role,
    since: At,
}

/// What has been seen since a moment from which the run may be free of faults.
#[derive(Clone, Debug)]
struct Watch {
    from: Time,
    /// When a leader served first.
    led: Option<Time>,
    /// When a write that was handed in since then was answered first.
    answered: Option<Time>,
    first_write: Option<At>,
    /// Writes whose outcome stayed unknown, and the last of them.
    lost: u64,
    last_lost: Option<At>,
    is_judged: bool,
}

impl Watch {
    fn new(from: Time) -> Self {
        Self {
            from,
            led: None,
            answered: None,
            first_write: None,
            lost: 0,
            last_lost: None,
            is_judged: false,
        }
    }
}

/// A write that was answered.
#[derive(Clone, Copy, Debug)]
struct Answered {
    invoked: At,
    returned: Time,
}

/// Judges that a leader and an acknowledged write follow the last fault within a bound.
///
/// Vacuous unless a client hands in a write after the fault-free moment; undecided if the run stops before the bound.
#[derive(Clone, Debug)]
pub struct LivenessMonitor {
    bound: Span,
    /// Since the last fault, or since the moment that the caller named.
    watch: Watch,
    /// The caller has said that the run is free of faults.
    is_calm: bool,
    serving: BTreeMap<ServerId, Service>,
    /// Whether a leader is among them.
    is_led: bool,
    /// Writes that wait for their answer.
    pending: ByOperation<At>,
    /// When a leader last served, if none does now.
    last_led: Option<Time>,
    /// Of the answered writes the one handed in last.
    newest: Option<Answered>,
    /// The last role that ended, for the story.
    last_end: Option<(ServerId, At)>,
    last_fault: Option<At>,
    /// When a leader began to serve last.
    crowned: Option<At>,
    /// The last write ever handed in.
    last_write: Option<At>,
    /// Who can recover at all.
    recovery: Recovery,
}

impl LivenessMonitor {
    /// A monitor that allows this much time after the last fault, unless no quorum of these voters can run.
    pub fn new(bound: Span, voters: ServerSet) -> Self {
        Self {
            bound,
            watch: Watch::new(Time::ZERO),
            is_calm: false,
            serving: BTreeMap::new(),
            is_led: false,
            pending: ByOperation::default(),
            last_led: None,
            newest: None,
            last_end: None,
            last_fault: None,
            crowned: None,
            last_write: None,
            recovery: Recovery::of(voters),
        }
    }

    /// Only these servers are to recover; the others may be gone for good.
    pub fn leave(&mut self, core: ServerSet) {
        self.recovery.leave(core);
    }

    /// From this moment on no fault acts: the last effective one is over, partitions are healed, servers are up. May be
    /// said in advance or afterwards; a fault that acts later after all starts the clock anew.
    pub fn fault_free_from(&mut self, time: Time) {
        self.is_calm = true;
        if self.watch.from < time {
            self.restart(time);
        }
    }

    /// Watches from another moment on, with what is known of the time since then.
    fn restart(&mut self, from: Time) {
        self.watch = Watch::new(from);
        self.watch.led = self.last_led.filter(|led| from <= *led);
        if let Some(newest) = self.newest.filter(|newest| from <= newest.invoked.time) {
            self.watch.answered = Some(newest.returned);
            self.watch.first_write = Some(newest.invoked);
        }
        if let Some(last) = self.last_write.filter(|last| from <= last.time) {
            self.watch.first_write.get_or_insert(last);
        }
    }

    /// When the bound is reached: a run that is to be decided must last until then, with clients that write.
    pub fn deadline(&self) -> Option<Time> {
        self.is_calm.then(|| self.watch.from + self.bound)
    }

    /// Whether the verdict is in: nothing is gained by playing on for liveness.
    pub fn is_settled(&self) -> bool {
        self.is_calm && self.watch.is_judged
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

    /// Whether more than the time of a fact of this kind can matter.
    fn is_of_interest(fact: &Fact) -> bool {
        Recovery::heeds(fact)
            || matches!(
                fact,
                Fact::ServeStart { .. }
                    | Fact::RoleEnd { .. }
                    | Fact::ServerCrashed { .. }
                    | Fact::Booted { .. }
                    | Fact::FaultBegan { .. }
                    | Fact::FaultEnded { .. }
                    | Fact::Invoked { .. }
                    | Fact::Returned { .. }
                    | Fact::Lost { .. }
                    | Fact::ClientCrashed { .. }
            )
    }

    fn on_fact(&mut self, at: At, fact: &Fact, witness: Option<&Arc<Witness>>) {
        if Recovery::heeds(fact) {
            self.recovery.observe(fact);
        }
        if let Fact::ServeStart { server, role, .. } = fact {
            let service = Service {
                role: *role,
                since: at,
            };
            self.serving.insert(*server, service);
            self.is_led = self.has_leader();
            if *role == Role::Leader {
                self.crowned = Some(at);
            }
        } else if let Fact::RoleEnd { server, .. }
        | Fact::ServerCrashed { server, .. }
        | Fact::Booted { server, .. } = fact
        {
            self.on_end(at, *server);
        } else if let Fact::FaultBegan {
            effective: true, ..
        }
        | Fact::FaultEnded { .. } = fact
        {
            self.last_fault = Some(at);
            if self.watch.from < at.time {
                self.restart(at.time);
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
            self.pending.insert((*client, *op), at);
            if self.watch.from <= at.time {
                self.watch.first_write.get_or_insert(at);
            }
        } else if let Fact::Returned {
            client, op, result, ..
        } = fact
            && witness.is_some_and(|witness| witness.request.is_write())
            && let Some(invoked) = self.pending.remove(&(*client, *op))
            && result
                .as_ref()
                .map_or_else(|code| is_answer(*code), |_| true)
        {
            self.on_answer(at, invoked);
        } else if let Fact::Lost { client, op, .. } = fact
            && self.pending.remove(&(*client, *op)).is_some()
        {
            self.watch.lost += 1;
            self.watch.last_lost = Some(at);
        } else if let Fact::ClientCrashed { client } = fact {
            self.pending.forget(*client);
        }
    }

    /// A leader serves at this time.
    fn on_led(&mut self, time: Time) {
        self.last_led = Some(time);
        if self.watch.from <= time {
            self.watch.led.get_or_insert(time);
        }
    }

    /// Whether a write could have been acknowledged: it waits still, or was handed in after the last leader had begun. What
    /// was lost before that proves nothing, if its client tried no other.
    fn is_write_due(&self) -> bool {
        let is_recent = |invoked: &At| self.watch.from <= invoked.time;
        let is_later = |last: &At| {
            self.crowned
                .is_none_or(|crowned| crowned.event <= last.event)
        };
        let last = self.last_write.filter(is_recent);
        self.pending.values().any(is_recent) || last.as_ref().is_some_and(is_later)
    }

    fn on_end(&mut self, at: At, server: ServerId) {
        if self.serving.remove(&server).is_some() {
            self.last_end = Some((server, at));
            if self.is_led {
                // Not every fact until now was shown.
                self.last_led = Some(at.time);
            }
            self.is_led = self.has_leader();
        }
    }

    fn on_answer(&mut self, at: At, invoked: At) {
        if self
            .newest
            .is_none_or(|newest| newest.invoked.event < invoked.event)
        {
            self.newest = Some(Answered {
                invoked,
                returned: at.time,
            });
        }
        if self.watch.from <= invoked.time {
            self.watch.answered.get_or_insert(at.time);
        }
    }

    /// The bound is reached and the promise is not kept.
    fn report(&self, at: At, findings: &mut Findings) {
        let watch = &self.watch;
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
        let in_time =
            |moment: Option<Time>| moment.is_some_and(|moment| moment <= watch.from + self.bound);
        let (signature, what) = if in_time(watch.led) {
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
            also: &[],
            story: story
                .into_iter()
                .skip(surplus)
                .map(|(at, text)| Sentence { at, text })
                .collect(),
        });
    }

    /// Judges if the promise is kept, or if the bound is passed.
    fn judge(&mut self, at: At, is_over: bool, findings: &mut Findings) {
        if !self.is_calm || self.watch.is_judged {
            return;
        }
        let deadline = self.watch.from + self.bound;
        let kept = |moment: Option<Time>| moment.is_some_and(|moment| moment <= deadline);
        let is_led = kept(self.watch.led);
        if is_led && kept(self.watch.answered) {
            self.watch.is_judged = true;
            findings.exercise(Property::Liveness);
        } else if is_over {
            self.watch.is_judged = true;
            let lacks_leader = !is_led && self.last_write.is_some();
            if lacks_leader || self.watch.first_write.is_some() {
                findings.exercise(Property::Liveness);
            }
            if lacks_leader || is_led && self.is_write_due() {
                match self.recovery.excuse() {
                    Some(why) => findings.excuse(Property::Liveness, why),
                    None => self.report(at, findings),
                }
            }
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
    fn heeds(&self, kind: Frequent) -> bool {
        // Time matters from the calm to the verdict. Who leads, and whether a fault acts after all, rare facts tell.
        let is_waiting = self.is_calm && !self.watch.is_judged;
        is_waiting || matches!(kind, Frequent::Invoked | Frequent::Returned)
    }

    fn observe(&mut self, news: &News<'_>, findings: &mut Findings) {
        let (at, fact) = (news.at, news.fact);
        let is_over = self.deadline().is_some_and(|deadline| deadline < at.time);
        if is_over {
            self.judge(at, is_over, findings);
        }
        if Self::is_of_interest(fact) {
            self.on_fact(at, fact, news.witness());
        }
        if self.is_led {
            self.on_led(at.time);
        }
        if self.is_calm {
            self.judge(at, false, findings);
        }
    }

    fn finish(&mut self, end: &End<'_>, findings: &mut Findings) {
        let at = end.at;
        let Some(deadline) = self.deadline() else {
            return;
        };
        self.judge(at, deadline <= at.time, findings);
        if !self.is_settled() && self.last_write.is_some() {
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
    use crate::base::id::{ClientId, EventId, SessionId};
    use crate::base::lineage::Lineage;
    use crate::base::zxid::Epoch;
    use crate::check::news::Desk;
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

    fn end() -> Fact {
        Fact::RoleEnd {
            server: LEADER,
            role: Role::Leader,
            why: "not enough followers".into(),
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

    fn voters() -> ServerSet {
        (1..=3).map(ServerId).collect()
    }

    #[test]
    fn an_ensemble_that_cannot_have_a_quorum_is_excused() {
        let refused = |server| Fact::BootRefused {
            server: ServerId(server),
            why: "bad checksum".into(),
        };
        let facts = [(900, refused(1)), (950, refused(2)), (1_100, write(1))];
        let findings = judge(&facts, 1_600);
        assert_eq!(findings.verdict(Property::Liveness), Verdict::Excused);
        assert!(
            findings
                .why(Property::Liveness)
                .is_some_and(|why| why.contains("1 of 3 voters"))
        );
        let one = [facts[0].clone(), facts[2].clone()];
        assert_eq!(signature(&judge(&one, 1_600)), Some("no-leader"));
    }

    /// Plays facts at their milliseconds, free of faults from 1000 on, with a bound of 500 ms.
    fn judge(facts: &[(u64, Fact)], end_ms: u64) -> Findings {
        let mut monitor = LivenessMonitor::new(Span::from_ms(500), voters());
        monitor.fault_free_from(Time::from_ms(1_000));
        let (mut desk, mut findings) = (Desk::default(), Findings::default());
        for (ms, fact) in facts {
            let note = desk.note(at(*ms), fact);
            monitor.observe(&note.news(at(*ms), fact), &mut findings);
        }
        monitor.finish(&desk.end(at(end_ms)), &mut findings);
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
    fn a_write_that_was_lost_before_there_was_a_leader_asks_for_the_leader_only() {
        let mut facts = vec![(1_100, write(1)), (1_200, lost(1)), (1_300, lead())];
        let findings = judge(&facts, 2_000);
        assert_eq!(findings.verdict(Property::Liveness), Verdict::Holds);
        let led_before = [(10, lead()), (1_010, end())].into_iter();
        let again: Vec<_> = led_before.chain(facts.clone()).collect();
        let findings = judge(&again, 2_000);
        assert_eq!(findings.verdict(Property::Liveness), Verdict::Holds);
        facts.extend([(1_350, write(2)), (1_400, lost(2))]);
        let findings = judge(&facts, 2_000);
        assert_eq!(signature(&findings), Some("no-write-acknowledged"));
        let leaderless = judge(&facts[..2], 2_000);
        assert_eq!(signature(&leaderless), Some("no-leader"));
    }

    #[test]
    fn a_write_that_still_waits_for_the_leader_that_came_is_due() {
        let facts = [(1_100, write(1)), (1_300, lead())];
        let findings = judge(&facts, 2_000);
        assert_eq!(signature(&findings), Some("no-write-acknowledged"));
        let crash = Fact::ClientCrashed {
            client: ClientId(1),
        };
        let facts = [(1_100, write(1)), (1_200, crash), (1_300, lead())];
        let findings = judge(&facts, 2_000);
        assert_eq!(findings.verdict(Property::Liveness), Verdict::Holds);
    }

    #[test]
    fn writes_that_are_lost_after_the_last_leader_went_are_missed() {
        let facts = [
            (1_010, lead()),
            (1_050, end()),
            (1_100, write(1)),
            (1_200, lost(1)),
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
    fn the_caller_may_say_afterwards_that_the_run_was_free_of_faults() {
        let fault = Fact::FaultEnded { index: 0 };
        let facts = [
            (10, lead()),
            (20, write(1)),
            (30, ok(1)),
            (1_000, fault),
            (1_100, write(2)),
            (1_200, ok(2)),
        ];
        for (count, expected) in [(6, Verdict::Holds), (5, Verdict::Violated)] {
            let mut monitor = LivenessMonitor::new(Span::from_ms(500), voters());
            let (mut desk, mut findings) = (Desk::default(), Findings::default());
            for (ms, fact) in &facts[..count] {
                let note = desk.note(at(*ms), fact);
                monitor.observe(&note.news(at(*ms), fact), &mut findings);
            }
            assert!(!monitor.is_settled());
            monitor.fault_free_from(Time::from_ms(1_000));
            monitor.finish(&desk.end(at(2_000)), &mut findings);
            assert_eq!(findings.verdict(Property::Liveness), expected);
        }
    }

    #[test]
    fn a_fault_that_acts_later_starts_the_clock_anew() {
        let fault = Fact::FaultBegan {
            index: 0,
            effective: true,
            targets: Vec::new(),
            why: None,
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
