//! Workload programs: what the applications on top of the client library do.
//!
//! A program sees what the library tells it and submits requests; it has no clock but its think timer, and its decisions
//! are drawn by their number, so that a run whose timing shifts keeps its operations.

pub mod holder;
pub mod pace;
pub mod register;
pub mod script;
pub mod watcher;
pub mod znodes;

use std::sync::Arc;

use super::Site;
use super::config::Chosen;
use super::library::{Library, Upcall};
use super::recipe;
use crate::base::id::{ClientId, SessionId};
use crate::base::rng::Draw;
use crate::base::time::Span;
use crate::history::fact::Fact;
use crate::history::op::{Acl, AclEntry, CreateOp, Data, Path, Request};
use crate::history::recipe::Step;
use crate::sim::process::{Cx, Effects};
use crate::words::Words;
use crate::words::timer::{ClientTimer, Timer};

/// Which program a client runs, with its parameters.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Workload {
    /// Keeps a session and does what commands from outside ask for, nothing else.
    Idle,
    /// Reads, conditional and unconditional writes, creates, deletes and watches on a few keys.
    VersionedRegister(register::Settings),
    /// Keeps an ephemeral `/e<client>` alive.
    EphemeralHolder(holder::Settings),
    /// Keeps exists watches armed on given paths.
    Watcher(watcher::Settings),
    /// Every operation and every kind of watch on a small tree.
    Znodes(znodes::Settings),
    /// One step after the other.
    Script(script::Settings),
    /// A recipe.
    Recipe(recipe::Settings),
}

/// A running program.
#[derive(Clone, Debug)]
pub enum Program {
    /// [`Workload::Idle`].
    Idle,
    /// [`Workload::VersionedRegister`].
    Register(register::Register),
    /// [`Workload::EphemeralHolder`].
    Holder(holder::Holder),
    /// [`Workload::Watcher`].
    Watcher(watcher::Watcher),
    /// [`Workload::Znodes`].
    Znodes(znodes::Znodes),
    /// [`Workload::Script`].
    Script(script::Script),
    /// [`Workload::Recipe`].
    Recipe(recipe::Program),
}

impl Program {
    /// The program of a client's `life`th life.
    pub fn new(workload: &Workload, life: u32) -> Self {
        match workload {
            Workload::Idle => Self::Idle,
            Workload::VersionedRegister(settings) => {
                Self::Register(register::Register::new(settings, life))
            }
            Workload::EphemeralHolder(settings) => {
                Self::Holder(holder::Holder::new(settings, life))
            }
            Workload::Watcher(settings) => Self::Watcher(watcher::Watcher::new(settings, life)),
            Workload::Znodes(settings) => Self::Znodes(znodes::Znodes::new(settings, life)),
            Workload::Script(settings) => Self::Script(script::Script::new(settings, life)),
            Workload::Recipe(settings) => Self::Recipe(recipe::Program::new(settings, life)),
        }
    }

    /// The library has been opened.
    pub fn on_boot(&mut self, hands: &mut Hands<'_>) {
        match self {
            Self::Idle | Self::Script(_) => {}
            Self::Register(program) => program.on_boot(hands),
            Self::Holder(program) => program.on_boot(hands),
            Self::Watcher(program) => program.on_boot(hands),
            Self::Znodes(program) => program.on_boot(hands),
            Self::Recipe(program) => program.on_boot(hands),
        }
    }

    /// The think timer has run out.
    pub fn on_think(&mut self, hands: &mut Hands<'_>) {
        match self {
            Self::Idle => {}
            Self::Register(program) => program.on_think(hands),
            Self::Holder(program) => program.on_think(hands),
            Self::Watcher(program) => program.on_think(hands),
            Self::Znodes(program) => program.on_think(hands),
            Self::Script(program) => program.on_think(hands),
            Self::Recipe(program) => program.on_think(hands),
        }
    }

    /// The library says something.
    pub fn on_upcall(&mut self, upcall: &Upcall, hands: &mut Hands<'_>) {
        match self {
            Self::Idle => {}
            Self::Register(program) => program.on_upcall(upcall, hands),
            Self::Holder(program) => program.on_upcall(upcall, hands),
            Self::Watcher(program) => program.on_upcall(upcall, hands),
            Self::Znodes(program) => program.on_upcall(upcall, hands),
            Self::Script(program) => program.on_upcall(upcall, hands),
            Self::Recipe(program) => program.on_upcall(upcall, hands),
        }
    }
}

/// What a program can do.
#[derive(Debug)]
pub struct Hands<'a> {
    pub(super) cx: Cx,
    pub(super) client: ClientId,
    pub(super) chosen: &'a Chosen,
    /// How long the client has lived by its own clock.
    pub(super) age: Span,
    pub(super) library: &'a mut Library,
    pub(super) out: &'a mut Effects<Words>,
}

impl Hands<'_> {
    /// The client on whose behalf the program runs.
    pub fn client(&self) -> ClientId {
        self.client
    }

    /// The present session.
    pub fn session(&self) -> SessionId {
        self.library.session()
    }

    /// Hands a request to the library; returns the operation's number.
    pub fn submit(&mut self, request: Request) -> u64 {
        self.library.submit(self.cx, Arc::new(request), self.out)
    }

    /// Whether the operation whose turn it is shall not be carried out; its number is used up then.
    pub fn passes_over(&mut self) -> bool {
        let is_kept = self.chosen.has(self.library.next_op());
        if !is_kept {
            self.library.pass_over();
        }
        !is_kept
    }

    /// Whether no operation is left to be carried out.
    pub fn is_over(&self) -> bool {
        self.chosen.is_over_before(self.library.next_op())
    }

    /// Wakes the program after this long, or when the moment of its next operation has come if that has one.
    pub fn think(&mut self, after: Span) {
        let after = match self.chosen.moment(self.library.next_op()) {
            Some(moment) => Span(moment.0.saturating_sub(self.age.0)),
            None => after,
        };
        self.out.arm(Timer::Client(ClientTimer::Think), after);
    }

    /// Wakes the program after this long, whatever its next operation is.
    pub fn nap(&mut self, after: Span) {
        self.out.arm(Timer::Client(ClientTimer::Think), after);
    }

    /// Says what a recipe does or believes.
    pub fn tell(&mut self, step: Step) {
        self.out.note(Fact::Recipe {
            client: self.client,
            step,
        });
    }

    /// The design choices of recipes.
    pub fn recipe_rules(&self) -> recipe::rules::Rules {
        self.library.recipe_rules()
    }

    /// The program's `nth` decision of a kind.
    pub fn draw(&self, site: Site, nth: u64) -> Draw {
        site.program(self.cx, nth)
    }
}

/// A range of think times, milliseconds, both ends possible.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ThinkTime {
    /// Shortest.
    pub min_ms: u32,
    /// Longest.
    pub max_ms: u32,
}

impl ThinkTime {
    /// The think time drawn, to the microsecond.
    pub fn pick(self, draw: Draw) -> Span {
        let (low, high) = (u64::from(self.min_ms), u64::from(self.max_ms));
        Span::from_us(draw.between(low * 1_000, high * 1_000))
    }
}

/// Decisions of one life are numbered below this; the next life goes on above it.
const DECISIONS_PER_LIFE: u64 = 1_000_000_000;

/// The number before the first decision of a life.
pub(super) fn first_decision(life: u32) -> u64 {
    u64::from(life.saturating_sub(1)) * DECISIONS_PER_LIFE
}

/// `world:anyone` may do everything (`ZooDefs.Ids.OPEN_ACL_UNSAFE`).
pub fn open_acl() -> Acl {
    thread_local! {
        // Most creates have it, and evidence of them keeps it: three allocations each. No thread sees another's, nor can any tell
        // them apart.
        static OPEN: Acl = Arc::new([AclEntry {
            perms: 31,
            scheme: "world".into(),
            id: "anyone".into(),
        }]);
    }
    OPEN.with(Arc::clone)
}

/// The ephemeral that belongs to a client.
pub fn ephemeral_path(client: ClientId) -> Path {
    format!("/e{}", client.0).into()
}

/// A plain create with the open ACL.
pub(super) fn create(path: Path, data: Data, flags: i32) -> Request {
    Request::Create {
        op: CreateOp::Create2,
        path,
        data,
        acl: Some(open_acl()),
        flags,
        ttl: -1,
    }
}

#[cfg(test)]
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "a test picks the variants it is about"
)]
mod tests;
