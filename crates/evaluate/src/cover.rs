//! Which stretches of a line lie within the buffers of others.

use geo::algorithm::buffer::{BufferStyle, LineCap, LineJoin};
use geo::{Buffer, MultiPolygon};
use geo_types::{Coord, LineString, MultiLineString, Point};
use rstar::primitives::{GeomWithData, Rectangle};
use rstar::{AABB, RTree};

/// Chords to a quarter of a circle. Buffers are polygons: at 3 m these run up to 4 mm inside the circle, and a score
/// that is to agree with one measured on GEOS's buffers to 1e-6 needs as many as GEOS draws (Shapely 2 asks for 16).
const QUADRANT_CHORDS: f64 = 16.0;

type Boxed = GeomWithData<Rectangle<[f64; 2]>, usize>;

/// The buffers of a list of lines, each kept apart.
pub(crate) struct Cover {
    /// Rings of the buffer of each line: outer ones run one way round, holes the other.
    curves: Vec<Vec<Vec<Coord>>>,
    /// Edges of all curves.
    edges: Vec<(Coord, Coord)>,
    edge_index: RTree<Boxed>,
    /// Extents by line.
    extents: RTree<Boxed>,
}

/// A stretch of a line that lies within the same buffers from end to end.
pub(crate) struct Stretch {
    /// In the unit of the coordinates.
    pub length: f64,
    /// The lines whose buffers hold it, ascending.
    pub within: Vec<usize>,
}

impl Cover {
    /// Buffers of `lines` at `distance`, both in metres.
    pub(crate) fn new(lines: &[MultiLineString], distance: f64) -> Self {
        let of_line = |line: &MultiLineString| -> Vec<Vec<Coord>> {
            line.0.iter().flat_map(|part| rings(part, distance)).collect()
        };
        let curves: Vec<Vec<Vec<Coord>>> = lines.iter().map(of_line).collect();
        let mut edges = Vec::new();
        let mut extents = Vec::new();
        for (line, curves) in curves.iter().enumerate() {
            let all = || curves.iter().flatten();
            let (low, high) = extent(all());
            if all().next().is_some() {
                extents.push(GeomWithData::new(Rectangle::from_corners(low, high), line));
            }
            edges.extend(curves.iter().flat_map(|curve| curve.windows(2).map(|e| (e[0], e[1]))));
        }
        let boxed = |(i, &(a, b)): (usize, &(Coord, Coord))| {
            let (low, high) = extent([a, b].iter());
            GeomWithData::new(Rectangle::from_corners(low, high), i)
        };
        Self {
            edge_index: RTree::bulk_load(edges.iter().enumerate().map(boxed).collect()),
            extents: RTree::bulk_load(extents),
            curves,
            edges,
        }
    }

    /// The stretches of `line` within any buffer, in its order.
    ///
    /// Ground that a line passes twice along the same segment counts once, as in an overlay.
    pub(crate) fn stretches(&self, line: &MultiLineString) -> Vec<Stretch> {
        let mut out = Vec::new();
        for (a, b) in distinct_segments(line) {
            let length = (b.x - a.x).hypot(b.y - a.y);
            let cuts = self.cuts(a, b);
            for ends in cuts.windows(2) {
                let share = ends[1] - ends[0];
                if share <= 0.0 {
                    continue;
                }
                let within = self.holding(a + (b - a) * f64::midpoint(ends[0], ends[1]));
                if !within.is_empty() {
                    out.push(Stretch { length: share * length, within });
                }
            }
        }
        out
    }

    /// Where a segment meets edges, as shares of its length: ascending, with 0 and 1.
    fn cuts(&self, a: Coord, b: Coord) -> Vec<f64> {
        let (low, high) = extent([a, b].iter());
        let near = self.edge_index.locate_in_envelope_intersecting(&AABB::from_corners(low, high));
        let mut cuts: Vec<f64> = near
            .filter_map(|edge| {
                let (c, d) = self.edges[edge.data];
                let (r, s, ac) = (b - a, d - c, c - a);
                let both = r.x * s.y - r.y * s.x;
                let (t, u) = ((ac.x * s.y - ac.y * s.x) / both, (ac.x * r.y - ac.y * r.x) / both);
                // Parallel edges cut at their ends, which their neighbours share.
                (both != 0.0 && (0.0..=1.0).contains(&t) && (0.0..=1.0).contains(&u)).then_some(t)
            })
            .chain([0.0, 1.0])
            .collect();
        cuts.sort_by(f64::total_cmp);
        cuts
    }

    /// The lines whose buffers hold a place, ascending.
    fn holding(&self, p: Coord) -> Vec<usize> {
        let mut lines: Vec<usize> = self
            .extents
            .locate_all_at_point(&[p.x, p.y])
            .map(|extent| extent.data)
            .filter(|&line| self.curves[line].iter().map(|c| windings(c, p)).sum::<i32>() != 0)
            .collect();
        lines.sort_unstable();
        lines
    }
}

/// The rings of the buffer of a line, which may be a point; the outer ones counter-clockwise, holes clockwise.
fn rings(line: &LineString, distance: f64) -> Vec<Vec<Coord>> {
    let angle = std::f64::consts::FRAC_PI_2 / QUADRANT_CHORDS;
    let style = BufferStyle::new(distance).line_cap(LineCap::Round(angle)).line_join(LineJoin::Round(angle));
    let polygons: MultiPolygon = match line.0.as_slice() {
        [] => return Vec::new(),
        [first, rest @ ..] if rest.iter().all(|p| p == first) => Point(*first).buffer_with_style(style),
        // There and back is a line, not a ring without area.
        [first, turn, last] if first == last => LineString(vec![*first, *turn]).buffer_with_style(style),
        _ => line.buffer_with_style(style),
    };
    let rings = polygons.into_iter().flat_map(|polygon| {
        let (exterior, interiors) = polygon.into_inner();
        std::iter::once(exterior).chain(interiors)
    });
    rings.map(|ring| ring.0).collect()
}

/// Segments with length, each once, whichever way it runs.
fn distinct_segments(line: &MultiLineString) -> Vec<(Coord, Coord)> {
    let key = |(a, b): &(Coord, Coord)| {
        let (a, b) = ((a.x.to_bits(), a.y.to_bits()), (b.x.to_bits(), b.y.to_bits()));
        if a <= b { (a, b) } else { (b, a) }
    };
    let mut seen = std::collections::BTreeSet::new();
    let segments = line.0.iter().flat_map(|part| part.0.windows(2).map(|s| (s[0], s[1])));
    segments.filter(|s| s.0 != s.1 && seen.insert(key(s))).collect()
}

/// How often a closed curve runs counter-clockwise around a place.
fn windings(curve: &[Coord], p: Coord) -> i32 {
    let left = |a: Coord, b: Coord| (b.x - a.x) * (p.y - a.y) - (p.x - a.x) * (b.y - a.y);
    curve
        .windows(2)
        .map(|edge| {
            let (a, b) = (edge[0], edge[1]);
            match (a.y <= p.y, b.y <= p.y) {
                (true, false) if left(a, b) > 0.0 => 1,
                (false, true) if left(a, b) < 0.0 => -1,
                _ => 0,
            }
        })
        .sum()
}

fn extent<'a>(points: impl Iterator<Item = &'a Coord>) -> ([f64; 2], [f64; 2]) {
    points.fold(([f64::INFINITY; 2], [f64::NEG_INFINITY; 2]), |(low, high), p| {
        ([low[0].min(p.x), low[1].min(p.y)], [high[0].max(p.x), high[1].max(p.y)])
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use geo_types::LineString;

    fn line(points: &[(f64, f64)]) -> MultiLineString {
        MultiLineString(vec![LineString::from(points.to_vec())])
    }

    fn held(cover: &Cover, of: &MultiLineString) -> f64 {
        cover.stretches(of).iter().map(|s| s.length).sum()
    }

    #[test]
    fn a_line_across_is_held_for_twice_the_distance() {
        let cover = Cover::new(&[line(&[(0.0, 0.0), (100.0, 0.0)])], 3.0);
        let across = line(&[(50.0, -20.0), (50.0, 20.0)]);
        assert!((held(&cover, &across) - 6.0).abs() < 1e-6);
    }

    #[test]
    fn a_line_along_is_held_to_the_ends_of_the_caps() {
        let cover = Cover::new(&[line(&[(0.0, 0.0), (100.0, 0.0)])], 3.0);
        let along = line(&[(-20.0, 0.0), (130.0, 0.0)]);
        assert!((held(&cover, &along) - 106.0).abs() < 1e-6);
    }

    #[test]
    fn overlapping_buffers_are_both_named_and_counted_once() {
        let lines = [line(&[(0.0, 0.0), (60.0, 0.0)]), line(&[(40.0, 0.5), (100.0, 0.5)])];
        let cover = Cover::new(&lines, 3.0);
        let along = line(&[(0.0, 0.25), (100.0, 0.25)]);
        let stretches = cover.stretches(&along);
        assert!((stretches.iter().map(|s| s.length).sum::<f64>() - 100.0).abs() < 1e-6);
        assert!(stretches.iter().any(|s| s.within == [0, 1]));
    }

    #[test]
    fn the_way_back_counts_once() {
        let cover = Cover::new(&[line(&[(0.0, 0.0), (100.0, 0.0)])], 3.0);
        let there_and_back = line(&[(10.0, 0.0), (30.0, 0.0), (10.0, 0.0)]);
        assert!((held(&cover, &there_and_back) - 20.0).abs() < 1e-6);
        let cover = Cover::new(&[there_and_back], 3.0);
        assert!((held(&cover, &line(&[(0.0, 0.0), (100.0, 0.0)])) - 26.0).abs() < 1e-6);
    }

    #[test]
    fn a_point_is_64_chords_around_it() {
        let point = Cover::new(&[line(&[(0.0, 0.0), (0.0, 0.0)])], 3.0);
        let across = line(&[(-9.0, 0.0), (9.0, 0.0)]);
        assert!((held(&point, &across) - 6.0).abs() < 1e-6);
        // Between two corners, where the polygon is nearest to its middle.
        let (sin, cos) = (std::f64::consts::PI / 64.0).sin_cos();
        let slant = line(&[(-9.0 * cos, -9.0 * sin), (9.0 * cos, 9.0 * sin)]);
        assert!((held(&point, &slant) - 6.0 * cos).abs() < 1e-6, "{}", held(&point, &slant));
    }

    #[test]
    fn the_middle_of_a_closed_line_is_outside() {
        let ring = line(&[(0.0, 0.0), (20.0, 0.0), (20.0, 20.0), (0.0, 20.0), (0.0, 0.0)]);
        let cover = Cover::new(&[ring], 3.0);
        assert!((held(&cover, &line(&[(-10.0, 10.0), (30.0, 10.0)])) - 12.0).abs() < 1e-6);
    }
}
