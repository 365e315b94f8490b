//! A client without a library: sockets on which it says exactly what it is told to, and a record of all it hears, in
//! order. It answers nothing, retries nothing and remembers no watches.

use std::collections::BTreeMap;

use crate::base::time::Span;
use crate::history::wire::{ToClient, ToServer};
use crate::sim::process::{Conn, Effects, Input, LinkClass};
use crate::words::message::Msg;
use crate::words::{Command, Errand, Socket, Words};

/// How long it waits for a connection.
const CONNECT_TIMEOUT: Span = Span::from_ms(5_000);

/// Something that happened on a socket.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Heard {
    /// A message arrived.
    Message(ToClient),
    /// It was refused, closed or reset: nothing more will come.
    Ended,
}

/// A raw client.
#[derive(Clone, Debug, Default)]
pub struct Raw {
    sockets: BTreeMap<Socket, Conn>,
    /// What is to be said on connections that are not open yet.
    hellos: BTreeMap<Conn, ToServer>,
    heard: Vec<(Socket, Heard)>,
}

impl Raw {
    /// Takes one input and pushes what it wants done.
    pub fn step(&mut self, input: Input<Words>, out: &mut Effects<Words>) {
        match input {
            Input::Command(Command::Socket(socket, errand)) => self.run(socket, errand, out),
            Input::Opened { conn } => {
                if let Some(hello) = self.hellos.remove(&conn) {
                    out.send(conn, Msg::ToServer(hello));
                }
            }
            Input::Refused { conn, .. } | Input::Ended { conn, .. } => self.on_ended(conn),
            Input::Deliver {
                conn,
                msg: Msg::ToClient(message),
            } => {
                if let Some(socket) = self.socket(conn) {
                    self.heard.push((socket, Heard::Message(message)));
                }
            }
            // No server says anything else to a client, which listens nowhere and has no timers, stages and disk.
            Input::Boot
            | Input::Accepted { .. }
            | Input::Deliver { .. }
            | Input::Fire { .. }
            | Input::Run { .. }
            | Input::Synced { .. }
            | Input::Stored { .. }
            | Input::Snapshotted
            | Input::Installed
            | Input::WriteFailed { .. }
            | Input::Command(
                Command::Request(_)
                | Command::DuplicateConnection
                | Command::Expire(_)
                | Command::Reap
                | Command::Overwrite { .. },
            ) => {}
        }
    }

    fn run(&mut self, socket: Socket, errand: Errand, out: &mut Effects<Words>) {
        match errand {
            Errand::Dial { to, hello } => {
                let conn = out.open(to, LinkClass::Client, CONNECT_TIMEOUT);
                self.hellos.insert(conn, hello);
                self.sockets.insert(socket, conn);
            }
            Errand::Send(messages) => {
                if let Some(conn) = self.sockets.get(&socket) {
                    for message in messages {
                        out.send(*conn, Msg::ToServer(message));
                    }
                }
            }
            Errand::HangUp => {
                if let Some(conn) = self.sockets.remove(&socket) {
                    self.hellos.remove(&conn);
                    out.close(conn);
                }
            }
        }
    }

    fn on_ended(&mut self, conn: Conn) {
        self.hellos.remove(&conn);
        if let Some(socket) = self.socket(conn) {
            self.sockets.remove(&socket);
            self.heard.push((socket, Heard::Ended));
        }
    }

    fn socket(&self, conn: Conn) -> Option<Socket> {
        let mut sockets = self.sockets.iter();
        sockets
            .find(|(_, open)| **open == conn)
            .map(|(socket, _)| *socket)
    }

    /// The connection behind a socket, if it has not ended.
    pub fn conn(&self, socket: Socket) -> Option<Conn> {
        self.sockets.get(&socket).copied()
    }

    /// Everything heard so far, in order.
    pub fn heard(&self) -> &[(Socket, Heard)] {
        &self.heard
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::id::{NodeId, SessionId};
    use crate::base::zxid::Zxid;
    use crate::sim::process::{Effect, Ending};

    const SOCKET: Socket = Socket(3);

    fn hello() -> ToServer {
        ToServer::Connect {
            last_zxid_seen: Zxid::ZERO,
            timeout_ms: 1_000,
            session: SessionId::NONE,
            password: 0,
        }
    }

    fn dialled() -> (Raw, Conn, Effects<Words>) {
        let (mut raw, mut out) = (Raw::default(), Effects::default());
        let errand = Errand::Dial {
            to: NodeId(1),
            hello: hello(),
        };
        raw.step(Input::Command(Command::Socket(SOCKET, errand)), &mut out);
        let conn = raw.conn(SOCKET).expect("it dials");
        (raw, conn, out)
    }

    #[test]
    fn it_says_hello_once_the_connection_is_open() {
        let (mut raw, conn, mut out) = dialled();
        assert_eq!(out.len(), 1);
        raw.step(Input::Opened { conn }, &mut out);
        let last = out.list().last().expect("a message");
        let said = matches!(last, Effect::Send { conn: on, msg: Msg::ToServer(message) } if *on == conn && *message == hello());
        assert!(said, "{last:?}");
    }

    #[test]
    fn what_it_hears_is_kept_in_order_until_the_end_of_the_connection() {
        let (mut raw, conn, mut out) = dialled();
        let pong = ToClient::Pong { zxid: Zxid(7) };
        let msg = Msg::ToClient(pong.clone());
        raw.step(Input::Deliver { conn, msg }, &mut out);
        let how = Ending::Closed;
        raw.step(Input::Ended { conn, how }, &mut out);
        assert_eq!(
            raw.heard(),
            [(SOCKET, Heard::Message(pong)), (SOCKET, Heard::Ended)]
        );
        assert_eq!(raw.conn(SOCKET), None);
    }

    #[test]
    fn nothing_is_heard_of_a_socket_that_was_hung_up() {
        let (mut raw, conn, mut out) = dialled();
        raw.step(
            Input::Command(Command::Socket(SOCKET, Errand::HangUp)),
            &mut out,
        );
        let how = Ending::Closed;
        raw.step(Input::Ended { conn, how }, &mut out);
        assert_eq!(raw.heard(), []);
    }
}
