//! What each server did, and in which epoch: a row per server, a gap where it was down.

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::numbers::{RunFigures, Stretch};
use super::{
    BLUE, Drawn, FONT, Figure, GREEN, GREY, ORANGE, OverTime, SKY, bands, picture, seconds, titled,
};
use crate::experiment::chronicle::standing::Doing;
use plotters::coord::types::RangedCoordu64;

/// Height of a row in the chart's own units, and of its bar.
const ROW: u64 = 10;
const BAR: u64 = 7;

fn colour(doing: Doing) -> Option<RGBColor> {
    match doing {
        Doing::Down => None,
        Doing::Looking => Some(ORANGE),
        Doing::Joining => Some(GREY),
        Doing::Following => Some(SKY),
        Doing::Leading => Some(BLUE),
        Doing::Observing => Some(GREEN),
    }
}

pub(super) fn roles(run: &RunFigures) -> Option<Figure> {
    if run.servers.is_empty() {
        return None;
    }
    let rows = run.servers.len() as u64;
    let high = rows * ROW;
    let height = 126 + u32::try_from(rows).expect("an ensemble is small") * 34;
    let svg = picture(height, |area| {
        let mut chart = titled(area, &format!("Roles and epochs, {}", run.title))
            .margin_top(28)
            .build_cartesian_2d(0..run.end_ms, 0..high)?;
        bands(&mut chart, run, (0, high))?;
        let names: Vec<String> = run
            .servers
            .iter()
            .map(|server| server.name.clone())
            .collect();
        chart
            .configure_mesh()
            .disable_y_mesh()
            .light_line_style(TRANSPARENT)
            .bold_line_style(BLACK.mix(0.12))
            .x_labels(10)
            .disable_y_axis()
            .y_labels(1)
            .x_desc("virtual time")
            .x_label_formatter(&|ms| seconds(*ms))
            .label_style((FONT, 12))
            .draw()?;
        for (row, server) in (0..).zip(&run.servers) {
            // The first server is at the top.
            let y = high - (row + 1) * ROW;
            for stretch in &server.stretches {
                bar(&mut chart, run, stretch, y)?;
            }
        }
        legend_of_roles(area)?;
        row_names(area, &chart, &names, high)
    });
    let caption = "What each server did over time, with its epoch: blue leads, light blue follows, green observes, grey joins, \
                   orange looks for a leader, nothing is down. Orange bands are faults."
        .to_owned();
    Some(Figure {
        name: "roles",
        caption,
        svg,
    })
}

type Chart<'a, 'b> = OverTime<'a, 'b, RangedCoordu64>;

fn bar(chart: &mut Chart<'_, '_>, run: &RunFigures, stretch: &Stretch, y: u64) -> Drawn {
    let Some(colour) = colour(stretch.doing) else {
        return Ok(());
    };
    let corners = [(stretch.from_ms, y + 1), (stretch.to_ms, y + 1 + BAR)];
    chart.draw_series([Rectangle::new(corners, colour.filled())])?;
    let text = match stretch.doing {
        Doing::Leading => format!("leads e{}", stretch.epoch),
        Doing::Following | Doing::Observing => format!("e{}", stretch.epoch),
        Doing::Down | Doing::Looking | Doing::Joining => return Ok(()),
    };
    // About seven thousandths of the width per letter.
    let width = text.len() as u64 * run.end_ms * 9 / 1_000;
    if stretch.to_ms - stretch.from_ms < width {
        return Ok(());
    }
    let ink = if stretch.doing == Doing::Leading {
        WHITE
    } else {
        BLACK
    };
    let style = (FONT, 12)
        .into_font()
        .color(&ink)
        .pos(Pos::new(HPos::Left, VPos::Center));
    let at = (stretch.from_ms + run.end_ms * 4 / 1_000, y + 1 + BAR / 2);
    chart.draw_series([Text::new(text, at, style)])?;
    Ok(())
}

/// Above the title.
fn legend_of_roles(area: &super::Area<'_>) -> Drawn {
    let all = [
        Doing::Leading,
        Doing::Following,
        Doing::Observing,
        Doing::Joining,
        Doing::Looking,
    ];
    let mut x = 84;
    for doing in all {
        let Some(colour) = colour(doing) else {
            continue;
        };
        area.draw(&Rectangle::new([(x, 8), (x + 12, 20)], colour.filled()))?;
        let style = (FONT, 12).into_font().color(&BLACK);
        area.draw(&Text::new(doing.name(), (x + 18, 8), style))?;
        x += 96;
    }
    Ok(())
}

fn row_names(area: &super::Area<'_>, chart: &Chart<'_, '_>, names: &[String], high: u64) -> Drawn {
    let style = (FONT, 12)
        .into_font()
        .color(&BLACK)
        .pos(Pos::new(HPos::Right, VPos::Center));
    for (row, name) in (0..).zip(names) {
        let y = high - row * ROW - ROW / 2;
        let (x, y) = chart.backend_coord(&(0, y));
        area.draw(&Text::new(name.clone(), (x - 8, y), style.clone()))?;
    }
    Ok(())
}
