//! Small pictures made large for the screen.

use image::RgbImage;
use multiversion::multiversion;
use ndarray::Array3;

/// Bits behind the point of a weight.
const WEIGHT_BITS: u32 = 14;
/// Bits behind the point of a row that is wide already but not yet high.
const ROW_BITS: u32 = 6;

/// Pixels that a row is longer at either end, so that every position has four neighbours.
const RIM: usize = 2;

/// Four neighbours in a row of an output position along one axis, and what each weighs.
#[derive(Clone, Copy)]
struct Taps {
    /// The first of them, [`RIM`] pixels before the picture or later.
    first: isize,
    weights: [i16; 4],
}

impl Taps {
    /// The four of them in a picture of `size`: beyond the edge the outermost.
    fn clamped(&self, size: usize) -> [usize; 4] {
        [0, 1, 2, 3].map(|k| (self.first + k).clamp(0, size as isize - 1) as usize)
    }
}

/// Draws `pixels`, `(rows, cols, 3)`, into `canvas` with its upper left corner at `(x, y)`, `width` by `height`
/// pixels, cut at the canvas.
///
/// Catmull-Rom (Keys 1981, a = −½), first along the rows, then down; beyond the edge the outermost pixel goes on.
/// In whole numbers: the result is within one grey level of the kernel in floating point. For enlarging; a
/// picture made smaller so would alias.
pub(crate) fn enlarge(
    pixels: &Array3<u8>,
    (width, height): (u32, u32),
    canvas: &mut RgbImage,
    (x, y): (u32, u32),
) {
    let (rows, cols, _) = pixels.dim();
    let across = taps(cols, width.min(canvas.width().saturating_sub(x)), width);
    let down = taps(rows, height.min(canvas.height().saturating_sub(y)), height);
    if rows == 0 || cols == 0 || across.is_empty() {
        return;
    }
    let wide = across.len() * 3;
    // The four wide rows at hand, and which row of the picture each is. Rows come in order, so each is made once.
    let mut held: [(usize, Vec<i16>); 4] = std::array::from_fn(|_| (usize::MAX, vec![0; wide]));
    let mut line = vec![0; (cols + 2 * RIM) * 3];
    let same = (rows, cols) == (height as usize, width as usize);
    let stride = canvas.width() as usize * 3;
    let first = y as usize * stride + x as usize * 3;
    for (n, tap) in down.iter().enumerate() {
        let start = first + n * stride;
        let out = &mut canvas.as_flat_samples_mut().samples[start..start + wide];
        if same {
            copy(pixels, n, out);
            continue;
        }
        let near = tap.clamped(rows);
        for row in near {
            let slot = &mut held[row % 4];
            if slot.0 != row {
                slot.0 = row;
                copy(pixels, row, &mut line[3 * RIM..3 * (RIM + cols)]);
                line.copy_within(3 * RIM..3 * RIM + 3, 0);
                line.copy_within(3 * RIM..3 * RIM + 3, 3);
                line.copy_within(3 * (RIM + cols - 1)..3 * (RIM + cols), 3 * (RIM + cols));
                line.copy_within(3 * (RIM + cols - 1)..3 * (RIM + cols), 3 * (RIM + cols + 1));
                widen(&line, &across, &mut slot.1);
            }
        }
        blend(near.map(|row| held[row % 4].1.as_slice()), tap.weights, out);
    }
}

/// As much of a row of the picture as `out` takes.
fn copy(pixels: &Array3<u8>, row: usize, out: &mut [u8]) {
    let row = pixels.index_axis(ndarray::Axis(0), row);
    match row.as_slice() {
        Some(row) => out.copy_from_slice(&row[..out.len()]),
        None => out.iter_mut().zip(row).for_each(|(out, &v)| *out = v),
    }
}

/// The taps of the first `n` of `whole` output positions over `size` input pixels.
fn taps(size: usize, n: u32, whole: u32) -> Vec<Taps> {
    let one = f64::from(1 << WEIGHT_BITS);
    let step = size as f64 / f64::from(whole);
    let tap = |i: u32| {
        let centre = (f64::from(i) + 0.5) * step - 0.5;
        let (base, t) = (centre.floor(), centre - centre.floor());
        let kernel = [
            ((-0.5 * t + 1.0) * t - 0.5) * t,
            (1.5 * t - 2.5) * t * t + 1.0,
            ((-1.5 * t + 2.0) * t + 0.5) * t,
            (0.5 * t - 0.5) * t * t,
        ];
        let mut weights = kernel.map(|w| (w * one).round() as i16);
        // An even area must stay even: what rounding left over goes to the heaviest.
        let heaviest = if t < 0.5 { 1 } else { 2 };
        weights[heaviest] += (one as i16) - weights.iter().sum::<i16>();
        Taps { first: base as isize - 1, weights }
    };
    if size == 0 { Vec::new() } else { (0..n).map(tap).collect() }
}

/// A row of RGB as wide as the output, with [`ROW_BITS`] behind the point. `line` has its rims.
#[multiversion(targets("x86_64+avx2"))]
fn widen(line: &[u8], across: &[Taps], out: &mut [i16]) {
    const SHIFT: u32 = WEIGHT_BITS - ROW_BITS;
    for (out, tap) in out.chunks_exact_mut(3).zip(across) {
        let first = (tap.first + RIM as isize) as usize * 3;
        let Some(near) = line.get(first..first + 12) else { continue };
        let weights = tap.weights.map(i32::from);
        for b in 0..3 {
            let sum = i32::from(near[b]) * weights[0]
                + i32::from(near[b + 3]) * weights[1]
                + i32::from(near[b + 6]) * weights[2]
                + i32::from(near[b + 9]) * weights[3];
            out[b] = ((sum + (1 << (SHIFT - 1))) >> SHIFT) as i16;
        }
    }
}

/// The weighted sum of four rows, as bytes.
#[multiversion(targets("x86_64+avx2"))]
fn blend(rows: [&[i16]; 4], weights: [i16; 4], out: &mut [u8]) {
    const SHIFT: u32 = WEIGHT_BITS + ROW_BITS;
    let [w0, w1, w2, w3] = weights.map(i32::from);
    let n = out.len();
    let [a, b, c, d] = rows.map(|row| &row[..n]);
    for i in 0..n {
        let sum = i32::from(a[i]) * w0 + i32::from(b[i]) * w1 + i32::from(c[i]) * w2 + i32::from(d[i]) * w3;
        out[i] = ((sum + (1 << (SHIFT - 1))) >> SHIFT).clamp(0, 255) as u8;
    }
}

#[cfg(test)]
mod tests {
    use image::{Rgb, imageops};

    use super::*;

    fn scene(rows: usize, cols: usize) -> Array3<u8> {
        Array3::from_shape_fn((rows, cols, 3), |(r, c, b)| ((r * 7919 + c * 10_473 + b * 31) % 256) as u8)
    }

    fn enlarged(pixels: &Array3<u8>, width: u32, height: u32) -> RgbImage {
        let mut canvas = RgbImage::new(width, height);
        enlarge(pixels, (width, height), &mut canvas, (0, 0));
        canvas
    }

    #[test]
    fn away_from_the_edge_it_is_the_kernel_in_floating_point() {
        let pixels = scene(20, 30);
        let image =
            RgbImage::from_fn(30, 20, |x, y| Rgb([0, 1, 2].map(|b| pixels[(y as usize, x as usize, b)])));
        for (width, height) in [(60, 40), (90, 60), (77, 53)] {
            let got = enlarged(&pixels, width, height);
            let want = imageops::resize(&image, width, height, imageops::FilterType::CatmullRom);
            let rim = width / 8;
            for y in rim..height - rim {
                for x in rim..width - rim {
                    let (g, w) = (got.get_pixel(x, y), want.get_pixel(x, y));
                    assert!((0..3).all(|b| g[b].abs_diff(w[b]) <= 1), "{x} {y}: {g:?} {w:?}");
                }
            }
        }
    }

    #[test]
    fn an_even_picture_stays_even_and_the_same_size_stays_the_same() {
        for value in [0, 1, 127, 255] {
            let even = Array3::from_elem((3, 5, 3), value);
            assert!(enlarged(&even, 17, 31).as_raw().iter().all(|&v| v == value));
        }
        let pixels = scene(9, 7);
        let same = enlarged(&pixels, 7, 9);
        assert!(pixels.iter().eq(same.as_raw().iter()));
    }

    #[test]
    fn it_is_drawn_where_it_belongs_and_cut_at_the_canvas() {
        let mut canvas = RgbImage::new(10, 10);
        enlarge(&Array3::from_elem((2, 2, 3), 9), (4, 6), &mut canvas, (3, 2));
        let lit = |x, y| canvas.get_pixel(x, y)[0] == 9;
        for (x, y) in (0..10).flat_map(|x| (0..10).map(move |y| (x, y))) {
            assert_eq!(lit(x, y), (3..7).contains(&x) && (2..8).contains(&y), "{x} {y}");
        }
        enlarge(&Array3::from_elem((2, 2, 3), 9), (4, 6), &mut canvas, (8, 8));
        enlarge(&Array3::from_elem((2, 2, 3), 9), (4, 6), &mut canvas, (20, 20));
    }
}
