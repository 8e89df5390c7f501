//! The whole job.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use diff::net::Model;
use domain::{Capture, Earthwork, Pair, Reason};
use rayon::{ThreadPool, ThreadPoolBuilder};
use report::{CoverageFeature, FrontsIndex, ImagePrecision, MeasuredEarthwork, OutputDir};

use crate::ahead::{Ahead, FetchRecord, Images, Span};
use crate::bridge::{self, Bridge, Search, Step};
use crate::chips::{self, Drawn, Subject};
use crate::covered::{self, Covered};
use crate::documents::Documents;
use crate::events::{Event, Events, Stop};
use crate::gate::{Expected, Gate};
use crate::inspect::{Inspection, inspect};
use crate::journal::{self, Journal};
use crate::measure::{self, Ground};
use crate::model::model;
use crate::once::{self, each_once};
use crate::pair::{self, Failure, Work};
use crate::place::Area;
use crate::record::{self, CaptureRecord, Counts, PairRecord, PairStatus, SkippedRecord};
use crate::{Error, PairResult, PairRule, Result, SurveyOptions, VERSION, identify};

/// Images of doubtful dates that are told one by one.
const DOUBTS: usize = 3;
/// Works whose pictures are drawn for the page as well, the surest first: as many as the page holds.
const ON_PAGE: usize = 200;

/// What a finished survey came to.
#[derive(Clone, Debug, PartialEq)]
pub struct SurveyOutcome {
    /// The output folder.
    pub out: PathBuf,
    /// Earthworks in the results.
    pub earthworks: usize,
    /// Ground that was assessed, summed over the pairs; what several of the same two days show counts once.
    pub assessed_km2: f64,
    /// Ground that was not.
    pub not_assessed_km2: f64,
    /// Pairs compared.
    pub pairs_done: usize,
    /// Pairs in all.
    pub pairs: usize,
    /// What was not assessed and why.
    pub skipped: Vec<SkippedRecord>,
    /// What must be known of the front lines before a distance is believed.
    pub warnings: Vec<String>,
    /// Pictures drawn.
    pub chips: usize,
    /// Wall time.
    pub seconds: f64,
}

/// Compares what a folder holds, measures what is new against a front line, and writes the results.
///
/// Inputs are read and the output folder is made before anything is computed. The result of each pair is kept in
/// the output folder until all are done, so that [`SurveyOptions::resume`] can go on after an interruption. A pair
/// that fails is an entry of [`SurveyOutcome::skipped`], and the others go on.
///
/// # Errors
/// [`Error`]. Apart from [`Error::Unwritten`] and [`Error::Interrupted`], nothing is left in the output folder.
pub async fn survey(options: &SurveyOptions, events: Arc<dyn Events>, stop: Stop) -> Result<SurveyOutcome> {
    let (started, clock) = (Utc::now(), Instant::now());
    options.validate()?;
    ingest::configure(options.cache_mb);
    let model = model(options.model.as_deref())?;
    let options = options.clone();
    let inspection = tokio::select! {
        inspection = inspect(&options.folder, &options.images) => inspection?,
        // Headers that came are kept, and need not come again.
        () = stopped(&stop) => return Err(Error::Stopped { done: 0, total: 0 }),
    };
    let (how, days, places) = (options.measure(), inspection.days(), inspection.places());
    let ground = tokio::task::spawn_blocking(move || Ground::read(&how, &days, &places)).await??;
    if let Some(objection) = inspection.objection(&options.folder) {
        return Err(objection);
    }
    events.tell(Event::Catalogued {
        captures: inspection.captures.len(),
        pairs: inspection.pairs.len(),
        skipped: inspection.skipped.len(),
    });
    let pool = ThreadPoolBuilder::new().num_threads(options.threads).build()?;
    let read_inputs = clock.elapsed().as_secs_f64();
    let run = Run { options, model, ground, inspection, pool, events, stop, started, clock, read_inputs };
    tokio::task::spawn_blocking(move || run.to_end()).await?
}

/// A survey whose inputs are known to be usable.
struct Run {
    options: SurveyOptions,
    model: Model,
    ground: Ground,
    inspection: Inspection,
    pool: ThreadPool,
    events: Arc<dyn Events>,
    stop: Stop,
    started: DateTime<Utc>,
    clock: Instant,
    read_inputs: f64,
}

/// Pairs that are compared one after the other.
struct Round<'a> {
    pairs: &'a [Pair],
    /// Pairs before these.
    first: usize,
    /// Those of them whose results are kept.
    kept: usize,
    /// What they are compared for, where that is not all that they show.
    over: Option<&'a Bridge>,
}

impl Round<'_> {
    fn total(&self) -> usize {
        self.first + self.pairs.len()
    }
}

/// What became of a pair.
struct Finished<'a> {
    pair: Cow<'a, Pair>,
    record: PairRecord,
    result: Option<PairResult>,
}

impl<'a> Finished<'a> {
    /// One that was not compared: cause and remedy.
    fn skipped(pair: &'a Pair, reason: String) -> Self {
        Self { pair: Cow::Borrowed(pair), record: PairRecord::skipped(pair, Some(reason)), result: None }
    }

    /// What was looked at and what was not; nothing where it failed.
    fn areas(&self) -> &[Area] {
        self.result.as_ref().map_or(&[], |r| &r.areas)
    }

    /// Puts a part of what was found in its place.
    fn keep(&mut self, result: PairResult) {
        self.record.outcome = PairRecord::done(&self.pair, &result, false).outcome;
        self.result = Some(result);
    }
}

impl Run {
    fn to_end(&self) -> Result<SurveyOutcome> {
        let (out, made) = prepare(&self.options)?;
        let journal = Journal::open(&out, !self.options.resume).inspect_err(|_| discard(&out, made))?;
        // A front of many vertices takes a while to be made ready; nobody needs it before the pairs are done.
        let index = OnceLock::new();
        let ready = || index.get_or_init(|| FrontsIndex::new(&self.ground.fronts));
        let steps = &self.inspection.pairs;
        let mut finished = self.pool.in_place_scope(|scope| {
            scope.spawn(|_| _ = ready());
            self.pairs(&Round { pairs: steps, first: 0, kept: 0, over: None }, &journal)
        })?;
        if self.options.images.pairs == PairRule::Consecutive {
            self.over_hidden(&mut finished, &journal)?;
            share_out(&mut finished);
        }
        let total = finished.len();
        let kept = finished.iter().filter(|f| f.result.is_some()).count();
        let mut failures =
            finished.iter().filter(|f| f.result.is_none()).filter_map(|f| f.record.reason.as_ref());
        if kept == 0 {
            let first = failures.next().cloned().unwrap_or_default();
            journal.remove()?;
            discard(&out, made);
            return Err(Error::AllFailed { first, more: total.saturating_sub(1) });
        }
        let outcome = self.conclude(&finished, ready(), &out).map_err(|e| self.in_time(e, (kept, total)))?;
        journal.remove()?;
        Ok(outcome)
    }

    /// Compares pairs over images that hid ground, one by one, as long as any may tell more.
    fn over_hidden(&self, finished: &mut Vec<Finished<'_>>, journal: &Journal<'_>) -> Result<()> {
        let gate = &self.options.images.gate;
        // What no step could read no other pair can.
        let failed = |f: &&Finished<'_>| f.result.is_none();
        let reasons: Vec<&str> =
            finished.iter().filter(failed).filter_map(|f| f.record.reason.as_deref()).collect();
        let path = |c: &Capture| self.inspection.say(c.path.display().to_string());
        let is_readable = |c: &Capture| !reasons.iter().any(|r| r.starts_with(&path(c)));
        let accepted = |pair: &Pair| {
            gate.objection(&Gate::of(pair)).is_none()
                && is_readable(&pair.earlier)
                && is_readable(&pair.later)
        };
        let mut search = Search::new(&steps(finished), accepted)?;
        while let Some(bridge) = search.next() {
            self.events.tell(Event::Bridged { pair: &bridge.pair });
            let round = Round {
                pairs: std::slice::from_ref(&bridge.pair),
                first: finished.len(),
                kept: finished.iter().filter(|f| f.result.is_some()).count(),
                over: Some(&bridge),
            };
            for done in self.pairs(&round, journal)? {
                search.told(&bridge, done.areas());
                let Finished { pair, record, result } = done;
                finished.push(Finished { pair: Cow::Owned(pair.into_owned()), record, result });
            }
        }
        Ok(())
    }

    /// Compares pairs: in their order, or where images lie at addresses as they come. Given back in their order.
    fn pairs<'p>(&self, round: &Round<'p>, journal: &Journal<'_>) -> Result<Vec<Finished<'p>>> {
        let pairs = round.pairs;
        let mut finished: BTreeMap<usize, Finished<'p>> = BTreeMap::new();
        let mut todo: BTreeSet<usize> = (0..pairs.len()).collect();
        if self.options.resume && self.inspection.mirror.is_some() {
            // What is known needs no images.
            for (index, pair) in pairs.iter().enumerate() {
                if journal.result(pair, &self.options.diff, &self.model).is_some() {
                    finished.insert(index, self.pair(round, index, journal, Ok(None))?);
                    todo.remove(&index);
                }
            }
        }
        let ahead = self.inspection.mirror.as_ref();
        let ahead = ahead.map(|mirror| Ahead::start(mirror, pairs, &todo, self.clock, &self.stop));
        while let Some(&first) = todo.first() {
            let kept = round.kept + finished.values().filter(|f| f.result.is_some()).count();
            let interrupted = || Error::Interrupted { done: kept, total: round.total() };
            let (index, images) = match &ahead {
                None => (first, Ok(None)),
                Some(ahead) => {
                    let (index, images) = ahead.next(&todo, &self.stop).ok_or_else(interrupted)?;
                    (index, images.map(Some))
                }
            };
            todo.remove(&index);
            let had = images.is_ok();
            let done = self
                .pair(round, index, journal, images)
                .map_err(|e| self.in_time(e, (kept, round.total())))?;
            if let Some(ahead) = &ahead {
                ahead.done(&pairs[index], had);
            }
            finished.insert(index, done);
        }
        Ok(finished.into_values().collect())
    }

    /// What an error means once the results of `done` pairs are kept.
    fn in_time(&self, error: Error, (done, total): (usize, usize)) -> Error {
        match error {
            Error::Report(source) => Error::Unwritten { out: self.options.out.clone(), done, total, source },
            Error::Interrupted { .. } => Error::Interrupted { done, total },
            other => other,
        }
    }

    /// Compares a pair, unless the journal knows it, or its images were lost on their way.
    fn pair<'p>(
        &self,
        round: &Round<'p>,
        index: usize,
        journal: &Journal<'_>,
        images: Result<Option<FetchRecord>, String>,
    ) -> Result<Finished<'p>> {
        let (pair, total) = (&round.pairs[index], round.total());
        let index = round.first + index;
        let options = &self.options.diff;
        self.events.tell(Event::PairStarted { index, total, pair });
        if let Some(refused) = self.options.images.gate.objection(&Gate::of(pair)) {
            let reason = format!("{}: {refused}", pair.id());
            self.events.tell(Event::PairSkipped { index, total, pair, reason: &reason });
            return Ok(Finished::skipped(pair, reason));
        }
        let clock = Instant::now();
        let start = self.clock.elapsed().as_secs_f64();
        let known = if self.options.resume { journal.result(pair, options, &self.model) } else { None };
        let resumed = known.is_some();
        let assess = || {
            pair::assess(pair, index, (options, &self.model), &self.options.out, &*self.events, &self.stop)
        };
        let compared = match (known, &images) {
            (Some(known), _) => Ok(known),
            (None, Err(_)) if self.stop.requested() => Err(Failure::Stopped),
            (None, Err(reason)) => Err(Failure::Skipped(reason.clone())),
            (None, Ok(_)) => self.pool.install(assess),
        };
        let result = match compared {
            Ok(result) => result,
            Err(Failure::Stopped) => return Err(Error::Interrupted { done: 0, total }),
            Err(Failure::Skipped(reason)) => {
                let reason = self.inspection.say(reason);
                self.events.tell(Event::PairSkipped { index, total, pair, reason: &reason });
                return Ok(Finished::skipped(pair, reason));
            }
        };
        if !resumed {
            journal.keep(pair, options, &self.model, &result)?;
        }
        let (result, over) = match round.over {
            Some(bridge) => (result.within(&bridge.ground), &bridge.over[..]),
            None => (result, &[][..]),
        };
        self.events.tell(Event::PairDone {
            index,
            total,
            pair,
            found: result.works.len(),
            assessed_km2: result.km2(Reason::Assessed),
            seconds: clock.elapsed().as_secs_f64(),
            resumed,
        });
        let mut record = PairRecord::done(pair, &result, resumed);
        // Of ground that others hide nothing more need be known than that nothing came of it.
        record.reason = record.reason.filter(|_| over.is_empty()).map(|r| self.inspection.say(r));
        record.over = over.to_vec();
        record.over_km2 = round.over.map(|_| result.km2(Reason::Assessed));
        if let Ok(Some(fetched)) = images {
            record.fetched = Some(fetched);
            record.compared = Some(Span { start, end: self.clock.elapsed().as_secs_f64() });
        }
        Ok(Finished { pair: Cow::Borrowed(pair), record, result: Some(result) })
    }

    /// Ranks, measures, draws and writes.
    fn conclude(
        &self,
        finished: &[Finished<'_>],
        index: &FrontsIndex<'_>,
        out: &OutputDir,
    ) -> Result<SurveyOutcome> {
        let compared = self.clock.elapsed().as_secs_f64();
        let mut works = each_once(ranked(finished));
        let mut named: Vec<_> = works.iter().map(|(_, w)| w.earthwork.clone()).collect();
        identify::make_unique(named.iter_mut().map(|w| &mut w.id));
        let precision = precisions(finished);
        let unknown = || ImagePrecision::of(None, None, None);
        let of = |w: &Earthwork| precision.get(&w.pair).cloned().unwrap_or_else(unknown);
        let named = named.into_iter().map(|w| (w.clone(), of(&w))).collect();
        let measured = self.ground.measure(index, named, &self.options.systems);
        works.retain(|(_, w)| w.earthwork.class.is_earthwork());
        let drawn = self.draw(&works, &measured.found, out)?;
        let drew = self.clock.elapsed().as_secs_f64();

        let (skipped, left_out) = (self.skipped(finished), records(&self.inspection.left_out));
        let covered = covered_once(finished);
        let coverage: Vec<CoverageFeature> =
            covered.iter().flat_map(|c| c.areas.iter().map(|a| a.feature(c.pair))).collect();
        let shown = self.inspection.clone().in_addresses();
        let captures: Vec<CaptureRecord<'_>> = shown.captures.iter().map(CaptureRecord::of).collect();
        let notes = self.notes(finished, (&skipped, &left_out), &measured.found, &drawn);
        let images = serde_json::to_value(&captures)?;
        let documents = Documents {
            measured: &measured,
            fronts: &self.ground.fronts,
            coverage: &coverage,
            chips: &drawn.files,
            views: &drawn.views,
            notes: &notes,
            images: images.as_array().map(Vec::as_slice).unwrap_or_default(),
            formats: &self.options.formats,
        };
        self.pool.install(|| documents.write(out))?;

        // As documents have it, which go by the reason that holds for most of a block of pixels.
        let (assessed_km2, not_assessed_km2) =
            covered.iter().map(Covered::km2).fold((0.0, 0.0), |sum, here| (sum.0 + here.0, sum.1 + here.1));
        let pairs: Vec<PairRecord> = finished.iter().map(|f| f.record.clone()).collect();
        let counts = Counts {
            captures: self.inspection.captures.len(),
            pairs: pairs.iter().filter(|p| !p.was_in_vain()).count(),
            pairs_done: pairs.iter().filter(|p| p.status != PairStatus::Skipped && !p.was_in_vain()).count(),
            skipped: skipped.len(),
            earthworks: measured.found.len(),
            assessed_km2,
            not_assessed_km2,
        };
        let total = self.clock.elapsed().as_secs_f64();
        let run = record::Run {
            program: "fosse",
            version: VERSION,
            started: self.started,
            finished: Utc::now(),
            counts,
            options: &self.options,
            fronts: self.ground.fronts.lines().iter().map(record::Front::of).collect(),
            captures,
            pairs: &pairs,
            skipped: &skipped,
            left_out: &left_out,
            chips: record::Chips {
                drawn: drawn.files.len(),
                left_out: self.chips_left_out(measured.found.len()),
                failed: &drawn.failed,
            },
            seconds: record::Seconds {
                read_inputs: self.read_inputs,
                compare: compared - self.read_inputs,
                chips: drew - compared,
                total,
            },
        };
        let mut text = serde_json::to_string_pretty(&run)?;
        text.push('\n');
        out.write_atomic("run.json", text.as_bytes())?;
        Ok(SurveyOutcome {
            out: out.path().to_owned(),
            earthworks: counts.earthworks,
            assessed_km2,
            not_assessed_km2,
            pairs_done: counts.pairs_done,
            pairs: counts.pairs,
            skipped,
            warnings: self
                .doubts()
                .into_iter()
                .chain(report::front_warnings(&measured.found, &self.ground.fronts, &coverage))
                .collect(),
            chips: drawn.files.len(),
            seconds: total,
        })
    }

    /// Draws the pictures that were asked for.
    fn draw(
        &self,
        works: &[(&Pair, Work)],
        measured: &[MeasuredEarthwork],
        out: &OutputDir,
    ) -> Result<Drawn> {
        if !self.options.chips.draw {
            return Ok(Drawn::default());
        }
        let subjects: Vec<Subject<'_>> = works
            .iter()
            .zip(measured)
            .take(self.options.chips.max)
            .map(|((pair, work), measured)| (*pair, work, measured))
            .enumerate()
            .map(|(i, (pair, work, measured))| Subject { pair, work, measured, on_page: i < ON_PAGE })
            .collect();
        let images = Images::of(self.inspection.mirror.as_ref());
        let mut drawn = self.pool.install(|| {
            chips::draw(&subjects, &self.ground.fronts, &images, out, &*self.events, &self.stop)
        })?;
        drawn.failed.values_mut().for_each(|reason| *reason = self.inspection.say(std::mem::take(reason)));
        if self.stop.requested() {
            return Err(Error::Interrupted { done: 0, total: 0 });
        }
        Ok(drawn)
    }

    /// Pictures that were not asked for.
    fn chips_left_out(&self, found: usize) -> usize {
        let wanted = if self.options.chips.draw { self.options.chips.max } else { 0 };
        found.saturating_sub(wanted)
    }

    /// What the reader must know beside what was found.
    fn notes(
        &self,
        finished: &[Finished<'_>],
        (skipped, left_out): (&[SkippedRecord], &[SkippedRecord]),
        found: &[MeasuredEarthwork],
        drawn: &Drawn,
    ) -> Vec<String> {
        let mut notes: Vec<String> = skipped
            .iter()
            // A reason that names its file already needs no name before it.
            .map(|s| match s.reason.starts_with(&s.what) {
                true => format!("Skipped: {}", s.reason),
                false => format!("Skipped: {}: {}", s.what, s.reason),
            })
            .collect();
        notes.extend(left_out.iter().map(SkippedRecord::as_left_out));
        let without = self.chips_left_out(found.len());
        if without > 0 && self.options.chips.draw {
            let max = self.options.chips.max;
            notes.push(format!(
                "Pictures were drawn of the {max} lines of the highest confidence; {without} have none; --max-chips sets \
                 how many"
            ));
        }
        notes.extend(finished.iter().filter_map(|f| f.record.told_over()));
        notes.extend(self.doubts());
        notes.extend(Self::expectations(finished, skipped));
        notes.extend(drawn.failed.iter().map(|(id, reason)| format!("No picture of {id}: {reason}")));
        notes.extend(self.ground.notes.iter().cloned());
        notes
    }

    /// Dates of images that are contradicted, or yet to come: of the first few which, of the others how many.
    fn doubts(&self) -> Vec<String> {
        let told = |c: &Capture| {
            let name = self.inspection.say(c.path.display().to_string());
            if c.datetime > self.started + TimeDelta::days(1) {
                return Some(format!(
                    "{name} is dated {}, which is yet to come",
                    c.datetime.format("%-d %B %Y")
                ));
            }
            let both = c.conflicts.iter().find(|conflict| conflict.fact == "datetime")?;
            Some(format!("{name} is dated {}, but also {}", both.used, both.other))
        };
        let compared = self.inspection.pairs.iter().flat_map(|p| [&p.earlier, &p.later]);
        let all: BTreeSet<String> = compared.filter_map(told).collect();
        let more = all.len().saturating_sub(DOUBTS);
        let mut out: Vec<String> = all.into_iter().take(DOUBTS).collect();
        if more > 0 {
            out.push(format!(
                "{more} more images are dated twice, or in the future; fosse inspect lists them"
            ));
        }
        out
    }

    /// What the metadata let expect of the pairs that were compared: of each poor one why, of the fair ones how many.
    fn expectations(finished: &[Finished<'_>], skipped: &[SkippedRecord]) -> Vec<String> {
        let compared: Vec<&PairRecord> =
            finished.iter().map(|f| &f.record).filter(|r| skipped.iter().all(|s| s.what != r.id)).collect();
        let poor = compared.iter().filter(|r| r.gate.expected == Expected::Poor);
        let poor =
            poor.map(|r| format!("By its metadata {} is a poor pair: {}", r.id, r.gate.reasons.join(", ")));
        let fair = compared.iter().filter(|r| r.gate.expected == Expected::Fair).count();
        let fair = (fair > 0).then(|| {
            format!(
                "By their metadata {fair} of {} pairs are fair, not good: run.json says why",
                compared.len()
            )
        });
        poor.chain(fair).collect()
    }

    /// Everything that was not assessed: files, pairs, and pairs of which no ground could be.
    fn skipped(&self, finished: &[Finished<'_>]) -> Vec<SkippedRecord> {
        let pairs = finished.iter().filter_map(|f| {
            let reason = f.record.reason.clone()?;
            let named = [&f.pair.earlier.path, &f.pair.later.path]
                .into_iter()
                .map(|p| self.inspection.say(p.display().to_string()))
                .find(|p| reason.starts_with(p.as_str()));
            Some(SkippedRecord { what: named.unwrap_or_else(|| f.pair.id()), reason })
        });
        records(&self.inspection.skipped).into_iter().chain(pairs).collect()
    }
}

/// Files as `run.json` names them.
fn records(files: &[ingest::Skipped]) -> Vec<SkippedRecord> {
    let of =
        |s: &ingest::Skipped| SkippedRecord { what: s.path.display().to_string(), reason: s.reason.clone() };
    files.iter().map(of).collect()
}

/// Waits until somebody asks to stop.
async fn stopped(stop: &Stop) {
    while !stop.requested() {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Makes the output folder; true where it was not there before.
fn prepare(options: &SurveyOptions) -> Result<(OutputDir, bool)> {
    let out = options.out.as_path();
    let unfinished = journal::exists(out);
    if options.resume && !unfinished && out.join("run.json").exists() {
        return Err(Error::NothingToResume { out: out.to_owned() });
    }
    if unfinished && !options.resume && !options.overwrite {
        return Err(Error::Unfinished { out: out.to_owned() });
    }
    let made = !Path::new(out).exists();
    Ok((OutputDir::create(out, options.overwrite || (options.resume && unfinished))?, made))
}

/// Leaves no trace of a run that came to nothing, in a folder that it had made.
fn discard(out: &OutputDir, made: bool) {
    if made {
        // The error that led here is the one to report. Only empty folders go.
        let _ = std::fs::remove_dir(out.path().join(journal::FOLDER));
        let _ = std::fs::remove_dir(out.path());
    }
}

/// What pairs told, as the search for others takes it.
fn steps<'a>(finished: &'a [Finished<'_>]) -> Vec<Step<'a>> {
    finished.iter().map(|f| Step { pair: &f.pair, areas: f.areas() }).collect()
}

/// Leaves to each pair what no other tells better.
fn share_out(finished: &mut [Finished<'_>]) {
    let told = bridge::told_by_others(&steps(finished));
    for (f, ground) in finished.iter_mut().zip(told) {
        if let Some(result) = f.result.as_ref().filter(|_| !ground.0.is_empty()) {
            f.keep(result.without(&ground));
        }
    }
    // Works over hidden ground reach a little beyond it, where others of these days may tell them.
    for i in 0..finished.len() {
        let (own, Some(result)) = (&finished[i], &finished[i].result) else { continue };
        if own.record.over.is_empty() {
            continue;
        }
        let inner = finished.iter().enumerate().filter(|(k, f)| {
            let first = *k < i && !f.record.over.is_empty() && bridge::overlap(&f.pair, &own.pair);
            first || bridge::is_within(&f.pair, &own.pair)
        });
        let told = inner.map(|(_, f)| f).filter_map(|f| Some((&*f.pair, &f.result.as_ref()?.works)));
        let others: Vec<(&Pair, &Work)> =
            told.flat_map(|(p, works)| works.iter().map(move |w| (p, w))).collect();
        let works = result.works.iter().flat_map(|w| once::untold(&own.pair, w, &others)).collect();
        let result = PairResult { works, ..result.clone() };
        finished[i].keep(result);
    }
}

/// What was found in all pairs, the highest confidence first.
fn ranked<'a>(finished: &'a [Finished<'_>]) -> Vec<(&'a Pair, &'a Work)> {
    let done = finished.iter().filter_map(|f| Some((&*f.pair, &f.result.as_ref()?.works)));
    let mut ranked: Vec<_> = done.flat_map(|(pair, works)| works.iter().map(move |w| (pair, w))).collect();
    // Stable: between equals the order of the pairs decides, which is by date.
    ranked.sort_by(|(_, a), (_, b)| {
        let (a, b) = (&a.earthwork, &b.earthwork);
        b.confidence.total_cmp(&a.confidence).then_with(|| a.id.cmp(&b.id))
    });
    ranked
}

/// How well the later image of each pair is placed.
fn precisions(finished: &[Finished<'_>]) -> BTreeMap<String, ImagePrecision> {
    let done = finished.iter().filter_map(|f| Some((&*f.pair, f.result.as_ref()?)));
    done.map(|(pair, r)| (pair.id(), measure::precision(&pair.later, r.alignment.residual_px, r.pixel_m)))
        .collect()
}

/// What was looked at and what was not, each piece of ground once for the same two days.
fn covered_once<'a>(finished: &'a [Finished<'_>]) -> Vec<Covered<'a>> {
    let done = finished.iter().filter_map(|f| Some((&*f.pair, f.result.as_ref()?)));
    covered::each_once(done.map(|(pair, result)| result.covered(pair)).collect())
}
