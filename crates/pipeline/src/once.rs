//! Each work once: neighbouring images overlap, and both show what lies there.
//!
//! Maxar's ARD tiles reach 156 m into each other, strips of one pass by much more. What is found on common ground is found twice,
//! in pairs of the same two days. The same ground is told from one of them alone: of a work that both show whole, from the pair in
//! whose images it lies deeper; of one that an edge cuts, what the other does not show is kept beside it.

use domain::{Earthwork, Pair, Pixel};
use geo_types::{Coord, LineString, Polygon};

use crate::pair::Work;
use crate::place;

/// Two lines of two pairs within this are one work, metres: both are off by a pixel or so, and lie on the same ground.
const ONE_WORK_M: f64 = 5.0;
/// A line that ends this near to the edge of an image may go on beyond it, metres.
const AT_EDGE_M: f64 = 10.0;
/// Steps in which lines are compared, metres.
const STEP_M: f64 = 2.0;
/// What is left of a work is a work of its own from this length on, metres; the shortest that is found has 10.
const LEAST_LEFT_M: f64 = 10.0;
/// Metres in a degree of latitude.
pub(crate) const DEGREE_M: f64 = 111_195.0;

/// The works of all pairs, each once, in the order given.
pub(crate) fn each_once<'a>(works: Vec<(&'a Pair, &Work)>) -> Vec<(&'a Pair, Work)> {
    let seen: Vec<Seen> = works.iter().map(|(pair, work)| Seen::of(pair, &work.earthwork)).collect();
    let mut order: Vec<usize> = (0..works.len()).collect();
    // Whole before cut, deep before shallow; ids and pairs decide between equals, so that no order of files does.
    order.sort_by(|&a, &b| {
        let key =
            |i: usize| (seen[i].cut, works[i].1.earthwork.id.as_str(), works[i].1.earthwork.pair.as_str());
        let ((cut_a, id_a, pair_a), (cut_b, id_b, pair_b)) = (key(a), key(b));
        cut_a
            .cmp(&cut_b)
            .then(seen[b].depth_m.total_cmp(&seen[a].depth_m))
            .then((id_a, pair_a).cmp(&(id_b, pair_b)))
    });
    let mut told: Vec<usize> = Vec::new();
    let mut left: Vec<Vec<Work>> = works.iter().map(|_| Vec::new()).collect();
    for index in order {
        let (pair, work) = works[index];
        let works_alike =
            |o: usize| works[o].1.earthwork.class.is_earthwork() == work.earthwork.class.is_earthwork();
        let others: Vec<&Seen> = told
            .iter()
            // What is listed for its likeness takes no earthwork away.
            .filter(|&&o| works_alike(o) && are_neighbours(works[o].0, pair) && seen[o].near(&seen[index]))
            .map(|&o| &seen[o])
            .collect();
        // What the same pair tells beside it, and what another tells of that is not of this work.
        let siblings = || -> Vec<&Seen> {
            let own = (0..works.len())
                .filter(|&o| o != index && works[o].1.earthwork.pair == work.earthwork.pair)
                .filter(|&o| works_alike(o) && seen[o].near(&seen[index]));
            own.map(|o| &seen[o]).collect()
        };
        left[index] = match others.is_empty() {
            true => vec![work.clone()],
            false => without(work, &seen[index], &others, &siblings()),
        };
        told.push(index);
    }
    works.iter().zip(left).flat_map(|((pair, _), left)| left.into_iter().map(move |w| (*pair, w))).collect()
}

/// True for two pairs of the same two days: what is new in one is new in the other.
pub(crate) fn are_neighbours(a: &Pair, b: &Pair) -> bool {
    let days = |p: &Pair| (p.earlier.datetime.date_naive(), p.later.datetime.date_naive());
    (&a.earlier.id, &a.later.id) != (&b.earlier.id, &b.later.id) && days(a) == days(b)
}

/// A work as one pair shows it, on a plane that all share well enough over the width of a work.
struct Seen {
    line: Vec<Coord>,
    min: Coord,
    max: Coord,
    /// How deep the middle of its extent lies within both images.
    depth_m: f64,
    /// Does it end at the edge of one?
    cut: bool,
}

impl Seen {
    fn of(pair: &Pair, work: &Earthwork) -> Self {
        let line: Vec<Coord> = work.centreline.coords().copied().collect();
        let edges = [&pair.earlier.footprint, &pair.later.footprint];
        let depth = |p: Coord| edges.iter().map(|e| depth_m(e, p)).fold(f64::INFINITY, f64::min);
        let cut = [line.first(), line.last()].into_iter().flatten().any(|&p| depth(p) < AT_EDGE_M);
        let bound = |f: fn(f64, f64) -> f64, start: f64| {
            line.iter().fold(Coord { x: start, y: start }, |b, p| Coord { x: f(b.x, p.x), y: f(b.y, p.y) })
        };
        let (min, max) = (bound(f64::min, f64::INFINITY), bound(f64::max, f64::NEG_INFINITY));
        Self {
            min,
            max,
            depth_m: depth(Coord { x: (min.x + max.x) / 2.0, y: (min.y + max.y) / 2.0 }),
            cut,
            line,
        }
    }

    /// False where they lie too far apart to share anything.
    fn near(&self, other: &Self) -> bool {
        let slack = Coord {
            x: ONE_WORK_M / DEGREE_M / self.min.y.to_radians().cos().max(0.01),
            y: ONE_WORK_M / DEGREE_M,
        };
        self.min.x <= other.max.x + slack.x
            && other.min.x <= self.max.x + slack.x
            && self.min.y <= other.max.y + slack.y
            && other.min.y <= self.max.y + slack.y
    }

    /// How far a point lies from it, metres, and the place on it that is nearest; infinitely far from a line without length.
    fn nearest(&self, p: Coord) -> (f64, Coord) {
        let of = |w: &[Coord]| {
            let q = nearest_on(p, w[0], w[1]);
            (distance_m(p, q, q), q)
        };
        let nearer = |a: (f64, Coord), b: (f64, Coord)| if b.0 < a.0 { b } else { a };
        self.line.windows(2).map(of).fold((f64::INFINITY, p), nearer)
    }
}

/// The parts of a work that others do not tell: all of it as it was where that is all. Where another runs by it that tells a sibling,
/// a line of the same pair that lies nearer to it there, it tells nothing of this: an arm leaves its trench within [`ONE_WORK_M`].
fn without(work: &Work, seen: &Seen, others: &[&Seen], siblings: &[&Seen]) -> Vec<Work> {
    let steps = dense(&seen.line, &work.line_px);
    let told = |p: Coord| {
        others.iter().any(|o| {
            let (far_m, there) = o.nearest(p);
            let own_m = seen.nearest(there).0;
            far_m <= ONE_WORK_M && siblings.iter().all(|s| s.nearest(there).0 > own_m)
        })
    };
    let free: Vec<bool> = steps.iter().map(|(p, _)| !told(*p)).collect();
    parts(work, &steps, &free)
}

/// The parts of a work on ground that is asked about; all of it as it was where that is all.
pub(crate) fn within(work: &Work, is_asked: impl Fn(Coord) -> bool) -> Vec<Work> {
    let steps = dense(&work.earthwork.centreline.0, &work.line_px);
    let asked: Vec<bool> = steps.iter().map(|(p, _)| is_asked(*p)).collect();
    parts(work, &steps, &asked)
}

/// The parts of a work that works of other pairs do not tell.
pub(crate) fn untold(pair: &Pair, work: &Work, others: &[(&Pair, &Work)]) -> Vec<Work> {
    let seen = Seen::of(pair, &work.earthwork);
    let kind = |w: &Work| w.earthwork.class.is_earthwork();
    let alike = others.iter().filter(|(_, w)| kind(w) == kind(work));
    let near: Vec<Seen> = alike.map(|(p, w)| Seen::of(p, &w.earthwork)).filter(|s| s.near(&seen)).collect();
    without(work, &seen, &near.iter().collect::<Vec<_>>(), &[])
}

/// The stretches of a work whose steps are kept, each a work of its own where it is long enough.
fn parts(work: &Work, steps: &[(Coord, Pixel)], kept: &[bool]) -> Vec<Work> {
    if kept.iter().all(|k| *k) {
        return vec![work.clone()];
    }
    let mut parts: Vec<Work> = Vec::new();
    for run in kept.chunk_by(|a, b| a == b).scan(0, |at, run| {
        let start = *at;
        *at += run.len();
        Some((start, run))
    }) {
        let (start, flags) = run;
        if !flags[0] || flags.len() < 2 {
            continue;
        }
        let steps = &steps[start..start + flags.len()];
        let centreline = LineString::new(steps.iter().map(|s| s.0).collect());
        let length_m = place::length_m(&centreline);
        if length_m < LEAST_LEFT_M {
            continue;
        }
        let earthwork = Earthwork { centreline, length_m, ..work.earthwork.clone() };
        parts.push(Work { earthwork, line_px: steps.iter().map(|s| s.1).collect(), ..work.clone() });
    }
    parts
}

/// A line on the globe and in pixels, vertex by vertex the same, with more points between.
fn dense(line: &[Coord], line_px: &[Pixel]) -> Vec<(Coord, Pixel)> {
    let vertices: Vec<(Coord, Pixel)> = line.iter().copied().zip(line_px.iter().copied()).collect();
    let mut out: Vec<(Coord, Pixel)> = vertices.first().copied().into_iter().collect();
    for w in vertices.windows(2) {
        let ((a, p), (b, q)) = (w[0], w[1]);
        let steps = (distance_m(a, b, b) / STEP_M).ceil().clamp(1.0, 10_000.0) as usize;
        out.extend((1..=steps).map(|i| {
            let t = i as f64 / steps as f64;
            let at = Coord { x: a.x + t * (b.x - a.x), y: a.y + t * (b.y - a.y) };
            (at, Pixel { row: p.row + t * (q.row - p.row), col: p.col + t * (q.col - p.col) })
        }));
    }
    out
}

/// How far a point lies within an outline; negative outside of it.
fn depth_m(outline: &Polygon, p: Coord) -> f64 {
    let ring: Vec<Coord> = outline.exterior().coords().copied().collect();
    let away = ring.windows(2).map(|w| distance_m(p, w[0], w[1])).fold(f64::INFINITY, f64::min);
    let crossings = ring.windows(2).filter(|w| {
        let (a, b) = (w[0], w[1]);
        (a.y > p.y) != (b.y > p.y) && p.x < a.x + (p.y - a.y) / (b.y - a.y) * (b.x - a.x)
    });
    if crossings.count() % 2 == 1 { away } else { -away }
}

/// Metres from a point to a stretch, on a plane around the point.
fn distance_m(p: Coord, a: Coord, b: Coord) -> f64 {
    let q = nearest_on(p, a, b);
    let east = DEGREE_M * p.y.to_radians().cos();
    ((q.x - p.x) * east).hypot((q.y - p.y) * DEGREE_M)
}

/// The place on a stretch that is nearest to a point.
fn nearest_on(p: Coord, a: Coord, b: Coord) -> Coord {
    let east = DEGREE_M * p.y.to_radians().cos();
    let on = |q: Coord| ((q.x - p.x) * east, (q.y - p.y) * DEGREE_M);
    let ((ax, ay), (bx, by)) = (on(a), on(b));
    let (dx, dy) = (bx - ax, by - ay);
    let length = dx * dx + dy * dy;
    let t = if length > 0.0 { (-(ax * dx + ay * dy) / length).clamp(0.0, 1.0) } else { 0.0 };
    Coord { x: a.x + t * (b.x - a.x), y: a.y + t * (b.y - a.y) }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use chrono::NaiveDate;
    use domain::{Affine, Capture, Class, Crs, DateSource, Evidence, FootprintSource, Grid, ViewGeometry};
    use geo_types::MultiPolygon;

    /// Degrees of a place in metres east and north of 35° E 51° N.
    pub(crate) fn at(x: f64, y: f64) -> Coord {
        Coord { x: 35.0 + x / (DEGREE_M * 51_f64.to_radians().cos()), y: 51.0 + y / DEGREE_M }
    }

    pub(crate) fn capture(name: &str, day: u32, (west, east): (f64, f64)) -> Capture {
        let ring = [at(west, 0.0), at(east, 0.0), at(east, 5000.0), at(west, 5000.0), at(west, 0.0)];
        let crs = Crs { wkt: String::new(), epsg: Some(32636) };
        Capture {
            id: format!("{name}/{day}"),
            path: "x.tif".into(),
            tiles: vec![],
            datetime: NaiveDate::from_ymd_opt(2024, 8, day).unwrap().and_hms_opt(8, 41, 7).unwrap().and_utc(),
            date_source: DateSource::FileName,
            released: None,
            catalogue_id: None,
            licence: None,
            platform: None,
            gsd_m: None,
            ce90_m: None,
            view: ViewGeometry::default(),
            sun_computed: false,
            cloud_percent: None,
            grid: Grid::new(10, 10, Affine::north_up(0.0, 0.0, 0.5), crs).unwrap(),
            footprint: Polygon::new(LineString::new(ring.to_vec()), vec![]),
            footprint_source: FootprintSource::Outline,
            bands: 1,
            data_type: "Byte".to_owned(),
            roles: vec![],
            masks: vec![],
            conflicts: vec![],
        }
    }

    /// A rectangle of metres, from west to east and south to north.
    pub(crate) fn rectangle((west, east): (f64, f64), (south, north): (f64, f64)) -> MultiPolygon {
        let ring = [at(west, south), at(east, south), at(east, north), at(west, north), at(west, south)];
        MultiPolygon(vec![Polygon::new(LineString::new(ring.to_vec()), vec![])])
    }

    pub(crate) fn pair(name: &str, later: u32, ground: (f64, f64)) -> Pair {
        Pair { earlier: capture(name, 5, ground), later: capture(name, later, ground), overlap_km2: 25.0 }
    }

    /// A work along a line of metres, found in a pair.
    fn work(pair: &Pair, id: &str, line: &[(f64, f64)]) -> Work {
        let centreline = LineString::new(line.iter().map(|&(x, y)| at(x, y)).collect());
        let line_px = line.iter().map(|&(x, y)| Pixel { row: -y / 0.5, col: x / 0.5 }).collect();
        let earthwork = Earthwork {
            id: id.to_owned(),
            class: Class::Trench,
            confidence: 0.8,
            length_m: place::length_m(&centreline),
            centreline,
            width_m: 1.5,
            earlier: pair.earlier.datetime,
            later: pair.later.datetime,
            pair: pair.id(),
            evidence: Evidence::default(),
        };
        Work { earthwork, line_px, shift_px: Pixel::default() }
    }

    /// Tiles of 5 km that reach 156 m into each other, their border at 5000 m.
    fn tiles() -> (Pair, Pair) {
        (pair("west", 12, (-156.0, 5156.0)), pair("east", 12, (4844.0, 10_156.0)))
    }

    fn ids(told: &[(&Pair, Work)]) -> Vec<String> {
        told.iter().map(|(_, w)| w.earthwork.id.clone()).collect()
    }

    #[test]
    fn what_both_show_whole_is_told_from_where_it_lies_deeper() {
        let (west, east) = tiles();
        // Across the border, its middle 10 m west of it; a metre off in the other pair.
        let a = work(&west, "a", &[(4950.0, 2000.0), (5030.0, 2010.0)]);
        let b = work(&east, "b", &[(4951.0, 2001.0), (5029.0, 2011.0)]);
        for order in [[(&west, &a), (&east, &b)], [(&east, &b), (&west, &a)]] {
            let told = each_once(order.to_vec());
            assert_eq!(ids(&told), ["a"]);
            assert_eq!(told[0].1, a);
        }
    }

    #[test]
    fn what_an_edge_cuts_is_told_once_and_to_its_ends() {
        let (west, east) = tiles();
        let a = work(&west, "a", &[(4000.0, 2000.0), (5156.0, 2000.0)]);
        let b = work(&east, "b", &[(4844.0, 2000.0), (6000.0, 2000.0)]);
        let told = each_once(vec![(&west, &a), (&east, &b)]);
        let length: f64 = told.iter().map(|(_, w)| w.earthwork.length_m).sum();
        assert_eq!(told.len(), 2);
        // 2000 m of ground; the overlap of 312 m is told once.
        assert!(
            (length / a.earthwork.length_m * 1156.0 - 2000.0).abs() < 2.0 * ONE_WORK_M + STEP_M,
            "{length}"
        );
        let cut = told.iter().find(|(_, w)| w.line_px.len() > 2).unwrap();
        assert_eq!(cut.1.earthwork.centreline.0.len(), cut.1.line_px.len());
    }

    #[test]
    fn a_work_that_one_shows_whole_is_not_told_again_from_its_cut_part() {
        let (west, east) = tiles();
        let a = work(&west, "a", &[(4600.0, 2000.0), (5100.0, 2000.0)]);
        let b = work(&east, "b", &[(4846.0, 2000.0), (5100.0, 2000.0)]);
        assert_eq!(ids(&each_once(vec![(&east, &b), (&west, &a)])), ["a"]);
    }

    #[test]
    fn an_arm_is_told_beside_its_trench_though_two_pairs_show_both() {
        // The same image twice: one ground, one depth, one id for each.
        let pairs = ["west", "copy"].map(|name| pair(name, 12, (-156.0, 5156.0)));
        let trench = [(2000.0, 2000.0), (2100.0, 2010.0)];
        let arm = [(2050.0, 2006.0), (2051.0, 2013.0)];
        let found: Vec<[Work; 2]> =
            pairs.iter().map(|p| [work(p, "a", &trench), work(p, "b", &arm)]).collect();
        let all = || (0..2).flat_map(|k| found[k].iter().map(move |w| (k, w)));
        for order in [[0, 1], [1, 0]] {
            let works = order.iter().flat_map(|&k| all().filter(move |(own, _)| *own == k));
            let told = each_once(works.map(|(k, w)| (&pairs[k], w)).collect());
            let mut ids = ids(&told);
            ids.sort();
            assert_eq!(ids, ["a", "b"]);
            assert!(told.iter().all(|(_, w)| w.line_px.len() == 2), "whole");
        }
    }

    #[test]
    fn works_of_one_pair_of_other_days_or_of_other_ground_all_stay() {
        let (west, east) = tiles();
        let later = pair("west", 19, (-156.0, 5156.0));
        let line = [(4950.0, 2000.0), (5030.0, 2000.0)];
        let beside = [(4950.0, 2012.0), (5030.0, 2012.0)];
        let (a, b) = (work(&west, "a", &line), work(&west, "b", &beside));
        let c = work(&later, "c", &line);
        let d = work(&east, "d", &[(4950.0, 2500.0), (5030.0, 2500.0)]);
        let told = each_once(vec![(&west, &a), (&west, &b), (&later, &c), (&east, &d)]);
        assert_eq!(ids(&told), ["a", "b", "c", "d"]);
    }
}
