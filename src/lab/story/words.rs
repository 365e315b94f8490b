//! What client programs hear and do, in a few words.

use crate::client::recipe::outside::{Action, Change, Event, Refusal};

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
