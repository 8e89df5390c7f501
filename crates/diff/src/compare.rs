//! The order of the steps, for one pair.

use std::sync::{Mutex, PoisonError};

use domain::{Class, Coverage, Evidence, Pixel, Raster, Window};
use ndarray::Array2;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::{
    CompareError, OptionError, PairSource, Progress, Stage,
    align::{self, Field, Verdict},
    arms,
    asked::{self, Places},
    centreline::{self, Centreline},
    classify, evidence, gained,
    gathered::Gathered,
    line_gain,
    look::{self, Look, LookGrid},
    net::Model,
    pool::Pool,
    proposal::{self, Asked, Cell, Workspace},
    resample,
    seen::{CELL_PX, COVERAGE_PX, Seen},
    source::Counter,
    strip::{self, Station, Strip},
    tone,
    view::View,
};

/// How a pair is compared.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// Side of the windows that are worked on at a time, pixels. Changes memory and speed, never the result.
    /// Default 1024: the halo costs a third there, and larger windows cost more fresh memory than they save. 128–8192; taken as the next
    /// multiple of 256.
    pub window_px: usize,
    /// Alignment.
    pub align: align::Options,
    /// Which ground is looked at.
    pub proposal: proposal::Options,
    /// Line gain.
    pub line_gain: line_gain::Options,
    /// Classification.
    pub classify: classify::Options,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            window_px: 1024,
            align: Default::default(),
            proposal: Default::default(),
            line_gain: Default::default(),
            classify: Default::default(),
        }
    }
}

impl Options {
    /// # Errors
    /// [`OptionError`] for the first option out of its range.
    pub fn validate(&self) -> Result<(), OptionError> {
        OptionError::check("window_px", self.window_px as f64, 128.0..=8192.0, "128 to 8192")?;
        self.align.validate()?;
        self.proposal.validate()?;
        self.line_gain.validate()?;
        self.classify.validate()
    }
}

/// A line that is taken for a new earthwork, on the shared grid.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    /// Proposed class.
    pub class: Class,
    /// 0–1.
    pub confidence: f64,
    /// Centreline on the shared grid.
    pub centreline: Vec<Pixel>,
    /// Width of the cut, metres.
    pub width_m: f64,
    /// What speaks for it.
    pub evidence: Evidence,
}

/// What a step gives, or why it stopped.
pub(crate) type Outcome<S, T> = Result<T, CompareError<<S as PairSource>::Error>>;

/// All that one pair tells.
#[derive(Clone, Debug)]
pub struct Comparison {
    /// New earthworks, the surest first.
    pub found: Vec<Found>,
    /// Where silence means that nothing was found.
    pub coverage: Coverage,
    /// How well the two images fit.
    pub alignment: align::Summary,
    /// Displacement of the later image.
    pub field: Field,
}

/// Smallest grid that is compared, pixels on a side: less shows no context.
pub const MIN_SIDE_PX: usize = 64;
/// Pixels coarser than this show no trench, metres. Holds of both images.
pub const MAX_PIXEL_M: f64 = 1.2;
/// By how much sizes of pixels may be off that are the same, as a share: two zones of UTM, a map that bends.
const SAME_SIZE: f64 = 2e-3;
/// Least nearness to another new line at which it is told of which kind.
const LEAST_TOLD: f64 = 0.1;
/// Longest part of a line that is unrolled from one read, in stations (40 m): a short box wastes little.
const STATIONS_PER_READ: usize = 80;

/// True where a pixel of either image is too coarse to show a trench.
pub(crate) fn too_coarse<S: PairSource>(source: &S) -> bool {
    // A pixel of the grid spans so many of the later image.
    let of_later = source.later_map().scale().max(f64::MIN_POSITIVE);
    source.pixel_m() * (1.0 / of_later).max(1.0) > MAX_PIXEL_M * (1.0 + SAME_SIZE)
}

/// New earthworks of a pair.
///
/// The result does not depend on the number of threads of the current rayon pool nor on
/// [`Options::window_px`].
///
/// # Errors
/// [`CompareError::Read`] where the source fails, [`CompareError::TooSmall`] below [`MIN_SIDE_PX`],
/// [`CompareError::Cancelled`] on request.
pub fn compare<S: PairSource>(
    source: &S,
    options: &Options,
    model: &Model,
    progress: &dyn Progress,
) -> Result<Comparison, CompareError<S::Error>> {
    large_enough::<S>(source.shape())?;
    let pixel_m = source.pixel_m();
    let view = View { source, field: align::register(source, &options.align, progress)? };
    let grid = LookGrid::over(source.shape(), pixel_m);
    let (places, coverage) = proposed(&view, &grid, (options, model), progress)?;
    let crests = asked::crests(&view, &grid, places, (options, model), progress)?;
    let centrelines =
        crests.map(|c| centreline::centrelines(c, &grid, pixel_m, options.classify.min_length_m));
    let found = found(&view, centrelines, (options, model), progress)?;
    Ok(Comparison { found, coverage, alignment: view.field.summary, field: view.field })
}

fn large_enough<S: PairSource>((rows, cols): (usize, usize)) -> Outcome<S, ()> {
    if rows < MIN_SIDE_PX || cols < MIN_SIDE_PX {
        return Err(CompareError::TooSmall { rows, cols, min: MIN_SIDE_PX });
    }
    Ok(())
}

/// The centrelines that are reported, the surest first.
fn found<S: PairSource>(
    view: &View<'_, S>,
    [works, others]: [Vec<Centreline>; 2],
    (options, model): (&Options, &Model),
    progress: &dyn Progress,
) -> Result<Vec<Found>, CompareError<S::Error>> {
    let pixel_m = view.source.pixel_m();
    let buffers = Pool::default();
    let confidence =
        |line: &Centreline, touches| classify::confidence(line, pixel_m, touches, &model.calibration);
    let own: Vec<f64> = works.iter().map(|line| confidence(line, 0.0)).collect();
    let touched = arms::touched(&works, &own, pixel_m);
    let works = works.into_iter().zip(touched).filter(|(_, touch)| !touch.is_spur);
    let works = works
        .map(|(line, touch)| (classify::class(&line), confidence(&line, touch.surest), touch.surest, line));
    let others = others.into_iter().map(|line| (classify::look_alike(&line), line.other, 0.0, line));
    let sure: Vec<_> =
        works.chain(others).filter(|(_, c, ..)| *c >= options.classify.min_confidence).collect();
    let mut found = sure
        .into_par_iter()
        .map(|(class, confidence, touches, line)| {
            if progress.cancelled() {
                return Err(CompareError::Cancelled);
            }
            let vertices: Vec<(f64, f64)> = line.vertices.iter().map(|p| (p.row, p.col)).collect();
            let stations = strip::stations(&vertices, pixel_m);
            let strip = unrolled(view, &stations)?;
            let sun = view.source.later_sun_azimuth_deg();
            let evidence = Evidence {
                gain: gained::along(view, &vertices, &options.line_gain, &buffers)?,
                nearness: line.work,
                drain_nearness: line.drain,
                look_alike_nearness: line.other,
                look_alike: (line.other >= LEAST_TOLD).then(|| classify::look_alike(&line)),
                shadow: sun.and_then(|deg| evidence::shadow(&strip, &stations, line.width_m, deg)),
                turning_deg: classify::turning_deg(&line.vertices, pixel_m),
                touches,
                ..evidence::evidence(&strip, line.width_m)
            };
            Ok(Found { class, confidence, evidence, width_m: line.width_m, centreline: line.vertices })
        })
        .collect::<Result<Vec<_>, CompareError<S::Error>>>()?;
    found.sort_by(|a, b| {
        let first = |f: &Found| f.centreline.first().copied().unwrap_or_default();
        let (p, q) = (first(a), first(b));
        b.confidence.total_cmp(&a.confidence).then(p.row.total_cmp(&q.row)).then(p.col.total_cmp(&q.col))
    });
    Ok(found)
}

/// Largest pair that is looked at whole, pixels: 24 bytes each.
const MOST_LOOK_PX: usize = 64 << 20;

/// Both dates of a whole pair, aligned, as the network looks at them: what it is trained on. Ground where they do not fit
/// is invalid; what brightness lacks or has too much of is added already.
///
/// # Errors
/// As [`compare`]; [`CompareError::TooLarge`] over 64 million pixels.
pub fn aligned<S: PairSource>(
    source: &S,
    options: &Options,
    progress: &dyn Progress,
) -> Result<(Look, LookGrid), CompareError<S::Error>> {
    large_enough::<S>(source.shape())?;
    let grid = LookGrid::over(source.shape(), source.pixel_m());
    if grid.shape.0.saturating_mul(grid.shape.1) > MOST_LOOK_PX {
        return Err(CompareError::TooLarge { rows: grid.shape.0, cols: grid.shape.1, most: MOST_LOOK_PX });
    }
    let view = View { source, field: align::register(source, &options.align, progress)? };
    let mut look = look::look(&view, &grid, Window::new(0, 0, grid.shape.0, grid.shape.1), [0.0; 2])?;
    for ((row, col), valid) in look.valid.indexed_iter_mut() {
        let p = grid.to_shared(Pixel { row: row as f64 + 0.5, col: col as f64 + 0.5 });
        *valid &= view.field.verdict(p).0 == Verdict::Aligned;
    }
    let offsets = tone::offsets(&look);
    look.earlier += offsets[0];
    look.later += offsets[1];
    Ok((look, grid))
}

/// Squares of ground that are looked at together, at least: what a trench of 6 m runs through.
const LEAST_CELLS: usize = 2;

/// Where the network that judges looks for earthworks, and where for other lines (on the grid of the look); and what was
/// assessed.
fn proposed<S: PairSource>(
    view: &View<'_, S>,
    grid: &LookGrid,
    (options, model): (&Options, &Model),
    progress: &dyn Progress,
) -> Outcome<S, (Places, Coverage)> {
    let (shape, coarse) = (view.source.shape(), too_coarse(view.source));
    let windows = Window::tiling(shape, options.window_px.next_multiple_of(CELL_PX));
    let count = Counter::new(progress, Stage::Propose, windows.len());
    let pool = Pool::<Workspace>::default();
    let mut cells = [Gathered::new(), Gathered::new()];
    let blocks_shape = (shape.0.div_ceil(COVERAGE_PX), shape.1.div_ceil(COVERAGE_PX));
    let seen = Mutex::new(Seen::nothing(blocks_shape));
    windows
        .par_iter()
        .with_max_len(1)
        .map(|&core| {
            count.check()?;
            let asked = Asked::of(core, grid, shape);
            let (earlier, later) = view.read(asked.region)?;
            let own = Seen::of(view, &earlier, &later, core)?;
            seen.lock().unwrap_or_else(PoisonError::into_inner).put(core, &own);
            if !coarse {
                let (both, others) = ([&earlier, &later], options.classify.all_lines);
                let proposed = pool.with(|workspace| {
                    let with = (&*model.proposer, &options.proposal);
                    proposal::cells(both, &asked, grid, with, others, workspace)
                });
                let fits = |cell: &Cell| view.field.verdict(cell.middle(grid)).0 == Verdict::Aligned;
                cells.iter().zip(proposed).for_each(|(all, own)| all.add(own.into_iter().filter(fits)));
            }
            count.advance();
            Ok(())
        })
        .collect::<Outcome<S, ()>>()?;
    drop(pool);
    let seen = seen.into_inner().unwrap_or_else(PoisonError::into_inner);
    let offsets = seen.offsets();
    let (coverage, hidden) = seen.coverage(view)?;
    cells.iter_mut().for_each(|cells| cells.retain(|cell| !hidden.holds(cell.middle(grid))));
    let [works, others] = cells.map(|cells| {
        let linked = proposal::linked(cells.all(), LEAST_CELLS);
        linked.into_iter().map(|cell| grid.from_shared(cell.middle(grid))).collect()
    });
    Ok((Places { works, others, offsets, hidden }, coverage))
}

/// The strip of a line, read in parts so that memory does not grow with its length.
fn unrolled<S: PairSource>(
    view: &View<'_, S>,
    stations: &[Station],
) -> Result<Strip, CompareError<S::Error>> {
    let (shape, pixel_m) = (view.source.shape(), view.source.pixel_m());
    let mut whole =
        Strip { earlier: Array2::zeros((0, strip::ACROSS)), later: Array2::zeros((0, strip::ACROSS)) };
    for part in stations.chunks(STATIONS_PER_READ) {
        let bound = |get: fn(&(f64, f64)) -> f64| {
            part.iter().map(|s| get(&s.0)).fold((f64::MAX, f64::MIN), |(a, b), v| (a.min(v), b.max(v)))
        };
        let ((top, bottom), (left, right)) = (bound(|p| p.0), bound(|p| p.1));
        let (row, col) = (top.max(0.0) as usize, left.max(0.0) as usize);
        let around = Window::new(
            row,
            col,
            (bottom.max(0.0) as usize + 1).saturating_sub(row),
            (right.max(0.0) as usize + 1).saturating_sub(col),
        );
        let window = around.grown(strip::margin_px(pixel_m), shape);
        let to_later = |p: Pixel| view.source.later_map().at(view.field.displaced(p));
        let need = resample::source_window(window, view.source.later_shape(), 1.0, to_later);
        let earlier = view.source.earlier(window).map_err(CompareError::Read)?;
        let later = if need.is_empty() {
            Raster::invalid(need)
        } else {
            view.source.later(need).map_err(CompareError::Read)?
        };
        let strip = strip::unroll(&earlier, &later, part, pixel_m, to_later);
        // The shapes agree by construction.
        whole.earlier.append(ndarray::Axis(0), strip.earlier.view()).ok();
        whole.later.append(ndarray::Axis(0), strip.later.view()).ok();
    }
    Ok(whole)
}
