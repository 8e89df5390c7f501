//! What a judge is trained on: the stretches of every line in scenes whose truth is known.

use std::path::PathBuf;
use std::sync::Arc;

use diff::judge;
use domain::{Pair, Pixel};
use evaluate::Truth;
use geo::{Distance, Euclidean};
use geo_types::{Coord, LineString, Point};
use rayon::ThreadPoolBuilder;
use report::OutputDir;
use serde_json::json;

use crate::evaluation::read_truth;
use crate::events::{Event, Events, Stop};
use crate::inspect::inspect;
use crate::pair::Silence;
use crate::source::PairReader;
use crate::suite::{TRUTH, scene_folders};
use crate::{Error, Result, chain};

/// How near to a line of truth a place is part of it, metres: the buffer of the scores.
const BUFFER_M: f64 = 3.0;
/// Columns before the figures.
const COLUMNS: [&str; 7] = ["scene", "line", "from", "to", "share", "ditch", "width_m"];

/// What [`features()`] needs to know.
#[derive(Clone, Debug, PartialEq)]
pub struct FeatureOptions {
    /// Folder of scenes.
    pub folder: PathBuf,
    /// Folder for the figures; must be empty or missing.
    pub out: PathBuf,
    /// How to propose lines.
    pub diff: diff::Options,
    /// Computing threads; 0 takes one for each processor.
    pub threads: usize,
}

/// Measures every stretch of every proposed line in a folder of scenes.
///
/// Writes `features.f32`, rows of little-endian 32-bit floats, and `features.json` with the names of the columns and
/// of the scenes. Before the figures a row holds the number of its scene, of its line and of its first and last
/// station; the share of it within 3 m of a line of truth; 1 where the nearest is an anti-vehicle ditch; and that
/// line's width. Returns the number of rows.
///
/// # Errors
/// [`Error`], for the first scene that cannot be used: a judge is not trained on half a suite.
pub async fn features(options: &FeatureOptions, events: Arc<dyn Events>, stop: Stop) -> Result<usize> {
    options.diff.validate()?;
    ingest::configure(64);
    let (folders, _) = scene_folders(&options.folder)?;
    let mut scenes = Vec::with_capacity(folders.len());
    for path in folders {
        let inspection = inspect(&path).await?;
        if let Some(objection) = inspection.objection(&path) {
            return Err(objection);
        }
        let truth = read_truth(&path.join(TRUTH))?;
        scenes.push((path, inspection.pairs, truth));
    }
    let pool = ThreadPoolBuilder::new().num_threads(options.threads).build()?;
    let options = options.clone();
    tokio::task::spawn_blocking(move || pool.install(|| write(&options, &scenes, &*events, &stop))).await?
}

type Scene = (PathBuf, Vec<Pair>, Truth);

fn write(options: &FeatureOptions, scenes: &[Scene], events: &dyn Events, stop: &Stop) -> Result<usize> {
    let out = OutputDir::create(&options.out, false)?;
    let mut columns: Vec<String> = COLUMNS.map(String::from).to_vec();
    columns.extend(judge::names());
    let (mut rows, mut names, mut count) = (Vec::new(), Vec::new(), 0);
    for (index, (path, pairs, truth)) in scenes.iter().enumerate() {
        let mut line = 0;
        for pair in pairs {
            let failed = |reason: String| Error::AllFailed { first: reason, more: 0 };
            let reader =
                PairReader::open(pair, Some(&std::env::temp_dir())).map_err(|e| failed(chain(&e)))?;
            let proposals = diff::proposals(&reader, &options.diff, &Silence(stop)).map_err(|e| match e {
                diff::CompareError::Cancelled => Error::Stopped { done: index, total: scenes.len() },
                e => failed(format!("{}: {}", pair.id(), chain(&e))),
            })?;
            let truth = placed(truth, &reader, &proposals)?;
            for proposal in &proposals {
                for stretch in &proposal.stretches {
                    let label = truth.label(&proposal.places[stretch.from..stretch.to], &reader)?;
                    let head = [index as f32, line as f32, stretch.from as f32, stretch.to as f32];
                    rows.extend(
                        head.iter().chain(&label).chain(&stretch.features).flat_map(|v| v.to_le_bytes()),
                    );
                    count += 1;
                }
                line += 1;
            }
        }
        let name = path.file_name().map_or_else(String::new, |n| n.to_string_lossy().into_owned());
        events.tell(Event::SceneDone { index, total: scenes.len(), name: &name, failed: None });
        names.push(name);
    }
    out.write_atomic("features.f32", &rows)?;
    let head = json!({ "rows": count, "columns": columns, "scenes": names });
    out.write_atomic("features.json", format!("{head:#}\n").as_bytes())?;
    Ok(count)
}

/// Truth in metres around one place.
struct Placed {
    origin: Coord,
    lines: Vec<(LineString, bool, f32)>,
}

/// Metres a degree of latitude, and of longitude at the equator: good to half a per cent, which is 1.5 cm of
/// [`BUFFER_M`].
const DEGREE_M: f64 = 111_320.0;

impl Placed {
    fn metres(&self, p: Coord) -> Coord {
        let d = p - self.origin;
        Coord { x: d.x * DEGREE_M * self.origin.y.to_radians().cos(), y: d.y * DEGREE_M }
    }

    /// Share near a line, whether that is a ditch, and its width.
    fn label(&self, places: &[Pixel], reader: &PairReader) -> Result<[f32; 3]> {
        let at = ingest::to_lon_lat(reader.grid(), places)?;
        let mut near = 0;
        let mut best: Option<(f64, usize)> = None;
        for place in &at {
            let p = Point(self.metres(*place));
            let away = |l: &LineString| Euclidean.distance(&p, l);
            let nearest =
                (0..self.lines.len()).map(|k| (away(&self.lines[k].0), k)).min_by(|a, b| a.0.total_cmp(&b.0));
            near += usize::from(nearest.is_some_and(|n| n.0 <= BUFFER_M));
            best = match (best, nearest) {
                (Some(a), Some(b)) => Some(if b.0 < a.0 { b } else { a }),
                (a, b) => a.or(b),
            };
        }
        let line = best.map(|b| &self.lines[b.1]);
        let ditch = line.is_some_and(|l| l.1);
        let share = near as f32 / at.len().max(1) as f32;
        Ok([share, f32::from(u8::from(ditch)), line.map_or(0.0, |l| l.2)])
    }
}

fn placed(truth: &Truth, reader: &PairReader, proposals: &[diff::Proposal]) -> Result<Placed> {
    let first = proposals.first().and_then(|p| p.places.first());
    let at = ingest::to_lon_lat(reader.grid(), first.map_or(&[], std::slice::from_ref))?;
    let origin = at.first().copied().unwrap_or_default();
    let mut placed = Placed { origin, lines: vec![] };
    for line in &truth.lines {
        let ditch = line.class == domain::Class::AntiVehicleDitch.as_str();
        for part in &line.line {
            let metres = part.coords().map(|&c| placed.metres(c)).collect();
            placed.lines.push((metres, ditch, line.width_m.unwrap_or(0.0) as f32));
        }
    }
    Ok(placed)
}
