//! One image laid onto another: the alignment alone, with all that it rests on.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use chrono::{DateTime, Utc};
use diff::align::{self, CELL_PX, Field, Role, Verdict};
use diff::{CompareError, PairSource, Progress, Stage, resample};
use domain::{Grid, Pair, Pixel, Window};
use ingest::write::{GeoTiffOptions, GeoTiffWriter, PixelType};
use ingest::{VectorFormat, VectorLayer, write_vector};
use ndarray::{Array2, Array3, s};
use rayon::prelude::*;
use report::OutputDir;
use report::quiver::{Arrow, Cell, Quiver, quiver_png};
use serde::Serialize;
use serde_json::{Value, json};

use crate::events::{Event, Events, Stop};
use crate::source::PairReader;
use crate::{Error, Result};

/// Side of the windows that are resampled at a time, pixels.
const WINDOW_PX: usize = 1024;
/// Longest side of the picture below the arrows, pixels.
const PICTURE_PX: usize = 1000;

/// What [`align()`] needs to know.
#[derive(Clone, Debug, PartialEq)]
pub struct AlignOptions {
    /// The image that stays.
    pub earlier: PathBuf,
    /// The image that is laid onto it.
    pub later: PathBuf,
    /// Folder for the results; made if missing.
    pub out: PathBuf,
    /// Replaces what an earlier alignment wrote there.
    pub overwrite: bool,
    /// How to align.
    pub align: align::Options,
    /// Whether the later image is written, aligned; else only what is known of the fit.
    pub image: bool,
    /// Computing threads; 0 takes one for each processor.
    pub threads: usize,
    /// GDAL's block cache, megabytes; see [`crate::SurveyOptions::cache_mb`].
    pub cache_mb: usize,
}

/// What an alignment came to; `align.json` holds it too.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Aligned {
    /// The image that stays.
    pub earlier: PathBuf,
    /// The image that was laid onto it.
    pub later: PathBuf,
    /// The output folder.
    #[serde(skip)]
    pub out: PathBuf,
    /// Side of a pixel of the shared grid, metres.
    pub pixel_m: f64,
    /// Ties, shift and error.
    pub alignment: align::Summary,
    /// Largest displacement of the field beside its mean, pixels: what no shift would have mended.
    pub local_px: f64,
    /// Ground by verdict, km².
    pub aligned_km2: f64,
    /// Ground where the images do not fit.
    pub misaligned_km2: f64,
    /// Ground where nothing tells.
    pub no_ties_km2: f64,
    /// What was written, by its name in the folder.
    pub files: Vec<&'static str>,
    /// Wall time of the ties and the fit, seconds.
    pub align_s: f64,
    /// Wall time of all, seconds.
    pub total_s: f64,
}

/// Lays the later of two images onto the earlier, and says how well it fits where.
///
/// Writes `ties.gpkg` (ties and cells), `ties.geojson`, `cells.geojson`, `quiver.png`, `align.json` and, where it is
/// asked for, `aligned.tif`: all bands of the later image, resampled once, on the grid of the comparison (the earlier
/// image's, upright), as a cloud-optimised GeoTIFF.
///
/// # Errors
/// [`Error::Option`] and [`Error::Compare`] for an option out of its range; [`Error::Images`] where an image cannot be
/// read; [`Error::Apart`], [`Error::NoConsensus`] where the two cannot be laid onto each other, and nothing is written;
/// [`Error::Report`] where the folder is taken or cannot be written; [`Error::Abandoned`] on request.
pub async fn align(options: &AlignOptions, events: Arc<dyn Events>, stop: Stop) -> Result<Aligned> {
    let clock = Instant::now();
    crate::options::check_resources(options.cache_mb, options.threads)?;
    options.align.validate()?;
    ingest::configure(options.cache_mb);
    // What has no date is aligned all the same: this order of the two is the user's.
    let earlier = ingest::single(&options.earlier, DateTime::<Utc>::MIN_UTC).await?;
    let later = ingest::single(&options.later, DateTime::<Utc>::MAX_UTC).await?;
    let pair = Pair { earlier, later, overlap_km2: 0.0 };
    let options = options.clone();
    tokio::task::spawn_blocking(move || {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(options.threads).build()?;
        pool.install(|| Job { options: &options, pair: &pair, events: &*events, stop: &stop, clock }.run())
    })
    .await?
}

/// What every step of an alignment needs.
struct Job<'a> {
    options: &'a AlignOptions,
    pair: &'a Pair,
    events: &'a dyn Events,
    stop: &'a Stop,
    clock: Instant,
}

impl Progress for Job<'_> {
    fn advance(&self, stage: Stage, done: usize, total: usize) {
        self.events.tell(Event::Stage { index: 0, stage, done, total });
    }

    fn cancelled(&self) -> bool {
        self.stop.requested()
    }
}

impl Job<'_> {
    fn run(&self) -> Result<Aligned> {
        // Needed twice at the most, and read by window both times: nothing is kept decoded.
        let reader = PairReader::open(self.pair, None)?;
        if !overlaps(&reader) {
            return Err(Error::Apart {
                earlier: self.options.earlier.clone(),
                later: self.options.later.clone(),
            });
        }
        let field = align::register(&reader, &self.options.align, self).map_err(|e| match e {
            CompareError::Read(source) => Error::Images(source),
            _ => Error::Abandoned { out: self.options.out.clone() },
        })?;
        let align_s = self.clock.elapsed().as_secs_f64();
        if let Some(error) = objection(self.pair, &field.summary) {
            return Err(error);
        }
        let out = OutputDir::create(&self.options.out, false).or_else(|e| {
            let own = self.options.overwrite && self.options.out.join("align.json").exists();
            if own { clear(&self.options.out).map(|()| OutputDir::of_run(&self.options.out)) } else { Err(e) }
        })?;
        let mut done = self.summary(&reader, &field, align_s);
        if self.options.image {
            self.write_image(&reader, &field)?;
        }
        self.write_ties(&out, reader.grid(), &field)?;
        out.write_atomic("quiver.png", &quiver_png(&picture(&reader, &field)?)?)?;
        done.total_s = self.clock.elapsed().as_secs_f64();
        let mut text = serde_json::to_string_pretty(&done)?;
        text.push('\n');
        out.write_atomic("align.json", text.as_bytes())?;
        Ok(done)
    }

    fn summary(&self, reader: &PairReader, field: &Field, align_s: f64) -> Aligned {
        let (shape, pixel_m) = (reader.shape(), reader.pixel_m());
        let mut km2 = [0.0; 3];
        let mut local_px = 0.0f64;
        for ((i, j), &(verdict, _)) in field.cells().indexed_iter() {
            let (rows, cols) = (CELL_PX.min(shape.0 - i * CELL_PX), CELL_PX.min(shape.1 - j * CELL_PX));
            km2[verdict as usize] += (rows * cols) as f64 * pixel_m * pixel_m / 1e6;
            if verdict != Verdict::NoTies {
                let (dr, dc) = moved(field, middle(i, j, shape));
                local_px = local_px.max((dr - field.summary.d_row_px).hypot(dc - field.summary.d_col_px));
            }
        }
        let [aligned_km2, misaligned_km2, no_ties_km2] = km2;
        Aligned {
            earlier: self.options.earlier.clone(),
            later: self.options.later.clone(),
            out: self.options.out.clone(),
            pixel_m,
            alignment: field.summary,
            local_px,
            aligned_km2,
            misaligned_km2,
            no_ties_km2,
            files: if self.options.image { OWN_FILES.to_vec() } else { OWN_FILES[1..].to_vec() },
            align_s,
            total_s: 0.0,
        }
    }

    /// Writes the later image on the shared grid, all its bands.
    fn write_image(&self, reader: &PairReader, field: &Field) -> Result<()> {
        let (path, part) = (self.options.out.join(OWN_FILES[0]), self.options.out.join(".aligned.plain"));
        let written = self.write_plain(reader, field, &part);
        let written = written.and_then(|()| Ok(ingest::write::to_cog(&part, &path)?));
        // What is left of it is of no use, and the error that led here is the one to report.
        let _ = std::fs::remove_file(&part);
        written
    }

    fn write_plain(&self, reader: &PairReader, field: &Field, path: &Path) -> Result<()> {
        let later = &self.pair.later;
        let (bands, nodata) = reader.later_bands_and_nodata()?;
        let kind = match later.data_type.as_str() {
            "Byte" => PixelType::U8,
            "UInt16" => PixelType::U16,
            _ => PixelType::F32,
        };
        let nodata = nodata.unwrap_or(if kind == PixelType::F32 { f32::NAN } else { 0.0 });
        let layout = GeoTiffOptions {
            nodata: Some(f64::from(nodata)),
            alpha: false,
            metadata: vec![(
                "TIFFTAG_IMAGEDESCRIPTION".to_owned(),
                format!("{} laid onto {} by Fosse", later.id, self.pair.earlier.id),
            )],
            ..GeoTiffOptions::default()
        };
        let mut writer = GeoTiffWriter::create(path, reader.grid(), bands, kind, &layout)?;
        let windows = Window::tiling(reader.shape(), WINDOW_PX);
        let done = AtomicUsize::new(0);
        // A row of windows at a time: as many are in memory as the image is wide.
        for row in windows.chunk_by(|a, b| a.row == b.row) {
            for few in row.chunks(rayon::current_num_threads().max(1)) {
                if self.stop.requested() {
                    return Err(Error::Abandoned { out: self.options.out.clone() });
                }
                let pixels = few
                    .par_iter()
                    .map(|&w| resampled(reader, field, w, bands, nodata, kind))
                    .collect::<Result<Vec<_>>>()?;
                for (window, pixels) in few.iter().zip(pixels) {
                    writer.write_window(*window, pixels.view())?;
                    let done = done.fetch_add(1, Ordering::Relaxed) + 1;
                    self.events.tell(Event::Rendered { done, total: windows.len() });
                }
            }
        }
        Ok(writer.finish()?)
    }

    /// Writes ties and cells as vectors.
    fn write_ties(&self, out: &OutputDir, grid: &Grid, field: &Field) -> Result<()> {
        let (ties, cells) = (ties(grid, field)?, cells(grid, field)?);
        for (name, features) in [("ties.geojson", &ties), ("cells.geojson", &cells)] {
            out.write_atomic(name, serde_json::to_string(features)?.as_bytes())?;
        }
        let layers = [("ties", &ties), ("cells", &cells)];
        let layers = layers.map(|(name, features)| VectorLayer { name, features, style: None });
        Ok(write_vector(&out.path().join("ties.gpkg"), VectorFormat::GeoPackage, &layers)?)
    }
}

/// What an alignment writes.
const OWN_FILES: [&str; 6] =
    ["aligned.tif", "ties.gpkg", "ties.geojson", "cells.geojson", "quiver.png", "align.json"];

/// Removes what an earlier alignment wrote.
fn clear(folder: &Path) -> Result<(), report::Error> {
    for name in OWN_FILES {
        let path = folder.join(name);
        match std::fs::remove_file(&path) {
            Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
                return Err(report::Error::Write { action: "remove", path, source });
            }
            _ => {}
        }
    }
    Ok(())
}

/// Why a pair cannot be laid onto each other; `None` where it can.
fn objection(pair: &Pair, summary: &align::Summary) -> Option<Error> {
    (!summary.consensus).then(|| Error::NoConsensus {
        earlier: pair.earlier.path.clone(),
        later: pair.later.path.clone(),
        said: without_consensus(summary),
    })
}

/// What a person must know of a pair whose ties agree on nothing, with the remedy.
pub(crate) fn without_consensus(summary: &align::Summary) -> String {
    let align::Summary { windows, matched, .. } = *summary;
    if matched == 0 {
        return format!(
            "none of {windows} windows has anything in common (cloud, water, plain or different ground); check them by eye"
        );
    }
    format!(
        "no consensus among {matched} ties of {windows} windows: they show different ground, are mirrored or turned, or lie \
         farther apart than align.max_shift_m; check them by eye, and their georeferencing"
    )
}

/// Whether any of the shared grid's rim or middle lies in the later image.
fn overlaps(reader: &PairReader) -> bool {
    let (rows, cols) = reader.shape();
    let whole = Window::new(0, 0, rows, cols);
    !resample::source_window(whole, reader.later_shape(), 1.0, |p| reader.later_map().at(p)).is_empty()
}

/// The later image over a window of the shared grid, ready to be written.
fn resampled(
    reader: &PairReader,
    field: &Field,
    window: Window,
    bands: usize,
    nodata: f32,
    kind: PixelType,
) -> Result<Array3<f32>> {
    let map = reader.later_map();
    let to_source = |p: Pixel| map.at(field.displaced(p));
    let scale = map.scale();
    let need = resample::source_window(window, reader.later_shape(), scale, to_source);
    let mut out = Array3::from_elem((bands, window.rows, window.cols), nodata);
    if need.is_empty() {
        return Ok(out);
    }
    for (k, raster) in reader.later_all_bands(need)?.iter().enumerate().take(bands) {
        let onto = resample::onto(raster, window, scale, to_source);
        let mut plane = out.slice_mut(s![k, .., ..]);
        ndarray::Zip::from(&mut plane).and(&onto.pixels).and(&onto.valid).for_each(|to, &v, &ok| {
            if ok {
                let whole = kind != PixelType::F32;
                let v = if whole { v.round() } else { v };
                // A pixel that is there must not look like none.
                *to = if v.to_bits() == nodata.to_bits() && whole { v + 1.0 } else { v };
            }
        });
    }
    Ok(out)
}

fn moved(field: &Field, p: Pixel) -> (f64, f64) {
    let to = field.displaced(p);
    (to.row - p.row, to.col - p.col)
}

/// The middle of a cell.
fn middle(i: usize, j: usize, shape: (usize, usize)) -> Pixel {
    let at = |k: usize, n: usize| (k * CELL_PX + n.min((k + 1) * CELL_PX)) as f64 / 2.0;
    Pixel { row: at(i, shape.0), col: at(j, shape.1) }
}

fn thousandth(v: f64) -> Option<f64> {
    v.is_finite().then(|| (v * 1000.0).round() / 1000.0)
}

fn in_word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Aligned => "aligned",
        Verdict::Misaligned => "misaligned",
        Verdict::NoTies => "no_ties",
    }
}

/// The ties as points where they lie in the earlier image.
fn ties(grid: &Grid, field: &Field) -> Result<Value> {
    let at: Vec<Pixel> = field.ties.iter().map(|t| Pixel { row: t.row_px, col: t.col_px }).collect();
    let placed = if at.is_empty() { vec![] } else { ingest::to_lon_lat(grid, &at)? };
    let features = field.ties.iter().zip(placed).map(|(t, p)| {
        json!({
            "type": "Feature",
            "properties": {
                "row_px": t.row_px, "col_px": t.col_px,
                "d_row_px": thousandth(t.d_row_px), "d_col_px": thousandth(t.d_col_px),
                "sigma_px": thousandth(t.sigma_px), "prominence": thousandth(t.prominence),
                "role": t.role, "residual_px": thousandth(t.residual_px),
            },
            "geometry": {"type": "Point", "coordinates": [p.x, p.y]},
        })
    });
    Ok(json!({"type": "FeatureCollection", "features": features.collect::<Vec<_>>()}))
}

/// The cells as squares, with what the field says of their middle.
fn cells(grid: &Grid, field: &Field) -> Result<Value> {
    let shape = grid.shape();
    let cells: Vec<_> = field.cells().indexed_iter().collect();
    let corners: Vec<Pixel> = cells
        .iter()
        .flat_map(|((i, j), _)| {
            let edge = |k: usize, n: usize| (k * CELL_PX).min(n) as f64;
            let (top, bottom) = (edge(*i, shape.0), edge(i + 1, shape.0));
            let (left, right) = (edge(*j, shape.1), edge(j + 1, shape.1));
            [(top, left), (bottom, left), (bottom, right), (top, right)]
        })
        .map(|(row, col)| Pixel { row, col })
        .collect();
    let placed = ingest::to_lon_lat(grid, &corners)?;
    let features = cells.iter().zip(placed.chunks(4)).map(|(((i, j), (verdict, residual)), ring)| {
        let p = middle(*i, *j, shape);
        let (d_row, d_col) = moved(field, p);
        let ring: Vec<[f64; 2]> = ring.iter().chain(ring.first()).map(|c| [c.x, c.y]).collect();
        json!({
            "type": "Feature",
            "properties": {
                "row_px": p.row, "col_px": p.col,
                "d_row_px": thousandth(d_row), "d_col_px": thousandth(d_col),
                "verdict": in_word(*verdict), "residual_px": thousandth(f64::from(*residual)),
            },
            "geometry": {"type": "Polygon", "coordinates": [ring]},
        })
    });
    Ok(json!({"type": "FeatureCollection", "features": features.collect::<Vec<_>>()}))
}

/// The earlier image on the shared grid, shrunk `factor` times to `shape`.
fn thumbnail(reader: &PairReader, shape: (usize, usize), factor: f64) -> Result<(Array3<f32>, Array2<bool>)> {
    let own = reader.earlier_shape();
    let (rgb, valid) = reader.earlier_rgb(Window::new(0, 0, own.0, own.1), shape)?;
    let Some(map) = reader.earlier_map() else { return Ok((rgb, valid)) };
    let (mut turned, mut there) = (Array3::zeros(rgb.dim()), Array2::from_elem(shape, false));
    for ((r, c), ok) in there.indexed_iter_mut() {
        let p = map.at(Pixel { row: (r as f64 + 0.5) * factor, col: (c as f64 + 0.5) * factor });
        let at = |v: f64, of: usize, to: usize| (v >= 0.0).then_some((v * to as f64 / of as f64) as usize);
        let from = at(p.row, own.0, shape.0).zip(at(p.col, own.1, shape.1));
        if let Some(from) = from.filter(|&f| valid.get(f).copied().unwrap_or(false)) {
            *ok = true;
            turned.slice_mut(s![.., r, c]).assign(&rgb.slice(s![.., from.0, from.1]));
        }
    }
    Ok((turned, there))
}

/// The earlier image, small, with the ties on it.
fn picture(reader: &PairReader, field: &Field) -> Result<Quiver> {
    let (rows, cols) = reader.shape();
    let factor = (rows.max(cols) as f64 / PICTURE_PX as f64).max(0.25);
    let size = |n: usize| ((n as f64 / factor) as usize).max(1);
    let (rgb, valid) = thumbnail(reader, (size(rows), size(cols)), factor)?;
    let summary = &field.summary;
    let arrows = field.ties.iter().map(|t| Arrow {
        row: t.row_px / factor,
        col: t.col_px / factor,
        // The mean, which the first shift takes care of, would hide what is local.
        d_row_px: t.d_row_px - summary.d_row_px,
        d_col_px: t.d_col_px - summary.d_col_px,
        residual_px: t.residual_px,
        hollow: t.role != Role::Fit,
    });
    let cells = field.cells().indexed_iter().map(|((i, j), &(verdict, _))| Cell {
        top: (i * CELL_PX) as f64 / factor,
        left: (j * CELL_PX) as f64 / factor,
        side: CELL_PX as f64 / factor,
        tint: match verdict {
            Verdict::Aligned => None,
            Verdict::Misaligned => Some([220, 40, 40]),
            Verdict::NoTies => Some([40, 40, 40]),
        },
    });
    let said = |v: Option<f64>| v.map_or("?".to_owned(), |v| format!("{v:.2}"));
    let caption = format!(
        "mean shift {:.2} px down, {:.2} px right, taken out of the arrows; {} ties, {} held out, off by {} px \
         (median), {} px (90 %); arrows {} times too long",
        summary.d_row_px,
        summary.d_col_px,
        summary.ties,
        summary.held_out,
        said(summary.residual_px),
        said(summary.residual_90_px),
        "{scale}",
    );
    Ok(Quiver {
        rgb,
        valid,
        arrows: arrows.collect(),
        cells: cells.collect(),
        caption,
        px_per_pixel: 1.0 / factor,
    })
}
