//! What introductory texts say of ZooKeeper and is not so: claims that a scenario can put to the test by name
//! (teaching.md §13). ZooKeeper keeps none of them, and a run that breaks one shows why.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::evidence;
use super::news::{End, Frequent, News};
use super::verdict::{At, Findings, Monitor, Property, Sentence};
use super::wording::{self, Witness, violation};
use crate::base::id::{ClientId, ServerId, ServerSet};
use crate::base::zxid::Zxid;
use crate::history::fact::{Fact, Role};
use crate::history::op::{ErrorCode, EventKind, Path, Request, Response, Stat, WatchEvent};

/// A one-shot watch, from the read that set it to the next read.
#[derive(Clone, Debug)]
struct Interest {
    stat: Stat,
    read: Arc<Witness>,
    events: Vec<Sentence>,
}

/// Judges the claims.
#[derive(Clone, Debug, Default)]
pub struct ArticleMonitor {
    /// When each change was made by the leader's clock, in order of zxids.
    times: BTreeMap<Zxid, (u64, Arc<Witness>)>,
    /// The last successful write to each znode.
    written: BTreeMap<Path, Arc<Witness>>,
    interests: BTreeMap<(ClientId, Path), Interest>,
    leaders: BTreeMap<ServerId, At>,
    learners: BTreeMap<ServerId, At>,
}

impl ArticleMonitor {
    /// A monitor at the beginning of a run.
    pub fn new() -> Self {
        Self::default()
    }

    fn on_returned(
        &mut self,
        witness: &Arc<Witness>,
        result: Result<&Response, &ErrorCode>,
        findings: &mut Findings,
    ) {
        if let Request::SetData { path, version, .. } = &*witness.request {
            if *version != -1 {
                self.judge_conflict(path, witness, result, findings);
            }
            if result.is_ok() {
                self.written.insert(path.clone(), Arc::clone(witness));
            }
        }
        let Ok(response) = result else { return };
        if let Response::Stat(stat) | Response::PathStat(_, stat) = response {
            self.judge_time(**stat, witness, findings);
        }
        for (path, stat, _) in evidence::seen(&witness.request, response) {
            self.judge_time(stat, witness, findings);
            self.judge_watch(path, stat, witness, findings);
        }
    }

    /// "On a version conflict the newer version wins."
    fn judge_conflict(
        &self,
        path: &Path,
        witness: &Witness,
        result: Result<&Response, &ErrorCode>,
        findings: &mut Findings,
    ) {
        findings.exercise(Property::NewerVersionWins);
        let is_refused = result.is_err_and(|error| *error == ErrorCode::BadVersion);
        let Some(before) = self.written.get(path).filter(|_| is_refused) else {
            return;
        };
        findings.violate(violation(
            Property::NewerVersionWins,
            witness.at(),
            "newer-refused",
            vec![before.sentence()],
            format!(
                "{} came later and is refused with BadVersion: what stood stands",
                witness.name()
            ),
        ));
    }

    /// "Timestamps order what happens."
    fn judge_time(&mut self, stat: Stat, witness: &Arc<Witness>, findings: &mut Findings) {
        let witness = witness.showing(&stat);
        findings.exercise(Property::TimestampOrder);
        let before = self.times.range(..stat.mzxid).next_back();
        let after = self.times.range(stat.mzxid.next()..).next();
        let is_early = before.filter(|(_, (time, _))| *time > stat.mtime);
        let is_late = after.filter(|(_, (time, _))| *time < stat.mtime);
        if let Some((zxid, (time, other))) = is_early.or(is_late) {
            let (first, later) = if *zxid < stat.mzxid {
                ((*zxid, *time), (stat.mzxid, stat.mtime))
            } else {
                ((stat.mzxid, stat.mtime), (*zxid, *time))
            };
            findings.violate(violation(
                Property::TimestampOrder,
                witness.at(),
                "time-went-back",
                vec![other.sentence_with_status(), witness.sentence_with_status()],
                format!(
                    "zxid {} comes after zxid {}, and its time is {} ms earlier: nothing is ordered by it",
                    later.0,
                    first.0,
                    first.1.saturating_sub(later.1)
                ),
            ));
        }
        self.times.insert(stat.mzxid, (stat.mtime, witness));
    }

    /// "A watch fires on every change."
    fn judge_watch(
        &mut self,
        path: &Path,
        stat: Stat,
        witness: &Arc<Witness>,
        findings: &mut Findings,
    ) {
        let read = witness.showing(&stat);
        let key = (witness.client, path.clone());
        if let Some(interest) = self.interests.remove(&key)
            && interest.stat.czxid == stat.czxid
            && !interest.events.is_empty()
        {
            findings.exercise(Property::WatchEveryChange);
            let changes = i64::from(stat.version) - i64::from(interest.stat.version);
            let events = interest.events.len();
            if changes > i64::try_from(events).unwrap_or(i64::MAX) {
                let mut evidence = vec![
                    interest.read.sentence_with_status(),
                    read.sentence_with_status(),
                ];
                evidence.extend(interest.events);
                findings.violate(violation(
                    Property::WatchEveryChange,
                    read.at(),
                    "changes-without-event",
                    evidence,
                    format!("{path} changed {changes} times, and {events} of them fired the watch"),
                ));
            }
        }
        let sets = matches!(
            *witness.request,
            Request::GetData { watch: true, .. } | Request::Exists { watch: true, .. }
        );
        if sets {
            let events = Vec::new();
            self.interests.insert(key, Interest { stat, read, events });
        }
    }

    fn on_event(&mut self, at: At, client: ClientId, event: &WatchEvent) {
        let interest = self.interests.get_mut(&(client, event.path.clone()));
        if let Some(interest) = interest
            && event.kind == EventKind::DataChanged
        {
            interest.events.push(Sentence {
                at,
                text: format!("client {} was told {}", client.0, wording::event(event)),
            });
        }
    }

    /// "There is always exactly one leader."
    fn on_leader(&mut self, at: At, server: ServerId, findings: &mut Findings) {
        findings.exercise(Property::OneLeaderAtATime);
        let other = self.leaders.iter().find(|(other, _)| **other != server);
        if let Some((other, since)) = other {
            let sentence = Sentence {
                at: *since,
                text: format!("server {other} began to lead and has not stopped"),
            };
            findings.violate(violation(
                Property::OneLeaderAtATime,
                at,
                "two-lead",
                vec![sentence],
                format!("server {server} leads, too, in a later epoch"),
            ));
        }
        self.leaders.insert(server, at);
    }

    /// "Learners do not vote."
    fn judge_votes(
        &self,
        at: At,
        (leader, zxid): (ServerId, Zxid),
        acks: ServerSet,
        findings: &mut Findings,
    ) {
        findings.exercise(Property::LearnersDoNotVote);
        let mut learners = self.learners.iter();
        let learner = learners.find(|(server, _)| **server != leader && acks.contains(**server));
        if let Some((learner, since)) = learner {
            let sentence = Sentence {
                at: *since,
                text: format!(
                    "server {learner} acknowledged NEWLEADER: it is a learner from then on"
                ),
            };
            findings.violate(violation(
                Property::LearnersDoNotVote,
                at,
                "learner-counted",
                vec![sentence],
                format!(
                    "leader {leader} commits {zxid} with the votes of {acks}: a follower is a learner that votes"
                ),
            ));
        }
    }
}

impl Monitor for ArticleMonitor {
    fn heeds(&self, kind: Frequent) -> bool {
        matches!(
            kind,
            Frequent::Returned | Frequent::EventReceived | Frequent::CommitDecided
        )
    }

    fn observe(&mut self, news: &News<'_>, findings: &mut Findings) {
        let (at, fact) = (news.at, news.fact);
        if let Some(answered) = news.answered() {
            self.on_returned(answered.witness, answered.result, findings);
        } else if let Fact::EventReceived { client, event, .. } = fact {
            self.on_event(at, *client, event);
        } else if let Fact::Disconnected { client, .. } | Fact::ClientCrashed { client } = fact {
            // What a connection does not tell is another matter.
            self.interests.retain(|(owner, _), _| owner != client);
        } else if let Fact::ServeStart {
            server,
            role: Role::Leader,
            ..
        } = fact
        {
            self.on_leader(at, *server, findings);
        } else if let Fact::NewLeaderAckSent {
            server,
            voter: true,
            ..
        } = fact
        {
            self.learners.insert(*server, at);
        } else if let Fact::RoleEnd { server, .. } | Fact::ServerCrashed { server, .. } = fact {
            self.leaders.remove(server);
            self.learners.remove(server);
        } else if let Fact::CommitDecided {
            server, zxid, acks, ..
        } = fact
        {
            self.judge_votes(at, (*server, *zxid), *acks, findings);
        }
    }

    fn finish(&mut self, _end: &End<'_>, _findings: &mut Findings) {
        // Every claim was judged when it could be.
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::zxid::Epoch;
    use crate::check::script::{
        Script, assert_broken, assert_holds, bytes, create, get, path, set, stat, z,
    };

    fn judge(script: &Script) -> Findings {
        script.judge(&mut ArticleMonitor::new())
    }

    fn timed(zxid: Zxid, version: i32, mtime: u64) -> Stat {
        Stat {
            mtime,
            ..stat(z(1), zxid, version)
        }
    }

    #[test]
    fn a_write_that_comes_later_and_is_refused_refutes_that_the_newer_one_wins() {
        let mut script = Script::new();
        script.did(1, create("/k", "a"), z(1), Response::Path(path("/k")));
        let written = Response::Stat(stat(z(1), z(2), 1).into());
        script.did(1, set("/k", "b", 0), z(2), written);
        assert_holds(&judge(&script), Property::NewerVersionWins);
        script.failed(2, set("/k", "c", 0), z(3), ErrorCode::BadVersion);
        assert_broken(&judge(&script), Property::NewerVersionWins, "newer-refused");
    }

    #[test]
    fn times_that_fall_while_zxids_rise_refute_that_timestamps_order_anything() {
        let written = |second: u64| {
            let mut script = Script::new();
            let first = Response::Stat(timed(z(2), 1, 5_000).into());
            script.did(1, set("/k", "b", 0), z(2), first);
            let later = Response::Stat(timed(z(3), 2, second).into());
            script.did(1, set("/k", "c", 1), z(3), later);
            judge(&script)
        };
        assert_holds(&written(5_000), Property::TimestampOrder);
        assert_broken(&written(4_000), Property::TimestampOrder, "time-went-back");
    }

    #[test]
    fn a_version_that_jumps_over_the_event_refutes_that_a_watch_fires_on_every_change() {
        let read = |version: i32| {
            let mut script = Script::new();
            let shown = Response::Data(bytes("a"), stat(z(1), z(2), 1).into());
            script.did(1, get("/k", true), z(2), shown);
            script.event(1, EventKind::DataChanged, "/k", Some(z(3)));
            let shown = Response::Data(bytes("b"), stat(z(1), z(4), version).into());
            script.did(1, get("/k", true), z(4), shown);
            judge(&script)
        };
        assert_holds(&read(2), Property::WatchEveryChange);
        let jumped = read(3);
        let found = jumped.violations().first().expect("one change is not told");
        assert_eq!(found.signature, "changes-without-event");
    }

    fn leads(script: &mut Script, server: u8) {
        script.fact(Fact::ServeStart {
            server: ServerId(server),
            role: Role::Leader,
            epoch: Epoch(1),
            lineage: crate::base::lineage::Lineage::EMPTY,
            tree: 0,
        });
    }

    #[test]
    fn a_second_leader_before_the_first_has_stopped_refutes_that_there_is_one() {
        let follow = |stops: bool| {
            let mut script = Script::new();
            leads(&mut script, 1);
            if stops {
                script.fact(Fact::RoleEnd {
                    server: ServerId(1),
                    role: Role::Leader,
                    why: "it is cut off".into(),
                });
            }
            leads(&mut script, 2);
            judge(&script)
        };
        assert_holds(&follow(true), Property::OneLeaderAtATime);
        assert_broken(&follow(false), Property::OneLeaderAtATime, "two-lead");
    }

    #[test]
    fn a_followers_ack_that_counts_refutes_that_learners_do_not_vote() {
        let mut script = Script::new();
        script.commit(z(1), crate::base::id::SessionId::NONE, Vec::new());
        assert_holds(&judge(&script), Property::LearnersDoNotVote);
        script.fact(Fact::NewLeaderAckSent {
            server: ServerId(2),
            epoch: Epoch(1),
            voter: true,
        });
        script.commit(z(2), crate::base::id::SessionId::NONE, Vec::new());
        let findings = judge(&script);
        assert_broken(&findings, Property::LearnersDoNotVote, "learner-counted");
    }
}
