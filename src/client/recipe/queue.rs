//! Queue and priority queue (semantics.md §8.3, §8.4): producers create sequential znodes, consumers delete the lowest one
//! and own it if their delete succeeds.
//!
//! Where the reply is lost nobody knows: a put is not repeated (the element may be in the queue or consumed already), and a
//! take is left alone. So an element is worked on at most once.

use super::desk::Turn;
use super::names::{name_of, sequence, within};
use super::rules::{LostPut, LostTake, PriorityOrder, QueueList, Take, TakeData};
use crate::client::Site;
use crate::client::workload::create;
use crate::history::op::{Data, ErrorCode, Path, Request, Response, WatchEvent, flags};
use crate::history::recipe::Step;

/// How elements are ordered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Discipline {
    /// First in, first out.
    Fifo,
    /// The lowest priority number first, then as they came.
    Priority,
}

/// Priorities are below this, so that some have two digits.
const PRIORITIES: u64 = 12;

#[derive(Clone, Debug, PartialEq, Eq)]
enum Stage {
    Resting,
    Founding,
    Putting,
    Listing,
    /// The queue was empty.
    Waiting,
    Reading(Path),
    Deleting {
        node: Path,
        item: Option<Path>,
    },
    /// The delete was lost and is repeated.
    DeletingAgain {
        node: Path,
        item: Option<Path>,
    },
}

/// A producer or a consumer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Queue {
    discipline: Discipline,
    stage: Stage,
    /// The producer's present element: its znode's name without the number, and what it is.
    element: (Path, Path),
    /// The elements of the last list that were not tried yet, last first.
    list: Vec<Path>,
}

impl Queue {
    pub(super) fn new(discipline: Discipline) -> Self {
        Self {
            discipline,
            stage: Stage::Resting,
            element: ("".into(), "".into()),
            list: Vec::new(),
        }
    }

    fn directory(&self) -> Path {
        match self.discipline {
            Discipline::Fifo => "/queue".into(),
            Discipline::Priority => "/pqueue".into(),
        }
    }

    pub(super) fn on_think(&mut self, turn: &mut Turn<'_, '_>) {
        if self.stage != Stage::Resting || !turn.begin() {
            return;
        }
        if is_producer(turn) {
            let item = format!("c{}-{}", turn.client().0, turn.mark());
            let prefix = match self.discipline {
                Discipline::Fifo => "queue-".to_owned(),
                Discipline::Priority => {
                    format!("queue-{}-", turn.draw(Site::Choice).below(PRIORITIES))
                }
            };
            self.element = (within(&self.directory(), &prefix), item.into());
            self.put(turn);
        } else {
            let queue = self.directory();
            turn.tell(Step::TakeBegan { queue });
            self.next(turn);
        }
    }

    #[expect(
        clippy::match_same_arms,
        reason = "a table of stages, in the order in which they come"
    )]
    pub(super) fn on_reply(
        &mut self,
        result: &Result<Response, ErrorCode>,
        turn: &mut Turn<'_, '_>,
    ) {
        match (self.stage.clone(), result) {
            (Stage::Putting | Stage::Listing, Err(ErrorCode::NoNode)) => {
                turn.ask(create(self.directory(), None, flags::PERSISTENT));
                self.stage = Stage::Founding;
            }
            (Stage::Founding, _) if is_producer(turn) => self.put(turn),
            (Stage::Founding, _) => self.list(turn),
            (Stage::Putting, _) => self.rest(turn),
            (Stage::Listing, Ok(Response::Children(names, _))) => self.on_list(names, turn),
            (Stage::Reading(node), Ok(Response::Data(data, _))) => self.delete(node, data, turn),
            (Stage::Deleting { node, item }, Ok(_)) => self.on_own(node, item, turn),
            (Stage::DeletingAgain { node, item }, Ok(_) | Err(ErrorCode::NoNode)) => {
                self.on_own(node, item, turn);
            }
            (Stage::Reading(_) | Stage::Deleting { .. }, Err(ErrorCode::NoNode)) => self.next(turn),
            (
                Stage::Resting
                | Stage::Listing
                | Stage::Waiting
                | Stage::Reading(_)
                | Stage::Deleting { .. }
                | Stage::DeletingAgain { .. },
                _,
            ) => self.list(turn),
        }
    }

    /// Connected again, in this session or in a new one.
    #[expect(
        clippy::match_same_arms,
        reason = "a table of stages, in the order in which they come"
    )]
    pub(super) fn on_again(&mut self, lost: Option<bool>, turn: &mut Turn<'_, '_>) {
        match (self.stage.clone(), lost) {
            (Stage::Resting, _) => {}
            // A new session has no watch.
            (Stage::Waiting, _) => self.list(turn),
            (_, None) => {}
            (Stage::Putting, Some(sent)) => {
                if !sent || turn.rules().lost_put == LostPut::PutsAgain {
                    self.put(turn);
                } else {
                    self.rest(turn);
                }
            }
            (Stage::Founding, Some(_)) if is_producer(turn) => self.put(turn),
            (Stage::Founding | Stage::Listing | Stage::Reading(_), Some(_)) => self.list(turn),
            (Stage::Deleting { .. }, Some(false)) => self.list(turn),
            (Stage::Deleting { node, item }, Some(true)) => match turn.rules().lost_take {
                LostTake::Leaves => {
                    let queue = self.directory();
                    turn.tell(Step::TakeUnsure { queue, node });
                    self.rest(turn);
                }
                LostTake::DeletesAgain => self.delete_again(node, item, turn),
            },
            (Stage::DeletingAgain { node, item }, Some(_)) => self.delete_again(node, item, turn),
        }
    }

    pub(super) fn on_event(&mut self, _event: &WatchEvent, turn: &mut Turn<'_, '_>) {
        if self.stage == Stage::Waiting {
            self.list(turn);
        }
    }

    fn rest(&mut self, turn: &mut Turn<'_, '_>) {
        self.stage = Stage::Resting;
        if turn.rules().list == QueueList::ForOneTake {
            self.list.clear();
        }
        turn.rest();
    }

    fn put(&mut self, turn: &mut Turn<'_, '_>) {
        let (path, item) = self.element.clone();
        let data = Some(item.as_bytes().into());
        turn.ask(create(path, data, flags::SEQUENTIAL));
        self.stage = Stage::Putting;
    }

    fn list(&mut self, turn: &mut Turn<'_, '_>) {
        turn.ask(Request::GetChildren {
            path: self.directory(),
            watch: true,
            stat: false,
        });
        self.stage = Stage::Listing;
    }

    fn on_list(&mut self, names: &[Path], turn: &mut Turn<'_, '_>) {
        let order = turn.rules().priority;
        let discipline = self.discipline;
        let mut list = names.to_vec();
        list.sort_by_key(|name| {
            let by_name = match (discipline, order) {
                (Discipline::Priority, PriorityOrder::ByName) => name.to_string(),
                (Discipline::Fifo, _) | (Discipline::Priority, PriorityOrder::ByNumber) => {
                    String::new()
                }
            };
            std::cmp::Reverse((by_name, priority(name), sequence(name)))
        });
        self.list = list;
        if self.list.is_empty() {
            self.stage = Stage::Waiting;
        } else {
            self.next(turn);
        }
    }

    /// Tries the next element of the list, or lists again.
    fn next(&mut self, turn: &mut Turn<'_, '_>) {
        let Some(name) = self.list.pop() else {
            self.list(turn);
            return;
        };
        let node = within(&self.directory(), &name);
        match turn.rules().data {
            TakeData::BeforeDelete => self.read(node, turn),
            TakeData::AfterDelete => self.delete(node, &None, turn),
        }
    }

    fn read(&mut self, node: Path, turn: &mut Turn<'_, '_>) {
        turn.ask(Request::GetData {
            path: node.clone(),
            watch: false,
        });
        self.stage = Stage::Reading(node);
    }

    fn delete(&mut self, node: Path, data: &Data, turn: &mut Turn<'_, '_>) {
        let text = data
            .as_deref()
            .and_then(|data| std::str::from_utf8(data).ok());
        let item: Option<Path> = text.map(Path::from);
        if turn.rules().take == Take::BeforeDelete {
            self.tell_took(node.clone(), item.clone(), turn);
        }
        turn.ask(Request::Delete {
            path: node.clone(),
            version: -1,
        });
        self.stage = Stage::Deleting { node, item };
    }

    fn delete_again(&mut self, node: Path, item: Option<Path>, turn: &mut Turn<'_, '_>) {
        turn.ask(Request::Delete {
            path: node.clone(),
            version: -1,
        });
        self.stage = Stage::DeletingAgain { node, item };
    }

    /// The element is this consumer's.
    fn on_own(&mut self, node: Path, item: Option<Path>, turn: &mut Turn<'_, '_>) {
        match turn.rules().take {
            Take::AfterOwnDelete => self.tell_took(node, item, turn),
            Take::BeforeDelete => {}
        }
        self.rest(turn);
    }

    fn tell_took(&self, node: Path, item: Option<Path>, turn: &mut Turn<'_, '_>) {
        let queue = self.directory();
        turn.tell(Step::Took { queue, node, item });
    }
}

/// Every third client puts, the others take.
fn is_producer(turn: &Turn<'_, '_>) -> bool {
    turn.index().is_multiple_of(3)
}

/// The priority in a name like `queue-7-0000000012`.
fn priority(name: &str) -> u64 {
    let middle = name_of(name).split('-').nth(1);
    let is_prioritised = name.split('-').count() == 3;
    middle
        .filter(|_| is_prioritised)
        .and_then(|middle| middle.parse().ok())
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn priorities_are_numbers() {
        assert_eq!(priority("queue-10-0000000012"), 10);
        assert_eq!(priority("queue-0000000012"), 0);
    }
}
