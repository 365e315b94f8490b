//! Mangled histories: whatever bytes `check` is given, it judges them or refuses them, and never panics.
//!
//! 2 000 of them in `cargo test`; `cargo test --release --test it -- --include-ignored mangled` goes through a million.

use std::fs;

use zablab::base::rng::{Domain, Key, Seed};
use zablab::check::foreign::model::Options;
use zablab::experiment::recorded::judge;

use super::layering::root;

/// Our own recordings and foreign histories.
fn originals() -> Vec<Vec<u8>> {
    let mut files = Vec::new();
    for folder in ["tests/data/anomalies", "tests/data/histories"] {
        for file in fs::read_dir(root().join(folder)).unwrap() {
            files.push(file.unwrap().path());
        }
    }
    files.sort();
    files.iter().map(|file| fs::read(file).unwrap()).collect()
}

/// Draws that depend on the case alone.
struct Draws {
    key: Key,
    case: u64,
    nth: u64,
}

impl Draws {
    fn below(&mut self, bound: usize) -> usize {
        self.nth += 1;
        let draw = self.key.draw(0, 0, self.case, self.nth);
        usize::try_from(draw.below(bound.max(1) as u64)).unwrap()
    }
}

/// Bytes that are worth putting anywhere.
const PIECES: &[&[u8]] = &[
    b"\0",
    b"\n",
    b"{",
    b"}",
    b"[",
    b"\"",
    b"null",
    b"-1",
    b"99999999999999999999",
    b"1:1",
    b"0:0",
    b"\xff",
    b"\"zxid\":\"4294967295:4294967295\"",
    b"\"event\"",
    b"true",
    b"/",
    b",",
];

fn mangle(draws: &mut Draws, original: &[u8]) -> Vec<u8> {
    let mut lines: Vec<Vec<u8>> = original
        .split_inclusive(|byte| *byte == b'\n')
        .map(<[u8]>::to_vec)
        .collect();
    for _ in 0..=draws.below(3) {
        let at = draws.below(lines.len());
        let other = draws.below(lines.len());
        if lines.is_empty() {
            break;
        }
        let length = lines[at].len();
        match draws.below(7) {
            0 => drop(lines.remove(at)),
            1 => lines.swap(at, other),
            2 => lines.insert(at, lines[other].clone()),
            3 => lines[at].truncate(draws.below(length)),
            4 => {
                let place = draws.below(length);
                let piece = PIECES[draws.below(PIECES.len())];
                lines[at].splice(place..place, piece.iter().copied());
            }
            5 => {
                let digits = lines[at].iter_mut().filter(|byte| byte.is_ascii_digit());
                let digits: Vec<&mut u8> = digits.collect();
                let chosen = draws.below(digits.len());
                let digit = b'0' + u8::try_from(draws.below(10)).unwrap();
                if let Some(place) = digits.into_iter().nth(chosen) {
                    *place = digit;
                }
            }
            _ => {
                let (from, to) = (draws.below(length), draws.below(length));
                lines[at].drain(from.min(to)..from.max(to));
            }
        }
    }
    lines.concat()
}

fn judge_mangled(cases: u64) {
    let originals = originals();
    let key = Key::derive(Seed(9), Domain::Workload);
    let (mut judged, mut refused) = (0_u64, 0_u64);
    for case in 0..cases {
        let mut draws = Draws { key, case, nth: 0 };
        let original = &originals[draws.below(originals.len())];
        let bytes = mangle(&mut draws, original);
        let options = Options {
            budget: 10_000,
            ..Options::default()
        };
        match judge(&mut bytes.as_slice(), &options, || 0) {
            Ok(_) => judged += 1,
            Err(error) => {
                assert!(error.to_string().starts_with("line "), "{error}");
                refused += 1;
            }
        }
    }
    assert!(
        judged > cases / 10 && refused > cases / 10,
        "{judged} {refused}"
    );
}

#[test]
fn mangled_histories_are_judged_or_refused_with_a_line() {
    judge_mangled(2_000);
}

#[test]
#[ignore = "takes minutes"]
fn a_million_mangled_histories_are_judged_or_refused() {
    judge_mangled(1_000_000);
}
