//! Lessons about writes: what happens before what, when a write is safe, what a leader that nobody follows can do, versions.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "each lesson is about a few facts; the others do not matter to it"
)]

use super::{ENDINGS, Lesson, Question, Run, came_to, question};
use crate::base::id::{ServerId, ServerSet};
use crate::base::zxid::Zxid;
use crate::check::verdict::At;
use crate::experiment::chronicle::operations::Ending;
use crate::history::fact::Fact;

pub(super) const READING_TIME: Lesson = Lesson {
    number: 1,
    id: "reading-time",
    title: "Reading time",
    text: "Two clients write to different znodes at about the same time. Events on one lane follow each other, and a message \
           is sent before it arrives. Where no such path leads from one event to another, neither came before the other: \
           their order on the axis is an accident of the clock.",
    ask: reading_time,
};

fn reading_time(run: &Run<'_>) -> Vec<Question> {
    let zxid = run.operation(1, 0).zxid.expect("the write succeeded");
    let leader = run.leader_before(run.ending(1, 0).0);
    let proposed = moment(
        run,
        |fact| matches!(fact, Fact::Proposed { zxid: other, .. } if *other == zxid),
    );
    let committed = moment(
        run,
        |fact| matches!(fact, Fact::CommitDecided { zxid: other, .. } if *other == zxid),
    );
    let followers: Vec<ServerId> = (1..=3).map(ServerId).filter(|s| *s != leader).collect();
    let logged = |server: ServerId| {
        moment(
            run,
            |fact| matches!(fact, Fact::Appended { server: s, zxid: other, .. } if *s == server && *other == zxid),
        )
    };
    let replied = run.ending(1, 0).0;
    let asked = [run.operation(1, 0).invoked, run.operation(2, 0).invoked];
    let pairs: [(String, At, At); 4] = [
        (
            format!(
                "server {leader} proposes {zxid}, and server {} logs it",
                followers[0]
            ),
            proposed,
            logged(followers[0]),
        ),
        (
            format!(
                "server {} logs {zxid}, and server {} logs it",
                followers[0], followers[1]
            ),
            logged(followers[0]),
            logged(followers[1]),
        ),
        (
            format!("server {leader} commits {zxid}, and client 1 is answered"),
            committed,
            replied,
        ),
        (
            format!("client 1 asks for its create, and server {leader} commits {zxid}"),
            asked[0],
            committed,
        ),
    ];
    let concurrent =
        |pair: &&(String, At, At)| !run.is_before(pair.1, pair.2) && !run.is_before(pair.2, pair.1);
    let found: Vec<&(String, At, At)> = pairs.iter().filter(concurrent).collect();
    let [one] = found.as_slice() else {
        panic!("one pair is concurrent, found {}", found.len());
    };
    let first = asked[0].max(asked[1]);
    vec![question(
        first,
        "Four pairs of events are coming. In which pair did neither happen before the other?",
        pairs.iter().map(|pair| pair.0.clone()),
        &one.0,
        "No chain of steps and messages leads from one of the two to the other, so no observer could tell which was first. \
         In the other pairs there is such a chain: switch to the causal axis and look for it.",
    )]
}

fn moment(run: &Run<'_>, is: impl Fn(&Fact) -> bool) -> At {
    run.first(|at, fact| is(fact).then_some(at))
}

pub(super) const LIFE_OF_A_WRITE: Lesson = Lesson {
    number: 2,
    id: "life-of-a-write",
    title: "The life of a write",
    text: "One client creates one znode. Watch the transaction travel: PROPOSAL out, forced to each disk, ACK back, COMMIT out. \
           Server 1 has a slow disk and server 2 a slow link.",
    ask: life_of_a_write,
};

fn life_of_a_write(run: &Run<'_>) -> Vec<Question> {
    let zxid = run.operation(1, 0).zxid.expect("the write succeeded");
    let forced = forced_by(run, zxid);
    let proposed = moment(
        run,
        |fact| matches!(fact, Fact::Proposed { zxid: other, .. } if *other == zxid),
    );
    let name = |index: usize| format!("when {} of 5 servers have forced it to disk", index + 1);
    let safe = name(2);
    let (at_quorum, third) = forced[2];
    let commit = run.first(|at, fact| match fact {
        Fact::CommitDecided {
            zxid: other, acks, ..
        } if *other == zxid => Some((at, *acks)),
        _ => None,
    });
    let waited_for = |server: u8| commit.1.contains(ServerId(server));
    let waits = match (waited_for(1), waited_for(2)) {
        (false, false) => "for neither of them",
        (true, false) => "for server 1",
        (false, true) => "for server 2",
        (true, true) => "for both of them",
    };
    vec![
        question(
            proposed,
            "From when on would the write survive the loss of any two servers?",
            (0..5).map(name),
            &safe,
            format!(
                "Two lost servers leave three, and any three of five meet any three: with server {third}, at event {}, the \
                 third copy was durable. Fewer copies could all be lost; more are not needed.",
                at_quorum.event.0
            ),
        ),
        question(
            commit.0,
            "Server 1's disk and server 2's link are slow. For which of the two does the client wait?",
            [
                "for neither of them",
                "for server 1",
                "for server 2",
                "for both of them",
            ],
            waits,
            format!(
                "The leader committed with the acknowledgements of {}: a quorum, and no more. The slowest minority does not \
                 count.",
                commit.1
            ),
        ),
    ]
}

/// When each server had forced a transaction, first to last.
fn forced_by(run: &Run<'_>, zxid: Zxid) -> Vec<(At, ServerId)> {
    let mut seen = ServerSet::default();
    let mut forced = Vec::new();
    for (at, fact) in run.facts() {
        if let Fact::Durable { server, zxid: upto } = fact
            && *upto >= zxid
            && seen.insert(*server)
        {
            forced.push((at, *server));
        }
    }
    forced
}

pub(super) const ZOMBIE_LEADER: Lesson = Lesson {
    number: 8,
    id: "zombie-leader",
    title: "A leader that nobody follows",
    text: "Nobody hears the leader any more, but it still hears the others, and client 1 goes on writing to it. The others elect a new \
           leader, and client 2 writes there. (Client 3 asks for syncs: they are what the old leader still hears.)",
    ask: zombie_leader,
};

fn zombie_leader(run: &Run<'_>) -> Vec<Question> {
    let (at, ending) = run.ending(1, 1);
    let old = run.full.trace.chronicle().elections[0].leader;
    let left = run.first(|at, fact| match fact {
        Fact::RoleEnd { server, .. } if *server == old => Some(at),
        _ => None,
    });
    let new = run.full.trace.chronicle().elections[1].clone();
    let order = if new.at < left {
        "yes, for a while"
    } else {
        "no, the old one gives up first"
    };
    vec![
        question(
            left.min(new.at),
            "Will there be two servers at the same time that each believe to be the leader?",
            ["yes, for a while", "no, the old one gives up first"],
            order,
            format!(
                "Server {old} noticed at event {} that no quorum answers any more; server {} was established at event {}. \
                 Epochs make either harmless: nothing of the old epoch can be committed once a quorum has promised the new one.",
                left.event.0, new.leader, new.at.event.0
            ),
        ),
        question(
            at,
            "Client 1 writes through the leader that is cut off. What does it get?",
            ENDINGS,
            came_to(ending),
            "The write was proposed and logged there and never acknowledged by a quorum. The client cannot know: had a quorum \
             got it, the next leader would have kept it. No answer does not mean no.",
        ),
    ]
}

pub(super) const VERSIONS: Lesson = Lesson {
    number: 9,
    id: "versions",
    title: "Versions",
    text: "Client 1 creates /k, whose version is 0. Then both clients set it at the same moment, each on condition that its \
           version is still 0.",
    ask: versions,
};

fn versions(run: &Run<'_>) -> Vec<Question> {
    let (one, two) = (run.ending(1, 1), run.ending(2, 0));
    let options = [
        "client 1's alone",
        "client 2's alone",
        "both: the later one wins",
        "neither",
    ];
    let answer = match (&one.1, &two.1) {
        (Ending::Ok(_), Ending::Ok(_)) => options[2],
        (Ending::Ok(_), _) => options[0],
        (_, Ending::Ok(_)) => options[1],
        _ => options[3],
    };
    vec![question(
        one.0.min(two.0),
        "Whose write succeeds?",
        options,
        answer,
        "The leader takes requests one by one. The first finds version 0 and makes it 1; the second expects 0, finds 1 and is \
         refused with BadVersion. Nothing is merged and nothing newer wins: of two writes that expect the same version exactly \
         one succeeds, whichever the leader took first.",
    )]
}
