//! Which part of the ground a picture shows, and its pixels from an image.

use diff::resample;
use domain::{Pixel, Window};
use ndarray::{Array2, Array3, s};

/// Ground shown around a line, metres: enough to see what it joins.
const MARGIN_M: f64 = 20.0;
/// Least side of what is shown, metres: less shows no surroundings.
const LEAST_M: f64 = 100.0;
/// Most pixels on the longer side; longer lines are shown coarser. Bounds the memory of a thread to some 40 MB.
const MOST_PX: f64 = 800.0;
/// Pixels of a row between positions that are mapped exactly: a map is straight over 64 px to 0.001 px.
const NODE_PX: usize = 32;

/// What is shown: a window of the shared grid, and the shape of the picture.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Frame {
    pub window: Window,
    /// `(rows, cols)` of the picture.
    pub shape: (usize, usize),
}

impl Frame {
    /// The frame around a line on a grid of `shape`.
    pub(crate) fn around(line: &[Pixel], shape: (usize, usize), pixel_m: f64) -> Self {
        let extent = |get: fn(&Pixel) -> f64| {
            line.iter().map(get).fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), v| (a.min(v), b.max(v)))
        };
        let ((top, bottom), (left, right)) = (extent(|p| p.row), extent(|p| p.col));
        let margin = 2.0 * MARGIN_M / pixel_m;
        let (high, wide) = (bottom - top + margin, right - left + margin);
        // At least half as high as wide and the reverse: slivers are hard to read side by side.
        let least = (LEAST_M / pixel_m).max(high.max(wide) / 2.0);
        let span = |low: f64, high: f64, side: f64, end: usize| {
            let (middle, side) = ((low + high) / 2.0, side.max(least).min(end as f64));
            // Moved in from the edge rather than cut.
            let first = (middle - side / 2.0).clamp(0.0, end as f64 - side).floor() as usize;
            (first, (side.ceil() as usize).clamp(1, end - first))
        };
        let ((row, rows), (col, cols)) = (span(top, bottom, high, shape.0), span(left, right, wide, shape.1));
        let step = (rows.max(cols) as f64 / MOST_PX).max(1.0);
        let px = |n: usize| ((n as f64 / step).round() as usize).max(1);
        Self { window: Window::new(row, col, rows, cols), shape: (px(rows), px(cols)) }
    }

    /// Pixels of the grid that a pixel of the picture spans, down and across.
    pub(crate) fn step(&self) -> (f64, f64) {
        let w = &self.window;
        (w.rows as f64 / self.shape.0 as f64, w.cols as f64 / self.shape.1 as f64)
    }

    /// Position on the grid of the centre of a pixel of the picture.
    fn grid_position(&self, (row, col): (usize, usize)) -> Pixel {
        let (down, across) = self.step();
        Pixel {
            row: self.window.row as f64 + (row as f64 + 0.5) * down,
            col: self.window.col as f64 + (col as f64 + 0.5) * across,
        }
    }
}

/// Three bands and their validity over a frame. `to_source` maps the shared grid to the image, of whose pixels a
/// grid pixel spans `scale`; `read` reads a window of the image in a given shape.
///
/// Bilinear. Along a row the map is followed exactly every [`NODE_PX`] pixels and straight between.
pub(crate) fn view(
    frame: &Frame,
    source_shape: (usize, usize),
    scale: f64,
    to_source: impl Fn(Pixel) -> Pixel,
    read: impl FnOnce(Window, (usize, usize)) -> ingest::Result<(Array3<f32>, Array2<bool>)>,
) -> ingest::Result<(Array3<f32>, Array2<bool>)> {
    let (rows, cols) = frame.shape;
    let mut out = (Array3::zeros((3, rows, cols)), Array2::from_elem((rows, cols), false));
    let needed = resample::source_window(frame.window, source_shape, scale, &to_source);
    if needed.is_empty() {
        return Ok(out);
    }
    let (down, across) = frame.step();
    let px = |n: usize, factor: f64| ((n as f64 / factor.max(1.0)).round() as usize).max(1);
    let shape = (px(needed.rows, down * scale), px(needed.cols, across * scale));
    let (pixels, valid) = read(needed, shape)?;
    let factor = (needed.rows as f64 / shape.0 as f64, needed.cols as f64 / shape.1 as f64);
    let node = |row: usize, col: usize| {
        let p = to_source(frame.grid_position((row, col)));
        // From positions (centre of the first pixel at 0.5) to indices (at 0).
        ((p.row - needed.row as f64) / factor.0 - 0.5, (p.col - needed.col as f64) / factor.1 - 0.5)
    };
    let (pixels, valid) = (pixels.as_standard_layout(), valid.as_standard_layout());
    // In standard layout they always are slices.
    let (pixels, valid) = (pixels.as_slice().unwrap_or_default(), valid.as_slice().unwrap_or_default());
    let (plane, wide) = (shape.0 * shape.1, shape.1);
    for row in 0..rows {
        let mut left = node(row, 0);
        let (mut shown, mut known) = (out.0.slice_mut(s![.., row, ..]), out.1.row_mut(row));
        for first in (0..cols).step_by(NODE_PX) {
            let right = node(row, first + NODE_PX);
            let per_px = ((right.0 - left.0) / NODE_PX as f64, (right.1 - left.1) / NODE_PX as f64);
            for col in first..(first + NODE_PX).min(cols) {
                let n = (col - first) as f64;
                let (y, x) = (left.0 + n * per_px.0, left.1 + n * per_px.1);
                let (Some((i, v)), Some((j, u))) = (between(y, shape.0), between(x, shape.1)) else {
                    continue;
                };
                let (above, below) = (i.0 * wide, i.1 * wide);
                let nearest = (if v < 0.5 { above } else { below }, if u < 0.5 { j.0 } else { j.1 });
                if !valid[nearest.0 + nearest.1] {
                    continue;
                }
                known[col] = true;
                for (band, pixels) in pixels.chunks_exact(plane).take(3).enumerate() {
                    let (above, below) = (&pixels[above..][..wide], &pixels[below..][..wide]);
                    let upper = above[j.0] + (above[j.1] - above[j.0]) * u;
                    let lower = below[j.0] + (below[j.1] - below[j.0]) * u;
                    shown[(band, col)] = upper + (lower - upper) * v;
                }
            }
            left = right;
        }
    }
    Ok(out)
}

/// The two indices around `v` in 0..`n` and the fraction between them; `None` beyond half a pixel outside.
fn between(v: f64, n: usize) -> Option<((usize, usize), f32)> {
    let last = n as i32 - 1;
    if !(v >= -0.5 && v <= f64::from(last) + 0.5) {
        return None;
    }
    let v = v.clamp(0.0, f64::from(last));
    // 32 bits convert in one instruction, 64 do not.
    let first = v as i32;
    Some(((first as usize, (first + 1).min(last) as usize), (v - f64::from(first)) as f32))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(points: &[(f64, f64)]) -> Vec<Pixel> {
        points.iter().map(|&(row, col)| Pixel { row, col }).collect()
    }

    #[test]
    fn a_short_line_gets_surroundings_and_stays_inside() {
        let frame = Frame::around(&line(&[(3.0, 500.0), (3.0, 520.0)]), (1000, 1000), 0.5);
        assert_eq!((frame.window.rows, frame.window.cols), (200, 200));
        assert_eq!(frame.window.row, 0);
        assert_eq!(frame.shape, (200, 200));
    }

    #[test]
    fn a_long_line_is_shown_coarser() {
        let frame = Frame::around(&line(&[(500.0, 100.0), (500.0, 3700.0)]), (1000, 4000), 0.5);
        assert_eq!(frame.window.cols, 3680);
        assert_eq!(frame.shape.1, 800);
        assert_eq!(frame.window.rows, 1000);
    }

    #[test]
    fn a_grid_smaller_than_the_frame_is_shown_whole() {
        let frame = Frame::around(&line(&[(5.0, 5.0), (60.0, 70.0)]), (64, 80), 0.5);
        assert_eq!(frame.window, Window::new(0, 0, 64, 80));
    }

    #[test]
    fn a_view_of_the_same_grid_is_the_image() {
        let frame = Frame { window: Window::new(2, 3, 4, 5), shape: (4, 5) };
        let value = |r: usize, c: usize| (10 * r + c) as f32;
        let (pixels, valid) = view(
            &frame,
            (20, 20),
            1.0,
            |p| p,
            |w, shape| {
                let pixels =
                    Array3::from_shape_fn((3, shape.0, shape.1), |(_, r, c)| value(w.row + r, w.col + c));
                Ok((pixels, Array2::from_elem(shape, true)))
            },
        )
        .unwrap();
        assert!(valid.iter().all(|&v| v));
        for r in 0..4 {
            for c in 0..5 {
                assert!((pixels[(1, r, c)] - value(2 + r, 3 + c)).abs() < 1e-4);
            }
        }
    }
}
