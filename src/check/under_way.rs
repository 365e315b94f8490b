//! Operations that clients have asked for and nobody has answered yet.

use super::by_operation::ByOperation;
use super::verdict::At;
use super::wording::Witness;
use crate::base::id::SessionId;
use crate::history::fact::Fact;
use crate::history::op::{ErrorCode, Response};

/// Every operation under way.
#[derive(Clone, Debug, Default)]
pub(super) struct UnderWay(ByOperation<Witness>);

/// An operation that was answered or refused.
pub(super) struct Answered<'a> {
    /// What was asked for, with what is known of the answer.
    pub(super) witness: Witness,
    /// In which session.
    pub(super) session: SessionId,
    /// The answer.
    pub(super) result: Result<&'a Response, &'a ErrorCode>,
}

impl UnderWay {
    /// Takes a fact: the operation that it answers, if it answers one. What is lost or asked for by a client that is gone is
    /// not under way any more.
    pub(super) fn observe<'a>(&mut self, at: At, fact: &'a Fact) -> Option<Answered<'a>> {
        if let Fact::Invoked {
            client,
            op,
            request,
            ..
        } = fact
        {
            let witness = Witness::begin(*client, *op, at, request);
            self.0.insert((*client, *op), witness);
        } else if let Fact::Returned {
            client,
            op,
            session,
            zxid,
            result,
            ..
        } = fact
        {
            let mut witness = self.0.remove(&(*client, *op))?;
            witness.answer(at, *zxid, result);
            return Some(Answered {
                witness,
                session: *session,
                result: result.as_ref(),
            });
        } else if let Fact::Lost { client, op, .. } = fact {
            self.0.remove(&(*client, *op));
        } else if let Fact::ClientCrashed { client } = fact {
            self.0.forget(*client);
        }
        None
    }
}
