//! What the network is trained on: both dates of scenes whose truth is known, as it would see them.

use std::path::PathBuf;
use std::sync::Arc;

use diff::look::{Look, LookGrid};
use domain::{Affine, Crs, Grid, Pair, Pixel};
use evaluate::Truth;
use geo_types::{Coord, MultiLineString};
use rayon::ThreadPoolBuilder;
use rayon::prelude::*;
use report::OutputDir;
use serde_json::{Value, json};

use crate::evaluation::read_truth;
use crate::events::{Event, Events, Stop};
use crate::inspect::inspect;
use crate::pair::Silence;
use crate::source::PairReader;
use crate::suite::{TRUTH, scene_folders};
use crate::{Error, ImageOptions, Result, chain};

/// Lines of a scene that are no earthworks, beside its truth.
const DISTRACTORS: &str = "distractors.geojson";
/// Grey level of a date's mean brightness in what is written.
const LEVEL: f64 = 4096.0;

/// What [`looks()`] needs to know.
#[derive(Clone, Debug, PartialEq)]
pub struct LookOptions {
    /// Folder of scenes.
    pub folder: PathBuf,
    /// Folder for what is looked at; must be empty or missing.
    pub out: PathBuf,
    /// How to align.
    pub diff: diff::Options,
    /// Computing threads; 0 takes one for each processor.
    pub threads: usize,
}

/// Writes every pair of a folder of scenes as the network would look at it, aligned, on its own pixels.
///
/// `NAME.u16` holds red, green and blue of the earlier date and of the later, `(6, rows, cols)` of little-endian 16-bit
/// numbers, 4096 in the mean of each date and 0 where either is invalid. `looks.json` lists them with the lines of
/// their truth, `class`, `width_m` and `points`, `[row, col]` in pixels. Returns the number of pairs.
///
/// # Errors
/// [`Error`], for the first scene that cannot be used: a judge is not trained on half a suite.
pub async fn looks(options: &LookOptions, events: Arc<dyn Events>, stop: Stop) -> Result<usize> {
    options.diff.validate()?;
    ingest::configure(64);
    let (folders, _) = scene_folders(&options.folder)?;
    let mut scenes = Vec::with_capacity(folders.len());
    for path in folders {
        let inspection = inspect(&path, &ImageOptions::default()).await?;
        if let Some(objection) = inspection.objection(&path) {
            return Err(objection);
        }
        let mut truth = read_truth(&path.join(TRUTH))?;
        if path.join(DISTRACTORS).is_file() {
            truth.distractors.extend(read_truth(&path.join(DISTRACTORS))?.distractors);
        }
        let name = path.file_name().map_or_else(String::new, |n| n.to_string_lossy().into_owned());
        scenes.push((name, inspection.pairs, truth));
    }
    let pool = ThreadPoolBuilder::new().num_threads(options.threads).build()?;
    let options = options.clone();
    tokio::task::spawn_blocking(move || pool.install(|| write(&options, &scenes, &*events, &stop))).await?
}

type Scene = (String, Vec<Pair>, Truth);

fn write(options: &LookOptions, scenes: &[Scene], events: &dyn Events, stop: &Stop) -> Result<usize> {
    let out = OutputDir::create_empty(&options.out)?;
    let total = scenes.len();
    let each = |(index, (name, pairs, truth)): (usize, &Scene)| -> Result<Vec<Value>> {
        if pairs.len() > 1 {
            let first = format!("{name} has {} pairs, and a scene to train on has one", pairs.len());
            return Err(Error::AllFailed { first, more: 0 });
        }
        let mut heads = vec![];
        for pair in pairs {
            let failed = |reason: String| Error::AllFailed { first: reason, more: 0 };
            let reader =
                PairReader::open(pair, Some(&std::env::temp_dir())).map_err(|e| failed(chain(&e)))?;
            let (look, grid) =
                diff::aligned(&reader, &options.diff, &Silence(stop)).map_err(|e| match e {
                    diff::CompareError::Cancelled => Error::Stopped { done: index, total },
                    e => failed(format!("{}: {}", pair.id(), chain(&e))),
                })?;
            let file = format!("{name}.u16");
            out.write_atomic(&file, &packed(&look))?;
            let lines = lines(truth, &reader, &grid)?;
            let (rows, cols) = look.valid.dim();
            heads.push(json!({ "file": file, "rows": rows, "cols": cols, "lines": lines }));
        }
        events.tell(Event::SceneDone { index, total, name, failed: None });
        Ok(heads)
    };
    let heads: Vec<Vec<Value>> = scenes.par_iter().enumerate().map(each).collect::<Result<_>>()?;
    let heads: Vec<Value> = heads.into_iter().flatten().collect();
    out.write_atomic("looks.json", format!("{}\n", json!({ "looks": heads })).as_bytes())?;
    Ok(heads.len())
}

/// The bytes of `NAME.u16`.
fn packed(look: &Look) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(12 * look.valid.len());
    for date in [&look.earlier, &look.later] {
        let (mut sum, mut n) = (0.0, 0.0);
        for band in date.outer_iter() {
            for (&v, _) in band.iter().zip(&look.valid).filter(|(_, ok)| **ok) {
                (sum, n) = (sum + f64::from(v), n + 1.0);
            }
        }
        let scale = if sum > 0.0 { LEVEL * n / sum } else { 1.0 };
        for band in date.outer_iter() {
            for (&v, &ok) in band.iter().zip(&look.valid) {
                let level = if ok { (f64::from(v) * scale).round().clamp(1.0, 65535.0) } else { 0.0 };
                bytes.extend((level as u16).to_le_bytes());
            }
        }
    }
    bytes
}

/// The lines of the truth in pixels of what is looked at.
fn lines(truth: &Truth, reader: &PairReader, grid: &LookGrid) -> Result<Vec<Value>> {
    let earthworks = truth.lines.iter().map(|l| (l.class.clone(), l.width_m.unwrap_or(0.0), &l.line));
    let others = truth.distractors.iter().map(|d| (d.kind.clone(), 0.0, &d.line));
    let all: Vec<(String, f64, &MultiLineString)> = earthworks.chain(others).collect();
    let coords = || all.iter().flat_map(|l| l.2).flat_map(|l| l.coords().copied());
    let Some(first) = coords().next() else { return Ok(vec![]) };
    let bounds = coords().fold((first, first), |(a, b), c| {
        (Coord { x: a.x.min(c.x), y: a.y.min(c.y) }, Coord { x: b.x.max(c.x), y: b.y.max(c.y) })
    });
    // A grid of longitude and latitude over all lines; its map is exact every few metres.
    const STEP_DEG: f64 = 1e-6;
    const MOST_DEG: f64 = 0.2;
    let span_deg = (bounds.1.x - bounds.0.x).max(bounds.1.y - bounds.0.y);
    if span_deg.is_nan() || span_deg > MOST_DEG {
        let first = format!("the truth spans {span_deg} degrees, and a scene to train on at most {MOST_DEG}");
        return Err(Error::AllFailed { first, more: 0 });
    }
    let cells = |span: f64| (span / STEP_DEG).ceil() as usize + 2;
    let affine = Affine::north_up(bounds.0.x, bounds.1.y, STEP_DEG);
    let wgs84 = Crs { wkt: String::new(), epsg: Some(4326) };
    let degrees = Grid::new(cells(bounds.1.y - bounds.0.y), cells(bounds.1.x - bounds.0.x), affine, wgs84)
        .map_err(|e| Error::AllFailed { first: chain(&e), more: 0 })?;
    let map = ingest::pixel_map(&degrees, reader.grid())?;
    let place = |c: &Coord| {
        let at = Pixel { row: (bounds.1.y - c.y) / STEP_DEG, col: (c.x - bounds.0.x) / STEP_DEG };
        let p = grid.from_shared(map.at(at));
        let round = |v: f64| (v * 1000.0).round() / 1000.0;
        [round(p.row), round(p.col)]
    };
    Ok(all
        .iter()
        .flat_map(|(class, width_m, line)| line.0.iter().map(move |part| (class, width_m, part)))
        .map(|(class, width_m, part)| {
            let points: Vec<[f64; 2]> = part.0.iter().map(place).collect();
            json!({ "class": class, "width_m": width_m, "points": points })
        })
        .collect())
}
