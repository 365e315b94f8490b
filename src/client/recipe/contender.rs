//! The line of contenders: lock, read-write lock and leader election (semantics.md §8.1, §8.2, §8.7).
//!
//! ```text
//!  Resting ─▶ Enlisting ─▶ Looking ─▶ lowest? ─▶ Holding ─▶ Leaving ─▶ Resting
//!                │ lost       ▲  └─▶ Arming ─▶ Waiting
//!                ▼            │ departed          │
//!            Flushing ─▶ Seeking ◀────────────────┘
//! ```
//! Everybody creates an ephemeral sequential znode with a mark of its own; the lowest one holds; the others watch the one
//! right before them. Without a connection a holder stops, since its session may be ending.

use super::desk::Turn;
use super::names::{mark, name_of, sequence, within};
use super::rules::{
    CutOff, Departure, Fence, LineOrder, LostCreate, Missed, ReaderWaits, Release, Watches,
    WriterWaits,
};
use crate::client::Site;
use crate::client::workload::{ThinkTime, create};
use crate::history::op::{ErrorCode, EventKind, Path, Request, Response, WatchEvent, flags};
use crate::history::recipe::{Mode, Step};

/// Which recipe the line is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Line {
    /// One holder at a time.
    Lock,
    /// Many readers or one writer.
    ReadWrite,
    /// The holder leads; what it does are its orders, its token is its term.
    Election,
}

impl Line {
    fn directory(self) -> &'static str {
        match self {
            Self::Lock => "/lock",
            Self::ReadWrite => "/rwlock",
            Self::Election => "/election",
        }
    }
}

/// How often a holder uses what it guards.
const USES: u32 = 3;

/// What a reader's znode is called.
const READ: &str = "read";

/// How its name is told from a writer's.
const READ_INFIX: &str = "-read-";

#[derive(Clone, Debug, PartialEq, Eq)]
enum Stage {
    Resting,
    /// The directory is being created.
    Founding,
    Enlisting,
    /// A create was lost: what was under way at the former server shall be visible here.
    Flushing,
    Seeking,
    Looking,
    Arming(Path),
    Waiting(Path),
    Holding,
    /// A holder has lost its connection.
    Suspended,
    Leaving,
}

/// A contender.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Contender {
    line: Line,
    hold: ThinkTime,
    stage: Stage,
    mode: Mode,
    /// The beginning of its znode's name.
    prefix: String,
    /// Its znode.
    node: Option<Path>,
    /// Uses that are left to it in this round.
    uses: u32,
}

impl Contender {
    pub(super) fn new(line: Line, hold: ThinkTime) -> Self {
        Self {
            line,
            hold,
            stage: Stage::Resting,
            mode: Mode::Exclusive,
            prefix: String::new(),
            node: None,
            uses: USES,
        }
    }

    pub(super) fn on_think(&mut self, turn: &mut Turn<'_, '_>) {
        match self.stage {
            Stage::Resting => {
                if turn.begin() {
                    self.enlist_anew(turn);
                }
            }
            Stage::Holding => self.act(turn),
            Stage::Founding
            | Stage::Enlisting
            | Stage::Flushing
            | Stage::Seeking
            | Stage::Looking
            | Stage::Arming(_)
            | Stage::Waiting(_)
            | Stage::Suspended
            | Stage::Leaving => {}
        }
    }

    pub(super) fn on_reply(
        &mut self,
        result: &Result<Response, ErrorCode>,
        turn: &mut Turn<'_, '_>,
    ) {
        match (self.stage.clone(), result) {
            (Stage::Enlisting, Ok(Response::PathStat(path, _))) => self.adopt(path.clone(), turn),
            (Stage::Enlisting, Err(ErrorCode::NoNode)) => self.found(turn),
            (Stage::Founding, _) => self.enlist(turn),
            (Stage::Flushing, _) => self.list(Stage::Seeking, turn),
            (Stage::Seeking, Ok(Response::Children(names, _))) => self.seek(names, turn),
            (Stage::Looking, Ok(Response::Children(names, _))) => self.look(names, turn),
            (Stage::Arming(node), Ok(_)) => self.stage = Stage::Waiting(node),
            (Stage::Arming(node), Err(ErrorCode::NoNode)) => match turn.rules().missed {
                Missed::ListsAgain => self.list(Stage::Looking, turn),
                Missed::Waits => self.stage = Stage::Waiting(node),
            },
            (Stage::Leaving, Ok(_) | Err(ErrorCode::NoNode)) => self.rest(turn),
            (
                Stage::Resting
                | Stage::Enlisting
                | Stage::Seeking
                | Stage::Looking
                | Stage::Arming(_)
                | Stage::Waiting(_)
                | Stage::Holding
                | Stage::Suspended
                | Stage::Leaving,
                Ok(_) | Err(_),
            ) => self.give_up(turn),
        }
    }

    /// The client is connected again in its session; `lost` = what it had asked was lost, and whether it had been sent.
    pub(super) fn on_resumed(&mut self, lost: Option<bool>, turn: &mut Turn<'_, '_>) {
        match (&self.stage, lost) {
            (Stage::Suspended, _) => self.list(Stage::Looking, turn),
            (_, None) | (Stage::Resting | Stage::Holding, _) => {}
            (Stage::Enlisting, Some(true)) => match turn.rules().lost_create {
                LostCreate::LooksForItself => self.flush(turn),
                LostCreate::LooksAfterSync => self.sync(turn),
                LostCreate::CreatesAgain => self.enlist(turn),
            },
            (Stage::Enlisting | Stage::Founding, Some(_)) => self.enlist(turn),
            (Stage::Flushing | Stage::Seeking, Some(_)) => self.flush(turn),
            (Stage::Looking | Stage::Arming(_) | Stage::Waiting(_), Some(_)) => {
                self.list(Stage::Looking, turn);
            }
            (Stage::Leaving, Some(_)) => match turn.rules().release {
                Release::UntilGone => self.leave(turn),
                Release::Once => self.rest(turn),
            },
        }
    }

    pub(super) fn on_event(&mut self, event: &WatchEvent, turn: &mut Turn<'_, '_>) {
        let Stage::Waiting(awaited) = &self.stage else {
            return;
        };
        let is_awaited = event.path == *awaited && event.kind == EventKind::Deleted;
        if is_awaited {
            match turn.rules().departure {
                Departure::ListsAgain => self.list(Stage::Looking, turn),
                Departure::Takes => self.hold(turn),
            }
        }
    }

    pub(super) fn on_disconnected(&mut self, turn: &mut Turn<'_, '_>) {
        if let Stage::Holding = self.stage {
            match turn.rules().cut_off {
                CutOff::Stops => {
                    self.tell_let_go(turn);
                    self.stage = Stage::Suspended;
                }
                CutOff::GoesOn => {}
            }
        }
    }

    /// The session is over, and the znode with it.
    pub(super) fn on_expired(&mut self, turn: &mut Turn<'_, '_>) {
        if self.stage == Stage::Resting {
            return;
        }
        if !matches!(self.stage, Stage::Suspended | Stage::Leaving) {
            self.tell_let_go(turn);
        }
        self.rest(turn);
    }

    fn rest(&mut self, turn: &mut Turn<'_, '_>) {
        self.node = None;
        self.stage = Stage::Resting;
        turn.rest();
    }

    /// The line is not as it must be: begins anew.
    fn give_up(&mut self, turn: &mut Turn<'_, '_>) {
        self.tell_let_go(turn);
        self.rest(turn);
    }

    fn enlist_anew(&mut self, turn: &mut Turn<'_, '_>) {
        let heads = turn.draw(Site::Choice).below(2) == 0;
        self.mode = match self.line {
            Line::ReadWrite if heads => Mode::Shared,
            Line::ReadWrite | Line::Lock | Line::Election => Mode::Exclusive,
        };
        let kind = match (self.line, self.mode) {
            (Line::Lock, _) => "lock",
            (Line::ReadWrite, Mode::Shared) => READ,
            (Line::ReadWrite, Mode::Exclusive) => "write",
            (Line::Election, _) => "candidate",
        };
        self.prefix = format!("{}-{kind}-", mark(turn.draw(Site::Detail)));
        self.uses = USES;
        self.enlist(turn);
    }

    fn enlist(&mut self, turn: &mut Turn<'_, '_>) {
        let identity = format!("c{}", turn.client().0).into_bytes().into();
        let path = within(self.line.directory(), &self.prefix);
        turn.ask(create(path, Some(identity), flags::EPHEMERAL_SEQUENTIAL));
        self.stage = Stage::Enlisting;
    }

    fn found(&mut self, turn: &mut Turn<'_, '_>) {
        let path = self.line.directory().into();
        turn.ask(create(path, None, flags::PERSISTENT));
        self.stage = Stage::Founding;
    }

    fn sync(&mut self, turn: &mut Turn<'_, '_>) {
        let path = self.line.directory().into();
        turn.ask(Request::Sync { path });
        self.stage = Stage::Flushing;
    }

    /// Writes something that changes nothing: a delete of what is not there has its place in the log all the same.
    fn flush(&mut self, turn: &mut Turn<'_, '_>) {
        let path = within(self.line.directory(), "nothing");
        turn.ask(Request::Delete { path, version: -1 });
        self.stage = Stage::Flushing;
    }

    fn list(&mut self, stage: Stage, turn: &mut Turn<'_, '_>) {
        turn.ask(Request::GetChildren {
            path: self.line.directory().into(),
            watch: false,
            stat: false,
        });
        self.stage = stage;
    }

    fn seek(&mut self, names: &[Path], turn: &mut Turn<'_, '_>) {
        match names.iter().find(|name| name.starts_with(&self.prefix)) {
            Some(name) => self.adopt(within(self.line.directory(), name), turn),
            None => self.enlist(turn),
        }
    }

    fn adopt(&mut self, node: Path, turn: &mut Turn<'_, '_>) {
        turn.tell(Step::Queued {
            line: self.line.directory().into(),
            node: node.clone(),
            mode: self.mode,
        });
        self.node = Some(node);
        self.list(Stage::Looking, turn);
    }

    /// Holds if nobody is before it, else watches.
    fn look(&mut self, names: &[Path], turn: &mut Turn<'_, '_>) {
        let own = self.own();
        let own = name_of(&own);
        if !names.iter().any(|name| &**name == own) {
            self.give_up(turn);
            return;
        }
        let order = turn.rules().order;
        let key = |name: &str| match order {
            LineOrder::BySequence => (sequence(name), String::new()),
            LineOrder::ByName => (None, name.to_owned()),
        };
        let mut before: Vec<&str> = names.iter().map(|name| &**name).collect();
        before.retain(|name| key(name) < key(own));
        before.sort_by_key(|name| key(name));
        match self.awaited(&before, turn) {
            Some(awaited) => self.arm(within(self.line.directory(), awaited), turn),
            None => self.hold(turn),
        }
    }

    /// Of those before it, sorted, the one whose departure may make it the holder; `None` = it holds.
    fn awaited<'n>(&self, before: &[&'n str], turn: &Turn<'_, '_>) -> Option<&'n str> {
        let is_writer = |name: &&&str| !name.contains(READ_INFIX);
        let nearest = before.last().copied();
        let nearest_writer = || before.iter().rev().find(is_writer).copied();
        match (self.line, self.mode) {
            (Line::ReadWrite, Mode::Shared) => match turn.rules().reader {
                ReaderWaits::NearestWriter => nearest_writer(),
                ReaderWaits::Neighbour => nearest.filter(|name| is_writer(&name)),
            },
            (Line::ReadWrite, Mode::Exclusive) => match turn.rules().writer {
                WriterWaits::Everybody => nearest,
                WriterWaits::Writers => nearest_writer(),
            },
            (Line::Lock | Line::Election, _) => match turn.rules().watches {
                Watches::Predecessor => nearest,
                Watches::Holder => before.first().copied(),
            },
        }
    }

    fn arm(&mut self, awaited: Path, turn: &mut Turn<'_, '_>) {
        turn.ask(Request::Exists {
            path: awaited.clone(),
            watch: true,
        });
        self.stage = Stage::Arming(awaited);
    }

    fn hold(&mut self, turn: &mut Turn<'_, '_>) {
        turn.tell(Step::Held {
            line: self.line.directory().into(),
            node: self.own(),
            mode: self.mode,
        });
        self.stage = Stage::Holding;
        turn.nap(self.hold);
    }

    /// Uses what the lock guards, or leaves after the last use.
    fn act(&mut self, turn: &mut Turn<'_, '_>) {
        if self.uses == 0 {
            self.tell_let_go(turn);
            self.leave(turn);
            return;
        }
        self.uses -= 1;
        let node = self.own();
        let token = match turn.rules().fence {
            Fence::Sequence => sequence(&node),
            Fence::Nothing => None,
            Fence::Session => Some(turn.hands.session().0),
        };
        turn.tell(Step::Acted {
            line: self.line.directory().into(),
            node,
            token,
        });
        turn.nap(self.hold);
    }

    fn leave(&mut self, turn: &mut Turn<'_, '_>) {
        turn.ask(Request::Delete {
            path: self.own(),
            version: -1,
        });
        self.stage = Stage::Leaving;
    }

    fn tell_let_go(&self, turn: &mut Turn<'_, '_>) {
        if let Some(node) = self.node.clone() {
            let line = self.line.directory().into();
            turn.tell(Step::LetGo { line, node });
        }
    }

    fn own(&self) -> Path {
        self.node.clone().expect("who stands in line has a znode")
    }
}
