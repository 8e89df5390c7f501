//! Which captures to compare with which.

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use chrono::{NaiveTime, TimeDelta};
use domain::{BandRole, Capture, Pair};
use geo::ConvexHull;
use geo_types::Coord;
use rstar::primitives::{GeomWithData, Rectangle};
use rstar::{RTree, RTreeObject};
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::facts::same_sensor;
use crate::layout;
use crate::project::{self, metres_per_degree, pixel_size_m};

/// Captures closer in time than this were taken in one pass.
const ONE_PASS: TimeDelta = TimeDelta::minutes(10);

/// Images of one sensor whose times are no further apart show one view: panchromatic and multispectral lines lie a fraction
/// of a second apart in the focal plane, the views of a stereo pair tens of seconds.
const ONE_VIEW: TimeDelta = TimeDelta::seconds(5);

/// Share of a pair's common ground that a capture between them must cover to make the pair superfluous.
const COVERED: f64 = 0.9;

/// Share of the smaller footprint that a pair must have in common: less is the rim of neighbouring tiles.
const LEAST_SHARED: f64 = 1e-3;

/// Which of the captures that share ground are compared.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PairRule {
    /// Each with the ones before it, unless a third between the two covers 90 % of their common ground: what is new then
    /// shows in the steps over the third.
    #[default]
    Consecutive,
    /// The same, and nothing over what an image hides: a front end that follows [`PairRule::Consecutive`] compares that too, once it
    /// knows what was seen.
    Steps,
    /// Each with the first, unless one still earlier covers 90 % of their common ground.
    First,
    /// Each with all before it.
    All,
    /// These, by the ids or paths of both.
    Listed(Vec<(String, String)>),
}

/// The pairs worth comparing, sorted by the later date, then the earlier, then the ids.
///
/// A capture is paired with earlier ones that share ground with it, a thousandth of the smaller footprint at least, as
/// `rule` says. Never a pair, unless it is listed:
/// captures of one pass (one catalogue id, or within 10 minutes, or on the same day
/// where one of them is dated to the day only), and ARD tiles of different cells, which overlap by their padding.
///
/// Where an order brings one view twice ([`views`]), as a panchromatic image and a multispectral one, each two dates are
/// compared once, unless all pairs are asked for or these are listed: by the two images whose coarser pixels are finest, of
/// equals those whose pixels differ least, then those with colour.
///
/// Footprints are taken for convex; areas are of an equal-area plane around the later capture. The sides of a
/// UTM rectangle bend in longitude and latitude, which errs by 0.05 % over 20 km.
///
/// # Errors
/// [`Error::NoPair`] for a listed pair that is no two captures, or shares no ground.
pub fn pairs(captures: &[Capture], rule: &PairRule) -> Result<Vec<Pair>> {
    let keys = keys(captures);
    let pair = |e: usize, l: usize, shared_m2: f64| Pair {
        earlier: captures[e].clone(),
        later: captures[l].clone(),
        overlap_km2: shared_m2 / 1e6,
    };
    let mut pairs = Vec::new();
    if let PairRule::Listed(names) = rule {
        for (a, b) in names {
            let (a, b) = (named(captures, a)?, named(captures, b)?);
            let (e, l) = if captures[a].datetime <= captures[b].datetime { (a, b) } else { (b, a) };
            let plane = Plane::around(keys[l].bounds);
            let shared = area(&clip(&plane.outline(&keys[e].hull), &plane.outline(&keys[l].hull)));
            if e == l || shared <= 0.0 {
                let what = format!("{} and {}", captures[e].id, captures[l].id);
                return Err(Error::NoPair { what, reason: "they share no ground" });
            }
            pairs.push(pair(e, l, shared));
        }
    } else {
        let mut found = Vec::new();
        let near = near(&keys);
        for (l, later) in captures.iter().enumerate() {
            let plane = Plane::around(keys[l].bounds);
            let ground = Ground::new(plane, &keys[l].hull);
            // Earlier captures near it, the latest first.
            let mut before: Vec<usize> = near
                .locate_in_envelope_intersecting(&keys[l].bounds.entry(l).envelope())
                .map(|found| found.data)
                // Rectangles hold at least what the footprints share; half is for what a degree is elsewhere.
                .filter(|&e| {
                    let least = 0.5 * LEAST_SHARED * keys[e].area_deg2.min(keys[l].area_deg2);
                    keys[e].bounds.common(&keys[l].bounds).is_some_and(|b| b.area() > least)
                })
                .filter(|&e| comparable((&captures[e], &keys[e]), (later, &keys[l])))
                .collect();
            before.sort_by(|a, b| {
                let (a, b) = (&captures[*a], &captures[*b]);
                b.datetime.cmp(&a.datetime).then_with(|| a.id.cmp(&b.id))
            });
            if *rule == PairRule::First {
                before.reverse();
            }
            // What they share with it, worked out where it is asked: of a hundred dates mostly of the first alone.
            let shares: Vec<OnceCell<Option<Share>>> = before.iter().map(|_| OnceCell::new()).collect();
            let share = |i: usize| shares[i].get_or_init(|| ground.share(&keys[before[i]])).as_ref();
            let one_between = |m: usize, i: usize| {
                let (m, i) = (before[m], before[i]);
                let (first, second) = if *rule == PairRule::First { (m, i) } else { (i, m) };
                comparable((&captures[first], &keys[first]), (&captures[second], &keys[second]))
            };
            // The first capture that covers all of the later one makes those after it superfluous.
            let mut whole = None;
            for (i, &e) in before.iter().enumerate() {
                if *rule != PairRule::All && whole.is_some_and(|m| one_between(m, i)) {
                    continue;
                }
                let Some(common) = share(i) else { continue };
                let superfluous = *rule != PairRule::All
                    && (0..i).any(|m| one_between(m, i) && share(m).is_some_and(|s| s.covers(common)));
                if whole.is_none() && common.whole {
                    whole = Some(i);
                }
                if !superfluous {
                    found.push((e, l, common.m2));
                }
            }
        }
        if *rule != PairRule::All {
            found = without_doubles(captures, &keys, &near, found);
        }
        pairs.extend(found.into_iter().map(|(e, l, m2)| pair(e, l, m2)));
    }
    pairs.sort_by(|a, b| {
        let key = |p: &Pair| (p.later.datetime, p.earlier.datetime);
        key(a).cmp(&key(b)).then_with(|| (&a.later.id, &a.earlier.id).cmp(&(&b.later.id, &b.earlier.id)))
    });
    pairs.dedup_by(|a, b| (&a.earlier.id, &a.later.id) == (&b.earlier.id, &b.later.id));
    Ok(pairs)
}

/// For each capture the place of the first that is the same view in another form, or its own.
///
/// A panchromatic and a multispectral image of an order are one view: one time to five seconds or, dated to the day, one
/// catalogue id; nothing that says otherwise; nine tenths of their ground in common.
#[must_use]
pub fn views(captures: &[Capture]) -> Vec<usize> {
    let keys = keys(captures);
    views_of(captures, &keys, &near(&keys))
}

fn views_of(captures: &[Capture], keys: &[Key], near: &Near) -> Vec<usize> {
    let mut view: Vec<usize> = (0..captures.len()).collect();
    let mut by_time = view.clone();
    by_time.sort_by_key(|&i| (captures[i].datetime, i));
    for &i in &by_time {
        let first = captures[i].datetime;
        // Nothing ties a day to another image but an id.
        if first.time() == NaiveTime::MIN && keys[i].catalogue_id.is_none() {
            continue;
        }
        let mut later: Vec<usize> = near
            .locate_in_envelope_intersecting(&keys[i].bounds.entry(i).envelope())
            .map(|found| found.data)
            .filter(|&j| {
                let apart = captures[j].datetime - first;
                view[j] == j && (first, i) < (captures[j].datetime, j) && apart <= ONE_VIEW
            })
            .collect();
        later.sort_unstable();
        for j in later {
            if one_view((&captures[i], &keys[i]), (&captures[j], &keys[j])) {
                view[j] = view[i];
            }
        }
    }
    view
}

/// Captures by their place, so that far ones are not even looked at.
type Near = RTree<GeomWithData<Rectangle<[f64; 2]>, usize>>;

fn near(keys: &[Key]) -> Near {
    RTree::bulk_load(keys.iter().enumerate().map(|(i, k)| k.bounds.entry(i)).collect())
}

fn one_view((a, a_key): (&Capture, &Key), (b, b_key): (&Capture, &Key)) -> bool {
    let to_the_day = a.datetime.time() == NaiveTime::MIN || b.datetime.time() == NaiveTime::MIN;
    let one_time = (a.datetime - b.datetime).abs() <= ONE_VIEW
        && match (&a_key.catalogue_id, &b_key.catalogue_id) {
            (Some(x), Some(y)) => x == y,
            _ => !to_the_day,
        };
    let other_sensor = a.platform.as_ref().zip(b.platform.as_ref()).is_some_and(|(x, y)| !same_sensor(x, y));
    if !one_time || other_sensor || a_key.bounds.common(&b_key.bounds).is_none() {
        return false;
    }
    let (a_edges, b_edges);
    let (a_key, b_key) = if a.footprint_source == b.footprint_source {
        (a_key, b_key)
    } else {
        // What one shows is told by other means than what the other shows: their edges are told alike.
        let Some(both) = edges(a, a_key).zip(edges(b, b_key)) else { return false };
        (a_edges, b_edges) = both;
        (&a_edges, &b_edges)
    };
    let ground = Ground::new(Plane::around(a_key.bounds), &a_key.hull);
    let theirs = area(&ground.plane.outline(&b_key.hull));
    ground.share(b_key).is_some_and(|common| common.m2 >= COVERED * ground.m2.max(theirs))
}

/// The key of a capture with its edges in the place of its footprint, on the same side of the antimeridian; `None` where PROJ
/// cannot tell them.
fn edges(capture: &Capture, key: &Key) -> Option<Key> {
    let mut of = Key::of(&Capture { footprint: project::footprint(&capture.grid).ok()?, ..capture.clone() });
    let turn = 360.0 * ((key.bounds.min.x - of.bounds.min.x) / 360.0).round();
    of.hull.iter_mut().for_each(|p| p.x += turn);
    of.bounds = Bounds::of(of.hull.iter().copied());
    Some(of)
}

/// The common ground of pairs, square metres: by their footprints where all are told alike, else by their edges.
fn common_m2(captures: &[Capture], keys: &[Key], pairs: &[Places]) -> Vec<f64> {
    let source = |i: usize| captures[i].footprint_source;
    let all: BTreeSet<_> = pairs.iter().flat_map(|p| [source(p.0), source(p.1)]).collect();
    let by_edges = |&(e, l, m2): &Places| {
        let both = edges(&captures[e], &keys[e]).zip(edges(&captures[l], &keys[l]));
        both.map_or(m2, |(e, l)| {
            let plane = Plane::around(l.bounds);
            area(&clip(&plane.outline(&e.hull), &plane.outline(&l.hull)))
        })
    };
    pairs.iter().map(|p| if all.len() < 2 { p.2 } else { by_edges(p) }).collect()
}

/// A pair by its places among the captures, and its common ground in square metres.
type Places = (usize, usize, f64);

/// The pairs without those that another of the same two views does better.
fn without_doubles(captures: &[Capture], keys: &[Key], near: &Near, pairs: Vec<Places>) -> Vec<Places> {
    if pairs.len() < 2 {
        return pairs;
    }
    let view = views_of(captures, keys, near);
    let mut best = BTreeMap::<(usize, usize), Vec<usize>>::new();
    for (at, &(e, l, _)) in pairs.iter().enumerate() {
        best.entry((view[e], view[l])).or_default().push(at);
    }
    let mut kept = Vec::new();
    for same in best.values() {
        let rank = |&at: &usize| Rank::of(&captures[pairs[at].0], &captures[pairs[at].1]);
        let mut ranked: Vec<(Rank, usize)> = match &same[..] {
            [only] => {
                kept.push(*only);
                continue;
            }
            several => several.iter().map(|at| (rank(at), *at)).collect(),
        };
        ranked.sort();
        let ground: Vec<Places> = ranked.iter().map(|(_, at)| pairs[*at]).collect();
        let mut most_m2: f64 = 0.0;
        for ((_, at), m2) in ranked.iter().zip(common_m2(captures, keys, &ground)) {
            // A finer image of a part does not stand for the whole.
            if most_m2 < COVERED * m2 {
                kept.push(*at);
                most_m2 = most_m2.max(m2);
            }
        }
    }
    kept.sort_unstable();
    kept.into_iter().map(|at| pairs[at]).collect()
}

/// How well two images of two views compare; the least is the best.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Rank {
    /// Steps of a fifth of the coarser pixel.
    coarser: i32,
    /// Steps of a fifth between the two.
    apart: i32,
    /// Images without colour.
    gray: usize,
    ids: (String, String),
}

impl Rank {
    fn of(earlier: &Capture, later: &Capture) -> Self {
        // A place that PROJ cannot tell the size of is compared by the unit of its own system.
        let size = |c: &Capture| pixel_size_m(&c.grid).unwrap_or_else(|_| c.grid.pixel_size());
        let steps = |ratio: f64| (ratio.ln() / 1.2_f64.ln()).round() as i32;
        let (a, b) = (size(earlier), size(later));
        let gray = |c: &Capture| {
            let named = c.roles.iter().any(|r| matches!(r, BandRole::Red | BandRole::Green | BandRole::Blue));
            let unnamed = c.roles.iter().filter(|r| **r == BandRole::Unknown).count() >= 3;
            usize::from(!named && !unnamed)
        };
        Self {
            coarser: steps(a.max(b)),
            apart: steps(a.max(b) / a.min(b)),
            gray: gray(earlier) + gray(later),
            ids: (earlier.id.clone(), later.id.clone()),
        }
    }
}

/// The ground of a capture on a plane around it.
struct Ground {
    plane: Plane,
    outline: Vec<Coord>,
    m2: f64,
}

/// What another capture shares with a [`Ground`].
struct Share {
    outline: Vec<Coord>,
    bounds: Bounds,
    m2: f64,
    /// True where that is all of it.
    whole: bool,
}

impl Ground {
    fn new(plane: Plane, hull: &[Coord]) -> Self {
        let outline = plane.outline(hull);
        Self { plane, m2: area(&outline), outline }
    }

    /// What a capture shares with it; `None` where that is nothing, or the rim of a neighbour.
    fn share(&self, other: &Key) -> Option<Share> {
        let theirs = self.plane.outline(&other.hull);
        let outline = clip(&theirs, &self.outline);
        let m2 = area(&outline);
        let whole = m2 >= self.m2 * (1.0 - 1e-9);
        let bounds = Bounds::of(outline.iter().copied());
        (m2 > LEAST_SHARED * area(&theirs).min(self.m2)).then_some(Share { outline, bounds, m2, whole })
    }
}

impl Share {
    /// True where it holds 90 % of another.
    fn covers(&self, other: &Self) -> bool {
        let could = self.bounds.common(&other.bounds).is_some_and(|b| b.area() >= COVERED * other.m2);
        could && (self.whole || area(&clip(&other.outline, &self.outline)) >= COVERED * other.m2)
    }
}

/// The capture of that id or path.
fn named(captures: &[Capture], name: &str) -> Result<usize> {
    let is = |c: &Capture| c.id == name || c.path == Path::new(name) || c.path.ends_with(name);
    let exact = captures.iter().position(|c| c.id == name || c.path == Path::new(name));
    let found = exact.or_else(|| {
        let mut ends = captures.iter().enumerate().filter(|(_, c)| is(c));
        ends.next().filter(|_| ends.next().is_none()).map(|(i, _)| i)
    });
    found.ok_or_else(|| Error::NoPair { what: name.to_owned(), reason: "it names no capture, or several" })
}

/// Those of all captures. Where one lies across the antimeridian longitudes count from 0° to 360°, so that what lies on either
/// side of it meets; then those across Greenwich do not meet their neighbours in the west.
fn keys(captures: &[Capture]) -> Vec<Key> {
    let mut keys: Vec<Key> = captures.iter().map(Key::of).collect();
    if keys.iter().any(|k| k.bounds.max.x > 180.0) {
        for key in keys.iter_mut().filter(|k| k.bounds.max.x <= 0.0) {
            key.hull.iter_mut().for_each(|p| p.x += 360.0);
            key.bounds = Bounds::of(key.hull.iter().copied());
        }
    }
    keys
}

/// What is asked of a capture again and again.
struct Key {
    /// The footprint's convex hull, degrees, counter-clockwise and not closed.
    hull: Vec<Coord>,
    area_deg2: f64,
    bounds: Bounds,
    cell: Option<(u32, String)>,
    catalogue_id: Option<String>,
}

impl Key {
    fn of(capture: &Capture) -> Self {
        let mut hull = capture.footprint.convex_hull().into_inner().0.0;
        hull.pop();
        Self {
            area_deg2: area(&hull),
            hull,
            bounds: Bounds::of(capture.footprint.exterior().coords().copied()),
            cell: layout::cell(capture),
            catalogue_id: layout::catalogue_id(&capture.path).or_else(|| capture.catalogue_id.clone()),
        }
    }
}

/// True where `a` was taken in an earlier pass than `b` and may be compared with it, ground aside.
fn comparable((a, a_key): (&Capture, &Key), (b, b_key): (&Capture, &Key)) -> bool {
    let same = |x: &Option<String>, y: &Option<String>| x.is_some() && x == y;
    if a.datetime >= b.datetime
        || b.datetime - a.datetime < ONE_PASS
        || same(&a_key.catalogue_id, &b_key.catalogue_id)
    {
        return false;
    }
    let to_the_day = a.datetime.time() == NaiveTime::MIN || b.datetime.time() == NaiveTime::MIN;
    if to_the_day && a.datetime.date_naive() == b.datetime.date_naive() {
        return false;
    }
    match (&a_key.cell, &b_key.cell) {
        (Some(a), Some(b)) => a == b,
        _ => true,
    }
}

/// An upright rectangle, in degrees or metres.
#[derive(Clone, Copy)]
struct Bounds {
    min: Coord,
    max: Coord,
}

impl Bounds {
    fn of(points: impl Iterator<Item = Coord>) -> Self {
        let inf = f64::INFINITY;
        let mut b = Self { min: Coord { x: inf, y: inf }, max: Coord { x: -inf, y: -inf } };
        for p in points {
            b.min = Coord { x: b.min.x.min(p.x), y: b.min.y.min(p.y) };
            b.max = Coord { x: b.max.x.max(p.x), y: b.max.y.max(p.y) };
        }
        b
    }

    /// As an entry of an index, with what it is of.
    fn entry(&self, data: usize) -> GeomWithData<Rectangle<[f64; 2]>, usize> {
        let corners = ([self.min.x, self.min.y], [self.max.x, self.max.y]);
        GeomWithData::new(Rectangle::from_corners(corners.0, corners.1), data)
    }

    /// What both hold, `None` where that has no area.
    fn common(&self, other: &Self) -> Option<Self> {
        let min = Coord { x: self.min.x.max(other.min.x), y: self.min.y.max(other.min.y) };
        let max = Coord { x: self.max.x.min(other.max.x), y: self.max.y.min(other.max.y) };
        (min.x < max.x && min.y < max.y).then_some(Self { min, max })
    }

    fn area(&self) -> f64 {
        (self.max.x - self.min.x) * (self.max.y - self.min.y)
    }
}

/// Metres east and north of a point: Lambert's cylindrical equal-area projection, true to scale at the point.
struct Plane {
    origin: Coord,
    east: f64,
    north: f64,
}

impl Plane {
    /// The plane around the middle of `bounds`, degrees.
    fn around(bounds: Bounds) -> Self {
        let origin = Coord { x: (bounds.min.x + bounds.max.x) / 2.0, y: (bounds.min.y + bounds.max.y) / 2.0 };
        let (east, north) = metres_per_degree(origin.y);
        Self { origin, east, north }
    }

    /// A ring of degrees on the plane.
    fn outline(&self, ring: &[Coord]) -> Vec<Coord> {
        let (sin, cos) = self.origin.y.to_radians().sin_cos();
        ring.iter()
            .map(|p| {
                let rise_deg = ((p.y.to_radians().sin() - sin) / cos).to_degrees();
                Coord { x: (p.x - self.origin.x) * self.east, y: rise_deg * self.north }
            })
            .collect()
    }
}

/// What two convex rings, both counter-clockwise, have in common (Sutherland and Hodgman 1974).
fn clip(subject: &[Coord], window: &[Coord]) -> Vec<Coord> {
    let mut ring = subject.to_vec();
    for (a, b) in sides(window) {
        // Positive to the left of the side, which is inside.
        let inside = |p: Coord| (b.x - a.x) * (p.y - a.y) - (b.y - a.y) * (p.x - a.x);
        if ring.iter().all(|&p| inside(p) >= 0.0) {
            continue;
        }
        let mut kept = Vec::with_capacity(ring.len() + 1);
        for (p, q) in sides(&ring) {
            let (s, t) = (inside(p), inside(q));
            if s >= 0.0 {
                kept.push(p);
            }
            if (s > 0.0 && t < 0.0) || (s < 0.0 && t > 0.0) {
                let u = s / (s - t);
                kept.push(Coord { x: p.x + u * (q.x - p.x), y: p.y + u * (q.y - p.y) });
            }
        }
        ring = kept;
    }
    ring
}

/// The sides of a ring that is not closed.
fn sides(ring: &[Coord]) -> impl Iterator<Item = (Coord, Coord)> + '_ {
    ring.iter().copied().zip(ring.iter().copied().cycle().skip(1))
}

/// Area of a ring that is not closed, counter-clockwise.
fn area(ring: &[Coord]) -> f64 {
    sides(ring).map(|(p, q)| p.x * q.y - q.x * p.y).sum::<f64>() / 2.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::capture;

    const X: f64 = 655_000.0;
    const Y: f64 = 5_727_000.0;

    fn names(captures: &[Capture]) -> Vec<String> {
        pairs(captures, &PairRule::Consecutive).unwrap().iter().map(Pair::id).collect()
    }

    /// 4 km wide and 3 km high, moved by some metres.
    fn at(id: &str, date: &str, east: f64, north: f64) -> Capture {
        capture(id, date, (X + east, Y + north), (6000, 8000), 0.5)
    }

    // python3: pyproj.Geod(ellps="WGS84").geometry_area_perimeter of the densified rectangle
    // (657000..659000, 5724000..5726000 in EPSG:32636).
    #[test]
    fn a_pair_and_its_common_ground() {
        let captures =
            [at("a", "2024-08-05T08:41:00Z", 0.0, 0.0), at("b", "2024-08-12T08:30:00Z", 2000.0, -1000.0)];
        let found = pairs(&captures, &PairRule::Consecutive).unwrap();
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].id(), "a..b");
        assert!((found[0].overlap_km2 / 4.000748 - 1.0).abs() < 3e-4, "{}", found[0].overlap_km2);
    }

    #[test]
    fn only_neighbours_in_time_where_one_between_covers_the_ground() {
        let row = ["2024-08-01T08:00:00Z", "2024-08-05T08:00:00Z", "2024-08-12T08:00:00Z"];
        let ids = ["a", "b", "c"];
        let same: Vec<Capture> = ids.iter().zip(row).map(|(id, d)| at(id, d, 0.0, 0.0)).collect();
        assert_eq!(names(&same), ["a..b", "b..c"]);
        // The one between covers 95 %, then 85 % of the common ground.
        let mut most = same.clone();
        most[1] = at("b", row[1], 200.0, 0.0);
        assert_eq!(names(&most), ["a..b", "b..c"]);
        most[1] = at("b", row[1], 600.0, 0.0);
        assert_eq!(names(&most), ["a..b", "a..c", "b..c"]);
    }

    #[test]
    fn first_all_and_listed() {
        let row = ["2024-08-01T08:00:00Z", "2024-08-05T08:00:00Z", "2024-08-12T08:00:00Z"];
        let captures: Vec<Capture> =
            ["a", "b", "c"].iter().zip(row).map(|(id, d)| at(id, d, 0.0, 0.0)).collect();
        let by = |rule: PairRule| {
            pairs(&captures, &rule).map(|found| found.iter().map(Pair::id).collect::<Vec<_>>())
        };
        assert_eq!(by(PairRule::First).unwrap(), ["a..b", "a..c"]);
        assert_eq!(by(PairRule::All).unwrap(), ["a..b", "a..c", "b..c"]);
        let listed = |a: &str, b: &str| by(PairRule::Listed(vec![(a.to_owned(), b.to_owned())]));
        assert_eq!(listed("c", "/nowhere/a.tif").unwrap(), ["a..c"]);
        assert_eq!(listed("c.tif", "a").unwrap(), ["a..c"]);
        assert!(matches!(listed("a", "x"), Err(Error::NoPair { .. })));
        assert!(matches!(listed("a", "a"), Err(Error::NoPair { .. })));
    }

    #[test]
    fn captures_meet_across_the_antimeridian_and_no_others() {
        let of = |id: &str, date: &str, epsg: u32, x: f64| {
            let crs = domain::Crs { wkt: String::new(), epsg: Some(epsg) };
            let affine = domain::Affine::north_up(x, Y, 0.5);
            let grid = domain::Grid::new(6000, 8000, affine, crs).unwrap();
            Capture { footprint: crate::project::footprint(&grid).unwrap(), grid, ..at(id, date, 0.0, 0.0) }
        };
        // 4 km wide, the first across 180°, the second in the first zone beyond it, the third at Lgov.
        let captures = [
            of("a", "2024-08-05T08:41:00Z", 32660, 705_500.0),
            of("b", "2024-08-12T08:41:00Z", 32601, 293_000.0),
            of("c", "2024-08-19T08:41:00Z", 32636, X),
            of("d", "2024-08-26T08:41:00Z", 32660, 705_500.0),
        ];
        assert_eq!(names(&captures), ["a..b", "a..d", "b..d"]);
        let found = pairs(&captures, &PairRule::All).unwrap();
        assert!((found[1].overlap_km2 / 12.0 - 1.0).abs() < 0.01, "{}", found[1].overlap_km2);
    }

    #[test]
    fn the_order_of_the_captures_does_not_matter() {
        let mut captures = vec![
            at("a", "2024-08-01T08:00:00Z", 0.0, 0.0),
            at("b", "2024-08-05T08:00:00Z", 600.0, 0.0),
            at("c", "2024-08-12T08:00:00Z", 0.0, 300.0),
        ];
        let want = names(&captures);
        captures.reverse();
        assert_eq!(names(&captures), want);
    }

    #[test]
    fn touching_or_far_captures_are_no_pair() {
        let a = at("a", "2024-08-05T08:41:00Z", 0.0, 0.0);
        assert!(names(&[a.clone(), at("b", "2024-08-12T08:30:00Z", 9000.0, 0.0)]).is_empty());
        assert!(names(&[a, at("b", "2024-08-12T08:30:00Z", 0.0, 3100.0)]).is_empty());
        assert!(pairs(&[], &PairRule::All).unwrap().is_empty());
    }

    #[test]
    fn neighbouring_tiles_are_no_pair() {
        // Their sides bend in longitude and latitude and overlap by a hair.
        let row = |id: &str, date: &str| -> Vec<Capture> {
            (0..3).map(|i| at(&format!("{id}{i}"), date, 4000.0 * f64::from(i), 0.0)).collect()
        };
        let captures = [row("a", "2024-08-05T08:41:00Z"), row("b", "2024-08-12T08:41:00Z")].concat();
        assert_eq!(names(&captures), ["a0..b0", "a1..b1", "a2..b2"]);
    }

    #[test]
    fn one_pass_is_no_pair_and_does_not_stand_between() {
        let captures = [
            at("a", "2024-08-05T08:41:00Z", 0.0, 0.0),
            at("b", "2024-08-12T08:30:00Z", 0.0, 0.0),
            at("c", "2024-08-12T08:30:20Z", 0.0, 0.0),
        ];
        assert_eq!(names(&captures), ["a..b", "a..c"]);
        let other_pass =
            [at("a", "2024-08-12T08:30:00Z", 0.0, 0.0), at("b", "2024-08-12T10:10:00Z", 0.0, 0.0)];
        assert_eq!(names(&other_pass), ["a..b"]);
        let to_the_day = [at("a", "2024-08-12", 0.0, 0.0), at("b", "2024-08-12T10:10:00Z", 0.0, 0.0)];
        assert!(names(&to_the_day).is_empty());
        let mut same_strip = other_pass;
        same_strip[0].path = "/x/10300100F2A3B400-visual.tif".into();
        same_strip[1].path = "/y/10300100F2A3B400-visual.tif".into();
        assert!(names(&same_strip).is_empty());
    }

    /// One view in two forms: 0.5 m without colour, and 2 m with it.
    fn bundle(id: &str, date: &str, products: &str) -> Vec<Capture> {
        let of = |product: char| {
            let (pixel_m, colour) = match product {
                'P' => (0.5, false),
                'S' => (0.5, true),
                _ => (2.0, true),
            };
            let shape = ((3000.0 / pixel_m) as usize, (4000.0 / pixel_m) as usize);
            let mut c = capture(&format!("{id}{product}"), date, (X, Y), shape, pixel_m);
            if colour {
                c.roles = vec![BandRole::Red, BandRole::Green, BandRole::Blue];
            }
            c
        };
        products.chars().map(of).collect()
    }

    #[test]
    fn a_view_that_comes_twice_is_compared_once() {
        let of = |first: &str, second: &str| {
            [bundle("a", "2024-08-05T08:41:00Z", first), bundle("b", "2024-08-12T08:41:00Z", second)].concat()
        };
        assert_eq!(names(&of("MP", "MP")), ["aP..bP"]);
        assert_eq!(names(&of("M", "MP")), ["aM..bM"]);
        assert_eq!(names(&of("MPS", "PMS")), ["aS..bS"]);
        assert_eq!(names(&of("P", "M")), ["aP..bM"]);
        // All are all, and what is listed is compared.
        let all = pairs(&of("MP", "MP"), &PairRule::All).unwrap();
        assert_eq!(all.len(), 4);
        let listed = PairRule::Listed(vec![("aM".to_owned(), "bP".to_owned())]);
        assert_eq!(pairs(&of("MP", "MP"), &listed).unwrap().len(), 1);
        // Panchromatic lines a moment later, and other sensors at the same time.
        let mut apart = of("MP", "MP");
        apart[1].datetime += TimeDelta::milliseconds(300);
        assert_eq!(names(&apart), ["aP..bP"]);
        assert_eq!(views(&apart), [0, 0, 2, 2]);
        for (capture, platform) in apart.iter_mut().zip(["WV02", "GE01", "WV02", "WV02"]) {
            capture.platform = Some(platform.to_owned());
        }
        assert_eq!(views(&apart), [0, 1, 2, 2]);
        assert_eq!(names(&apart), ["aM..bM", "aP..bP"]);
        // Two of one day that nothing ties together may be two views.
        let of_a_day = [bundle("a", "2024-08-05", "MP"), bundle("b", "2024-08-12", "P")].concat();
        assert_eq!(names(&of_a_day).len(), 2);
        let mut tied = of_a_day;
        tied.iter_mut().take(2).for_each(|c| c.catalogue_id = Some("1040010A".to_owned()));
        assert_eq!(names(&tied), ["aP..bP"]);
    }

    #[test]
    fn a_sharper_part_does_not_stand_for_the_whole() {
        let mut captures =
            [bundle("a", "2024-08-05T08:41:00Z", "MP"), bundle("b", "2024-08-12T08:41:00Z", "MP")].concat();
        // The panchromatic image of the second order holds half of its ground.
        captures[3] = capture("bP", "2024-08-12T08:41:00Z", (X, Y), (6000, 4000), 0.5);
        assert_eq!(names(&captures), ["aM..bM", "aP..bP"]);
    }

    #[test]
    fn ard_tiles_pair_within_their_cell_only() {
        let mut captures =
            vec![at("a", "2024-08-05T08:41:00Z", 0.0, 0.0), at("b", "2024-08-12T08:30:00Z", 3700.0, 0.0)];
        assert_eq!(names(&captures), ["a..b"]);
        captures[0].path = "/x/36/102220011331/2024-08-05/10300100F2A3B400-visual.tif".into();
        assert_eq!(names(&captures), ["a..b"]);
        captures[1].path = "/x/36/102220011330/2024-08-12/10300100F2A3B500-visual.tif".into();
        assert!(names(&captures).is_empty());
    }

    #[test]
    fn a_thousand_captures_pair_quickly() {
        let date =
            |i: usize| format!("{}-{:02}-{:02}T08:00:00Z", 2010 + i / 336, i / 28 % 12 + 1, i % 28 + 1);
        let jitter = |i: usize| ((i * 7919 % 401) as f64 * 10.0, (i * 104_729 % 401) as f64 * 8.0);
        let template = at("x", "2024-08-12T08:00:00Z", 0.0, 0.0);
        let captures: Vec<Capture> = (0..1000)
            .map(|i| {
                let (dx, dy) = jitter(i);
                // Moved in degrees: a thousand footprints through PROJ would be the test's time.
                let mut c = Capture {
                    id: format!("{i:04}"),
                    datetime: crate::date::instant(&date(i)).unwrap(),
                    ..template.clone()
                };
                c.footprint.exterior_mut(|ring| {
                    ring.0
                        .iter_mut()
                        .for_each(|p| *p = Coord { x: p.x + dx / 70_000.0, y: p.y + dy / 111_000.0 });
                });
                c
            })
            .collect();
        // Of this thread alone: other programs may keep the processor busy.
        let busy_s = || -> Option<f64> {
            let told = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
            Some(told.split_whitespace().next()?.parse::<f64>().ok()? / 1e9)
        };
        let (started, before) = (std::time::Instant::now(), busy_s());
        let found = pairs(&captures, &PairRule::Consecutive).unwrap();
        let took =
            busy_s().zip(before).map_or(started.elapsed().as_secs_f64(), |(after, before)| after - before);
        assert!(found.len() > 999);
        assert!(took < 10.0, "{took} s for {}", found.len());
        eprintln!("{} pairs in {took} s", found.len());
    }
}
