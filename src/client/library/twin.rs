//! A second connection with the same session, as a program makes that hands session id and password to another handle:
//! the server it reaches becomes the session's owner, and the first connection is closed on its next request
//! (`SessionMoved`, semantics.md §5). Nothing that arrives on the second one is looked at.

use super::{Library, Link};
use crate::base::id::{NodeId, SessionId};
use crate::base::time::Span;
use crate::history::wire::ToServer;
use crate::sim::process::{Conn, Cx, Effects, LinkClass};
use crate::words::Words;
use crate::words::message::Msg;

const DRAW_TWIN: u64 = 90;

/// The second connection, if there is one, and what is said on it first.
#[derive(Clone, Debug, Default)]
pub struct Twin(Option<(Conn, ToServer)>);

impl Library {
    /// Dials another server with the session that is established; nothing happens without one.
    pub fn dial_twin(&self, cx: Cx, twin: &mut Twin, out: &mut Effects<Words>) {
        let Link::Live { server, .. } = self.link else {
            return;
        };
        let is_other = |other: &NodeId| self.config.servers.len() == 1 || *other != server;
        let servers = self.config.servers.iter().copied();
        let others: Vec<NodeId> = servers.filter(is_other).collect();
        let place = cx.draw(DRAW_TWIN, 0).below(others.len() as u64);
        let to = others[usize::try_from(place).expect("below a length")];
        let hello = ToServer::Connect {
            last_zxid_seen: self.handle.last_zxid,
            timeout_ms: i32::try_from(self.config.session_timeout_ms).unwrap_or(i32::MAX),
            session: self.handle.session,
            password: self.handle.password,
        };
        assert!(self.handle.session != SessionId::NONE, "it is established");
        let conn = out.open(to, LinkClass::Client, Span::from_ms(1_000));
        twin.0 = Some((conn, hello));
    }
}

impl Twin {
    /// A dialled connection is open: if it is the second one, the session is claimed on it.
    pub fn on_opened(&mut self, conn: Conn, out: &mut Effects<Words>) {
        if let Some((mine, hello)) = self.0.take_if(|(mine, _)| *mine == conn) {
            out.send(mine, Msg::ToServer(hello));
        }
    }
}
