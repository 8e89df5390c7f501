//! The evidence pictures, drawn from the images anew: nothing of the comparison needs to stay in memory.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use diff::PairSource;
use domain::{Pair, Pixel};
use ndarray::{Array2, Array3};
use rayon::prelude::*;
use report::html::View;
use report::output::{CHIPS, VIEWS, VIEWS_INDEX};
use report::{Chip, Fronts, MeasuredEarthwork, OutputDir, Stretch, render_png, sentence, views};
use serde::Serialize;

use crate::ahead::Images;
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
    /// Whether it gets views for the page beside its picture.
    pub on_page: bool,
}

/// The pictures that were drawn.
#[derive(Default)]
pub(crate) struct Drawn {
    /// Path below the output folder, by the id of the earthwork.
    pub files: BTreeMap<String, String>,
    /// Its two views for the page, by the id of the earthwork.
    pub views: BTreeMap<String, View>,
    /// Earthworks whose picture could not be drawn, and why.
    pub failed: BTreeMap<String, String>,
}

/// Draws the pictures on the current rayon pool. Stops early, with what there is, when asked to.
///
/// # Errors
/// Where a picture cannot be written. One whose pixels cannot be read is an entry of [`Drawn::failed`].
pub(crate) fn draw(
    subjects: &[Subject<'_>],
    fronts: &Fronts,
    images: &Images<'_>,
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
        let had = images.ready(first.pair, stop);
        let reader = had.clone().and_then(|()| PairReader::open(first.pair, None).map_err(|e| chain(&e)));
        group.par_iter().try_for_each(|subject| -> Result<()> {
            if stop.requested() {
                return Ok(());
            }
            let id = &subject.measured.earthwork.id;
            let picture = match &reader {
                Ok(reader) => chip(reader, subject, fronts).and_then(|chip| {
                    let png = render_png(&chip)?;
                    Ok((png, subject.on_page.then(|| Looks::of(&chip)).transpose()?))
                }),
                Err(e) => Err(Undrawable(e.clone())),
            };
            let name = format!("{CHIPS}/{id}.png");
            let outcome = match picture {
                Ok((png, looks)) => {
                    out.write_picture(&name, &png)?;
                    Ok((name, looks.map(|l| l.write(id, out)).transpose()?))
                }
                Err(Undrawable(reason)) => Err(reason),
            };
            let mut drawn = drawn.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            match outcome {
                Ok((name, view)) => {
                    drawn.files.insert(id.clone(), name);
                    drawn.views.extend(view.map(|v| (id.clone(), v)));
                }
                Err(reason) => _ = drawn.failed.insert(id.clone(), reason),
            };
            drop(drawn);
            let done = count.fetch_add(1, Ordering::Relaxed) + 1;
            events.tell(Event::Chips { done, total: subjects.len() });
            Ok(())
        })?;
        if had.is_ok() {
            images.done(first.pair);
        }
    }
    let drawn = drawn.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    let index = serde_json::to_string_pretty(&Index { chips: &drawn.files, views: &drawn.views })?;
    out.write_atomic(&format!("{VIEWS}/{VIEWS_INDEX}"), index.as_bytes())?;
    Ok(drawn)
}

/// What the folder of views says of itself, so that a report can be made again.
#[derive(Serialize)]
struct Index<'a> {
    chips: &'a BTreeMap<String, String>,
    views: &'a BTreeMap<String, View>,
}

/// The two looks at a work and its strip, as JPEG.
struct Looks {
    earlier: Vec<u8>,
    later: Vec<u8>,
    strip: Option<Vec<u8>>,
    view: View,
}

impl Looks {
    fn of(chip: &Chip) -> report::Result<Self> {
        let (height, width, _) = chip.earlier.dim();
        let tenth = |v: f64| (v * 10.0).round() / 10.0;
        Ok(Self {
            earlier: views::jpeg(&chip.earlier)?,
            later: views::jpeg(&chip.later)?,
            strip: views::strip(chip).map(|s| views::jpeg(&s)).transpose()?,
            view: View {
                earlier: String::new(),
                later: String::new(),
                strip: None,
                width,
                height,
                pixel_size_m: chip.pixel_size_m,
                line: chip.line_px.iter().map(|&(row, col)| [tenth(col), tenth(row)]).collect(),
            },
        })
    }

    fn write(self, id: &str, out: &OutputDir) -> report::Result<View> {
        let name = |what: &str| format!("{VIEWS}/{id}-{what}.jpg");
        let mut view = View { earlier: name("earlier"), later: name("later"), ..self.view };
        out.write_picture(&view.earlier, &self.earlier)?;
        out.write_picture(&view.later, &self.later)?;
        if let Some(strip) = self.strip {
            let name = name("strip");
            out.write_picture(&name, &strip)?;
            view.strip = Some(name);
        }
        Ok(view)
    }
}

/// Why a picture cannot be drawn.
struct Undrawable(String);

impl<E: std::error::Error> From<E> for Undrawable {
    fn from(error: E) -> Self {
        Self(chain(&error))
    }
}

/// The picture of a work, not yet encoded.
fn chip(reader: &PairReader, subject: &Subject<'_>, fronts: &Fronts) -> Result<Chip, Undrawable> {
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
        caption: caption(subject.measured, fronts),
        earlier_label: day(subject.pair.earlier.datetime),
        later_label: day(subject.pair.later.datetime),
    })
}

/// What it is and where, in a line.
fn caption(measured: &MeasuredEarthwork, fronts: &Fronts) -> String {
    format!(
        "{}; {:.1} m wide; {}",
        sentence(measured, fronts),
        measured.earthwork.width_m,
        measured.earthwork.id
    )
}
