//! The evidence picture of one earthwork: earlier and later side by side, the line outlined on the later.

use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{ExtendedColorType, ImageEncoder, Rgb, RgbImage, imageops};
use ndarray::Array3;

use crate::draw::{LETTER, block, mix, text, text_width, wrapped};
use crate::enlarge::enlarge;
use crate::{Error, Result};

/// A panel's short side is shown at this many pixels at least …
const SMALLEST_PX: u32 = 400;
/// … unless that would take its long side beyond this many, which none exceeds.
const LARGEST_PX: u32 = 900;
/// The whole picture is as wide at least, so that its scale bar and arrow have room.
const NARROWEST_PX: u32 = 320;
/// How far the outline stays off the line on the ground, metres: outside a ditch and its spoil.
const OFF_M: f64 = 6.0;
/// … and on the screen, pixels.
const OFF_PX: f64 = 6.0;
/// Width of the outline on the screen, pixels.
const STROKE_PX: f64 = 1.5;
/// Space around and between the panels, pixels.
const GUTTER: u32 = 8;
const INK: Rgb<u8> = Rgb([235, 235, 235]);
const FAINT: Rgb<u8> = Rgb([160, 160, 160]);
const PAPER: Rgb<u8> = Rgb([24, 24, 26]);
const BRIGHT: Rgb<u8> = Rgb([255, 230, 0]);
const DARK: Rgb<u8> = Rgb([0, 0, 0]);

/// What a picture shows.
#[derive(Clone, Debug, PartialEq)]
pub struct Chip {
    /// The earlier image, `(rows, cols, 3)`, stretched for the screen, north up.
    pub earlier: Array3<u8>,
    /// The later image on the same grid.
    pub later: Array3<u8>,
    /// The line, `(row, col)` in pixels of the chip; the centre of the first pixel is `(0.5, 0.5)`.
    pub line_px: Vec<(f64, f64)>,
    /// Side of a pixel on the ground, metres.
    pub pixel_size_m: f64,
    /// What it is, in a sentence.
    pub caption: String,
    /// Above the earlier image: its date.
    pub earlier_label: String,
    /// Above the later image: its date.
    pub later_label: String,
}

/// The picture as PNG: dates above, earlier left, later right with the line, below them the caption, a scale bar
/// and a north arrow.
///
/// The line is drawn as a thin outline some metres off it all around, so that what it points at stays in
/// sight. Small chips are enlarged with a smooth kernel. Equal chips give equal bytes.
///
/// # Errors
/// [`Error::ChipShape`] where the two pictures differ in shape, are empty or have not 3 bands; [`Error::Png`].
pub fn render_png(chip: &Chip) -> Result<Vec<u8>> {
    let (rows, cols, bands) = chip.earlier.dim();
    if rows == 0 || cols == 0 || bands != 3 || chip.earlier.dim() != chip.later.dim() {
        return Err(Error::ChipShape { earlier: chip.earlier.dim(), later: chip.later.dim() });
    }
    let scale = zoom(rows as u32, cols as u32);
    let width = ((cols as f64 * scale).round() as u32).max(1);
    let height = ((rows as f64 * scale).round() as u32).max(1);
    let line: Vec<(f64, f64)> = chip
        .line_px
        .iter()
        .filter(|(r, c)| r.is_finite() && c.is_finite())
        .map(|(r, c)| (c * scale, r * scale))
        .collect();
    // `max` drops a NaN on purpose: a pixel size that is not known must not lose the picture.
    let off_px = (OFF_M / chip.pixel_size_m * scale).min(f64::from(width.min(height)) / 8.0).max(OFF_PX);

    let labels = [&chip.earlier_label, &chip.later_label];
    let label_scale = if labels.iter().all(|l| text_width(l, 2) <= width) { 2 } else { 1 };
    let head = LETTER * label_scale + 2 * GUTTER;
    let whole = (2 * width + 3 * GUTTER).max(NARROWEST_PX);
    let legend = 2 * LETTER * 2 + GUTTER;
    let caption_scale = if text_width(&chip.caption, 2) <= 2 * (whole - 2 * GUTTER) { 2 } else { 1 };
    let caption = wrapped(&chip.caption, ((whole - 2 * GUTTER) / (LETTER * caption_scale)) as usize);
    let caption_line = LETTER * caption_scale + 4;
    let foot = GUTTER + legend + caption.len() as u32 * caption_line + GUTTER;

    let mut canvas = RgbImage::from_pixel(whole, head + height + foot, PAPER);
    let right = 2 * GUTTER + width;
    panel(&chip.earlier, (width, height), &mut canvas, (GUTTER, head));
    panel(&chip.later, (width, height), &mut canvas, (right, head));
    outline(&mut canvas, (right, head), (width, height), &line, off_px);
    let letters = (width / (LETTER * label_scale)) as usize;
    for (x, label) in [(GUTTER, labels[0]), (right, labels[1])] {
        let label: String = label.chars().take(letters).collect();
        text(&mut canvas, x, GUTTER, label_scale, &label, INK);
    }
    let y = head + height + GUTTER;
    scale_bar(&mut canvas, GUTTER, y, width, chip.pixel_size_m / scale);
    north_arrow(&mut canvas, whole - GUTTER - 2 * LETTER, y);
    for (n, words) in caption.iter().enumerate() {
        let y = y + legend + n as u32 * caption_line;
        text(&mut canvas, GUTTER, y, caption_scale, words, INK);
    }
    encode(&canvas)
}

/// The canvas as PNG.
pub(crate) fn encode(canvas: &RgbImage) -> Result<Vec<u8>> {
    let (width, height) = canvas.dimensions();
    let mut out = Vec::new();
    PngEncoder::new_with_quality(&mut out, CompressionType::Fast, FilterType::Paeth)
        .write_image(canvas.as_raw(), width, height, ExtendedColorType::Rgb8)
        .map_err(|source| Error::Png { width, height, source })?;
    Ok(out)
}

/// How many pixels of the screen a pixel of the chip takes: steps of a half where small, less than 1 where large.
fn zoom(rows: u32, cols: u32) -> f64 {
    let (short, long) = (rows.min(cols), rows.max(cols));
    let halves = (2 * SMALLEST_PX).div_ceil(short).min(2 * LARGEST_PX / long);
    if halves > 2 { f64::from(halves) / 2.0 } else { (f64::from(LARGEST_PX) / f64::from(long)).min(1.0) }
}

/// Draws a picture `size` (width, height) pixels large with its upper left corner at `corner`.
fn panel(pixels: &Array3<u8>, size: (u32, u32), canvas: &mut RgbImage, corner: (u32, u32)) {
    let (rows, cols, _) = pixels.dim();
    if size.0 >= cols as u32 && size.1 >= rows as u32 {
        return enlarge(pixels, size, canvas, corner);
    }
    let source = RgbImage::from_fn(cols as u32, rows as u32, |x, y| {
        Rgb([0, 1, 2].map(|b| pixels[(y as usize, x as usize, b)]))
    });
    let smaller = imageops::resize(&source, size.0, size.1, imageops::FilterType::CatmullRom);
    imageops::replace(canvas, &smaller, i64::from(corner.0), i64::from(corner.1));
}

/// Draws the contour at `off_px` around a line, bright on a dark edge, within the panel of `size` (width, height)
/// at `corner`; the line is in pixels of the panel, `(x, y)`.
///
/// The contour of the distance to the line stays clean where the line winds, which offset copies of it do not.
fn outline(
    canvas: &mut RgbImage,
    corner: (u32, u32),
    (width, height): (u32, u32),
    line: &[(f64, f64)],
    off_px: f64,
) {
    let reach = off_px + STROKE_PX + 1.5;
    let single = [line.first().copied().unwrap_or_default(); 2];
    let segments: Vec<&[(f64, f64)]> = match line.len() {
        0 => return,
        1 => vec![&single],
        _ => line.windows(2).collect(),
    };
    // Square of the distance to the line, where within reach.
    let mut nearest2 = vec![f32::INFINITY; (width * height) as usize];
    for s in segments {
        let ((ax, ay), (bx, by)) = (s[0], s[1]);
        let cut = |v: f64, end: u32| v.clamp(0.0, f64::from(end)) as usize;
        let (left, right) = (cut(ax.min(bx) - reach, width), cut((ax.max(bx) + reach).ceil(), width));
        let (top, bottom) = (cut(ay.min(by) - reach, height), cut((ay.max(by) + reach).ceil(), height));
        let (ax, ay, dx, dy) = (ax as f32, ay as f32, (bx - ax) as f32, (by - ay) as f32);
        let length2 = dx * dx + dy * dy;
        let (ux, uy) = if length2 > 0.0 { (dx / length2, dy / length2) } else { (0.0, 0.0) };
        for y in top..bottom {
            let py = y as f32 + 0.5 - ay;
            let row = &mut nearest2[y * width as usize + left..y * width as usize + right.max(left)];
            for (i, held) in row.iter_mut().enumerate() {
                let px = (left + i) as f32 + 0.5 - ax;
                let t = (px * ux + py * uy).clamp(0.0, 1.0);
                let (ex, ey) = (px - t * dx, py - t * dy);
                *held = held.min(ex * ex + ey * ey);
            }
        }
    }
    let near = off_px - STROKE_PX / 2.0 - 1.5;
    let (near2, far2) = ((near.max(0.0) * near.max(0.0)) as f32, (reach * reach) as f32);
    for (n, &d2) in nearest2.iter().enumerate() {
        if d2 < near2 || d2 > far2 {
            continue;
        }
        let depth = (f64::from(d2).sqrt() - off_px).abs() - STROKE_PX / 2.0;
        if depth < 1.5 {
            let (x, y) = (n as u32 % width, n as u32 / width);
            let pixel = canvas.get_pixel_mut(corner.0 + x, corner.1 + y);
            mix(pixel, DARK, 0.6 * (1.5 - depth).clamp(0.0, 1.0));
            mix(pixel, BRIGHT, (0.5 - depth).clamp(0.0, 1.0));
        }
    }
}

/// A bar of a round length, about a third of a panel, with its metres.
fn scale_bar(canvas: &mut RgbImage, x: u32, y: u32, panel_width: u32, metres_per_px: f64) {
    let most_m = f64::from(panel_width) * metres_per_px / 2.5;
    if !most_m.is_finite() || most_m <= 0.0 {
        return;
    }
    let power = 10f64.powf(most_m.log10().floor());
    let round_m = [5.0, 2.0, 1.0].into_iter().map(|n| n * power).find(|m| *m <= most_m).unwrap_or(power);
    let length = (round_m / metres_per_px).round() as u32;
    let words = if round_m >= 1000.0 { format!("{} km", round_m / 1000.0) } else { format!("{round_m} m") };
    let middle = y + LETTER;
    block(canvas, x, middle - 1, length, 3, INK);
    block(canvas, x, middle - 6, 2, 13, INK);
    block(canvas, x + length.saturating_sub(2), middle - 6, 2, 13, INK);
    text(canvas, x + length + GUTTER, y, 2, &words, INK);
}

/// An arrow that points up, and its N to the left.
fn north_arrow(canvas: &mut RgbImage, x: u32, y: u32) {
    for j in 0..18u32 {
        let half = j * 6 / 17;
        let notch = if j > 12 { (j - 12).min(half) } else { 0 };
        block(canvas, x + 8 - half, y + j, half + 1 - notch.min(half), 1, INK);
        block(canvas, x + 8 + notch, y + j, half + 1 - notch.min(half), 1, FAINT);
    }
    text(canvas, x - 2 * LETTER, y + 1, 2, "N", INK);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Ploughed ground with a winding trench on the later date, 0.5 m a pixel.
    fn scene(rows: usize, cols: usize) -> Chip {
        let line_px: Vec<(f64, f64)> = (0..9)
            .map(|k| {
                let t = k as f64 / 8.0;
                let zig = if k % 2 == 0 { -5.0 } else { 5.0 };
                (rows as f64 * (0.25 + 0.5 * t) + zig, cols as f64 * (0.15 + 0.7 * t))
            })
            .collect();
        let distance = |r: f64, c: f64| {
            line_px.windows(2).fold(f64::INFINITY, |best, s| {
                let ((ar, ac), (br, bc)) = (s[0], s[1]);
                let (dr, dc) = (br - ar, bc - ac);
                let t = (((r - ar) * dr + (c - ac) * dc) / (dr * dr + dc * dc)).clamp(0.0, 1.0);
                best.min((r - ar - t * dr).hypot(c - ac - t * dc))
            })
        };
        let image = |dug: bool| {
            Array3::from_shape_fn((rows, cols, 3), |(r, c, b)| {
                let noise = ((r * 7919 + c * 10_473 + r * r * 31 + c * c * 17) % 101 % 23) as f64;
                let rows = 8.0 * ((r as f64 * 0.9 + c as f64 * 0.3).sin());
                let mut v = 120.0 + noise + rows - 12.0 * b as f64;
                let d = distance(r as f64 + 0.5, c as f64 + 0.5);
                if dug && d < 1.5 {
                    v *= 0.65;
                } else if dug && d < 4.0 {
                    v += 14.0;
                }
                v.clamp(0.0, 255.0) as u8
            })
        };
        Chip {
            earlier: image(false),
            later: image(true),
            line_px: line_px.clone(),
            pixel_size_m: 0.5,
            caption:
                "trench, 74 m, 17.0 km (10.6 mi) N of the claimed limit of 14 August 2024, dug between 5 \
                      and 12 August 2024; confidence 0.87"
                    .to_owned(),
            earlier_label: "2024-08-05 08:31 UTC".to_owned(),
            later_label: "2024-08-12 08:40 UTC".to_owned(),
        }
    }

    /// Set `FOSSE_CHIP_DIR` to keep the pictures and look at them.
    #[test]
    fn the_picture_is_large_enough_and_equal_chips_give_equal_bytes() {
        for (rows, cols) in [(128, 160), (60, 300), (1500, 900), (7, 5)] {
            let chip = scene(rows, cols);
            let png = render_png(&chip).unwrap();
            assert_eq!(png, render_png(&chip).unwrap());
            let back = image::load_from_memory(&png).unwrap().to_rgb8();
            assert!(back.width() > 800 && back.width() < 3300, "{:?}", back.dimensions());
            if let Ok(dir) = std::env::var("FOSSE_CHIP_DIR") {
                std::fs::write(format!("{dir}/chip_{rows}x{cols}.png"), &png).unwrap();
            }
        }
    }

    #[test]
    fn the_line_is_drawn_on_the_later_only_and_leaves_the_trench_in_sight() {
        let mut chip = scene(128, 160);
        chip.later = chip.earlier.clone();
        let back = image::load_from_memory(&render_png(&chip).unwrap()).unwrap().to_rgb8();
        // 128 px high: 3.5 times as large makes 400.
        let (w, head) = (160 * 7 / 2, LETTER * 2 + 2 * GUTTER);
        let differs = |row: f64, col: f64| {
            let (x, y) = ((col * 3.5) as u32, (row * 3.5) as u32 + head);
            back.get_pixel(GUTTER + x, y) != back.get_pixel(2 * GUTTER + w + x, y)
        };
        assert!(chip.line_px.iter().all(|&(r, c)| !differs(r, c)));
        let n = (0..128).flat_map(|r| (0..160).map(move |c| (r, c)));
        assert!(n.filter(|&(r, c)| differs(f64::from(r), f64::from(c))).count() > 100);
    }

    #[test]
    fn slivers_and_unknown_sizes_are_drawn_all_the_same() {
        for (shape, pixel_size_m) in [((1, 5000), 0.5), ((3000, 2), 0.5), ((1, 1), 0.0), ((20, 20), f64::NAN)]
        {
            let chip = Chip { pixel_size_m, ..scene(shape.0, shape.1) };
            assert!(image::load_from_memory(&render_png(&chip).unwrap()).is_ok(), "{shape:?}");
        }
    }

    #[test]
    fn pictures_of_two_shapes_are_refused() {
        let mut chip = scene(20, 20);
        chip.later = Array3::zeros((20, 21, 3));
        assert!(matches!(render_png(&chip), Err(Error::ChipShape { .. })));
    }
}
