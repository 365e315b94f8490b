//! Seeds that nobody can know who does not know the secret, and that whoever knows it can derive again.
//!
//! A ChaCha20 stream keyed by the secret and by what the seed is for; each part is taken in by a step of the cipher.

use rand_chacha::ChaCha20Rng;
use rand_core::{Rng as _, SeedableRng as _};

/// Where the seeds of a grade come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seeds {
    /// The public ones: 1, 2, 3, and so on.
    Public,
    /// Hidden ones.
    Hidden(Hidden),
}

impl Seeds {
    /// The seed with this number, from 0, of a part of a grade.
    pub fn seed(&self, part: &str, index: u64) -> u64 {
        match self {
            Self::Public => index + 1,
            Self::Hidden(hidden) => hidden.seed(part, index),
        }
    }
}

/// Seeds for one student's solution of one lab.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hidden {
    key: [u8; 32],
}

impl Hidden {
    /// From the course's secret.
    pub fn new(secret: &[u8], lab: &str, student: &str) -> Self {
        let key = absorb([0; 32], secret);
        let key = absorb(key, lab.as_bytes());
        let key = absorb(key, student.as_bytes());
        Self { key }
    }

    /// The seed with this number of a part of the grade; small enough for every reader of JSON.
    pub fn seed(&self, part: &str, index: u64) -> u64 {
        let key = absorb(self.key, part.as_bytes());
        let key = absorb(key, &index.to_le_bytes());
        ChaCha20Rng::from_seed(key).next_u64() >> 12
    }
}

/// The key after one more text, its length included, so that no two lists of texts run together.
fn absorb(key: [u8; 32], text: &[u8]) -> [u8; 32] {
    let length = (text.len() as u64).to_le_bytes();
    let framed: Vec<u8> = length.iter().chain(text).copied().collect();
    framed.chunks(32).fold(key, |mut key, chunk| {
        for (byte, more) in key.iter_mut().zip(chunk) {
            *byte ^= more;
        }
        let mut next = [0; 32];
        ChaCha20Rng::from_seed(key).fill_bytes(&mut next);
        next
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_of_what_a_seed_is_for_changes_it() {
        let seed = |secret: &str, lab, student, part, index| {
            Hidden::new(secret.as_bytes(), lab, student).seed(part, index)
        };
        let one = seed("s", "lab", "ann", "runs", 0);
        assert_eq!(one, seed("s", "lab", "ann", "runs", 0));
        let others = [
            seed("t", "lab", "ann", "runs", 0),
            seed("s", "lab2", "ann", "runs", 0),
            seed("s", "lab", "bob", "runs", 0),
            seed("s", "lab", "ann", "states", 0),
            seed("s", "lab", "ann", "runs", 1),
            seed("s", "la", "bann", "runs", 0),
            seed(&"s".repeat(100), "lab", "ann", "runs", 0),
        ];
        for (index, other) in others.iter().enumerate() {
            assert_ne!(one, *other, "{index}");
            assert!(others[..index].iter().all(|before| before != other));
            assert!(*other < 1 << 52);
        }
    }

    #[test]
    fn public_seeds_count_from_one() {
        assert_eq!(Seeds::Public.seed("runs", 0), 1);
    }
}
