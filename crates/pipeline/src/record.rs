//! What a run says of itself: `run.json`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use chrono::{DateTime, NaiveDate, Utc};
use diff::align;
use domain::{BandRole, Capture, Conflict, DateSource, Mask, Pair, Reason, Tile, ViewGeometry};
use report::FrontLine;
use serde::{Deserialize, Serialize};

use crate::ahead::{FetchRecord, Span};
use crate::{Gate, PairResult, PairSeconds, SurveyOptions};

/// Something that was not assessed, with cause and remedy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SkippedRecord {
    /// The file, or the pair ([`Pair::id`]) where it is not one file alone.
    pub what: String,
    /// Cause and remedy.
    pub reason: String,
}

impl SkippedRecord {
    /// A note on an image in whose place another was compared.
    pub(crate) fn as_left_out(&self) -> String {
        format!("Left out, which loses nothing: {}: {}", self.what, self.reason)
    }
}

/// How a pair ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PairStatus {
    /// Compared in this run.
    Done,
    /// Compared in an earlier, interrupted run.
    Resumed,
    /// Not compared.
    Skipped,
}

/// What became of a pair.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PairRecord {
    /// [`Pair::id`].
    pub id: String,
    /// Earlier capture.
    pub earlier: String,
    /// Later capture.
    pub later: String,
    /// Area that both cover, from the footprints.
    pub overlap_km2: f64,
    /// What the metadata let expect.
    pub gate: Gate,
    /// Images between its dates, by their ids, that hide ground which it is compared for; nothing else of it counts.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub over: Vec<String>,
    /// What it assessed of that ground, some of which pairs of closer dates may tell better.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub over_km2: Option<f64>,
    /// How it ended.
    pub status: PairStatus,
    /// Why it was not compared, or why nothing of it could be assessed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// When and how its images came, where they lie at addresses.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fetched: Option<FetchRecord>,
    /// When it was compared, where its images lie at addresses: so that both can be laid side by side.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub compared: Option<Span>,
    /// What came of it; absent where it was not compared.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<PairOutcome>,
}

/// What came of a pair that was compared.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PairOutcome {
    /// Earthworks proposed.
    pub found: usize,
    /// Area of the earlier image by what was done with it.
    pub km2: BTreeMap<&'static str, f64>,
    /// How well the images fit.
    pub alignment: align::Summary,
    /// Wall time.
    pub seconds: PairSeconds,
}

impl PairRecord {
    /// The record of a pair that was compared.
    pub(crate) fn done(pair: &Pair, result: &PairResult, resumed: bool) -> Self {
        let km2 = Reason::ALL.into_iter().map(|r| (r.as_str(), result.km2(r)));
        Self {
            status: if resumed { PairStatus::Resumed } else { PairStatus::Done },
            outcome: Some(PairOutcome {
                found: result.works.len(),
                km2: km2.filter(|(_, v)| *v > 0.0).collect(),
                alignment: result.alignment,
                seconds: result.seconds,
            }),
            ..Self::skipped(pair, result.blindness(pair))
        }
    }

    /// What came of a pair over hidden ground, as a note; `None` of others, and where it failed, of which others tell.
    pub(crate) fn told_over(&self) -> Option<String> {
        let own = self.outcome.as_ref()?.km2.get(Reason::Assessed.as_str());
        note_over(&self.id, &self.over, self.over_km2, own.copied())
    }

    /// True for a pair over hidden ground that told nothing.
    pub(crate) fn was_in_vain(&self) -> bool {
        self.over_km2 == Some(0.0)
    }

    /// The record of a pair that was not.
    pub(crate) fn skipped(pair: &Pair, reason: Option<String>) -> Self {
        Self {
            id: pair.id(),
            earlier: pair.earlier.id.clone(),
            later: pair.later.id.clone(),
            overlap_km2: pair.overlap_km2,
            gate: Gate::of(pair),
            over: Vec::new(),
            over_km2: None,
            status: PairStatus::Skipped,
            reason,
            fetched: None,
            compared: None,
            outcome: None,
        }
    }
}

/// What came of a pair over hidden ground: what it assessed of that, and what of it is its own; `None` of other pairs.
pub(crate) fn note_over(
    id: &str,
    over: &[String],
    all_km2: Option<f64>,
    own_km2: Option<f64>,
) -> Option<String> {
    if over.is_empty() {
        return None;
    }
    let came = match (all_km2, own_km2) {
        (Some(0.0) | None, _) => "in vain".to_owned(),
        (_, Some(km2)) if km2 > 0.0 => format!("{} km² of it were assessed", report::area(km2)),
        _ => "pairs of closer dates tell all of it".to_owned(),
    };
    Some(format!(
        "{id} was compared for ground of which the steps over {} tell nothing: {came}",
        over.join(" and ")
    ))
}

/// `run.json`.
#[derive(Serialize)]
pub(crate) struct Run<'a> {
    pub program: &'static str,
    pub version: &'static str,
    pub started: DateTime<Utc>,
    pub finished: DateTime<Utc>,
    pub counts: Counts,
    pub options: &'a SurveyOptions,
    pub fronts: Vec<Front<'a>>,
    pub captures: Vec<CaptureRecord<'a>>,
    pub pairs: &'a [PairRecord],
    pub skipped: &'a [SkippedRecord],
    /// Images that show what another shows that was compared.
    pub left_out: &'a [SkippedRecord],
    pub chips: Chips<'a>,
    pub seconds: Seconds,
}

/// How much of everything there was.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Counts {
    pub captures: usize,
    pub pairs: usize,
    pub pairs_done: usize,
    pub skipped: usize,
    pub earthworks: usize,
    pub assessed_km2: f64,
    pub not_assessed_km2: f64,
}

/// A front line that distances are from.
#[derive(Serialize)]
pub(crate) struct Front<'a> {
    pub date: NaiveDate,
    pub source: &'a str,
    pub class: &'a str,
    pub uncertainty_m: Option<f64>,
    pub notes: &'a [String],
}

impl<'a> Front<'a> {
    pub(crate) fn of(front: &'a FrontLine) -> Self {
        Self {
            date: front.date,
            source: &front.source,
            class: &front.class,
            uncertainty_m: front.uncertainty_m,
            notes: &front.notes,
        }
    }
}

/// A capture without its geometry.
#[derive(Serialize)]
pub(crate) struct CaptureRecord<'a> {
    id: &'a str,
    path: &'a PathBuf,
    datetime: DateTime<Utc>,
    date_source: DateSource,
    #[serde(skip_serializing_if = "Option::is_none")]
    released: Option<DateTime<Utc>>,
    platform: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    catalogue_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    licence: Option<&'a str>,
    gsd_m: Option<f64>,
    ce90_m: Option<f64>,
    #[serde(flatten)]
    view: ViewGeometry,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    sun_computed: bool,
    cloud_percent: Option<f64>,
    rows: usize,
    cols: usize,
    pixel_size: f64,
    epsg: Option<u32>,
    bands: usize,
    data_type: &'a str,
    roles: &'a [BandRole],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    tiles: &'a [Tile],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    masks: &'a [Mask],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    conflicts: &'a [Conflict],
}

impl<'a> CaptureRecord<'a> {
    pub(crate) fn of(c: &'a Capture) -> Self {
        Self {
            id: &c.id,
            path: &c.path,
            datetime: c.datetime,
            date_source: c.date_source,
            released: c.released,
            catalogue_id: c.catalogue_id.as_deref(),
            licence: c.licence.as_deref(),
            platform: c.platform.as_deref(),
            gsd_m: c.gsd_m,
            ce90_m: c.ce90_m,
            view: c.view,
            sun_computed: c.sun_computed,
            cloud_percent: c.cloud_percent,
            rows: c.grid.rows,
            cols: c.grid.cols,
            pixel_size: c.grid.pixel_size(),
            epsg: c.grid.crs.epsg,
            bands: c.bands,
            data_type: &c.data_type,
            roles: &c.roles,
            tiles: &c.tiles,
            masks: &c.masks,
            conflicts: &c.conflicts,
        }
    }
}

/// The pictures.
#[derive(Serialize)]
pub(crate) struct Chips<'a> {
    pub drawn: usize,
    /// Beyond the number that was asked for.
    pub left_out: usize,
    /// Reason by the id of the earthwork.
    pub failed: &'a BTreeMap<String, String>,
}

/// Wall time of the steps of the run, seconds.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(crate) struct Seconds {
    pub read_inputs: f64,
    pub compare: f64,
    pub chips: f64,
    pub total: f64,
}
