//! What is on its way: messages between being sent and arriving, with a tag that whoever follows a run gives them.

use std::collections::{BTreeMap, VecDeque};

use crate::base::id::NodeId;
use crate::sim::process::{Conn, Effect, Input};
use crate::words::Words;
use crate::words::message::Msg;

/// Every connection and what is on it.
#[derive(Clone, Debug)]
pub struct Wire<T> {
    /// Both ends of each connection: who dialled, and whom.
    ends: BTreeMap<Conn, (NodeId, NodeId)>,
    /// Messages on their way to one end of a connection, in the order in which they were sent.
    flying: BTreeMap<(Conn, NodeId), VecDeque<(T, Msg)>>,
}

impl<T> Default for Wire<T> {
    fn default() -> Self {
        Self {
            ends: BTreeMap::new(),
            flying: BTreeMap::new(),
        }
    }
}

impl<T> Wire<T> {
    /// The other end of a connection, as far as it is known.
    pub fn other_end(&self, conn: Conn, node: NodeId) -> Option<NodeId> {
        let (one, two) = self.ends.get(&conn)?;
        Some(if *one == node { *two } else { *one })
    }

    /// A node takes an input: the tag of the message that arrives with it, if one does that was seen to leave.
    pub fn arrive(&mut self, node: NodeId, input: &Input<Words>) -> Option<T> {
        if let Input::Accepted { conn, from, .. } = input {
            self.ends.insert(*conn, (*from, node));
        }
        let Input::Deliver { conn, msg } = input else {
            return None;
        };
        let queue = self.flying.get_mut(&(*conn, node))?;
        // On a stream it is the first; datagrams overtake each other.
        let place = queue.iter().position(|(_, sent)| sent == msg)?;
        queue.remove(place).map(|(tag, _)| tag)
    }

    /// A node does something: the receiver of the message that leaves with it, if one does.
    pub fn depart(
        &mut self,
        node: NodeId,
        effect: &Effect<Words>,
        tag: impl FnOnce() -> T,
    ) -> Option<NodeId> {
        if let Effect::Open { conn, to, .. } = effect {
            self.ends.insert(*conn, (node, *to));
        }
        let Effect::Send { conn, msg } = effect else {
            return None;
        };
        let to = self.other_end(*conn, node)?;
        let queue = self.flying.entry((*conn, to)).or_default();
        queue.push_back((tag(), msg.clone()));
        Some(to)
    }

    /// What has not arrived, by connection and receiver.
    pub fn into_lost(self) -> impl Iterator<Item = (Conn, NodeId, T, Msg)> {
        self.flying.into_iter().flat_map(|((conn, to), queue)| {
            queue
                .into_iter()
                .map(move |(tag, msg)| (conn, to, tag, msg))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::time::Span;
    use crate::base::zxid::Zxid;
    use crate::sim::process::LinkClass;
    use crate::words::message::Packet;

    const CONN: Conn = Conn(7);
    const ENDS: (NodeId, NodeId) = (NodeId(1), NodeId(2));

    fn msg(zxid: u64) -> Msg {
        Msg::Quorum(Packet::Commit { zxid: Zxid(zxid) })
    }

    fn send(wire: &mut Wire<u64>, tag: u64, zxid: u64) -> Option<NodeId> {
        let effect = Effect::Send {
            conn: CONN,
            msg: msg(zxid),
        };
        wire.depart(ENDS.0, &effect, || tag)
    }

    fn deliver(wire: &mut Wire<u64>, zxid: u64) -> Option<u64> {
        let input = Input::Deliver {
            conn: CONN,
            msg: msg(zxid),
        };
        wire.arrive(ENDS.1, &input)
    }

    #[test]
    fn equal_messages_arrive_in_the_order_sent_and_others_by_what_they_are() {
        let mut wire = Wire::default();
        assert_eq!(send(&mut wire, 1, 5), None, "nobody has dialled");
        let open = Effect::Open {
            conn: CONN,
            to: ENDS.1,
            class: LinkClass::Quorum,
            timeout: Span::ZERO,
        };
        wire.depart(ENDS.0, &open, || 0);
        for (tag, zxid) in [(1, 5), (2, 6), (3, 5)] {
            assert_eq!(send(&mut wire, tag, zxid), Some(ENDS.1));
        }
        // A datagram that overtakes has its own tag.
        assert_eq!(deliver(&mut wire, 6), Some(2));
        assert_eq!(deliver(&mut wire, 5), Some(1));
        assert_eq!(deliver(&mut wire, 9), None);
        let lost: Vec<_> = wire.into_lost().map(|lost| (lost.1, lost.2)).collect();
        assert_eq!(lost, [(ENDS.1, 3)]);
    }
}
