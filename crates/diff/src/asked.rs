//! Where the network is asked, round by round, and what it says there.

use domain::{Pixel, Window};
use rayon::prelude::*;

use crate::{
    PairSource, Progress, Stage,
    align::Verdict,
    centreline::{self, Crest, Of},
    compare::{Options, Outcome},
    look::{self, Look, LookGrid},
    net::{self, Answer, Model, Network, Workspace},
    source::Counter,
    trace::Line,
    view::View,
};

/// Ground to either side of a line of gain that is looked at, metres: a ditch with its berms, and where the line may go on.
const BESIDE_M: f64 = 12.0;
/// The same beside what was found, where the line is known.
const AGAIN_BESIDE_M: f64 = 8.0;
/// Nearness to an earthwork from which on the network is asked again.
const DOUBTED: f32 = 0.25;

/// What the network says along the lines of gain, and on along what it finds there: crests of earthworks and, where they
/// are asked for, of other lines. Where it found anything, it is asked again, turned.
pub(crate) fn crests<S: PairSource>(
    view: &View<'_, S>,
    grid: &LookGrid,
    lines: &[Line],
    with: (&Options, &Model),
    progress: &dyn Progress,
) -> Outcome<S, [Vec<Crest>; 2]> {
    let vertices = lines.iter().flat_map(|l| &l.vertices);
    let places: Vec<Pixel> = vertices.map(|&(row, col)| grid.from_shared(Pixel { row, col })).collect();
    let mut first = Rounds::new(view, grid, BESIDE_M, Network::ask);
    first.run(places, with, progress)?;
    let doubted = first.works.iter().filter(|c| c.work >= DOUBTED).map(place);
    let mut again = Rounds::new(view, grid, AGAIN_BESIDE_M, Network::ask_turned);
    again.run(doubted.collect(), with, progress)?;
    let once = |c: &Crest| again.plan.is_new(c.pixel);
    again.works.extend(first.works.into_iter().filter(once));
    again.others.extend(first.others.into_iter().filter(once));
    Ok([again.works, again.others])
}

/// Where a crest lies, pixels of the look.
fn place(c: &Crest) -> Pixel {
    Pixel { row: f64::from(c.point.row), col: f64::from(c.point.col) }
}

/// How the network is asked about a window but for its rim, pixels.
type Ask = fn(&Network, &Look, usize, &mut Workspace) -> Answer;

/// Ground that the network is asked about, round by round.
struct Rounds<'a, S: PairSource> {
    view: &'a View<'a, S>,
    grid: &'a LookGrid,
    ask: Ask,
    plan: look::Plan,
    works: Vec<Crest>,
    others: Vec<Crest>,
}

impl<'a, S: PairSource> Rounds<'a, S> {
    fn new(view: &'a View<'a, S>, grid: &'a LookGrid, beside_m: f64, ask: Ask) -> Self {
        let plan = look::Plan::new(grid, view.source.pixel_m(), beside_m);
        Self { view, grid, ask, plan, works: vec![], others: vec![] }
    }

    /// Beside `places`, and on along the earthworks found there.
    fn run(
        &mut self,
        mut places: Vec<Pixel>,
        (options, model): (&Options, &Model),
        progress: &dyn Progress,
    ) -> Outcome<S, ()> {
        let Self { view, grid, ask, plan, works, others } = self;
        let mut count = Counter::new(progress, Stage::Classify, 0);
        loop {
            let windows = plan.windows(places.iter().copied());
            if windows.is_empty() {
                return Ok(());
            }
            count.add(windows.len());
            let ask = |workspace: &mut Workspace, &core: &Window| {
                count.check()?;
                let window = look::around(core);
                let seen = look::look(view, grid, window)?;
                let answer = ask(&model.network, &seen, net::RIM_PX, workspace);
                let corner = (window.row + net::RIM_PX, window.col + net::RIM_PX);
                let at = (core.row - corner.0, core.col - corner.1, core.rows, core.cols);
                count.advance();
                let crests = |of| centreline::crests(&answer, of, corner, at);
                let others = if options.classify.all_lines { crests(Of::Other) } else { vec![] };
                Ok((crests(Of::Dug), others))
            };
            let found =
                windows.par_iter().map_init(Workspace::default, ask).collect::<Outcome<S, Vec<_>>>()?;
            let first = works.len();
            let counts = |c: &Crest| {
                let aligned = view.field.verdict(grid.to_shared(place(c))).0 == Verdict::Aligned;
                aligned && plan.is_new(c.pixel)
            };
            for (w, o) in found {
                works.extend(w.into_iter().filter(counts));
                others.extend(o.into_iter().filter(counts));
            }
            plan.note(&windows);
            places = works[first..].iter().filter(|c| c.work >= centreline::FOLLOWED).map(place).collect();
        }
    }
}
