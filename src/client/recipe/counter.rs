//! The shared counter (semantics.md §8.9): read, then write one more on condition that nobody has written since.
//!
//! The data holds the value and, per client, the number of its last addition and what came of it. A client whose reply was lost reads again:
//! if its addition is there, it counts; if it still comes, its version makes one of the two writes fail.

use std::collections::BTreeMap;

use super::desk::Turn;
use super::rules::{CounterSet, LostSet};
use crate::client::workload::create;
use crate::history::op::{Data, ErrorCode, Request, Response, flags};
use crate::history::recipe::Step;

const COUNTER: &str = "/counter";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Resting,
    Founding,
    Reading,
    Writing,
}

/// A client that counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Counter {
    stage: Stage,
    /// The number of the present addition.
    addition: u64,
    /// The value that is written.
    value: u64,
    /// Whether a write of this addition was lost.
    is_unsure: bool,
}

/// What the znode holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Content {
    value: u64,
    last: BTreeMap<u16, (u64, u64)>,
}

impl Content {
    /// `12 c1:3:11 c2:9:12`.
    fn parse(data: &Data) -> Self {
        let text = data
            .as_deref()
            .map_or("", |data| std::str::from_utf8(data).unwrap_or(""));
        let mut words = text.split(' ');
        let value = words.next().and_then(|word| word.parse().ok()).unwrap_or(0);
        let mark = |word: &str| {
            let (client, addition) = word.strip_prefix('c')?.split_once(':')?;
            let (addition, value) = addition.split_once(':')?;
            Some((
                client.parse().ok()?,
                (addition.parse().ok()?, value.parse().ok()?),
            ))
        };
        Self {
            value,
            last: words.filter_map(mark).collect(),
        }
    }

    #[expect(clippy::unnecessary_wraps, reason = "data is optional on the wire")]
    fn write(&self) -> Data {
        let marks = self.last.iter();
        let marks =
            marks.map(|(client, (addition, value))| format!(" c{client}:{addition}:{value}"));
        let text = self.value.to_string() + &marks.collect::<String>();
        Some(text.into_bytes().into())
    }
}

impl Counter {
    pub(super) fn new() -> Self {
        Self {
            stage: Stage::Resting,
            addition: 0,
            value: 0,
            is_unsure: false,
        }
    }

    pub(super) fn on_think(&mut self, turn: &mut Turn<'_, '_>) {
        if self.stage == Stage::Resting && turn.begin() {
            self.addition = turn.mark();
            self.is_unsure = false;
            let counter = COUNTER.into();
            turn.tell(Step::Counting { counter });
            self.read(turn);
        }
    }

    pub(super) fn on_reply(
        &mut self,
        result: &Result<Response, ErrorCode>,
        turn: &mut Turn<'_, '_>,
    ) {
        match (self.stage, result) {
            (Stage::Reading, Ok(Response::Data(data, stat))) => {
                let content = Content::parse(data);
                self.on_read(content, stat.version, turn);
            }
            (Stage::Reading, Err(ErrorCode::NoNode)) => {
                let content = Content::default().write();
                turn.ask(create(COUNTER.into(), content, flags::PERSISTENT));
                self.stage = Stage::Founding;
            }
            (Stage::Writing, Ok(_)) => self.count(turn),
            (Stage::Resting | Stage::Founding | Stage::Reading | Stage::Writing, _) => {
                self.read(turn);
            }
        }
    }

    /// Connected again, in this session or in a new one.
    pub(super) fn on_again(&mut self, lost: Option<bool>, turn: &mut Turn<'_, '_>) {
        if let (Some(sent), true) = (lost, self.stage != Stage::Resting) {
            self.is_unsure |= sent && self.stage == Stage::Writing;
            self.read(turn);
        }
    }

    fn read(&mut self, turn: &mut Turn<'_, '_>) {
        let path = COUNTER.into();
        turn.ask(Request::GetData { path, watch: false });
        self.stage = Stage::Reading;
    }

    fn on_read(&mut self, mut content: Content, version: i32, turn: &mut Turn<'_, '_>) {
        let client = turn.client().0;
        let mark = content.last.get(&client);
        if let Some((_, value)) = mark.filter(|(addition, _)| *addition == self.addition)
            && self.is_unsure
            && turn.rules().lost_set == LostSet::LooksForItsMark
        {
            self.value = *value;
            self.count(turn);
            return;
        }
        content.value += 1;
        content.last.insert(client, (self.addition, content.value));
        self.value = content.value;
        turn.ask(Request::SetData {
            path: COUNTER.into(),
            data: content.write(),
            version: match turn.rules().set {
                CounterSet::Conditional => version,
                CounterSet::Unconditional => -1,
            },
        });
        self.stage = Stage::Writing;
    }

    fn count(&mut self, turn: &mut Turn<'_, '_>) {
        turn.tell(Step::Counted {
            counter: COUNTER.into(),
            value: self.value,
        });
        self.stage = Stage::Resting;
        turn.rest();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        let content = Content {
            value: 12,
            last: [(1, (3, 11)), (2, (9, 12))].into(),
        };
        assert_eq!(
            content.write(),
            Some(b"12 c1:3:11 c2:9:12".as_slice().into())
        );
        assert_eq!(Content::parse(&content.write()), content);
        assert_eq!(Content::parse(&None), Content::default());
    }
}
