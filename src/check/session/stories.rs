//! The contradictions of `session-guarantees`, and the names of what each of them breaks.

use std::sync::Arc;

use super::{Aspect, Known, Parked, SessionMonitor, Shown};
use crate::base::zxid::Zxid;
use crate::check::by_path::PathNumber;
use crate::check::verdict::{Property, Sentence, Violation};
use crate::check::wording::{self, Witness};
use crate::history::op::Request;

/// The ways in which a session's guarantees are broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Breach {
    ReplyOrder,
    ViewWentBack,
    StaleRead,
    StaleChildren,
    StaleAbsence,
    OwnWriteUnseen,
    TornMulti,
    TornRead,
}

impl Breach {
    fn signature(self) -> &'static str {
        match self {
            Self::ReplyOrder => "reply-order",
            Self::ViewWentBack => "view-went-back",
            Self::StaleRead => "stale-read",
            Self::StaleChildren => "stale-children",
            Self::StaleAbsence => "stale-absence",
            Self::OwnWriteUnseen => "own-write-unseen",
            Self::TornMulti => "torn-multi",
            Self::TornRead => "torn-read",
        }
    }

    /// The guarantees that are broken by their own names. Replies out of order are no matter of what was shown.
    fn guarantees(self) -> &'static [Property] {
        match self {
            Self::ReplyOrder => &[],
            Self::OwnWriteUnseen => &[Property::ReadYourWrites, Property::SequentialConsistency],
            Self::ViewWentBack | Self::StaleRead | Self::StaleChildren | Self::StaleAbsence => {
                &[Property::MonotonicReads, Property::SequentialConsistency]
            }
            Self::TornMulti => &[
                Property::AtomicMultis,
                Property::MonotonicReads,
                Property::SequentialConsistency,
            ],
            Self::TornRead => &[Property::AtomicMultis, Property::SequentialConsistency],
        }
    }
}

pub(super) fn tell(
    read: &Witness,
    breach: Breach,
    evidence: Vec<Sentence>,
    contradiction: String,
) -> Violation {
    wording::violation(
        Property::SessionGuarantees,
        read.at(),
        breach.signature(),
        evidence,
        contradiction,
    )
    .with_also(breach.guarantees())
}

pub(super) fn stories(known: &Known, parked: &Parked) -> Vec<Sentence> {
    let mut evidence = vec![known.by.sentence_of_sight()];
    let is_other = |by: &&Arc<Witness>| (by.client, by.op) != (parked.read.client, parked.read.op);
    let by = parked.by.iter().filter(is_other);
    evidence.extend(by.map(|by| by.sentence()));
    evidence.push(parked.read.sentence_of_sight());
    evidence
}

pub(super) fn breach(known: &Known, parked: &Parked, otherwise: Breach) -> Breach {
    if known.by.request.is_write() && known.by_session == parked.session {
        Breach::OwnWriteUnseen
    } else {
        otherwise
    }
}

// Stories.
impl SessionMonitor {
    /// The read showed a znode as of `shown` although its session's view held its change at `zxid`.
    pub(super) fn stale(
        &self,
        (aspect, znode): (Aspect, PathNumber),
        shown: Zxid,
        zxid: Zxid,
        known: &Known,
        parked: &Parked,
    ) -> Violation {
        let path = self.keys.path(znode);
        let (otherwise, what) = match aspect {
            Aspect::Data => (Breach::StaleRead, "changed"),
            Aspect::Children => (Breach::StaleChildren, "changed in its children"),
        };
        let breach = breach(known, parked, otherwise);
        if let (Request::Multi(_), true) = (&*known.by.request, breach != Breach::OwnWriteUnseen)
            && let Some(torn) = self.torn(path, shown, zxid, known, parked)
        {
            return torn;
        }
        if let Some((beside, other)) = &parked.beside
            && zxid <= *beside
        {
            return tell(
                &parked.read,
                Breach::TornRead,
                vec![
                    known.by.sentence_of_sight(),
                    parked.read.sentence_of_sight(),
                ],
                format!(
                    "one read showed {other} as of zxid {beside} and {path} as of {shown}, although {path} was {what} at {zxid}"
                ),
            );
        }
        tell(
            &parked.read,
            breach,
            stories(known, parked),
            format!(
                "{path} was {what} at zxid {zxid}, which session {} had in view ({}), yet it was shown as of {shown}",
                parked.session, parked.view
            ),
        )
    }

    /// The session had been shown another change of the same transaction.
    fn torn(
        &self,
        path: &str,
        shown: Zxid,
        zxid: Zxid,
        known: &Known,
        parked: &Parked,
    ) -> Option<Violation> {
        let view = self.sessions.get(&parked.session)?;
        let half = |half: &&Shown| half.changes.contains(&zxid) && *half.path != *path;
        let Shown {
            path: other, by, ..
        } = view.shown.iter().find(half)?;
        Some(tell(
            &parked.read,
            Breach::TornMulti,
            vec![
                known.by.sentence_of_sight(),
                by.sentence_of_sight(),
                parked.read.sentence_of_sight(),
            ],
            format!(
                "session {} had been shown what the transaction at zxid {zxid} did to {other}, and then {path}, which it changed too, as of {shown}",
                parked.session
            ),
        ))
    }
}
