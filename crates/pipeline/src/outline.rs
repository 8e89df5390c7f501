//! What outlines in longitude and latitude have in common and what not.
//!
//! As `geo::BooleanOps`, but for one thing: that asks its engine for polygons whose rings nowhere touch (OGC), by a way that ends in a
//! panic on outlines of blocks that were cut before. Here a ring may touch itself in a point, which neither areas nor points within
//! depend on.

use geo_types::{Coord, LineString, MultiPolygon, Polygon};
use i_overlay::core::fill_rule::FillRule;
use i_overlay::core::overlay_rule::OverlayRule;
use i_overlay::float::single::SingleFloatOverlay;

/// What outlines have in common and what not.
pub(crate) trait Outline {
    /// What lies in either.
    fn union(&self, other: &Self) -> Self;
    /// What lies in both.
    fn intersection(&self, other: &Self) -> Self;
    /// What lies in the first alone.
    fn difference(&self, other: &Self) -> Self;
}

impl Outline for MultiPolygon {
    fn union(&self, other: &Self) -> Self {
        overlaid(self, other, OverlayRule::Union)
    }

    fn intersection(&self, other: &Self) -> Self {
        overlaid(self, other, OverlayRule::Intersect)
    }

    fn difference(&self, other: &Self) -> Self {
        overlaid(self, other, OverlayRule::Difference)
    }
}

/// What lies in any.
pub(crate) fn union_of(outlines: impl Iterator<Item = MultiPolygon>) -> MultiPolygon {
    outlines.reduce(|all, one| all.union(&one)).unwrap_or(MultiPolygon(Vec::new()))
}

fn overlaid(a: &MultiPolygon, b: &MultiPolygon, rule: OverlayRule) -> MultiPolygon {
    let ring = |points: Vec<[f64; 2]>| -> LineString {
        let mut ring: Vec<Coord> = points.into_iter().map(|[x, y]| Coord { x, y }).collect();
        ring.extend(ring.first().copied());
        LineString(ring)
    };
    let polygon = |shape: Vec<Vec<[f64; 2]>>| {
        let mut rings = shape.into_iter().map(ring);
        Some(Polygon::new(rings.next()?, rings.collect()))
    };
    let shapes = contours(a).overlay(&contours(b), rule, FillRule::EvenOdd);
    MultiPolygon(shapes.into_iter().filter_map(polygon).collect())
}

/// All rings, open.
fn contours(outline: &MultiPolygon) -> Vec<Vec<[f64; 2]>> {
    let rings = outline.iter().flat_map(|p| std::iter::once(p.exterior()).chain(p.interiors()));
    rings.map(|r| r.0.iter().skip(1).map(|c| [c.x, c.y]).collect()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::covered::km2;
    use crate::once::tests::rectangle;

    #[test]
    fn areas_add_up() {
        let (a, b) = (rectangle((0.0, 100.0), (0.0, 100.0)), rectangle((50.0, 150.0), (20.0, 80.0)));
        let near = |g: &MultiPolygon, m2: f64| {
            assert!((km2(g) * 1e6 - m2).abs() < 10.0, "{} for {m2}", km2(g) * 1e6)
        };
        near(&a.union(&b), 13_000.0);
        near(&a.intersection(&b), 3000.0);
        near(&a.difference(&b), 7000.0);
        let hole = a.difference(&rectangle((40.0, 60.0), (40.0, 60.0)));
        assert_eq!(hole.0[0].interiors().len(), 1);
        near(&hole, 9600.0);
        near(&union_of([a, b.clone(), b].into_iter()), 13_000.0);
        assert!(union_of(std::iter::empty()).0.is_empty());
    }

    /// Blocks of several grids that lie askew, cut again and again, as series of clouded images give them.
    #[test]
    fn what_was_cut_before_can_be_cut_again() {
        let mut state = 1_u64;
        let mut chance = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            state >> 63 == 1
        };
        let mut blocks = |offset: f64| {
            let mut all = MultiPolygon(Vec::new());
            for i in 0..12 {
                for j in 0..12 {
                    if chance() {
                        let (x, y) = (f64::from(i) * 8.0 + offset, f64::from(j) * 8.0 + offset / 3.0);
                        all = all.union(&rectangle((x, x + 8.0), (y, y + 8.0)));
                    }
                }
            }
            all
        };
        for round in 0..20 {
            let (a, b, c) = (blocks(0.0), blocks(0.1 * f64::from(round)), blocks(2.0));
            let (both, either) = (a.intersection(&b), a.union(&b));
            let parts = km2(&a.difference(&b)) + km2(&b.difference(&a)) + km2(&both);
            assert!((parts - km2(&either)).abs() < 1e-7, "{parts} {}", km2(&either));
            let left = either.difference(&c).difference(&both);
            assert!(km2(&left.intersection(&both.union(&c))) < 1e-9);
        }
    }
}
