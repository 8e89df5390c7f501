//! The evidence pictures, drawn from the images anew: nothing of the comparison needs to stay in memory.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use diff::PairSource;
use domain::{Pair, Pixel};
use ndarray::{Array2, Array3};
use rayon::prelude::*;
use report::{Chip, FrontLine, MeasuredEarthwork, OutputDir, Stretch, output::CHIPS, render_png};

use crate::error::{Result, chain};
use crate::events::{Event, Events, Stop};
use crate::pair::Work;
use crate::source::PairReader;
use crate::view::{Frame, view};

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
        let reader = PairReader::open(first.pair);
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
