//! Operations that clients have asked for and nobody has answered yet.

use std::sync::Arc;

use super::by_operation::ByOperation;
use super::verdict::At;
use super::wording::Witness;
use crate::base::id::SessionId;
use crate::history::fact::Fact;
use crate::history::op::{ErrorCode, Response};

/// Every operation under way. What is known of one is shared by all monitors: it is most of what they keep. A reply after a loss, or a
/// second one, is no reply to any of them.
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::id::ClientId;
    use crate::check::script::{Script, create, get, path, stat, z};

    /// What each fact is about, as the operations under way tell it.
    fn told(script: &Script) -> Vec<Option<Arc<Witness>>> {
        let mut under_way = UnderWay::default();
        let mut told = Vec::new();
        script.play(|at, fact| told.push(under_way.observe(at, fact)));
        told
    }

    #[test]
    fn who_kept_an_operation_when_it_began_still_knows_no_more() {
        let mut script = Script::new();
        script.did(1, create("/a", ""), z(5), Response::Path(path("/a")));
        let told = told(&script);
        let [Some(begun), Some(answered)] = told.as_slice() else {
            panic!("invoked and answered: {told:?}");
        };
        assert!(begun.sentence().text.contains("outcome is unknown"));
        assert!(answered.sentence().text.contains("succeeded at zxid"));
    }

    #[test]
    fn a_second_reply_is_none() {
        let mut script = Script::new();
        script.did(1, create("/a", ""), z(5), Response::Path(path("/a")));
        let mut under_way = UnderWay::default();
        let mut replies = 0;
        script.play(|at, fact| {
            under_way.observe(at, fact);
            if let Fact::Returned { .. } = fact {
                assert!(under_way.observe(at, fact).is_none());
                replies += 1;
            }
        });
        assert_eq!(replies, 1);
    }

    #[test]
    fn a_reply_after_a_loss_or_a_crash_is_none() {
        for is_crash in [false, true] {
            let mut script = Script::new();
            let call = script.invoke(1, create("/a", ""));
            if is_crash {
                let client = ClientId(1);
                script.fact(Fact::ClientCrashed { client });
            } else {
                script.lose(call);
            }
            script.ok(call, z(5), Response::Path(path("/a")));
            let told: Vec<bool> = told(&script).iter().map(Option::is_some).collect();
            assert_eq!(told, [true, false, false]);
        }
    }

    #[test]
    fn evidence_of_the_znode_that_was_shown_is_shared_and_of_another_is_not() {
        let mut script = Script::new();
        let shown = stat(z(1), z(2), 1);
        let answer = Response::Data(None, shown.into());
        script.did(1, get("/k", false), z(3), answer);
        let told = told(&script);
        let read = told.last().and_then(Option::as_ref).expect("an answer");
        assert!(Arc::ptr_eq(read, &read.showing(&shown)));
        let other = read.showing(&stat(z(1), z(3), 2));
        assert_eq!(other.at(), read.at());
        assert!(other.sentence_with_status().text.contains("version 2"));
        assert!(read.sentence_with_status().text.contains("version 1"));
    }
}
