//! Layer 2: clients, pure: ZooKeeper's client library and the workload programs that drive it.
//!
//! ```text
//!   workload ─submit─▶ Library ─ToServer─▶ net        Input ─▶ Library ─Upcall─▶ workload
//! ```
//! Nothing here knows the protocol behind the client port.

pub mod config;
mod handle;
pub mod hosts;
pub mod library;
pub mod process;
pub mod raw;
pub mod recipe;
pub mod rules;
pub mod watches;
pub mod workload;

use crate::base::rng::Draw;
use crate::sim::process::Cx;

/// What a client draws for; the numbers are forever: append only, never reuse or reorder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u64)]
pub enum Site {
    /// The order of the server list of one handle.
    HostOrder = 1,
    /// The next server, under `HostPolicy::Random`.
    Host = 2,
    /// The wait before a connection attempt.
    ReconnectWait = 3,
    /// Time between two operations of a workload.
    Think = 4,
    /// Which operation comes next.
    Choice = 5,
    /// Which key it is about.
    Key = 6,
    /// Its details (version, kind of watch).
    Detail = 7,
    /// Which operations a life prefers.
    Taste = 8,
}

impl Site {
    /// A draw of the weather: it depends on the moment.
    pub fn weather(self, cx: Cx, nth: u64) -> Draw {
        cx.draw(self as u64, nth)
    }

    /// A draw of the program: it depends on its number only, so that a shifted run keeps its operations.
    pub fn program(self, cx: Cx, nth: u64) -> Draw {
        cx.key.draw(u64::from(cx.me.0), self as u64, 0, nth)
    }
}
