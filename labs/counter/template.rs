//! Lab 9, counter: several clients add to the number in /counter, each addition exactly once.

use zablab::lab::{Action, Client, Event, Refusal, Solution};

const COUNTER: &str = "/counter";

/// Your client; a new one is made for each life of a client.
#[derive(Default)]
pub struct Mine {
    /// Something that no other client and no other life has.
    name: String,
    /// Of the last request.
    tag: u64,
    /// What is being written.
    value: u64,
    is_writing: bool,
}

impl Client for Mine {
    /// What the client does about an event. `Add` comes once; the next comes after you have answered `Added`.
    fn on(&mut self, event: &Event) -> Vec<Action> {
        match event {
            Event::Start { name } => {
                self.name.clone_from(name);
                vec![]
            }
            Event::Add {} => self.read(),
            Event::Reply { data, version, .. } if !self.is_writing => {
                let text = data.as_deref().unwrap_or("0");
                let number = text.split(' ').next().unwrap_or("0");
                self.write(number.parse().unwrap_or(0) + 1, *version)
            }
            Event::Reply { .. } => vec![Action::Added { value: self.value }],
            Event::Refused {
                why: Refusal::NoNode,
                ..
            } => self.create(),
            Event::Refused { .. } => self.read(),
            // No reply will come. Was it carried out?
            Event::Lost { .. } => self.read(),
            _ => vec![],
        }
    }
}

impl Mine {
    fn next_tag(&mut self) -> u64 {
        self.tag += 1;
        self.tag
    }

    fn read(&mut self) -> Vec<Action> {
        self.is_writing = false;
        vec![Action::Get {
            tag: self.next_tag(),
            path: COUNTER.to_owned(),
            watch: false,
        }]
    }

    fn write(&mut self, value: u64, version: Option<i32>) -> Vec<Action> {
        self.is_writing = true;
        self.value = value;
        vec![Action::Set {
            tag: self.next_tag(),
            path: COUNTER.to_owned(),
            data: value.to_string(),
            version,
        }]
    }

    fn create(&mut self) -> Vec<Action> {
        vec![Action::Create {
            tag: self.next_tag(),
            path: COUNTER.to_owned(),
            data: "0".to_owned(),
            ephemeral: false,
            sequential: false,
        }]
    }
}

/// What is graded.
pub fn solution() -> Solution {
    Solution::client(Mine::default)
}
