//! What client programs hear and do, in a few words.

use crate::client::recipe::outside::{Action, Change, Event, Refusal};
use crate::lab::watcher::{Alarm, Seen};
use crate::lab::wire::ZxidForm;

/// The longest text of a znode that is shown.
const LONGEST: usize = 40;

fn quoted(text: &str) -> String {
    let shown: String = text.chars().take(LONGEST).collect();
    let more = if text.chars().count() > LONGEST {
        "…"
    } else {
        ""
    };
    format!("{shown:?}{more}")
}

fn condition(version: Option<i32>) -> String {
    version.map_or_else(
        || " whatever its version".to_owned(),
        |version| format!(" if its version is {version}"),
    )
}

fn watched(watch: bool) -> &'static str {
    if watch { " with a watch" } else { "" }
}

/// What a program hears.
pub(super) fn heard(event: &Event) -> String {
    match event {
        Event::Start { name } => format!("a life begins, its name is {name}"),
        Event::Connected { new_session: true } => "connected, with a new session".to_owned(),
        Event::Connected { new_session: false } => "connected again".to_owned(),
        Event::Disconnected {} => "the connection is lost".to_owned(),
        Event::Expired {} => "the session is over".to_owned(),
        Event::Reply {
            tag,
            path,
            data,
            version,
            names,
        } => {
            let mut text = format!("reply to {tag}");
            let parts = [
                path.clone(),
                data.as_deref().map(quoted),
                version.map(|version| format!("version {version}")),
                names.as_ref().map(|names| format!("{} names", names.len())),
            ];
            for part in parts.into_iter().flatten() {
                text.push_str(", ");
                text.push_str(&part);
            }
            text
        }
        Event::Refused { tag, why } => {
            let why = match why {
                Refusal::NoNode => "there is no such znode",
                Refusal::NodeExists => "the znode is there already",
                Refusal::BadVersion => "the version is another one",
                Refusal::Other => "it cannot be done",
            };
            format!("{tag} is refused: {why}")
        }
        Event::Lost { tag, maybe: true } => {
            format!("no reply to {tag} will come; it may have been carried out")
        }
        Event::Lost { tag, maybe: false } => format!("{tag} was never sent"),
        Event::Changed { path, change } => {
            let change = match change {
                Change::Created => "was created",
                Change::Deleted => "was deleted",
                Change::Data => "was set",
                Change::Children => "has other children",
            };
            format!("{path} {change}")
        }
        Event::Add {} => "add one".to_owned(),
        Event::Read {} => "read the configuration".to_owned(),
        Event::Acquire {} => "take the lock".to_owned(),
        Event::Release {} => "give the lock back".to_owned(),
    }
}

/// What a program does.
pub(super) fn deeds(actions: &[Action]) -> String {
    if actions.is_empty() {
        return "nothing".to_owned();
    }
    let deeds: Vec<String> = actions.iter().map(deed).collect();
    deeds.join("; ")
}

fn deed(action: &Action) -> String {
    match action {
        Action::Create {
            path,
            ephemeral,
            sequential,
            ..
        } => {
            let ephemeral = if *ephemeral { " ephemeral" } else { "" };
            let sequential = if *sequential { " sequential" } else { "" };
            format!("create{ephemeral}{sequential} {path}")
        }
        Action::Delete { path, version, .. } => match version {
            None => format!("delete {path}"),
            version @ Some(_) => format!("delete {path}{}", condition(*version)),
        },
        Action::Set {
            path,
            data,
            version,
            ..
        } => format!("set {path} to {}{}", quoted(data), condition(*version)),
        Action::Get { path, watch, .. } => format!("get {path}{}", watched(*watch)),
        Action::Exists { path, watch, .. } => format!("exists {path}{}", watched(*watch)),
        Action::Children { path, watch, .. } => {
            format!("children of {path}{}", watched(*watch))
        }
        Action::Sync { path, .. } => format!("sync {path}"),
        Action::Watch { path, .. } => format!("watch {path} persistently"),
        Action::Added { value } => format!("it is added, and the counter is {value}"),
        Action::Serve { data } => match data {
            Some(data) => format!("the configuration is {}", quoted(data)),
            None => "there is no configuration".to_owned(),
        },
        Action::Hold { node, token } => match token {
            Some(token) => format!("the lock is held by {node}, with token {token}"),
            None => format!("the lock is held by {node}, without a token"),
        },
        Action::LetGo {} => "the lock is not held".to_owned(),
    }
}

/// What an invariant said.
pub(super) fn alarm(alarm: Option<&Alarm>) -> String {
    alarm.map_or_else(
        || "nothing".to_owned(),
        |alarm| format!("{}, at event {} of the run", alarm.why, alarm.at),
    )
}

fn zxid(form: ZxidForm) -> String {
    format!("{}:{}", form.epoch, form.counter)
}

/// Whether two events have a zxid or an epoch in common.
pub(super) fn is_near(one: &Seen, other: &Seen) -> bool {
    match (about(one), about(other)) {
        (Some(one), Some(other)) => one == other || (one.1.min(other.1) == 0 && one.0 == other.0),
        _ => false,
    }
}

/// The zxid that an event is about; counter 0 = the epoch as a whole.
fn about(seen: &Seen) -> Option<(u32, u32)> {
    match seen {
        Seen::Led { epoch, .. } => Some((*epoch, 0)),
        Seen::Serves { last, .. } => Some((last.epoch, last.counter)),
        Seen::Proposed { zxid, .. }
        | Seen::Acked { zxid, .. }
        | Seen::Committed { zxid, .. }
        | Seen::Delivered { zxid, .. } => Some((zxid.epoch, zxid.counter)),
        Seen::Start { .. } | Seen::Stopped { .. } | Seen::Synced { .. } | Seen::Ceased { .. } => {
            None
        }
    }
}

/// What happened.
pub(super) fn seen(seen: &Seen) -> String {
    match seen {
        Seen::Start { voters, .. } => format!("a run of {} voters begins", voters.len()),
        Seen::Stopped { server } => format!("server {server} stopped"),
        Seen::Led {
            server,
            epoch,
            quorum,
        } => format!("server {server} leads epoch {epoch}, as {quorum:?} agree"),
        Seen::Synced {
            server,
            learner,
            how,
            peer,
            upto,
        } => {
            let (peer, upto) = (zxid(*peer), zxid(*upto));
            format!("server {server} sent server {learner} a {how} from {peer} to {upto}")
        }
        Seen::Serves {
            server,
            role,
            last,
            history,
            ..
        } => {
            let last = zxid(*last);
            format!("server {server} serves as {role}; its history {history} ends with {last}")
        }
        Seen::Ceased { server } => format!("server {server} serves no longer"),
        Seen::Proposed {
            server,
            zxid: of,
            what,
        } => format!("server {server} proposed {} ({what})", zxid(*of)),
        Seen::Acked { server, zxid: of } => format!("server {server} acknowledged {}", zxid(*of)),
        Seen::Committed {
            server,
            zxid: of,
            acks,
        } => format!(
            "server {server} committed {}, acknowledged by {acks:?}",
            zxid(*of)
        ),
        Seen::Delivered {
            server,
            zxid: of,
            what,
            state,
        } => {
            let of = zxid(*of);
            format!("server {server} delivered {of} ({what}); its tree is {state} now")
        }
    }
}
