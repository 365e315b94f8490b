//! Operations that clients have asked for and nobody has answered yet.

use std::sync::Arc;

use super::by_operation::ByOperation;
use super::verdict::At;
use super::wording::Witness;
use crate::base::id::SessionId;
use crate::history::fact::Fact;
use crate::history::op::{ErrorCode, Response};

/// Every operation under way. What is known of one is shared by all monitors: it is the most that they keep.
#[derive(Clone, Debug, Default)]
pub(super) struct UnderWay(ByOperation<Arc<Witness>>);

impl UnderWay {
    /// Takes a fact: the operation that somebody asks for by it or that it answers, with what is known of it then. What is lost
    /// or asked for by a client that is gone is not under way any more.
    pub(super) fn observe(&mut self, at: At, fact: &Fact) -> Option<Arc<Witness>> {
        if let Fact::Invoked {
            client,
            op,
            request,
            ..
        } = fact
        {
            let witness = Arc::new(Witness::begin(*client, *op, at, request));
            self.0.insert((*client, *op), Arc::clone(&witness));
            return Some(witness);
        }
        if let Fact::Returned {
            client,
            op,
            zxid,
            result,
            ..
        } = fact
        {
            let mut witness = self.0.remove(&(*client, *op))?;
            Arc::make_mut(&mut witness).answer(at, *zxid, result);
            return Some(witness);
        }
        if let Fact::Lost { client, op, .. } = fact {
            self.0.remove(&(*client, *op));
        } else if let Fact::ClientCrashed { client } = fact {
            self.0.forget(*client);
        }
        None
    }
}

/// An operation that was answered or refused.
pub(super) struct Answered<'a> {
    /// What was asked for, with what is known of the answer.
    pub(super) witness: &'a Arc<Witness>,
    /// In which session.
    pub(super) session: SessionId,
    /// The answer.
    pub(super) result: Result<&'a Response, &'a ErrorCode>,
}

impl<'a> Answered<'a> {
    /// What a fact answers, if it answers an operation that was under way.
    pub(super) fn by(fact: &'a Fact, witness: Option<&'a Arc<Witness>>) -> Option<Self> {
        let Fact::Returned {
            session, result, ..
        } = fact
        else {
            return None;
        };
        Some(Self {
            witness: witness?,
            session: *session,
            result: result.as_ref(),
        })
    }
}
