//! Lessons about leaders: who becomes one, how the others are brought up to date, what is promised on disk, what a quorum is.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "each lesson is about a few facts; the others do not matter to it"
)]

use super::{Lesson, Question, Run, question};
use crate::base::id::ServerId;
use crate::experiment::chronicle::operations::Ending;
use crate::history::fact::{Fact, SyncKind};

pub(super) const WHO_IS_BETTER: Lesson = Lesson {
    number: 4,
    id: "who-is-better",
    title: "Who is better?",
    text: "Server 5 leads epoch 1 and is cut off with server 1. Client 1 goes on writing there: eight transactions that no quorum \
           gets. The others elect a leader of epoch 2, and client 2 writes once. Then the power fails everywhere, and all \
           five start again.",
    ask: who_is_better,
};

fn who_is_better(run: &Run<'_>) -> Vec<Question> {
    let chronicle = run.full.trace.chronicle();
    let last = chronicle.elections.last().expect("a leader");
    let lengths: Vec<(u8, u64, String)> = (1..=5)
        .map(|server| {
            let (depth, zxid) = run
                .facts()
                .filter_map(|(_, fact)| match fact {
                    Fact::Booted {
                        server: s, lineage, ..
                    } if s.0 == server => Some((lineage.depth, lineage.last)),
                    _ => None,
                })
                .next_back()
                .expect("every server started");
            (server, depth, zxid.to_string())
        })
        .collect();
    let logs: Vec<String> = lengths
        .iter()
        .map(|(server, depth, zxid)| {
            format!("server {server}: {depth} transactions, the last is {zxid}")
        })
        .collect();
    let elected = run.first(|at, fact| match fact {
        Fact::Elected { leader, .. } if *leader == last.leader && at.time > before(run) => Some(at),
        _ => None,
    });
    vec![question(
        elected,
        format!(
            "All five start with what is on their disks ({}). Who wins?",
            logs.join("; ")
        ),
        (1..=5).map(|server| format!("server {server}")),
        &format!("server {}", last.leader),
        format!(
            "Votes are compared by epoch, then by the last zxid, then by the server's number. The longer logs of servers 1 and 5 end \
             in epoch 1 and lose against any log that ends in epoch 2; among those the larger number decides. Server {} keeps \
             what was acknowledged, and the eight writes that nobody acknowledged are dropped.",
            last.leader
        ),
    )]
}

/// When the last crash was.
fn before(run: &Run<'_>) -> crate::base::time::Time {
    let mut crashes = run
        .facts()
        .filter(|(_, fact)| matches!(fact, Fact::ServerCrashed { .. }));
    crashes
        .next_back()
        .map_or(crate::base::time::Time::ZERO, |(at, _)| at.time)
}

pub(super) const ELECTION_UNDER_DELAY: Lesson = Lesson {
    number: 5,
    id: "election-under-delay",
    title: "An election under delay",
    text: "Five servers with empty logs start at once. Each votes for itself, tells the others, and changes its mind whenever it \
           hears of a better candidate. What server 5 says and hears is 150 ms late.",
    ask: election_under_delay,
};

fn election_under_delay(run: &Run<'_>) -> Vec<Question> {
    let first = &run.full.trace.chronicle().elections[0];
    let elected = run.first(|at, fact| matches!(fact, Fact::Elected { .. }).then_some(at));
    vec![question(
        elected,
        "All logs are empty, so only the servers' numbers differ. Who becomes the leader?",
        (1..=5).map(|server| format!("server {server}")),
        &format!("server {}", first.leader),
        format!(
            "A server stops looking when a quorum votes as it does and 200 ms pass without a better vote. {} Any of them would \
             have been safe: all logs are equal. The order of votes decides who is *allowed* to win, delays decide who does.",
            if first.leader == ServerId(5) {
                "Server 5's vote arrived in time everywhere."
            } else {
                "The votes for server 5 came too late, so the best of those heard in time won."
            }
        ),
    )]
}

pub(super) const THE_SYNC_DECISION: Lesson = Lesson {
    number: 6,
    id: "the-sync-decision",
    title: "The sync decision",
    text: "Server 3 leads, is cut off with client 1 and logs one more transaction, /orphan, that nobody else gets. The others elect \
           a leader and commit /b. Then server 3 comes back as a follower.",
    ask: the_sync_decision,
};

fn the_sync_decision(run: &Run<'_>) -> Vec<Question> {
    let old = run.full.trace.chronicle().elections[0].leader;
    let (at, kind, peer, upto) = run
        .facts()
        .filter_map(|(at, fact)| match fact {
            Fact::SyncSent {
                learner,
                kind,
                peer,
                upto,
                ..
            } if *learner == old => Some((at, *kind, *peer, *upto)),
            _ => None,
        })
        .next_back()
        .expect("server 3 is brought up to date");
    let name = match kind {
        SyncKind::Diff | SyncKind::LogDiff => "DIFF: the transactions it lacks",
        SyncKind::Trunc => "TRUNC: drop what I do not have",
        SyncKind::Snap => "SNAP: my whole state",
    };
    vec![question(
        at,
        format!(
            "Server {old} says that its last transaction is {peer}. The leader's last is {upto}. What does it send?"
        ),
        [
            "DIFF: the transactions it lacks",
            "TRUNC: drop what I do not have",
            "SNAP: my whole state",
        ],
        name,
        "The learner's last transaction is of an older epoch and the leader does not know it, so the two histories part somewhere \
         before. Sending what follows would leave the orphan in the middle of the history; truncating to a point within the \
         leader's own log is only possible where that point is known to be shared. A snapshot replaces everything.",
    )]
}

pub(super) const PROMISES_ON_DISK: Lesson = Lesson {
    number: 7,
    id: "promises-on-disk",
    title: "Promises on disk",
    text: "Server 1 joins its first leader. It stores acceptedEpoch = 1, a promise to take part in no older epoch, and loses power \
           50 microseconds later.",
    ask: promises_on_disk,
};

fn promises_on_disk(run: &Run<'_>) -> Vec<Question> {
    let (at, accepted, current) = run
        .facts()
        .filter_map(|(at, fact)| match fact {
            Fact::Booted {
                server,
                accepted,
                current,
                ..
            } if *server == ServerId(1) => Some((at, accepted.0, current.0)),
            _ => None,
        })
        .nth(1)
        .expect("server 1 starts again");
    let say =
        |accepted: u32, current: u32| format!("acceptedEpoch {accepted}, currentEpoch {current}");
    vec![question(
        at,
        "With which epochs on disk does it start again?",
        [say(0, 0), say(1, 0), say(1, 1)],
        &say(accepted, current),
        "A promise counts from the moment it is durable, and it was: acceptedEpoch is stored before ACKEPOCH is sent. currentEpoch \
         changes only at NEWLEADER, when the server has the leader's history. Between the two it has promised an epoch whose history it \
         lacks; its vote says so, because votes carry currentEpoch.",
    )]
}

pub(super) const QUORUMS_AND_OBSERVERS: Lesson = Lesson {
    number: 12,
    id: "quorums-and-observers",
    title: "Quorums and observers",
    text: "Five voters and two observers. Voters 1 and 2 fail; client 1 creates /b. Then voter 3 fails; client 1 creates /c. Servers 6 and 7, \
           the observers, are up all the time.",
    ask: quorums_and_observers,
};

fn quorums_and_observers(run: &Run<'_>) -> Vec<Question> {
    let outcome = |nth: usize| {
        let (at, ending) = run.ending(1, nth);
        (at, matches!(ending, Ending::Ok(_)))
    };
    let options = ["yes", "no"];
    let answer = |is_ok: bool| options[usize::from(!is_ok)];
    let (second, third) = (outcome(1), outcome(2));
    vec![
        question(
            second.0,
            "Five of seven servers are up, three of them voters. Is the create of /b acknowledged?",
            options,
            answer(second.1),
            "Three of five voters are a quorum. Observers are told what is committed and serve reads; they are never counted.",
        ),
        question(
            third.0,
            "Four of seven servers are up, two of them voters. Is the create of /c acknowledged before voter 3 returns?",
            options,
            answer(third.1),
            "More than half of the machines run, but only two of five voters, and no leader can be established without three. The \
             observers do not help.",
        ),
    ]
}
