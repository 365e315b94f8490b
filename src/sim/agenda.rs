//! What is going to happen: the kinds of events, the present moment and the queue.

use std::mem;
use std::sync::Arc;

use super::draws::{DrawKey, Exceptions, Site};
use super::law::bucket_of;
use super::net::{Frame, Side};
use super::process::{Conn, Input, Protocol};
use super::queue::{Class, Queue};
use crate::base::id::NodeId;
use crate::base::rng::Key;
use crate::base::time::{Span, Time};

/// An event on the queue. Those that name a life, a ticket or a generation are stale once that has passed.
#[derive(Clone, Debug)]
pub(super) enum Event<W: Protocol> {
    /// A planned fault strikes.
    Fault { index: u32 },
    /// A planned fault is undone.
    Undo { index: u32 },
    /// A flapping fault, or one with a rhythm of its own, takes its next turn.
    Beat { index: u32, beat: u32 },
    /// The disks of the targets of a planned fault are copied.
    Backup { index: u32 },
    /// A disk has done something that somebody waited for; its process is told now.
    Told {
        node: NodeId,
        life: u32,
        input: Input<W>,
    },
    /// Every lasting fault is undone and none follows.
    HealAll,
    /// A disk operation is done.
    Disk {
        node: NodeId,
        lane: Lane,
        ticket: u64,
    },
    /// A frame arrives at one end of a connection.
    Frame {
        conn: Conn,
        side: Side,
        frame: Frame<W::Msg>,
    },
    /// The next frame that was held back arrives.
    Release { conn: Conn, side: Side },
    /// The network breaks a connection at one end.
    Break { conn: Conn, side: Side },
    /// The second half of a frame is written.
    Flush { conn: Conn, side: Side },
    /// A connection attempt has lasted as long as it may.
    GiveUp { conn: Conn },
    /// A timer runs out.
    Fire {
        node: NodeId,
        timer: W::Timer,
        generation: u64,
    },
    /// A stage runs.
    Run {
        node: NodeId,
        life: u32,
        stage: W::Stage,
    },
    /// A node that was paused takes the next of the inputs that waited.
    Drain { node: NodeId, life: u32 },
    /// A node that has been down since this life starts.
    Boot { node: NodeId, life: u32 },
    /// Somebody outside asks something of a node.
    Command { node: NodeId, command: W::Command },
}

impl<W: Protocol> Event<W> {
    /// Takes it off the queue.
    pub(super) fn take(&mut self) -> Self {
        mem::replace(self, Self::HealAll)
    }
}

/// A disk's two queues.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lane {
    /// Forces, small files and switches, one after the other.
    Ordered,
    /// Snapshots.
    Background,
}

/// The present and the future.
#[derive(Clone, Debug)]
pub(super) struct Agenda<W: Protocol> {
    pub(super) now: Time,
    queue: Queue<Event<W>>,
    tie: Key,
    exceptions: Arc<Exceptions>,
    minds_draws: bool,
    /// What was drawn, if somebody wants to know.
    drawn: Option<Vec<(DrawKey, Span)>>,
}

impl<W: Protocol> Agenda<W> {
    /// The start of a run.
    pub(super) fn new(tie: Key, exceptions: Arc<Exceptions>) -> Self {
        Self {
            now: Time::ZERO,
            queue: Queue::new(),
            tie,
            minds_draws: !exceptions.is_empty(),
            exceptions,
            drawn: None,
        }
    }

    /// Whether the setup makes exceptions for draws, or somebody wants to know them.
    #[inline]
    pub(super) fn minds_draws(&self) -> bool {
        self.minds_draws
    }

    /// What a draw comes out as: as drawn, unless the setup makes an exception.
    pub(super) fn settle(&mut self, site: Site, nth: u64, drawn: Span) -> Span {
        if !self.minds_draws {
            return drawn;
        }
        let bucket = self.bucket();
        let key = DrawKey { site, bucket, nth };
        let span = self.exceptions.get(key).unwrap_or(drawn);
        if let Some(log) = &mut self.drawn {
            log.push((key, span));
        }
        span
    }

    /// From now on what is drawn is kept.
    pub(super) fn log_draws(&mut self) {
        self.drawn.get_or_insert_default();
        self.minds_draws = true;
    }

    /// What was drawn since somebody wanted to know.
    pub(super) fn drawn(&self) -> &[(DrawKey, Span)] {
        self.drawn.as_deref().unwrap_or_default()
    }

    /// Ties are broken by another key from now on.
    pub(super) fn rekey(&mut self, tie: Key) {
        self.tie = tie;
        self.queue.forget_ties();
    }

    /// Adds an event. `who` and `kind` say what it is about; they alone decide the tie.
    #[inline]
    pub(super) fn push(&mut self, at: Time, class: Class, about: (u64, u64), event: Event<W>) {
        debug_assert!(at >= self.now, "nothing happens in the past");
        self.queue.push(at, class, about, event);
    }

    /// Adds an event after a while.
    #[inline]
    pub(super) fn push_in(
        &mut self,
        after: Span,
        class: Class,
        about: (u64, u64),
        event: Event<W>,
    ) {
        self.push(self.now + after, class, about, event);
    }

    /// The next event, if it is due by `limit`, to be taken, and its moment, which is the present.
    #[inline]
    pub(super) fn pop_by(&mut self, limit: Time) -> Option<(Time, &mut Event<W>)> {
        let key = self.tie;
        let draw = |at: Time, (who, kind)| key.draw(who, kind, at.0, 0).word();
        let (time, event) = self.queue.pop_by(limit, draw)?;
        debug_assert!(time >= self.now, "time never goes back");
        self.now = time;
        Some((time, event))
    }

    /// When the next event is due.
    pub(super) fn next_time(&mut self) -> Option<Time> {
        self.queue.next_time()
    }

    /// The present weather bucket.
    #[inline]
    pub(super) fn bucket(&self) -> u64 {
        bucket_of(self.now)
    }
}
