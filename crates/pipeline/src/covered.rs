//! Each piece of ground once: neighbouring images overlap, and what both show counts with one of them.
//!
//! As for works ([`crate::once`]), pairs of the same two days are neighbours. Covered that any of them assessed is assessed, and counts with
//! the first that did, by the names of the pairs; ground that none did counts with the first that looked at it.

use domain::{Pair, Reason};
use geo::{Area as _, BoundingRect, Intersects, MapCoords};
use geo_types::{Coord, MultiPolygon, Rect};

use crate::once::are_neighbours;
use crate::outline::Outline;
use crate::place::Area;

/// Less than this is what rounding leaves of an outline, square kilometres: a square metre.
const NOTHING_KM2: f64 = 1e-6;
/// Radius of the sphere that has the area of WGS84, kilometres (authalic).
const RADIUS_KM: f64 = 6_371.007_2;

/// What a pair looked at and what it did not.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Covered<'a> {
    pub pair: &'a Pair,
    /// By reason, on the globe.
    pub areas: Vec<Area>,
}

impl Covered<'_> {
    /// Ground that was assessed, and ground that was not, square kilometres.
    pub fn km2(&self) -> (f64, f64) {
        self.areas.iter().fold((0.0, 0.0), |(assessed, not), area| match area.reason {
            Reason::Assessed => (assessed + area.area_km2, not),
            _ => (assessed, not + area.area_km2),
        })
    }
}

/// The same of all pairs, in the order given, without what another pair of the same two days counts.
pub(crate) fn each_once(pairs: Vec<Covered<'_>>) -> Vec<Covered<'_>> {
    let boxes: Vec<Vec<Option<Rect>>> =
        pairs.iter().map(|p| p.areas.iter().map(|a| a.outline.bounding_rect()).collect()).collect();
    let mut order: Vec<usize> = (0..pairs.len()).collect();
    order.sort_by_key(|&i| pairs[i].pair.id());
    let mut place = vec![0; pairs.len()];
    order.iter().enumerate().for_each(|(at, &i)| place[i] = at);
    let others = |i: usize, k: usize| {
        let own = boxes[i][k];
        let is_assessed = |a: &Area| a.reason == Reason::Assessed;
        let assessed = is_assessed(&pairs[i].areas[k]);
        let mut found = Vec::new();
        for &j in order.iter().filter(|&&j| j != i && are_neighbours(pairs[i].pair, pairs[j].pair)) {
            let first = place[j] < place[i];
            for (area, rect) in pairs[j].areas.iter().zip(&boxes[j]) {
                // Assessed ground gives way to assessed ground alone, other ground to all of that and to what came first.
                let gives_way =
                    if assessed { is_assessed(area) && first } else { is_assessed(area) || first };
                let meets = own.zip(*rect).is_some_and(|(a, b)| a.intersects(&b));
                if gives_way && meets {
                    found.push(&area.outline);
                }
            }
        }
        found
    };
    let once = |i: usize| {
        let whole = &pairs[i];
        let cut = |(k, area): (usize, &Area)| {
            let others = others(i, k);
            if others.is_empty() {
                return Some(area.clone());
            }
            let mut outline = area.outline.clone();
            for other in others {
                outline = outline.difference(other);
            }
            cut_to(area, outline)
        };
        Covered { pair: whole.pair, areas: whole.areas.iter().enumerate().filter_map(cut).collect() }
    };
    (0..pairs.len()).map(once).collect()
}

/// What of an area lies within an outline that lies in its own; `None` where that is nothing.
pub(crate) fn cut_to(area: &Area, outline: MultiPolygon) -> Option<Area> {
    let (before, outline) = (km2(&area.outline), without_crumbs(outline));
    let share = if before > 0.0 { (km2(&outline) / before).clamp(0.0, 1.0) } else { 1.0 };
    let left = Area { area_km2: area.area_km2 * share, outline, ..area.clone() };
    (!left.outline.0.is_empty()).then_some(left)
}

/// An outline without what rounding leaves of it.
pub(crate) fn without_crumbs(mut outline: MultiPolygon) -> MultiPolygon {
    outline.0.retain(|p| km2(&MultiPolygon(vec![p.clone()])) >= NOTHING_KM2);
    outline
}

/// Area of an outline in longitude and latitude, on the sphere: an equal-area projection keeps that of its corners (Lambert's
/// cylindrical one).
pub(crate) fn km2(outline: &MultiPolygon) -> f64 {
    let flat = outline.map_coords(|c| Coord { x: c.x.to_radians(), y: c.y.to_radians().sin() });
    flat.unsigned_area() * RADIUS_KM * RADIUS_KM
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::once::tests::{pair, rectangle};

    /// A reason, and from west to east and south to north where it holds, metres.
    type Part = (Reason, (f64, f64), (f64, f64));

    /// What a pair told of rectangles.
    fn ground<'a>(pair: &'a Pair, parts: &[Part]) -> Covered<'a> {
        let area = |&(reason, x, y): &Part| {
            let area_km2 = (x.1 - x.0) * (y.1 - y.0) / 1e6;
            Area { reason, area_km2, residual_px: None, outline: rectangle(x, y) }
        };
        Covered { pair, areas: parts.iter().map(area).collect() }
    }

    const HIGH: (f64, f64) = (0.0, 5000.0);
    const WEST: (f64, f64) = (-156.0, 5156.0);
    const EAST: (f64, f64) = (4844.0, 10_156.0);

    fn sum(told: &[Covered<'_>], reason: Reason) -> f64 {
        told.iter().flat_map(|g| &g.areas).filter(|a| a.reason == reason).map(|a| a.area_km2).sum()
    }

    fn near(a: f64, b: f64) {
        assert!((a - b).abs() < 2e-3 * b.max(1.0), "{a} is not {b}");
    }

    #[test]
    fn common_ground_of_tiles_counts_once_in_any_order() {
        let (west, east) = (pair("west", 12, WEST), pair("east", 12, EAST));
        let assessed = |pair, x| ground(pair, &[(Reason::Assessed, x, HIGH)]);
        let (a, b) = (assessed(&west, WEST), assessed(&east, EAST));
        // 5.312 km of each, of which 312 m are common.
        let told = each_once(vec![a.clone(), b.clone()]);
        near(sum(&told, Reason::Assessed), (5.312 + 5.0) * 5.0);
        let mut turned = each_once(vec![b, a]);
        turned.reverse();
        assert_eq!(told, turned);
        // Nothing lies in both.
        let both = told[0].areas[0].outline.intersection(&told[1].areas[0].outline);
        assert!(km2(&both) < 1e-6, "{} km² count twice", km2(&both));
    }

    #[test]
    fn ground_that_one_pair_assessed_is_assessed() {
        let (west, east) = (pair("west", 12, WEST), pair("east", 12, EAST));
        // The eastern pair, which comes first by name, saw clouds over all of its ground.
        let told = each_once(vec![
            ground(&west, &[(Reason::Assessed, WEST, HIGH)]),
            ground(&east, &[(Reason::Misaligned, EAST, HIGH)]),
        ]);
        near(sum(&told, Reason::Assessed), 5.312 * 5.0);
        near(sum(&told, Reason::Misaligned), 5.0 * 5.0);
        // Nor is what both left out counted twice, for whatever reason each had.
        let told = each_once(vec![
            ground(&west, &[(Reason::NoTies, WEST, HIGH)]),
            ground(&east, &[(Reason::Misaligned, EAST, HIGH)]),
        ]);
        near(sum(&told, Reason::Misaligned) + sum(&told, Reason::NoTies), (5.312 + 5.0) * 5.0);
    }

    #[test]
    fn corners_where_four_tiles_meet_count_once() {
        let names = ["a", "b", "c", "d"];
        let pairs: Vec<Pair> = names.iter().map(|n| pair(n, 12, WEST)).collect();
        let (south, north) = ((-156.0, 5156.0), (4844.0, 10_156.0));
        let tiles = [(WEST, south), (EAST, south), (WEST, north), (EAST, north)];
        let all = pairs.iter().zip(tiles).map(|(p, (x, y))| ground(p, &[(Reason::Assessed, x, y)]));
        near(sum(&each_once(all.collect()), Reason::Assessed), 10.312 * 10.312);
    }

    #[test]
    fn other_days_and_other_ground_stay_as_they_are() {
        let (west, later) = (pair("west", 12, WEST), pair("west", 19, WEST));
        let far = pair("far", 12, (20_000.0, 25_000.0));
        let all = vec![
            ground(
                &west,
                &[(Reason::Assessed, WEST, (0.0, 4000.0)), (Reason::NoTies, WEST, (4000.0, 5000.0))],
            ),
            ground(&later, &[(Reason::Assessed, WEST, HIGH)]),
            ground(&far, &[(Reason::Assessed, (20_000.0, 25_000.0), HIGH)]),
        ];
        assert_eq!(each_once(all.clone()), all);
    }

    #[test]
    fn ground_that_another_pair_shows_whole_leaves_nothing() {
        let (west, east) = (pair("a", 12, WEST), pair("b", 12, WEST));
        let two = [&west, &east].map(|p| ground(p, &[(Reason::Assessed, WEST, HIGH)]));
        let told = each_once(two.to_vec());
        assert!(told[1].areas.is_empty() && told[1].km2() == (0.0, 0.0));
        assert_eq!(told[0], two[0]);
    }
}
