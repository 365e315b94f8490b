//! Layer 2, bottom: the words that servers and clients of one world share. Types only, no behaviour: `zab` and `client`
//! both speak them, `cast` puts the two kinds of nodes together.

pub mod message;
pub mod timer;

use std::sync::Arc;

use message::Msg;
use timer::{Stage, Timer};

use crate::base::id::{NodeId, SessionId};
use crate::history::fact::Fact;
use crate::history::op::{Path, Request};
use crate::history::wire::ToServer;
use crate::sim::process::{File, Note, Protocol};
use crate::tree::image::Image;
use crate::tree::store::Counter;
use crate::tree::txn::Txn;

/// The vocabulary of the whole simulated world.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Words;

/// How long a log record is, roughly.
pub const RECORD_BYTES: u64 = 120;

/// How long a snapshot of so many znodes is, roughly.
pub fn image_bytes(znodes: usize) -> u64 {
    200 + RECORD_BYTES * znodes as u64
}

impl Protocol for Words {
    type Msg = Msg;
    type Timer = Timer;
    type Stage = Stage;
    type Record = Arc<Txn>;
    type Image = Box<Image>;
    type Note = Fact;
    type Command = Command;

    fn kind(msg: &Msg) -> &'static str {
        msg.kind()
    }

    fn size(msg: &Msg) -> u64 {
        msg.size()
    }

    /// Header, checksum and what most transactions of a workload hold.
    fn record_size(_txn: &Arc<Txn>) -> u64 {
        RECORD_BYTES
    }

    fn provocation(name: &str) -> Option<Command> {
        (name == "duplicate-connection").then_some(Command::DuplicateConnection)
    }
}

impl Note for Fact {
    fn mark(&self) -> Option<&'static str> {
        Self::mark(self)
    }

    fn special_mark(&self) -> Option<&'static str> {
        Self::special_mark(self)
    }
}

/// What somebody outside the simulation asks a node to do.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Command {
    /// A client's library is handed a request.
    Request(Arc<Request>),
    /// A raw client does something with a socket.
    Socket(Socket, Errand),
    /// The leader ends a session as if its time were up.
    Expire(SessionId),
    /// The leader's reaper of container and TTL znodes makes a pass.
    Reap,
    /// A server writes a stored counter of a znode behind the log's back, as a debugger would.
    Overwrite {
        /// Which znode.
        path: Path,
        /// Which counter.
        counter: Counter,
        /// Its new value.
        value: i32,
    },
    /// A client's library opens a second connection with the session it has.
    DuplicateConnection,
}

/// A raw client's name for one of its connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Socket(pub u32);

/// What a raw client is told to do with a socket.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Errand {
    /// Connect, and say this as soon as the connection is open.
    Dial {
        /// To whom.
        to: NodeId,
        /// The first message.
        hello: ToServer,
    },
    /// Send these in one write.
    Send(Vec<ToServer>),
    /// Close the connection, not the session.
    HangUp,
}

/// The file `acceptedEpoch` (the paper's f.p).
pub const ACCEPTED_EPOCH: File = File(0);

/// The file `currentEpoch` (the paper's f.a).
pub const CURRENT_EPOCH: File = File(1);

#[cfg(all(test, target_pointer_width = "64"))]
mod tests {
    use crate::sim::process::{Effect, Input};

    use super::*;

    #[test]
    fn what_moves_with_every_event_is_small() {
        assert!(size_of::<Msg>() <= 56, "messages: {}", size_of::<Msg>());
        assert!(size_of::<Input<Words>>() <= 64, "inputs");
        assert!(size_of::<Effect<Words>>() <= 80, "effects");
        assert!(size_of::<Fact>() <= 80, "facts");
    }
}
