//! Claims that ZooKeeper does not make, and people believe: `linearizable-reads` (a read sees every write that was over
//! before it began) and `sync-read` (it does after a `sync`); and how stale reads really are (checkers.md §3.2, §3.8).
//!
//! A read that shows the change at zxid m of a znode may stand anywhere before the next change of that znode. What it
//! must see, by a claim, is a zxid: for `linearizable-reads` the largest position that any operation had taken when the
//! read was handed in, for `sync-read` the largest of a write that was over when the session's last sync was handed in. It
//! is broken if the next change stands at or below that zxid, also if that becomes known later: reads wait at the change
//! they showed. O(log n) per operation. Not judged: reads that find nothing, lists of children.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::by_operation::ByOperation;
use super::by_path::ByPath;
use super::by_zxid::ByZxid;
use super::evidence;
use super::news::{Answered, End, Frequent, News};
use super::verdict::{At, Findings, Monitor, Property, Violation};
use super::wording::{self, Witness};
use crate::base::id::SessionId;
use crate::base::time::Span;
use crate::base::zxid::Zxid;
use crate::history::fact::Fact;
use crate::history::op::{Path, Request, Response, Stat};

/// Changes and waiting reads kept per znode.
const KEPT: usize = 1_024;

/// A position, and the operation that took it.
#[derive(Clone, Debug, Default)]
struct Mark {
    zxid: Zxid,
    by: Option<Arc<Witness>>,
}

impl Mark {
    fn raise(&mut self, zxid: Zxid, by: impl FnOnce() -> Arc<Witness>) {
        if zxid > self.zxid {
            *self = Self {
                zxid,
                by: Some(by()),
            };
        }
    }
}

/// What was over when an operation was handed in, as far as its answer is judged by it.
#[derive(Clone, Debug)]
enum Known {
    /// For a sync: what a write that was over had taken.
    Written(Mark),
    /// For a read: what all operations that were over had taken, and what the session's last sync promises.
    Taken(Mark, Option<Mark>),
}

/// A read that showed a znode.
struct Read {
    witness: Arc<Witness>,
    stat: Stat,
}

/// A read that must see everything up to a zxid.
#[derive(Clone, Debug)]
struct Waiting {
    floor: Mark,
    read: Arc<Witness>,
}

/// A znode.
#[derive(Clone, Debug, Default)]
struct Key {
    /// Changes that somebody was told of, and when first.
    changes: ByZxid<(At, Arc<Witness>)>,
    /// By claim, and by the change they showed: of all reads the one that must see most.
    waiting: [ByZxid<Waiting>; CLAIMS.len()],
}

/// What is claimed of reads.
const CLAIMS: [Property; 2] = [Property::LinearizableReads, Property::SyncRead];

/// How far behind reads were when they were handed in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Staleness {
    /// Reads that showed a znode.
    pub reads: u64,
    /// Reads by the number of versions they were behind.
    pub versions: BTreeMap<u64, u64>,
    /// Stale reads by the milliseconds since somebody was told of the first version they lack, rounded down.
    pub ms: BTreeMap<u64, u64>,
}

impl Staleness {
    /// Takes a read, by when somebody was told of each version that it missed.
    fn count(&mut self, missed: impl Iterator<Item = At>, invoked: At) {
        let mut missed = missed.peekable();
        self.reads += 1;
        if let Some(first) = missed.peek() {
            let behind: Span = invoked.time.since(first.time);
            *self.ms.entry(behind.as_ms()).or_default() += 1;
        }
        let versions = missed.count() as u64;
        *self.versions.entry(versions).or_default() += 1;
    }

    /// Reads that missed a version that somebody had been told of.
    pub fn stale(&self) -> u64 {
        self.reads - self.versions.get(&0).copied().unwrap_or(0)
    }

    /// The smallest value that is not exceeded by `num` of `den` of what a distribution counts; `None` if it is empty.
    pub fn quantile(distribution: &BTreeMap<u64, u64>, num: u64, den: u64) -> Option<u64> {
        let total: u64 = distribution.values().sum();
        let rank = (total * num).div_ceil(den).max(1);
        let mut counted = 0;
        distribution
            .iter()
            .find(|(_, count)| {
                counted += **count;
                counted >= rank
            })
            .map(|(value, _)| *value)
    }
}

/// The monitor.
#[derive(Clone, Debug, Default)]
pub struct ClaimsMonitor {
    open: ByOperation<Known>,
    taken: Mark,
    written: Mark,
    /// What each session's last sync promises.
    synced: BTreeMap<SessionId, Mark>,
    keys: ByPath<Key>,
    staleness: Staleness,
}

impl ClaimsMonitor {
    /// A monitor that has seen nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// How stale reads were so far.
    pub fn staleness(&self) -> &Staleness {
        &self.staleness
    }

    fn on_invoked(&mut self, witness: &Witness, session: SessionId) {
        if witness.request.is_write() {
            return;
        }
        let known = if let Request::Sync { .. } = &*witness.request {
            Known::Written(self.written.clone())
        } else {
            Known::Taken(self.taken.clone(), self.synced.get(&session).cloned())
        };
        self.open.insert((witness.client, witness.op), known);
    }

    fn on_returned(&mut self, answered: &Answered<'_>, findings: &mut Findings) {
        let Answered {
            witness,
            session,
            result,
            ..
        } = *answered;
        if witness.request.is_write() {
            self.on_write(answered, findings);
            return;
        }
        let Some(known) = self.open.remove(&(witness.client, witness.op)) else {
            return;
        };
        match (known, result) {
            (Known::Written(written), Ok(_)) => {
                self.synced.insert(session, written);
            }
            (Known::Taken(taken, synced), Ok(response)) => {
                let floors = [Some(&taken), synced.as_ref()];
                self.on_read(witness, floors, response, findings);
            }
            (Known::Written(_) | Known::Taken(..), Err(_)) => {}
        }
    }

    fn on_write(&mut self, answered: &Answered<'_>, findings: &mut Findings) {
        let Some(zxid) = answered.placed() else {
            return;
        };
        let evidence = || Arc::clone(answered.witness);
        for effect in answered.effects {
            if effect.change {
                let key = self.keys.or_default(&effect.path);
                key.learn(&effect.path, zxid, evidence, findings);
            }
        }
        self.taken.raise(zxid, evidence);
        self.written.raise(zxid, evidence);
    }

    /// What was answered, and what the read must see by each claim.
    fn on_read(
        &mut self,
        witness: &Arc<Witness>,
        floors: [Option<&Mark>; CLAIMS.len()],
        response: &Response,
        findings: &mut Findings,
    ) {
        let taken = floors[0].map_or(Zxid::ZERO, |taken| taken.zxid);
        let is_list = matches!(*witness.request, Request::GetChildren { .. });
        for (path, stat, _) in evidence::seen(&witness.request, response) {
            let read = Read {
                witness: witness.showing(&stat),
                stat,
            };
            let shown = stat.mzxid;
            let key = self.keys.or_default(path);
            key.learn(path, shown, || Arc::clone(&read.witness), findings);
            if is_list {
                continue;
            }
            self.taken
                .raise(shown.max(taken), || Arc::clone(&read.witness));
            let missed = key.missed(shown, taken, witness.invoked);
            self.staleness.count(missed, witness.invoked);
            for (claim, floor) in floors.iter().enumerate() {
                if let Some(floor) = floor {
                    findings.exercise(CLAIMS[claim]);
                    key.hold(path, claim, floor, &read, findings);
                }
            }
        }
    }
}

impl Key {
    /// Judges a read by the next change that is known, and keeps it for those that become known later.
    fn hold(
        &mut self,
        path: &Path,
        claim: usize,
        floor: &Mark,
        read: &Read,
        findings: &mut Findings,
    ) {
        let shown = read.stat.mzxid;
        let waiting = || Waiting {
            floor: floor.clone(),
            read: Arc::clone(&read.witness),
        };
        if let Some((zxid, (_, by))) = self.changes.first_from(shown.next()) {
            if zxid <= floor.zxid {
                let at = read.witness.at();
                findings.violate(story(CLAIMS[claim], path, &waiting(), zxid, by, at));
            }
            return;
        }
        let held = &mut self.waiting[claim];
        match held.get_mut(shown) {
            Some(kept) if kept.floor.zxid >= floor.zxid => {}
            Some(kept) => *kept = waiting(),
            None => {
                held.insert(shown, waiting());
                if held.len() > KEPT {
                    held.pop_first();
                }
            }
        }
    }

    /// Somebody was told of a change.
    fn learn(
        &mut self,
        path: &Path,
        zxid: Zxid,
        by: impl FnOnce() -> Arc<Witness>,
        findings: &mut Findings,
    ) {
        if self.changes.contains(zxid) {
            return;
        }
        let by = by();
        for (claim, waiting) in CLAIMS.into_iter().zip(&self.waiting) {
            let waiting = waiting.before(zxid).next_back();
            if let Some((_, waiting)) = waiting
                && zxid <= waiting.floor.zxid
            {
                findings.violate(story(claim, path, waiting, zxid, &by, by.at()));
            }
        }
        self.changes.insert(zxid, (by.at(), by));
        if self.changes.len() > KEPT {
            self.changes.pop_first();
        }
    }

    /// When somebody was told of each version that a read missed: it was over when the read was handed in.
    fn missed(&self, shown: Zxid, taken: Zxid, invoked: At) -> impl Iterator<Item = At> {
        let later = self.changes.from(shown.next());
        later
            .filter(move |(zxid, (told, _))| *zxid <= taken && told.event < invoked.event)
            .map(|(_, (told, _))| *told)
    }
}

fn story(
    claim: Property,
    path: &Path,
    waiting: &Waiting,
    zxid: Zxid,
    by: &Witness,
    at: At,
) -> Violation {
    let mut evidence = vec![by.sentence_of_sight()];
    let floor = waiting
        .floor
        .by
        .iter()
        .filter(|floor| (floor.client, floor.op) != (by.client, by.op));
    evidence.extend(floor.map(|floor| floor.sentence_of_sight()));
    evidence.push(waiting.read.sentence_of_sight());
    let shown = waiting.read.status().map_or(Zxid::ZERO, |stat| stat.mzxid);
    let (signature, what) = if claim == Property::SyncRead {
        ("stale-after-sync", "before the session's sync began")
    } else {
        ("stale-read", "before the read began")
    };
    let contradiction = format!(
        "{path} was changed at zxid {zxid}, and zxid {} was over {what}; the read showed the change at {shown}",
        waiting.floor.zxid
    );
    wording::violation(claim, at, signature, evidence, contradiction)
}

impl Monitor for ClaimsMonitor {
    fn heeds(&self, kind: Frequent) -> bool {
        matches!(kind, Frequent::Invoked | Frequent::Returned)
    }

    fn observe(&mut self, news: &News<'_>, findings: &mut Findings) {
        let fact = news.fact;
        if let (Fact::Invoked { session, .. }, Some(witness)) = (fact, news.witness()) {
            self.on_invoked(witness, *session);
        } else if let Some(answered) = news.answered() {
            self.on_returned(&answered, findings);
        } else if let Fact::Lost { client, op, .. } = fact {
            self.open.remove(&(*client, *op));
        } else if let Fact::ClientCrashed { client } = fact {
            self.open.forget(*client);
        } else if let Fact::Expired { session, .. } = fact {
            self.synced.remove(session);
        }
    }

    fn finish(&mut self, _end: &End<'_>, _findings: &mut Findings) {
        // Reads were judged when they returned, and again with each change that became known.
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::script::{Script, bytes, create, get, path, set, stat, z};
    use crate::check::verdict::Verdict;

    fn judge(script: &Script) -> (Findings, Staleness) {
        let mut monitor = ClaimsMonitor::new();
        let findings = script.judge(&mut monitor);
        (findings, monitor.staleness.clone())
    }

    /// `/k` is created at 1:1 and set at 1:2.
    fn two_writes() -> Script {
        let mut script = Script::new();
        script.did(1, create("/k", "a"), z(1), Response::Path(path("/k")));
        let written = Response::Stat(stat(z(1), z(2), 1).into());
        script.did(1, set("/k", "b", -1), z(2), written);
        script
    }

    fn read(script: &mut Script, client: u16, mzxid: Zxid, version: i32) {
        let shown = Response::Data(bytes("x"), stat(z(1), mzxid, version).into());
        script.did(client, get("/k", false), mzxid, shown);
    }

    fn sync(script: &mut Script, client: u16, at: Zxid) {
        let request = Request::Sync { path: path("/k") };
        script.did(client, request, at, Response::Path(path("/k")));
    }

    #[test]
    fn a_read_of_another_session_may_lag_by_zookeepers_rules_and_not_by_the_claim() {
        let mut script = two_writes();
        read(&mut script, 2, z(1), 0);
        let (findings, staleness) = judge(&script);
        assert_eq!(
            findings.verdict(Property::LinearizableReads),
            Verdict::Violated
        );
        assert_eq!(findings.violations()[0].signature, "stale-read");
        assert_eq!(findings.verdict(Property::SyncRead), Verdict::Vacuous);
        assert_eq!(staleness.versions, [(1, 1)].into());
        assert_eq!(staleness.ms.values().sum::<u64>(), 1);
    }

    #[test]
    fn quantiles_are_values_that_were_counted() {
        let lags = [(0, 90), (3, 9), (40, 1)].into();
        let quantile = |num| Staleness::quantile(&lags, num, 100);
        assert_eq!(
            [50, 90, 95, 99, 100].map(quantile),
            [0, 0, 3, 3, 40].map(Some)
        );
        assert_eq!(Staleness::quantile(&BTreeMap::new(), 1, 2), None);
    }

    #[test]
    fn a_read_of_the_newest_change_is_current() {
        let mut script = two_writes();
        read(&mut script, 2, z(2), 1);
        let (findings, staleness) = judge(&script);
        assert_eq!(
            findings.verdict(Property::LinearizableReads),
            Verdict::Holds
        );
        assert_eq!((staleness.reads, staleness.versions), (1, [(0, 1)].into()));
    }

    #[test]
    fn a_read_that_began_before_the_write_was_over_may_miss_it() {
        let mut script = Script::new();
        script.did(1, create("/k", "a"), z(1), Response::Path(path("/k")));
        let call = script.invoke(2, get("/k", false));
        let written = Response::Stat(stat(z(1), z(2), 1).into());
        script.did(1, set("/k", "b", -1), z(2), written);
        let shown = Response::Data(bytes("a"), stat(z(1), z(1), 0).into());
        script.ok(call, z(1), shown);
        let (findings, staleness) = judge(&script);
        assert_eq!(
            findings.verdict(Property::LinearizableReads),
            Verdict::Holds
        );
        assert_eq!(staleness.versions, [(0, 1)].into());
    }

    #[test]
    fn a_read_after_a_sync_sees_what_was_over_when_the_sync_began() {
        let mut script = two_writes();
        sync(&mut script, 2, z(2));
        read(&mut script, 2, z(2), 1);
        assert_eq!(judge(&script).0.verdict(Property::SyncRead), Verdict::Holds);
        let mut script = two_writes();
        sync(&mut script, 2, z(1));
        read(&mut script, 2, z(1), 0);
        let (findings, _) = judge(&script);
        assert_eq!(findings.verdict(Property::SyncRead), Verdict::Violated);
    }

    #[test]
    fn a_sync_of_another_session_or_before_the_write_promises_nothing() {
        let mut script = two_writes();
        sync(&mut script, 3, z(2));
        read(&mut script, 2, z(1), 0);
        assert_eq!(
            judge(&script).0.verdict(Property::SyncRead),
            Verdict::Vacuous
        );
        let mut script = Script::new();
        script.did(1, create("/k", "a"), z(1), Response::Path(path("/k")));
        sync(&mut script, 2, z(1));
        let written = Response::Stat(stat(z(1), z(2), 1).into());
        script.did(1, set("/k", "b", -1), z(2), written);
        read(&mut script, 2, z(1), 0);
        assert_eq!(judge(&script).0.verdict(Property::SyncRead), Verdict::Holds);
    }

    #[test]
    fn a_change_that_becomes_known_later_proves_the_read_stale() {
        let mut script = Script::new();
        script.did(1, create("/k", "a"), z(1), Response::Path(path("/k")));
        // Another znode's write was over: zxid 1:3 is taken.
        script.did(1, create("/j", "a"), z(3), Response::Path(path("/j")));
        read(&mut script, 2, z(1), 0);
        assert_eq!(
            judge(&script).0.verdict(Property::LinearizableReads),
            Verdict::Holds
        );
        read(&mut script, 3, z(2), 1);
        assert_eq!(
            judge(&script).0.verdict(Property::LinearizableReads),
            Verdict::Violated
        );
    }
}
