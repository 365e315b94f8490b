//! A connection: its two ends, the streams between them and the frames that travel.

use std::collections::VecDeque;

use super::super::process::LinkClass;
use super::super::weather::{Kind, Path};
use crate::base::id::NodeId;
use crate::base::time::Time;

/// One of a connection's two ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Side {
    /// Who called.
    Dialler = 0,
    /// Who was called.
    Acceptor = 1,
}

/// What travels.
#[derive(Clone, Debug)]
pub(in super::super) enum Frame<M> {
    /// The call.
    Syn,
    /// The call is taken.
    SynAck,
    /// A message.
    Data(M),
    /// Bytes that are no message any more.
    Garbage,
    /// Nothing follows.
    Fin,
    /// There is nobody here.
    Rst,
}

/// A connection.
#[derive(Clone, Debug)]
pub(super) struct Link<M> {
    pub(super) class: LinkClass,
    /// Dialler's, acceptor's.
    pub(super) ends: [End<M>; 2],
    /// The network has broken it; the ends have yet to hear of it and nothing else arrives.
    pub(super) doomed: bool,
}

/// One end, and the stream towards it. A connection is a cache line while all goes well.
#[derive(Clone, Debug)]
pub(super) struct End<M> {
    pub(super) node: NodeId,
    pub(super) state: State,
    /// Its machine lost power: nothing of it is left that could send again.
    pub(super) dark: bool,
    /// Frames of the stream are lost, so none may follow.
    pub(super) severed: bool,
    /// When the last frame sent towards it arrives.
    pub(super) last: Time,
    /// What does not go smoothly on the way to it.
    pub(super) backlog: Option<Box<Backlog<M>>>,
}

/// What waits on a stream, and why.
#[derive(Clone, Debug)]
pub(super) struct Backlog<M> {
    /// Frames held back on the way to the end.
    pub(super) parked: VecDeque<Frame<M>>,
    /// Whether an event exists that will let them through.
    pub(super) releasing: bool,
    /// A message chokes the stream: it is the first of the frames held back.
    pub(super) muted: bool,
    /// Frames that the sender has yet to hand to its kernel; they die with it.
    pub(super) outbox: VecDeque<Frame<M>>,
    /// Half of the outbox's first frame is written.
    pub(super) writing: bool,
    /// Bytes on their way to the end over a narrow link.
    pub(super) queued: u64,
    /// When the last frame that keeps no order arrives, and by which fault.
    pub(super) astray: (Time, Option<u32>),
}

/// What one end is to its process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// The dialler waits for an answer.
    Dialling,
    /// The acceptor has not heard of it.
    Unborn,
    /// In use.
    Open,
    /// The process has nothing to do with it any more.
    Gone,
}

impl Side {
    /// The opposite end.
    #[inline]
    pub(super) fn other(self) -> Self {
        match self {
            Self::Dialler => Self::Acceptor,
            Self::Acceptor => Self::Dialler,
        }
    }
}

impl<M> Frame<M> {
    pub(super) fn kind(&self) -> Kind {
        match self {
            Self::Data(_) | Self::Garbage => Kind::Data,
            Self::Syn | Self::SynAck | Self::Fin | Self::Rst => Kind::Control,
        }
    }
}

impl<M> End<M> {
    /// An end towards which nothing has been sent.
    pub(super) fn new(node: NodeId, state: State) -> Self {
        Self {
            node,
            state,
            dark: false,
            severed: false,
            last: Time::ZERO,
            backlog: None,
        }
    }

    /// What waits on the stream, to add to it.
    pub(super) fn backlog(&mut self) -> &mut Backlog<M> {
        self.backlog.get_or_insert_default()
    }

    /// Whether frames are held back on the way to it.
    pub(super) fn has_parked(&self) -> bool {
        let backlog = self.backlog.as_ref();
        backlog.is_some_and(|backlog| !backlog.parked.is_empty())
    }
}

impl<M> Default for Backlog<M> {
    fn default() -> Self {
        Self {
            parked: VecDeque::new(),
            releasing: false,
            muted: false,
            outbox: VecDeque::new(),
            writing: false,
            queued: 0,
            astray: (Time::ZERO, None),
        }
    }
}

impl<M> Backlog<M> {
    /// Nothing that was written waits any more.
    pub(super) fn forget_outbox(&mut self) {
        self.outbox.clear();
        self.writing = false;
    }

    /// Whether nothing of it is left to reckon with.
    pub(super) fn is_over(&self) -> bool {
        let is_empty = self.parked.is_empty() && self.outbox.is_empty();
        let is_at_rest = !self.releasing && !self.muted && !self.writing;
        is_empty && is_at_rest && self.queued == 0 && self.astray.0 == Time::ZERO
    }

    /// Whether what is written now has to wait behind what was.
    pub(super) fn is_behind(&self) -> bool {
        self.writing || !self.outbox.is_empty()
    }
}

impl<M> Link<M> {
    /// The way towards one end.
    #[inline]
    pub(super) fn path_to(&self, side: Side) -> Path {
        Path {
            from: self.ends[side.other() as usize].node,
            to: self.ends[side as usize].node,
            class: self.class,
        }
    }

    /// The end at which a node sits.
    pub(super) fn side_of(&self, node: NodeId) -> Side {
        if self.ends[0].node == node {
            Side::Dialler
        } else {
            Side::Acceptor
        }
    }

    pub(super) fn state(&self, side: Side) -> State {
        self.ends[side as usize].state
    }

    /// Whether it is of this class, somebody uses it, and the network has not broken it yet.
    pub(super) fn is_established(&self, class: Option<LinkClass>) -> bool {
        class.is_none_or(|class| class == self.class)
            && !self.doomed
            && self.state(Side::Acceptor) != State::Unborn
            && self.ends.iter().any(|end| end.state == State::Open)
    }

    pub(super) fn is_dead(&self) -> bool {
        self.ends.iter().all(|end| end.state == State::Gone)
    }
}
