//! Layer 0: plain values without dependencies inside the crate: ids, zxids, time, ratios, keyed randomness, digests.

pub mod digest;
pub mod id;
pub mod lineage;
pub mod ratio;
pub mod rng;
pub mod time;
pub mod zxid;
