//! Randomness as weather: every draw is a keyed hash of what it decides, where and when, never a step of a tape.
//!
//! `draw(domain, who, kind, floor(now / 50 ms), nth)`: removing one fault leaves every other draw as it was
//! (design.md §4). Keys come from one ChaCha8 stream per domain. Integer samplers only; golden-vector tests pin them.

use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};

use super::digest::mix;
use super::ratio::Ratio;
use super::time::Span;

/// The seed of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Seed(pub u64);

/// What a draw is about; the numbers are forever: append only, never reuse or reorder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u64)]
pub enum Domain {
    /// One-way delays of frames and connects.
    NetDelay = 1,
    /// Whether a parked or broken connection is reset, and how it is seen.
    NetReset = 2,
    /// Order among events at one instant.
    Tie = 3,
    /// Delay of a stage inside a server.
    Stage = 4,
    /// Latency of disk operations.
    DiskLatency = 5,
    /// Which unsynced records a crash leaves.
    CrashSubset = 6,
    /// Offsets and drift of clocks.
    Clock = 7,
    /// Draws made by a process itself.
    Process = 8,
    /// Generation of fault plans.
    Plan = 9,
    /// Generation of workloads.
    Workload = 10,
    /// Resolution of targets such as `minority`.
    Target = 11,
    /// What rough links do to frames and connects.
    NetRough = 12,
    /// Errors of disks, and where bits rot.
    DiskFault = 13,
    /// Presets of a scenario that are drawn from its seed.
    Preset = 14,
    /// Who is left in peace at the end of a run.
    Endgame = 15,
    /// What a guided exploration tries next.
    Explore = 16,
}

/// The key of one domain in one run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Key(u64);

/// One drawn 64-bit word and the integer samplers over it; sample it once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Draw(u64);

/// A key with all of a draw's place in it but the last number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stem(u64);

impl Stem {
    /// The draw that decides the `nth` thing.
    #[inline]
    pub fn draw(self, nth: u64) -> Draw {
        Draw(mix(self.0 ^ nth.wrapping_mul(0xe703_7ed1_a0b4_28db)))
    }
}

/// The width of a weather bucket.
pub const BUCKET: Span = Span::from_ms(50);

impl Key {
    /// The key of `domain` under `seed`.
    pub fn derive(seed: Seed, domain: Domain) -> Self {
        Self(stream(seed, domain).next_u64())
    }

    /// The draw that decides the `nth` thing of this `kind` for `who` in the given time bucket.
    #[inline]
    pub fn draw(self, who: u64, kind: u64, bucket: u64, nth: u64) -> Draw {
        self.stem(who, kind, bucket).draw(nth)
    }

    /// What all draws of this `kind` for `who` in the given time bucket have in common.
    #[inline]
    pub fn stem(self, who: u64, kind: u64, bucket: u64) -> Stem {
        let mut word = mix(self.0 ^ who.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        word = mix(word ^ kind.wrapping_mul(0xd6e8_feb8_6659_fd93));
        Stem(mix(word ^ bucket.wrapping_mul(0xa076_1d64_78bd_642f)))
    }

    /// A key for one part of this domain.
    #[must_use]
    pub fn narrow(self, part: u64) -> Self {
        Self(mix(self.0
            ^ part.wrapping_mul(0x9e37_79b9_7f4a_7c15)
            ^ 0x6e61_7272_6f77))
    }
}

/// The long ChaCha8 stream of a domain, for generators of plans and workloads only.
pub fn stream(seed: Seed, domain: Domain) -> ChaCha8Rng {
    let mut rng = ChaCha8Rng::seed_from_u64(seed.0);
    rng.set_stream(domain as u64);
    rng
}

impl Draw {
    /// A draw from a word of a generator stream.
    pub fn from_word(word: u64) -> Self {
        Self(word)
    }

    /// The word itself.
    pub fn word(self) -> u64 {
        self.0
    }

    /// A number below `bound`; 0 when `bound` is 0.
    #[inline]
    pub fn below(self, bound: u64) -> u64 {
        ((u128::from(self.0) * u128::from(bound)) >> 64) as u64
    }

    /// A number from `low` to `high`, both possible; `low` when the range is empty.
    pub fn between(self, low: u64, high: u64) -> u64 {
        low.saturating_add(self.below(high.saturating_sub(low).saturating_add(1)))
    }

    /// True with the given probability.
    pub fn chance(self, ratio: Ratio) -> bool {
        self.below(u64::from(ratio.den)) < u64::from(ratio.num)
    }

    /// An index into `weights`, each as likely as its weight; 0 when all are 0.
    pub fn weighted(self, weights: &[u32]) -> usize {
        let total: u64 = weights.iter().map(|weight| u64::from(*weight)).sum();
        let mut left = self.below(total);
        for (index, weight) in weights.iter().enumerate() {
            if left < u64::from(*weight) {
                return index;
            }
            left -= u64::from(*weight);
        }
        0
    }

    /// A second, independent draw from the same decision.
    #[must_use]
    pub fn again(self) -> Self {
        Self(mix(self.0.wrapping_add(0x9e37_79b9_7f4a_7c15)))
    }
}
