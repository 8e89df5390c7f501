//! The report of a finished run made anew: another front, other context, other documents, the same earthworks.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use chrono::NaiveDate;
use domain::Earthwork;
use report::html::View;
use report::output::{VIEWS, VIEWS_INDEX};
use report::{
    Comparison, CoverageFeature, FrontsIndex, ImagePrecision, Listed, OutputDir, read_coverage,
    read_earthworks,
};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::documents::Documents;
use crate::inspect::apart;
use crate::measure::Ground;
use crate::record::{SkippedRecord, note_over};
use crate::{Error, Format, MeasureOptions, Result, record};

/// What to make of a finished run.
#[derive(Clone, Debug, PartialEq)]
pub struct ReportOptions {
    /// Its folder. Its documents are replaced.
    pub run: PathBuf,
    /// What to measure from.
    pub measure: MeasureOptions,
    /// Which documents to write beside those that are always written.
    pub formats: Vec<Format>,
}

/// What a report made anew came to.
#[derive(Clone, Debug, PartialEq)]
pub struct ReportOutcome {
    /// The folder.
    pub run: PathBuf,
    /// Earthworks in it.
    pub earthworks: usize,
    /// Distance of the nearest from the front, metres, where there is one.
    pub nearest_m: Option<f64>,
}

/// A run as its documents tell it.
struct Run {
    json: Value,
    works: Vec<(Earthwork, ImagePrecision)>,
    coverage: Vec<CoverageFeature>,
}

#[derive(Default, Deserialize)]
struct Index {
    chips: BTreeMap<String, String>,
    views: BTreeMap<String, View>,
}

impl Run {
    fn read(folder: &Path) -> Result<Self> {
        let text = |name: &str| document(folder, name);
        let json = serde_json::from_str(&text("run.json")?)
            .map_err(|e| Error::NotARun { run: folder.into(), what: format!("run.json: {e}") })?;
        let named = |name: &str| folder.join(name);
        Ok(Self {
            json,
            works: read_earthworks(&named("earthworks.geojson"), &text("earthworks.geojson")?)?,
            coverage: read_coverage(&named("coverage.geojson"), &text("coverage.geojson")?)?,
        })
    }
}

/// Measures the earthworks of a finished run anew and writes its documents again, without touching a pixel.
///
/// The pictures in `chips/` keep the captions of the run that drew them; the report says so.
///
/// # Errors
/// [`Error::NotARun`] for a folder that no run has finished in; those of reading fronts and writing documents.
pub async fn report(options: &ReportOptions) -> Result<ReportOutcome> {
    options.measure.validate()?;
    let options = options.clone();
    tokio::task::spawn_blocking(move || again(&options)).await?
}

fn again(options: &ReportOptions) -> Result<ReportOutcome> {
    let folder = options.run.as_path();
    let mut run = Run::read(folder)?;
    let pairs = run.coverage.iter().map(|c| [c.earlier, c.later]);
    let works = run.works.iter().map(|(w, _)| [w.earlier, w.later]);
    let mut days: Vec<NaiveDate> = pairs.chain(works).flatten().map(|t| t.date_naive()).collect();
    days.sort_unstable();
    days.dedup();
    let outlines = run.coverage.iter().flat_map(|c| c.geometry.iter());
    let places = apart(outlines.filter_map(|p| p.exterior().coords().next().copied()));
    let ground = Ground::read(&options.measure, &days, &places)?;
    let measured = ground.measure(&FrontsIndex::new(&ground.fronts), run.works, &options.measure.systems);
    let index = std::fs::read_to_string(folder.join(VIEWS).join(VIEWS_INDEX)).ok();
    let index: Index = index.and_then(|t| serde_json::from_str(&t).ok()).unwrap_or_default();
    let mut notes: Vec<String> = run.json["skipped"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|s| Some(format!("Skipped: {}: {}", s["what"].as_str()?, s["reason"].as_str()?)))
        .collect();
    // Runs of older versions have no such list.
    let left_out: Vec<SkippedRecord> =
        serde_json::from_value(run.json["left_out"].clone()).unwrap_or_default();
    notes.extend(left_out.iter().map(SkippedRecord::as_left_out));
    notes.extend(run.json["pairs"].as_array().into_iter().flatten().filter_map(|p| {
        let over: Vec<String> = serde_json::from_value(p["over"].clone()).ok()?;
        note_over(p["id"].as_str()?, &over, p["over_km2"].as_f64(), p["km2"]["assessed"].as_f64())
    }));
    if !index.chips.is_empty() {
        notes.push(
            "This report was made anew from a finished run: the captions in the pictures in chips/ give the distances \
             of the run that drew them, not these."
                .to_owned(),
        );
    }
    notes.extend(ground.notes.iter().cloned());
    let empty = Vec::new();
    let documents = Documents {
        measured: &measured,
        fronts: &ground.fronts,
        coverage: &run.coverage,
        chips: &index.chips,
        views: &index.views,
        notes: &notes,
        images: run.json["captures"].as_array().unwrap_or(&empty),
        formats: &options.formats,
    };
    let out = OutputDir::of_run(folder);
    // What is not written anew would go on telling of the front of before.
    for format in Format::ALL.into_iter().filter(|f| !options.formats.contains(f)) {
        out.remove(format.file())?;
    }
    documents.write(&out)?;
    let fronts: Vec<_> = ground.fronts.lines().iter().map(record::Front::of).collect();
    run.json["fronts"] = json!(fronts);
    run.json["measured_again"] = json!(options.measure);
    out.write_atomic("run.json", format!("{:#}\n", run.json).as_bytes())?;
    let nearest = measured.found.iter().map(|f| f.measure.distance_m).filter(|m| m.is_finite());
    Ok(ReportOutcome {
        run: folder.into(),
        earthworks: measured.found.len(),
        nearest_m: nearest.reduce(f64::min),
    })
}

/// What the second of two finished runs has more and less than the first, and of which works nothing can be said, because the
/// other run did not look there, or not at their dates.
///
/// # Errors
/// [`Error::NotARun`] for a folder that no run has finished in. One without `coverage.geojson` is compared, and the comparison
/// says that what it looked at is not known.
pub fn compare_runs(first: &Path, second: &Path) -> Result<Comparison> {
    let (first, second) = (Told::read(first)?, Told::read(second)?);
    Ok(report::compare(first.listed(), second.listed()))
}

/// What a run tells of its works and its ground.
struct Told {
    works: Vec<Earthwork>,
    coverage: Option<Vec<CoverageFeature>>,
}

impl Told {
    fn read(folder: &Path) -> Result<Self> {
        document(folder, "run.json")?;
        let works =
            read_earthworks(&folder.join("earthworks.geojson"), &document(folder, "earthworks.geojson")?)?;
        let name = "coverage.geojson";
        let coverage = match folder.join(name).try_exists() {
            Ok(false) => None,
            _ => Some(read_coverage(&folder.join(name), &document(folder, name)?)?),
        };
        // A run with look-alikes and one without must not differ by them.
        let works = works.into_iter().map(|(w, _)| w).filter(|w| w.class.is_earthwork()).collect();
        Ok(Self { works, coverage })
    }

    fn listed(&self) -> Listed<'_> {
        Listed { works: &self.works, coverage: self.coverage.as_deref() }
    }
}

/// The text of a document of a run.
fn document(folder: &Path, name: &str) -> Result<String> {
    std::fs::read_to_string(folder.join(name))
        .map_err(|e| Error::NotARun { run: folder.into(), what: format!("{name}: {e}") })
}
