//! Ties drawn as arrows over the image they were measured in.

use image::{Rgb, RgbImage};
use ndarray::{Array2, Array3};

use crate::chip::encode;
use crate::draw::{LETTER, block, mix, text, wrapped};
use crate::{Result, Stretch};

/// Length that the 90 % quantile of the displacements is drawn with, pixels of the picture.
const LONG_PX: f64 = 24.0;
/// Arrows are not drawn longer than so many times their length, so that noise does not look like relief.
const MOST_SCALE: f64 = 40.0;
/// Residual from which an arrow is red, pixels; green at 0.
const RED_PX: f64 = 1.0;
/// Height of a line of the caption, pixels.
const LINE_PX: u32 = 12;

/// What is drawn.
#[derive(Clone, Debug)]
pub struct Quiver {
    /// Red, green and blue of the ground, `(3, rows, cols)`, in the image's own unit.
    pub rgb: Array3<f32>,
    /// Which pixels are there, `(rows, cols)`.
    pub valid: Array2<bool>,
    /// The ties.
    pub arrows: Vec<Arrow>,
    /// What is known of the ground.
    pub cells: Vec<Cell>,
    /// What stands below; `{scale}` becomes how many times too long the arrows are.
    pub caption: String,
    /// Pixels of the picture for one of the image.
    pub px_per_pixel: f64,
}

/// A tie.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Arrow {
    /// Where, rows of the picture.
    pub row: f64,
    /// Columns.
    pub col: f64,
    /// Its displacement, rows of the image.
    pub d_row_px: f64,
    /// Columns.
    pub d_col_px: f64,
    /// What it is off by, pixels of the image; NaN: unknown.
    pub residual_px: f64,
    /// Not one that the field goes by: with a ring in place of a dot.
    pub hollow: bool,
}

/// A square of ground.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cell {
    /// Upper edge, rows of the picture.
    pub top: f64,
    /// Left edge.
    pub left: f64,
    /// Side.
    pub side: f64,
    /// Colour that it is tinted with.
    pub tint: Option<[u8; 3]>,
}

/// The picture as PNG.
///
/// Arrows point where the later image's content lies, green where the fit is off by nothing, over yellow to red where by
/// a pixel or more; all are as many times too long as makes them readable, and the caption says how many.
///
/// # Errors
/// [`crate::Error::StretchShape`] where the shapes differ; [`crate::Error::Png`] where it cannot be packed.
pub fn quiver_png(quiver: &Quiver) -> Result<Vec<u8>> {
    let stretch = Stretch::of(quiver.rgb.view(), quiver.valid.view())?;
    let shown = stretch.apply(quiver.rgb.view(), quiver.valid.view())?;
    let (rows, cols, _) = shown.dim();
    let mut lengths: Vec<f64> = quiver.arrows.iter().map(|a| a.d_row_px.hypot(a.d_col_px)).collect();
    lengths.sort_by(f64::total_cmp);
    let long = lengths.get(lengths.len() * 9 / 10).copied().unwrap_or(1.0);
    let scale = (LONG_PX / (long * quiver.px_per_pixel).max(1e-9)).clamp(1.0, MOST_SCALE).round();
    let caption = quiver.caption.replace("{scale}", &format!("{scale:.0}"));
    let lines = wrapped(&caption, (cols as u32).saturating_sub(8) as usize / LETTER as usize);
    let foot = (lines.len() as u32 + 1) * LINE_PX;
    let mut canvas = RgbImage::from_pixel(cols as u32, rows as u32 + foot, Rgb([255; 3]));
    for r in 0..rows {
        for c in 0..cols {
            // Grey and paler, so that the arrows stand out.
            let grey = [0, 1, 2].iter().map(|&b| u32::from(shown[(r, c, b)])).sum::<u32>() / 3;
            canvas.put_pixel(c as u32, r as u32, Rgb([(96 + grey * 159 / 255) as u8; 3]));
        }
    }
    for cell in &quiver.cells {
        let Some(tint) = cell.tint else { continue };
        let span = |from: f64, end: usize| {
            (from.max(0.0) as usize).min(end)..((from + cell.side).max(0.0) as usize).min(end)
        };
        for r in span(cell.top, rows) {
            for c in span(cell.left, cols) {
                mix(canvas.get_pixel_mut(c as u32, r as u32), Rgb(tint), 0.3);
            }
        }
    }
    for arrow in &quiver.arrows {
        draw(&mut canvas, arrow, scale * quiver.px_per_pixel, rows);
    }
    block(&mut canvas, 0, rows as u32, cols as u32, foot, Rgb([255; 3]));
    for (k, line) in lines.iter().enumerate() {
        text(&mut canvas, 4, rows as u32 + LINE_PX / 2 + k as u32 * LINE_PX, 1, line, Rgb([0; 3]));
    }
    encode(&canvas)
}

/// From green over yellow to red.
fn colour(residual_px: f64) -> Rgb<u8> {
    if residual_px.is_nan() {
        return Rgb([60, 60, 200]);
    }
    let t = (residual_px / RED_PX).clamp(0.0, 1.0);
    let level = |v: f64| (v.clamp(0.0, 1.0) * 200.0) as u8;
    Rgb([level(2.0 * t), level(2.0 - 2.0 * t).min(150), 0])
}

fn draw(canvas: &mut RgbImage, arrow: &Arrow, scale: f64, rows: usize) {
    let colour = colour(arrow.residual_px);
    let (y, x) = (arrow.row, arrow.col);
    let (dy, dx) = (arrow.d_row_px * scale, arrow.d_col_px * scale);
    let (to_y, to_x) = (y + dy, x + dx);
    stroke(canvas, (y, x), (to_y, to_x), colour, rows);
    let length = dy.hypot(dx);
    if length > 5.0 {
        for turn in [2.6f64, -2.6] {
            let (sin, cos) = turn.sin_cos();
            let (by, bx) = (dy * cos + dx * sin, dx * cos - dy * sin);
            stroke(canvas, (to_y, to_x), (to_y + by / length * 5.0, to_x + bx / length * 5.0), colour, rows);
        }
    }
    for i in -3i32..=3 {
        for j in -3i32..=3 {
            let apart = f64::from(i).hypot(f64::from(j));
            let weight = if arrow.hollow { 1.3 - (apart - 2.2).abs() } else { 2.3 - apart };
            dot(canvas, y + f64::from(i), x + f64::from(j), colour, weight, rows);
        }
    }
}

/// A line a pixel and a half wide, its edges soft.
fn stroke(canvas: &mut RgbImage, a: (f64, f64), b: (f64, f64), colour: Rgb<u8>, rows: usize) {
    let (dy, dx) = (b.0 - a.0, b.1 - a.1);
    let squared = (dy * dy + dx * dx).max(1e-9);
    let span = |p: f64, q: f64| (p.min(q) - 2.0).floor() as i64..=(p.max(q) + 2.0).ceil() as i64;
    for r in span(a.0, b.0) {
        for c in span(a.1, b.1) {
            let (y, x) = (r as f64 - a.0, c as f64 - a.1);
            let t = ((y * dy + x * dx) / squared).clamp(0.0, 1.0);
            dot(canvas, r as f64, c as f64, colour, 1.25 - (y - t * dy).hypot(x - t * dx), rows);
        }
    }
}

fn dot(canvas: &mut RgbImage, row: f64, col: f64, colour: Rgb<u8>, weight: f64, rows: usize) {
    let inside = |v: f64, end: f64| v >= 0.0 && v < end;
    if weight > 0.0 && inside(row, rows as f64) && inside(col, f64::from(canvas.width())) {
        mix(canvas.get_pixel_mut(col as u32, row as u32), colour, weight.min(1.0));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_arrow_points_where_the_content_went_and_its_colour_tells_the_residual() {
        let quiver = |residual_px: f64| Quiver {
            rgb: Array3::from_elem((3, 80, 120), 100.0),
            valid: Array2::from_elem((80, 120), true),
            arrows: vec![Arrow {
                row: 40.0,
                col: 60.0,
                d_row_px: 0.0,
                d_col_px: 2.0,
                residual_px,
                hollow: false,
            }],
            cells: vec![Cell { top: 0.0, left: 0.0, side: 20.0, tint: Some([220, 40, 40]) }],
            caption: "{scale} times".to_owned(),
            px_per_pixel: 1.0,
        };
        let drawn = |residual_px: f64| {
            image::load_from_memory(&quiver_png(&quiver(residual_px)).unwrap()).unwrap().to_rgb8()
        };
        let (good, bad) = (drawn(0.0), drawn(1.5));
        let at = |p: &RgbImage, x, y| p.get_pixel(x, y).0;
        // 2 px at 12 times reach 84; nothing lies left of the dot.
        assert_ne!(at(&good, 75, 40), at(&good, 45, 40));
        assert!(at(&good, 75, 40)[1] > at(&good, 75, 40)[0] && at(&bad, 75, 40)[0] > at(&bad, 75, 40)[1]);
        assert!(at(&good, 5, 5)[0] > at(&good, 5, 5)[1], "the cell is tinted");
    }
}
