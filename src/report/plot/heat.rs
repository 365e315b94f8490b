//! Which seeds of which scenario failed: a row per scenario, a column per range of seeds.

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::{FONT, Figure, SKY, VERMILION, WIDTH, picture};
use crate::report::data::sweep::SweepReport;

const ROW: i32 = 22;
const LEFT: i32 = 150;
const TOP: i32 = 44;

/// The map of a sweep's failures; none if nothing was played.
pub fn heat(report: &SweepReport) -> Option<Figure> {
    let heat = &report.heat;
    let columns = heat
        .cells
        .iter()
        .map(Vec::len)
        .max()
        .filter(|count| *count > 0)?;
    let columns = i32::try_from(columns).expect("forty columns");
    let rows = i32::try_from(heat.rows.len()).expect("few scenarios");
    let height = u32::try_from(TOP + rows * ROW + 40).expect("few scenarios");
    let right = i32::try_from(WIDTH).expect("small") - 24;
    let x = |column: i32| LEFT + (right - LEFT) * column / columns;
    let most = heat.cells.iter().flatten().copied().max().unwrap_or(0);
    let svg = picture(height, |area| {
        let title = format!("Failed runs by seed, {} runs", report.runs);
        area.draw(&Text::new(title, (12, 12), (FONT, 16)))?;
        let name_style = (FONT, 12)
            .into_font()
            .color(&BLACK)
            .pos(Pos::new(HPos::Right, VPos::Center));
        for (row, (name, cells)) in (0..).zip(heat.rows.iter().zip(&heat.cells)) {
            let y = TOP + row * ROW;
            let at = (LEFT - 8, y + ROW / 2 - 1);
            area.draw(&Text::new(name.clone(), at, name_style.clone()))?;
            for (column, failed) in (0..).zip(cells) {
                let corners = [(x(column), y), (x(column + 1) - 1, y + ROW - 2)];
                let style = if *failed == 0 {
                    SKY.mix(0.25).filled()
                } else {
                    VERMILION.mix(strength(*failed, most)).filled()
                };
                area.draw(&Rectangle::new(corners, style))?;
                if *failed > 0 && columns <= 40 {
                    let at = (i32::midpoint(x(column), x(column + 1)), y + ROW / 2 - 1);
                    let style = (FONT, 10)
                        .into_font()
                        .color(&BLACK)
                        .pos(Pos::new(HPos::Center, VPos::Center));
                    area.draw(&Text::new(failed.to_string(), at, style))?;
                }
            }
        }
        let y = TOP + rows * ROW + 6;
        let style = (FONT, 12);
        area.draw(&Text::new(
            format!("seed {}", report.seeds_from),
            (LEFT, y),
            style,
        ))?;
        let last = Text::new(
            format!("seed {}", report.seeds_to.saturating_sub(1)),
            (right, y),
            (FONT, 12)
                .into_font()
                .color(&BLACK)
                .pos(Pos::new(HPos::Right, VPos::Top)),
        );
        area.draw(&last)
    });
    let caption = format!(
        "Runs that failed, by scenario and range of seeds; {most} at most in one range. Blue ranges hold."
    );
    Some(Figure {
        name: "seeds",
        caption,
        svg,
    })
}

/// How strong a colour is, in four steps.
fn strength(failed: u64, most: u64) -> f64 {
    match failed * 4 / most.max(1) {
        0 => 0.4,
        1 => 0.55,
        2 => 0.7,
        3 => 0.85,
        _ => 1.0,
    }
}
