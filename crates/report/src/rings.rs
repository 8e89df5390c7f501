//! Rings that cross themselves, cut into rings that do not.

use geo_types::Coord;
use rstar::{AABB, RTree, RTreeObject};

/// Most crossings of a ring that are mended; a ring with more is no drawing but noise.
pub(crate) const MOST: usize = 200;

struct Edge {
    index: usize,
    a: Coord,
    b: Coord,
}

impl RTreeObject for Edge {
    type Envelope = AABB<[f64; 2]>;
    fn envelope(&self) -> Self::Envelope {
        AABB::from_corners([self.a.x, self.a.y], [self.b.x, self.b.y])
    }
}

/// The simple rings of a closed ring, which is returned alone where it does not cross itself; `None` with more than
/// [`MOST`] crossings.
///
/// Each crossing cuts a ring in two at the point where it meets itself, so that a figure of eight becomes two areas.
pub(crate) fn simple(ring: &[Coord]) -> Option<Vec<Vec<Coord>>> {
    let edges = |ring: &[Coord]| {
        let edge = |(index, w): (usize, &[Coord])| Edge { index, a: w[0], b: w[1] };
        RTree::bulk_load(ring.windows(2).enumerate().map(edge).collect())
    };
    let (mut open, mut done) = (vec![ring.to_vec()], Vec::new());
    let mut cuts = 0;
    while let Some(ring) = open.pop() {
        let Some((i, j, p)) = first_crossing(&ring, &edges(&ring)) else {
            if ring.len() > 3 {
                done.push(ring);
            }
            continue;
        };
        cuts += 1;
        if cuts > MOST {
            return None;
        }
        // From the crossing along to where it comes back, and the rest.
        let mut part = vec![p];
        part.extend_from_slice(&ring[i + 1..=j]);
        part.push(p);
        let mut rest = ring[..=i].to_vec();
        rest.push(p);
        rest.extend_from_slice(&ring[j + 1..]);
        for mut cut in [part, rest] {
            cut.dedup();
            open.push(cut);
        }
    }
    done.reverse();
    Some(done)
}

/// Two edges of a ring that cross in their insides, the first by order, and where.
fn first_crossing(ring: &[Coord], edges: &RTree<Edge>) -> Option<(usize, usize, Coord)> {
    for (i, w) in ring.windows(2).enumerate() {
        let (a, b) = (w[0], w[1]);
        let envelope = AABB::from_corners([a.x, a.y], [b.x, b.y]);
        let crossed = edges
            .locate_in_envelope_intersecting(&envelope)
            .filter(|e| e.index > i + 1)
            .filter_map(|e| Some((i, e.index, crossing((a, b), (e.a, e.b))?)))
            .min_by_key(|c| c.1);
        if crossed.is_some() {
            return crossed;
        }
    }
    None
}

/// Where two edges cross, both inside; `None` where they only touch or run along each other.
fn crossing((a, b): (Coord, Coord), (c, d): (Coord, Coord)) -> Option<Coord> {
    // The shorter way round at the antimeridian is no crossing of the map's middle.
    if (b.x - a.x).abs() > 180.0 || (d.x - c.x).abs() > 180.0 {
        return None;
    }
    let cross = |u: Coord, v: Coord| u.x * v.y - u.y * v.x;
    let (r, s) = (b - a, d - c);
    let denominator = cross(r, s);
    if denominator == 0.0 {
        return None;
    }
    let (t, u) = (cross(c - a, s) / denominator, cross(c - a, r) / denominator);
    let inside = 1e-12..1.0 - 1e-12;
    (inside.contains(&t) && inside.contains(&u)).then(|| a + r * t)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ring(points: &[(f64, f64)]) -> Vec<Coord> {
        points.iter().map(|&(x, y)| Coord { x, y }).collect()
    }

    #[test]
    fn a_bow_tie_becomes_two_triangles_and_a_square_stays() {
        let square = ring(&[(0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0), (0.0, 0.0)]);
        assert_eq!(simple(&square), Some(vec![square]));
        let parts = simple(&ring(&[(0.0, 0.0), (2.0, 2.0), (2.0, 0.0), (0.0, 2.0), (0.0, 0.0)])).unwrap();
        assert_eq!(parts.len(), 2);
        assert!(parts.iter().all(|p| p.len() == 4 && p.first() == p.last()));
        assert!(parts.iter().all(|p| p.contains(&Coord { x: 1.0, y: 1.0 })));
    }

    #[test]
    fn rings_that_touch_themselves_are_left_alone() {
        let touching =
            ring(&[(0.0, 0.0), (2.0, 0.0), (1.0, 1.0), (2.0, 2.0), (0.0, 2.0), (1.0, 1.0), (0.0, 0.0)]);
        assert_eq!(simple(&touching).unwrap().len(), 1);
    }

    #[test]
    fn a_scribble_is_refused() {
        let star: Vec<Coord> = (0..=1001)
            .map(|k| {
                let t = std::f64::consts::TAU * f64::from(k % 1001 * 500) / 1001.0;
                Coord { x: t.cos(), y: t.sin() }
            })
            .collect();
        assert_eq!(simple(&star), None);
    }
}
