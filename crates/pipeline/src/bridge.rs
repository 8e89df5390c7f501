//! Ground that one image of a series hides is compared over it.
//!
//! Steps from date to date see nothing where the image between is clouded, lacks data, or cannot be read: its ground is lost to the
//! step to it and to the step from it, and what was dug there in between with both. Its neighbours may both show it.
//!
//! Which of two images hides the ground that a step could not assess, nobody says. An image *shows* what any pair with it assessed. It
//! *hides* what it does not show, and what a pair of it with an image that shows it could not assess. Of the rest it is not known, and
//! the next pair tells.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};
use domain::{Capture, Pair, Reason};
use geo::{Area as _, BoundingRect, Intersects};
use geo_types::{Coord, MultiPolygon, Rect};
use ingest::PairRule;

use crate::covered::{km2, without_crumbs};
use crate::outline::{Outline, union_of};
use crate::place::Area;

/// Share of the ground of a pair that must be hidden from the steps between, for it to be compared: less is not worth the time.
const LEAST_HIDDEN: f64 = 0.05;
/// Days between two dates beyond which nobody looks from the one to the other.
const MOST_BETWEEN: usize = 8;
/// Share of the ground of an image that another must have in common with it to be looked from: tiles share their rims, 6 %.
const LEAST_COMMON: f64 = 0.1;
/// Most pairs that are tried, for each step.
const MOST_TRIED: usize = 2;

/// A pair that was tried, and what it looked at; nothing where it failed.
pub(crate) struct Step<'a> {
    pub pair: &'a Pair,
    pub areas: &'a [Area],
}

/// A pair to compare beside the steps.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Bridge {
    pub pair: Pair,
    /// Where: longitude and latitude.
    pub ground: MultiPolygon,
    /// The images between that do not show it, by their ids.
    pub over: Vec<String>,
    ends: [usize; 2],
}

/// The search for pairs that tell what the steps could not, one after the other, each by what those before it told.
pub(crate) struct Search {
    views: Vec<View>,
    /// The likelier and the closer first: by days between and ends that no step to them or from them showed.
    candidates: Vec<Candidate>,
    tries: Vec<Try>,
    /// How many more may be tried.
    left: usize,
}

/// All forms of one view of the ground: a panchromatic and a multispectral image are one.
struct View {
    ids: Vec<String>,
    datetime: DateTime<Utc>,
    bounds: Rect,
    /// What any pair with it assessed.
    shown: MultiPolygon,
    /// What was looked at with it.
    looked: MultiPolygon,
}

/// Two views that may be compared over others.
struct Candidate {
    pair: Pair,
    ends: [usize; 2],
    between: Vec<usize>,
    common: MultiPolygon,
    /// Tries that were known when it was found to be of no use.
    refused_at: usize,
}

/// What came of a pair.
struct Try {
    ends: [usize; 2],
    assessed: MultiPolygon,
    failed: MultiPolygon,
}

impl Search {
    /// Begins with what the steps told; only pairs that are `accepted` are tried, and no more than [`MOST_TRIED`] for each step.
    ///
    /// Images across the antimeridian are left out of it.
    ///
    /// # Errors
    /// As [`ingest::pairs`].
    pub(crate) fn new(steps: &[Step<'_>], accepted: impl Fn(&Pair) -> bool) -> ingest::Result<Self> {
        let mut steps: Vec<&Step<'_>> = steps.iter().filter(|s| is_on_the_map(s.pair)).collect();
        // Outlines are joined in one order, or their last digits differ.
        steps.sort_by_key(|s| (s.pair.later.datetime, s.pair.earlier.datetime, ids(s.pair)));
        let both = steps.iter().flat_map(|s| [&s.pair.earlier, &s.pair.later]);
        let images: BTreeMap<&str, &Capture> = both.map(|c| (c.id.as_str(), c)).collect();
        let captures: Vec<Capture> = images.values().map(|&c| c.clone()).collect();
        let view_of = ingest::views(&captures);
        let mut views: Vec<View> = Vec::new();
        let mut place: BTreeMap<usize, usize> = BTreeMap::new();
        for (capture, first) in captures.iter().zip(&view_of) {
            let Some(bounds) = capture.footprint.bounding_rect() else { continue };
            let at = *place.entry(*first).or_insert_with(|| {
                views.push(View::new(capture.datetime, bounds));
                views.len() - 1
            });
            views[at].ids.push(capture.id.clone());
            views[at].bounds = around(views[at].bounds, bounds);
        }
        let number: BTreeMap<&str, usize> = captures
            .iter()
            .zip(&view_of)
            .filter_map(|(c, v)| Some((c.id.as_str(), *place.get(v)?)))
            .collect();
        let ends_of = |pair: &Pair| {
            Some([*number.get(pair.earlier.id.as_str())?, *number.get(pair.later.id.as_str())?])
        };
        let mut search =
            Self { views, candidates: Vec::new(), tries: Vec::new(), left: MOST_TRIED * steps.len() };
        let (mut to, mut from) = (BTreeMap::new(), BTreeMap::new());
        for step in &steps {
            let Some(ends) = ends_of(step.pair) else { continue };
            let common = common(step.pair);
            for (side, view) in [(&mut from, ends[0]), (&mut to, ends[1])] {
                let all: &mut MultiPolygon = side.entry(view).or_insert_with(|| MultiPolygon(Vec::new()));
                *all = all.union(&common);
            }
            search.note(ends, &common, step.areas);
        }
        // What was looked at both to a view and from it, and shown by neither.
        let suspect: Vec<MultiPolygon> = search
            .views
            .iter()
            .enumerate()
            .map(|(i, view)| match (to.get(&i), from.get(&i)) {
                (Some(to), Some(from)) => without_crumbs(to.intersection(from).difference(&view.shown)),
                _ => MultiPolygon(Vec::new()),
            })
            .collect();
        let known: BTreeSet<[usize; 2]> = steps.iter().filter_map(|s| ends_of(s.pair)).collect();
        let mut found: BTreeMap<[usize; 2], Pair> = BTreeMap::new();
        for around in (0..suspect.len()).filter(|&i| !suspect[i].0.is_empty()) {
            let near = search.neighbourhood(around);
            let of = |c: &&Capture| number.get(c.id.as_str()).is_some_and(|v| near.contains(v));
            let near: Vec<Capture> = captures.iter().filter(of).cloned().collect();
            for pair in ingest::pairs(&near, &PairRule::All)? {
                let Some(ends) = ends_of(&pair) else { continue };
                if !known.contains(&ends) && !found.contains_key(&ends) && accepted(&pair) {
                    found.insert(ends, pair);
                }
            }
        }
        let mut ranked = Vec::new();
        for (ends, pair) in found {
            let common = common(&pair);
            let Some(bounds) = common.bounding_rect() else { continue };
            let between = search.between(ends, bounds);
            let days: BTreeSet<_> = between
                .iter()
                .map(|&i| &search.views[i])
                .filter(|v| km2(&common.intersection(&v.looked)) >= LEAST_HIDDEN * km2(&common))
                .map(|v| v.datetime.date_naive())
                .collect();
            let doubtful =
                |&&i: &&usize| km2(&suspect[i].intersection(&common)) >= LEAST_HIDDEN * km2(&common);
            let doubtful = ends.iter().filter(doubtful).count();
            let rank = (doubtful + days.len(), doubtful, length(&pair));
            if (1..=MOST_BETWEEN).contains(&days.len()) {
                let c = Candidate { pair, ends, between, common, refused_at: 0 };
                ranked.push((rank, c));
            }
        }
        ranked.sort_by(|(a, p), (b, q)| {
            let key = |c: &Candidate| (c.pair.later.datetime, c.pair.earlier.datetime);
            a.cmp(b).then_with(|| key(p).cmp(&key(q))).then_with(|| ids(&p.pair).cmp(&ids(&q.pair)))
        });
        search.candidates = ranked.into_iter().map(|(_, c)| c).collect();
        Ok(search)
    }

    /// The next pair to compare; `None` where no other tells more.
    pub(crate) fn next(&mut self) -> Option<Bridge> {
        if self.left == 0 {
            return None;
        }
        for at in 0..self.candidates.len() {
            let c = &self.candidates[at];
            if !self.tries[c.refused_at..].iter().any(|t| c.concerns(t)) {
                continue;
            }
            let ground = self.ground(c);
            if km2(&ground) < LEAST_HIDDEN * km2(&c.common) {
                self.candidates[at].refused_at = self.tries.len();
                continue;
            }
            let Candidate { pair, ends, between, .. } = self.candidates.remove(at);
            self.left -= 1;
            let hides =
                |&&i: &&usize| !without_crumbs(self.views[i].looked.intersection(&ground)).0.is_empty();
            let over = between.iter().filter(hides).flat_map(|&i| self.views[i].ids.clone()).collect();
            return Some(Bridge { pair, ground, over, ends });
        }
        None
    }

    /// Takes in what the pair given last told; nothing where it failed.
    pub(crate) fn told(&mut self, bridge: &Bridge, areas: &[Area]) {
        self.note(bridge.ends, &bridge.ground, areas);
    }

    fn note(&mut self, ends: [usize; 2], looked: &MultiPolygon, areas: &[Area]) {
        let assessed = assessed(areas);
        for i in ends {
            let view = &mut self.views[i];
            view.shown = view.shown.union(&assessed);
            view.looked = view.looked.union(looked);
        }
        let failed = without_crumbs(looked.difference(&assessed));
        self.tries.push(Try { ends, assessed, failed });
    }

    /// What a candidate may tell that nothing else does.
    fn ground(&self, c: &Candidate) -> MultiPolygon {
        let mut ground =
            union_of(c.between.iter().map(|&i| self.views[i].looked.clone())).intersection(&c.common);
        let day = |i: usize| self.views[i].datetime.date_naive();
        // What a pair of these days, or of closer ones, told already.
        let is_told =
            |t: &&Try| c.concerns(t) && day(c.ends[0]) <= day(t.ends[0]) && day(t.ends[1]) <= day(c.ends[1]);
        let told = self.tries.iter().filter(is_told).map(|t| t.assessed.clone());
        let shown = c.between.iter().map(|&i| self.views[i].shown.clone());
        for less in shown.chain(told).chain(c.ends.iter().map(|&i| self.hides(i))) {
            ground = without_crumbs(ground.difference(&less));
            if ground.0.is_empty() {
                return ground;
            }
        }
        without_crumbs(ground)
    }

    /// What a view hides, as far as it is known.
    fn hides(&self, view: usize) -> MultiPolygon {
        let with = self.tries.iter().filter(|t| t.ends.contains(&view) && !t.failed.0.is_empty());
        let by = with.flat_map(|t| {
            let others = t.ends.iter().filter(move |&&i| i != view);
            others.map(|&i| t.failed.intersection(&self.views[i].shown))
        });
        union_of(by).difference(&self.views[view].shown)
    }

    /// Views strictly between two, that may meet a rectangle.
    fn between(&self, [earlier, later]: [usize; 2], bounds: Rect) -> Vec<usize> {
        let (start, end) = (self.views[earlier].datetime, self.views[later].datetime);
        let is = |v: &View| start < v.datetime && v.datetime < end && v.bounds.intersects(&bounds);
        (0..self.views.len()).filter(|&i| is(&self.views[i])).collect()
    }

    /// A view and those nearest in time on either side that share a good part of its ground, as many days as are looked over.
    fn neighbourhood(&self, of: usize) -> BTreeSet<usize> {
        let own = &self.views[of];
        let shares = |v: &View| {
            let both = MultiPolygon(vec![own.bounds.to_polygon()])
                .intersection(&MultiPolygon(vec![v.bounds.to_polygon()]));
            both.unsigned_area() >= LEAST_COMMON * own.bounds.to_polygon().unsigned_area()
        };
        let mut near: Vec<usize> = (0..self.views.len()).filter(|&i| shares(&self.views[i])).collect();
        near.sort_by_key(|&i| self.views[i].datetime);
        let day = |i: usize| self.views[i].datetime.date_naive();
        let days: BTreeSet<_> = near.iter().map(|&i| day(i)).collect();
        let (before, after) = (days.range(..day(of)), days.range(day(of)..));
        let kept: BTreeSet<_> = before.rev().take(MOST_BETWEEN).chain(after.take(MOST_BETWEEN + 1)).collect();
        near.into_iter().filter(|&i| kept.contains(&day(i))).collect()
    }
}

impl Candidate {
    /// True where a try tells of any of its views.
    fn concerns(&self, t: &Try) -> bool {
        t.ends.iter().any(|i| self.ends.contains(i) || self.between.contains(i))
    }
}

impl View {
    fn new(datetime: DateTime<Utc>, bounds: Rect) -> Self {
        let nothing = || MultiPolygon(Vec::new());
        Self { ids: Vec::new(), datetime, bounds, shown: nothing(), looked: nothing() }
    }
}

/// Of each pair the ground that others tell better: date by date over an image between that shows a part of it only, or, where it
/// could not be assessed, over the images between. The pairs over hidden ground are the last, cut to it.
pub(crate) fn told_by_others(pairs: &[Step<'_>]) -> Vec<MultiPolygon> {
    let nothing = || MultiPolygon(Vec::new());
    let bounds: Vec<Option<Rect>> = pairs
        .iter()
        .map(|s| s.pair.later.footprint.bounding_rect().filter(|_| is_on_the_map(s.pair)))
        .collect();
    let of = |(step, own): (&Step<'_>, &Option<Rect>)| {
        let Some(own) = own else { return nothing() };
        let near = pairs.iter().zip(&bounds).filter(|(_, rect)| rect.is_some_and(|r| r.intersects(own)));
        let (mut inner, mut longer) = (Vec::new(), Vec::new());
        for (s, _) in near {
            if is_within(s.pair, step.pair) {
                inner.push(s);
            } else if is_within(step.pair, s.pair) {
                longer.push(assessed(s.areas));
            }
        }
        if inner.len() < 2 && longer.is_empty() {
            return nothing();
        }
        inner.sort_by_key(|s| (s.pair.later.datetime, s.pair.earlier.datetime));
        // Ground that is told from the first date on, up to each moment.
        let mut reached = BTreeMap::from([(step.pair.earlier.datetime, common(step.pair))]);
        for s in inner {
            let Some(start) = reached.get(&s.pair.earlier.datetime) else { continue };
            let told = start.intersection(&assessed(s.areas));
            let end = reached.entry(s.pair.later.datetime).or_insert_with(nothing);
            *end = end.union(&told);
        }
        let told = reached.remove(&step.pair.later.datetime).unwrap_or_else(nothing);
        let over = union_of(longer.into_iter()).difference(&assessed(step.areas));
        // Of a pair over hidden ground that ground alone.
        let looked = union_of(step.areas.iter().map(|a| a.outline.clone()));
        without_crumbs(told.union(&over).intersection(&looked))
    };
    pairs.iter().zip(&bounds).map(of).collect()
}

/// True where a moment lies within the dates of both.
pub(crate) fn overlap(a: &Pair, b: &Pair) -> bool {
    a.earlier.datetime < b.later.datetime && b.earlier.datetime < a.later.datetime
}

/// True where the dates of a pair lie within those of a longer one.
pub(crate) fn is_within(inner: &Pair, outer: &Pair) -> bool {
    let spans =
        outer.earlier.datetime <= inner.earlier.datetime && inner.later.datetime <= outer.later.datetime;
    spans && length(inner) < length(outer)
}

/// False for images across the antimeridian: outlines of their ground are told on both sides of it.
fn is_on_the_map(pair: &Pair) -> bool {
    let within = |c: &Capture| c.footprint.exterior().coords().all(|p| (-180.0..=180.0).contains(&p.x));
    within(&pair.earlier) && within(&pair.later)
}

/// What was assessed of areas.
fn assessed(areas: &[Area]) -> MultiPolygon {
    union_of(areas.iter().filter(|a| a.reason == Reason::Assessed).map(|a| a.outline.clone()))
}

fn ids(pair: &Pair) -> (&str, &str) {
    (&pair.earlier.id, &pair.later.id)
}

fn length(pair: &Pair) -> TimeDelta {
    pair.later.datetime - pair.earlier.datetime
}

/// The ground of both images of a pair.
fn common(pair: &Pair) -> MultiPolygon {
    let [earlier, later] = [&pair.earlier, &pair.later].map(|c| MultiPolygon(vec![c.footprint.clone()]));
    earlier.intersection(&later)
}

fn around(a: Rect, b: Rect) -> Rect {
    let bound = |f: fn(f64, f64) -> f64, a: Coord, b: Coord| Coord { x: f(a.x, b.x), y: f(a.y, b.y) };
    Rect::new(bound(f64::min, a.min(), b.min()), bound(f64::max, a.max(), b.max()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::once::tests::{capture, rectangle};

    const WIDE: (f64, f64) = (0.0, 5000.0);

    fn pair(earlier: u32, later: u32) -> Pair {
        Pair { earlier: capture("x", earlier, WIDE), later: capture("x", later, WIDE), overlap_km2: 25.0 }
    }

    /// What was assessed of a pair: all that lies east of so many metres.
    fn east_of(x: f64) -> Vec<Area> {
        let area = |reason, x: (f64, f64)| Area {
            reason,
            area_km2: (x.1 - x.0) * 5e-3,
            residual_px: None,
            outline: rectangle(x, WIDE),
        };
        vec![area(Reason::Assessed, (x, 5000.0)), area(Reason::Cloud, (0.0, x))]
    }

    /// The pairs that are compared over others where each day has a cloud in the west, so many metres wide, from 5000 m on none at
    /// all is seen: days, share of the ground, what was assessed of it, images looked over.
    fn told(clouds: &[(u32, f64)]) -> Vec<(String, f64, f64, usize)> {
        let cloud = |id: &str| clouds.iter().find(|c| id == format!("x/{}", c.0)).unwrap().1;
        let seen = |p: &Pair| match cloud(&p.earlier.id).max(cloud(&p.later.id)) {
            5000.0 => vec![],
            x => east_of(x),
        };
        let pairs: Vec<Pair> = clouds.windows(2).map(|w| pair(w[0].0, w[1].0)).collect();
        let areas: Vec<Vec<Area>> = pairs.iter().map(seen).collect();
        let mut steps: Vec<Step<'_>> =
            pairs.iter().zip(&areas).map(|(pair, areas)| Step { pair, areas }).collect();
        let mut search = Search::new(&steps, |_| true).unwrap();
        steps.reverse();
        let mut turned = Search::new(&steps, |_| true).unwrap();
        let mut out = Vec::new();
        while let Some(bridge) = search.next() {
            assert_eq!(turned.next().as_ref(), Some(&bridge), "the order of the steps is nothing");
            let areas = seen(&bridge.pair);
            search.told(&bridge, &areas);
            turned.told(&bridge, &areas);
            let whole = km2(&common(&bridge.pair));
            let share = |g: &MultiPolygon| (km2(g) / whole * 100.0).round() / 100.0;
            let days = format!("{}-{}", bridge.pair.earlier.id, bridge.pair.later.id).replace("x/", "");
            let useful = share(&bridge.ground.intersection(&assessed(&areas)));
            out.push((days, share(&bridge.ground), useful, bridge.over.len()));
        }
        assert_eq!(turned.next(), None);
        out
    }

    fn one(days: &str, share: f64, useful: f64, over: usize) -> (String, f64, f64, usize) {
        (days.to_owned(), share, useful, over)
    }

    #[test]
    fn a_cloud_in_the_middle_is_looked_over_where_it_lies() {
        assert_eq!(told(&[(1, 0.0), (5, 2000.0), (9, 0.0)]), [one("1-9", 0.4, 0.4, 1)]);
    }

    #[test]
    fn an_image_that_cannot_be_read_is_looked_over_whole() {
        assert_eq!(told(&[(1, 0.0), (5, 5000.0), (9, 0.0), (12, 0.0)]), [one("1-9", 1.0, 1.0, 1)]);
    }

    #[test]
    fn two_in_a_row_are_looked_over_once() {
        assert_eq!(told(&[(1, 0.0), (5, 2000.0), (9, 2000.0), (12, 0.0)]), [one("1-12", 0.4, 0.4, 2)]);
    }

    #[test]
    fn a_larger_cloud_on_the_next_day_is_looked_over_in_parts() {
        let found = told(&[(1, 0.0), (5, 1000.0), (9, 2000.0), (12, 0.0)]);
        // Of the first kilometre both in the middle tell nothing, of the second the second alone.
        assert_eq!(found, [one("1-12", 0.2, 0.2, 2), one("5-12", 0.2, 0.2, 1)]);
    }

    #[test]
    fn a_clear_day_between_clouds_is_not_taken_for_one() {
        let found = told(&[(10, 0.0), (12, 2000.0), (14, 0.0), (16, 2000.0)]);
        assert!(found.contains(&one("10-14", 0.4, 0.4, 1)), "{found:?}");
        let found = told(&[(10, 2000.0), (12, 0.0), (14, 2000.0), (16, 0.0)]);
        assert!(found.contains(&one("12-16", 0.4, 0.4, 1)), "{found:?}");
        // Each of the steps between clear days, and none over all of them.
        let found = told(&[(1, 0.0), (3, 2000.0), (5, 0.0), (7, 2000.0), (9, 0.0)]);
        assert_eq!(found, [one("1-5", 0.4, 0.4, 1), one("5-9", 0.4, 0.4, 1)]);
    }

    #[test]
    fn a_month_of_clouds_is_looked_over_from_the_day_before_it() {
        let days: Vec<(u32, f64)> =
            (1..=9).map(|d| (d, if (3..=7).contains(&d) { 2000.0 } else { 0.0 })).collect();
        let found = told(&days);
        // After days of it that might have been clear between two that are not.
        assert_eq!(found.last(), Some(&one("2-8", 0.4, 0.4, 5)), "{found:?}");
        assert!(found.len() < days.len(), "{found:?}");
    }

    #[test]
    fn what_the_first_or_the_last_hides_is_nobody_s() {
        assert_eq!(told(&[(1, 2000.0), (5, 0.0), (9, 0.0)]), []);
        assert_eq!(told(&[(1, 0.0), (5, 0.0), (9, 2000.0)]), []);
    }

    #[test]
    fn a_little_cloud_is_let_be_and_so_is_a_clear_series() {
        assert_eq!(told(&[(1, 0.0), (5, 200.0), (9, 0.0)]), []);
        assert_eq!(told(&[(1, 0.0), (5, 0.0), (9, 0.0)]), []);
    }

    #[test]
    fn neighbouring_tiles_of_the_days_between_do_not_count() {
        let mut pairs = vec![pair(1, 5), pair(5, 9)];
        let mut areas = vec![east_of(2000.0), east_of(2000.0)];
        // A dozen frames of the middle day at the eastern rim.
        for k in 0..12 {
            let frame = |day| capture(&format!("f{k}"), day, (4950.0, 6000.0 + f64::from(k)));
            pairs.push(Pair { earlier: frame(1), later: frame(5), overlap_km2: 1.0 });
            areas.push(vec![]);
        }
        let steps: Vec<Step<'_>> =
            pairs.iter().zip(&areas).map(|(pair, areas)| Step { pair, areas }).collect();
        let first = Search::new(&steps, |_| true).unwrap().next().unwrap();
        assert_eq!(ids(&first.pair), ("x/1", "x/9"));
        assert_eq!(Search::new(&steps, |_| false).unwrap().next(), None);
    }

    #[test]
    fn tiles_are_not_looked_from_into_their_neighbours() {
        for overlap_m in [312.0, 2500.0] {
            let (mut pairs, mut areas) = (Vec::new(), Vec::new());
            for (name, west) in [("a", 0.0), ("b", 5000.0 - overlap_m)] {
                let tile = |day| capture(name, day, (west, west + 5000.0));
                for (e, l) in [(1, 5), (5, 9)] {
                    pairs.push(Pair { earlier: tile(e), later: tile(l), overlap_km2: 25.0 });
                    areas.push(vec![]);
                }
            }
            let steps: Vec<Step<'_>> =
                pairs.iter().zip(&areas).map(|(pair, areas)| Step { pair, areas }).collect();
            let mut search = Search::new(&steps, |_| true).unwrap();
            let mut tried = Vec::new();
            while let Some(bridge) = search.next() {
                let area = Area { outline: bridge.ground.clone(), ..east_of(0.0)[0].clone() };
                search.told(&bridge, &[area]);
                tried.push(format!("{}-{}", bridge.pair.earlier.id, bridge.pair.later.id));
            }
            // What the first tile told of the rim the second need not.
            assert_eq!(tried, ["a/1-a/9", "b/1-b/9"], "{overlap_m}");
        }
    }

    #[test]
    fn across_the_antimeridian_there_are_steps_alone() {
        let mut steps = [(pair(1, 5), east_of(2000.0)), (pair(5, 9), east_of(2000.0))];
        for (pair, _) in &mut steps {
            for capture in [&mut pair.earlier, &mut pair.later] {
                capture.footprint.exterior_mut(|ring| ring.0.iter_mut().for_each(|p| p.x += 145.0));
            }
        }
        let steps: Vec<Step<'_>> = steps.iter().map(|(pair, areas)| Step { pair, areas }).collect();
        assert_eq!(Search::new(&steps, |_| true).unwrap().next(), None);
        assert!(told_by_others(&steps).iter().all(|g| g.0.is_empty()));
    }

    /// Of pairs in the order given, how many square kilometres others tell.
    fn others_km2(pairs: &[(Pair, Vec<Area>)]) -> Vec<f64> {
        let steps: Vec<Step<'_>> = pairs.iter().map(|(pair, areas)| Step { pair, areas }).collect();
        told_by_others(&steps).iter().map(|g| (km2(g) * 10.0).round() / 10.0).collect()
    }

    #[test]
    fn what_steps_tell_is_theirs() {
        // On the 5th an image of the east was taken, of which the first kilometre is clouded on the 9th.
        let east = |day| capture("east", day, (2000.0, 5000.0));
        let mut pairs = vec![
            (Pair { later: east(5), ..pair(1, 5) }, east_of(0.0)),
            (Pair { earlier: east(5), ..pair(5, 9) }, east_of(3000.0)),
            (pair(1, 9), east_of(0.0)),
        ];
        // The second kilometre is told by the longer pair alone.
        assert_eq!(others_km2(&pairs), [0.0, 15.0, 10.0]);
        // A chain that does not reach the end tells nothing of it.
        pairs[2].0.later = capture("x", 12, WIDE);
        assert_eq!(others_km2(&pairs)[2], 0.0);
    }

    #[test]
    fn what_is_compared_over_its_dates_is_no_step_s() {
        let over = vec![Area { outline: rectangle((0.0, 1500.0), WIDE), ..east_of(0.0)[0].clone() }];
        let pairs = [
            (pair(1, 5), east_of(2000.0)),
            (pair(5, 9), east_of(1500.0)),
            (pair(9, 12), east_of(0.0)),
            (pair(1, 9), over),
        ];
        assert_eq!(others_km2(&pairs), [7.5, 7.5, 0.0, 0.0]);
    }
}
