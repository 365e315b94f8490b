//! A recipe whose program is written by somebody else: a student, for example.
//!
//! ```text
//!   the application's wish ─┐                    ┌─▶ requests to the library
//!   what the library says ──┴─▶ Events ─▶ Actions ┴─▶ what the program believes, as `history::recipe` steps
//! ```
//! What is lost is told once the client knows whether its session lives, as to the recipes here.

mod talk;

use std::collections::BTreeMap;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

pub use talk::{Action, Change, Event, Refusal};

use super::contender::Line;
use super::desk::Turn;
use super::names::{mark, sequence, within};
use super::{Recipe, Settings};
use crate::base::zxid::Zxid;
use crate::client::Site;
use crate::client::library::Upcall;
use crate::client::workload::ThinkTime;
use crate::history::op::{ErrorCode, Path, Request, Response, WatchEvent};
use crate::history::recipe::{Mode, Step};

/// The znode that additions are made to.
pub const COUNTER: &str = "/counter";
/// The znode that is published and read.
pub const CONFIG: &str = "/config";
/// The directory in which contenders stand in line.
pub const LOCK: &str = "/lock";

/// How often a holder uses what it guards.
const USES: u32 = 3;

/// How many times as often as it is published a configuration is asked for.
const READS_PER_CHANGE: u32 = 8;

/// Digits that a server appends to a sequential znode's name.
const DIGITS: usize = 10;

/// Whoever decides what clients do.
pub trait Script: Send + Sync {
    /// What a client does about an event; a life of a client begins with [`Event::Start`].
    fn on(&self, client: u16, event: &Event) -> Vec<Action>;
    /// What a client did makes no sense.
    fn complain(&self, why: String);
}

/// A script of somebody else's; nobody's by default, and then programs are the recipes here.
#[derive(Clone, Default)]
pub struct Outsider(pub Option<Arc<dyn Script>>);

impl Outsider {
    fn place(&self) -> Option<*const ()> {
        self.0.as_ref().map(|script| Arc::as_ptr(script).cast())
    }
}

impl fmt::Debug for Outsider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Outsider").field(&self.0.is_some()).finish()
    }
}

impl PartialEq for Outsider {
    fn eq(&self, other: &Self) -> bool {
        self.place() == other.place()
    }
}

impl Eq for Outsider {}

impl Hash for Outsider {
    fn hash<H: Hasher>(&self, _: &mut H) {
        // Nothing: where code lies in memory is no part of a choice.
    }
}

/// What the application wants of the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Duty {
    Counts,
    Reads,
    Locks,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Stage {
    Resting,
    /// The application waits.
    Wanted,
    /// The application has the lock.
    Holding {
        node: Path,
        token: Option<u64>,
        uses: u32,
    },
    /// The application is done with it.
    Returned,
}

/// What a request was about.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Sent {
    tag: u64,
    request: Request,
}

/// A client of somebody else's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Outside {
    script: Outsider,
    duty: Duty,
    hold: ThinkTime,
    stage: Stage,
    under_way: BTreeMap<u64, Sent>,
    lost: Vec<(Sent, bool)>,
    /// What it has read of the configuration, and which transaction wrote that.
    read: BTreeMap<Option<String>, Zxid>,
    /// How the znode begins whose creation was lost.
    sought: Option<String>,
    /// Its znode in the line.
    node: Option<Path>,
}

impl Outside {
    /// The program of somebody else's, if that is who is asked.
    pub(super) fn new(settings: &Settings) -> Option<Self> {
        settings.outsider.0.as_ref()?;
        let duty = match settings.recipe {
            Recipe::Counter => Duty::Counts,
            Recipe::Configuration => Duty::Reads,
            Recipe::Line(Line::Lock) => Duty::Locks,
            Recipe::Line(Line::ReadWrite | Line::Election)
            | Recipe::Queue(_)
            | Recipe::Barrier
            | Recipe::DoubleBarrier
            | Recipe::Membership
            | Recipe::TwoPhaseCommit => return None,
        };
        Some(Self {
            script: settings.outsider.clone(),
            duty,
            hold: settings.hold,
            stage: Stage::Resting,
            under_way: BTreeMap::new(),
            lost: Vec::new(),
            read: BTreeMap::new(),
            sought: None,
            node: None,
        })
    }

    /// Whether this client of the group is the program's: a configuration's first one publishes.
    pub(super) fn is_for(&self, index: u16) -> bool {
        self.duty != Duty::Reads || index > 0
    }

    pub(super) fn on_boot(&mut self, turn: &mut Turn<'_, '_>) {
        let name = format!("c{}-{}", turn.client().0, mark(turn.draw(Site::Detail)));
        self.hear(&Event::Start { name }, turn);
        if self.duty == Duty::Reads {
            turn.desk.hurry(READS_PER_CHANGE);
        }
        self.rest(turn);
    }

    pub(super) fn on_think(&mut self, turn: &mut Turn<'_, '_>) {
        match self.stage.clone() {
            Stage::Resting => {
                if self.duty == Duty::Reads || turn.begin() {
                    self.want(turn);
                }
            }
            Stage::Holding { node, token, uses } => self.act_in_turn((node, token, uses), turn),
            Stage::Wanted | Stage::Returned => {}
        }
    }

    pub(super) fn on_upcall(&mut self, upcall: &Upcall, turn: &mut Turn<'_, '_>) {
        match upcall {
            Upcall::Replied { op, result, .. } => {
                if let Some(sent) = self.under_way.remove(op) {
                    self.note_reply(&sent, result, turn);
                    self.hear(&talk::reply(sent.tag, result), turn);
                }
            }
            Upcall::Lost { op, sent, .. } => {
                if let Some(what) = self.under_way.remove(op) {
                    self.lost.push((what, *sent));
                }
            }
            Upcall::Connected { fresh } => {
                let event = Event::Connected {
                    new_session: *fresh,
                };
                self.hear(&event, turn);
                self.tell_lost(turn);
            }
            Upcall::Disconnected => self.hear(&Event::Disconnected {}, turn),
            Upcall::Expired => {
                self.hear(&Event::Expired {}, turn);
                self.tell_lost(turn);
            }
            Upcall::Event(event) => self.hear(&changed(event), turn),
        }
    }

    fn tell_lost(&mut self, turn: &mut Turn<'_, '_>) {
        for (what, maybe) in std::mem::take(&mut self.lost) {
            if let Request::Create { path, flags, .. } = &what.request
                && maybe
                && *flags == crate::history::op::flags::EPHEMERAL_SEQUENTIAL
            {
                self.sought = Some(path.to_string());
            }
            let event = Event::Lost {
                tag: what.tag,
                maybe,
            };
            self.hear(&event, turn);
        }
    }

    fn want(&mut self, turn: &mut Turn<'_, '_>) {
        self.stage = Stage::Wanted;
        let event = match self.duty {
            Duty::Counts => {
                let counter = COUNTER.into();
                turn.tell(Step::Counting { counter });
                Event::Add {}
            }
            Duty::Reads => Event::Read {},
            Duty::Locks => Event::Acquire {},
        };
        self.hear(&event, turn);
    }

    fn rest(&mut self, turn: &mut Turn<'_, '_>) {
        self.stage = Stage::Resting;
        self.node = None;
        self.sought = None;
        match self.duty {
            Duty::Counts | Duty::Locks => turn.rest(),
            Duty::Reads => turn.pause(),
        }
    }

    fn hear(&mut self, event: &Event, turn: &mut Turn<'_, '_>) {
        let Some(script) = self.script.0.clone() else {
            return;
        };
        for action in script.on(turn.client().0, event) {
            match self.obey(action, turn) {
                Ok(()) => {}
                Err(why) => script.complain(why),
            }
        }
    }

    fn obey(&mut self, action: Action, turn: &mut Turn<'_, '_>) -> Result<(), String> {
        let is_wanted = self.stage == Stage::Wanted;
        match action {
            Action::Added { value } if is_wanted && self.duty == Duty::Counts => {
                let counter = COUNTER.into();
                turn.tell(Step::Counted { counter, value });
                self.rest(turn);
            }
            Action::Serve { data } if is_wanted && self.duty == Duty::Reads => {
                let mzxid = *self
                    .read
                    .get(&data)
                    .ok_or_else(|| format!("it served {data:?}, which it has never read"))?;
                let config = CONFIG.into();
                turn.tell(Step::Configured { config, mzxid });
                self.rest(turn);
            }
            Action::Hold { node, token } if is_wanted && self.duty == Duty::Locks => {
                self.take_hold(node.into(), token, turn);
            }
            Action::LetGo {} if self.duty == Duty::Locks => self.let_go(turn),
            Action::Added { .. } => return Err(unasked("added")),
            Action::Serve { .. } => return Err(unasked("serve")),
            Action::Hold { .. } => return Err(unasked("hold")),
            Action::LetGo {} => return Err(unasked("let-go")),
            Action::Create { .. }
            | Action::Delete { .. }
            | Action::Set { .. }
            | Action::Get { .. }
            | Action::Exists { .. }
            | Action::Children { .. }
            | Action::Sync { .. }
            | Action::Watch { .. } => {
                let (tag, request) = talk::request(action)?;
                let op = turn.hands.submit(request.clone());
                self.under_way.insert(op, Sent { tag, request });
            }
        }
        Ok(())
    }

    /// What the program is told of itself beside the reply: its place in the line, what it has read.
    fn note_reply(
        &mut self,
        sent: &Sent,
        result: &Result<Response, ErrorCode>,
        turn: &mut Turn<'_, '_>,
    ) {
        match (&sent.request, result) {
            (Request::GetData { path, .. }, Ok(Response::Data(data, stat)))
                if &**path == CONFIG =>
            {
                self.read.insert(talk::text(data), stat.mzxid);
            }
            (Request::GetData { path, .. }, Err(ErrorCode::NoNode)) if &**path == CONFIG => {
                self.read.insert(None, Zxid::ZERO);
            }
            (Request::Create { .. }, Ok(Response::PathStat(path, stat))) if stat.owner != 0 => {
                self.queue(path.clone(), turn);
            }
            (Request::GetChildren { path, .. }, Ok(Response::Children(names, _))) => {
                let wanted = |name: &&Path| {
                    let name = within(path, name);
                    let sought = self.sought.as_deref();
                    sought.is_some_and(|sought| {
                        name.starts_with(sought) && name.len() == sought.len() + DIGITS
                    })
                };
                if let Some(name) = names.iter().find(wanted) {
                    self.sought = None;
                    self.queue(within(path, name), turn);
                }
            }
            (_, Ok(_) | Err(_)) => {}
        }
    }

    /// It stands in line from now on.
    fn queue(&mut self, node: Path, turn: &mut Turn<'_, '_>) {
        let is_mine = self.duty == Duty::Locks
            && self.stage == Stage::Wanted
            && node.rsplit_once('/').is_some_and(|(line, _)| line == LOCK)
            && sequence(&node).is_some();
        if is_mine {
            self.node = Some(node.clone());
            turn.tell(Step::Queued {
                line: LOCK.into(),
                node,
                mode: Mode::Exclusive,
            });
        }
    }

    fn take_hold(&mut self, node: Path, token: Option<u64>, turn: &mut Turn<'_, '_>) {
        turn.tell(Step::Held {
            line: LOCK.into(),
            node: node.clone(),
            mode: Mode::Exclusive,
        });
        self.node = Some(node.clone());
        self.stage = Stage::Holding {
            node,
            token,
            uses: USES,
        };
        turn.nap(self.hold);
    }

    /// The application uses what the lock guards, or returns it after the last use.
    fn act_in_turn(&mut self, holding: (Path, Option<u64>, u32), turn: &mut Turn<'_, '_>) {
        let (node, token, uses) = holding;
        if uses == 0 {
            self.stage = Stage::Returned;
            self.hear(&Event::Release {}, turn);
            return;
        }
        turn.tell(Step::Acted {
            line: LOCK.into(),
            node: node.clone(),
            token,
        });
        self.stage = Stage::Holding {
            node,
            token,
            uses: uses - 1,
        };
        turn.nap(self.hold);
    }

    fn let_go(&mut self, turn: &mut Turn<'_, '_>) {
        if let Some(node) = self.node.take() {
            let line = LOCK.into();
            turn.tell(Step::LetGo { line, node });
        }
        if self.stage != Stage::Resting {
            self.rest(turn);
        }
    }
}

fn unasked(what: &str) -> String {
    format!("it said `{what}`, and nobody had asked for that")
}

fn changed(event: &WatchEvent) -> Event {
    Event::Changed {
        path: event.path.to_string(),
        change: event.kind.into(),
    }
}
