//! Where the network is asked, round by round, and what it says there.

use domain::{Pixel, Window};
use rayon::prelude::*;

use crate::{
    PairSource, Progress, Stage,
    align::Verdict,
    centreline::{self, Of},
    compare::{Options, Outcome},
    crest::Crest,
    gathered::Gathered,
    look::{self, Look, LookGrid},
    net::{self, Answer, Model, Network, Workspace},
    pool::Pool,
    seen::Hidden,
    source::Counter,
    view::View,
};

/// Ground around the middle of a proposed square that is looked at, metres.
const BESIDE_M: f64 = 4.0;
/// The same beside what was found, where the line is known.
const AGAIN_BESIDE_M: f64 = 8.0;
/// Nearness to an earthwork from which on the network is asked again.
const DOUBTED: f32 = 0.25;

/// What the network is asked about, on the grid of the look.
pub(crate) struct Places {
    /// Where earthworks may be.
    pub works: Vec<Pixel>,
    /// Where other lines may be.
    pub others: Vec<Pixel>,
    /// What is added to the brightness of either date.
    pub offsets: [f32; 2],
    /// Ground of which nothing is said.
    pub hidden: Hidden,
}

/// What the network says at the proposed places, and on along what it finds there: crests of earthworks and, where they
/// are asked for, of other lines. Where it found anything, it is asked again, turned. Where only other lines may be it is asked last,
/// and about them alone: what is said of earthworks does not depend on it.
pub(crate) fn crests<S: PairSource>(
    view: &View<'_, S>,
    grid: &LookGrid,
    places: Places,
    with: (&Options, &Model),
    progress: &dyn Progress,
) -> Outcome<S, [Vec<Crest>; 2]> {
    let Places { works, others, offsets, hidden } = places;
    let mut first = Rounds::new(view, (grid, offsets), &hidden, BESIDE_M, Network::ask);
    let doubted = first.run(works, true, with, progress)?;
    let mut again = Rounds::new(view, (grid, offsets), &hidden, AGAIN_BESIDE_M, Network::ask_turned);
    again.run(doubted, true, with, progress)?;
    first.run(others, false, with, progress)?;
    let (mut works, mut others) = (first.works, first.others);
    // What was asked again replaces what was said before.
    for (all, said) in [(&mut works, again.works), (&mut others, again.others)] {
        all.retain(|c| again.plan.is_new(c.pixel()));
        all.add(said.all());
    }
    Ok([works.all(), others.all()])
}

/// How the network is asked about a window but for its rim, pixels.
type Ask = fn(&Network, &Look, usize, &mut Workspace) -> Answer;

/// Ground that the network is asked about, round by round.
struct Rounds<'a, S: PairSource> {
    view: &'a View<'a, S>,
    grid: &'a LookGrid,
    offsets: [f32; 2],
    hidden: &'a Hidden,
    ask: Ask,
    plan: look::Plan,
    works: Gathered<Crest>,
    others: Gathered<Crest>,
}

impl<'a, S: PairSource> Rounds<'a, S> {
    fn new(
        view: &'a View<'a, S>,
        (grid, offsets): (&'a LookGrid, [f32; 2]),
        hidden: &'a Hidden,
        beside_m: f64,
        ask: Ask,
    ) -> Self {
        let plan = look::Plan::new(grid, view.source.pixel_m(), beside_m);
        let [works, others] = [Gathered::new(), Gathered::new()];
        Self { view, grid, offsets, hidden, ask, plan, works, others }
    }

    /// Beside `places`; and where earthworks are asked for, on along those found there. Where one may be.
    fn run(
        &mut self,
        mut places: Vec<Pixel>,
        asked_works: bool,
        (options, model): (&Options, &Model),
        progress: &dyn Progress,
    ) -> Outcome<S, Vec<Pixel>> {
        let Self { view, grid, offsets, hidden, ask, plan, works, others } = self;
        let doubted = Gathered::new();
        let mut count = Counter::new(progress, Stage::Classify, 0);
        let workspaces = Pool::<Workspace>::default();
        loop {
            let windows = plan.windows(places.iter().copied());
            if windows.is_empty() {
                return Ok(doubted.all());
            }
            count.add(windows.len());
            let followed = Gathered::new();
            let ask = |&core: &Window| {
                count.check()?;
                let window = look::around(core);
                let seen = look::look(view, grid, window, *offsets)?;
                let answer = workspaces.with(|w| ask(&model.network, &seen, net::RIM_PX, w));
                let corner = (window.row + net::RIM_PX, window.col + net::RIM_PX);
                let at = (core.row - corner.0, core.col - corner.1, core.rows, core.cols);
                count.advance();
                let new = |of| {
                    let mut crests = centreline::crests(&answer, of, corner, at);
                    crests.retain(|c| {
                        let at = grid.to_shared(c.place());
                        view.field.verdict(at).0 == Verdict::Aligned
                            && !hidden.holds(at)
                            && plan.is_new(c.pixel())
                    });
                    crests
                };
                if asked_works {
                    let dug = new(Of::Dug);
                    doubted.add(dug.iter().filter(|c| c.work() >= DOUBTED).map(Crest::place));
                    followed.add(dug.iter().filter(|c| c.work() >= centreline::FOLLOWED).map(Crest::place));
                    works.add(dug);
                }
                if options.classify.all_lines {
                    others.add(new(Of::Other));
                }
                Ok(())
            };
            windows.par_iter().with_max_len(1).map(ask).collect::<Outcome<S, ()>>()?;
            places = followed.all();
            plan.note(&windows);
        }
    }
}
