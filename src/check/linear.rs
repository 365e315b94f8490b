//! `linearizable-writes`: ZooKeeper's OSC(updates) judged from what clients saw alone (checkers.md §3, zab.md §16.2).
//!
//! Every write that was answered has its place in the order (its zxid) and its place in its znode's life (a version), so
//! nothing is searched: per znode the known states are kept in zxid order, and two neighbours must fit. What no
//! acknowledged write explains must be explained by distinct writes whose outcome is unknown. Reads only testify: a read
//! that is stale for another client is legal here, and `session` judges what one session may see.
//!
//! Blind to: ACLs and their versions but for what a setACL answers of itself; names of children, getEphemerals,
//! getAllChildrenNumber and whoAmI, which tell of no single write; deletes of ephemerals, containers and TTL znodes, which
//! need no client; versions inside a transaction that touches a znode more than once.

mod explain;
mod holes;
#[cfg(test)]
mod oracle;
mod sequence;
mod stories;
#[cfg(test)]
mod tests;
mod timeline;
mod ways;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use self::sequence::Siblings;
use self::timeline::{Account, Key, Mark};
use super::by_operation::{ByOperation, Operation};
use super::by_path::{ByPath, PathNumber};
use super::by_zxid::ByZxid;
use super::evidence::{self, Effect, Know, Version};
use super::news::{Answered, End, Frequent, News};
use super::verdict::{At, Findings, Monitor, Property, Violation};
use super::wording::Witness;
use crate::base::id::{ClientId, SessionId};
use crate::base::zxid::Zxid;
use crate::history::fact::Fact;
use crate::history::op::{Data, ErrorCode, Path, Request, Response, Stat};

/// Zxids whose writer is remembered.
const AUTHORS: usize = 1 << 16;

/// An operation without a definite outcome.
#[derive(Clone, Debug)]
struct Pending {
    witness: Arc<Witness>,
    /// Known for certain once the outcome is lost.
    session: SessionId,
    /// The order of invocations.
    sequence: u64,
    /// It takes effect strictly above this.
    above: Zxid,
    /// What put it there.
    above_by: Option<Arc<Witness>>,
    /// Known once the session is known to have gone on: it took effect strictly below this or never.
    below: Option<Zxid>,
    /// A reply showed its effect at this zxid.
    bound: Option<Zxid>,
}

/// The largest zxid some replies proved, and the first of them to do so.
#[derive(Clone, Debug, Default)]
struct Watermark {
    zxid: Zxid,
    sequence: u64,
    by: Option<Arc<Witness>>,
}

impl Watermark {
    fn raise(&mut self, zxid: Zxid, sequence: u64, witness: &Arc<Witness>) {
        if zxid > self.zxid {
            *self = Self {
                zxid,
                sequence,
                by: Some(Arc::clone(witness)),
            };
        }
    }
}

/// The monitor.
#[derive(Clone, Debug, Default)]
pub struct LinearMonitor {
    pending: ByOperation<Pending>,
    invocations: u64,
    proven: Watermark,
    sessions: BTreeMap<SessionId, Watermark>,
    keys: ByPath<Key>,
    /// Znodes with sequential names of which something is not explained yet.
    unsettled: BTreeSet<Path>,
    /// Prefixes of sequential creates whose nodes others than clients may delete.
    mortal_prefixes: Vec<Path>,
    authors: ByZxid<Arc<Witness>>,
    /// Sequential names, by parent.
    sequences: BTreeMap<Path, Siblings>,
    /// Changes shown whose writer is not known yet.
    shown: ByZxid<Vec<Path>>,
}

impl Monitor for LinearMonitor {
    fn heeds(&self, kind: Frequent) -> bool {
        matches!(kind, Frequent::Invoked | Frequent::Returned)
    }

    fn observe(&mut self, news: &News<'_>, findings: &mut Findings) {
        let (at, fact) = (news.at, news.fact);
        let found = if let Fact::Invoked { session, .. } = fact {
            if let Some(witness) = news.witness() {
                self.on_invoked(*session, witness);
            }
            Ok(())
        } else if let Some(answered) = news.answered() {
            self.on_returned(at, &answered, findings)
        } else if let Fact::Lost {
            client,
            op,
            session,
            sent,
            ..
        } = fact
        {
            self.on_lost(at, (*client, *op), *session, *sent)
        } else if let Fact::ClientCrashed { client } = fact {
            self.on_client_crashed(*client);
            Ok(())
        } else {
            Ok(())
        };
        if let Err(violation) = found {
            findings.violate(violation);
        }
    }

    fn finish(&mut self, end: &End<'_>, findings: &mut Findings) {
        // A gap was matched with the unresolved writes when it opened and whenever one of them was resolved; what became
        // known of their order since then may have ruled some out.
        let paths = self.keys.paths();
        for path in paths {
            if let Err(violation) = self.settle_path(end.at, &path) {
                findings.violate(violation);
            }
        }
    }
}

type Judged = Result<(), Violation>;

impl LinearMonitor {
    /// A monitor that has seen nothing.
    pub fn new() -> Self {
        Self::default()
    }

    fn on_invoked(&mut self, session: SessionId, witness: &Arc<Witness>) {
        let op = (witness.client, witness.op);
        let request = &witness.request;
        self.invocations += 1;
        let pending = Pending {
            witness: Arc::clone(witness),
            session,
            sequence: self.invocations,
            above: self.proven.zxid,
            above_by: self.proven.by.clone(),
            below: None,
            bound: None,
        };
        self.pending.insert(op, pending);
        let parts = evidence::parts(request);
        for (index, part) in parts.iter().enumerate() {
            let Some((path, mortal, sequential)) = touch(part) else {
                continue;
            };
            let mut earlier = parts[..index].iter().filter_map(touch);
            let again = earlier.any(|(other, ..)| other == path);
            let key = self.keys.or_insert_with(path, || Key::new(path));
            key.expect(mortal, again && !sequential);
            if !again {
                key.unresolved.push(op);
            }
            if mortal && sequential && !self.mortal_prefixes.contains(path) {
                self.mortal_prefixes.push(Arc::clone(path));
            }
        }
    }

    fn on_returned(&mut self, at: At, answered: &Answered<'_>, findings: &mut Findings) -> Judged {
        let session = answered.session;
        let op = (answered.witness.client, answered.witness.op);
        let Some(mut pending) = self.pending.remove(&op) else {
            return Ok(());
        };
        pending.witness = Arc::clone(answered.witness);
        let result = answered.result.map_err(|error| *error);
        if !pending.witness.request.is_write() {
            return self.on_read(at, session, &pending, result);
        }
        if let Err(error) = result
            && evidence::is_unknown(error)
        {
            self.pending.insert(op, pending);
            return Ok(());
        }
        self.forget_candidate(op, &pending.witness.request);
        findings.exercise(Property::LinearizableWrites);
        findings.exercise(Property::SequentialConsistency);
        let placed = answered.placed();
        stories::check_bound(at, &pending, placed)?;
        if let Some(zxid) = placed {
            self.on_placed(at, answered, &pending, zxid)?;
        }
        self.settle_all(at, &pending.witness.request)
    }

    /// A write that the leader numbered: in real-time order, in its session's order, and fitting its znodes' lives.
    fn on_placed(
        &mut self,
        at: At,
        answered: &Answered<'_>,
        pending: &Pending,
        zxid: Zxid,
    ) -> Judged {
        let Answered {
            session,
            result,
            effects,
            ..
        } = *answered;
        stories::check_order(at, pending, zxid, self.sessions.get(&session))?;
        if let Some(other) = self.authors.get(zxid)
            && (other.client, other.op) != (pending.witness.client, pending.witness.op)
        {
            return Err(stories::double_zxid(at, other, &pending.witness, zxid));
        }
        if let Ok(response) = result {
            stories::check_answer(at, &pending.witness, response, zxid)?;
        }
        self.remember(zxid, &pending.witness);
        self.raise(session, zxid, pending);
        self.bound_earlier(session, pending, zxid);
        self.check_shown(at, zxid, &pending.witness, effects)?;
        for effect in effects {
            self.place(at, zxid, effect, &pending.witness)?;
        }
        for effect in effects {
            self.settle_path(at, &effect.path)?;
        }
        if let Ok(response) = result {
            self.check_sequence(at, &pending.witness, response, zxid)?;
        }
        Ok(())
    }

    fn on_read(
        &mut self,
        at: At,
        session: SessionId,
        pending: &Pending,
        result: Result<&Response, ErrorCode>,
    ) -> Judged {
        if let Some(zxid) = pending.witness.zxid {
            self.raise(session, zxid, pending);
        }
        let Ok(response) = result else { return Ok(()) };
        // What raised them once need not do so again.
        let mut raised = pending.witness.zxid;
        for (path, stat, data) in evidence::seen(&pending.witness.request, response) {
            let newest = Some(stat.mzxid.max(stat.pzxid).max(stat.czxid));
            if let Some(newest) = newest.filter(|newest| raised < Some(*newest)) {
                self.raise(session, newest, pending);
                raised = Some(newest);
            }
            self.on_sight(at, path, &stat, data, &pending.witness)?;
        }
        Ok(())
    }

    fn on_lost(&mut self, at: At, op: Operation, session: SessionId, sent: bool) -> Judged {
        let Some(pending) = self.pending.get_mut(&op) else {
            return Ok(());
        };
        pending.session = session;
        let request = Arc::clone(&pending.witness.request);
        if sent && request.is_write() {
            return Ok(());
        }
        let bound = pending.bound;
        let witness = pending.witness.clone();
        self.pending.remove(&op);
        self.forget_candidate(op, &request);
        if let Some(zxid) = bound {
            return Err(stories::never_sent(at, &witness, zxid));
        }
        self.settle_all(at, &request)
    }

    fn on_client_crashed(&mut self, client: ClientId) {
        self.pending
            .retain_of(client, |pending| pending.witness.request.is_write());
    }

    /// The write can no longer explain anything but what it says itself.
    fn forget_candidate(&mut self, op: Operation, request: &Request) {
        for part in evidence::parts(request) {
            if let Some((path, ..)) = touch(part)
                && let Some(key) = self.keys.get_mut(path)
            {
                key.unresolved.retain(|other| *other != op);
            }
        }
    }

    fn raise(&mut self, session: SessionId, zxid: Zxid, pending: &Pending) {
        self.proven.raise(zxid, pending.sequence, &pending.witness);
        self.bound_later(pending, zxid);
        if session != SessionId::NONE {
            self.sessions.entry(session).or_default().raise(
                zxid,
                pending.sequence,
                &pending.witness,
            );
        }
    }

    /// What a client hands in later takes effect later than what its session has shown.
    fn bound_later(&mut self, earlier: &Pending, zxid: Zxid) {
        let client = earlier.witness.client;
        for pending in self.pending.of_mut(client) {
            if pending.sequence > earlier.sequence && pending.above < zxid {
                pending.above = zxid;
                pending.above_by = Some(Arc::clone(&earlier.witness));
            }
        }
    }

    /// Updates of a session take effect in its order: earlier ones of unknown outcome did before this one or never.
    fn bound_earlier(&mut self, session: SessionId, later: &Pending, zxid: Zxid) {
        if session == SessionId::NONE {
            return;
        }
        let client = later.witness.client;
        for pending in self.pending.of_mut(client) {
            if pending.session == session
                && pending.sequence < later.sequence
                && pending.below.is_none_or(|below| below > zxid)
            {
                pending.below = Some(zxid);
            }
        }
    }

    fn remember(&mut self, zxid: Zxid, witness: &Arc<Witness>) {
        self.authors.insert(zxid, Arc::clone(witness));
        if self.authors.len() > AUTHORS {
            self.authors.pop_first();
        }
    }

    /// No reply may have shown a change at this zxid on a znode that its write did not change.
    fn check_shown(&mut self, at: At, zxid: Zxid, witness: &Witness, effects: &[Effect]) -> Judged {
        let Some(paths) = self.shown.remove(zxid) else {
            return Ok(());
        };
        for path in paths {
            let changes = effects
                .iter()
                .any(|effect| effect.change && effect.path == path);
            let seen = self
                .keys
                .get(&path)
                .and_then(|key| key.marks.get(zxid))
                .and_then(|mark| mark.seen.as_ref());
            if !changes
                && let Some(seen) = seen
                && !self.may_have_named(witness, &path)
            {
                return Err(stories::other_write(at, &path, zxid, seen, witness));
            }
        }
        Ok(())
    }

    /// Puts an effect into its znode's timeline.
    fn place(&mut self, at: At, zxid: Zxid, effect: &Effect, author: &Arc<Witness>) -> Judged {
        let path = &effect.path;
        let number = self.keys.number_or_insert_with(path, || Key::new(path));
        let key = self.keys.at(number);
        if key.broken || zxid <= key.floor() {
            return Ok(());
        }
        if let Know::Present {
            czxid: Some(czxid), ..
        } = effect.before
        {
            self.on_life(at, number, czxid, author)?;
        }
        let key = self.keys.at_mut(number);
        let mut mark = Mark {
            before: effect.before,
            after: effect.after,
            data: effect.data.clone(),
            change: effect.change,
            author: Some(Arc::clone(author)),
            seen: None,
        };
        if let Some(old) = key.marks.get(zxid) {
            if let Some(seen) = &old.seen
                && let Some(why) = stories::difference(old.account(), mark.account())
            {
                key.broken = true;
                return Err(stories::shown_differently(at, path, seen, author, &why));
            }
            mark.before = mark.before.and(old.before);
            mark.after = mark.after.and(old.after);
            mark.seen.clone_from(&old.seen);
            mark.data = mark.data.or_else(|| old.data.clone());
        }
        self.insert(at, number, zxid, mark)
    }

    fn insert(&mut self, at: At, number: PathNumber, zxid: Zxid, mark: Mark) -> Judged {
        let key = self.keys.at_mut(number);
        if let Err(clash) = key.insert(zxid, mark) {
            key.broken = true;
            let path = self.keys.path(number);
            return Err(stories::clash(at, path, self.keys.at(number), clash));
        }
        // Znodes with sequential names that some later write may explain: nobody asks for those by name.
        if key.is_unsettled() {
            let path = self.keys.path(number);
            if evidence::sequence_prefix(path).is_some() {
                self.unsettled.insert(Arc::clone(path));
            }
        }
        Ok(())
    }

    /// A reply showed a znode: its life began at czxid, and its data was set at mzxid.
    fn on_sight(
        &mut self,
        at: At,
        path: &Path,
        stat: &Stat,
        data: Option<&Data>,
        witness: &Arc<Witness>,
    ) -> Judged {
        let number = self.keys.number_or_insert_with(path, || Key::new(path));
        if stat.mzxid != stat.czxid {
            self.on_life(at, number, stat.czxid, witness)?;
        }
        let compound = self.keys.at(number).compound;
        let birth = stat.mzxid == stat.czxid;
        let before = match (birth, compound) {
            (true, true) => Know::Nothing,
            (true, false) => Know::Absent,
            (false, compound) => Know::Present {
                czxid: Some(stat.czxid),
                version: if compound {
                    Version::Any
                } else {
                    Version::Is(stat.version.wrapping_sub(1))
                },
            },
        };
        let after = Know::Present {
            czxid: Some(stat.czxid),
            version: Version::Is(stat.version),
        };
        self.on_shown(at, (number, stat.mzxid), (before, after), data, witness)?;
        self.settle(at, number)
    }

    /// A reply showed that a znode's life began at this zxid.
    fn on_life(
        &mut self,
        at: At,
        number: PathNumber,
        czxid: Zxid,
        witness: &Arc<Witness>,
    ) -> Judged {
        let key = self.keys.at(number);
        if key.born == czxid {
            return Ok(());
        }
        let (before, version) = if key.compound {
            (Know::Nothing, Version::Any)
        } else {
            (Know::Absent, Version::Is(0))
        };
        let after = Know::Present {
            czxid: Some(czxid),
            version,
        };
        self.on_shown(at, (number, czxid), (before, after), None, witness)?;
        self.keys.at_mut(number).born = czxid;
        Ok(())
    }

    /// A reply showed a change, and the states before and after it.
    fn on_shown(
        &mut self,
        at: At,
        (number, zxid): (PathNumber, Zxid),
        (before, after): (Know, Know),
        data: Option<&Data>,
        seen: &Arc<Witness>,
    ) -> Judged {
        let key = self.keys.at_mut(number);
        if key.broken || zxid <= key.floor() {
            return Ok(());
        }
        if let Some(old) = key.marks.get_mut(zxid) {
            let account = Account {
                change: true,
                data,
                after,
            };
            if let Some(why) = stories::difference(account, old.account()) {
                let other = old.witness().cloned();
                let other = other.as_ref().unwrap_or(seen);
                key.broken = true;
                let path = self.keys.path(number);
                return Err(stories::shown_differently(at, path, seen, other, &why));
            }
            old.seen.get_or_insert_with(|| Arc::clone(seen));
            old.data = old.data.take().or_else(|| data.cloned());
            return Ok(());
        }
        let path = self.keys.path(number);
        if let Some(author) = self.authors.get(zxid)
            && !self.may_have_named(author, path)
        {
            let story = stories::other_write(at, path, zxid, seen, author);
            self.keys.at_mut(number).broken = true;
            return Err(story);
        }
        let path = Arc::clone(path);
        self.shown.or_insert_with(zxid, Vec::new).push(path);
        if self.shown.len() > AUTHORS {
            self.shown.pop_first();
        }
        let mark = Mark {
            before,
            after,
            data: data.cloned(),
            change: true,
            author: None,
            seen: Some(Arc::clone(seen)),
        };
        self.insert(at, number, zxid, mark)
    }
}

/// Which path a part of a write may change, whether others may delete what it creates, and whether it is only a prefix.
fn touch(part: &Request) -> Option<(&Path, bool, bool)> {
    if let Request::Create {
        op, path, flags, ..
    } = part
    {
        let sequential = evidence::is_sequential(*flags);
        Some((path, evidence::is_mortal(*op, *flags), sequential))
    } else if let Request::Delete { path, .. }
    | Request::DeleteContainer { path }
    | Request::SetData { path, .. } = part
    {
        Some((path, false, false))
    } else {
        None
    }
}
