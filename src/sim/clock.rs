//! A node's two clocks. The monotonic one runs at its own rate, never goes back and survives crashes and power loss
//! (zab.md K11); the wall clock also jumps. Reading is pure: a line of log more changes nothing.

use super::process::WallClock;
use super::setup::ClockSpec;
use crate::base::id::NodeId;
use crate::base::rng::Key;
use crate::base::time::{LocalTime, Span, Time};

/// What a wall clock without offset shows at the start of a run: 2024-01-01T00:00:00Z, in milliseconds.
const WALL_EPOCH_MS: i64 = 1_704_067_200_000;

/// A true second's parts per million.
const MILLION: u64 = 1_000_000;

/// The slowest and fastest a clock may be put.
const PPM_LIMIT: i64 = 900_000;

/// One node's clocks.
#[derive(Clone, Debug)]
pub(super) struct Clock {
    /// A moment and the reading at it; moved when the rate changes.
    base: (Time, LocalTime),
    /// Own rate plus all drift faults, in parts per million.
    ppm: i64,
    /// How much the clock gains in a million ticks of true time, plus that million.
    rate: u64,
    /// The wall clock counts from the first reading.
    wall: WallClock,
    /// How many faults hold both clocks.
    frozen: u32,
    /// Readings are multiples of it, if it is not zero.
    granularity: Span,
}

impl Clock {
    /// The clocks of a node: uptime, rate and wall offset are drawn.
    pub(super) fn new(spec: ClockSpec, key: Key, node: NodeId) -> Self {
        let who = u64::from(node.0);
        let symmetric = |kind: u64, most: u32| {
            let value = key.draw(who, kind, 0, 0).below(2 * u64::from(most) + 1);
            i64::try_from(value).expect("below 2^33") - i64::from(most)
        };
        let uptime = Span::from_ms(key.draw(who, 1, 0, 0).between(1_000, 3_600_000));
        let ppm = symmetric(2, spec.drift_ppm);
        Self {
            base: (Time::ZERO, LocalTime(uptime.0)),
            ppm,
            rate: rate_of(ppm),
            wall: WallClock {
                reading: LocalTime(uptime.0),
                shown_ms: WALL_EPOCH_MS + symmetric(3, spec.offset_ms),
            },
            frozen: 0,
            granularity: spec.granularity,
        }
    }

    /// The monotonic clock's reading.
    #[inline]
    pub(super) fn read(&self, now: Time) -> LocalTime {
        let LocalTime(exact) = self.read_exactly(now);
        LocalTime(match self.granularity {
            Span::ZERO => exact,
            Span(grain) => exact - exact % grain,
        })
    }

    fn read_exactly(&self, now: Time) -> LocalTime {
        let (time, reading) = self.base;
        if self.frozen > 0 {
            return reading;
        }
        let elapsed = now.since(time);
        LocalTime(
            reading
                .0
                .saturating_add(scale(elapsed.0, self.rate, MILLION)),
        )
    }

    /// The wall clock.
    #[inline]
    pub(super) fn wall(&self) -> WallClock {
        self.wall
    }

    /// The first moment at which the monotonic clock shows `reading` or more; never while it stands still.
    #[inline]
    pub(super) fn when(&self, reading: LocalTime) -> Time {
        let (time, base) = self.base;
        if self.frozen > 0 {
            return Time::NEVER;
        }
        let reading = match self.granularity {
            Span::ZERO => reading,
            Span(grain) => LocalTime(reading.0.div_ceil(grain).saturating_mul(grain)),
        };
        let wanted = reading.since(base).0;
        let whole = scale(wanted, MILLION, self.rate);
        // The scale rounds down; one nanosecond more is always enough to reach the reading.
        let enough = scale(whole, self.rate, MILLION) >= wanted;
        time + Span(whole.saturating_add(u64::from(!enough)))
    }

    /// Changes the rate from now on.
    pub(super) fn drift(&mut self, now: Time, ppm: i64) {
        self.base = (now, self.read_exactly(now));
        self.ppm += ppm;
        self.rate = rate_of(self.ppm);
    }

    /// Stops both clocks, or lets them go on from where they stand.
    pub(super) fn freeze(&mut self, now: Time, on: bool) {
        self.base = (now, self.read_exactly(now));
        if on {
            self.frozen += 1;
        } else {
            self.frozen -= 1;
        }
    }

    /// Whether the clocks stand still.
    pub(super) fn is_frozen(&self) -> bool {
        self.frozen > 0
    }

    /// Lets the wall clock jump.
    pub(super) fn jump_wall(&mut self, by_ms: i64) {
        self.wall.shown_ms = self.wall.shown_ms.saturating_add(by_ms);
    }
}

/// How much a clock gains in a million ticks of true time, plus that million.
fn rate_of(ppm: i64) -> u64 {
    let rate = 1_000_000 + ppm.clamp(-PPM_LIMIT, PPM_LIMIT);
    u64::try_from(rate).expect("the clamp keeps it positive")
}

/// `value * num / den` rounded down, in 64 bits where they suffice.
#[inline]
fn scale(value: u64, num: u64, den: u64) -> u64 {
    if num == den {
        return value;
    }
    if let Some(product) = value.checked_mul(num) {
        return product / den;
    }
    let product = u128::from(value) * u128::from(num) / u128::from(den);
    u64::try_from(product).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::digest::mix;
    use crate::base::rng::{Domain, Seed};

    fn clock(seed: u64, drift_ppm: u32) -> Clock {
        let spec = ClockSpec {
            drift_ppm,
            offset_ms: 50,
            granularity: Span::ZERO,
        };
        Clock::new(spec, Key::derive(Seed(seed), Domain::Clock), NodeId(1))
    }

    #[test]
    fn readings_never_go_back_under_any_drift() {
        for seed in 0..50 {
            let mut clock = clock(seed, 1_000);
            let (mut now, mut last) = (Time::ZERO, LocalTime(0));
            for step in 0..200 {
                let word = mix(seed << 32 | step);
                now = now + Span(word % 1_000_003);
                let reading = clock.read(now);
                assert!(reading >= last);
                last = reading;
                let ppm = i64::try_from(word >> 32 & 0xf_ffff).unwrap() - 500_000;
                clock.drift(now, ppm);
                assert_eq!(clock.read(now), last, "a change of rate moves no reading");
            }
        }
    }

    #[test]
    fn a_deadline_is_reached_exactly_when_said_and_not_before() {
        for seed in 0..500 {
            let clock = clock(seed, 50_000);
            let deadline = clock.read(Time::ZERO) + Span(mix(seed) >> 20);
            let when = clock.when(deadline);
            assert!(clock.read(when) >= deadline);
            if when > Time::ZERO {
                assert!(clock.read(Time(when.0 - 1)) < deadline);
            }
        }
    }

    #[test]
    fn a_frozen_clock_shows_one_reading_and_goes_on_from_there() {
        let mut clock = clock(3, 0);
        let reading = clock.read(Time::from_ms(10));
        clock.freeze(Time::from_ms(10), true);
        assert_eq!(clock.read(Time::from_ms(500)), reading);
        assert_eq!(clock.when(reading + Span::from_ms(1)), Time::NEVER);
        clock.freeze(Time::from_ms(500), false);
        assert_eq!(clock.read(Time::from_ms(501)), reading + Span::from_ms(1));
        assert_eq!(clock.when(reading + Span::from_ms(1)), Time::from_ms(501));
    }

    #[test]
    fn a_coarse_clock_shows_multiples_of_its_grain_and_reaches_a_deadline_late_but_not_early() {
        let grain = Span::from_ms(15);
        for seed in 0..200 {
            let mut clock = clock(seed, 1_000);
            clock.granularity = grain;
            let deadline = clock.read(Time::ZERO) + Span(mix(seed) >> 34);
            let when = clock.when(deadline);
            assert_eq!(clock.read(when).0 % grain.0, 0);
            assert!(clock.read(when) >= deadline);
            if when > Time::ZERO {
                assert!(clock.read(Time(when.0 - 1)) < deadline);
            }
        }
    }

    #[test]
    fn drift_stays_within_the_spec() {
        for seed in 0..200 {
            let clock = clock(seed, 100);
            let second = clock
                .read(Time::from_ms(1_000))
                .since(clock.read(Time::ZERO));
            assert!(second.0.abs_diff(1_000_000_000) <= 100_000);
        }
    }

    #[test]
    fn a_wall_jump_leaves_the_monotonic_clock_alone() {
        let mut clock = clock(3, 0);
        let now = Time::from_ms(10);
        let (reading, wall) = (clock.read(now), clock.wall().ms(clock.read(now)));
        clock.jump_wall(-5_000);
        assert_eq!(clock.read(now), reading);
        assert_eq!(clock.wall().ms(reading), wall - 5_000);
        assert!(wall.abs_diff(1_704_067_200_010) <= 50);
    }
}
