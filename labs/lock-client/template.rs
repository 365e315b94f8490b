//! Lab 11, lock client: an ephemeral sequential znode in /lock; the lowest number holds.

use zablab::lab::{Action, Client, Event, Refusal, Solution};

const LOCK: &str = "/lock";

/// Your client; a new one is made for each life of a client.
#[derive(Default)]
pub struct Mine {
    /// Something that no other client and no other life has.
    name: String,
    tag: u64,
    node: String,
    stage: Stage,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Stage {
    #[default]
    Resting,
    Founding,
    Creating,
    Listing,
    Holding,
    Deleting,
}

impl Client for Mine {
    /// What the client does about an event. After `Acquire` say `Hold` once you hold it; `Release` comes when the
    /// application is done, and is answered with `LetGo` once the znode is gone. If you stop to wait or lose the lock,
    /// say `LetGo`, too; the application will ask again.
    fn on(&mut self, event: &Event) -> Vec<Action> {
        match event {
            Event::Start { name } => {
                self.name.clone_from(name);
                vec![]
            }
            Event::Acquire {} => self.enlist(),
            Event::Release {} => self.leave(),
            Event::Reply { path, names, .. } => match self.stage {
                Stage::Founding => self.enlist(),
                Stage::Creating => {
                    self.node = path.clone().unwrap_or_default();
                    self.list()
                }
                Stage::Listing => self.look(names.as_deref().unwrap_or_default()),
                Stage::Deleting => self.let_go(),
                Stage::Resting | Stage::Holding => vec![],
            },
            Event::Refused {
                why: Refusal::NoNode,
                ..
            } if self.stage == Stage::Creating => self.found(),
            Event::Refused { .. } if self.stage == Stage::Founding => self.enlist(),
            Event::Refused { .. } => self.let_go(),
            // Something in the line has changed. Was it for me?
            Event::Changed { .. } if self.stage == Stage::Listing => self.list(),
            Event::Lost { .. } => match self.stage {
                // Was it created?
                Stage::Founding | Stage::Creating => self.enlist(),
                Stage::Listing => self.list(),
                Stage::Deleting => self.leave(),
                Stage::Resting | Stage::Holding => vec![],
            },
            Event::Expired {} if self.stage != Stage::Resting => self.let_go(),
            _ => vec![],
        }
    }
}

impl Mine {
    fn next_tag(&mut self) -> u64 {
        self.tag += 1;
        self.tag
    }

    fn found(&mut self) -> Vec<Action> {
        self.stage = Stage::Founding;
        let tag = self.next_tag();
        let (path, data) = (LOCK.to_owned(), String::new());
        vec![Action::Create {
            tag,
            path,
            data,
            ephemeral: false,
            sequential: false,
        }]
    }

    fn enlist(&mut self) -> Vec<Action> {
        self.stage = Stage::Creating;
        let tag = self.next_tag();
        let (path, data) = (format!("{LOCK}/lock-"), self.name.clone());
        vec![Action::Create {
            tag,
            path,
            data,
            ephemeral: true,
            sequential: true,
        }]
    }

    /// The watch wakes everybody at every change. Is that necessary?
    fn list(&mut self) -> Vec<Action> {
        self.stage = Stage::Listing;
        vec![Action::Children {
            tag: self.next_tag(),
            path: LOCK.to_owned(),
            watch: true,
        }]
    }

    fn look(&mut self, names: &[String]) -> Vec<Action> {
        let own = self.node.rsplit('/').next().unwrap_or_default();
        if names.first().is_none_or(|lowest| lowest != own) {
            return vec![];
        }
        self.stage = Stage::Holding;
        // What does the resource that the lock guards have to see?
        vec![Action::Hold {
            node: self.node.clone(),
            token: None,
        }]
    }

    fn leave(&mut self) -> Vec<Action> {
        self.stage = Stage::Deleting;
        vec![Action::Delete {
            tag: self.next_tag(),
            path: self.node.clone(),
            version: None,
        }]
    }

    fn let_go(&mut self) -> Vec<Action> {
        self.stage = Stage::Resting;
        vec![Action::LetGo {}]
    }
}

/// What is graded.
pub fn solution() -> Solution {
    Solution::client(Mine::default)
}
