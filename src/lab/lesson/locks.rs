//! The lesson about the lock: what ZooKeeper can promise about holders, and what it cannot.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "the lesson is about a few facts; the others do not matter to it"
)]

use super::{Lesson, Question, Run, question};
use crate::base::id::ClientId;
use crate::history::fact::Fact;
use crate::history::recipe::Step;

pub(super) const LOCK: Lesson = Lesson {
    number: 11,
    id: "lock",
    title: "The lock, and who believes to hold it",
    text: "Three clients take turns with a lock: each creates an ephemeral znode with a number, the smallest number holds. Client 1 \
           holds it and stands still (a long garbage collection, say) for 2.5 seconds; its session lasts 1.2.",
    ask: lock,
};

fn lock(run: &Run<'_>) -> Vec<Question> {
    let still = run.first(|at, fact| matches!(fact, Fact::FaultBegan { .. }).then_some(at));
    let (next, holder) = run.first(|at, fact| match held(fact) {
        Some(client) if at > still && client != ClientId(1) => Some((at, client)),
        _ => None,
    });
    let awake = run.first(|at, fact| matches!(fact, Fact::FaultEnded { .. }).then_some(at));
    let highest = run
        .facts()
        .filter(|(at, _)| *at < awake)
        .filter_map(|(_, fact)| acted(fact))
        .map(|(_, token)| token)
        .max()
        .expect("somebody used the resource");
    let late = run
        .facts()
        .filter(|(at, _)| *at >= awake)
        .find_map(|(at, fact)| acted(fact).map(|(client, token)| (at, client, token)));
    let (at, token) = match late {
        Some((at, ClientId(1), token)) if token < highest => (at, Some(token)),
        Some((at, ..)) => (at, None),
        None => (awake, None),
    };
    let options = [
        "it sees that its session is over, and does nothing",
        "it uses what the lock guards, as if it still held the lock",
    ];
    vec![
        question(
            next,
            "Client 1 stands still and holds the lock. What happens to the others?",
            [
                "they wait until client 1 goes on".to_owned(),
                "client 2 holds the lock once client 1's session is over".to_owned(),
                "client 3 holds the lock once client 1's session is over".to_owned(),
            ],
            &format!(
                "client {} holds the lock once client 1's session is over",
                holder.0
            ),
            "The leader hears nothing of client 1 and ends its session; the ephemeral znode goes with it. The client with the next \
             number was watching just that znode, and holds the lock.",
        ),
        question(
            at,
            "Client 1 goes on where it stopped. Others have held the lock meanwhile. What does it do?",
            options,
            options[usize::from(token.is_some())],
            match token {
                Some(token) => format!(
                    "Nobody can tell it anything between two of its own instructions: it believes what it knew when it stopped. \
                     It shows token {token}, and the resource has seen {highest}: a resource that compares refuses it, one that does not \
                     is damaged. A lock excludes in the tree; in the world only a fencing token does."
                ),
                None => {
                    "It was lucky: it looked at its session first. Nothing makes it.".to_owned()
                }
            },
        ),
    ]
}

fn held(fact: &Fact) -> Option<ClientId> {
    match fact {
        Fact::Recipe {
            client,
            step: Step::Held { .. },
        } => Some(*client),
        _ => None,
    }
}

/// Who used what the lock guards, with which token.
fn acted(fact: &Fact) -> Option<(ClientId, u64)> {
    match fact {
        Fact::Recipe {
            client,
            step: Step::Acted {
                token: Some(token), ..
            },
        } => Some((*client, *token)),
        _ => None,
    }
}
