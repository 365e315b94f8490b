//! What rough links do to streams: frames written in parts, narrow links and back-pressure, resets that one end sees,
//! datagrams; and the faults that act on many connections at once.

use super::super::agenda::{Agenda, Event};
use super::super::fault::Seen;
use super::super::process::{Conn, LinkClass, Protocol};
use super::super::queue::Class;
use super::super::rough::Fortune;
use super::super::weather::{Kind, Path, who};
use super::{Frame, Net, Side, size_of_frame};
use crate::base::id::NodeId;
use crate::base::time::Span;

impl<W: Protocol> Net<W> {
    /// Sends a message on a rough path, or behind what the sender has yet to write.
    pub(super) fn send_rough(&mut self, agenda: &mut Agenda<W>, conn: Conn, to: Side, msg: W::Msg) {
        let path = self.links[conn].path_to(to);
        let (fortune, by) = self.weather.fortune(path, agenda.bucket());
        match fortune {
            Fortune::Goes(Span::ZERO) => self.post(agenda, conn, to, Frame::Data(msg)),
            Fortune::Goes(late) => {
                let now = agenda.now;
                let end = self.towards(conn, to);
                end.last = end.last.max(now) + late;
                self.post(agenda, conn, to, Frame::Data(msg));
            }
            Fortune::Corrupt => self.post(agenda, conn, to, Frame::Garbage),
            Fortune::Short(gap) => self.write_half(agenda, conn, to, (msg, gap)),
            Fortune::Breaks => {
                let delay = self.weather.delay(path, Kind::Control, agenda);
                self.doom(agenda, conn, delay);
            }
            Fortune::BreaksOneEnd(is_dialler) => {
                let told = if is_dialler {
                    Side::Dialler
                } else {
                    Side::Acceptor
                };
                // The frame is gone, so none may follow it.
                self.towards(conn, to).severed = true;
                self.break_soon(agenda, conn, told);
            }
            Fortune::Lost => self.harm = Some(("a datagram was lost", by)),
            Fortune::Twice => {
                self.harm = Some(("a datagram arrives twice", by));
                self.post(agenda, conn, to, Frame::Data(msg.clone()));
                self.post(agenda, conn, to, Frame::Data(msg));
            }
            Fortune::Astray => self.stray(agenda, (conn, to), msg, by),
        }
    }

    fn towards(&mut self, conn: Conn, side: Side) -> &mut super::End<W::Msg> {
        let link = self.links.get_mut(conn).expect("the caller has found it");
        &mut link.ends[side as usize]
    }

    /// Puts a frame on its way, or behind what the sender has yet to hand to its kernel.
    pub(super) fn post(
        &mut self,
        agenda: &mut Agenda<W>,
        conn: Conn,
        to: Side,
        frame: Frame<W::Msg>,
    ) {
        let has_room = self.has_room(conn, to, &frame);
        let end = self.towards(conn, to);
        let is_behind = end.backlog.as_ref().is_some_and(|it| it.is_behind());
        if is_behind || !has_room {
            end.backlog().outbox.push_back(frame);
        } else {
            self.transmit(agenda, conn, to, frame);
        }
    }

    /// Whether a frame fits the queue of a narrow link; the first always does.
    fn has_room(&self, conn: Conn, to: Side, frame: &Frame<W::Msg>) -> bool {
        let link = &self.links[conn];
        let backlog = link.ends[to as usize].backlog.as_ref();
        let queued = backlog.map_or(0, |backlog| backlog.queued);
        queued == 0
            || self
                .weather
                .bandwidth(link.path_to(to))
                .is_none_or(|(_, most)| queued + size_of_frame::<W>(frame) <= most)
    }

    /// A frame has left a narrow link: the sender may write on.
    #[inline]
    pub(super) fn make_room(
        &mut self,
        agenda: &mut Agenda<W>,
        conn: Conn,
        to: Side,
        frame: &Frame<W::Msg>,
    ) {
        let Some(link) = self.links.get_mut(conn) else {
            return;
        };
        if let Some(backlog) = &mut link.ends[to as usize].backlog
            && backlog.queued > 0
        {
            backlog.queued = backlog.queued.saturating_sub(size_of_frame::<W>(frame));
            self.write_on(agenda, conn, to);
        }
    }

    /// Hands over to the kernel what has room.
    fn write_on(&mut self, agenda: &mut Agenda<W>, conn: Conn, to: Side) {
        loop {
            let Some(backlog) = &self.links[conn].ends[to as usize].backlog else {
                return;
            };
            let Some(first) = backlog.outbox.front().filter(|_| !backlog.writing) else {
                return;
            };
            if !self.has_room(conn, to, first) {
                return;
            }
            let first = self.towards(conn, to).backlog().outbox.pop_front();
            self.transmit(agenda, conn, to, first.expect("just seen"));
        }
    }

    /// Half of a frame is written; the rest follows after a while.
    fn write_half(
        &mut self,
        agenda: &mut Agenda<W>,
        conn: Conn,
        to: Side,
        (msg, gap): (W::Msg, Span),
    ) {
        let path = self.links[conn].path_to(to);
        let backlog = self.towards(conn, to).backlog();
        let is_behind = backlog.is_behind();
        backlog.outbox.push_back(Frame::Data(msg));
        if is_behind {
            return;
        }
        backlog.writing = true;
        let event = Event::Flush { conn, side: to };
        agenda.push_in(gap, Class::Delivery, (who(path), 19), event);
    }

    /// The second half of a frame is written.
    pub(in super::super) fn flush(&mut self, agenda: &mut Agenda<W>, conn: Conn, to: Side) {
        let backlog = self.towards(conn, to).backlog();
        if std::mem::take(&mut backlog.writing) {
            self.write_on(agenda, conn, to);
        }
    }

    /// What a process had yet to write dies with it.
    pub(super) fn forget_outbox(&mut self, conn: Conn, of: NodeId) {
        let Some(link) = self.links.get_mut(conn) else {
            return;
        };
        let side = link.side_of(of).other();
        if let Some(backlog) = &mut link.ends[side as usize].backlog {
            backlog.forget_outbox();
        }
    }

    /// A datagram goes its own way.
    fn stray(
        &mut self,
        agenda: &mut Agenda<W>,
        (conn, to): (Conn, Side),
        msg: W::Msg,
        by: Option<u32>,
    ) {
        let link = &self.links[conn];
        let path = link.path_to(to);
        let delay = self.weather.delay(path, Kind::Data, agenda);
        // It is late by up to as much again as the link delays twice, so that others can pass it.
        let more = self.weather.delay(path, Kind::Data, agenda) * 2;
        let at = agenda.now + delay + more;
        let end = self.towards(conn, to);
        if at < end.last {
            self.harm = Some(("a datagram overtakes another", by));
        } else {
            let backlog = end.backlog();
            backlog.astray = backlog.astray.max((at, by));
        }
        let event = Event::Frame {
            conn,
            side: to,
            frame: Frame::Data(msg),
        };
        let about = (who(path), path.class as u64 * 2 + Kind::Data as u64);
        agenda.push(at, Class::Delivery, about, event);
    }

    /// Tells one end that its connection is broken, after a while; whatever else is on its way goes on.
    pub(super) fn break_soon(&mut self, agenda: &mut Agenda<W>, conn: Conn, told: Side) {
        let path = self.links[conn].path_to(told.other());
        let after = self.weather.delay(path, Kind::Control, agenda);
        let event = Event::Break { conn, side: told };
        agenda.push_in(after, Class::Delivery, (who(path), 18), event);
    }

    /// Resets every established connection of a node.
    pub(in super::super) fn reset(
        &mut self,
        agenda: &mut Agenda<W>,
        node: NodeId,
        class: Option<LinkClass>,
        seen: Seen,
    ) {
        for conn in self.links_of(node) {
            let link = &self.links[conn];
            if !link.is_established(class) {
                continue;
            }
            match seen {
                Seen::Both => self.doom(agenda, conn, Span::ZERO),
                Seen::One => {
                    let path = link.path_to(Side::Acceptor);
                    let draw = self.weather.fate(path, agenda.bucket());
                    let told = if draw.word() & 1 == 0 {
                        Side::Dialler
                    } else {
                        Side::Acceptor
                    };
                    self.break_soon(agenda, conn, told);
                }
            }
        }
    }

    /// Resets the connections that use a path in either direction.
    pub(in super::super) fn reset_across(&mut self, agenda: &mut Agenda<W>, path: Path) {
        for conn in self.links_of(path.from) {
            let link = &self.links[conn];
            let is_across = link.ends.iter().any(|end| end.node == path.to);
            if is_across && link.is_established(Some(path.class)) {
                self.doom(agenda, conn, Span::ZERO);
            }
        }
    }

    /// Nothing chokes the streams of a node any more, for the fault at hand: they go on.
    pub(in super::super) fn unmute(&mut self, agenda: &mut Agenda<W>, node: NodeId) {
        for conn in self.links_of(node) {
            for side in [Side::Dialler, Side::Acceptor] {
                let Some(backlog) = &mut self.towards(conn, side).backlog else {
                    continue;
                };
                if std::mem::take(&mut backlog.muted) {
                    self.unpark(agenda, conn, side);
                }
            }
        }
    }
}
