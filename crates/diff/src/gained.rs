//! The line gain along a line that was found, measured where it runs.

use domain::Window;

use crate::{
    PairSource,
    compare::{Outcome, too_coarse},
    line_gain::{self, Buffers, Layout, Scale},
    pool::Pool,
    trace::{self, Index},
    view::View,
};

/// How far from a line its gain is looked for, metres.
const REACH_M: f64 = 3.0;
/// Vertices that are measured together, about a metre apart: the filters' context is read once for all of them.
const TOGETHER: usize = 100;

/// The median along `vertices` (pixels of the shared grid) of the highest gain near each; 0 where there is none.
pub(crate) fn along<S: PairSource>(
    view: &View<'_, S>,
    vertices: &[(f64, f64)],
    options: &line_gain::Options,
    pool: &Pool<Buffers>,
) -> Outcome<S, f64> {
    let (shape, pixel_m) = (view.source.shape(), view.source.pixel_m());
    if too_coarse(view.source) {
        return Ok(0.0);
    }
    let layout = Layout::of(pixel_m);
    let reach_px = REACH_M / pixel_m;
    // Where it is not known nothing is compared.
    let residual_px = |at| Some(view.field.verdict(at).1).filter(|e| e.is_finite()).unwrap_or(1.0);
    let mut gains = Vec::with_capacity(vertices.len());
    for part in vertices.chunks(TOGETHER) {
        let core = box_around(part, reach_px, shape);
        let region = core.grown(layout.halo_px, shape).snapped(layout.block_px, shape);
        let (earlier, later) = view.read(region)?;
        let points = Scale::ALL.map(|scale| {
            let mut points = pool.with(|buffers| {
                line_gain::points([&earlier, &later], core, scale, pixel_m, residual_px, options, buffers)
            });
            trace::sort(&mut points);
            points
        });
        let indices = points.each_ref().map(|points| Index::new(points));
        gains.extend(part.iter().map(|&(row, col)| {
            let near = indices.iter().flat_map(|i| i.gains_near(row as f32, col as f32, reach_px as f32));
            near.fold(0.0, |most: f32, gain| if gain > most { gain } else { most })
        }));
    }
    gains.sort_unstable_by(f32::total_cmp);
    Ok(gains.get(gains.len() / 2).map_or(0.0, |&gain| f64::from(gain)))
}

/// The pixels within reach of some places.
fn box_around(places: &[(f64, f64)], reach_px: f64, (rows, cols): (usize, usize)) -> Window {
    let ends = |get: fn(&(f64, f64)) -> f64, n: usize| {
        let (low, high) =
            places.iter().map(get).fold((f64::MAX, f64::MIN), |(low, high), v| (low.min(v), high.max(v)));
        let first = ((low - reach_px).max(0.0) as usize).min(n);
        (first, ((high + reach_px).max(0.0).ceil() as usize).clamp(first, n))
    };
    let ((row, row_end), (col, col_end)) = (ends(|p| p.0, rows), ends(|p| p.1, cols));
    Window::new(row, col, row_end - row, col_end - col)
}
