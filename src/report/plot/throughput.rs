//! How many operations ended per window, by outcome.

use plotters::prelude::*;

use super::numbers::{How, RunFigures};
use super::{
    BLUE, Figure, HEIGHT, ORANGE, VERMILION, bands, legend, mesh, picture, stroke, titled,
};

const WINDOWS: u64 = 60;

pub(super) fn throughput(run: &RunFigures) -> Option<Figure> {
    if run.points.is_empty() {
        return None;
    }
    let kinds = [
        (How::Ok, "answered", BLUE),
        (How::Failed, "refused", ORANGE),
        (How::Unknown, "unknown", VERMILION),
    ];
    let steps = kinds.map(|(how, ..)| steps(run, how));
    let all = steps.iter().flatten().map(|(_, count)| *count);
    let high = all.max().unwrap_or(1).max(1) * 14 / 10 + 1;
    let svg = picture(HEIGHT, |area| {
        let mut chart = titled(area, &format!("Throughput, {}", run.title))
            .build_cartesian_2d(0..run.end_ms, 0..high)?;
        bands(&mut chart, run, (0, high))?;
        mesh(&mut chart, "operations per window", |count| {
            count.to_string()
        })?;
        for ((_, name, colour), steps) in kinds.into_iter().zip(steps) {
            chart
                .draw_series(LineSeries::new(steps, colour.stroke_width(2)))?
                .label(name)
                .legend(stroke(colour));
        }
        legend(&mut chart, SeriesLabelPosition::UpperRight)
    });
    let caption = format!(
        "Operations that ended, in {WINDOWS} windows of {} ms, by outcome. Orange bands are faults.",
        run.end_ms / WINDOWS
    );
    Some(Figure {
        name: "throughput",
        caption,
        svg,
    })
}

/// Both ends of every window.
fn steps(run: &RunFigures, how: How) -> Vec<(u64, u64)> {
    let mut counts = vec![0; usize::try_from(WINDOWS).expect("few")];
    for point in run.points.iter().filter(|point| point.how == how) {
        let window = (point.at_ms * WINDOWS / run.end_ms).min(WINDOWS - 1);
        counts[usize::try_from(window).expect("few")] += 1;
    }
    let x = |window: u64| window * run.end_ms / WINDOWS;
    let ends = |(window, count)| [(x(window), count), (x(window + 1), count)];
    (0..).zip(counts).flat_map(ends).collect()
}
