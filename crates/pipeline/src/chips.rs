//! The evidence pictures, drawn from the images anew: nothing of the comparison needs to stay in memory.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use diff::{PairSource, resample};
use domain::{Pair, Pixel, Window};
use ndarray::{Array2, Array3};
use rayon::prelude::*;
use report::{Chip, FrontLine, MeasuredEarthwork, OutputDir, Stretch, output::CHIPS, render_png};

use crate::error::{Result, chain};
use crate::events::{Event, Events, Stop};
use crate::pair::Work;
use crate::source::PairReader;

/// Ground shown around a line, metres: enough to see what it joins.
const MARGIN_M: f64 = 20.0;
/// Least side of what is shown, metres: less shows no surroundings.
const LEAST_M: f64 = 100.0;
/// Most pixels on the longer side; longer lines are shown coarser. Bounds the memory of a thread to some 40 MB.
const MOST_PX: f64 = 800.0;
/// Height of the bands of the grid whose works are drawn one after the other, pixels: a row of Maxar's tiles.
const BAND_PX: f64 = 512.0;

/// A work with what it takes to draw it.
pub(crate) struct Subject<'a> {
    pub pair: &'a Pair,
    pub work: &'a Work,
    pub measured: &'a MeasuredEarthwork,
}

/// The pictures that were drawn.
#[derive(Default)]
pub(crate) struct Drawn {
    /// Path below the output folder, by the id of the earthwork.
    pub files: BTreeMap<String, String>,
    /// Earthworks whose picture could not be drawn, and why.
    pub failed: BTreeMap<String, String>,
}

/// Draws the pictures on the current rayon pool. Stops early, with what there is, when asked to.
///
/// # Errors
/// Where a picture cannot be written. One whose pixels cannot be read is an entry of [`Drawn::failed`].
pub(crate) fn draw(
    subjects: &[Subject<'_>],
    front: &FrontLine,
    out: &OutputDir,
    events: &dyn Events,
    stop: &Stop,
) -> Result<Drawn> {
    let drawn = Mutex::new(Drawn::default());
    let count = AtomicUsize::new(0);
    let mut by_pair: BTreeMap<String, Vec<&Subject<'_>>> = BTreeMap::new();
    for subject in subjects {
        by_pair.entry(subject.pair.id()).or_default().push(subject);
    }
    for group in by_pair.values_mut() {
        // Neighbours one after the other: the tiles of the images they share are still in GDAL's cache.
        group.sort_by_key(|s| s.work.line_px.first().map(|p| ((p.row / BAND_PX) as i64, p.col as i64)));
        let Some(first) = group.first() else { continue };
        let reader = PairReader::open(first.pair, None);
        group.par_iter().try_for_each(|subject| -> Result<()> {
            if stop.requested() {
                return Ok(());
            }
            let id = &subject.measured.earthwork.id;
            let picture = match &reader {
                Ok(reader) => chip(reader, subject, front).and_then(|chip| Ok(render_png(&chip)?)),
                Err(e) => Err(Undrawable(chain(e))),
            };
            let name = format!("{CHIPS}/{id}.png");
            let outcome = match picture {
                Ok(png) => {
                    out.write_atomic(&name, &png)?;
                    Ok(name)
                }
                Err(Undrawable(reason)) => Err(reason),
            };
            let mut drawn = drawn.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            match outcome {
                Ok(name) => drawn.files.insert(id.clone(), name),
                Err(reason) => drawn.failed.insert(id.clone(), reason),
            };
            drop(drawn);
            let done = count.fetch_add(1, Ordering::Relaxed) + 1;
            events.tell(Event::Chips { done, total: subjects.len() });
            Ok(())
        })?;
    }
    Ok(drawn.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner))
}

/// Why a picture cannot be drawn.
struct Undrawable(String);

impl<E: std::error::Error> From<E> for Undrawable {
    fn from(error: E) -> Self {
        Self(chain(&error))
    }
}

/// What is shown: a window of the shared grid, and the shape of the picture.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Frame {
    window: Window,
    shape: (usize, usize),
}

impl Frame {
    /// The frame around a line on a grid of `shape`.
    fn around(line: &[Pixel], shape: (usize, usize), pixel_m: f64) -> Self {
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
    fn step(&self) -> (f64, f64) {
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

/// The picture of a work, not yet encoded.
fn chip(reader: &PairReader, subject: &Subject<'_>, front: &FrontLine) -> Result<Chip, Undrawable> {
    let work = subject.work;
    let frame = Frame::around(&work.line_px, reader.shape(), reader.pixel_m());
    let earlier = match reader.earlier_map() {
        Some(map) => {
            view(&frame, reader.earlier_shape(), map.scale(), |p| map.at(p), |w, s| reader.earlier_rgb(w, s))
        }
        None => view(&frame, reader.earlier_shape(), 1.0, |p| p, |w, s| reader.earlier_rgb(w, s)),
    }?;
    let map = reader.later_map();
    let shift = work.shift_px;
    let to_later = |p: Pixel| map.at(Pixel { row: p.row + shift.row, col: p.col + shift.col });
    let later = view(&frame, reader.later_shape(), map.scale(), to_later, |w, s| reader.later_rgb(w, s))?;
    let (down, across) = frame.step();
    let line_px = work
        .line_px
        .iter()
        .map(|p| ((p.row - frame.window.row as f64) / down, (p.col - frame.window.col as f64) / across));
    let day = |t: chrono::DateTime<chrono::Utc>| t.format("%-d %B %Y").to_string();
    let shown = |(pixels, valid): &(Array3<f32>, Array2<bool>)| -> Result<Array3<u8>, Undrawable> {
        Ok(Stretch::of(pixels.view(), valid.view())?.apply(pixels.view(), valid.view())?)
    };
    Ok(Chip {
        earlier: shown(&earlier)?,
        later: shown(&later)?,
        line_px: line_px.collect(),
        pixel_size_m: reader.pixel_m() * (down * across).sqrt(),
        caption: caption(subject.measured, front),
        earlier_label: day(subject.pair.earlier.datetime),
        later_label: day(subject.pair.later.datetime),
    })
}

/// Three bands and their validity over a frame. `to_source` maps the shared grid to the image, of whose pixels a
/// grid pixel spans `scale`; `read` reads a window of the image in a given shape.
fn view(
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
    for row in 0..rows {
        for col in 0..cols {
            let p = to_source(frame.grid_position((row, col)));
            // From positions (centre of the first pixel at 0.5) to indices (at 0).
            let y = (p.row - needed.row as f64) / factor.0 - 0.5;
            let x = (p.col - needed.col as f64) / factor.1 - 0.5;
            let (Some((i, v)), Some((j, u))) = (between(y, shape.0), between(x, shape.1)) else { continue };
            if !valid[(if v < 0.5 { i.0 } else { i.1 }, if u < 0.5 { j.0 } else { j.1 })] {
                continue;
            }
            out.1[(row, col)] = true;
            for band in 0..3 {
                let at = |r: usize, c: usize| pixels[(band, r, c)];
                let upper = at(i.0, j.0) + (at(i.0, j.1) - at(i.0, j.0)) * u;
                let lower = at(i.1, j.0) + (at(i.1, j.1) - at(i.1, j.0)) * u;
                out.0[(band, row, col)] = upper + (lower - upper) * v;
            }
        }
    }
    Ok(out)
}

/// The two indices around `v` in 0..`n` and the fraction between them; `None` beyond half a pixel outside.
fn between(v: f64, n: usize) -> Option<((usize, usize), f32)> {
    if !(-0.5..=n as f64 - 0.5).contains(&v) {
        return None;
    }
    let v = v.clamp(0.0, (n - 1) as f64);
    let first = v.floor() as usize;
    Some(((first, (first + 1).min(n - 1)), (v - v.floor()) as f32))
}

/// What it is and where, in a line.
fn caption(measured: &MeasuredEarthwork, front: &FrontLine) -> String {
    let (e, m) = (&measured.earthwork, &measured.measure);
    let place = match m.direction {
        Some(direction) => {
            format!(
                ", {:.1} km {} of the front line of {}",
                m.distance_m / 1000.0,
                direction.as_str(),
                front.date
            )
        }
        None if m.distance_m.is_finite() => format!(", on the front line of {}", front.date),
        None => String::new(),
    };
    format!(
        "{}, {:.0} m long, {:.1} m wide{place}; confidence {:.2}; {}",
        e.class.in_words(),
        e.length_m,
        e.width_m,
        e.confidence,
        e.id
    )
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
