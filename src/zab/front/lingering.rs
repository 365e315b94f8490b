//! Clients of a role that is over ([`ReadsWhileLooking::Answered`]): their reads are answered from what the server has in
//! memory, committed or not, until it serves again. By default there are none.
//!
//! [`ReadsWhileLooking::Answered`]: crate::zab::rules::reads::ReadsWhileLooking::Answered

use super::{Front, Handshake, Waits, what_it_waits_for};
use crate::history::wire::ToServer;
use crate::sim::process::{Conn, Input};
use crate::words::Words;
use crate::words::message::Msg;
use crate::zab::core::{Core, Out};

/// The clients that a role has left behind.
#[derive(Clone, Debug, Default)]
pub struct Lingering(Option<Box<Front>>);

impl Lingering {
    /// The clients of a role that is over, if it has not hung up on them.
    pub fn of(front: Option<Front>) -> Self {
        Self(
            front
                .filter(|front| !front.clients.is_empty())
                .map(Box::new),
        )
    }

    /// Deals with an input that concerns one of them; says whether it was one.
    pub fn takes(&mut self, input: &Input<Words>, core: &Core, out: &mut Out) -> bool {
        let Some(front) = &mut self.0 else {
            return false;
        };
        if let Input::Ended { conn, .. } = input {
            return front.on_ended(*conn, core);
        }
        let Input::Deliver {
            conn,
            msg: Msg::ToServer(msg),
        } = input
        else {
            return false;
        };
        let is_ours = front.serves(*conn);
        if is_ours {
            front.answer_without_role(*conn, msg, core, out);
        }
        is_ours
    }

    /// The server serves again: whoever is left connects anew.
    pub fn close(&mut self, out: &mut Out) {
        if let Some(front) = self.0.take() {
            for conn in front.clients.keys() {
                out.close(*conn);
            }
        }
    }
}

impl Front {
    fn answer_without_role(&mut self, conn: Conn, msg: &ToServer, core: &Core, out: &mut Out) {
        let client = &self.clients[&conn];
        let is_idle = client.handshake == Handshake::Open && client.queue.is_empty();
        if let ToServer::Request { xid, request } = msg
            && is_idle
            && what_it_waits_for(request, self.sync, core) == Waits::InLine
        {
            let answer = self.evaluate(conn, request, core);
            self.reply(conn, *xid, answer, core, out);
        } else if *msg != ToServer::Ping || !is_idle {
            self.drop_client(conn, core, out);
        }
    }
}
