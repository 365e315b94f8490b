//! Pictures of runs and sweeps as SVG, drawn by plotters from the numbers of their reports.
//!
//! Labels are ASCII and no font is measured, so that the same numbers give the same bytes everywhere. Colours are those of Okabe
//! and Ito, with marks and words beside them. All pictures over time have the same axis and the same fault bands.

mod heat;
mod inevitable;
mod latency;
mod numbers;
#[cfg(feature = "png")]
mod png;
mod roles;
mod spread;
#[cfg(test)]
mod tests;
mod throughput;

use std::io;

use plotters::coord::Shift;
use plotters::coord::ranged1d::{Ranged, ValueFormatter};
use plotters::coord::types::RangedCoordu64;
use plotters::prelude::*;

pub use heat::heat;
pub use inevitable::inevitability;
pub use numbers::{Band, How, Point, RunFigures, Server, Stretch};
#[cfg(feature = "png")]
pub use png::png;

/// A picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Figure {
    /// A file name without its ending.
    pub name: &'static str,
    /// What it shows, in a sentence or two.
    pub caption: String,
    /// The picture.
    pub svg: String,
}

/// Every picture of a run that has something to show.
pub fn figures(run: &RunFigures) -> Vec<Figure> {
    let all = [
        roles::roles(run),
        latency::points(run),
        latency::percentiles(run),
        throughput::throughput(run),
        spread::cdf(run),
        spread::staleness(run),
    ];
    all.into_iter().flatten().collect()
}

/// Okabe and Ito's colours, which everybody can tell apart.
const BLUE: RGBColor = RGBColor(0, 114, 178);
const SKY: RGBColor = RGBColor(86, 180, 233);
const GREEN: RGBColor = RGBColor(0, 158, 115);
const ORANGE: RGBColor = RGBColor(230, 159, 0);
const BROWN: RGBColor = RGBColor(140, 90, 0);
const VERMILION: RGBColor = RGBColor(213, 94, 0);
const PURPLE: RGBColor = RGBColor(204, 121, 167);
const GREY: RGBColor = RGBColor(110, 110, 110);

const WIDTH: u32 = 960;
const HEIGHT: u32 = 320;
const FONT: &str = "sans-serif";

type Drawn = Result<(), DrawingAreaErrorKind<io::Error>>;
type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
type OverTime<'a, 'b, Y> = ChartContext<'a, SVGBackend<'b>, Cartesian2d<RangedCoordu64, Y>>;

/// Draws on a white area of a height.
fn picture(height: u32, draw: impl FnOnce(&Area<'_>) -> Drawn) -> String {
    let mut svg = String::new();
    let area = SVGBackend::with_string(&mut svg, (WIDTH, height)).into_drawing_area();
    let drawn = area.fill(&WHITE).and_then(|()| draw(&area));
    drawn
        .and_then(|()| area.present())
        .expect("a string takes any drawing");
    drop(area);
    svg
}

/// A title above the chart, with room around it.
fn titled<'a, 'b>(area: &'a Area<'b>, title: &str) -> ChartBuilder<'a, 'b, SVGBackend<'b>> {
    let mut builder = ChartBuilder::on(area);
    builder
        .margin(12)
        .margin_right(24)
        .caption(title, (FONT, 16))
        .x_label_area_size(36)
        .y_label_area_size(72);
    builder
}

/// Milliseconds as seconds.
fn seconds(ms: u64) -> String {
    if ms.is_multiple_of(1_000) {
        format!("{} s", ms / 1_000)
    } else {
        format!("{}.{} s", ms / 1_000, ms % 1_000 / 100)
    }
}

/// Microseconds in the unit that is short.
fn micros(us: u64) -> String {
    match us {
        0..1_000 => format!("{us} us"),
        1_000..10_000 if !us.is_multiple_of(1_000) => {
            format!("{}.{} ms", us / 1_000, us % 1_000 / 100)
        }
        1_000..1_000_000 => format!("{} ms", us / 1_000),
        1_000_000.. => format!("{}.{} s", us / 1_000_000, us % 1_000_000 / 100_000),
    }
}

/// The faults of a run as bands behind everything else; names where there is room.
fn bands<Y: Ranged<ValueType = u64>>(
    chart: &mut OverTime<'_, '_, Y>,
    run: &RunFigures,
    (low, high): (u64, u64),
) -> Drawn {
    let rectangle = |band: &Band| {
        Rectangle::new(
            [(band.from_ms, low), (band.to_ms, high)],
            ORANGE.mix(0.16).filled(),
        )
    };
    chart.draw_series(run.faults.iter().map(rectangle))?;
    let edge = |band: &Band| {
        PathElement::new(
            vec![(band.from_ms, low), (band.from_ms, high)],
            ORANGE.mix(0.7),
        )
    };
    chart.draw_series(run.faults.iter().map(edge))?;
    let mut free = 0;
    for band in &run.faults {
        // About six units of a thousand per letter.
        let width = band.label.len() as u64 * run.end_ms * 7 / 1_000;
        if band.from_ms < free || band.from_ms + width > run.end_ms {
            continue;
        }
        free = band.from_ms + width;
        let style = (FONT, 11).into_font().color(&BROWN);
        let text = Text::new(band.label.clone(), (band.from_ms, high), style);
        chart.draw_series([text])?;
    }
    Ok(())
}

/// The grid of a chart over time; what `label` makes of y.
fn mesh<Y: Ranged<ValueType = u64> + ValueFormatter<u64>>(
    chart: &mut OverTime<'_, '_, Y>,
    y_name: &str,
    label: fn(u64) -> String,
) -> Drawn {
    chart
        .configure_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(BLACK.mix(0.12))
        .x_labels(10)
        .y_labels(6)
        .x_desc("virtual time")
        .y_desc(y_name)
        .x_label_formatter(&|ms| seconds(*ms))
        .y_label_formatter(&move |y| label(*y))
        .label_style((FONT, 12))
        .draw()
}

/// The legend, on a background that lets nothing through.
fn legend<'a, 'b: 'a, X, Y>(
    chart: &mut ChartContext<'a, SVGBackend<'b>, Cartesian2d<X, Y>>,
    at: SeriesLabelPosition,
) -> Drawn
where
    X: Ranged,
    Y: Ranged,
{
    chart
        .configure_series_labels()
        .position(at)
        .background_style(WHITE.mix(0.85))
        .border_style(BLACK.mix(0.3))
        .label_font((FONT, 12))
        .draw()
}

/// A line in a legend.
fn stroke(colour: RGBColor) -> impl Fn((i32, i32)) -> PathElement<(i32, i32)> {
    move |(x, y)| PathElement::new(vec![(x, y), (x + 16, y)], colour.stroke_width(2))
}
