//! The one resampling: an image straight from its own grid onto the shared one.
//!
//! Cubic convolution with a = −1/2 (Keys 1981, IEEE TASSP 29(6)), third-order accurate. Where the source is
//! finer than the target, it is smoothed first, so that nothing aliases.

use domain::{Bands, Pixel, Raster, Window};
use multiversion::multiversion;
use ndarray::{Array2, ArrayView2, ArrayViewMut2, ArrayViewMut3, Axis};

use crate::{lanes, line_gain::gaussian};

/// Spacing of the places at which the mapping is evaluated, pixels; bilinear between them. Anchored at the grid.
const NODE_PX: usize = 16;

/// Rim that the cubic kernel and the prefilter need around the source window, pixels of the source.
fn rim_px(scale: f64) -> usize {
    3 + prefilter_sigma_px(scale).map_or(0, gaussian::radius_px)
}

/// Width of the smoothing before a source `scale` times as fine as the target is sampled.
fn prefilter_sigma_px(scale: f64) -> Option<f32> {
    // 1.2: below it cubic convolution aliases by less than the images' own noise.
    (scale > 1.2).then(|| (0.4 * (scale * scale - 1.0).sqrt()) as f32)
}

/// The part of a source image of `source_shape` that [`onto`] needs for `window`; empty where they do not meet.
pub fn source_window(
    window: Window,
    source_shape: (usize, usize),
    scale: f64,
    to_source: impl Fn(Pixel) -> Pixel,
) -> Window {
    let (mut low, mut high) = ((f64::MAX, f64::MAX), (f64::MIN, f64::MIN));
    let rows = (window.row..window.row_end()).step_by(NODE_PX).chain([window.row_end()]);
    for row in rows {
        for col in (window.col..window.col_end()).step_by(NODE_PX).chain([window.col_end()]) {
            let p = to_source(Pixel { row: row as f64, col: col as f64 });
            low = (low.0.min(p.row), low.1.min(p.col));
            high = (high.0.max(p.row), high.1.max(p.col));
        }
    }
    let rim = rim_px(scale) as f64 + 2.0;
    let clamp = |v: f64, end: usize| v.clamp(0.0, end as f64) as usize;
    let (row, col) =
        (clamp((low.0 - rim).floor(), source_shape.0), clamp((low.1 - rim).floor(), source_shape.1));
    let row_end = clamp((high.0 + rim).ceil(), source_shape.0);
    let col_end = clamp((high.1 + rim).ceil(), source_shape.1);
    Window::new(row, col, row_end.saturating_sub(row), col_end.saturating_sub(col))
}

/// `source` sampled on `window` of the shared grid; `to_source` maps grid positions to positions in the source
/// image, of which a grid pixel spans `scale`.
///
/// A pixel is valid where every source pixel under its kernel is inside `source` and valid.
pub fn onto(source: &Raster, window: Window, scale: f64, to_source: impl Fn(Pixel) -> Pixel) -> Raster {
    let mut out = Raster::invalid(window);
    let from = (source.window, &[source.pixels.view()][..], &source.valid);
    let to = (out.pixels.view_mut().insert_axis(Axis(0)), out.valid.view_mut());
    sample_all(from, window, scale, to_source, to);
    out
}

/// The same for the bands of one image: where the samples lie is computed once for all.
pub fn onto_bands(source: &Bands, window: Window, scale: f64, to_source: impl Fn(Pixel) -> Pixel) -> Bands {
    let mut out = Bands::invalid(window, source.planes.dim().0);
    let planes: Vec<ArrayView2<'_, f32>> = source.planes.outer_iter().collect();
    let to = (out.planes.view_mut(), out.valid.view_mut());
    sample_all((source.window, &planes, &source.valid), window, scale, to_source, to);
    out
}

/// Samples the planes of a window, valid together, into as many of `window`; where a sample has no whole neighbourhood, what
/// is there stays.
fn sample_all(
    (own, planes, valid): (Window, &[ArrayView2<'_, f32>], &Array2<bool>),
    window: Window,
    scale: f64,
    to_source: impl Fn(Pixel) -> Pixel,
    (mut out, mut out_valid): (ArrayViewMut3<'_, f32>, ArrayViewMut2<'_, bool>),
) {
    if own.is_empty() || window.is_empty() {
        return;
    }
    let smoothed: Option<Vec<Array2<f32>>> = prefilter_sigma_px(scale)
        .map(|sigma_px| planes.iter().map(|plane| gaussian::smooth(plane, valid, sigma_px)).collect());
    let planes: Option<Vec<&[f32]>> = match &smoothed {
        Some(smoothed) => smoothed.iter().map(|p| p.as_slice()).collect(),
        None => planes.iter().map(|plane| plane.to_slice()).collect(),
    };
    let (Some(planes), Some(valid)) = (planes, valid.as_slice()) else { return };
    let from = Pixels {
        all_valid: all(valid),
        planes,
        valid,
        shape: (own.rows, own.cols),
        corner: (own.row as f64, own.col as f64),
    };
    let node0 = window.col / NODE_PX;
    let nodes = window.col_end().div_ceil(NODE_PX) - node0 + 1;
    let row_of_nodes = |i: usize| -> Vec<Pixel> {
        let place = |j: usize| Pixel { row: (i * NODE_PX) as f64 + 0.5, col: (j * NODE_PX) as f64 + 0.5 };
        (node0..node0 + nodes).map(|j| to_source(place(j))).collect()
    };
    let (mut above, mut below) = (vec![], vec![]);
    let mut mapped = vec![Pixel::default(); nodes];
    let mut ok = vec![false; window.cols];
    for r in 0..window.rows {
        let (i, u) = ((window.row + r) / NODE_PX, (window.row + r) % NODE_PX);
        if u == 0 || r == 0 {
            above = if r == 0 { row_of_nodes(i) } else { below };
            below = row_of_nodes(i + 1);
        }
        let u = u as f64 / NODE_PX as f64;
        for (m, (a, b)) in mapped.iter_mut().zip(above.iter().zip(&below)) {
            *m = Pixel { row: a.row + (b.row - a.row) * u, col: a.col + (b.col - a.col) * u };
        }
        ok.fill(false);
        let lines = out.outer_iter_mut();
        let mut to: Vec<&mut [f32]> =
            lines.filter_map(|plane| plane.index_axis_move(Axis(0), r).into_slice()).collect();
        sample_row(&from, &mapped, window.col % NODE_PX, &mut to, &mut ok);
        out_valid.row_mut(r).iter_mut().zip(&ok).for_each(|(to, &ok)| *to = ok);
    }
}

/// Samples a row that begins `first` places after the first of its nodes.
#[multiversion(targets("x86_64+avx512f+avx512vl+avx512dq+avx512bw", "x86_64+avx2"))]
fn sample_row<'a>(from: &Pixels<'a>, nodes: &[Pixel], first: usize, to: &mut [&mut [f32]], ok: &mut [bool]) {
    let (mut first, mut at) = (first, 0);
    for between in nodes.windows(2) {
        let end = (at + NODE_PX - first).min(ok.len());
        from.sample((between[0], between[1]), first, to, at, &mut ok[at..end]);
        (first, at) = (0, end);
    }
    debug_assert_eq!(at, ok.len(), "nodes enough for the row");
}

/// Whether all are true.
#[inline(always)]
pub(crate) fn all(valid: &[bool]) -> bool {
    // In parts, each without a way out: the lanes of a vector are full.
    valid.chunks(256).all(|part| part.iter().fold(true, |all, &v| all & v))
}

/// What is sampled.
struct Pixels<'a> {
    /// The bands.
    planes: Vec<&'a [f32]>,
    valid: &'a [bool],
    all_valid: bool,
    /// `(rows, cols)`.
    shape: (usize, usize),
    /// Row and column of the first pixel in its image.
    corner: (f64, f64),
}

/// Where the samples between two nodes lie: their first neighbours, and the fractions past the second ones.
struct Places {
    down: [i32; NODE_PX],
    along: [i32; NODE_PX],
    ty: [f32; NODE_PX],
    tx: [f32; NODE_PX],
}

/// The [`NODE_PX`] places from the `first` after `a` on, towards `b`, in pixels from `corner`.
#[inline(always)]
fn places((a, b): (Pixel, Pixel), first: usize, corner: (f64, f64)) -> Places {
    let (down, ty) = steps((a.row, b.row), first, corner.0);
    let (along, tx) = steps((a.col, b.col), first, corner.1);
    Places { down, along, ty, tx }
}

/// Along one axis: indices of the first neighbours, and the fractions past the second ones.
#[inline(always)]
fn steps((a, b): (f64, f64), first: usize, corner: f64) -> ([i32; NODE_PX], [f32; NODE_PX]) {
    // Floats around 1.5 · 2⁵² are whole: the last bits are the number.
    const WHOLE: f64 = 6_755_399_441_055_744.0;
    // Beyond any image: their last 32 bits must not be taken for a place in it.
    const FAR: f64 = (1u32 << 30) as f64;
    let (mut index, mut past) = ([0; NODE_PX], [0.0; NODE_PX]);
    for k in 0..NODE_PX {
        let t = (first + k) as f64 / NODE_PX as f64;
        // From positions (centre of the first pixel at 0.5) to indices (at 0). The corner is whole and no farther off than
        // the place: to take it off rounds nothing, wherever the window begins.
        let at = a + (b - a) * t - 0.5 - corner;
        let at = if at > -FAR { at } else { -FAR };
        let at = if at < FAR { at } else { FAR };
        let near = (at + WHOLE) - WHOLE;
        let below = if near > at { near - 1.0 } else { near };
        index[k] = ((below + WHOLE).to_bits() as i32).wrapping_sub(1);
        past[k] = (at - below) as f32;
    }
    (index, past)
}

impl Pixels<'_> {
    /// Samples from the `first` of the [`NODE_PX`] places between two nodes on, into each of `to` from `at` on, as many as
    /// `ok` holds; where a sample has no whole neighbourhood, `to` and `ok` stay.
    #[inline(always)]
    fn sample(
        &self,
        between: (Pixel, Pixel),
        first: usize,
        to: &mut [&mut [f32]],
        at: usize,
        ok: &mut [bool],
    ) {
        let (rows, cols) = self.shape;
        // Places beyond `ok` are computed and not used: the lanes of a vector are always full.
        let Places { down, along, ty, tx } = places(between, first, self.corner);
        let (i, j, n) = (down[0], along[0], ok.len());
        let even =
            (1..NODE_PX).fold(true, |all, k| all & (down[k] == i) & (along[k] == j.wrapping_add(k as i32)));
        let inside = i >= 0 && j >= 0 && i as usize + 4 <= rows && j as usize + NODE_PX + 3 <= cols;
        if even && inside {
            let lines = [0, 1, 2, 3].map(|l| (i as usize + l) * cols + j as usize);
            let there = |l: usize| all(&self.valid[l..l + n + 3]);
            if self.all_valid || lines.iter().all(|&l| there(l)) {
                let whole = (0..NODE_PX).fold(true, |all, k| all & (ty[k] == 0.0) & (tx[k] == 0.0));
                let (wy, wx) = weights(&ty, &tx);
                for (to, plane) in to.iter_mut().zip(&self.planes) {
                    // Of whole steps the second neighbours themselves, which the kernel would give.
                    let mut out = [0.0; NODE_PX];
                    match plane[lines[1] + 1..].first_chunk() {
                        Some(same) if whole => out = *same,
                        _ => cubic(&mut out, lines.map(|l| &plane[l..]), &wy, &wx),
                    }
                    put(&mut to[at..at + n], &out);
                }
                put(ok, &[true; NODE_PX]);
                return;
            }
        }
        for (k, ok) in ok.iter_mut().enumerate() {
            let (i, j) = (down[k], along[k]);
            if i < 0 || j < 0 || i as usize + 4 > rows || j as usize + 4 > cols {
                continue;
            }
            let lines = [0, 1, 2, 3].map(|l| (i as usize + l) * cols + j as usize);
            if !self.all_valid && !lines.iter().all(|&l| self.valid[l..l + 4].iter().all(|&v| v)) {
                continue;
            }
            let (wy, wx) = (keys(ty[k]), keys(tx[k]));
            for (to, plane) in to.iter_mut().zip(&self.planes) {
                let mut sum = 0.0f32;
                for (l, wy) in lines.into_iter().zip(wy) {
                    let p = &plane[l..l + 4];
                    sum += wy * (wx[0] * p[0] + wx[1] * p[1] + wx[2] * p[2] + wx[3] * p[3]);
                }
                to[at + k] = sum;
            }
            *ok = true;
        }
    }
}

/// As many as there is room for; all of them without a call.
#[inline(always)]
fn put<T: Copy>(to: &mut [T], from: &[T; NODE_PX]) {
    match to.first_chunk_mut() {
        Some(to) => *to = *from,
        None => to.copy_from_slice(&from[..to.len()]),
    }
}

/// What the four neighbours weigh, down and along, at so many fractions past the second.
#[inline(always)]
fn weights(ty: &[f32; NODE_PX], tx: &[f32; NODE_PX]) -> ([[f32; NODE_PX]; 4], [[f32; NODE_PX]; 4]) {
    let (mut wy, mut wx) = ([[0.0f32; NODE_PX]; 4], [[0.0f32; NODE_PX]; 4]);
    for k in 0..NODE_PX {
        let (y, x) = (keys(ty[k]), keys(tx[k]));
        for l in 0..4 {
            (wy[l][k], wx[l][k]) = (y[l], x[l]);
        }
    }
    (wy, wx)
}

/// Cubic convolution at [`NODE_PX`] places one pixel apart, whose first neighbours begin at `lines`: sample by
/// sample the same sum as one by one, in the same order.
#[inline(always)]
fn cubic(out: &mut [f32; NODE_PX], lines: [&[f32]; 4], wy: &[[f32; NODE_PX]; 4], wx: &[[f32; NODE_PX]; 4]) {
    for (line, wy) in lines.iter().zip(wy) {
        let Some(p) = line.first_chunk::<{ NODE_PX + 3 }>() else { return };
        for k in 0..NODE_PX {
            out[k] +=
                wy[k] * (wx[0][k] * p[k] + wx[1][k] * p[k + 1] + wx[2][k] * p[k + 2] + wx[3][k] * p[k + 3]);
        }
    }
}

/// The largest whole number not above `v`. `f64::floor` is a call into the C library on plain x86-64 and cost 3 %
/// of a whole run.
pub(crate) fn whole(v: f64) -> i64 {
    let cut = v as i64;
    if v < cut as f64 { cut - 1 } else { cut }
}

/// Weights of the four neighbours at a fraction `t` past the second.
#[inline(always)]
fn keys(t: f32) -> [f32; 4] {
    let (t2, t3) = (t * t, t * t * t);
    [-0.5 * t3 + t2 - 0.5 * t, 1.5 * t3 - 2.5 * t2 + 1.0, -1.5 * t3 + 2.0 * t2 + 0.5 * t, 0.5 * t3 - 0.5 * t2]
}

/// Mean of `factor` × `factor` pixels, anchored at the grid; a mean is valid where all its pixels are.
///
/// `raster.window` must start at multiples of `factor`; a rest at the right and bottom is left out.
pub fn decimate(raster: &Raster, factor: usize) -> (Array2<f32>, Array2<bool>) {
    if factor <= 1 {
        return (raster.pixels.clone(), raster.valid.clone());
    }
    let (rows, cols) = raster.pixels.dim();
    let shape = (rows / factor, cols / factor);
    let (mut pixels, mut valid) = (Array2::zeros(shape), Array2::from_elem(shape, true));
    let (Some(from), Some(known)) = (raster.pixels.as_slice(), raster.valid.as_slice()) else {
        return (pixels, valid);
    };
    let mut sums = vec![0.0; cols];
    for (r, mut out) in pixels.rows_mut().into_iter().enumerate() {
        let lines: Vec<&[f32]> =
            (r * factor..(r + 1) * factor).map(|i| &from[i * cols..(i + 1) * cols]).collect();
        lanes::sum(&mut sums, &lines);
        if let Some(out) = out.as_slice_mut() {
            means(out, &sums, factor);
        }
    }
    if !all(known) {
        for ((r, c), valid) in valid.indexed_iter_mut() {
            let lines = r * factor..(r + 1) * factor;
            *valid = lines.into_iter().all(|i| known[i * cols + c * factor..][..factor].iter().all(|&v| v));
        }
    }
    (pixels, valid)
}

/// Means of `factor` × `factor` pixels, from the sums of their columns.
#[multiversion(targets("x86_64+avx512f+avx512vl", "x86_64+avx2"))]
fn means(out: &mut [f32], sums: &[f32], factor: usize) {
    let norm = 1.0 / (factor * factor) as f32;
    match factor {
        2 => out.iter_mut().zip(sums.as_chunks::<2>().0).for_each(|(out, s)| *out = (s[0] + s[1]) * norm),
        4 => out
            .iter_mut()
            .zip(sums.as_chunks::<4>().0)
            .for_each(|(out, s)| *out = (s[0] + s[1] + s[2] + s[3]) * norm),
        _ => out
            .iter_mut()
            .zip(sums.chunks_exact(factor))
            .for_each(|(out, s)| *out = s.iter().sum::<f32>() * norm),
    }
}

/// `raster` at half its resolution, smoothed by 1-3-3-1 along both axes first: a mean of 2 × 2 leaves frequencies that fold
/// back and pull matches to whole pixels. A value is valid where all
/// pixels under it are.
pub fn halved(raster: &Raster) -> (Array2<f32>, Array2<bool>) {
    let (rows, cols) = raster.pixels.dim();
    let shape = (rows / 2, cols / 2);
    let (mut pixels, mut valid) = (Array2::zeros(shape), Array2::from_elem(shape, true));
    let (Some(from), Some(ok)) = (raster.pixels.as_slice(), raster.valid.as_slice()) else {
        return (pixels, valid);
    };
    let all = all(ok);
    // One more at either end, so that every value has four below it.
    let mut line = vec![0.0f32; cols + 2];
    for (r, (mut out, mut out_ok)) in pixels.rows_mut().into_iter().zip(valid.rows_mut()).enumerate() {
        let at = |k: usize| (2 * r + k).saturating_sub(1).min(rows - 1) * cols;
        let lines = [0, 1, 2, 3].map(|k| &from[at(k)..at(k) + cols]);
        if let Some(out) = out.as_slice_mut() {
            half_row(out, lines, &mut line);
        }
        if !all {
            for (j, v) in out_ok.iter_mut().enumerate() {
                let span = (2 * j).saturating_sub(1)..(2 * j + 3).min(cols);
                *v = (0..4).all(|k| ok[at(k) + span.start..at(k) + span.end].iter().all(|&v| v));
            }
        }
    }
    (pixels, valid)
}

/// A row of half of the pixels, from four; `line` has two more than those.
#[multiversion(targets("x86_64+avx512f+avx512vl", "x86_64+avx2"))]
fn half_row(out: &mut [f32], lines: [&[f32]; 4], line: &mut [f32]) {
    let cols = lines[0].len();
    let [a, b, c, d] = lines;
    for (v, (((a, b), c), d)) in line[1..=cols].iter_mut().zip(a.iter().zip(b).zip(c).zip(d)) {
        *v = a + 3.0 * (b + c) + d;
    }
    (line[0], line[cols + 1]) = (line[1], line[cols]);
    // The four below each begin two after those of the one before.
    let (near, next) = (line.as_chunks::<2>().0, line[2..].as_chunks::<2>().0);
    for (v, (near, next)) in out.iter_mut().zip(near.iter().zip(next)) {
        *v = (near[0] + 3.0 * (near[1] + next[0]) + next[1]) / 64.0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ramp(rows: usize, cols: usize) -> Raster {
        let mut r = Raster::invalid(Window::new(0, 0, rows, cols));
        r.pixels = Array2::from_shape_fn((rows, cols), |(i, j)| 3.0 * i as f32 - 2.0 * j as f32);
        r.valid.fill(true);
        r
    }

    #[test]
    fn a_plane_is_shifted_exactly() {
        let out = onto(&ramp(20, 30), Window::new(5, 6, 7, 9), 1.0, |p| Pixel {
            row: p.row + 0.25,
            col: p.col - 1.5,
        });
        for ((r, c), &v) in out.pixels.indexed_iter() {
            let want = 3.0 * (5.0 + r as f32 + 0.25) - 2.0 * (6.0 + c as f32 - 1.5);
            assert!(out.valid[(r, c)] && (v - want).abs() < 1e-4, "{v} {want}");
        }
    }

    #[test]
    fn a_pixel_that_touches_nodata_is_invalid() {
        let mut source = ramp(20, 30);
        source.valid[(10, 12)] = false;
        let out =
            onto(&source, Window::new(0, 0, 20, 30), 1.0, |p| Pixel { row: p.row + 0.5, col: p.col + 0.5 });
        assert!(!out.valid[(10, 12)] && !out.valid[(8, 10)] && out.valid[(7, 12)] && out.valid[(12, 12)]);
        assert!(!out.valid[(0, 0)] && !out.valid[(19, 29)]);
    }

    #[test]
    fn what_lies_beyond_all_images_is_invalid() {
        for far in [4_294_967_296.0, -4_294_967_296.0, 1e300, f64::INFINITY, f64::NAN] {
            let off = |p: Pixel| Pixel { row: p.row + far, col: p.col + 0.5 };
            let source = ramp(40, 50);
            let out = onto(&source, Window::new(5, 6, 20, 30), 1.0, off);
            assert!(!out.valid.iter().any(|&v| v), "{far}");
        }
    }

    #[test]
    fn cut_windows_equal_the_whole() {
        let mut source = ramp(80, 100);
        source.pixels.mapv_inplace(|v| (v * 0.37).sin());
        let to = |p: Pixel| Pixel { row: 1.3 + p.row * 1.4, col: 0.7 + p.col * 1.4 + p.row * 0.01 };
        let whole = onto(&source, Window::new(0, 0, 48, 60), 1.4, to);
        let cut = Window::new(16, 21, 20, 24);
        let need = source_window(cut, (80, 100), 1.4, to);
        let part = Raster {
            window: need,
            pixels: source
                .pixels
                .slice(ndarray::s![need.row..need.row_end(), need.col..need.col_end()])
                .to_owned(),
            valid: source
                .valid
                .slice(ndarray::s![need.row..need.row_end(), need.col..need.col_end()])
                .to_owned(),
        };
        let part = onto(&part, cut, 1.4, to);
        assert_eq!(part.pixels, whole.pixels.slice(ndarray::s![16..36, 21..45]));
        assert_eq!(part.valid, whole.valid.slice(ndarray::s![16..36, 21..45]));
    }
}
