//! The order of the steps of an alignment.

use domain::{Pixel, Raster, Window};
use rayon::prelude::*;

use super::tie::{Attempt, Attempts};
use super::{Correlator, Field, Layout, Options, Surface};
use crate::source::Counter;
use crate::view::later_on_grid;
use crate::{CompareError, PairSource, Progress, Stage, resample};

/// Side of the windows for the first shift, after decimation, pixels.
const FIRST_PX: usize = 256;
/// Windows for the first shift along a side, at the most.
const FIRST_WINDOWS: usize = 6;
/// Displacements that differ by more within a window are measured twice, pixels.
const MOST_WITHIN_PX: f64 = 0.5;
/// Smoothing of pixels before they are matched, as delivered and where they were made smaller, pixels.
const SMOOTHING_PX: f32 = 0.7;
const COARSE_SMOOTHING_PX: f32 = 0.5;
/// Share of the smallest windows that match where they are taken alone.
const MOST_MATCH: f64 = 0.5;
/// Pixels, and by how much they were displaced when they were read.
type Displaced = (Raster, (f64, f64));
/// Two images whose pixels drift apart by no more over a window have the same, pixels.
const SAME_PX: f64 = 0.02;

/// The displacement of the later image of a pair.
///
/// # Errors
/// [`CompareError::Read`] where the source fails, [`CompareError::Cancelled`] on request.
pub fn register<S: PairSource>(
    source: &S,
    options: &Options,
    progress: &dyn Progress,
) -> Result<Field, CompareError<S::Error>> {
    let shape = source.shape();
    let max_px = options.max_shift_m / source.pixel_m();
    // Beyond a third of a window too little overlaps.
    let most = FIRST_PX / 3;
    let factor = if max_px / 2.0 > most as f64 { 4 } else { 2 };
    let reach = ((max_px / factor as f64).ceil() as usize).clamp(4, most);
    let coarse = first_windows(shape, factor);
    let layout = Layout::of(shape);
    let fine = layout.windows(shape);
    let count = Counter::new(progress, Stage::Align, coarse.len() + fine.len());
    let correlator = Correlator::new(FIRST_PX, COARSE_SMOOTHING_PX);
    let surfaces: Vec<Option<Surface>> = coarse
        .par_iter()
        .map(|&w| {
            count.check()?;
            let earlier = source.earlier(w).map_err(CompareError::Read)?;
            // The fraction of a pixel that it was read aside is nothing beside a tie's reach.
            let (later, _) = displaced(source, w, (0.0, 0.0))?;
            let (e, l) = (resample::decimate(&earlier, factor), resample::decimate(&later, factor));
            count.advance();
            Ok(correlator.surface((&e.0, &e.1), (&l.0, &l.1), reach))
        })
        .collect::<Result<_, CompareError<S::Error>>>()?;
    let first = Surface::mean(surfaces.iter().flatten())
        .and_then(|s| s.peak())
        .map(|p| (p.d_row_px * factor as f64, p.d_col_px * factor as f64));
    let shift = first.unwrap_or((0.0, 0.0));
    let smoothing_px = if layout.decimation == 1 { SMOOTHING_PX } else { COARSE_SMOOTHING_PX };
    let correlator = Correlator::new(layout.window_px / layout.decimation, smoothing_px);
    let tried = fine
        .par_iter()
        .map(|&(w, part)| {
            count.check()?;
            let earlier = source.earlier(w).map_err(CompareError::Read)?;
            let (later, shift) = displaced(source, w, shift)?;
            count.advance();
            Ok(Attempt::make(&correlator, &layout, (&earlier, &later), shift, part))
        })
        .collect::<Result<Vec<_>, CompareError<S::Error>>>()?;
    let field = Field::fit(Attempts::of(&tried), shape, &layout, first, options);
    if field.varies_px(layout.window_px) <= MOST_WITHIN_PX {
        return Ok(field);
    }
    // Where relief displaces the parts of a window differently, its peak is smeared and says of their mean what it can. Read
    // through the field they agree, but for what it is wrong by; and smaller windows follow what it cannot.
    let again = |of: &Layout, correlator: &Correlator, windows: Vec<(Window, usize)>| {
        let again = |(w, _)| {
            count.check()?;
            let earlier = source.earlier(w).map_err(CompareError::Read)?;
            let later = later_on_grid(source, w, |p| field.displaced(p))?;
            let part = layout.part_at(w);
            Ok(Attempt::make(correlator, of, (&earlier, &later), (0.0, 0.0), part).seen_through(&field))
        };
        windows.into_par_iter().map(again).collect::<Result<Vec<_>, CompareError<S::Error>>>()
    };
    if let Some(finest) = layout.finest() {
        let correlator = Correlator::new(finest.window_px, SMOOTHING_PX);
        let (some, others): (Vec<_>, Vec<_>) =
            finest.windows(shape).into_iter().partition(|(_, part)| *part == 0);
        let mut tried = again(&finest, &correlator, some)?;
        if tried.iter().filter(|a| a.matched()).count() as f64 >= MOST_MATCH * tried.len() as f64 {
            tried.extend(again(&finest, &correlator, others)?);
            return Ok(field.again(Attempts::of(&tried), shape, &layout, options));
        }
    }
    let mut tried = again(&layout, &correlator, fine)?;
    if let Some(closer) = layout.closer() {
        let correlator = Correlator::new(closer.window_px, SMOOTHING_PX);
        tried.extend(again(&closer, &correlator, closer.windows(shape))?);
    }
    Ok(field.again(Attempts::of(&tried), shape, &layout, options))
}

/// The later image where the content of `window` is, displaced by `shift_px` or by a fraction of a pixel more or less, which
/// comes with it.
///
/// Where the two images have pixels of one size and direction, which is nearly always, they are taken as they are: whole
/// pixels aside, a correlation finds the rest, and resampling costs as much as it does.
fn displaced<S: PairSource>(
    source: &S,
    window: Window,
    shift_px: (f64, f64),
) -> Result<Displaced, CompareError<S::Error>> {
    let map = source.later_map();
    let at =
        |row: usize, col: usize| map.at(Pixel { row: row as f64 + shift_px.0, col: col as f64 + shift_px.1 });
    let first = at(window.row, window.col);
    let offset = |p: Pixel, row: usize, col: usize| (p.row - row as f64, p.col - col as f64);
    let here = offset(first, window.row, window.col);
    let corners = [
        (window.row_end(), window.col),
        (window.row, window.col_end()),
        (window.row_end(), window.col_end()),
    ];
    let alike = corners.iter().all(|&(r, c)| {
        let there = offset(at(r, c), r, c);
        (there.0 - here.0).abs().max((there.1 - here.1).abs()) <= SAME_PX
    });
    let (row, col) = (first.row.round(), first.col.round());
    let (rows, cols) = source.later_shape();
    let inside =
        row >= 0.0 && col >= 0.0 && row as usize + window.rows <= rows && col as usize + window.cols <= cols;
    if !alike || !inside {
        let later =
            later_on_grid(source, window, |p| Pixel { row: p.row + shift_px.0, col: p.col + shift_px.1 })?;
        return Ok((later, shift_px));
    }
    let whole = Window::new(row as usize, col as usize, window.rows, window.cols);
    let later = source.later(whole).map_err(CompareError::Read)?;
    Ok((later, (shift_px.0 + row - first.row, shift_px.1 + col - first.col)))
}

/// Windows for the first shift, spread over a grid of `shape`, at multiples of `factor`.
fn first_windows(shape: (usize, usize), factor: usize) -> Vec<Window> {
    let size = FIRST_PX * factor;
    let side = |n: usize| size.min(n) / factor * factor;
    let starts = |n: usize| -> Vec<usize> {
        let side = side(n);
        let count = (n / size).clamp(1, FIRST_WINDOWS);
        (0..count)
            .map(|i| if count == 1 { (n - side) / 2 } else { i * (n - side) / (count - 1) })
            .map(|v| v / factor * factor)
            .collect()
    };
    let (down, along) = (starts(shape.0), starts(shape.1));
    down.iter()
        .flat_map(|&r| along.iter().map(move |&c| (r, c)))
        .map(|(r, c)| Window::new(r, c, side(shape.0), side(shape.1)))
        .collect()
}
