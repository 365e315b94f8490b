//! The lock (semantics.md §8.1), as `client::recipe::contender` takes it.

use super::Tags;
use crate::client::recipe::outside::{Action, Change, Event, LOCK, Refusal};
use crate::lab::Client;

/// Digits that a server appends to a sequential znode's name.
const DIGITS: usize = 10;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
enum Stage {
    #[default]
    Resting,
    Founding,
    Enlisting,
    /// A create was lost: a write comes after whatever was under way.
    Flushing,
    Seeking,
    Looking,
    Arming(String),
    Waiting(String),
    Holding,
    /// Its znode goes; whether the application is still to be told.
    Leaving {
        is_told: bool,
    },
}

/// Stands in line.
#[derive(Clone, Debug, Default)]
pub struct Lock {
    name: String,
    tags: Tags,
    stage: Stage,
    attempt: u64,
    node: String,
    /// The application wants it while an old znode still goes.
    is_wanted: bool,
}

impl Client for Lock {
    fn on(&mut self, event: &Event) -> Vec<Action> {
        match event {
            Event::Start { name } => {
                self.name.clone_from(name);
                Vec::new()
            }
            Event::Acquire {} if self.stage == Stage::Resting => self.enlist_anew(),
            Event::Acquire {} => {
                self.is_wanted = true;
                Vec::new()
            }
            Event::Release {} => self.leave(false),
            Event::Reply {
                tag, path, names, ..
            } if self.tags.takes(*tag) => {
                self.on_reply(path.as_deref(), names.as_deref().unwrap_or_default())
            }
            Event::Refused { tag, why } if self.tags.takes(*tag) => self.on_refused(*why),
            Event::Lost { tag, maybe } if self.tags.takes(*tag) => self.on_lost(*maybe),
            Event::Changed { path, change } => self.on_changed(path, *change),
            Event::Disconnected {} if self.stage == Stage::Holding => {
                self.stage = Stage::Leaving { is_told: true };
                vec![Action::LetGo {}]
            }
            Event::Connected { .. } if self.stage == (Stage::Leaving { is_told: true }) => {
                self.leave(true)
            }
            Event::Expired {} => self.on_expired(),
            Event::Connected { .. }
            | Event::Disconnected {}
            | Event::Reply { .. }
            | Event::Refused { .. }
            | Event::Lost { .. }
            | Event::Add {}
            | Event::Read {} => Vec::new(),
        }
    }
}

/// The number at the end of a name; the rest of it is somebody's mark.
fn number(name: &str) -> Option<u64> {
    let at = name.len().checked_sub(DIGITS)?;
    name.get(at..)?.parse().ok()
}

impl Lock {
    fn on_reply(&mut self, path: Option<&str>, names: &[String]) -> Vec<Action> {
        match self.stage.clone() {
            Stage::Enlisting => self.adopt(path.unwrap_or_default().to_owned()),
            Stage::Founding => self.enlist(),
            Stage::Flushing => self.list(Stage::Seeking),
            Stage::Seeking => self.seek(names),
            Stage::Looking => self.look(names),
            Stage::Arming(node) => {
                self.stage = Stage::Waiting(node);
                Vec::new()
            }
            Stage::Leaving { is_told } => self.gone(is_told),
            Stage::Resting | Stage::Waiting(_) | Stage::Holding => Vec::new(),
        }
    }

    fn on_refused(&mut self, why: Refusal) -> Vec<Action> {
        match (self.stage.clone(), why) {
            (Stage::Enlisting, Refusal::NoNode) => self.found(),
            (Stage::Founding, _) => self.enlist(),
            (Stage::Flushing, _) => self.list(Stage::Seeking),
            (Stage::Arming(_), Refusal::NoNode) => self.list(Stage::Looking),
            (Stage::Leaving { is_told }, _) => self.gone(is_told),
            (
                Stage::Resting
                | Stage::Enlisting
                | Stage::Seeking
                | Stage::Looking
                | Stage::Arming(_)
                | Stage::Waiting(_)
                | Stage::Holding,
                _,
            ) => self.gone(false),
        }
    }

    fn on_lost(&mut self, maybe: bool) -> Vec<Action> {
        match &self.stage {
            Stage::Enlisting if maybe => self.flush(),
            Stage::Enlisting | Stage::Founding => self.enlist(),
            Stage::Flushing | Stage::Seeking => self.flush(),
            Stage::Looking | Stage::Arming(_) | Stage::Waiting(_) => self.list(Stage::Looking),
            Stage::Leaving { is_told } => {
                let is_told = *is_told;
                self.leave(is_told)
            }
            Stage::Resting | Stage::Holding => Vec::new(),
        }
    }

    fn on_changed(&mut self, path: &str, change: Change) -> Vec<Action> {
        if let Stage::Waiting(awaited) = &self.stage
            && awaited == path
            && change == Change::Deleted
        {
            return self.list(Stage::Looking);
        }
        Vec::new()
    }

    /// The znode is gone with the session.
    fn on_expired(&mut self) -> Vec<Action> {
        self.tags.awaited = None;
        if self.stage == Stage::Resting {
            return Vec::new();
        }
        let is_told = self.stage == (Stage::Leaving { is_told: true });
        self.gone(is_told)
    }

    /// Nothing of it is left in the line.
    fn gone(&mut self, is_told: bool) -> Vec<Action> {
        self.stage = Stage::Resting;
        if !is_told {
            return vec![Action::LetGo {}];
        }
        if std::mem::take(&mut self.is_wanted) {
            return self.enlist_anew();
        }
        Vec::new()
    }

    fn enlist_anew(&mut self) -> Vec<Action> {
        self.attempt += 1;
        self.enlist()
    }

    fn prefix(&self) -> String {
        format!("{}-{}-", self.name, self.attempt)
    }

    fn enlist(&mut self) -> Vec<Action> {
        self.stage = Stage::Enlisting;
        vec![Action::Create {
            tag: self.tags.next(),
            path: format!("{LOCK}/{}", self.prefix()),
            data: self.name.clone(),
            ephemeral: true,
            sequential: true,
        }]
    }

    fn found(&mut self) -> Vec<Action> {
        self.stage = Stage::Founding;
        vec![Action::Create {
            tag: self.tags.next(),
            path: LOCK.to_owned(),
            data: String::new(),
            ephemeral: false,
            sequential: false,
        }]
    }

    fn flush(&mut self) -> Vec<Action> {
        self.stage = Stage::Flushing;
        vec![Action::Delete {
            tag: self.tags.next(),
            path: format!("{LOCK}/nothing"),
            version: None,
        }]
    }

    fn list(&mut self, stage: Stage) -> Vec<Action> {
        self.stage = stage;
        vec![Action::Children {
            tag: self.tags.next(),
            path: LOCK.to_owned(),
            watch: false,
        }]
    }

    fn seek(&mut self, names: &[String]) -> Vec<Action> {
        let prefix = self.prefix();
        match names.iter().find(|name| name.starts_with(&prefix)) {
            Some(name) => self.adopt(format!("{LOCK}/{name}")),
            None => self.enlist(),
        }
    }

    fn adopt(&mut self, node: String) -> Vec<Action> {
        self.node = node;
        self.list(Stage::Looking)
    }

    fn look(&mut self, names: &[String]) -> Vec<Action> {
        let own = self.node.rsplit('/').next().unwrap_or_default();
        if !names.iter().any(|name| name == own) {
            return self.gone(false);
        }
        let before = names.iter().filter(|name| number(name) < number(own));
        if let Some(nearest) = before.max_by_key(|name| number(name)) {
            let path = format!("{LOCK}/{nearest}");
            self.stage = Stage::Arming(path.clone());
            return vec![Action::Exists {
                tag: self.tags.next(),
                path,
                watch: true,
            }];
        }
        self.stage = Stage::Holding;
        vec![Action::Hold {
            node: self.node.clone(),
            token: number(own),
        }]
    }

    fn leave(&mut self, is_told: bool) -> Vec<Action> {
        self.stage = Stage::Leaving { is_told };
        vec![Action::Delete {
            tag: self.tags.next(),
            path: self.node.clone(),
            version: None,
        }]
    }
}
