//! Layer 2, bottom: the words that servers and clients of one world share. Types only, no behaviour: `zab` and `client`
//! both speak them, `cast` puts the two kinds of nodes together.

pub mod message;
pub mod timer;

use std::sync::Arc;

use message::Msg;
use timer::{Stage, Timer};

use crate::history::fact::Fact;
use crate::history::op::Request;
use crate::sim::process::{File, Note, Protocol};
use crate::tree::image::Image;
use crate::tree::txn::Txn;

/// The vocabulary of the whole simulated world.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Words;

impl Protocol for Words {
    type Msg = Msg;
    type Timer = Timer;
    type Stage = Stage;
    type Record = Arc<Txn>;
    type Image = Image;
    type Note = Fact;
    type Command = Command;
}

impl Note for Fact {
    fn mark(&self) -> Option<&'static str> {
        Self::mark(self)
    }
}

/// What somebody outside the simulation asks a node to do.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Command {
    /// A client's library is handed a request.
    Request(Arc<Request>),
}

/// The file `acceptedEpoch` (the paper's f.p).
pub const ACCEPTED_EPOCH: File = File(0);

/// The file `currentEpoch` (the paper's f.a).
pub const CURRENT_EPOCH: File = File(1);
