//! Distributions: latency of reads and writes, staleness of reads.

use std::collections::BTreeMap;

use plotters::prelude::*;

use super::numbers::RunFigures;
use super::{BLUE, FONT, Figure, HEIGHT, VERMILION, legend, micros, picture, stroke, titled};

/// Steps of a curve at most.
const STEPS: usize = 400;

pub(super) fn cdf(run: &RunFigures) -> Option<Figure> {
    let mut kinds =
        [("reads", BLUE, false), ("writes", VERMILION, true)].map(|(name, colour, is_write)| {
            let own = run.answered().filter(|point| point.is_write == is_write);
            (
                name,
                colour,
                own.map(|point| point.took_us).collect::<Vec<u64>>(),
            )
        });
    let all = kinds.iter().flat_map(|(.., values)| values);
    let high = all.clone().copied().max()?;
    let low = all.copied().min()?;
    let (low, high) = (10_u64.pow(low.ilog10()), 10_u64.pow(high.ilog10() + 1));
    let svg = picture(HEIGHT, |area| {
        let mut chart = titled(area, &format!("Distribution of latency, {}", run.title))
            .build_cartesian_2d((low..high).log_scale(), 0..1_000_u64)?;
        chart
            .configure_mesh()
            .light_line_style(TRANSPARENT)
            .bold_line_style(BLACK.mix(0.12))
            .y_labels(6)
            .x_desc("latency")
            .y_desc("share of answers")
            .x_label_formatter(&|us| micros(*us))
            .y_label_formatter(&|share| format!("{} %", share / 10))
            .label_style((FONT, 12))
            .draw()?;
        for (name, colour, values) in &mut kinds {
            values.sort_unstable();
            chart
                .draw_series(LineSeries::new(curve(values), colour.stroke_width(2)))?
                .label(*name)
                .legend(stroke(*colour));
        }
        legend(&mut chart, SeriesLabelPosition::LowerRight)
    });
    let caption = format!(
        "Which share of {} reads and {} writes was answered or refused within a time, on a logarithmic scale.",
        kinds[0].2.len(),
        kinds[1].2.len()
    );
    Some(Figure {
        name: "cdf",
        caption,
        svg,
    })
}

/// Value and share in thousandths, at equal distances of rank.
fn curve(values: &[u64]) -> Vec<(u64, u64)> {
    let count = values.len();
    let steps = count.min(STEPS);
    let at = |step: usize| {
        let rank = (step * count).div_ceil(steps).max(1);
        (values[rank - 1], (rank * 1_000 / count) as u64)
    };
    (1..=steps).map(at).collect()
}

pub(super) fn staleness(run: &RunFigures) -> Option<Figure> {
    let stale: u64 = run.ms_behind.values().sum();
    if stale == 0 {
        return None;
    }
    let reads: u64 = run.versions_behind.values().sum();
    let (width, bars) = histogram(&run.ms_behind);
    let right = width * (bars.len() as u64 + 1);
    let high = bars.iter().copied().max().unwrap_or(1) * 11 / 10 + 1;
    let svg = picture(HEIGHT, |area| {
        let mut chart = titled(area, &format!("Staleness of reads, {}", run.title))
            .build_cartesian_2d(0..right, 0..high)?;
        chart
            .configure_mesh()
            .light_line_style(TRANSPARENT)
            .bold_line_style(BLACK.mix(0.12))
            .x_labels(10)
            .y_labels(6)
            .x_desc("since somebody was told of the first version missed")
            .y_desc("stale reads")
            .x_label_formatter(&|ms| micros(ms * 1_000))
            .label_style((FONT, 12))
            .draw()?;
        let bar = |(index, count): (u64, &u64)| {
            let mut bar = Rectangle::new(
                [(index * width, 0), ((index + 1) * width, *count)],
                BLUE.filled(),
            );
            bar.set_margin(0, 0, 1, 1);
            bar
        };
        chart.draw_series((0..).zip(&bars).map(bar)).map(|_| ())
    });
    let most = run.versions_behind.keys().last().copied().unwrap_or(0);
    let caption = format!(
        "{stale} of {reads} reads were stale, by {most} versions at most; bars of {width} ms by the time since somebody was told of the first \
         version they miss. ZooKeeper allows it."
    );
    Some(Figure {
        name: "staleness",
        caption,
        svg,
    })
}

/// The width of a bar, and how many values fall into each.
fn histogram(values: &BTreeMap<u64, u64>) -> (u64, Vec<u64>) {
    let last = values.keys().last().copied().unwrap_or(0);
    let mut width = 1;
    while last / width >= 48 {
        width *= if width.to_string().starts_with('2') {
            5
        } else {
            2
        };
        // 1, 2, 10, 20, 100: round numbers.
    }
    let count = usize::try_from(last / width + 1).expect("48 at most");
    let mut bars = vec![0; count];
    for (value, times) in values {
        bars[usize::try_from(value / width).expect("48 at most")] += times;
    }
    (width, bars)
}
