//! How long answers took: every operation, and percentiles per window.

use plotters::coord::combinators::LogCoord;
use plotters::prelude::*;

use super::numbers::{How, Point, RunFigures};
use super::{
    BLUE, Drawn, Figure, GREY, HEIGHT, ORANGE, PURPLE, SKY, VERMILION, bands, legend, mesh, micros,
    picture, stroke, titled,
};
use crate::report::data::Quantiles;

/// More points than that are drawn as quantiles per column: nobody can tell them apart, and the file grows.
pub(super) const MOST: usize = 2_000;

/// Columns of quantiles, and windows of percentiles.
const COLUMNS: u64 = 240;
const WINDOWS: u64 = 60;

/// The powers of ten around all values.
fn decades(values: impl Iterator<Item = u64> + Clone) -> (u64, u64) {
    let low = values.clone().min().unwrap_or(1).max(1);
    let high = values.max().unwrap_or(10).max(low);
    let floor = 10_u64.pow(low.ilog10());
    let ceiling = 10_u64.saturating_pow(high.ilog10() + 1);
    (floor, ceiling)
}

pub(super) fn points(run: &RunFigures) -> Option<Figure> {
    if run.points.is_empty() {
        return None;
    }
    let is_dense = run.points.len() > MOST;
    let (low, high) = decades(run.points.iter().map(|point| point.took_us));
    let svg = picture(HEIGHT, |area| {
        let mut chart = titled(area, &format!("Latency, {}", run.title))
            .build_cartesian_2d(0..run.end_ms, (low..high).log_scale())?;
        bands(&mut chart, run, (low, high))?;
        mesh(&mut chart, "latency", micros)?;
        if is_dense {
            columns(&mut chart, run)?;
        } else {
            scatter(&mut chart, run)?;
        }
        legend(&mut chart, SeriesLabelPosition::UpperRight)
    });
    let what = if is_dense {
        "per column of time the range, the middle half and the median of all answers"
    } else {
        "a mark per operation at its end: circles were answered, triangles refused, crosses have an unknown outcome"
    };
    let caption = format!(
        "How long {} operations took, on a logarithmic scale; {what}. Orange bands are faults.",
        run.points.len()
    );
    Some(Figure {
        name: "latency",
        caption,
        svg,
    })
}

type Chart<'a, 'b> = super::OverTime<'a, 'b, LogCoord<u64>>;

fn scatter(chart: &mut Chart<'_, '_>, run: &RunFigures) -> Drawn {
    let of = |how: How| {
        let points = run.points.iter().filter(move |point| point.how == how);
        points.map(|point| (point.at_ms, point.took_us))
    };
    chart
        .draw_series(of(How::Ok).map(|at| Circle::new(at, 2, BLUE.filled())))?
        .label("answered")
        .legend(|at| Circle::new((at.0 + 8, at.1), 3, BLUE.filled()));
    chart
        .draw_series(of(How::Failed).map(|at| TriangleMarker::new(at, 4, ORANGE.filled())))?
        .label("refused")
        .legend(|at| TriangleMarker::new((at.0 + 8, at.1), 4, ORANGE.filled()));
    chart
        .draw_series(of(How::Unknown).map(|at| Cross::new(at, 4, VERMILION.stroke_width(2))))?
        .label("unknown")
        .legend(|at| Cross::new((at.0 + 8, at.1), 4, VERMILION.stroke_width(2)));
    Ok(())
}

/// The points of each column that has some.
fn by_column(run: &RunFigures, count: u64) -> Vec<(u64, Vec<u64>)> {
    let mut columns: Vec<(u64, Vec<u64>)> = Vec::new();
    for Point { at_ms, took_us, .. } in run.answered() {
        let column = at_ms * count / run.end_ms;
        match columns.last_mut() {
            Some((last, values)) if *last == column => values.push(*took_us),
            Some(_) | None => columns.push((column, vec![*took_us])),
        }
    }
    for (_, values) in &mut columns {
        values.sort_unstable();
    }
    columns
}

fn columns(chart: &mut Chart<'_, '_>, run: &RunFigures) -> Drawn {
    let columns = by_column(run, COLUMNS);
    let x = |column: u64| (column * 2 + 1) * run.end_ms / (2 * COLUMNS);
    let at = |values: &[u64], percent: usize| values[(values.len() - 1) * percent / 100];
    let bar = |(column, values): &(u64, Vec<u64>), low: usize, high: usize, style: ShapeStyle| {
        let ends = [at(values, low), at(values, high)];
        PathElement::new(ends.map(|y| (x(*column), y)).to_vec(), style)
    };
    chart
        .draw_series(
            columns
                .iter()
                .map(|column| bar(column, 0, 100, GREY.mix(0.5).stroke_width(1))),
        )?
        .label("all")
        .legend(stroke(GREY));
    chart
        .draw_series(
            columns
                .iter()
                .map(|column| bar(column, 25, 75, SKY.stroke_width(3))),
        )?
        .label("middle half")
        .legend(stroke(SKY));
    chart
        .draw_series(
            columns.iter().map(|(column, values)| {
                Circle::new((x(*column), at(values, 50)), 2, BLUE.filled())
            }),
        )?
        .label("median")
        .legend(|at| Circle::new((at.0 + 8, at.1), 3, BLUE.filled()));
    Ok(())
}

pub(super) fn percentiles(run: &RunFigures) -> Option<Figure> {
    let windows = by_column(run, WINDOWS);
    if windows.is_empty() {
        return None;
    }
    let (low, high) = decades(run.answered().map(|point| point.took_us));
    let quantiles: Vec<(u64, Quantiles)> = windows
        .into_iter()
        .map(|(window, values)| (window, Quantiles::of(values)))
        .collect();
    let svg = picture(HEIGHT, |area| {
        let mut chart = titled(area, &format!("Latency percentiles, {}", run.title))
            .build_cartesian_2d(0..run.end_ms, (low..high).log_scale())?;
        bands(&mut chart, run, (low, high))?;
        mesh(&mut chart, "latency", micros)?;
        line(&mut chart, run, &quantiles, ("p99", PURPLE), |q| q.p99)?;
        line(&mut chart, run, &quantiles, ("p90", ORANGE), |q| q.p90)?;
        line(&mut chart, run, &quantiles, ("p50", BLUE), |q| q.p50)?;
        legend(&mut chart, SeriesLabelPosition::UpperRight)
    });
    let caption = format!(
        "Percentiles of the latency of answers and refusals in {WINDOWS} windows; gaps are windows without any. Orange bands are faults."
    );
    Some(Figure {
        name: "percentiles",
        caption,
        svg,
    })
}

/// A line with gaps where there is nothing.
fn line(
    chart: &mut Chart<'_, '_>,
    run: &RunFigures,
    quantiles: &[(u64, Quantiles)],
    (name, colour): (&str, RGBColor),
    pick: fn(&Quantiles) -> Option<u64>,
) -> Drawn {
    let x = |window: u64| (window * 2 + 1) * run.end_ms / (2 * WINDOWS);
    let style = colour.stroke_width(2);
    for (index, piece) in quantiles
        .chunk_by(|one, other| one.0 + 1 == other.0)
        .enumerate()
    {
        let points = piece
            .iter()
            .filter_map(|(window, q)| Some((x(*window), pick(q)?)));
        let points: Vec<(u64, u64)> = points.collect();
        chart.draw_series(points.iter().map(|at| Circle::new(*at, 2, colour.filled())))?;
        let drawn = chart.draw_series(LineSeries::new(points, style))?;
        if index == 0 {
            drawn.label(name).legend(stroke(colour));
        }
    }
    Ok(())
}
