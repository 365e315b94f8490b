//! Connections: reliable FIFO streams between two nodes that are refused, hang, get reset or go half-open, as TCP's do.
//!
//! A direction whose path is cut, or whose receiving machine has no power, holds its frames back: they arrive later, all
//! and in order, or the connection breaks; never some of them. A process's death closes its connections (its kernel lives
//! on); a loss of power leaves the other ends half-open until they send something and are answered by a reset.

use std::collections::{BTreeMap, VecDeque};

use super::agenda::{Agenda, Event};
use super::fault::Form;
use super::process::{Conn, Ending, Input, LinkClass, Protocol, Refusal};
use super::queue::Class;
use super::rough::Welcome;
use super::setup::Setup;
use super::weather::{Kind, Path, Weather, who};
use crate::base::id::NodeId;
use crate::base::rng::Seed;
use crate::base::time::{Span, Time};

/// One of a connection's two ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    /// Who called.
    Dialler = 0,
    /// Who was called.
    Acceptor = 1,
}

/// What travels.
#[derive(Clone, Debug)]
pub(super) enum Frame<M> {
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

/// Whom the network tells what.
#[derive(Debug)]
pub(super) struct Told<W: Protocol> {
    pub(super) node: NodeId,
    pub(super) class: LinkClass,
    pub(super) input: Input<W>,
}

/// All connections and what lies between their ends.
#[derive(Clone, Debug)]
pub(super) struct Net<W: Protocol> {
    links: BTreeMap<Conn, Link<W::Msg>>,
    pub(super) weather: Weather,
    /// What a datagram has suffered that no frame of a stream may, and by which fault; taken by the world.
    pub(super) harm: Option<(&'static str, Option<u32>)>,
}

#[derive(Clone, Debug)]
struct Link<M> {
    class: LinkClass,
    /// Dialler's, acceptor's.
    ends: [End<M>; 2],
    /// The network has broken it; the ends have yet to hear of it and nothing else arrives.
    doomed: bool,
}

/// One end, and the stream towards it.
#[derive(Clone, Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "conditions of one stream that come and go independently"
)]
struct End<M> {
    node: NodeId,
    state: State,
    /// Its machine lost power: nothing of it is left that could send again.
    dark: bool,
    /// When the last frame sent towards it arrives.
    last: Time,
    /// Frames held back on the way to it.
    parked: VecDeque<Frame<M>>,
    /// Whether an event exists that will let them through.
    releasing: bool,
    /// Frames of the stream are lost, so none may follow.
    severed: bool,
    /// A message chokes the stream: it is the first of the frames held back.
    muted: bool,
    /// Frames that the sender has yet to hand to its kernel; they die with it.
    outbox: VecDeque<Frame<M>>,
    /// Half of the outbox's first frame is written.
    writing: bool,
    /// Bytes on their way to it over a narrow link.
    queued: u64,
    /// When the last frame that keeps no order arrives, and by which fault.
    astray: (Time, Option<u32>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
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
    fn other(self) -> Self {
        match self {
            Self::Dialler => Self::Acceptor,
            Self::Acceptor => Self::Dialler,
        }
    }
}

impl<M> Frame<M> {
    fn kind(&self) -> Kind {
        match self {
            Self::Data(_) | Self::Garbage => Kind::Data,
            Self::Syn | Self::SynAck | Self::Fin | Self::Rst => Kind::Control,
        }
    }
}

impl<M> End<M> {
    fn new(node: NodeId, state: State) -> Self {
        Self {
            node,
            state,
            dark: false,
            last: Time::ZERO,
            parked: VecDeque::new(),
            releasing: false,
            severed: false,
            muted: false,
            outbox: VecDeque::new(),
            writing: false,
            queued: 0,
            astray: (Time::ZERO, None),
        }
    }
}

impl<M> Link<M> {
    /// The way towards one end.
    #[inline]
    fn path_to(&self, side: Side) -> Path {
        Path {
            from: self.ends[side.other() as usize].node,
            to: self.ends[side as usize].node,
            class: self.class,
        }
    }

    /// The end at which a node sits.
    fn side_of(&self, node: NodeId) -> Side {
        if self.ends[0].node == node {
            Side::Dialler
        } else {
            Side::Acceptor
        }
    }

    fn state(&self, side: Side) -> State {
        self.ends[side as usize].state
    }

    /// Whether it is of this class, somebody uses it, and the network has not broken it yet.
    fn is_established(&self, class: Option<LinkClass>) -> bool {
        class.is_none_or(|class| class == self.class)
            && !self.doomed
            && self.state(Side::Acceptor) != State::Unborn
            && self.ends.iter().any(|end| end.state == State::Open)
    }

    fn is_dead(&self) -> bool {
        self.ends.iter().all(|end| end.state == State::Gone)
    }
}

impl<W: Protocol> Net<W> {
    /// A network without connections.
    pub(super) fn new(seed: Seed, setup: &Setup) -> Self {
        Self {
            links: BTreeMap::new(),
            weather: Weather::new(seed, setup),
            harm: None,
        }
    }

    /// Whether an event about a connection still means something.
    pub(super) fn has(&self, conn: Conn) -> bool {
        self.links.contains_key(&conn)
    }

    /// Whether a connection attempt is undecided.
    pub(super) fn is_dialling(&self, conn: Conn) -> bool {
        self.links
            .get(&conn)
            .is_some_and(|link| link.state(Side::Dialler) == State::Dialling)
    }

    /// Dials.
    pub(super) fn open(&mut self, agenda: &mut Agenda<W>, conn: Conn, path: Path, give_up: Time) {
        assert!(
            self.weather.exists(path.to),
            "{} dials {}, which does not exist",
            path.from,
            path.to
        );
        let to_itself = path.from == path.to;
        let welcome = self.weather.welcome(path, agenda.bucket());
        let acceptor = if to_itself || welcome == Welcome::Refused {
            State::Gone
        } else {
            State::Unborn
        };
        let link = Link {
            class: path.class,
            ends: [
                End::new(path.from, State::Dialling),
                End::new(path.to, acceptor),
            ],
            doomed: false,
        };
        let before = self.links.insert(conn, link);
        assert!(before.is_none(), "a connection's name is used once");
        if to_itself {
            self.transmit(agenda, conn, Side::Dialler, Frame::Rst);
        } else {
            match welcome {
                Welcome::Normal => self.transmit(agenda, conn, Side::Acceptor, Frame::Syn),
                Welcome::Refused => self.break_soon(agenda, conn, Side::Dialler),
                Welcome::Hangs => {}
            }
        }
        agenda.push(
            give_up,
            Class::Timer,
            (who(path), 16),
            Event::GiveUp { conn },
        );
    }

    /// Sends a message from one end, if that is open.
    #[inline]
    pub(super) fn send(&mut self, agenda: &mut Agenda<W>, from: NodeId, conn: Conn, msg: W::Msg) {
        let Some(link) = self.links.get(&conn) else {
            return;
        };
        let side = link.side_of(from);
        if link.doomed || link.state(side) != State::Open {
            return;
        }
        let path = link.path_to(side.other());
        if self.weather.is_broken(path, agenda.bucket()) {
            let delay = self.weather.delay(path, Kind::Control, agenda);
            self.doom(agenda, conn, delay);
        } else if self.weather.is_smooth(path) && link.ends[side.other() as usize].outbox.is_empty()
        {
            self.transmit(agenda, conn, side.other(), Frame::Data(msg));
        } else {
            self.send_rough(agenda, conn, side.other(), msg);
        }
    }

    /// Closes one end, or abandons an attempt.
    pub(super) fn close(&mut self, agenda: &mut Agenda<W>, by: NodeId, conn: Conn) {
        let Some(link) = self.links.get_mut(&conn) else {
            return;
        };
        let side = link.side_of(by);
        if link.state(side) == State::Gone {
            return;
        }
        link.ends[side as usize].state = State::Gone;
        match link.state(side.other()) {
            State::Unborn | State::Gone => {
                self.links.remove(&conn);
            }
            State::Open | State::Dialling => self.post(agenda, conn, side.other(), Frame::Fin),
        }
    }

    /// Puts a frame on the way to one end, behind all that were sent before.
    #[inline]
    fn transmit(&mut self, agenda: &mut Agenda<W>, conn: Conn, to: Side, frame: Frame<W::Msg>) {
        let link = self.links.get_mut(&conn).expect("the caller has found it");
        let path = link.path_to(to);
        let kind = frame.kind();
        let delay = self.weather.delay(path, kind, agenda);
        let end = &mut link.ends[to as usize];
        let mut gap = Span(1);
        if let Some((rate, _)) = self.weather.bandwidth(path) {
            let bytes = size_of_frame::<W>(&frame);
            end.queued += bytes;
            gap = Span((bytes * 1_000_000_000 / rate).max(1));
        }
        let start = end.last.max(agenda.now);
        end.last = (agenda.now + delay).max(if gap == Span(1) {
            end.last + gap
        } else {
            start + gap
        });
        if end.last < end.astray.0 {
            self.harm = Some(("a datagram overtakes another", end.astray.1));
        }
        let about = (who(path), path.class as u64 * 2 + kind as u64);
        let event = Event::Frame {
            conn,
            side: to,
            frame,
        };
        agenda.push(end.last, Class::Delivery, about, event);
    }

    /// A frame has come to the end of its way: it arrives, or is held back.
    #[inline]
    pub(super) fn arrive(
        &mut self,
        agenda: &mut Agenda<W>,
        conn: Conn,
        side: Side,
        frame: Frame<W::Msg>,
    ) -> Option<Told<W>> {
        self.make_room(agenda, conn, side, &frame);
        let link = self.links.get_mut(&conn)?;
        let path = link.path_to(side);
        let sender_dark = link.ends[side.other() as usize].dark;
        let end = &mut link.ends[side as usize];
        let is_reset = matches!(frame, Frame::Rst);
        if link.doomed || end.severed && !is_reset {
            return None;
        }
        if self.weather.is_blocked(path) {
            if sender_dark && !is_reset {
                end.severed = true;
            } else {
                end.parked.push_back(frame);
            }
            return None;
        }
        if end.parked.is_empty() && chokes::<W>(&self.weather, path, &frame) {
            end.muted = true;
        }
        if end.muted || !end.parked.is_empty() {
            end.parked.push_back(frame);
            return None;
        }
        self.take(agenda, conn, side, frame)
    }

    /// The next frame that was held back arrives, unless the path is blocked again.
    pub(super) fn release(
        &mut self,
        agenda: &mut Agenda<W>,
        conn: Conn,
        side: Side,
    ) -> Option<Told<W>> {
        let link = self.links.get_mut(&conn)?;
        let path = link.path_to(side);
        let end = &mut link.ends[side as usize];
        let first = end.parked.front();
        end.muted |= first.is_some_and(|frame| chokes::<W>(&self.weather, path, frame));
        if end.muted || self.weather.is_blocked(path) {
            end.releasing = false;
            return None;
        }
        let frame = end.parked.pop_front();
        end.releasing = !end.parked.is_empty();
        if end.releasing {
            agenda.push_in(
                Span(1),
                Class::Delivery,
                (who(path), 17),
                Event::Release { conn, side },
            );
        }
        self.take(agenda, conn, side, frame?)
    }

    /// A frame arrives: rows are what the end is, columns what comes.
    fn take(
        &mut self,
        agenda: &mut Agenda<W>,
        conn: Conn,
        side: Side,
        frame: Frame<W::Msg>,
    ) -> Option<Told<W>> {
        let link = self.links.get_mut(&conn)?;
        let Path { from, to, class } = link.path_to(side);
        let input = match (link.state(side), frame) {
            (State::Open, Frame::Data(msg)) => Input::Deliver { conn, msg },
            (State::Open, Frame::Garbage) => {
                let is_used = link.state(side.other()) == State::Open;
                let told = self.end(conn, side, Ending::Garbled)?;
                if is_used {
                    self.transmit(agenda, conn, side.other(), Frame::Rst);
                }
                told
            }
            (State::Unborn, Frame::Syn) if self.weather.is_open(to, class) => {
                link.ends[side as usize].state = State::Open;
                self.transmit(agenda, conn, side.other(), Frame::SynAck);
                Input::Accepted { conn, from, class }
            }
            (State::Unborn, Frame::Syn) => {
                link.ends[side as usize].state = State::Gone;
                self.transmit(agenda, conn, side.other(), Frame::Rst);
                return None;
            }
            (State::Dialling, Frame::SynAck) => {
                link.ends[side as usize].state = State::Open;
                Input::Opened { conn }
            }
            (State::Dialling | State::Open, Frame::Rst) => self.end(conn, side, Ending::Reset)?,
            (State::Dialling | State::Open, Frame::Fin) => self.end(conn, side, Ending::Closed)?,
            (State::Gone, Frame::Data(_) | Frame::Garbage | Frame::SynAck) => {
                if link.state(side.other()) == State::Open {
                    self.transmit(agenda, conn, side.other(), Frame::Rst);
                }
                return None;
            }
            (State::Gone, Frame::Syn | Frame::Fin | Frame::Rst)
            | (State::Dialling, Frame::Syn | Frame::Data(_) | Frame::Garbage)
            | (
                State::Unborn,
                Frame::SynAck | Frame::Data(_) | Frame::Garbage | Frame::Fin | Frame::Rst,
            )
            | (State::Open, Frame::Syn | Frame::SynAck) => return None,
        };
        Some(Told {
            node: to,
            class,
            input,
        })
    }

    /// Ends one end; what its process is told, if it still cares.
    fn end(&mut self, conn: Conn, side: Side, how: Ending) -> Option<Input<W>> {
        let link = self.links.get_mut(&conn)?;
        let before = link.state(side);
        link.ends[side as usize].state = State::Gone;
        if link.is_dead() {
            self.links.remove(&conn);
        }
        match before {
            State::Open => Some(Input::Ended { conn, how }),
            State::Dialling => Some(Input::Refused {
                conn,
                why: Refusal::NobodyListens,
            }),
            State::Unborn | State::Gone => None,
        }
    }

    /// The network's break of a connection reaches one end.
    pub(super) fn break_end(&mut self, conn: Conn, side: Side) -> Option<Told<W>> {
        let link = self.links.get(&conn)?;
        let (node, class) = (link.ends[side as usize].node, link.class);
        let towards = self.links.get_mut(&conn)?;
        towards.ends[side as usize].severed = false;
        let input = self.end(conn, side, Ending::Reset)?;
        Some(Told { node, class, input })
    }

    /// A connection attempt has lasted as long as it may.
    pub(super) fn give_up(&mut self, conn: Conn) -> Option<Told<W>> {
        let link = self.links.get_mut(&conn)?;
        let (node, class) = (link.ends[0].node, link.class);
        link.ends[0].state = State::Gone;
        if link.state(Side::Acceptor) != State::Open {
            self.links.remove(&conn);
        }
        let why = Refusal::TimedOut;
        let input = Input::Refused { conn, why };
        Some(Told { node, class, input })
    }

    /// Breaks a connection at both ends after a while; whatever is on its way is lost.
    fn doom(&mut self, agenda: &mut Agenda<W>, conn: Conn, after: Span) {
        let link = self.links.get_mut(&conn).expect("the caller has found it");
        link.doomed = true;
        for side in [Side::Dialler, Side::Acceptor] {
            let end = &mut link.ends[side as usize];
            end.parked.clear();
            end.outbox.clear();
            end.writing = false;
            end.muted = false;
            let about = (who(link.path_to(side)), 18);
            agenda.push_in(after, Class::Delivery, about, Event::Break { conn, side });
        }
    }

    /// A process has died: its kernel closes its ports and connections.
    pub(super) fn kill(&mut self, agenda: &mut Agenda<W>, node: NodeId) {
        self.weather.close_ports(node);
        for conn in self.links_of(node) {
            let is_unborn = self
                .links
                .get(&conn)
                .is_some_and(|link| link.state(link.side_of(node)) == State::Unborn);
            if !is_unborn {
                self.forget_outbox(conn, node);
                self.close(agenda, node, conn);
            }
        }
    }

    /// A machine has lost power: nobody is told anything.
    pub(super) fn power_off(&mut self, node: NodeId) {
        self.weather.close_ports(node);
        for conn in self.links_of(node) {
            let link = self.links.get_mut(&conn).expect("just listed");
            let side = link.side_of(node);
            let end = &mut link.ends[side as usize];
            if end.state == State::Unborn {
                continue;
            }
            end.state = State::Gone;
            end.dark = true;
            let towards = &mut link.ends[side.other() as usize];
            towards.outbox.clear();
            towards.writing = false;
            let held = towards.parked.len();
            towards.parked.retain(|frame| matches!(frame, Frame::Rst));
            towards.severed |= towards.parked.len() < held;
            if matches!(towards.state, State::Gone | State::Unborn) {
                self.links.remove(&conn);
            }
        }
    }

    /// A machine has power again: frames that waited for it arrive after a retransmission.
    pub(super) fn power_on(&mut self, agenda: &mut Agenda<W>, node: NodeId) {
        for conn in self.links_of(node) {
            let link = &self.links[&conn];
            self.unpark(agenda, conn, link.side_of(node));
        }
    }

    /// A path works again: frames held back on it arrive after a retransmission, or break their connection.
    pub(super) fn heal(&mut self, agenda: &mut Agenda<W>, path: Path, form: Form) {
        if self.weather.is_blocked(path) {
            return;
        }
        for conn in self.links_of(path.to) {
            let link = &self.links[&conn];
            let side = link.side_of(path.to);
            if link.path_to(side) != path || link.ends[side as usize].parked.is_empty() {
                continue;
            }
            let is_established = link.is_established(None);
            let reset = self.weather.profile(path.class).healed_reset;
            if is_established
                && form != Form::Jam
                && self.weather.fate(path, agenda.bucket()).chance(reset)
            {
                let after = self.retransmission(agenda, path);
                self.doom(agenda, conn, after);
            } else {
                self.unpark(agenda, conn, side);
            }
        }
    }

    /// Lets held-back frames through after a retransmission delay.
    fn unpark(&mut self, agenda: &mut Agenda<W>, conn: Conn, side: Side) {
        let link = self.links.get_mut(&conn).expect("the caller has found it");
        let path = link.path_to(side);
        let end = &mut link.ends[side as usize];
        if end.releasing || end.muted || end.parked.is_empty() || self.weather.is_blocked(path) {
            return;
        }
        end.releasing = true;
        let after = self.retransmission(agenda, path);
        let event = Event::Release { conn, side };
        agenda.push_in(after, Class::Delivery, (who(path), 17), event);
    }

    /// How long after a path works again TCP tries it.
    fn retransmission(&mut self, agenda: &Agenda<W>, path: Path) -> Span {
        let most = self.weather.profile(path.class).retransmit;
        let draw = self.weather.fate(path, agenda.bucket());
        Span(draw.between(1, most.0.max(1)))
    }

    /// Whether a node has an established connection.
    pub(super) fn is_connected(&self, node: NodeId, class: Option<LinkClass>) -> bool {
        let is_its = |link: &Link<W::Msg>| link.ends.iter().any(|end| end.node == node);
        self.links
            .values()
            .any(|link| is_its(link) && link.is_established(class))
    }

    /// Asserts what holds between any two events.
    #[cfg(test)]
    fn check(&self) {
        for (conn, link) in &self.links {
            assert!(!link.is_dead(), "{conn:?} is dead and remembered");
            for side in [Side::Dialler, Side::Acceptor] {
                let end = &link.ends[side as usize];
                let is_blocked = self.weather.is_blocked(link.path_to(side));
                assert!(
                    end.parked.is_empty() || end.releasing || end.muted || is_blocked,
                    "{conn:?} holds frames back without a reason"
                );
            }
        }
    }

    /// A node's connections, in the order of their names.
    fn links_of(&self, node: NodeId) -> Vec<Conn> {
        self.links
            .iter()
            .filter(|(_, link)| link.ends.iter().any(|end| end.node == node))
            .map(|(conn, _)| *conn)
            .collect()
    }
}

/// How many bytes a frame takes on a narrow link.
fn size_of_frame<W: Protocol>(frame: &Frame<W::Msg>) -> u64 {
    match frame {
        Frame::Data(msg) => W::size(msg),
        Frame::Syn | Frame::SynAck | Frame::Garbage | Frame::Fin | Frame::Rst => 64,
    }
}

/// Whether a frame's message chokes its stream.
#[inline]
fn chokes<W: Protocol>(weather: &Weather, path: Path, frame: &Frame<W::Msg>) -> bool {
    weather.has_mutes(path)
        && matches!(frame, Frame::Data(msg) if weather.is_mute(path, W::kind(msg)))
}

#[cfg(test)]
mod fuzz;
mod rough;
#[cfg(test)]
mod tests;
