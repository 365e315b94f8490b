//! Operations that clients have asked for and nobody has answered yet.

use std::sync::Arc;

use super::by_operation::ByOperation;
use super::verdict::At;
use super::wording::Witness;
use crate::base::id::ClientId;
use crate::history::fact::Fact;
use crate::history::op::Request;

/// Every operation under way. What is known of one is shared by all monitors: it is most of what they keep. A reply after a loss, or a
/// second one, is no reply to any of them.
#[derive(Clone, Debug, Default)]
pub(super) struct UnderWay(ByOperation<Arc<Witness>>);

impl UnderWay {
    /// Whether a fact is about operations.
    #[inline]
    pub(super) fn heeds(fact: &Fact) -> bool {
        matches!(
            fact,
            Fact::Invoked { .. }
                | Fact::Returned { .. }
                | Fact::Lost { .. }
                | Fact::ClientCrashed { .. }
        )
    }

    /// Takes a fact. What is lost or asked for by a client that is gone is not under way any more.
    pub(super) fn observe(&mut self, at: At, fact: &Fact) -> Turn {
        if let Fact::Invoked {
            client,
            op,
            request,
            ..
        } = fact
        {
            let witness = Arc::new(Witness::begin(*client, *op, at, request));
            self.0.insert((*client, *op), Arc::clone(&witness));
            return Turn::of(witness);
        }
        if let Fact::Returned {
            client,
            op,
            zxid,
            result,
            ..
        } = fact
        {
            let Some(mut witness) = self.0.remove(&(*client, *op)) else {
                return Turn::None;
            };
            Arc::make_mut(&mut witness).answer(at, *zxid, result);
            let overtaken = self.before(*client, *op).cloned();
            return Turn::Of { witness, overtaken };
        }
        if let Fact::Lost { client, op, .. } = fact {
            let witness = self.0.remove(&(*client, *op));
            return witness.map_or(Turn::None, Turn::of);
        }
        if let Fact::ClientCrashed { client } = fact {
            let abandoned = self.0.forget(*client).into_iter();
            return Turn::Abandoned(abandoned.map(|(_, witness)| witness).collect());
        }
        Turn::None
    }

    /// The first operation of a client before this one that should have had its reply. Replies to auth come when they like.
    fn before(&self, client: ClientId, op: u64) -> Option<&Arc<Witness>> {
        let earlier = self.0.of(client).take_while(|earlier| earlier.op < op);
        let mut due = earlier.filter(|earlier| !matches!(*earlier.request, Request::Auth { .. }));
        due.next()
    }

    /// All operations under way, by client and number.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Arc<Witness>> {
        self.0.values()
    }
}

/// What a fact is to the operations under way.
#[derive(Clone, Debug)]
pub(super) enum Turn {
    /// Nothing.
    None,
    /// It invokes, answers or loses one.
    Of {
        /// What is known of it by then.
        witness: Arc<Witness>,
        /// The first operation of that client that was to be answered before the one that is.
        overtaken: Option<Arc<Witness>>,
    },
    /// Nobody waits for these any more.
    Abandoned(Box<[Arc<Witness>]>),
}

impl Turn {
    fn of(witness: Arc<Witness>) -> Self {
        let overtaken = None;
        Self::Of { witness, overtaken }
    }

    /// The operation that is invoked, answered or lost.
    pub(super) fn witness(&self) -> Option<&Arc<Witness>> {
        match self {
            Self::Of { witness, .. } => Some(witness),
            Self::None | Self::Abandoned(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::id::ClientId;
    use crate::check::script::{Script, create, get, path, stat, z};
    use crate::history::op::Response;

    /// What each fact is about, as the operations under way tell it.
    fn told(script: &Script) -> Vec<Turn> {
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
        let witnesses: Vec<_> = told.iter().filter_map(Turn::witness).collect();
        let [begun, answered] = witnesses.as_slice() else {
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
                assert!(under_way.observe(at, fact).witness().is_none());
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
            let told = told(&script);
            assert_eq!(told[1].witness().is_some(), !is_crash);
            assert_eq!(matches!(told[1], Turn::Abandoned(_)), is_crash);
            assert!(told[2].witness().is_none());
        }
    }

    #[test]
    fn a_reply_overtakes_the_first_operation_of_its_client_that_was_to_be_answered_before() {
        let auth = || Request::Auth {
            scheme: "digest".into(),
            auth: b"u:p"[..].into(),
        };
        for (first, overtaken) in [(get("/a", false), Some(1)), (auth(), Some(2))] {
            let mut script = Script::new();
            script.invoke(1, first);
            script.invoke(1, get("/b", false));
            script.invoke(2, get("/c", false));
            let call = script.invoke(1, create("/d", ""));
            script.invoke(1, get("/e", false));
            script.ok(call, z(5), Response::Path(path("/d")));
            let told = told(&script);
            let Some(Turn::Of {
                overtaken: told, ..
            }) = told.last()
            else {
                panic!("answered: {told:?}");
            };
            assert_eq!(told.as_ref().map(|earlier| earlier.op), overtaken);
        }
    }

    #[test]
    fn a_crash_abandons_what_its_client_waited_for_and_leaves_the_others_theirs() {
        let mut script = Script::new();
        script.invoke(1, get("/a", false));
        script.invoke(2, get("/b", false));
        script.invoke(1, get("/c", false));
        let client = ClientId(1);
        script.fact(Fact::ClientCrashed { client });
        let mut under_way = UnderWay::default();
        let mut abandoned = Vec::new();
        script.play(|at, fact| {
            if let Turn::Abandoned(operations) = under_way.observe(at, fact) {
                abandoned.extend(operations);
            }
        });
        let name = |witness: &Arc<Witness>| (witness.client.0, witness.op);
        let abandoned: Vec<_> = abandoned.iter().map(name).collect();
        assert_eq!(abandoned, [(1, 1), (1, 3)]);
        let left: Vec<_> = under_way.iter().map(name).collect();
        assert_eq!(left, [(2, 2)]);
    }

    #[test]
    fn evidence_of_the_znode_that_was_shown_is_shared_and_of_another_is_not() {
        let mut script = Script::new();
        let shown = stat(z(1), z(2), 1);
        let answer = Response::Data(None, shown.into());
        script.did(1, get("/k", false), z(3), answer);
        let told = told(&script);
        let read = told.last().and_then(Turn::witness).expect("an answer");
        assert!(Arc::ptr_eq(read, &read.showing(&shown)));
        let other = read.showing(&stat(z(1), z(3), 2));
        assert_eq!(other.at(), read.at());
        assert!(other.sentence_with_status().text.contains("version 2"));
        assert!(read.sentence_with_status().text.contains("version 1"));
    }
}
