//! A stable 64-bit digest: the same bits on every machine, build and compiler run.
//!
//! It implements [`Hasher`], so `#[derive(Hash)]` feeds it; lengths and discriminants are widened to 64 bits, so that
//! a 32-bit target (wasm) gives the same value. Not cryptographic.

use std::fmt;
use std::hash::{Hash, Hasher};

/// A running 64-bit digest.
///
/// There are two. Digests of what draws and ties are about decide them: their every bit must be well mixed, and their rule is for
/// ever. That is the usual one; a [`QuickDigest`] only has to differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Digest<const QUICK: bool = false>(u64);

/// A digest that decides nothing but whether two things are the same: of a run, of what is looked up.
pub type QuickDigest = Digest<true>;

/// Spreads every input bit over all output bits (the finaliser of SplitMix64).
pub const fn mix(mut word: u64) -> u64 {
    word ^= word >> 30;
    word = word.wrapping_mul(0xbf58_476d_1ce4_e5b9);
    word ^= word >> 27;
    word = word.wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ (word >> 31)
}

impl<const QUICK: bool> Default for Digest<QUICK> {
    fn default() -> Self {
        Self(0x7a61_626c_6162_0001)
    }
}

impl Digest {
    /// The digest of one value.
    pub fn of(value: &impl Hash) -> u64 {
        let mut digest = Self::default();
        value.hash(&mut digest);
        digest.value()
    }
}

impl<const QUICK: bool> Digest<QUICK> {
    /// Appends one word; order matters. The same words behind it permute the digests, so that a single word that differs always
    /// shows. The rotation brings the product's best mixed bits to where the next product spreads them.
    #[inline]
    pub fn word(&mut self, word: u64) {
        self.0 = (self.0.rotate_left(23) ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        if !QUICK {
            self.0 ^= self.0 >> 29;
        }
    }

    /// The digest so far.
    pub fn value(self) -> u64 {
        mix(self.0)
    }
}

impl<const QUICK: bool> Hasher for Digest<QUICK> {
    fn finish(&self) -> u64 {
        self.value()
    }

    fn write(&mut self, bytes: &[u8]) {
        let mut chunks = bytes.chunks_exact(8);
        for chunk in &mut chunks {
            self.word(u64::from_le_bytes(
                chunk.try_into().expect("chunks of eight bytes"),
            ));
        }
        let rest = chunks.remainder();
        if !rest.is_empty() {
            let mut last = [0; 8];
            last[..rest.len()].copy_from_slice(rest);
            self.word(u64::from_le_bytes(last));
        }
        self.word(bytes.len() as u64);
    }

    fn write_u8(&mut self, value: u8) {
        self.word(u64::from(value));
    }
    fn write_u16(&mut self, value: u16) {
        self.word(u64::from(value));
    }
    fn write_u32(&mut self, value: u32) {
        self.word(u64::from(value));
    }
    fn write_u64(&mut self, value: u64) {
        self.word(value);
    }
    fn write_usize(&mut self, value: usize) {
        self.word(value as u64);
    }
    #[expect(clippy::cast_sign_loss, reason = "the bits are hashed, not the number")]
    fn write_i32(&mut self, value: i32) {
        self.word(i64::from(value) as u64);
    }
    #[expect(clippy::cast_sign_loss, reason = "the bits are hashed, not the number")]
    fn write_i64(&mut self, value: i64) {
        self.word(value as u64);
    }
    #[expect(
        clippy::cast_sign_loss,
        reason = "discriminants are hashed as isize; widened for 32-bit targets"
    )]
    fn write_isize(&mut self, value: isize) {
        self.word(value as i64 as u64);
    }
}

impl<const QUICK: bool> fmt::Display for Digest<QUICK> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.value())
    }
}
