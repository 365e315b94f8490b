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
use super::verdict::{At, Findings, Monitor, Property, Violation};
use super::wording::{self, Status, Witness};
use crate::base::id::SessionId;
use crate::base::time::Span;
use crate::base::zxid::Zxid;
use crate::history::fact::Fact;
use crate::history::op::{ErrorCode, Path, Request, Response};

/// Changes and waiting reads kept per znode.
const KEPT: usize = 1_024;

/// A position, and the operation that took it.
#[derive(Clone, Debug, Default)]
struct Mark {
    zxid: Zxid,
    by: Option<Arc<Witness>>,
}

impl Mark {
    fn raise(&mut self, zxid: Zxid, by: &Arc<Witness>) {
        if zxid > self.zxid {
            *self = Self {
                zxid,
                by: Some(Arc::clone(by)),
            };
        }
    }
}

/// An operation under way.
#[derive(Clone, Debug)]
struct Open {
    witness: Witness,
    /// What all operations that were over had taken.
    taken: Mark,
    /// What a write that was over had taken; for a sync.
    written: Mark,
    /// What the session's last sync promises.
    synced: Option<Mark>,
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
    open: ByOperation<Open>,
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

    fn on_returned(
        &mut self,
        open: &Open,
        session: SessionId,
        result: Result<&Response, &ErrorCode>,
        findings: &mut Findings,
    ) {
        let witness = &open.witness;
        if witness.request.is_write() {
            self.on_write(&Arc::new(witness.clone()), result, findings);
        } else if let (Request::Sync { .. }, Ok(_)) = (&*witness.request, result) {
            self.synced.insert(session, open.written.clone());
        } else if let Ok(response) = result {
            let mut sights = Vec::new();
            evidence::sights(&witness.request, response, &mut sights);
            let is_list = matches!(*witness.request, Request::GetChildren { .. });
            for (path, stat, _) in sights {
                let mut read = witness.clone();
                read.stat = Some(Status::from(stat));
                let read = Arc::new(read);
                self.learn(path, stat.mzxid, &read, findings);
                if !is_list {
                    self.on_read(path, stat.mzxid, open, &read, findings);
                }
            }
        }
    }

    fn on_write(
        &mut self,
        witness: &Arc<Witness>,
        result: Result<&Response, &ErrorCode>,
        findings: &mut Findings,
    ) {
        let Some(zxid) = witness.zxid else { return };
        if result.is_err_and(|error| !evidence::is_placed(*error)) {
            return;
        }
        let result = result.map(Some).map_err(|error| *error);
        for effect in evidence::effects(&witness.request, result, zxid) {
            if effect.change {
                self.learn(&effect.path, zxid, witness, findings);
            }
        }
        self.taken.raise(zxid, witness);
        self.written.raise(zxid, witness);
    }

    fn on_read(
        &mut self,
        path: &Path,
        shown: Zxid,
        open: &Open,
        read: &Arc<Witness>,
        findings: &mut Findings,
    ) {
        let position = shown.max(open.taken.zxid);
        self.taken.raise(position, read);
        self.measure(path, shown, open);
        let floors = [Some(&open.taken), open.synced.as_ref()];
        for (claim, floor) in floors.into_iter().enumerate() {
            let Some(floor) = floor else { continue };
            findings.exercise(CLAIMS[claim]);
            let waiting = Waiting {
                floor: floor.clone(),
                read: Arc::clone(read),
            };
            self.hold(path, (claim, shown), waiting, findings);
        }
    }

    /// Judges a read by the next change that is known, and keeps it for those that become known later.
    fn hold(
        &mut self,
        path: &Path,
        (claim, shown): (usize, Zxid),
        waiting: Waiting,
        findings: &mut Findings,
    ) {
        let key = self.keys.or_default(path);
        if let Some((zxid, (_, by))) = key.changes.first_from(shown.next()) {
            if zxid <= waiting.floor.zxid {
                let at = waiting.read.at();
                findings.violate(story(CLAIMS[claim], path, &waiting, zxid, by, at));
            }
            return;
        }
        let held = &mut key.waiting[claim];
        match held.get_mut(shown) {
            Some(kept) if kept.floor.zxid >= waiting.floor.zxid => {}
            Some(kept) => *kept = waiting,
            None => {
                held.insert(shown, waiting);
                if held.len() > KEPT {
                    held.pop_first();
                }
            }
        }
    }

    /// Somebody was told of a change.
    fn learn(&mut self, path: &Path, zxid: Zxid, by: &Arc<Witness>, findings: &mut Findings) {
        let key = self.keys.or_default(path);
        if key.changes.contains(zxid) {
            return;
        }
        for (claim, waiting) in CLAIMS.into_iter().zip(&key.waiting) {
            let waiting = waiting.before(zxid).next_back();
            if let Some((_, waiting)) = waiting
                && zxid <= waiting.floor.zxid
            {
                findings.violate(story(claim, path, waiting, zxid, by, by.at()));
            }
        }
        key.changes.insert(zxid, (by.at(), Arc::clone(by)));
        if key.changes.len() > KEPT {
            key.changes.pop_first();
        }
    }

    /// How far the read was behind what somebody had been told of before it was handed in.
    fn measure(&mut self, path: &Path, shown: Zxid, open: &Open) {
        let invoked = open.witness.invoked;
        let later = self
            .keys
            .get(path)
            .into_iter()
            .flat_map(|key| key.changes.from(shown.next()));
        let mut missed = later
            .filter(|(zxid, (told, _))| *zxid <= open.taken.zxid && told.event < invoked.event)
            .map(|(_, (told, _))| *told)
            .peekable();
        self.staleness.reads += 1;
        if let Some(first) = missed.peek() {
            let behind: Span = invoked.time.since(first.time);
            *self.staleness.ms.entry(behind.as_ms()).or_default() += 1;
        }
        let versions = missed.count() as u64;
        *self.staleness.versions.entry(versions).or_default() += 1;
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
    let mut evidence = vec![by.sentence()];
    let floor = waiting
        .floor
        .by
        .iter()
        .filter(|floor| (floor.client, floor.op) != (by.client, by.op));
    evidence.extend(floor.map(|floor| floor.sentence()));
    evidence.push(waiting.read.sentence());
    let shown = waiting.read.stat.map_or(Zxid::ZERO, |stat| stat.mzxid);
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
    fn observe(&mut self, at: At, fact: &Fact, findings: &mut Findings) {
        if let Fact::Invoked {
            client,
            op,
            session,
            request,
        } = fact
        {
            let open = Open {
                witness: Witness::begin(*client, *op, at, request),
                taken: self.taken.clone(),
                written: self.written.clone(),
                synced: self.synced.get(session).cloned(),
            };
            self.open.insert((*client, *op), open);
        } else if let Fact::Returned {
            client,
            op,
            session,
            zxid,
            result,
            ..
        } = fact
        {
            if let Some(mut open) = self.open.remove(&(*client, *op)) {
                open.witness.answer(at, *zxid, result);
                self.on_returned(&open, *session, result.as_ref(), findings);
            }
        } else if let Fact::Lost { client, op, .. } = fact {
            self.open.remove(&(*client, *op));
        } else if let Fact::ClientCrashed { client } = fact {
            self.open.forget(*client);
        } else if let Fact::Expired { session, .. } = fact {
            self.synced.remove(session);
        }
    }

    fn finish(&mut self, _at: At, _findings: &mut Findings) {
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
        let mut findings = Findings::default();
        script.play(|at, fact| monitor.observe(at, fact, &mut findings));
        monitor.finish(script.end(), &mut findings);
        (findings, monitor.staleness.clone())
    }

    /// `/k` is created at 1:1 and set at 1:2.
    fn two_writes() -> Script {
        let mut script = Script::new();
        script.did(1, create("/k", "a"), z(1), Response::Path(path("/k")));
        let written = Response::Stat(stat(z(1), z(2), 1));
        script.did(1, set("/k", "b", -1), z(2), written);
        script
    }

    fn read(script: &mut Script, client: u16, mzxid: Zxid, version: i32) {
        let shown = Response::Data(bytes("x"), stat(z(1), mzxid, version));
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
        let written = Response::Stat(stat(z(1), z(2), 1));
        script.did(1, set("/k", "b", -1), z(2), written);
        let shown = Response::Data(bytes("a"), stat(z(1), z(1), 0));
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
        let written = Response::Stat(stat(z(1), z(2), 1));
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
