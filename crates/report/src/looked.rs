//! What a run looked at: which ground, on images of which times.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};
use geo_types::{Coord, MultiPolygon, Polygon};

use crate::CoverageFeature;
use crate::areas::Areas;
use crate::earth::metres;
use crate::geojson::{area_of, on_plane};

/// Images of one pass are minutes apart: two intervals that have less than this in common, hours, and less than half of
/// the shorter, only touch.
const TOUCH_H: i64 = 12;
/// What lies within this of ground that was not assessed counts as not looked at, metres: the networks see too little around it, and miss
/// lines. Of a simulated pair whose later image was cut at twelve columns, all four works that were missed on assessed ground lay there by
/// half or more, none beyond 27 m.
const EDGE_M: f64 = 15.0;
/// Rows of latitude in which areas are summed: a row cuts ground of 15 km every 4 m, half of a block of the coverage.
const ROWS: f64 = 4000.0;

/// The time between two images.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Interval {
    /// The earlier image.
    pub earlier: DateTime<Utc>,
    /// The later.
    pub later: DateTime<Utc>,
}

impl Interval {
    /// The least that this and another have in common where they do not only touch.
    fn least(self, other: Self) -> TimeDelta {
        let half = |i: Self| (i.later - i.earlier) / 2;
        half(self).min(half(other)).min(TimeDelta::hours(TOUCH_H))
    }

    /// True where this begins before the other ends: what is new in the other is not there yet on this one's earlier image,
    /// as far as times tell.
    pub(crate) fn begins_before_end_of(self, other: Self) -> bool {
        other.later - self.earlier >= self.least(other)
    }

    /// True where the two have time in common: what is new in one may be new in the other.
    pub(crate) fn overlaps(self, other: Self) -> bool {
        self.begins_before_end_of(other) && other.begins_before_end_of(self)
    }
}

/// What was looked at of a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Look {
    /// It was not assessed.
    Never,
    /// It was, but by no pair of the times that were asked for.
    AtOtherTimes,
    /// It was.
    Then,
}

/// The ground that a run assessed, by the interval of its pairs.
#[derive(Debug)]
pub(crate) struct Looked(Vec<(Interval, Areas)>);

impl Looked {
    /// The assessed areas of a coverage.
    pub(crate) fn of(coverage: &[CoverageFeature]) -> Self {
        let mut by_interval: BTreeMap<Interval, Vec<Polygon>> = BTreeMap::new();
        for feature in coverage.iter().filter(|f| f.assessed) {
            let interval = Interval { earlier: feature.earlier, later: feature.later };
            by_interval.entry(interval).or_default().extend(feature.geometry.iter().map(on_earth));
        }
        let areas = by_interval.into_iter().map(|(i, polygons)| (i, Areas::new(&polygons)));
        Self(areas.filter(|(_, areas)| !areas.is_empty()).collect())
    }

    /// What was looked at of `p`, and of the ground 15 m around it, by the pairs that `then` takes.
    pub(crate) fn at(&self, p: Coord, then: impl Fn(Interval) -> bool) -> Look {
        let (east_m, north_m) = metres(p.y, Coord { x: 1.0, y: 1.0 });
        let (x, y) = (EDGE_M / east_m, EDGE_M / north_m);
        let around = [(0.0, 0.0), (x, 0.0), (-x, 0.0), (0.0, y), (0.0, -y)];
        let looks = around.map(|(x, y)| self.at_point(p + Coord { x, y }, &then));
        looks.into_iter().min().unwrap_or(Look::Never)
    }

    fn at_point(&self, p: Coord, then: impl Fn(Interval) -> bool) -> Look {
        let mut look = Look::Never;
        for (interval, _) in self.0.iter().filter(|(_, areas)| areas.contain(p)) {
            if then(*interval) {
                return Look::Then;
            }
            look = Look::AtOtherTimes;
        }
        look
    }
}

/// The times of the images that a coverage is of, also of those of which nothing was assessed.
pub(crate) fn times(coverage: &[CoverageFeature]) -> BTreeSet<DateTime<Utc>> {
    coverage.iter().flat_map(|f| [f.earlier, f.later]).collect()
}

/// An area as the rest of the crate winds it, also across the antimeridian.
fn on_earth(polygon: &Polygon) -> Polygon {
    area_of(std::iter::once(polygon.exterior()).chain(polygon.interiors()).map(|r| r.0.clone()).collect())
}

/// Ground that two runs assessed, each counted once however many pairs show it, km².
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Ground {
    /// The first run.
    pub first_km2: f64,
    /// The second.
    pub second_km2: f64,
    /// Both.
    pub both_km2: f64,
}

/// An edge of an area, its lower end first.
struct Edge {
    low: Coord,
    high: Coord,
    /// What it adds to the winding of what lies east of it.
    turn: i32,
    /// 0: of the first run; 1: of the second.
    run: usize,
}

/// The ground that two runs assessed, and what of it both did.
///
/// Summed over rows of latitude, on each of which the crossings of the outlines are exact; memory goes with the vertices.
pub(crate) fn ground(first: &[CoverageFeature], second: &[CoverageFeature]) -> Ground {
    common([assessed(first), assessed(second)])
}

/// Ground that pairs assessed, and ground that they show, each piece once however many do, km².
pub(crate) fn once_km2(coverage: &[CoverageFeature]) -> (f64, f64) {
    let all = common([assessed(coverage), coverage.iter().map(|f| &f.geometry).collect()]);
    (all.first_km2, all.second_km2)
}

fn assessed(coverage: &[CoverageFeature]) -> Vec<&MultiPolygon> {
    coverage.iter().filter(|f| f.assessed).map(|f| &f.geometry).collect()
}

fn common(both: [Vec<&MultiPolygon>; 2]) -> Ground {
    let mut edges: Vec<Edge> = Vec::new();
    let mut spans: Vec<(f64, f64)> = Vec::new();
    // Longitudes are told from the first vertex on, a turn more or less.
    let mut from = None;
    for (run, outlines) in both.into_iter().enumerate() {
        for polygon in outlines.into_iter().flatten().map(on_earth) {
            for ring in std::iter::once(polygon.exterior()).chain(polygon.interiors()) {
                let ring = on_plane(&ring.0);
                let Some(at) = ring.first() else { continue };
                let from = *from.get_or_insert(at.x);
                let shift = ((from - at.x) / 360.0).round() * 360.0;
                for w in ring.windows(2).filter(|w| w[0].y != w[1].y) {
                    let [a, b] = [w[0], w[1]].map(|c| Coord { x: c.x + shift, y: c.y });
                    let (low, high, turn) = if a.y < b.y { (a, b, -1) } else { (b, a, 1) };
                    edges.push(Edge { low, high, turn, run });
                    spans.push((low.y, high.y));
                }
            }
        }
    }
    edges.sort_by(|a, b| a.low.y.total_cmp(&b.low.y));
    let spans = merged(spans);
    let step = spans.iter().map(|(a, b)| b - a).sum::<f64>() / ROWS;
    let mut sum = [0.0; 3];
    let mut waiting = edges.iter().peekable();
    let mut active: Vec<&Edge> = Vec::new();
    let mut crossings: Vec<(f64, usize, i32)> = Vec::new();
    for (south, north) in spans {
        let rows = ((north - south) / step).ceil().max(1.0);
        let height = (north - south) / rows;
        for row in 0..rows as usize {
            let y = south + (row as f64 + 0.5) * height;
            while let Some(edge) = waiting.next_if(|e| e.low.y <= y) {
                active.push(edge);
            }
            active.retain(|e| e.high.y > y);
            crossings.clear();
            crossings.extend(active.iter().map(|e| {
                let t = (y - e.low.y) / (e.high.y - e.low.y);
                (e.low.x + t * (e.high.x - e.low.x), e.run, e.turn)
            }));
            crossings.sort_by(|a, b| a.0.total_cmp(&b.0).then((a.1, a.2).cmp(&(b.1, b.2))));
            let (east_m, north_m) = metres(y, Coord { x: 1.0, y: height });
            let mut winding = [0; 2];
            for w in crossings.windows(2) {
                winding[w[0].1] += w[0].2;
                let km2 = (w[1].0 - w[0].0) * east_m * north_m / 1e6;
                let inside = winding.map(|n| n > 0);
                for (sum, counts) in sum.iter_mut().zip([inside[0], inside[1], inside[0] && inside[1]]) {
                    *sum += if counts { km2 } else { 0.0 };
                }
            }
        }
    }
    Ground { first_km2: sum[0], second_km2: sum[1], both_km2: sum[2] }
}

/// Spans that touch, made one; sorted.
fn merged(mut spans: Vec<(f64, f64)>) -> Vec<(f64, f64)> {
    spans.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
    let mut out: Vec<(f64, f64)> = Vec::new();
    for (a, b) in spans {
        match out.last_mut() {
            Some(last) if a <= last.1 => last.1 = last.1.max(b),
            _ => out.push((a, b)),
        }
    }
    out
}

#[cfg(test)]
pub(crate) mod tests {
    use chrono::TimeZone;
    use domain::Reason;
    use geo_types::{LineString, MultiPolygon};

    use super::*;

    /// Half past eight on a day of August 2024.
    pub(crate) fn day(day: u32) -> DateTime<Utc> {
        Utc.with_ymd_and_hms(2024, 8, day, 8, 30, 0).unwrap()
    }

    /// A rectangle west, south, east, north of a pair of two days of August 2024.
    pub(crate) fn covered(days: [u32; 2], reason: Reason, [w, s, e, n]: [f64; 4]) -> CoverageFeature {
        let ring = LineString::from(vec![(w, s), (e, s), (e, n), (w, n), (w, s)]);
        CoverageFeature {
            pair: String::new(),
            earlier: day(days[0]),
            later: day(days[1]),
            reason,
            assessed: reason == Reason::Assessed,
            area_km2: 0.0,
            residual_px: None,
            geometry: MultiPolygon(vec![Polygon::new(ring, vec![])]),
        }
    }

    fn interval(earlier: DateTime<Utc>, later: DateTime<Utc>) -> Interval {
        Interval { earlier, later }
    }

    #[test]
    fn intervals_that_share_an_image_or_a_pass_only_touch() {
        let (a, b) = (interval(day(5), day(12)), interval(day(12), day(19)));
        assert!(!a.overlaps(b) && !b.overlaps(a) && a.begins_before_end_of(b) && !b.begins_before_end_of(a));
        // Another image of the same pass, nine minutes before.
        let pass = interval(day(12) - TimeDelta::minutes(9), day(19));
        assert!(!a.overlaps(pass) && !pass.overlaps(a));
        assert!(
            a.overlaps(a) && a.overlaps(interval(day(11), day(19))) && a.overlaps(interval(day(1), day(30)))
        );
        // Two images of one day.
        let hours = interval(day(5), day(5) + TimeDelta::minutes(90));
        assert!(hours.overlaps(hours) && hours.overlaps(a) && a.overlaps(hours));
        assert!(!hours.overlaps(interval(day(6), day(12))) && !interval(day(1), day(5)).overlaps(hours));
    }

    #[test]
    fn a_place_is_looked_at_by_pairs() {
        let here = [35.0, 51.0, 35.1, 51.1];
        let looked =
            Looked::of(&[covered([5, 12], Reason::Cloud, here), covered([12, 19], Reason::Assessed, here)]);
        let (inside, outside) = (Coord { x: 35.05, y: 51.05 }, Coord { x: 35.2, y: 51.05 });
        assert_eq!(looked.at(inside, |i| i.later == day(19)), Look::Then);
        assert_eq!(looked.at(inside, |i| i.later == day(12)), Look::AtOtherTimes);
        assert_eq!(looked.at(outside, |_| true), Look::Never);
        assert_eq!(Looked::of(&[]).at(inside, |_| true), Look::Never);
    }

    #[test]
    fn the_edge_of_what_was_assessed_was_not_looked_at_but_a_seam_was() {
        let (west, east) = ([35.0, 51.0, 35.05, 51.1], [35.05, 51.0, 35.1, 51.1]);
        let of = |places: &[[f64; 4]]| {
            Looked::of(&places.iter().map(|p| covered([5, 12], Reason::Assessed, *p)).collect::<Vec<_>>())
        };
        // 14 and 16 m from the eastern edge of the western tile.
        let at = |m: f64| Coord { x: 35.05 - m / 70_126.0, y: 51.05 };
        let look = |places: &[[f64; 4]], m| of(places).at(at(m), |_| true);
        assert_eq!((look(&[west], 14.0), look(&[west], 16.0)), (Look::Never, Look::Then));
        assert_eq!((look(&[west, east], 14.0), look(&[east, west], 0.0)), (Look::Then, Look::Then));
    }

    #[test]
    fn ground_counts_once_and_common_ground_is_what_both_assessed() {
        // 0.1° by 0.1° at 51.05° N: 7.0126 by 11.1259 km (GeographicLib).
        let whole = 7.0126 * 11.1259;
        let first = [
            covered([5, 12], Reason::Assessed, [35.0, 51.0, 35.1, 51.1]),
            covered([12, 19], Reason::Assessed, [35.0, 51.0, 35.1, 51.1]),
            covered([12, 19], Reason::Cloud, [35.1, 51.0, 35.2, 51.1]),
        ];
        let second = [
            covered([5, 12], Reason::Assessed, [35.075, 51.0, 35.1, 51.1]),
            covered([5, 12], Reason::Assessed, [36.0, 53.0, 36.1, 53.001]),
        ];
        let g = ground(&first, &second);
        assert!((g.first_km2 - whole).abs() < 0.002 * whole, "{g:?} {whole}");
        assert!((g.both_km2 - whole / 4.0).abs() < 0.001 * whole, "{g:?} {whole}");
        assert!(g.second_km2 > g.both_km2 + 0.5 && g.second_km2 < g.both_km2 + 1.0, "{g:?}");
        assert_eq!(ground(&first, &[]).both_km2, 0.0);
        assert_eq!(ground(&[], &[]), Ground::default());
    }

    #[test]
    fn ground_of_several_pairs_counts_once_whatever_each_saw() {
        let (west, both, east) =
            ([35.0, 51.0, 35.01, 51.01], [35.0, 51.0, 35.02, 51.01], [35.01, 51.0, 35.02, 51.01]);
        let (assessed, whole) = once_km2(&[
            covered([5, 12], Reason::Assessed, west),
            covered([5, 12], Reason::Cloud, east),
            covered([12, 19], Reason::Cloud, both),
            covered([5, 19], Reason::Assessed, west),
        ]);
        assert!((whole / assessed - 2.0).abs() < 1e-6 && assessed > 0.5, "{assessed} of {whole}");
    }

    #[test]
    fn ground_at_the_antimeridian_is_the_same_from_either_side() {
        let (west, east) = ([179.9, 65.0, 180.1, 65.1], [-180.1, 65.0, -179.9, 65.1]);
        let g =
            ground(&[covered([5, 12], Reason::Assessed, west)], &[covered([5, 12], Reason::Assessed, east)]);
        assert!(g.first_km2 > 100.0 && (g.first_km2 - g.both_km2).abs() < 1e-6, "{g:?}");
    }
}
