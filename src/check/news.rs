//! A fact with what several monitors want to know of it, worked out once for all of them.

use std::sync::Arc;

use super::committed::{Committed, Entry};
use super::evidence::{self, Effect};
use super::under_way::{Turn, UnderWay};
use super::verdict::At;
use super::wording::Witness;
use crate::base::id::SessionId;
use crate::base::zxid::Zxid;
use crate::history::fact::Fact;
use crate::history::op::{ErrorCode, Response};

/// A fact as monitors hear of it.
#[derive(Clone, Copy)]
pub(super) struct News<'a> {
    /// Where it is.
    pub at: At,
    /// What became true.
    pub fact: &'a Fact,
    note: &'a Note,
}

impl<'a> News<'a> {
    /// The operation that is invoked, answered or lost, with what is known of it by then.
    pub(super) fn witness(&self) -> Option<&'a Arc<Witness>> {
        self.note.turn.witness()
    }

    /// The first operation of that client that should have had its reply before the one that is answered.
    pub(super) fn overtaken(&self) -> Option<&'a Arc<Witness>> {
        match &self.note.turn {
            Turn::Of { overtaken, .. } => overtaken.as_ref(),
            Turn::None | Turn::Abandoned(_) => None,
        }
    }

    /// The operations for whose replies nobody waits any more, as their client crashed.
    pub(super) fn abandoned(&self) -> &'a [Arc<Witness>] {
        match &self.note.turn {
            Turn::Abandoned(operations) => operations,
            Turn::None | Turn::Of { .. } => &[],
        }
    }

    /// The transactions that are committed, in order.
    pub(super) fn committed(&self) -> &'a [Arc<Entry>] {
        &self.note.committed
    }

    /// Whether the announcements up to here do not fit together, so that the committed log lacks something.
    pub(super) fn has_log_gaps(&self) -> bool {
        self.note.has_log_gaps
    }

    /// The operation that is answered, if one is that was under way.
    pub(super) fn answered(&self) -> Option<Answered<'a>> {
        let Fact::Returned {
            session, result, ..
        } = self.fact
        else {
            return None;
        };
        Some(Answered {
            witness: self.witness()?,
            session: *session,
            result: result.as_ref(),
            effects: &self.note.effects,
        })
    }
}

/// An operation that was answered or refused.
#[derive(Clone, Copy)]
pub(super) struct Answered<'a> {
    /// What was asked for, with what is known of the answer.
    pub(super) witness: &'a Arc<Witness>,
    /// In which session.
    pub(super) session: SessionId,
    /// The answer.
    pub(super) result: Result<&'a Response, &'a ErrorCode>,
    /// What it tells of znodes, if it is a write that the leader placed in the order.
    pub(super) effects: &'a [Effect],
}

impl Answered<'_> {
    /// The place of a write in the order, if the leader gave it one and the answer tells.
    pub(super) fn placed(&self) -> Option<Zxid> {
        placed(self.witness, self.result)
    }
}

fn placed(witness: &Witness, result: Result<&Response, &ErrorCode>) -> Option<Zxid> {
    let is_placed = result.map_or_else(|error| evidence::is_placed(*error), |_| true);
    witness
        .zxid
        .filter(|_| is_placed && witness.request.is_write())
}

/// The end of a run, and what was left open.
#[derive(Clone, Copy)]
pub(super) struct End<'a> {
    /// Where the run ended.
    pub at: At,
    /// The operations that have neither a reply nor a loss.
    pub under_way: &'a UnderWay,
    /// As [`News::has_log_gaps`] tells.
    pub has_log_gaps: bool,
}

/// What was worked out of one fact.
#[derive(Clone, Debug)]
pub(super) struct Note {
    turn: Turn,
    effects: Vec<Effect>,
    committed: Vec<Arc<Entry>>,
    has_log_gaps: bool,
}

impl Note {
    /// Of most facts there is nothing to note.
    pub(super) const NOTHING: Self = Self {
        turn: Turn::None,
        effects: Vec::new(),
        committed: Vec::new(),
        has_log_gaps: false,
    };

    /// The fact with its note.
    pub(super) fn news<'a>(&'a self, at: At, fact: &'a Fact) -> News<'a> {
        News {
            at,
            fact,
            note: self,
        }
    }

    /// Whether the fact commits something.
    pub(super) fn commits(&self) -> bool {
        !self.committed.is_empty()
    }
}

/// Works out what several monitors want to know. Hears every fact of a run, in order.
#[derive(Clone, Debug, Default)]
pub(super) struct Desk {
    under_way: UnderWay,
    log: Committed,
}

impl Desk {
    /// Whether there is anything to note of the next fact; if not, it need not take it.
    pub(super) fn heeds(&self, fact: &Fact) -> bool {
        !self.log.is_whole() || UnderWay::heeds(fact) || self.log.heeds(fact)
    }

    /// Takes the next fact.
    pub(super) fn note(&mut self, at: At, fact: &Fact) -> Note {
        let turn = self.under_way.observe(at, fact);
        Note {
            effects: effects(&turn, fact),
            turn,
            committed: self.log.observe(at, fact),
            has_log_gaps: !self.log.is_whole(),
        }
    }

    /// The run is over.
    pub(super) fn end(&self, at: At) -> End<'_> {
        End {
            at,
            under_way: &self.under_way,
            has_log_gaps: !self.log.is_whole(),
        }
    }
}

/// What the answer to a write tells of znodes.
fn effects(turn: &Turn, fact: &Fact) -> Vec<Effect> {
    let (Fact::Returned { result, .. }, Some(witness)) = (fact, turn.witness()) else {
        return Vec::new();
    };
    let result = result.as_ref();
    let zxid = placed(witness, result);
    zxid.map_or_else(Vec::new, |zxid| {
        let result = result.map(Some).map_err(|error| *error);
        evidence::effects(&witness.request, result, zxid)
    })
}

/// The kinds of facts that runs have by the thousand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Frequent {
    Proposed,
    Appended,
    Durable,
    AckSent,
    CommitDecided,
    Delivered,
    SessionTouched,
    Invoked,
    Returned,
    EventReceived,
}

impl Frequent {
    /// Each at the place of its number.
    pub(super) const ALL: [Self; 10] = [
        Self::Proposed,
        Self::Appended,
        Self::Durable,
        Self::AckSent,
        Self::CommitDecided,
        Self::Delivered,
        Self::SessionTouched,
        Self::Invoked,
        Self::Returned,
        Self::EventReceived,
    ];

    /// The kind of a fact, if it is a frequent one.
    #[expect(clippy::wildcard_enum_match_arm, reason = "the others are rare")]
    pub(super) fn of(fact: &Fact) -> Option<Self> {
        match fact {
            Fact::Proposed { .. } => Some(Self::Proposed),
            Fact::Appended { .. } => Some(Self::Appended),
            Fact::Durable { .. } => Some(Self::Durable),
            Fact::AckSent { .. } => Some(Self::AckSent),
            Fact::CommitDecided { .. } => Some(Self::CommitDecided),
            Fact::Delivered { .. } => Some(Self::Delivered),
            Fact::SessionTouched { .. } => Some(Self::SessionTouched),
            Fact::Invoked { .. } => Some(Self::Invoked),
            Fact::Returned { .. } => Some(Self::Returned),
            Fact::EventReceived { .. } => Some(Self::EventReceived),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_stands_at_the_place_of_its_number() {
        for (place, kind) in Frequent::ALL.into_iter().enumerate() {
            assert_eq!(kind as usize, place);
        }
    }
}
