//! The inevitability curve as text: a bar per moment, its interval, and what happened where it rises most.

use std::fmt::Write;

use super::text::Grouped;
use crate::experiment::inevitable::{Curve, Point};

/// Columns of a full bar.
const WIDTH: u32 = 40;

/// An interval of shares, in thousandths.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interval {
    /// Its lower end.
    pub low: u32,
    /// Its upper end.
    pub high: u32,
}

/// Wilson's interval of 95 % for a share.
#[expect(
    clippy::float_arithmetic,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a figure in a report, between 0 and 1"
)]
pub fn wilson(point: Point) -> Interval {
    const Z: f64 = 1.96;
    let runs = f64::from(point.runs.max(1));
    let share = f64::from(point.fails) / runs;
    let scale = 1.0 + Z * Z / runs;
    let middle = (share + Z * Z / (2.0 * runs)) / scale;
    let half = Z * (share * (1.0 - share) / runs + Z * Z / (4.0 * runs * runs)).sqrt() / scale;
    let thousandths = |value: f64| (value.clamp(0.0, 1.0) * 1_000.0).round() as u32;
    Interval {
        low: thousandths(middle - half),
        high: thousandths(middle + half),
    }
}

/// The curve; moments with the same share as their neighbours are drawn once.
pub fn text(curve: &Curve) -> String {
    let mut text = String::new();
    let mut put = |line: std::fmt::Arguments<'_>| {
        text.write_fmt(line).expect("a string takes any text");
    };
    put(format_args!(
        "share of runs that still violate {} when the weather after a moment is drawn anew\n\n",
        curve.property
    ));
    let mut same = 0;
    for (index, point) in curve.points.iter().enumerate() {
        let neighbours = [index.checked_sub(1), Some(index + 1)];
        let is_flat = neighbours
            .into_iter()
            .map(|place| place.and_then(|place| curve.points.get(place)))
            .all(|other| other.is_some_and(|other| other.fails == point.fails));
        if is_flat {
            same += 1;
            continue;
        }
        if same > 0 {
            put(format_args!("{:>25}  ({same} moments alike)\n", "…"));
            same = 0;
        }
        put(format_args!("{}\n", bar(*point)));
    }
    text
}

fn bar(point: Point) -> String {
    let Interval { low, high } = wilson(point);
    let full = (point.fails * WIDTH + point.runs / 2) / point.runs.max(1);
    let bar: String = (0..WIDTH)
        .map(|column| if column < full { '#' } else { '.' })
        .collect();
    format!(
        "{:>11} {:>13}  {bar} {:>3}/{}  [{}, {}]",
        point.at.time.to_string(),
        Grouped(point.at.event.0).to_string(),
        point.fails,
        point.runs,
        share(low),
        share(high)
    )
}

/// Thousandths as a decimal.
pub fn share(thousandths: u32) -> String {
    format!("{}.{:03}", thousandths / 1_000, thousandths % 1_000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::id::EventId;
    use crate::base::time::Time;
    use crate::check::verdict::{At, Property};

    fn point(event: u64, fails: u32) -> Point {
        let at = At {
            event: EventId(event),
            time: Time::from_ms(event),
        };
        Point {
            at,
            runs: 32,
            fails,
        }
    }

    #[test]
    fn intervals_are_wilsons() {
        let interval = |fails, runs| {
            let Interval { low, high } = wilson(Point {
                runs,
                ..point(1, fails)
            });
            (low, high)
        };
        // Brown, Cai, DasGupta 2001 give these ends for 0, 5 and 10 of 10.
        assert_eq!(interval(0, 10), (0, 278));
        assert_eq!(interval(5, 10), (237, 763));
        assert_eq!(interval(10, 10), (722, 1_000));
    }

    #[test]
    fn flat_stretches_are_drawn_once_and_full_shares_are_full_bars() {
        let points = [0, 0, 0, 0, 32, 32].iter().zip(1..);
        let curve = Curve {
            property: Property::TotalOrder,
            violated: point(9, 0).at,
            points: points.map(|(fails, event)| point(event, *fails)).collect(),
        };
        let text = text(&curve);
        assert!(text.contains("(2 moments alike)"), "{text}");
        assert!(text.contains(&"#".repeat(40)), "{text}");
        let (before, after) = curve.steepest().unwrap();
        assert_eq!((before.at.event.0, after.at.event.0), (4, 5));
    }
}
