//! A line unrolled: along it × across it, on both dates. Straightened, every earthwork looks the same whichever
//! way it runs.

use domain::{Pixel, Raster};
use ndarray::Array2;

use crate::{resample::whole, trace};

/// Ground between two samples of a strip, along and across, metres.
pub const STEP_M: f64 = 0.5;
/// Ground on either side of the line, metres: a ditch with both berms.
pub const HALF_WIDTH_M: f64 = 12.0;
/// Samples across, the line in the middle.
pub const ACROSS: usize = 49;
/// Context in pixels of the shared grid that a strip needs around its line.
pub fn margin_px(pixel_m: f64) -> usize {
    (HALF_WIDTH_M / pixel_m).ceil() as usize + 3
}

/// Brightness along (rows) and across (columns, from left to right of the line's heading) of a line; NaN where a
/// pixel is invalid.
#[derive(Clone, Debug)]
pub struct Strip {
    /// The earlier date, `(along, ACROSS)`.
    pub earlier: Array2<f32>,
    /// The later date, same shape.
    pub later: Array2<f32>,
}

/// A place `(row, col)` on the shared grid and the unit vector across the line there.
pub type Station = ((f64, f64), (f64, f64));

/// The stations of a strip: places along the line, [`STEP_M`] apart, each with the unit vector across.
pub fn stations(vertices: &[(f64, f64)], pixel_m: f64) -> Vec<Station> {
    let places = trace::resampled(vertices, STEP_M / pixel_m);
    // The heading over 2 m either way: stairs of the trace do not shake the strip, corners still turn it.
    let reach = (2.0 / STEP_M) as usize;
    (0..places.len())
        .map(|i| {
            let (a, b) = (places[i.saturating_sub(reach)], places[(i + reach).min(places.len() - 1)]);
            let d = (b.0 - a.0).hypot(b.1 - a.1).max(1e-9);
            let (hr, hc) = ((b.0 - a.0) / d, (b.1 - a.1) / d);
            // Heading (row, col) turned a quarter: positive columns of the strip lie to the right.
            (places[i], (hc, -hr))
        })
        .collect()
}

/// Unrolls both dates at `stations`: the earlier from the shared grid, the later straight from its own pixels,
/// of which `to_later` gives the position.
///
/// `earlier` covers the line with [`margin_px`] where the grid does, `later` what that maps to.
pub fn unroll(
    earlier: &Raster,
    later: &Raster,
    stations: &[Station],
    pixel_m: f64,
    to_later: impl Fn(Pixel) -> Pixel,
) -> Strip {
    let position = |(i, k): (usize, usize)| {
        let (at, across) = stations[i];
        let x = (k as f64 - (ACROSS / 2) as f64) * STEP_M / pixel_m;
        Pixel { row: at.0 + x * across.0, col: at.1 + x * across.1 }
    };
    let shape = (stations.len(), ACROSS);
    // The mapping is smooth: over the 24 m of a row it is a straight line to a thousandth of a pixel.
    let ends: Vec<(Pixel, Pixel)> = (0..stations.len())
        .map(|i| (to_later(position((i, 0))), to_later(position((i, ACROSS - 1)))))
        .collect();
    let there = |(i, k): (usize, usize)| {
        let ((a, b), t) = (ends[i], k as f64 / (ACROSS - 1) as f64);
        Pixel { row: a.row + (b.row - a.row) * t, col: a.col + (b.col - a.col) * t }
    };
    Strip {
        earlier: Array2::from_shape_fn(shape, |at| bilinear(earlier, position(at))),
        later: Array2::from_shape_fn(shape, |at| bilinear(later, there(at))),
    }
}

/// Brightness at a position of the raster's image (centre of the first pixel at 0.5), NaN where a neighbour is
/// invalid or beyond the raster.
fn bilinear(raster: &Raster, at: Pixel) -> f32 {
    let (y, x) = (at.row - 0.5, at.col - 0.5);
    let (fy, fx) = (whole(y), whole(x));
    let (i, j) = (fy - raster.window.row as i64, fx - raster.window.col as i64);
    let (rows, cols) = raster.pixels.dim();
    if i < 0 || j < 0 || i + 1 >= rows as i64 || j + 1 >= cols as i64 {
        return f32::NAN;
    }
    let (i, j) = (i as usize, j as usize);
    let ok = &raster.valid;
    if !(ok[(i, j)] && ok[(i, j + 1)] && ok[(i + 1, j)] && ok[(i + 1, j + 1)]) {
        return f32::NAN;
    }
    let (u, v) = ((y - fy as f64) as f32, (x - fx as f64) as f32);
    let p = &raster.pixels;
    (p[(i, j)] * (1.0 - v) + p[(i, j + 1)] * v) * (1.0 - u)
        + (p[(i + 1, j)] * (1.0 - v) + p[(i + 1, j + 1)] * v) * u
}

/// Mean along the strip over `half` samples either way; NaN samples weigh nothing.
pub fn smoothed_along(strip: &Array2<f32>, half: usize) -> Array2<f32> {
    let (rows, cols) = strip.dim();
    // What the window holds, by column: a row comes in at one end and leaves at the other.
    let mut held = vec![(0.0f64, 0.0f64); cols];
    let weigh = |held: &mut [(f64, f64)], row: usize, sign: f64| {
        for ((sum, count), &v) in held.iter_mut().zip(strip.row(row)) {
            let known = !v.is_nan();
            *sum += if known { sign * f64::from(v) } else { 0.0 };
            *count += if known { sign } else { 0.0 };
        }
    };
    (0..half.min(rows)).for_each(|row| weigh(&mut held, row, 1.0));
    let mut out = Array2::from_elem((rows, cols), f32::NAN);
    for i in 0..rows {
        if i + half < rows {
            weigh(&mut held, i + half, 1.0);
        }
        if i > half {
            weigh(&mut held, i - half - 1, -1.0);
        }
        for (out, &(sum, count)) in out.row_mut(i).iter_mut().zip(&held) {
            *out = if count > 0.5 { (sum / count) as f32 } else { f32::NAN };
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::Window;

    #[test]
    fn a_line_lies_in_the_middle_of_its_strip_and_east_is_right_of_north() {
        let mut r = Raster::invalid(Window::new(0, 0, 120, 100));
        r.valid.fill(true);
        r.pixels = Array2::from_shape_fn((120, 100), |(_, c)| {
            if c == 50 {
                0.0
            } else if c > 50 {
                200.0
            } else {
                100.0
            }
        });
        // Heading north: from the bottom row up.
        let s = unroll(&r, &r, &stations(&[(90.0, 50.5), (40.0, 50.5)], 0.5), 0.5, |p| p);
        assert_eq!(s.later.dim(), (51, ACROSS));
        let row = s.later.row(20);
        assert_eq!((row[ACROSS / 2], row[ACROSS / 2 + 4], row[ACROSS / 2 - 4]), (0.0, 200.0, 100.0));
    }

    #[test]
    fn beyond_the_raster_is_nan() {
        let r = Raster::invalid(Window::new(0, 0, 40, 40));
        let s = unroll(&r, &r, &stations(&[(5.0, 5.0), (5.0, 30.0)], 0.5), 0.5, |p| p);
        assert!(s.later.iter().all(|v| v.is_nan()));
    }
}
