//! The comparison alone: no front line, no documents.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use diff::net::Model;
use domain::{Earthwork, Pair, Reason};
use rayon::{ThreadPool, ThreadPoolBuilder};
use report::CoverageFeature;

use crate::ahead::Images;
use crate::events::{Event, Events, Stop};
use crate::inspect::{Inspection, inspect};
use crate::model::model;
use crate::options::check_resources;
use crate::pair::{self, Failure};
use crate::record::SkippedRecord;
use crate::{Error, ImageOptions, PairResult, Result, identify};

/// What [`detect()`] needs to know.
#[derive(Clone, Debug, PartialEq)]
pub struct DetectOptions {
    /// How to compare.
    pub diff: diff::Options,
    /// The judge, a file of scripts/train; `None` takes the built-in one.
    pub model: Option<PathBuf>,
    /// Computing threads; 0 takes one for each processor.
    pub threads: usize,
    /// GDAL's block cache, megabytes; see [`crate::SurveyOptions::cache_mb`].
    pub cache_mb: usize,
}

impl Default for DetectOptions {
    fn default() -> Self {
        Self { diff: diff::Options::default(), model: None, threads: 0, cache_mb: 64 }
    }
}

impl DetectOptions {
    /// Checks the numbers.
    ///
    /// # Errors
    /// [`Error::Option`] and [`Error::Compare`] for the first that is out of its range.
    pub fn validate(&self) -> Result<()> {
        check_resources(self.cache_mb, self.threads)?;
        Ok(self.diff.validate()?)
    }
}

/// What a folder's pairs told.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Detected {
    /// What is proposed, the highest confidence first; every id once.
    pub earthworks: Vec<Earthwork>,
    /// What was looked at and what was not, pair by pair.
    pub coverage: Vec<CoverageFeature>,
    /// Ground that was assessed, summed over the pairs.
    pub assessed_km2: f64,
    /// Ground that was not.
    pub not_assessed_km2: f64,
    /// Pairs compared.
    pub pairs_done: usize,
    /// What was not assessed and why: files, pairs, and pairs of which no ground could be.
    pub skipped: Vec<SkippedRecord>,
}

/// Compares what a folder holds.
///
/// # Errors
/// [`Error`], where nothing could be compared or somebody asked to stop.
pub async fn detect(
    folder: &Path,
    options: &DetectOptions,
    events: Arc<dyn Events>,
    stop: Stop,
) -> Result<Detected> {
    options.validate()?;
    ingest::configure(options.cache_mb);
    let model = model(options.model.as_deref())?;
    let inspection = inspect(folder, &ImageOptions::default()).await?;
    if let Some(objection) = inspection.objection(folder) {
        return Err(objection);
    }
    let (captures, pairs) = (inspection.captures.len(), inspection.pairs.len());
    events.tell(Event::Catalogued { captures, pairs, skipped: inspection.skipped.len() });
    let pool = ThreadPoolBuilder::new().num_threads(options.threads).build()?;
    let diff = options.diff.clone();
    tokio::task::spawn_blocking(move || {
        let place = Place { first: 0, total: inspection.pairs.len() };
        compare_all(&inspection, &diff, &model, &pool, place, &*events, &stop)
    })
    .await?
}

/// Which pairs of a longer run these are.
#[derive(Clone, Copy)]
pub(crate) struct Place {
    pub first: usize,
    pub total: usize,
}

/// Compares the pairs of a folder, in their order.
pub(crate) fn compare_all(
    inspection: &Inspection,
    options: &diff::Options,
    model: &Model,
    pool: &ThreadPool,
    place: Place,
    events: &dyn Events,
    stop: &Stop,
) -> Result<Detected> {
    let files = inspection.skipped.iter();
    let mut out = Detected {
        skipped: files
            .map(|s| SkippedRecord { what: s.path.display().to_string(), reason: s.reason.clone() })
            .collect(),
        ..Detected::default()
    };
    let mut failures = Vec::new();
    let images = Images::of(inspection.mirror.as_ref());
    for (i, pair) in inspection.pairs.iter().enumerate() {
        let (index, total) = (place.first + i, place.total);
        events.tell(Event::PairStarted { index, total, pair });
        let clock = Instant::now();
        let assess = || {
            pool.install(|| pair::assess(pair, index, (options, model), &std::env::temp_dir(), events, stop))
        };
        let compared = match images.ready(pair, stop) {
            Ok(()) => assess(),
            Err(_) if stop.requested() => Err(Failure::Stopped),
            Err(reason) => Err(Failure::Skipped(reason)),
        };
        match compared {
            Ok(result) => {
                events.tell(Event::PairDone {
                    index,
                    total,
                    pair,
                    found: result.works.len(),
                    assessed_km2: result.km2(Reason::Assessed),
                    seconds: clock.elapsed().as_secs_f64(),
                    resumed: false,
                });
                out.add(pair, result);
            }
            Err(Failure::Stopped) => return Err(Error::Stopped { done: index, total }),
            Err(Failure::Skipped(reason)) => {
                events.tell(Event::PairSkipped { index, total, pair, reason: &reason });
                failures.push(reason.clone());
                out.skipped.push(SkippedRecord { what: pair.id(), reason });
            }
        }
    }
    if out.pairs_done == 0 {
        let first = failures.first().cloned().unwrap_or_default();
        return Err(Error::AllFailed { first, more: failures.len().saturating_sub(1) });
    }
    // Stable: between equals the order of the pairs decides, which is by date.
    out.earthworks.sort_by(|a, b| b.confidence.total_cmp(&a.confidence).then_with(|| a.id.cmp(&b.id)));
    identify::make_unique(out.earthworks.iter_mut().map(|e| &mut e.id));
    Ok(out)
}

impl Detected {
    fn add(&mut self, pair: &Pair, result: PairResult) {
        self.pairs_done += 1;
        self.assessed_km2 += result.km2(Reason::Assessed);
        self.not_assessed_km2 +=
            Reason::ALL.into_iter().filter(|r| *r != Reason::Assessed).map(|r| result.km2(r)).sum::<f64>();
        if let Some(reason) = result.blindness(pair) {
            self.skipped.push(SkippedRecord { what: pair.id(), reason });
        }
        self.coverage.extend(result.coverage(pair));
        self.earthworks.extend(result.works.into_iter().map(|w| w.earthwork));
    }
}
