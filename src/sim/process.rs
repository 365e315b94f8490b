//! What the simulator hosts: a pure state machine, its vocabulary, what it is told and what it may ask for.
//!
//! ```text
//!   Queue ─▶ Input ─▶ Process::step (pure) ─▶ Effects (data, in order) ─▶ Net · Disk · Clock · Sink
//! ```
//! The vocabulary ([`Protocol`]) is apart from the behaviour ([`Process`]), so that a wrapper can edit the effects of
//! the process it wraps in the buffer they share.

use std::fmt::Debug;
use std::hash::Hash;
use std::sync::Arc;

use imbl::Vector;

use crate::base::id::NodeId;
use crate::base::rng::{Draw, Key};
use crate::base::time::{LocalTime, Span};

/// The words a family of processes shares: types only, no behaviour.
pub trait Protocol: Clone + Debug + Hash + 'static {
    /// What travels on a connection.
    type Msg: Clone + Debug + Hash;
    /// Names of timers; arming a name again replaces it.
    type Timer: Copy + Debug + Ord + Hash;
    /// Stages inside one node that run as separate events (threads of the real server).
    type Stage: Copy + Debug + Ord + Hash;
    /// One record of the log on disk.
    type Record: Clone + Debug + Hash;
    /// A snapshot; cloning must be cheap.
    type Image: Clone + Debug + Hash;
    /// What a process says about itself for checkers and readers; never read by another process.
    type Note: Note;
    /// A request put to a process from outside the simulation.
    type Command: Clone + Debug + Hash;

    /// What a message is called, where a fault chooses among kinds of them.
    fn kind(_msg: &Self::Msg) -> &'static str {
        "message"
    }

    /// How many bytes a message has on the wire, roughly.
    fn size(_msg: &Self::Msg) -> u64 {
        100
    }

    /// How many bytes a record has in the log, roughly.
    fn record_size(_record: &Self::Record) -> u64 {
        100
    }

    /// The request by which a fault provokes a process to something unusual, if there is one of that name.
    fn provocation(_name: &str) -> Option<Self::Command> {
        None
    }
}

/// Ghost output of a process.
pub trait Note: Clone + Debug + Hash {
    /// The short name a fault plan's `when` can wait for (`established`, …), if this note is such a moment.
    fn mark(&self) -> Option<&'static str> {
        None
    }

    /// A second such name, where this note is a special case of the first.
    fn special_mark(&self) -> Option<&'static str> {
        None
    }
}

/// A deterministic state machine hosted by a `World`.
pub trait Process: Clone {
    /// Its vocabulary.
    type Words: Protocol;
    /// What every life of every process starts from; shared, so keep large parts behind `Arc`.
    type Config: Clone + Debug;

    /// A new life: volatile state is gone, `disk` is what the crash left. Its first input is [`Input::Boot`].
    fn restart(config: &Self::Config, disk: Recovered<Self::Words>, me: NodeId, life: u32) -> Self;

    /// Takes one input and pushes what it wants done, in order. No clock, no randomness and no I/O but what `cx` hands in.
    fn step(&mut self, cx: Cx, input: Input<Self::Words>, out: &mut Effects<Self::Words>);

    /// Whether this process plays the named role right now (`leader`, `follower`, …); fault targets resolve by it.
    fn plays(&self, _role: &str) -> bool {
        false
    }

    /// How far in front it stands among those that play the named role, where the role is about that
    /// (`ahead-follower`, `lagging-follower`, …); `None` = it does not play it.
    fn standing(&self, role: &str) -> Option<u64> {
        self.plays(role).then_some(0)
    }

    /// The node this process is attached to (a client's server); fault targets resolve by it.
    fn attached_to(&self) -> Option<NodeId> {
        None
    }
}

/// What a process knows when it takes a step: its own clock, its name and its private weather.
#[derive(Clone, Copy, Debug)]
pub struct Cx {
    /// Reading of this node's monotonic clock.
    pub now: LocalTime,
    /// This node's wall clock; for data that is shown, never for deadlines.
    pub wall: WallClock,
    /// This node.
    pub me: NodeId,
    /// Key of this node's own draws.
    pub key: Key,
    /// The weather bucket of this moment.
    pub bucket: u64,
}

impl Cx {
    /// Wall-clock milliseconds as this node believes them; for data that is shown, never for deadlines.
    pub fn wall_ms(&self) -> u64 {
        self.wall.ms(self.now)
    }

    /// The `nth` draw of this `kind` at this node in the present 50 ms bucket.
    pub fn draw(&self, kind: u64, nth: u64) -> Draw {
        self.key.draw(u64::from(self.me.0), kind, self.bucket, nth)
    }
}

/// A node's wall clock, told by its monotonic one. By default it shows the monotonic clock's milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WallClock {
    /// A reading of the monotonic clock.
    pub reading: LocalTime,
    /// What the wall clock showed then, in milliseconds since 1970.
    pub shown_ms: i64,
}

impl WallClock {
    /// What it shows, in milliseconds since 1970, when the monotonic clock shows `reading`.
    pub fn ms(self, reading: LocalTime) -> u64 {
        let elapsed = i64::try_from(reading.since(self.reading).as_ms()).unwrap_or(i64::MAX);
        u64::try_from(self.shown_ms.saturating_add(elapsed)).unwrap_or(0)
    }
}

/// One end's name for a connection; never reused in a run. Both ends use the same value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Conn(pub u64);

/// The three kinds of links of a ZooKeeper ensemble; each has its own delays and faults.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LinkClass {
    /// Election port, between any two servers.
    Election,
    /// Quorum port, learner to leader.
    Quorum,
    /// Client port.
    Client,
}

/// Why a connection attempt failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Refusal {
    /// The host answered that nobody listens there.
    NobodyListens,
    /// No answer within the timeout given with the attempt.
    TimedOut,
}

/// How a connection ended, as seen by the end that is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Ending {
    /// The other end closed it, after everything it had sent.
    Closed,
    /// It was reset: what was in flight is gone.
    Reset,
    /// What arrived could not be decoded; the connection was closed.
    Garbled,
}

/// Why a disk operation failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DiskError {
    /// No space left.
    Full,
    /// The device reported an error; what was not forced is gone.
    Io,
    /// The file system takes no writes.
    ReadOnly,
}

/// One of a node's small files holding a number (`currentEpoch`, `acceptedEpoch`), written by atomic rename.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct File(pub u8);

/// Why a disk of which no snapshot can be read is corrupt.
pub const NO_SNAPSHOT: &str = "the only snapshot fails its checksum";

/// How many [`File`]s a disk has.
pub const FILES: usize = 4;

/// What a process is told.
#[derive(Clone, Debug, Hash)]
pub enum Input<W: Protocol> {
    /// The first input of a life.
    Boot,
    /// An attempt of ours succeeded.
    Opened {
        /// The connection.
        conn: Conn,
    },
    /// An attempt of ours failed; the name is dead.
    Refused {
        /// The connection that never was.
        conn: Conn,
        /// Why.
        why: Refusal,
    },
    /// Somebody connected to a port on which we listen.
    Accepted {
        /// The connection.
        conn: Conn,
        /// Who dialled.
        from: NodeId,
        /// Which port.
        class: LinkClass,
    },
    /// A message arrived; per connection in the order sent.
    Deliver {
        /// The connection.
        conn: Conn,
        /// What was sent.
        msg: W::Msg,
    },
    /// The other end or the network ended a connection; the name is dead.
    Ended {
        /// The connection.
        conn: Conn,
        /// How.
        how: Ending,
    },
    /// A timer that we armed and did not disarm has run out on our clock.
    Fire {
        /// Its name.
        timer: W::Timer,
    },
    /// A stage that we woke may run.
    Run {
        /// Its name.
        stage: W::Stage,
    },
    /// Every record that existed before some `Sync` of ours was pushed is durable.
    Synced {
        /// How many records this life had appended when that `Sync` was pushed (restarted from 0 by `Install`).
        upto: u64,
    },
    /// An epoch file is durable, its directory entry included.
    Stored {
        /// Which file.
        file: File,
        /// Its new value.
        value: u64,
    },
    /// A background snapshot has been written (not forced).
    Snapshotted,
    /// The durable switch of `Install` has happened.
    Installed,
    /// A disk operation failed. Nothing says what reached the platter.
    WriteFailed {
        /// Why.
        why: DiskError,
    },
    /// Somebody outside the simulation asks for something.
    Command(W::Command),
}

/// What a process may ask for. The order in the buffer is the order in which things are done.
#[derive(Clone, Debug, Hash)]
pub enum Effect<W: Protocol> {
    /// Accept connections on a port from now on.
    Listen(LinkClass),
    /// Refuse connections on a port from now on; existing connections stay.
    Unlisten(LinkClass),
    /// Dial; answered by `Opened` or `Refused`. Nothing may be sent before `Opened`.
    Open {
        /// The new connection, as handed out by [`Effects::open`].
        conn: Conn,
        /// Whom to dial.
        to: NodeId,
        /// Which port.
        class: LinkClass,
        /// Give up after this long.
        timeout: Span,
    },
    /// Send on an open connection. Sending on a dead one does nothing.
    Send {
        /// The connection.
        conn: Conn,
        /// What.
        msg: W::Msg,
    },
    /// End our side of a connection, or abandon an attempt; what was sent before still arrives. We hear no more of it.
    Close {
        /// The connection.
        conn: Conn,
    },
    /// Fire a timer after this long on our own clock; replaces an armed one of that name.
    Arm {
        /// Its name.
        timer: W::Timer,
        /// How long.
        after: Span,
    },
    /// Take an armed timer back; nothing happens if it is not armed.
    Disarm {
        /// Its name.
        timer: W::Timer,
    },
    /// Run a stage soon, as an event of its own after a drawn delay; at most one pending run per stage.
    Wake {
        /// Its name.
        stage: W::Stage,
    },
    /// Append a record to the log's end (buffered: a crash may lose it until synced).
    Append {
        /// The record.
        record: W::Record,
    },
    /// Force the log, records read at boot included; answered by `Synced`.
    Sync,
    /// Keep only the first records of the log, durably or not: a bare `ftruncate` without fsync.
    Truncate {
        /// How many records stay, counted from the log's start as recovered plus appended.
        keep: u64,
    },
    /// Write a snapshot in the background, unforced; answered by `Snapshotted`. The log stays.
    Snapshot {
        /// The state to write.
        image: W::Image,
    },
    /// Replace an epoch file atomically and durably; answered by `Stored`.
    Store {
        /// Which file.
        file: File,
        /// Its new value.
        value: u64,
    },
    /// One durable switch to a new snapshot, log and files that retires all older logs and snapshots (zab.md §16 K1);
    /// answered by `Installed`. Until then a crash leaves the old disk, after it the new one; never a mixture.
    Install(Box<Install<W>>),
    /// Say something about oneself.
    Note(W::Note),
    /// Exit the process with this code; the node stays down until somebody restarts it.
    Halt {
        /// Exit code (10, 12, 13 as ZooKeeper's, zab.md §9).
        code: u8,
    },
}

/// What a disk is switched to; rare, and larger than any other effect.
#[derive(Clone, Debug, Hash)]
pub struct Install<W: Protocol> {
    /// The new and only snapshot.
    pub image: W::Image,
    /// The log after it.
    pub log: Vec<W::Record>,
    /// Epoch files written in the same switch.
    pub files: Vec<(File, u64)>,
}

/// The buffer a process pushes its effects into: owned by the runner and reused, so a step allocates nothing.
#[derive(Debug)]
pub struct Effects<W: Protocol> {
    list: Vec<Effect<W>>,
    next_conn: u64,
}

impl<W: Protocol> Default for Effects<W> {
    fn default() -> Self {
        Self {
            list: Vec::new(),
            next_conn: 1,
        }
    }
}

impl<W: Protocol> Effects<W> {
    /// An empty buffer whose next connection gets the name `next_conn`.
    pub fn starting_at(next_conn: u64) -> Self {
        Self {
            list: Vec::new(),
            next_conn,
        }
    }

    /// The name the next dialled connection will get; the runner keeps it per life of a node.
    pub fn next_conn(&self) -> u64 {
        self.next_conn
    }

    /// Sets the name that the next dialled connection gets.
    pub fn set_next_conn(&mut self, next_conn: u64) {
        self.next_conn = next_conn;
    }

    /// Pushes an effect.
    #[inline]
    pub fn push(&mut self, effect: Effect<W>) {
        self.list.push(effect);
    }

    /// Dials `to` and returns the name of the connection.
    pub fn open(&mut self, to: NodeId, class: LinkClass, timeout: Span) -> Conn {
        let conn = Conn(self.next_conn);
        self.next_conn += 1;
        self.push(Effect::Open {
            conn,
            to,
            class,
            timeout,
        });
        conn
    }

    /// Sends on a connection.
    pub fn send(&mut self, conn: Conn, msg: W::Msg) {
        self.push(Effect::Send { conn, msg });
    }

    /// Closes a connection.
    pub fn close(&mut self, conn: Conn) {
        self.push(Effect::Close { conn });
    }

    /// Arms a timer.
    pub fn arm(&mut self, timer: W::Timer, after: Span) {
        self.push(Effect::Arm { timer, after });
    }

    /// Disarms a timer.
    pub fn disarm(&mut self, timer: W::Timer) {
        self.push(Effect::Disarm { timer });
    }

    /// Wakes a stage.
    pub fn wake(&mut self, stage: W::Stage) {
        self.push(Effect::Wake { stage });
    }

    /// Says something about oneself.
    pub fn note(&mut self, note: W::Note) {
        self.push(Effect::Note(note));
    }

    /// Number of effects pushed so far; a wrapper edits those from its own mark on.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Whether nothing was pushed.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// The effects, for a wrapper that edits them in place.
    pub fn list_mut(&mut self) -> &mut Vec<Effect<W>> {
        &mut self.list
    }

    /// The effects, in order.
    pub fn list(&self) -> &[Effect<W>] {
        &self.list
    }
}

/// What a crash or a clean stop left on a node's disk.
#[derive(Clone, Debug)]
pub struct Recovered<W: Protocol> {
    /// The newest readable snapshot.
    pub image: Option<W::Image>,
    /// The readable records of the whole log in order (also those older than the snapshot), torn ends cut off. Some may
    /// never have been forced: `Sync` before relying on them.
    pub log: Vector<W::Record>,
    /// Whether every record of `log` is known to be on the platter.
    pub forced: bool,
    /// Whether the log ended in a torn record or a hole that recovery cut off.
    pub torn: bool,
    /// The epoch files.
    pub files: [Option<u64>; FILES],
    /// What cannot be read back as it was written, though it was forced.
    pub corrupt: Option<&'static str>,
}

impl<W: Protocol> Default for Recovered<W> {
    fn default() -> Self {
        Self {
            image: None,
            log: Vector::new(),
            forced: true,
            torn: false,
            files: [None; FILES],
            corrupt: None,
        }
    }
}

/// A shared name, such as a fault's id.
pub type Name = Arc<str>;
