//! `session-guarantees`: within one session replies come in order, reads never go back, own acknowledged writes are
//! seen and transactions are seen whole (V5), over reconnects as well (checkers.md §3.2 "session", zab.md §16.2).
//!
//! A reply with header zxid h shows its session a state that holds everything up to h. What any client was acknowledged
//! or shown is a known change; a later read of that session that does not show it is wrong. Changes that become known
//! only after the read are caught too: every read is parked at the change it showed. Legal and not judged: events raise
//! no view, writes of unknown outcome need not be seen, other sessions may lag.
//!
//! Of getEphemerals, getAllChildrenNumber, whoAmI, checkWatches and of the reads in a multiRead that fail, only the view
//! is judged, not what they say; of a list of children not the names, but the status that comes with it (getChildren2).

mod stories;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use self::stories::{Breach, breach, stories, tell};
use super::by_path::{ByPath, PathNumber};
use super::by_zxid::ByZxid;
use super::evidence;
use super::news::{Answered, End, Frequent, News};
use super::verdict::{Findings, Monitor, Property, Sentence, Violation};
use super::wording::Witness;
use crate::base::id::{ClientId, SessionId};
use crate::base::zxid::Zxid;
use crate::history::fact::Fact;
use crate::history::op::{ErrorCode, Path, Request, Response, Stat};

/// What a session has seen.
#[derive(Clone, Debug, Default)]
struct View {
    zxid: Zxid,
    by: Option<Arc<Witness>>,
    /// Whether a write of it was acknowledged.
    has_written: bool,
    /// What it was shown last.
    shown: VecDeque<Shown>,
}

/// A znode that a session was shown, with its last change and the one that made it.
#[derive(Clone, Debug)]
struct Shown {
    changes: [Zxid; 2],
    path: Path,
    by: Arc<Witness>,
}

/// What is remembered of that per session, to tell a torn transaction from a stale read.
const SHOWN: usize = 4;

impl View {
    /// The session has seen the state at this position.
    fn raise(&mut self, zxid: Zxid, by: impl FnOnce() -> Arc<Witness>) {
        if zxid > self.zxid {
            self.zxid = zxid;
            self.by = Some(by());
        }
    }

    fn show(&mut self, path: &Path, stat: &Stat, by: &Arc<Witness>) {
        if self.shown.len() == SHOWN {
            self.shown.pop_front();
        }
        self.shown.push_back(Shown {
            changes: [stat.mzxid, stat.czxid],
            path: Arc::clone(path),
            by: Arc::clone(by),
        });
    }
}

/// A read and the view its session had: nothing up to `view` may be missing from it.
#[derive(Clone, Debug)]
struct Parked {
    view: Zxid,
    session: SessionId,
    read: Arc<Witness>,
    /// What had raised the view, if not the read itself.
    by: Option<Arc<Witness>>,
    /// Of a read of several znodes: the newest change that another part of it shows, and where.
    beside: Option<(Zxid, Path)>,
}

/// A change of a znode or of its children that somebody was acknowledged or shown.
#[derive(Clone, Debug)]
struct Known {
    present: bool,
    by: Arc<Witness>,
    by_session: SessionId,
}

/// One aspect of a znode: its data, or its list of children.
#[derive(Clone, Debug, Default)]
struct Chain {
    known: ByZxid<Known>,
    /// By the change they showed: of all reads the one with the largest view.
    parked: ByZxid<Parked>,
}

/// A znode.
#[derive(Clone, Debug, Default)]
struct Key {
    /// The znode above, once it was asked for.
    above: Option<PathNumber>,
    /// When the life that a read showed last began.
    born: Zxid,
    data: Chain,
    children: Chain,
    /// Reads that found nothing, by the last change known below their view.
    absences: ByZxid<Parked>,
    /// Deletes in flight or of unknown outcome.
    deletes: Vec<(ClientId, u64)>,
    /// Expiry or the reaper may delete it.
    mortal: bool,
}

/// Changes kept per chain.
const KEPT: usize = 1024;

impl Chain {
    fn learn(&mut self, zxid: Zxid, known: Known) {
        self.known.or_insert_with(zxid, || known);
        if self.known.len() > KEPT {
            self.known.pop_first();
            let (floor, _) = self.known.first().expect("only the first was removed");
            self.parked.forget_before(floor);
        }
    }

    /// The first known change that a read of the change at `shown` should have shown instead.
    fn missed(&self, shown: Zxid, view: Zxid) -> Option<(Zxid, &Known)> {
        let later = self.known.first_from(shown.next());
        later.filter(|(zxid, _)| *zxid <= view)
    }

    fn park(parked: &mut ByZxid<Parked>, shown: Zxid, read: Parked) {
        let mut read = Some(read);
        let largest = parked.or_insert_with(shown, || read.take().expect("it is parked once"));
        if let Some(read) = read {
            if largest.view < read.view {
                *largest = read;
            }
        } else if parked.len() > KEPT {
            parked.pop_first();
        }
    }
}

/// The monitor.
#[derive(Clone, Debug, Default)]
pub struct SessionMonitor {
    sessions: BTreeMap<SessionId, View>,
    keys: ByPath<Key>,
}

type Judged = Result<(), Violation>;

impl Monitor for SessionMonitor {
    fn heeds(&self, kind: Frequent) -> bool {
        matches!(kind, Frequent::Invoked | Frequent::Returned)
    }

    fn observe(&mut self, news: &News<'_>, findings: &mut Findings) {
        if let Err(mut violation) = self.on_news(news, findings) {
            // The read may have been long ago: what contradicts it became known now.
            violation.at = news.at;
            findings.violate(violation);
        }
    }

    fn finish(&mut self, _end: &End<'_>, _findings: &mut Findings) {
        // Every read was judged when it returned, and again with each change that became known below its view.
    }
}

impl SessionMonitor {
    /// A monitor that has seen nothing.
    pub fn new() -> Self {
        Self::default()
    }

    fn on_news(&mut self, news: &News<'_>, findings: &mut Findings) -> Judged {
        let (fact, witness) = (news.fact, news.witness());
        if let (Fact::Invoked { .. }, Some(witness)) = (fact, witness) {
            self.on_invoked(witness);
        } else if let Some(answered) = news.answered() {
            return self.on_returned(&answered, news.overtaken(), findings);
        } else if let (Fact::Lost { sent: false, .. }, Some(witness)) = (fact, witness) {
            self.settle_deletes(witness);
        } else if let Fact::WatchesReset {
            session,
            zxid: Some(zxid),
            ..
        } = fact
        {
            let view = self.sessions.entry(*session).or_default();
            view.zxid = view.zxid.max(*zxid);
        } else if let Fact::Expired { session, .. } = fact {
            self.sessions.remove(session);
        }
        Ok(())
    }

    fn on_invoked(&mut self, witness: &Arc<Witness>) {
        let op = (witness.client, witness.op);
        for part in evidence::parts(&witness.request) {
            if let Request::Delete { path, .. } | Request::DeleteContainer { path } = part {
                self.key(path).deletes.push(op);
            }
            if let Request::Create {
                op: kind,
                path,
                flags,
                ..
            } = part
                && evidence::is_mortal(*kind, *flags)
            {
                self.key(path).mortal = true;
            }
        }
    }

    fn on_returned(
        &mut self,
        answered: &Answered<'_>,
        overtaken: Option<&Arc<Witness>>,
        findings: &mut Findings,
    ) -> Judged {
        let Answered {
            witness,
            session,
            result,
            ..
        } = *answered;
        if matches!(*witness.request, Request::Auth { .. }) {
            return Ok(());
        }
        findings.exercise(Property::SessionGuarantees);
        findings.exercise(Property::SequentialConsistency);
        if let Request::Multi(parts) | Request::MultiRead(parts) = &*witness.request
            && parts.len() > 1
            && result.is_ok()
        {
            findings.exercise(Property::AtomicMultis);
        }
        check_reply_order(witness, overtaken)?;
        let unknown = result.is_err_and(|error| evidence::is_unknown(*error));
        if witness.request.is_write() {
            if unknown {
                return Ok(());
            }
            self.settle_deletes(witness);
            return self.on_write(answered);
        }
        self.on_read(witness, session, result, findings)
    }

    fn on_write(&mut self, answered: &Answered<'_>) -> Judged {
        let (witness, session) = (answered.witness, answered.session);
        let Some(zxid) = witness.zxid else {
            return Ok(());
        };
        let seen = self.sessions.entry(session).or_default();
        seen.raise(zxid, || Arc::clone(witness));
        if answered.result.is_err() {
            return Ok(());
        }
        seen.has_written = true;
        if *witness.request == Request::CloseSession {
            self.sessions.remove(&session);
        }
        for effect in answered.effects {
            if !effect.change {
                continue;
            }
            let present = effect.after != evidence::Know::Absent;
            let znode = self.number(&effect.path);
            if effect.touches_parent(zxid)
                && let Some(above) = self.above(znode)
            {
                self.learn((Aspect::Children, above), zxid, true, witness, session)?;
                if present {
                    self.learn((Aspect::Children, znode), zxid, true, witness, session)?;
                }
            }
            self.learn((Aspect::Data, znode), zxid, present, witness, session)?;
        }
        Ok(())
    }

    fn on_read(
        &mut self,
        witness: &Arc<Witness>,
        session: SessionId,
        result: Result<&Response, &ErrorCode>,
        findings: &mut Findings,
    ) -> Judged {
        findings.exercise(Property::MonotonicReads);
        let seen = self.sessions.entry(session).or_default();
        if seen.has_written {
            findings.exercise(Property::ReadYourWrites);
        }
        let Some(header) = witness.zxid else {
            return Ok(());
        };
        if header < seen.zxid {
            let by = seen.by.iter();
            let mut evidence: Vec<Sentence> = by.map(|by| by.sentence()).collect();
            evidence.push(witness.sentence());
            return Err(tell(
                witness,
                Breach::ViewWentBack,
                evidence,
                format!(
                    "session {session} had seen zxid {} and was then answered from the state at {header}",
                    seen.zxid
                ),
            ));
        }
        seen.raise(header, || Arc::clone(witness));
        match result {
            Ok(response) => self.on_sights(witness, session, header, response),
            Err(ErrorCode::NoNode) => self.on_absence(witness, session, header),
            Err(_) => Ok(()),
        }
    }

    /// What a read shows must be the newest known change up to the view.
    fn on_sights(
        &mut self,
        witness: &Arc<Witness>,
        session: SessionId,
        header: Zxid,
        response: &Response,
    ) -> Judged {
        let sights: Vec<evidence::Sight<'_>> = evidence::seen(&witness.request, response).collect();
        if sights.is_empty() {
            return Ok(());
        }
        let newest = |stat: &Stat| stat.mzxid.max(stat.pzxid);
        // The parts of one read show one state.
        let view = sights.iter().map(|(_, stat, _)| newest(stat)).max();
        let view = view.map_or(header, |view| view.max(header));
        let seen = self.sessions.entry(session).or_default();
        let mut reads = Vec::with_capacity(sights.len());
        for (path, stat, _) in &sights {
            let read = witness.showing(stat);
            seen.raise(view, || Arc::clone(&read));
            seen.show(path, stat, &read);
            reads.push(read);
        }
        let by = seen.by.clone();
        for (part, ((path, stat, _), read)) in sights.iter().zip(reads).enumerate() {
            let others = sights.iter().enumerate();
            let others = others.filter(|(other, _)| *other != part);
            let beside = others
                .map(|(_, (path, stat, _))| (newest(stat), Arc::clone(path)))
                .max();
            let parked = Parked {
                view,
                session,
                read,
                by: by.clone(),
                beside,
            };
            self.on_sight(path, stat, parked)?;
        }
        Ok(())
    }

    /// What a read shows of one znode.
    fn on_sight(&mut self, path: &str, stat: &Stat, parked: Parked) -> Judged {
        let znode = self.number(path);
        let (read, session) = (&parked.read, parked.session);
        if stat.czxid > Zxid::ZERO
            && let Some(above) = self.above(znode)
            && !self.is_born(znode, above, stat.czxid)
        {
            self.learn((Aspect::Children, above), stat.czxid, true, read, session)?;
            self.keys.at_mut(znode).born = stat.czxid;
        }
        self.learn((Aspect::Data, znode), stat.mzxid, true, read, session)?;
        self.learn((Aspect::Children, znode), stat.pzxid, true, read, session)?;
        self.park((Aspect::Data, znode), stat.mzxid, parked.clone())?;
        self.park((Aspect::Children, znode), stat.pzxid, parked)
    }

    /// Whether the znode above knows of this life: the read that showed it last taught it. Changes are only ever dropped from the front
    /// of the list, so it is still there unless the list begins later.
    fn is_born(&self, znode: PathNumber, above: PathNumber, czxid: Zxid) -> bool {
        let first = self.keys.at(above).children.known.first();
        self.keys.at(znode).born == czxid && first.is_some_and(|(first, _)| first <= czxid)
    }

    /// The read is judged, and once more with each change that becomes known later.
    fn park(
        &mut self,
        (aspect, znode): (Aspect, PathNumber),
        shown: Zxid,
        parked: Parked,
    ) -> Judged {
        let chain = self.keys.at_mut(znode).chain(aspect);
        if let Some((zxid, known)) = chain.missed(shown, parked.view) {
            let known = known.clone();
            return Err(self.stale((aspect, znode), shown, zxid, &known, &parked));
        }
        Chain::park(&mut chain.parked, shown, parked);
        Ok(())
    }

    /// A read that finds nothing must not follow a creation that its session's view holds.
    fn on_absence(&mut self, witness: &Arc<Witness>, session: SessionId, view: Zxid) -> Judged {
        let (Request::Exists { path, .. }
        | Request::GetData { path, .. }
        | Request::GetChildren { path, .. }
        | Request::GetAcl { path }) = &*witness.request
        else {
            return Ok(());
        };
        let parked = Parked {
            view,
            session,
            read: Arc::clone(witness),
            by: self.sessions.get(&session).and_then(|view| view.by.clone()),
            beside: None,
        };
        let znode = self.number(path);
        let last = self.check_absence(znode, &parked)?;
        let key = self.keys.at_mut(znode);
        Chain::park(&mut key.absences, last, parked);
        Ok(())
    }

    /// Judges such a read, when it comes and when a creation in its view becomes known. Returns the last change that its view holds.
    fn check_absence(&self, znode: PathNumber, parked: &Parked) -> Result<Zxid, Violation> {
        let (path, key) = (self.keys.path(znode), self.keys.at(znode));
        let last = key.data.known.before(parked.view.next()).next_back();
        let zxid = last.map_or(Zxid::ZERO, |(zxid, _)| zxid);
        match last {
            Some((_, known))
                if known.present && key.deletes.is_empty() && !self.is_mortal(path) =>
            {
                Err(tell(
                    &parked.read,
                    breach(known, parked, Breach::StaleAbsence),
                    stories(known, parked),
                    format!(
                        "{path} existed at zxid {zxid} and nobody deleted it, yet session {} did not find it at {}",
                        parked.session, parked.view
                    ),
                ))
            }
            Some(_) | None => Ok(zxid),
        }
    }

    /// A change became known; reads parked below it may prove stale.
    fn learn(
        &mut self,
        (aspect, znode): (Aspect, PathNumber),
        zxid: Zxid,
        present: bool,
        by: &Arc<Witness>,
        by_session: SessionId,
    ) -> Judged {
        let chain = self.keys.at_mut(znode).chain(aspect);
        if chain.known.contains(zxid) {
            return Ok(());
        }
        let known = Known {
            present,
            by: Arc::clone(by),
            by_session,
        };
        let parked = chain.parked.before(zxid).next_back();
        if let Some((shown, parked)) = parked
            && parked.view >= zxid
        {
            let parked = parked.clone();
            return Err(self.stale((aspect, znode), shown, zxid, &known, &parked));
        }
        chain.learn(zxid, known);
        if aspect == Aspect::Data && present {
            let absences = &self.keys.at(znode).absences;
            if let Some((_, parked)) = absences.before(zxid).next_back()
                && parked.view >= zxid
            {
                self.check_absence(znode, parked)?;
            }
        }
        Ok(())
    }

    fn settle_deletes(&mut self, witness: &Witness) {
        let op = (witness.client, witness.op);
        for part in evidence::parts(&witness.request) {
            if let Request::Delete { path, .. } | Request::DeleteContainer { path } = part {
                self.key(path).deletes.retain(|other| *other != op);
            }
        }
    }

    fn is_mortal(&self, path: &str) -> bool {
        let mortal = |path: &str| self.keys.get(path).is_some_and(|key| key.mortal);
        mortal(path) || evidence::sequence_prefix(path).is_some_and(mortal)
    }

    fn key(&mut self, path: &str) -> &mut Key {
        self.keys.part_or_default(path)
    }

    fn number(&mut self, path: &str) -> PathNumber {
        let known = self.keys.number(path);
        known.unwrap_or_else(|| self.keys.add(path.into(), Key::default()))
    }

    /// The znode above one, if that is not the root.
    fn above(&mut self, znode: PathNumber) -> Option<PathNumber> {
        let known = self.keys.at(znode).above;
        known.or_else(|| {
            let path = Arc::clone(self.keys.path(znode));
            let above = self.number(evidence::parent(&path)?);
            self.keys.at_mut(znode).above = Some(above);
            Some(above)
        })
    }
}

impl Key {
    fn chain(&mut self, aspect: Aspect) -> &mut Chain {
        match aspect {
            Aspect::Data => &mut self.data,
            Aspect::Children => &mut self.children,
        }
    }
}

/// What of a znode is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Aspect {
    Data,
    Children,
}

/// Replies of a session come in the order of its requests.
fn check_reply_order(witness: &Witness, overtaken: Option<&Arc<Witness>>) -> Judged {
    match overtaken {
        None => Ok(()),
        Some(earlier) => Err(tell(
            witness,
            Breach::ReplyOrder,
            vec![earlier.sentence(), witness.sentence()],
            format!("{} was answered before {}", witness.name(), earlier.name()),
        )),
    }
}

#[cfg(test)]
mod tests;
