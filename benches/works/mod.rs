//! The works that simulators are compared by, on this crate's kernel.

#![allow(dead_code, reason = "each benchmark uses some of it")]
#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "these processes hear of little and expect nothing else"
)]

pub(crate) mod ping_pong;
pub(crate) mod recorder;
pub(crate) mod register;

use zablab::base::ratio::Ratio;
use zablab::base::time::Span;
use zablab::sim::law::{Body, Law};
use zablab::sim::process::Note;
use zablab::sim::setup::Setup;

/// What a work took.
pub(crate) struct Played {
    pub(crate) work: &'static str,
    pub(crate) nodes: u16,
    /// Messages or commits.
    pub(crate) done: u64,
    pub(crate) events: u64,
    pub(crate) cpu_ns: u64,
    pub(crate) is_recorded: bool,
}

/// Nothing is noted here.
#[derive(Clone, Copy, Debug, Hash)]
pub(crate) struct Silent;

impl Note for Silent {}

/// Links like those of the compared works: uniform from 1 to 10 ms, no tail.
fn setup(nodes: u16) -> Setup {
    let mut setup = Setup::mild(nodes, 0);
    for link in &mut setup.links {
        link.delay = Law {
            body: Body::Uniform,
            min: Span::from_us(1_000),
            mean: Span::from_us(5_500),
            tail: Span::from_us(10_000),
            p_tail: Ratio::ZERO,
        };
        link.healed_reset = Ratio::ZERO;
    }
    setup
}
