//! When a violation became inevitable: the share of runs that still fail when the weather after a moment is drawn anew.

use plotters::prelude::*;

use super::{FONT, Figure, HEIGHT, PURPLE, VERMILION, legend, picture, seconds, stroke, titled};
use crate::experiment::inevitable::Curve;
use crate::report::curve::wilson;

/// The curve with its intervals; none if it has no moments.
pub fn inevitability(curve: &Curve) -> Option<Figure> {
    let first = curve.points.first()?.at.time.as_ms();
    let last = curve.violated.time.as_ms().max(first + 1);
    let share = |fails: u32, runs: u32| u64::from(fails) * 1_000 / u64::from(runs.max(1));
    let svg = picture(HEIGHT, |area| {
        let mut chart = titled(area, &format!("When {} became inevitable", curve.property))
            .build_cartesian_2d(first..last, 0..1_000_u64)?;
        chart
            .configure_mesh()
            .light_line_style(TRANSPARENT)
            .bold_line_style(BLACK.mix(0.12))
            .x_labels(10)
            .y_labels(6)
            .x_desc("the weather is new from here on")
            .y_desc("runs that still fail")
            .x_label_formatter(&|ms| seconds(*ms))
            .y_label_formatter(&|share| format!("{} %", share / 10))
            .label_style((FONT, 12))
            .draw()?;
        let interval = |point: &crate::experiment::inevitable::Point| {
            let interval = wilson(*point);
            let x = point.at.time.as_ms();
            let ends = vec![(x, u64::from(interval.low)), (x, u64::from(interval.high))];
            PathElement::new(ends, PURPLE.mix(0.5).stroke_width(3))
        };
        chart
            .draw_series(curve.points.iter().map(interval))?
            .label("95 % interval")
            .legend(stroke(PURPLE));
        let points = curve
            .points
            .iter()
            .map(|point| (point.at.time.as_ms(), share(point.fails, point.runs)));
        chart
            .draw_series(LineSeries::new(points, VERMILION.stroke_width(2)).point_size(3))?
            .label("share")
            .legend(stroke(VERMILION));
        legend(&mut chart, SeriesLabelPosition::UpperLeft)
    });
    let caption = format!(
        "The share of runs that still violate {} when everything drawn after a moment is drawn anew, with Wilson's intervals.",
        curve.property
    );
    Some(Figure {
        name: "inevitability",
        caption,
        svg,
    })
}
