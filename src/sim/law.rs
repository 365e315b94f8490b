//! Laws of durations as data: integers only, one keyed draw per sample.

use crate::base::ratio::Ratio;
use crate::base::rng::{BUCKET, Draw};
use crate::base::time::{Span, Time};

/// A law (dst.md §5.1): nearly always from a body around `mean`, rarely from a long tail, which is uniform.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Law {
    /// How the body is distributed.
    pub body: Body,
    /// The shortest.
    pub min: Span,
    /// Mean of the body.
    pub mean: Span,
    /// End of the tail, which starts at `mean`.
    pub tail: Span,
    /// How often the tail is taken.
    pub p_tail: Ratio,
}

/// How the body of a law is distributed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Body {
    /// Always the mean.
    Constant,
    /// Uniform from `min` to as far above the mean.
    #[default]
    Uniform,
    /// `min` plus an exponentially distributed rest, up to 6.9 times its mean.
    Exponential,
    /// `min` plus a rest whose logarithm is normally distributed (σ = 1), up to 13 times its mean.
    Lognormal,
}

/// Inverse distribution functions at 0, 1/64, …, 63/64 and 1023/1024, in 1/1024 of the mean; linear in between.
type Table = [u32; 65];

/// −ln(1−u).
const EXPONENTIAL: Table = [
    0, 16, 32, 49, 66, 83, 100, 118, 136, 154, 173, 192, 211, 231, 251, 271, 292, 314, 336, 358,
    381, 404, 428, 453, 478, 504, 530, 557, 585, 614, 643, 673, 705, 737, 770, 805, 840, 877, 916,
    956, 997, 1040, 1086, 1133, 1182, 1235, 1290, 1348, 1409, 1475, 1545, 1620, 1702, 1790, 1887,
    1994, 2114, 2250, 2406, 2592, 2819, 3111, 3523, 4228, 7047,
];

/// exp(z(u)), z the normal one.
const LOGNORMAL: Table = [
    0, 70, 94, 114, 131, 147, 162, 177, 192, 207, 221, 235, 250, 264, 279, 294, 309, 324, 340, 356,
    372, 389, 406, 423, 441, 460, 479, 498, 518, 539, 561, 583, 607, 631, 656, 682, 710, 739, 769,
    801, 834, 870, 907, 947, 989, 1034, 1083, 1135, 1191, 1252, 1319, 1392, 1473, 1564, 1666, 1782,
    1917, 2075, 2266, 2504, 2813, 3242, 3908, 5228, 13430,
];

/// The value of an inverse distribution function at a drawn place, for this mean.
fn invert(table: &Table, draw: Draw, mean: Span) -> Span {
    let place = draw.below(64 << 20);
    let index = usize::try_from(place >> 20).expect("below 64");
    let (low, high) = (u64::from(table[index]), u64::from(table[index + 1]));
    let factor = (low << 20) + (high - low) * (place & 0xf_ffff);
    let value = (u128::from(mean.0) * u128::from(factor)) >> 30;
    Span(u64::try_from(value).unwrap_or(u64::MAX))
}

impl Law {
    /// Always the same.
    pub const fn constant(span: Span) -> Self {
        Self {
            body: Body::Uniform,
            min: span,
            mean: span,
            tail: span,
            p_tail: Ratio::ZERO,
        }
    }

    /// A law in microseconds, with a tail once in `one_in`.
    pub const fn micros(min: u64, mean: u64, tail: u64, one_in: u32) -> Self {
        Self {
            body: Body::Uniform,
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
            let rest = self.mean - self.min;
            match self.body {
                Body::Constant => self.mean,
                Body::Uniform => Span(value.between(self.min.0, (self.mean + rest).0)),
                Body::Exponential => self.min + invert(&EXPONENTIAL, value, rest),
                Body::Lognormal => self.min + invert(&LOGNORMAL, value, rest),
            }
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
    /// The bucket that is counted in.
    pub(super) fn bucket(self) -> u64 {
        u64::from(self.bucket)
    }

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
    fn every_body_keeps_its_mean_and_its_minimum() {
        for body in [
            Body::Constant,
            Body::Uniform,
            Body::Exponential,
            Body::Lognormal,
        ] {
            let law = Law {
                body,
                p_tail: Ratio::ZERO,
                ..Law::micros(100, 500, 20_000, 1)
            };
            let (mut sum, mut most) = (0, 0);
            for draw in draws(20_000) {
                let span = law.sample(draw);
                assert!(span >= law.min);
                sum += span.as_us();
                most = most.max(span.as_us());
            }
            assert!(
                (490..=510).contains(&(sum / 20_000)),
                "{body:?}: {}",
                sum / 20_000
            );
            let expected = match body {
                Body::Constant => 500..=500,
                Body::Uniform => 890..=900,
                Body::Exponential => 2_200..=2_860,
                Body::Lognormal => 3_000..=5_400,
            };
            assert!(expected.contains(&most), "{body:?}: {most}");
        }
    }

    #[test]
    fn exponential_and_lognormal_bodies_have_the_medians_of_their_laws() {
        // ln 2 and exp(-1/2), the medians of laws with mean 1.
        for (body, median_us) in [(Body::Exponential, 693), (Body::Lognormal, 606)] {
            let law = Law {
                body,
                p_tail: Ratio::ZERO,
                ..Law::micros(0, 1_000, 1_000, 1)
            };
            let below = draws(20_000)
                .filter(|draw| law.sample(*draw) <= Span::from_us(median_us))
                .count();
            assert!((9_600..10_400).contains(&below), "{body:?}: {below}");
        }
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
