//! Pictures as PNG: what the SVG shows, drawn by resvg with the one font that comes with the program.

use std::sync::Arc;

use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::fontdb::Database;
use resvg::usvg::{Options, Tree};

use super::{FONT, Figure};

/// DejaVu Sans, cut down to ASCII: labels are ASCII.
const LETTERS: &[u8] = include_bytes!("../../../assets/DejaVuSans-ascii.ttf");

/// Pixels per unit of the picture.
const SCALE: u16 = 2;

/// The picture as PNG; the same bytes from the same picture.
///
/// # Panics
/// If the picture is no SVG.
pub fn png(figure: &Figure) -> Vec<u8> {
    let mut fonts = Database::new();
    fonts.load_font_data(LETTERS.to_vec());
    fonts.set_sans_serif_family("DejaVu Sans");
    let options = Options {
        fontdb: Arc::new(fonts),
        font_family: FONT.to_owned(),
        ..Options::default()
    };
    let tree = Tree::from_str(&figure.svg, &options).expect("plotters writes SVG");
    let size = tree.size().to_int_size();
    let (width, height) = (
        size.width() * u32::from(SCALE),
        size.height() * u32::from(SCALE),
    );
    let mut pixels = Pixmap::new(width, height).expect("a picture has an area");
    let scale = f32::from(SCALE);
    resvg::render(
        &tree,
        Transform::from_scale(scale, scale),
        &mut pixels.as_mut(),
    );
    pixels.encode_png().expect("memory takes all")
}

#[cfg(test)]
mod tests {
    use super::super::{WIDTH, picture};
    use super::*;
    use plotters::prelude::*;

    fn figure(text: &str) -> Figure {
        let svg = picture(100, |area| {
            let style = (FONT, 40).into_font().color(&BLACK);
            area.draw(&Text::new(text.to_owned(), (20, 20), style))
        });
        Figure {
            name: "test",
            caption: String::new(),
            svg,
        }
    }

    #[test]
    fn letters_are_drawn_without_any_font_of_the_system_and_twice_the_same() {
        let drawn = png(&figure("zxid 2:7"));
        assert_eq!(drawn, png(&figure("zxid 2:7")));
        let pixels = Pixmap::decode_png(&drawn).unwrap();
        let scale = u32::from(SCALE);
        assert_eq!(
            (pixels.width(), pixels.height()),
            (WIDTH * scale, 100 * scale)
        );
        let dark = |pixels: &Pixmap| {
            let is_dark = |pixel: &&resvg::tiny_skia::PremultipliedColorU8| pixel.red() < 100;
            pixels.pixels().iter().filter(is_dark).count()
        };
        assert!(dark(&pixels) > 500, "{} dark pixels", dark(&pixels));
        let blank = Pixmap::decode_png(&png(&figure(""))).unwrap();
        assert_eq!(dark(&blank), 0);
    }
}
