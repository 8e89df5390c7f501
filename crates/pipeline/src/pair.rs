//! One pair, from two files to earthworks on the globe.

use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use diff::net::Model;
use diff::{CompareError, Found, PairSource, Progress, Stage, align};
use domain::{Capture, Earthwork, Pair, Pixel, Reason};
use geo::{BoundingRect, Intersects};
use geo_types::{Coord, MultiPolygon, Polygon, Rect};
use report::CoverageFeature;
use serde::{Deserialize, Serialize};

use crate::align::without_consensus;
use crate::covered::{self, Covered};
use crate::error::chain;
use crate::events::{Event, Events, Stop};
use crate::once::{self, DEGREE_M};
use crate::outline::Outline;
use crate::place::Area;
use crate::source::PairReader;
use crate::{identify, place};

/// Ground around hidden ground that belongs to it, metres.
const RIM_M: f64 = 15.0;

/// All that a pair told, as the journal keeps it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PairResult {
    /// What was found, in the order of [`diff::Comparison::found`].
    pub works: Vec<Work>,
    /// What was looked at and what was not.
    pub areas: Vec<Area>,
    /// Pixels of the shared grid by reason, in the order of [`Reason::ALL`].
    pub pixels: [u64; Reason::ALL.len()],
    /// Side of a pixel of the shared grid, metres.
    pub pixel_m: f64,
    /// How well the two images fit.
    pub alignment: align::Summary,
    /// Wall time.
    pub seconds: PairSeconds,
}

/// An earthwork, and where to look for it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Work {
    /// What is proposed.
    pub earthwork: Earthwork,
    /// Its centreline on the shared grid.
    pub line_px: Vec<Pixel>,
    /// Displacement of the later image at its middle, pixels of the shared grid, beyond the georeferencing.
    pub shift_px: Pixel,
}

/// Wall time of the steps of a pair, seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PairSeconds {
    /// Measuring and fitting ties.
    pub align: f64,
    /// Asking where a new line may be.
    #[serde(alias = "line_gain")]
    pub propose: f64,
    /// Looking there, tracing and judging.
    #[serde(alias = "trace_and_classify")]
    pub classify: f64,
    /// All, with opening and placing.
    pub total: f64,
}

/// Why a pair has no result.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Somebody asked to stop.
    Stopped,
    /// Cause and remedy.
    Skipped(String),
}

impl PairResult {
    /// Ground of a reason, by its pixels.
    pub fn km2(&self, reason: Reason) -> f64 {
        let i = Reason::ALL.iter().position(|r| *r == reason).unwrap_or_default();
        self.pixels[i] as f64 * self.pixel_m * self.pixel_m / 1e6
    }

    /// What was assessed of some ground, in longitude and latitude, that others could not assess, which say so themselves. Works are
    /// cut [`RIM_M`] beyond it: at the rim of what they could assess others see too little.
    pub(crate) fn within(&self, ground: &MultiPolygon) -> Self {
        let around = |at: Coord| {
            let east = RIM_M / DEGREE_M / at.y.to_radians().cos().max(0.01);
            let ring = (0..8).map(move |k| {
                let (sin, cos) = (std::f64::consts::FRAC_PI_4 * f64::from(k)).sin_cos();
                Coord { x: at.x + east * cos, y: at.y + RIM_M / DEGREE_M * sin }
            });
            std::iter::once(at).chain(ring)
        };
        let assessed = self.areas.iter().filter(|a| a.reason == Reason::Assessed);
        let areas = assessed.filter_map(|a| covered::cut_to(a, a.outline.intersection(ground)));
        let holds = holder(ground);
        self.of(areas.collect(), |at| around(at).any(&holds))
    }

    /// What of it lies elsewhere. Works are cut at its rim.
    pub(crate) fn without(&self, ground: &MultiPolygon) -> Self {
        let areas = self.areas.iter().filter_map(|a| covered::cut_to(a, a.outline.difference(ground)));
        let holds = holder(ground);
        self.of(areas.collect(), |at| !holds(at))
    }

    /// What it tells of parts of its areas, and of works where they are asked about.
    fn of(&self, areas: Vec<Area>, is_asked: impl Fn(Coord) -> bool) -> Self {
        let pixels = Reason::ALL.map(|reason| {
            let km2: f64 = areas.iter().filter(|a| a.reason == reason).map(|a| a.area_km2).sum();
            (km2 * 1e6 / (self.pixel_m * self.pixel_m)).round() as u64
        });
        let works = self.works.iter().flat_map(|w| once::within(w, &is_asked)).collect();
        Self { works, areas, pixels, ..self.clone() }
    }

    /// What was looked at and what was not, as documents tell it.
    pub(crate) fn coverage(&self, pair: &Pair) -> impl Iterator<Item = CoverageFeature> {
        self.areas.iter().map(|area| area.feature(pair))
    }

    /// The same, to be set beside that of other pairs.
    pub(crate) fn covered<'a>(&self, pair: &'a Pair) -> Covered<'a> {
        Covered { pair, areas: self.areas.clone() }
    }

    /// Why no ground at all was assessed, with the remedy; `None` where some was.
    pub fn blindness(&self, pair: &Pair) -> Option<String> {
        if self.km2(Reason::Assessed) > 0.0 {
            return None;
        }
        let main = Reason::ALL.into_iter().max_by(|a, b| self.km2(*a).total_cmp(&self.km2(*b)));
        let (earlier, later) = (pair.earlier.path.display(), pair.later.path.display());
        let both = format!("{earlier} and {later}");
        Some(match main.unwrap_or(Reason::NoTies) {
            Reason::NoTies if !self.alignment.consensus => {
                format!("{both}: {}", without_consensus(&self.alignment))
            }
            Reason::NodataEarlier => {
                format!("{earlier}: no valid pixels where the two images overlap; order it again")
            }
            Reason::NodataLater => {
                format!("{later}: no valid pixels where the two images overlap; order it again")
            }
            Reason::OffLater => format!("{both}: they share no ground"),
            Reason::Misaligned => {
                format!(
                    "{both}: they do not fit on each other; check their georeferencing, or raise align.max_residual_px"
                )
            }
            Reason::TooCoarse => {
                let told = |c: &Capture| {
                    let pixel_m = ingest::pixel_size_m(&c.grid).ok().filter(|m| *m > diff::MAX_PIXEL_M)?;
                    Some(format!("{}: pixels of {pixel_m:.1} m", c.path.display()))
                };
                let coarse: Vec<String> = [&pair.earlier, &pair.later].into_iter().filter_map(told).collect();
                let coarse = if coarse.is_empty() { both } else { coarse.join(" and ") };
                format!(
                    "{coarse} are too coarse to show a trench, which takes {} m; order at 1 m or better",
                    diff::MAX_PIXEL_M
                )
            }
            Reason::Saturated | Reason::DeepShadow => {
                format!(
                    "{both}: {} where they share ground; order another date",
                    main.unwrap_or(Reason::NoTies).in_words()
                )
            }
            masked @ (Reason::Cloud | Reason::Shadow | Reason::Water | Reason::Snow) => {
                format!("{both}: {} covers what they share; order another date", masked.in_words())
            }
            Reason::NoTies | Reason::Assessed => {
                format!(
                    "{both}: nothing to measure their fit by (cloud, water, or different ground); check them by eye"
                )
            }
        })
    }
}

/// Tells whether places lie on some ground.
fn holder(ground: &MultiPolygon) -> impl Fn(Coord) -> bool {
    let parts: Vec<(Option<Rect>, &Polygon)> = ground.iter().map(|p| (p.bounding_rect(), p)).collect();
    move |at| parts.iter().any(|(rect, part)| rect.is_some_and(|r| r.intersects(&at)) && part.intersects(&at))
}

/// Compares a pair on the current rayon pool. Decoded pixels are kept in the folder `scratch` meanwhile.
pub(crate) fn assess(
    pair: &Pair,
    index: usize,
    (options, model): (&diff::Options, &Model),
    scratch: &Path,
    events: &dyn Events,
    stop: &Stop,
) -> Result<PairResult, Failure> {
    let start = Instant::now();
    let named = |e: ingest::Error| Failure::Skipped(chain(&e));
    let reader = PairReader::open(pair, Some(scratch)).map_err(named)?;
    let watch = Watch { index, events, stop, start: Instant::now(), last: Mutex::default() };
    let compared = diff::compare(&reader, options, model, &watch).map_err(|e| match e {
        CompareError::Cancelled => Failure::Stopped,
        CompareError::Read(source) => Failure::Skipped(chain(&source)),
        CompareError::TooSmall { rows, cols, min } => Failure::Skipped(format!(
            "{}: {rows} x {cols} px, and it takes at least {min} x {min} to tell a trench from its surroundings",
            pair.earlier.path.display()
        )),
        other => Failure::Skipped(format!("{}: {}", pair.id(), chain(&other))),
    })?;
    let seconds = watch.seconds();
    let pixel_m = reader.pixel_m();
    let works = works(pair, &reader, &compared).map_err(named)?;
    Ok(PairResult {
        works,
        areas: place::areas(reader.grid(), pixel_m, &compared.coverage).map_err(named)?,
        pixels: compared.coverage.pixels,
        pixel_m,
        alignment: compared.alignment,
        seconds: PairSeconds { total: start.elapsed().as_secs_f64(), ..seconds },
    })
}

/// What was found, on the globe and with names.
fn works(pair: &Pair, reader: &PairReader, compared: &diff::Comparison) -> ingest::Result<Vec<Work>> {
    let grid = reader.grid();
    let lines: Vec<&[Pixel]> = compared.found.iter().map(|f| f.centreline.as_slice()).collect();
    let placed = place::lines(grid, &lines)?;
    let name = pair.id();
    Ok(compared
        .found
        .iter()
        .zip(placed)
        .map(|(Found { class, confidence, centreline: line_px, width_m, evidence }, centreline)| {
            let middle = line_px.get(line_px.len() / 2).copied().unwrap_or_default();
            let moved = compared.field.displaced(middle);
            let earthwork = Earthwork {
                id: identify::id(&pair.later, grid, line_px),
                class: *class,
                confidence: *confidence,
                length_m: place::length_m(&centreline),
                centreline,
                width_m: *width_m,
                earlier: pair.earlier.datetime,
                later: pair.later.datetime,
                pair: name.clone(),
                evidence: *evidence,
            };
            // For pictures alone, which must not show rounding errors: a 64th of a pixel is finer than any eye.
            let round = |v: f64| (v * 64.0).round() / 64.0;
            let shift_px = Pixel { row: round(moved.row - middle.row), col: round(moved.col - middle.col) };
            Work { earthwork, line_px: line_px.clone(), shift_px }
        })
        .collect())
}

/// Passes nothing on but the wish to stop.
pub(crate) struct Silence<'a>(pub &'a Stop);

impl Progress for Silence<'_> {
    fn advance(&self, _: Stage, _: usize, _: usize) {}

    fn cancelled(&self) -> bool {
        self.0.requested()
    }
}

/// Passes the progress on and takes the time of the stages.
struct Watch<'a> {
    index: usize,
    events: &'a dyn Events,
    stop: &'a Stop,
    start: Instant,
    /// When alignment and proposing were last heard of, seconds from the start.
    last: Mutex<(f64, f64)>,
}

impl Watch<'_> {
    fn seconds(&self) -> PairSeconds {
        let (align, proposed) = *self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let proposed = proposed.max(align);
        let end = self.start.elapsed().as_secs_f64();
        PairSeconds { align, propose: proposed - align, classify: end - proposed, total: end }
    }
}

impl Progress for Watch<'_> {
    fn advance(&self, stage: Stage, done: usize, total: usize) {
        let now = self.start.elapsed().as_secs_f64();
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        match stage {
            Stage::Align => last.0 = last.0.max(now),
            Stage::Propose => last.1 = last.1.max(now),
            Stage::Classify => {}
        }
        drop(last);
        self.events.tell(Event::Stage { index: self.index, stage, done, total });
    }

    fn cancelled(&self) -> bool {
        self.stop.requested()
    }
}
