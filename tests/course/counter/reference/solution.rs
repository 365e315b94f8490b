//! Lab 9, counter: the same as solution.py. The znode holds the value, then each client's last addition with what it made:
//! `12 c1-8a:3:11 c2-0f:9:12`.

use std::collections::BTreeMap;

use zablab::lab::{Action, Client, Event, Solution};

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Stage {
    #[default]
    Resting,
    Reading,
    Writing,
    Founding,
}

#[derive(Default)]
struct Mine {
    name: String,
    tag: u64,
    addition: u64,
    value: u64,
    stage: Stage,
    /// Whether a write of this addition may have been carried out.
    is_unsure: bool,
}

impl Client for Mine {
    fn on(&mut self, event: &Event) -> Vec<Action> {
        match (event, self.stage) {
            (Event::Start { name }, _) => {
                self.name.clone_from(name);
                vec![]
            }
            (Event::Add {}, _) => {
                self.addition += 1;
                self.is_unsure = false;
                self.read()
            }
            (Event::Lost { maybe, .. }, stage) => {
                self.is_unsure |= *maybe && stage == Stage::Writing;
                self.read()
            }
            (Event::Reply { data, version, .. }, Stage::Reading) => {
                self.on_read(data.as_deref().unwrap_or("0"), *version)
            }
            (Event::Reply { .. }, Stage::Writing) => self.done(),
            (Event::Refused { .. }, Stage::Reading) => self.create(),
            (Event::Reply { .. } | Event::Refused { .. }, _) => self.read(),
            _ => vec![],
        }
    }
}

impl Mine {
    fn next_tag(&mut self, stage: Stage) -> u64 {
        self.stage = stage;
        self.tag += 1;
        self.tag
    }

    fn read(&mut self) -> Vec<Action> {
        vec![Action::Get {
            tag: self.next_tag(Stage::Reading),
            path: "/counter".to_owned(),
            watch: false,
        }]
    }

    fn create(&mut self) -> Vec<Action> {
        vec![Action::Create {
            tag: self.next_tag(Stage::Founding),
            path: "/counter".to_owned(),
            data: "0".to_owned(),
            ephemeral: false,
            sequential: false,
        }]
    }

    fn done(&mut self) -> Vec<Action> {
        self.stage = Stage::Resting;
        vec![Action::Added { value: self.value }]
    }

    fn on_read(&mut self, text: &str, version: Option<i32>) -> Vec<Action> {
        let number = |text: &str| text.parse::<u64>().unwrap_or(0);
        let mut words = text.split(' ');
        let before = number(words.next().unwrap_or("0"));
        let mut last = BTreeMap::new();
        for mark in words {
            if let [name, nth, value] = mark.split(':').collect::<Vec<_>>()[..] {
                last.insert(name.to_owned(), (number(nth), number(value)));
            }
        }
        if let Some((nth, value)) = last.get(&self.name)
            && self.is_unsure
            && *nth == self.addition
        {
            self.value = *value;
            return self.done();
        }
        self.value = before + 1;
        last.insert(self.name.clone(), (self.addition, self.value));
        let marks = last
            .iter()
            .map(|(name, (nth, value))| format!(" {name}:{nth}:{value}"));
        vec![Action::Set {
            tag: self.next_tag(Stage::Writing),
            path: "/counter".to_owned(),
            data: format!("{}{}", self.value, marks.collect::<String>()),
            version,
        }]
    }
}

/// What is graded.
pub fn solution() -> Solution {
    Solution::client(Mine::default)
}
