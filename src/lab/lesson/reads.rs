//! Lessons about reads: whose state they show, and what watches tell.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "each lesson is about a few facts; the others do not matter to it"
)]

use super::{Lesson, Question, Run, question};
use crate::experiment::chronicle::operations::Ending;
use crate::history::fact::Fact;
use crate::history::op::Response;

pub(super) const READS_ARE_LOCAL: Lesson = Lesson {
    number: 3,
    id: "reads-are-local",
    title: "Reads are local",
    text: "Client 1 sets /k through server 3 and is answered. Client 2 is connected to server 1, whose link to the leader is \
           slow. It reads /k, asks for a sync, and reads again.",
    ask: reads_are_local,
};

fn reads_are_local(run: &Run<'_>) -> Vec<Question> {
    let shown = |nth: usize| {
        let (at, ending) = run.ending(2, nth);
        let Ending::Ok(Response::Data(data, _)) = ending else {
            panic!("the read was answered");
        };
        let bytes = data.as_deref().unwrap_or_default();
        (at, String::from_utf8_lossy(bytes).into_owned())
    };
    let (first, second) = (shown(0), shown(2));
    let options = |value: &str| match value {
        "new" => "the new value",
        "old" => "the old value",
        other => panic!("the value {other}"),
    };
    let all = [
        "the new value",
        "the old value",
        "an error: the server is behind",
    ];
    let acknowledged = run.ending(1, 1).0;
    vec![
        question(
            first.0,
            format!(
                "The write of \"new\" was acknowledged at event {}. What does the first read show?",
                acknowledged.event.0
            ),
            all,
            options(&first.1),
            "A server answers reads from its own tree, and this one has not heard of the write yet. ZooKeeper promises each \
             session a view that never goes back, not the newest one.",
        ),
        question(
            second.0,
            "And the read after the sync?",
            all,
            options(&second.1),
            "The answer to a sync comes down the same channel as the commits, behind them: when it arrives, everything \
             committed before the leader answered has been applied here. (The leader does not ask a quorum: one that was deposed \
             without knowing answers too.)",
        ),
    ]
}

pub(super) const WATCHES: Lesson = Lesson {
    number: 10,
    id: "watches",
    title: "Watches",
    text: "Client 1 creates /k and sets it twenty times. Client 2 left a one-shot watch with a read before that, client 3 a \
           persistent one.",
    ask: watches,
};

fn watches(run: &Run<'_>) -> Vec<Question> {
    let events = |number: u16| {
        run.count(|fact| matches!(fact, Fact::EventReceived { client, .. } if client.0 == number))
    };
    let first = |number: u16| {
        run.first(|at, fact| match fact {
            Fact::EventReceived { client, .. } if client.0 == number => Some(at),
            _ => None,
        })
    };
    let (one_shot, persistent) = (events(2), events(3));
    let options = |right: usize| {
        let mut options = vec![0, 1, 19, 20];
        if !options.contains(&right) {
            options.push(right);
        }
        options.into_iter().map(|count| count.to_string())
    };
    vec![
        question(
            first(2),
            "How many notifications does client 2 get, with its one-shot watch, of twenty changes?",
            options(one_shot),
            &one_shot.to_string(),
            "A one-shot watch fires once and is gone. What changes between the event and the next read with a watch is never \
             told; the read shows where it led.",
        ),
        question(
            first(3),
            "And client 3, with its persistent watch?",
            options(persistent),
            &persistent.to_string(),
            "A persistent watch stays and fires at every change while the session is connected. Changes while it is not are \
             not told afterwards.",
        ),
    ]
}
