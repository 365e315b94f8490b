//! The shared counter (semantics.md §8.9), as `client::recipe::counter` counts.

use std::collections::BTreeMap;

use super::Tags;
use crate::client::recipe::outside::{Action, COUNTER, Event};
use crate::lab::Client;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Stage {
    #[default]
    Resting,
    Founding,
    Reading,
    Writing,
}

/// Adds one, exactly once.
#[derive(Clone, Debug, Default)]
pub struct Counter {
    name: String,
    tags: Tags,
    stage: Stage,
    addition: u64,
    value: u64,
    is_unsure: bool,
}

/// `12 c1-8a:3:11 c2-0f:9:12`: the value, and each client's last addition with what came of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Content {
    value: u64,
    last: BTreeMap<String, (u64, u64)>,
}

impl Content {
    fn parse(text: &str) -> Self {
        let mut words = text.split(' ');
        let value = words.next().and_then(|word| word.parse().ok()).unwrap_or(0);
        let mark = |word: &str| {
            let mut parts = word.split(':');
            let name = parts.next()?.to_owned();
            let addition = parts.next()?.parse().ok()?;
            let value = parts.next()?.parse().ok()?;
            Some((name, (addition, value)))
        };
        Self {
            value,
            last: words.filter_map(mark).collect(),
        }
    }

    fn write(&self) -> String {
        let marks = self.last.iter();
        let marks = marks.map(|(name, (addition, value))| format!(" {name}:{addition}:{value}"));
        self.value.to_string() + &marks.collect::<String>()
    }
}

impl Client for Counter {
    fn on(&mut self, event: &Event) -> Vec<Action> {
        match event {
            Event::Start { name } => {
                self.name.clone_from(name);
                Vec::new()
            }
            Event::Add {} => {
                self.addition += 1;
                self.is_unsure = false;
                self.read()
            }
            Event::Reply {
                tag, data, version, ..
            } if self.tags.takes(*tag) => match self.stage {
                Stage::Reading => self.on_read(data.as_deref().unwrap_or(""), *version),
                Stage::Writing => self.count(),
                Stage::Founding | Stage::Resting => self.read(),
            },
            Event::Refused { tag, why } if self.tags.takes(*tag) => {
                let is_absent = *why == crate::client::recipe::outside::Refusal::NoNode;
                if self.stage == Stage::Reading && is_absent {
                    self.found()
                } else {
                    self.read()
                }
            }
            Event::Lost { tag, maybe } if self.tags.takes(*tag) => {
                self.is_unsure |= *maybe && self.stage == Stage::Writing;
                self.read()
            }
            Event::Connected { .. }
            | Event::Disconnected {}
            | Event::Expired {}
            | Event::Reply { .. }
            | Event::Refused { .. }
            | Event::Lost { .. }
            | Event::Changed { .. }
            | Event::Read {}
            | Event::Acquire {}
            | Event::Release {} => Vec::new(),
        }
    }
}

impl Counter {
    fn read(&mut self) -> Vec<Action> {
        self.stage = Stage::Reading;
        vec![Action::Get {
            tag: self.tags.next(),
            path: COUNTER.to_owned(),
            watch: false,
        }]
    }

    fn found(&mut self) -> Vec<Action> {
        self.stage = Stage::Founding;
        vec![Action::Create {
            tag: self.tags.next(),
            path: COUNTER.to_owned(),
            data: "0".to_owned(),
            ephemeral: false,
            sequential: false,
        }]
    }

    fn on_read(&mut self, data: &str, version: Option<i32>) -> Vec<Action> {
        let mut content = Content::parse(data);
        let mark = content.last.get(&self.name).copied();
        if let Some((addition, value)) = mark
            && addition == self.addition
            && self.is_unsure
        {
            self.value = value;
            return self.count();
        }
        content.value += 1;
        self.value = content.value;
        let mark = (self.addition, content.value);
        content.last.insert(self.name.clone(), mark);
        self.stage = Stage::Writing;
        vec![Action::Set {
            tag: self.tags.next(),
            path: COUNTER.to_owned(),
            data: content.write(),
            version,
        }]
    }

    fn count(&mut self) -> Vec<Action> {
        self.stage = Stage::Resting;
        vec![Action::Added { value: self.value }]
    }
}
