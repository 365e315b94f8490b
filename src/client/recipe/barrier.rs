//! Barrier and double barrier (semantics.md §8.5, §8.6).
//!
//! The first client of a barrier's group opens and closes it; the others wait in front of it. In a double barrier all
//! enter a round together, stay for a while and leave together; each round has a directory of its own.

use super::desk::Turn;
use super::names::within;
use super::rules::{BarrierWake, PartyCount, PartyLeave, ReadyNode};
use crate::client::workload::{ThinkTime, create};
use crate::history::op::{ErrorCode, EventKind, Path, Request, Response, WatchEvent, flags};
use crate::history::recipe::Step;

const BARRIER: &str = "/barrier";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Resting,
    // The keeper's.
    Closing,
    Touching,
    Opening,
    /// It stays closed for a while; so many touches are left.
    Closed(u32),
    // The others'.
    Looking,
    Waiting,
}

/// The keeper of a barrier, or somebody who waits in front of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Barrier {
    hold: ThinkTime,
    stage: Stage,
    touches: u32,
}

/// How often the keeper writes to a closed barrier, which opens nothing.
const TOUCHES: u32 = 2;

impl Barrier {
    pub(super) fn new(hold: ThinkTime) -> Self {
        Self {
            hold,
            stage: Stage::Resting,
            touches: 0,
        }
    }

    pub(super) fn on_think(&mut self, turn: &mut Turn<'_, '_>) {
        match self.stage {
            Stage::Resting if turn.begin() => {
                if turn.index() == 0 {
                    self.touches = TOUCHES;
                    self.ask(Stage::Closing, turn);
                } else {
                    let barrier = BARRIER.into();
                    turn.tell(Step::Waits { barrier });
                    self.ask(Stage::Looking, turn);
                }
            }
            Stage::Closed(0) => self.ask(Stage::Opening, turn),
            Stage::Closed(left) => {
                self.touches = left - 1;
                self.ask(Stage::Touching, turn);
            }
            Stage::Resting
            | Stage::Closing
            | Stage::Touching
            | Stage::Opening
            | Stage::Looking
            | Stage::Waiting => {}
        }
    }

    pub(super) fn on_reply(
        &mut self,
        result: &Result<Response, ErrorCode>,
        turn: &mut Turn<'_, '_>,
    ) {
        match (self.stage, result) {
            (Stage::Closing | Stage::Touching, _) => {
                self.stage = Stage::Closed(self.touches);
                turn.nap(self.hold);
            }
            (Stage::Opening, _) => {
                self.stage = Stage::Resting;
                turn.rest();
            }
            (Stage::Looking, Err(ErrorCode::NoNode)) => self.pass(turn),
            (Stage::Looking, Ok(_)) => self.stage = Stage::Waiting,
            (Stage::Looking, Err(_)) => self.ask(Stage::Looking, turn),
            (Stage::Resting | Stage::Closed(_) | Stage::Waiting, _) => {}
        }
    }

    /// Connected again, in this session or in a new one.
    pub(super) fn on_again(&mut self, lost: Option<bool>, turn: &mut Turn<'_, '_>) {
        match (self.stage, lost) {
            (Stage::Waiting, _) => self.ask(Stage::Looking, turn),
            (stage, Some(_)) => self.ask(stage, turn),
            (_, None) => {}
        }
    }

    pub(super) fn on_event(&mut self, event: &WatchEvent, turn: &mut Turn<'_, '_>) {
        if self.stage == Stage::Waiting && &*event.path == BARRIER {
            match turn.rules().barrier {
                BarrierWake::LooksAgain => self.ask(Stage::Looking, turn),
                BarrierWake::Passes => self.pass(turn),
            }
        }
    }

    fn ask(&mut self, stage: Stage, turn: &mut Turn<'_, '_>) {
        let path: Path = BARRIER.into();
        let version = -1;
        turn.ask(match stage {
            Stage::Closing => create(path, None, flags::PERSISTENT),
            Stage::Touching => Request::SetData {
                path,
                data: None,
                version,
            },
            Stage::Opening => Request::Delete { path, version },
            Stage::Looking | Stage::Waiting | Stage::Resting | Stage::Closed(_) => {
                Request::Exists { path, watch: true }
            }
        });
        self.stage = stage;
    }

    fn pass(&mut self, turn: &mut Turn<'_, '_>) {
        let barrier = BARRIER.into();
        turn.tell(Step::Passed { barrier });
        self.stage = Stage::Resting;
        turn.rest();
    }
}

const DOUBLE: &str = "/double";

const READY: &str = "ready";

#[derive(Clone, Debug, PartialEq, Eq)]
enum Inside {
    Resting,
    /// Whether the party is complete already, with a watch.
    LookingForReady,
    Counting {
        is_before: bool,
    },
    Founding(u8),
    Creating,
    CreatingReady,
    AwaitingReady,
    Staying,
    Listing,
    /// One's own znode goes; then somebody else's departure is awaited, or it was the last one.
    Deleting(Option<Path>),
    Arming,
    AwaitingDeparture(Path),
}

/// A member of a party.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Party {
    size: u16,
    hold: ThinkTime,
    stage: Inside,
    /// The number of the round, which all count alike.
    round: u64,
    /// The party was not complete when it was looked at.
    awaited: Path,
}

impl Party {
    pub(super) fn new(size: u16, hold: ThinkTime) -> Self {
        Self {
            size,
            hold,
            stage: Inside::Resting,
            round: 0,
            awaited: "".into(),
        }
    }

    fn directory(&self, turn: &Turn<'_, '_>) -> Path {
        match turn.rules().ready {
            ReadyNode::OfTheRound => within(DOUBLE, &format!("r{}", self.round)),
            ReadyNode::OfTheBarrier => within(DOUBLE, "all"),
        }
    }

    /// A znode of one's own in each session: that of a former session goes with it.
    fn own(turn: &Turn<'_, '_>) -> String {
        format!("c{}-{:x}", turn.client().0, turn.hands.session().0)
    }

    pub(super) fn on_think(&mut self, turn: &mut Turn<'_, '_>) {
        if self.stage == Inside::Resting && turn.begin() {
            self.round += 1;
            turn.tell(Step::EnterCalled {
                barrier: DOUBLE.into(),
                round: self.round,
                party: self.size,
            });
            self.look_for_ready(turn);
        } else if self.stage == Inside::Staying {
            let barrier = DOUBLE.into();
            let round = self.round;
            turn.tell(Step::LeaveCalled { barrier, round });
            match turn.rules().leave {
                PartyLeave::WithTheOthers => self.list(turn),
                PartyLeave::AtOnce => self.delete(None, turn),
            }
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
            (Inside::LookingForReady, Ok(_)) => self.enter(turn),
            (Inside::LookingForReady, Err(_)) => match turn.rules().count {
                PartyCount::AfterOwn => self.create(turn),
                PartyCount::BeforeOwn => self.count(true, turn),
            },
            (Inside::Creating, Err(ErrorCode::NoNode)) => self.found(0, turn),
            (Inside::Counting { is_before: true }, Err(_)) => self.create(turn),
            (Inside::Founding(0), _) => self.found(1, turn),
            (Inside::Founding(_), _) => self.create(turn),
            (Inside::Creating, _) => match turn.rules().count {
                PartyCount::AfterOwn => self.count(false, turn),
                PartyCount::BeforeOwn => self.stage = Inside::AwaitingReady,
            },
            (Inside::Counting { is_before }, Ok(Response::Children(names, _))) => {
                self.on_count(names, is_before, turn);
            }
            (Inside::CreatingReady, Ok(_) | Err(ErrorCode::NodeExists)) => self.enter(turn),
            (Inside::Listing, Ok(Response::Children(names, _))) => self.on_list(names, turn),
            (Inside::Deleting(None), _) => self.leave(turn),
            (Inside::Deleting(Some(other)), _) => self.arm(other, turn),
            (Inside::Arming, Ok(_)) => self.stage = Inside::AwaitingDeparture(self.awaited.clone()),
            (Inside::Arming | Inside::Listing, _) => self.list(turn),
            (Inside::CreatingReady | Inside::Counting { .. }, _) => self.look_for_ready(turn),
            (
                Inside::Resting
                | Inside::AwaitingReady
                | Inside::Staying
                | Inside::AwaitingDeparture(_),
                _,
            ) => {}
        }
    }

    /// Connected again, in this session or in a new one.
    pub(super) fn on_again(&mut self, _lost: Option<bool>, turn: &mut Turn<'_, '_>) {
        match self.stage {
            Inside::Resting | Inside::Staying => {}
            Inside::LookingForReady
            | Inside::Counting { .. }
            | Inside::Founding(_)
            | Inside::Creating
            | Inside::CreatingReady
            | Inside::AwaitingReady => self.look_for_ready(turn),
            Inside::Listing
            | Inside::Deleting(_)
            | Inside::Arming
            | Inside::AwaitingDeparture(_) => self.list(turn),
        }
    }

    pub(super) fn on_event(&mut self, event: &WatchEvent, turn: &mut Turn<'_, '_>) {
        match &self.stage {
            Inside::AwaitingReady if event.path.ends_with(READY) => self.look_for_ready(turn),
            Inside::AwaitingDeparture(other)
                if event.path == *other && event.kind == EventKind::Deleted =>
            {
                self.list(turn);
            }
            Inside::Resting
            | Inside::LookingForReady
            | Inside::Counting { .. }
            | Inside::Founding(_)
            | Inside::Creating
            | Inside::CreatingReady
            | Inside::AwaitingReady
            | Inside::Staying
            | Inside::Listing
            | Inside::Deleting(_)
            | Inside::Arming
            | Inside::AwaitingDeparture(_) => {}
        }
    }

    fn look_for_ready(&mut self, turn: &mut Turn<'_, '_>) {
        let path = within(&self.directory(turn), READY);
        turn.ask(Request::Exists { path, watch: true });
        self.stage = Inside::LookingForReady;
    }

    fn create(&mut self, turn: &mut Turn<'_, '_>) {
        let path = within(&self.directory(turn), &Self::own(turn));
        turn.ask(create(path, None, flags::EPHEMERAL));
        self.stage = Inside::Creating;
    }

    fn found(&mut self, step: u8, turn: &mut Turn<'_, '_>) {
        let path = match step {
            0 => DOUBLE.into(),
            _ => self.directory(turn),
        };
        turn.ask(create(path, None, flags::PERSISTENT));
        self.stage = Inside::Founding(step);
    }

    fn count(&mut self, is_before: bool, turn: &mut Turn<'_, '_>) {
        turn.ask(Request::GetChildren {
            path: self.directory(turn),
            watch: false,
            stat: false,
        });
        self.stage = Inside::Counting { is_before };
    }

    fn on_count(&mut self, names: &[Path], is_before: bool, turn: &mut Turn<'_, '_>) {
        let members = names.iter().filter_map(|name| member(name));
        let members: std::collections::BTreeSet<&str> = members.collect();
        let is_complete = members.len() >= usize::from(self.size);
        if names.iter().any(|name| &**name == READY) {
            // The party was complete in between, and some may have left again.
            self.enter(turn);
        } else if is_complete {
            let path = within(&self.directory(turn), READY);
            turn.ask(create(path, None, flags::PERSISTENT));
            self.stage = Inside::CreatingReady;
        } else if is_before {
            self.create(turn);
        } else {
            self.stage = Inside::AwaitingReady;
        }
    }

    fn enter(&mut self, turn: &mut Turn<'_, '_>) {
        let barrier = DOUBLE.into();
        let round = self.round;
        turn.tell(Step::Entered { barrier, round });
        self.stage = Inside::Staying;
        turn.nap(self.hold);
    }

    fn list(&mut self, turn: &mut Turn<'_, '_>) {
        turn.ask(Request::GetChildren {
            path: self.directory(turn),
            watch: false,
            stat: false,
        });
        self.stage = Inside::Listing;
    }

    /// The lowest waits for the highest; everybody else deletes its znode and waits for the lowest.
    fn on_list(&mut self, names: &[Path], turn: &mut Turn<'_, '_>) {
        let mut inside: Vec<&Path> = names.iter().filter(|name| member(name).is_some()).collect();
        inside.sort_unstable();
        let own = Self::own(turn);
        let at = |name: &Path| within(&self.directory(turn), name);
        match inside.as_slice() {
            [] => self.leave(turn),
            [only] if ***only == own => self.delete(None, turn),
            [lowest, .., highest] if ***lowest == own => {
                let other = at(highest);
                self.arm(other, turn);
            }
            [lowest, ..] => {
                let other = at(lowest);
                if inside.iter().any(|name| ***name == own) {
                    self.delete(Some(other), turn);
                } else {
                    self.arm(other, turn);
                }
            }
        }
    }

    fn delete(&mut self, then: Option<Path>, turn: &mut Turn<'_, '_>) {
        let path = within(&self.directory(turn), &Self::own(turn));
        turn.ask(Request::Delete { path, version: -1 });
        self.stage = Inside::Deleting(then);
    }

    fn arm(&mut self, other: Path, turn: &mut Turn<'_, '_>) {
        turn.ask(Request::Exists {
            path: other.clone(),
            watch: true,
        });
        self.awaited = other;
        self.stage = Inside::Arming;
    }

    fn leave(&mut self, turn: &mut Turn<'_, '_>) {
        let barrier = DOUBLE.into();
        let round = self.round;
        turn.tell(Step::Left { barrier, round });
        self.stage = Inside::Resting;
        turn.rest();
    }
}

/// The client that a member's znode belongs to.
fn member(name: &str) -> Option<&str> {
    name.strip_prefix('c')?.split('-').next()
}
