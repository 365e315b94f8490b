//! A stable 64-bit digest: the same bits on every machine, build and compiler run.
//!
//! It implements [`Hasher`], so `#[derive(Hash)]` feeds it; lengths and discriminants are widened to 64 bits, so that
//! a 32-bit target (wasm) gives the same value. Not cryptographic.

use std::fmt;
use std::hash::{Hash, Hasher};

/// A running 64-bit digest.
///
/// There are two. Draws and ties are decided by digests of what they are about: those must be well mixed, and their rule may never
/// change. A [`QuickDigest`] only has to tell things apart.
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
    /// Appends one word; order matters. Under given words behind it, different digests stay different, so that a single word that
    /// differs always shows. The rotation brings the product's best mixed bits to where the next product spreads them.
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

#[cfg(test)]
mod tests {
    use super::*;

    fn digest<const QUICK: bool>(words: &[u64]) -> u64 {
        let mut digest = Digest::<QUICK>::default();
        for word in words {
            digest.word(*word);
        }
        digest.value()
    }

    /// Small numbers and large ones, as runs have them.
    fn words(seed: u64) -> Vec<u64> {
        (0..20)
            .map(|place| mix(seed + place) >> (place * 3))
            .collect()
    }

    fn every_change_shows<const QUICK: bool>() {
        for seed in 0..100 {
            let words = words(seed);
            let whole = digest::<QUICK>(&words);
            for place in 0..words.len() {
                for bit in 0..64 {
                    let mut other = words.clone();
                    other[place] ^= 1 << bit;
                    assert_ne!(whole, digest::<QUICK>(&other), "bit {bit} of word {place}");
                }
                let mut other = words.clone();
                other.swap(place, (place + 1) % words.len());
                assert_ne!(whole, digest::<QUICK>(&other), "word {place} swapped");
                other.clone_from(&words);
                other.remove(place);
                assert_ne!(whole, digest::<QUICK>(&other), "word {place} left out");
            }
        }
    }

    #[test]
    fn a_digest_shows_every_bit_every_order_and_every_length() {
        every_change_shows::<false>();
        every_change_shows::<true>();
    }
}
