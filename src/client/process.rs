//! A client process: a library, a program that uses it, and the dispatch of inputs between them.

use std::sync::Arc;

use super::config::{Chosen, Config};
use super::library::twin::Twin;
use super::library::{Library, NUMBERS_PER_LIFE, Turn};
use super::workload::{Hands, Program};
use crate::base::id::{ClientId, NodeId, SessionId};
use crate::base::time::LocalTime;
use crate::history::op::Request;
use crate::sim::process::{Conn, Cx, Effects, Input};
use crate::words::message::Msg;
use crate::words::timer::{ClientTimer, Timer};
use crate::words::{Command, Words};

/// One client process. A new life knows nothing of the old one's session and watches.
#[derive(Clone, Debug)]
pub struct Client {
    id: ClientId,
    chosen: Chosen,
    /// When this life began.
    born: LocalTime,
    library: Library,
    program: Program,
    twin: Twin,
}

impl Client {
    /// A new life of `client` on node `me`; its first input is [`Input::Boot`].
    pub fn restart(config: &Config, _me: NodeId, client: ClientId, life: u32) -> Self {
        let before = u64::from(life.saturating_sub(1)) * NUMBERS_PER_LIFE;
        Self {
            id: client,
            chosen: config.chosen.within(before..before + NUMBERS_PER_LIFE),
            born: LocalTime::default(),
            library: Library::new(client, config, life),
            program: Program::new(&config.workload, life),
            twin: Twin::default(),
        }
    }

    /// Takes one input and pushes what the client wants done.
    pub fn step(&mut self, cx: Cx, input: Input<Words>, out: &mut Effects<Words>) {
        let mut up = Vec::new();
        let mut turn = Turn {
            cx,
            out,
            up: &mut up,
        };
        if self.chosen == Chosen::Absent {
            return;
        }
        match input {
            Input::Boot => {
                self.born = cx.now;
                self.library.open(cx, out);
                let (program, mut hands) = self.hands(cx, out);
                program.on_boot(&mut hands);
            }
            Input::Opened { conn } => {
                self.library.on_opened(conn, out);
                self.twin.on_opened(conn, out);
            }
            Input::Refused { conn, .. } | Input::Ended { conn, .. } => {
                self.library.on_ended(conn, &mut turn);
            }
            Input::Deliver { conn, msg } => self.on_message(conn, msg, &mut turn),
            Input::Fire { timer } => self.on_timer(timer, &mut turn),
            Input::Command(Command::Request(request)) => self.on_command(cx, request, out),
            Input::Command(Command::DuplicateConnection) => {
                self.library.dial_twin(cx, &mut self.twin, out);
            }
            // A client listens nowhere, has no stages and writes to no disk; other commands are for other nodes.
            Input::Command(
                Command::Socket(..)
                | Command::Expire(_)
                | Command::Reap
                | Command::Overwrite { .. },
            )
            | Input::Accepted { .. }
            | Input::Run { .. }
            | Input::Synced { .. }
            | Input::Stored { .. }
            | Input::Snapshotted
            | Input::Installed
            | Input::WriteFailed { .. } => {}
        }
        for upcall in up {
            let (program, mut hands) = self.hands(cx, out);
            program.on_upcall(&upcall, &mut hands);
        }
    }

    /// The server this client is connected to, if any.
    pub fn attached_to(&self) -> Option<NodeId> {
        self.library.server()
    }

    /// Its session, or [`SessionId::NONE`].
    pub fn session(&self) -> SessionId {
        self.library.session()
    }

    fn on_message(&mut self, conn: Conn, msg: Msg, turn: &mut Turn<'_>) {
        match msg {
            Msg::ToClient(msg) => self.library.on_message(conn, msg, turn),
            // No server says these on its client port.
            Msg::Vote(_) | Msg::Quorum(_) | Msg::ToServer(_) => {}
        }
    }

    fn on_timer(&mut self, timer: Timer, turn: &mut Turn<'_>) {
        match timer {
            Timer::Client(ClientTimer::Think) => {
                let (program, mut hands) = self.hands(turn.cx, turn.out);
                program.on_think(&mut hands);
            }
            Timer::Client(timer) => self.library.on_timer(timer, turn),
            // A client arms no server's timer.
            Timer::Resend
            | Timer::Finalize
            | Timer::Pause
            | Timer::DialLeader
            | Timer::LeaderSilent
            | Timer::PhaseLimit
            | Timer::HalfTick
            | Timer::Expiry
            | Timer::LearnerSilent(_) => {}
        }
    }

    fn on_command(&mut self, cx: Cx, request: Arc<Request>, out: &mut Effects<Words>) {
        self.library.submit(cx, request, out);
    }

    fn hands<'a>(
        &'a mut self,
        cx: Cx,
        out: &'a mut Effects<Words>,
    ) -> (&'a mut Program, Hands<'a>) {
        let hands = Hands {
            cx,
            client: self.id,
            chosen: &self.chosen,
            age: cx.now.since(self.born),
            library: &mut self.library,
            out,
        };
        (&mut self.program, hands)
    }
}
