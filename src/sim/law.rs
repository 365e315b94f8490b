//! Laws of durations as data: integers only, one keyed draw per sample.

use crate::base::ratio::Ratio;
use crate::base::rng::{BUCKET, Draw};
use crate::base::time::{Span, Time};

/// A bimodal law (dst.md §5.1): nearly always uniform around `mean`, rarely from a long tail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Law {
    /// The shortest.
    pub min: Span,
    /// Middle of the body, which reaches from `min` to as far above `mean`.
    pub mean: Span,
    /// End of the tail, which starts at `mean`.
    pub tail: Span,
    /// How often the tail is taken.
    pub p_tail: Ratio,
}

impl Law {
    /// Always the same.
    pub const fn constant(span: Span) -> Self {
        Self {
            min: span,
            mean: span,
            tail: span,
            p_tail: Ratio::ZERO,
        }
    }

    /// A law in microseconds, with a tail once in `one_in`.
    pub const fn micros(min: u64, mean: u64, tail: u64, one_in: u32) -> Self {
        Self {
            min: Span::from_us(min),
            mean: Span::from_us(mean),
            tail: Span::from_us(tail),
            p_tail: Ratio::new(1, one_in),
        }
    }

    /// The duration that this draw decides.
    #[inline]
    pub fn sample(&self, draw: Draw) -> Span {
        let value = draw.again();
        if draw.chance(self.p_tail) {
            Span(value.between(self.mean.0, self.tail.0))
        } else {
            let top = self.mean + (self.mean - self.min);
            Span(value.between(self.min.0, top.0))
        }
    }
}

/// A number from `low` to `high` whose order of magnitude is uniform (by octaves).
pub fn log_between(draw: Draw, low: u64, high: u64) -> u64 {
    let low = low.max(1);
    if high <= low {
        return low;
    }
    let octaves = u64::from((high / low).ilog2()) + 1;
    let from = low << draw.below(octaves);
    let to = from.saturating_mul(2).saturating_sub(1).min(high);
    draw.again().between(from, to)
}

/// The weather bucket of a moment.
#[inline]
pub(super) const fn bucket_of(now: Time) -> u64 {
    now.0 / BUCKET.0
}

/// Counts occurrences inside one weather bucket: the `nth` of a keyed draw.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Tally {
    bucket: u32,
    seen: u32,
}

impl Tally {
    /// How many occurrences this bucket had before this one.
    #[inline]
    #[expect(
        clippy::cast_possible_truncation,
        reason = "2^32 buckets are more than six years; a wrap only restarts the count"
    )]
    pub(super) fn count(&mut self, bucket: u64) -> u64 {
        if self.bucket != bucket as u32 {
            self.bucket = bucket as u32;
            self.seen = 0;
        }
        self.seen += 1;
        u64::from(self.seen - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::digest::mix;

    fn draws(count: u64) -> impl Iterator<Item = Draw> {
        (0..count).map(|index| Draw::from_word(mix(index + 1)))
    }

    #[test]
    fn samples_stay_inside_the_law_and_their_mean_is_the_mean() {
        let law = Law {
            p_tail: Ratio::ZERO,
            ..Law::micros(100, 500, 20_000, 1)
        };
        let mut sum = 0;
        for draw in draws(10_000) {
            let span = law.sample(draw);
            assert!(span >= law.min && span <= Span::from_us(900));
            sum += span.as_us();
        }
        assert!((490..510).contains(&(sum / 10_000)));
    }

    #[test]
    fn the_tail_comes_as_often_as_said() {
        let law = Law::micros(100, 500, 20_000, 10);
        let late = draws(10_000)
            .filter(|draw| law.sample(*draw) > Span::from_us(900))
            .count();
        assert!((850..1_100).contains(&late), "{late} of 10000");
    }

    #[test]
    fn a_constant_law_has_one_value() {
        let law = Law::constant(Span::from_us(7));
        assert!(draws(100).all(|draw| law.sample(draw) == Span::from_us(7)));
    }

    #[test]
    fn log_uniform_numbers_reach_every_octave_and_stay_in_range() {
        let mut low = 0;
        for draw in draws(10_000) {
            let value = log_between(draw, 1, 1_000);
            assert!((1..=1_000).contains(&value));
            low += u32::from(value < 32);
        }
        assert!((4_500..5_500).contains(&low), "{low} of 10000 below 32");
    }

    #[test]
    fn occurrences_count_from_zero_in_each_bucket() {
        let mut tally = Tally::default();
        assert_eq!(tally.count(0), 0);
        assert_eq!(tally.count(4), 0);
        assert_eq!(tally.count(4), 1);
        assert_eq!(tally.count(5), 0);
    }
}
