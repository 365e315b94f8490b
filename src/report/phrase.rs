//! Facts in a few words, for the lines of a replay.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "each function knows some facts; what none of them knows is shown in its derived form"
)]

use super::faults;
use crate::base::id::{ClientId, NodeId, ServerId};
use crate::check::wording;
use crate::experiment::scenario::plan::Roster;
use crate::history::fact::{EpochFile, Fact, Loss, Role, SyncKind};
use crate::history::op::{ErrorCode, Response};
use crate::history::recipe::Step;
use crate::sim::fault::Planned;

/// Whom a fact is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whom {
    /// A server.
    Server(ServerId),
    /// A client.
    Client(ClientId),
    /// The machine.
    World,
}

impl Whom {
    /// The node, unless it is the machine.
    pub fn node(self, roster: Roster) -> Option<NodeId> {
        match self {
            Self::Server(server) => Some(NodeId::from(server)),
            Self::Client(client) => Some(roster.client(client.0)),
            Self::World => None,
        }
    }
}

/// Whom a fact is about, and what it says.
pub fn fact(fact: &Fact, plan: &[Planned], roster: Roster) -> (Whom, String) {
    let of_servers = [
        of_life,
        of_election,
        of_sync,
        of_role,
        of_history,
        of_sessions,
    ];
    let server = of_servers.iter().find_map(|phrase| phrase(fact));
    if let Some((server, text)) = server {
        (Whom::Server(server), text)
    } else if let Some((client, text)) = of_client(fact) {
        (Whom::Client(client), text)
    } else {
        let text = of_machine(fact, plan, roster).unwrap_or_else(|| format!("{fact:?}"));
        (Whom::World, text)
    }
}

fn of_machine(fact: &Fact, plan: &[Planned], roster: Roster) -> Option<String> {
    let planned = |index: &u32| {
        let index = usize::try_from(*index).ok()?;
        Some(faults::line(plan.get(index)?, roster))
    };
    match fact {
        Fact::FaultBegan {
            index,
            effective: true,
            ..
        } => Some(format!("fault {} begins", planned(index)?)),
        Fact::FaultBegan {
            index,
            effective: false,
            why,
            ..
        } => {
            let why = why
                .as_ref()
                .map_or_else(String::new, |why| format!(": {why}"));
            Some(format!(
                "fault {} finds nothing to do{why}",
                planned(index)?
            ))
        }
        Fact::ClockHeld { server, held } => Some(if *held {
            format!("the clocks of {server} stand still")
        } else {
            format!("the clocks of {server} go on")
        }),
        Fact::OutsideModel {
            index,
            server,
            what,
        } => {
            let by = match index {
                Some(index) => format!("fault {}", planned(index)?),
                None => "the scenario's own setting".to_owned(),
            };
            let at = server.map_or_else(String::new, |server| format!(" at {server}"));
            Some(format!(
                "{what}{at}, by {by}: outside what Zab promises to survive"
            ))
        }
        Fact::FaultEnded { index } => Some(format!("fault {} is over", planned(index)?)),
        _ => None,
    }
}

fn role(role: Role) -> &'static str {
    match role {
        Role::Leader => "leader",
        Role::Follower => "follower",
        Role::Observer => "observer",
    }
}

fn sync(kind: SyncKind) -> &'static str {
    match kind {
        SyncKind::Diff => "DIFF",
        SyncKind::Trunc => "TRUNC",
        SyncKind::Snap => "SNAP",
        SyncKind::LogDiff => "DIFF from its log",
    }
}

/// A server's life.
fn of_life(fact: &Fact) -> Option<(ServerId, String)> {
    Some(match fact {
        Fact::ServerCrashed {
            server,
            power,
            code,
        } => (
            *server,
            match (code, power) {
                (Some(code), _) => format!("exits with code {code}"),
                (None, true) => "loses power".to_owned(),
                (None, false) => "is killed".to_owned(),
            },
        ),
        Fact::Booted {
            server,
            lineage,
            accepted,
            current,
        } => (
            *server,
            format!("boots with {lineage}, acceptedEpoch {accepted}, currentEpoch {current}"),
        ),
        Fact::BootDropped { server, lineage } => (*server, format!("drops what follows {lineage}")),
        Fact::BootRefused { server, why } => (*server, format!("refuses to start: {why}")),
        Fact::Ignored { server, why } => (*server, format!("passes over something: {why}")),
        _ => return None,
    })
}

/// Election and discovery.
fn of_election(fact: &Fact) -> Option<(ServerId, String)> {
    Some(match fact {
        Fact::Voted {
            server,
            round,
            zxid,
            epoch,
            ..
        } => (
            *server,
            format!("LOOKING, round {round}, votes for itself with {zxid} of epoch {epoch}"),
        ),
        Fact::Elected {
            server,
            leader,
            round,
        } => (*server, format!("elects {leader} in round {round}")),
        Fact::EpochDurable {
            server,
            file,
            epoch,
        } => {
            let file = match file {
                EpochFile::Accepted => "acceptedEpoch",
                EpochFile::Current => "currentEpoch",
            };
            (*server, format!("{file} {epoch} is durable"))
        }
        Fact::AckEpochSent {
            server,
            epoch,
            counted,
        } => {
            let counted = if *counted { "" } else { " (not counted)" };
            (*server, format!("sends ACKEPOCH {epoch}{counted}"))
        }
        Fact::EpochProposed { server, epoch } => (*server, format!("proposes epoch {epoch}")),
        _ => return None,
    })
}

/// Synchronisation.
fn of_sync(fact: &Fact) -> Option<(ServerId, String)> {
    Some(match fact {
        Fact::SyncSent {
            server,
            learner,
            kind,
            peer,
            upto,
        } => (
            *server,
            format!("sends {learner} a {} from {peer} to {upto}", sync(*kind)),
        ),
        Fact::Switched {
            server,
            kind,
            lineage,
            epoch,
        } => (
            *server,
            format!(
                "switches by {} to {lineage}, currentEpoch {epoch}",
                sync(*kind)
            ),
        ),
        Fact::NewLeaderAckSent { server, epoch, .. } => {
            (*server, format!("acknowledges NEWLEADER {epoch}"))
        }
        _ => return None,
    })
}

/// Roles.
fn of_role(fact: &Fact) -> Option<(ServerId, String)> {
    Some(match fact {
        Fact::LeadStarted { server, lineage } => {
            (*server, format!("starts to lead with {lineage}"))
        }
        Fact::QuorumFormed {
            server,
            epoch,
            members,
            lineage,
        } => (
            *server,
            format!("epoch {epoch} has its quorum {members}; all of {lineage} is committed"),
        ),
        Fact::ServeStart {
            server,
            role: played,
            epoch,
            lineage,
            ..
        } => (
            *server,
            format!("serves as {} of epoch {epoch} at {lineage}", role(*played)),
        ),
        Fact::RoleEnd {
            server,
            role: played,
            why,
        } => (*server, format!("is no longer {}: {why}", role(*played))),
        _ => return None,
    })
}

/// Sessions at the leader.
fn of_sessions(fact: &Fact) -> Option<(ServerId, String)> {
    Some(match fact {
        Fact::SessionTouched {
            server, session, ..
        } => (*server, format!("hears of session {session}")),
        Fact::SessionExpiring {
            server, session, ..
        } => (*server, format!("expires session {session}")),
        Fact::SessionMoved {
            server,
            session,
            owner,
        } => (*server, format!("session {session} moves to {owner}")),
        _ => return None,
    })
}

/// What happens to transactions at a server.
fn of_history(fact: &Fact) -> Option<(ServerId, String)> {
    Some(match fact {
        Fact::Proposed {
            server, zxid, txn, ..
        } => (*server, format!("proposes {zxid} {}", txn.text)),
        Fact::Appended { server, zxid, .. } => (*server, format!("appends {zxid}")),
        Fact::Durable { server, zxid } => (*server, format!("has forced all to {zxid}")),
        Fact::AckSent { server, zxid } => (*server, format!("acknowledges {zxid}")),
        Fact::CommitDecided {
            server, zxid, acks, ..
        } => (*server, format!("commits {zxid}, acknowledged by {acks}")),
        Fact::Delivered { server, zxid, .. } => (*server, format!("applies {zxid}")),
        Fact::DiskTruncated { server, lineage } => {
            (*server, format!("truncates its disk to {lineage}"))
        }
        Fact::CommitOutOfOrder { server, zxid, head } => (
            *server,
            format!("is told to commit {zxid} though {head} is next"),
        ),
        _ => return None,
    })
}

/// What a client sees.
fn of_client(fact: &Fact) -> Option<(ClientId, String)> {
    Some(match fact {
        Fact::ClientCrashed { client } => (*client, "is killed".to_owned()),
        Fact::Invoked {
            client,
            op,
            request,
            ..
        } => (*client, format!("op {op}: {}", wording::request(request))),
        Fact::Returned {
            client,
            op,
            zxid,
            result: outcome,
            ..
        } => {
            let zxid = zxid.map_or(String::new(), |zxid| format!(" at {zxid}"));
            (*client, format!("op {op} {}{zxid}", result(outcome)))
        }
        Fact::Lost {
            client,
            op,
            loss,
            sent,
            ..
        } => {
            let loss = match loss {
                Loss::ConnectionLoss => "connection loss",
                Loss::SessionExpired => "session expired",
            };
            let fate = if *sent {
                "outcome unknown"
            } else {
                "never sent"
            };
            (*client, format!("op {op}: {loss}, {fate}"))
        }
        Fact::EventReceived { client, event, .. } => {
            (*client, format!("event {}", wording::event(event)))
        }
        Fact::Connected {
            client,
            session,
            server,
            fresh,
            ..
        } => {
            let fresh = if *fresh { "new " } else { "" };
            (
                *client,
                format!("connected to {server}, {fresh}session {session}"),
            )
        }
        Fact::Disconnected { client, .. } => (*client, "disconnected".to_owned()),
        Fact::Expired {
            client,
            session,
            told,
        } => {
            let how = if *told { "is told" } else { "concludes" };
            (*client, format!("{how} that session {session} is over"))
        }
        Fact::WatchesReset { client, .. } => (*client, "registers its watches again".to_owned()),
        Fact::Ponged { client, zxid, .. } => (*client, format!("hears a pong at {zxid}")),
        Fact::Recipe { client, step } => (*client, of_recipe(step)),
        _ => return None,
    })
}

/// What a program that follows a recipe does or believes.
fn of_recipe(step: &Step) -> String {
    match step {
        Step::Queued { node, .. } => format!("stands in line with {node}"),
        Step::Held { line, .. } => format!("believes that it holds {line}"),
        Step::Acted {
            token: Some(token), ..
        } => format!("uses what is guarded, with token {token}"),
        Step::Acted { token: None, .. } => "uses what is guarded".to_owned(),
        Step::LetGo { line, .. } => format!("lets {line} go"),
        Step::Counting { counter } => format!("wants to add one to {counter}"),
        Step::Counted { counter, value } => format!("has made {counter} {value}"),
        Step::TakeBegan { queue } => format!("wants an element of {queue}"),
        Step::Took {
            node,
            item: Some(item),
            ..
        } => format!("works on {item}, taken from {node}"),
        Step::Took { node, .. } => format!("has taken {node} and does not know what it held"),
        Step::TakeUnsure { node, .. } => format!("does not know whether it has taken {node}"),
        Step::Waits { barrier } => format!("waits in front of {barrier}"),
        Step::Passed { barrier } => format!("passes {barrier}"),
        Step::EnterCalled { round, .. } => format!("wants to enter round {round}"),
        Step::Entered { round, .. } => format!("enters round {round}"),
        Step::LeaveCalled { round, .. } => format!("wants to leave round {round}"),
        Step::Left { round, .. } => format!("leaves round {round}"),
        Step::Configured { mzxid, .. } => format!("uses the configuration of {mzxid}"),
        Step::Member { group, name } => format!("is a member of {group} as {name}"),
        Step::Viewed { members, .. } => format!("takes {} for members", members.join(", ")),
        Step::Voted {
            transaction,
            commit,
            ..
        } => format!(
            "votes {} on {transaction}",
            if *commit { "yes" } else { "no" }
        ),
        Step::Decided {
            transaction,
            commit,
            ..
        } => format!(
            "{} {transaction}",
            if *commit { "commits" } else { "aborts" }
        ),
    }
}

/// What came of an operation.
fn result(result: &Result<Response, ErrorCode>) -> String {
    match result {
        Err(error) => format!("fails with {error}"),
        Ok(answer) => response(answer),
    }
}

/// What an operation that succeeded answers.
pub fn response(response: &Response) -> String {
    match response {
        Response::Data(data, stat) => {
            format!("answers {} version {}", wording::data(data), stat.version)
        }
        Response::Stat(stat) | Response::PathStat(_, stat) => {
            format!("succeeds, version {}", stat.version)
        }
        Response::Path(path) => format!("succeeds, {path}"),
        Response::Children(names, _) => format!("answers {} children", names.len()),
        Response::Empty
        | Response::Acl(..)
        | Response::Multi(_)
        | Response::Paths(_)
        | Response::Count(_)
        | Response::Identities(_) => "succeeds".to_owned(),
    }
}
