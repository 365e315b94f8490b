//! Connections: reliable FIFO streams between two nodes that are refused, hang, get reset or go half-open, as TCP's do.
//!
//! A direction whose path is cut, or whose receiving machine has no power, holds its frames back: they arrive later, all
//! and in order, or the connection breaks; never some of them. A process's death closes its connections (its kernel lives
//! on); a loss of power leaves the other ends half-open until they send something and are answered by a reset.

use super::agenda::{Agenda, Event};
use super::fault::Form;
use super::links::Links;
use super::process::{Conn, Ending, Input, LinkClass, Protocol, Refusal};
use super::queue::Class;
use super::rough::Welcome;
use super::setup::Setup;
use super::weather::{Kind, Path, Weather, who};
use crate::base::id::NodeId;
use crate::base::rng::Seed;
use crate::base::time::{Span, Time};

mod link;

use link::{End, Link, State};
pub(super) use link::{Frame, Side};

/// Whom the network tells what.
#[derive(Debug)]
pub(super) struct Told<W: Protocol> {
    pub(super) node: NodeId,
    pub(super) class: LinkClass,
    pub(super) input: Input<W>,
}

/// What a datagram has suffered, and by which fault.
type Harm = (&'static str, Option<u32>);

/// All connections and what lies between their ends.
#[derive(Clone, Debug)]
pub(super) struct Net<W: Protocol> {
    links: Links<Link<W::Msg>>,
    pub(super) weather: Weather,
    /// What a datagram has suffered that no frame of a stream may, and by which fault; taken by the world.
    pub(super) harm: Option<Harm>,
}

impl<W: Protocol> Net<W> {
    /// A network without connections.
    pub(super) fn new(seed: Seed, setup: &Setup) -> Self {
        Self {
            links: Links::new(),
            weather: Weather::new(seed, setup),
            harm: None,
        }
    }

    /// Whether an event about a connection still means something.
    pub(super) fn has(&self, conn: Conn) -> bool {
        self.links.has(conn)
    }

    /// Whether a connection attempt is undecided.
    pub(super) fn is_dialling(&self, conn: Conn) -> bool {
        self.links
            .get(conn)
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
        self.links.insert(conn, link);
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
    #[expect(
        clippy::inline_always,
        reason = "one call is made for nearly every event: 3 % of the kernel's instructions"
    )]
    #[inline(always)]
    pub(super) fn send(&mut self, agenda: &mut Agenda<W>, from: NodeId, conn: Conn, msg: W::Msg) {
        let Some(link) = self.links.get_mut(conn) else {
            return;
        };
        let side = link.side_of(from);
        if link.doomed || link.state(side) != State::Open {
            return;
        }
        let to = side.other();
        if link.ends[to as usize].backlog.is_none() && self.weather.is_plain(link.path_to(to)) {
            let behind = link.ends[to as usize].last + Span(1);
            let frame = Frame::Data(msg);
            ship(&mut self.weather, agenda, link, (conn, to), frame, behind);
        } else {
            self.send_in_weather(agenda, conn, to, msg);
        }
    }

    /// Sends a message on a connection or in weather of which anything may be expected.
    #[cold]
    fn send_in_weather(&mut self, agenda: &mut Agenda<W>, conn: Conn, to: Side, msg: W::Msg) {
        let link = &self.links[conn];
        let path = link.path_to(to);
        let backlog = link.ends[to as usize].backlog.as_ref();
        let is_behind = backlog.is_some_and(|backlog| !backlog.outbox.is_empty());
        if self.weather.is_broken(path, agenda.bucket()) {
            let delay = self.weather.delay(path, Kind::Control, agenda);
            self.doom(agenda, conn, delay);
        } else if self.weather.is_smooth(path) && !is_behind {
            self.transmit(agenda, conn, to, Frame::Data(msg));
        } else {
            self.send_rough(agenda, conn, to, msg);
        }
    }

    /// Closes one end, or abandons an attempt.
    pub(super) fn close(&mut self, agenda: &mut Agenda<W>, by: NodeId, conn: Conn) {
        let Some(link) = self.links.get_mut(conn) else {
            return;
        };
        let side = link.side_of(by);
        if link.state(side) == State::Gone {
            return;
        }
        link.ends[side as usize].state = State::Gone;
        match link.state(side.other()) {
            State::Unborn | State::Gone => {
                self.links.remove(conn);
            }
            State::Open | State::Dialling => self.post(agenda, conn, side.other(), Frame::Fin),
        }
    }

    /// Puts a frame on the way to one end, behind all that were sent before.
    fn transmit(&mut self, agenda: &mut Agenda<W>, conn: Conn, to: Side, frame: Frame<W::Msg>) {
        let link = self.links.get_mut(conn).expect("the caller has found it");
        let harm = put(&mut self.weather, agenda, link, (conn, to), frame);
        self.harm = harm.or(self.harm);
    }

    /// Who is at an end at which a message arrives without further ado: it is in use, nothing waits on the way to it and the
    /// weather lets it in.
    #[inline]
    pub(super) fn receiver(&self, conn: Conn, side: Side) -> Option<NodeId> {
        let link = self.links.get(conn)?;
        let end = &link.ends[side as usize];
        let is_usual = end.state == State::Open && !end.severed && !link.doomed;
        let is_free = is_usual && end.backlog.is_none();
        (is_free && self.weather.lets_in(link.path_to(side))).then_some(end.node)
    }

    /// A frame has come to the end of its way, where anything may be expected: it arrives, or is held back.
    pub(super) fn arrive(
        &mut self,
        agenda: &mut Agenda<W>,
        conn: Conn,
        side: Side,
        frame: Frame<W::Msg>,
    ) -> Option<Told<W>> {
        self.make_room(agenda, conn, side, &frame);
        let link = self.links.get_mut(conn)?;
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
                end.backlog().parked.push_back(frame);
            }
            return None;
        }
        if !end.has_parked() && chokes::<W>(&self.weather, path, &frame) {
            end.backlog().muted = true;
        }
        if let Some(backlog) = &mut end.backlog
            && (backlog.muted || !backlog.parked.is_empty())
        {
            backlog.parked.push_back(frame);
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
        let link = self.links.get_mut(conn)?;
        let path = link.path_to(side);
        let backlog = link.ends[side as usize].backlog();
        let first = backlog.parked.front();
        backlog.muted |= first.is_some_and(|frame| chokes::<W>(&self.weather, path, frame));
        if backlog.muted || self.weather.is_blocked(path) {
            backlog.releasing = false;
            return None;
        }
        let frame = backlog.parked.pop_front();
        backlog.releasing = !backlog.parked.is_empty();
        if backlog.releasing {
            agenda.push_in(
                Span(1),
                Class::Delivery,
                (who(path), 17),
                Event::Release { conn, side },
            );
        }
        if backlog.is_over() {
            link.ends[side as usize].backlog = None;
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
        let link = self.links.get_mut(conn)?;
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
        let link = self.links.get_mut(conn)?;
        let before = link.state(side);
        link.ends[side as usize].state = State::Gone;
        if link.is_dead() {
            self.links.remove(conn);
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
        let link = self.links.get(conn)?;
        let (node, class) = (link.ends[side as usize].node, link.class);
        let towards = self.links.get_mut(conn)?;
        towards.ends[side as usize].severed = false;
        let input = self.end(conn, side, Ending::Reset)?;
        Some(Told { node, class, input })
    }

    /// A connection attempt has lasted as long as it may.
    pub(super) fn give_up(&mut self, conn: Conn) -> Option<Told<W>> {
        let link = self.links.get_mut(conn)?;
        let (node, class) = (link.ends[0].node, link.class);
        link.ends[0].state = State::Gone;
        if link.state(Side::Acceptor) != State::Open {
            self.links.remove(conn);
        }
        let why = Refusal::TimedOut;
        let input = Input::Refused { conn, why };
        Some(Told { node, class, input })
    }

    /// Breaks a connection at both ends after a while; whatever is on its way is lost.
    fn doom(&mut self, agenda: &mut Agenda<W>, conn: Conn, after: Span) {
        let link = self.links.get_mut(conn).expect("the caller has found it");
        link.doomed = true;
        for side in [Side::Dialler, Side::Acceptor] {
            if let Some(backlog) = &mut link.ends[side as usize].backlog {
                backlog.parked.clear();
                backlog.forget_outbox();
                backlog.muted = false;
            }
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
                .get(conn)
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
            let link = self.links.get_mut(conn).expect("just listed");
            let side = link.side_of(node);
            let end = &mut link.ends[side as usize];
            if end.state == State::Unborn {
                continue;
            }
            end.state = State::Gone;
            end.dark = true;
            let towards = &mut link.ends[side.other() as usize];
            if let Some(backlog) = &mut towards.backlog {
                backlog.forget_outbox();
                let held = backlog.parked.len();
                backlog.parked.retain(|frame| matches!(frame, Frame::Rst));
                towards.severed |= backlog.parked.len() < held;
            }
            if matches!(towards.state, State::Gone | State::Unborn) {
                self.links.remove(conn);
            }
        }
    }

    /// A machine has power again: frames that waited for it arrive after a retransmission.
    pub(super) fn power_on(&mut self, agenda: &mut Agenda<W>, node: NodeId) {
        for conn in self.links_of(node) {
            let link = &self.links[conn];
            self.unpark(agenda, conn, link.side_of(node));
        }
    }

    /// A path works again: frames held back on it arrive after a retransmission, or break their connection.
    pub(super) fn heal(&mut self, agenda: &mut Agenda<W>, path: Path, form: Form) {
        if self.weather.is_blocked(path) {
            return;
        }
        for conn in self.links_of(path.to) {
            let link = &self.links[conn];
            let side = link.side_of(path.to);
            if link.path_to(side) != path || !link.ends[side as usize].has_parked() {
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
        let link = self.links.get_mut(conn).expect("the caller has found it");
        let path = link.path_to(side);
        let Some(backlog) = &mut link.ends[side as usize].backlog else {
            return;
        };
        let is_held = backlog.releasing || backlog.muted || self.weather.is_blocked(path);
        if is_held || backlog.parked.is_empty() {
            return;
        }
        backlog.releasing = true;
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
            .iter()
            .any(|(_, link)| is_its(link) && link.is_established(class))
    }

    /// Asserts what holds between any two events.
    #[cfg(test)]
    fn check(&self) {
        for (conn, link) in self.links.iter() {
            assert!(!link.is_dead(), "{conn:?} is dead and remembered");
            for side in [Side::Dialler, Side::Acceptor] {
                let end = &link.ends[side as usize];
                let is_blocked = self.weather.is_blocked(link.path_to(side));
                let has_reason =
                    |backlog: &link::Backlog<W::Msg>| backlog.releasing || backlog.muted;
                assert!(
                    !end.has_parked()
                        || is_blocked
                        || end.backlog.as_deref().is_some_and(has_reason),
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
            .map(|(conn, _)| conn)
            .collect()
    }
}

/// Puts a frame on the way to one end, behind all that were sent before; what a datagram suffers by that.
fn put<W: Protocol>(
    weather: &mut Weather,
    agenda: &mut Agenda<W>,
    link: &mut Link<W::Msg>,
    (conn, to): (Conn, Side),
    frame: Frame<W::Msg>,
) -> Option<Harm> {
    let path = link.path_to(to);
    let end = &mut link.ends[to as usize];
    let behind = if let Some((rate, _)) = weather.bandwidth(path) {
        let bytes = size_of_frame::<W>(&frame);
        end.backlog().queued += bytes;
        let start = end.last.max(agenda.now);
        start + Span((bytes * 1_000_000_000 / rate).max(1))
    } else {
        end.last + Span(1)
    };
    let astray = end.backlog.as_ref().map(|backlog| backlog.astray);
    let arrives = ship(weather, agenda, link, (conn, to), frame, behind);
    let overtaken = astray.filter(|(last, _)| arrives < *last);
    overtaken.map(|(_, by)| ("a datagram overtakes another", by))
}

/// Lets a frame travel to one end, where it arrives after its delay and not before a moment; returns when.
#[expect(
    clippy::inline_always,
    reason = "one call is made for nearly every event: 2 % of the kernel's instructions"
)]
#[inline(always)]
fn ship<W: Protocol>(
    weather: &mut Weather,
    agenda: &mut Agenda<W>,
    link: &mut Link<W::Msg>,
    (conn, to): (Conn, Side),
    frame: Frame<W::Msg>,
    behind: Time,
) -> Time {
    let path = link.path_to(to);
    let kind = frame.kind();
    let delay = weather.delay(path, kind, agenda);
    let arrives = (agenda.now + delay).max(behind);
    link.ends[to as usize].last = arrives;
    let about = (who(path), path.class as u64 * 2 + kind as u64);
    let event = Event::Frame {
        conn,
        side: to,
        frame,
    };
    agenda.push(arrives, Class::Delivery, about, event);
    arrives
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
