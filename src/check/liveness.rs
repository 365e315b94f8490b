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
mod tests;
