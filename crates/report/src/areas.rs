//! The areas that a front encloses, for point-in-polygon in longitude and latitude.

use geo_types::{Coord, LineString, Polygon};

use crate::geojson::on_plane;

/// Areas of a front, sorted into bands of latitude.
#[derive(Debug)]
pub(crate) struct Areas {
    /// Lowest latitude.
    south: f64,
    /// Bands of latitude to a degree.
    bands_per_deg: f64,
    /// Edges that touch each band, upwards or downwards: `(start, end)`.
    bands: Vec<Vec<(Coord, Coord)>>,
}

impl Areas {
    /// Areas whose exteriors run counter-clockwise and whose interiors run clockwise, as
    /// [`crate::geojson::area_of`] winds them.
    pub(crate) fn new(areas: &[Polygon]) -> Self {
        let rings = areas.iter().flat_map(|p| std::iter::once(p.exterior()).chain(p.interiors()));
        let edges: Vec<(Coord, Coord)> = rings.flat_map(edges).collect();
        let ends = || edges.iter().flat_map(|e| [e.0.y, e.1.y]);
        let (south, north) = (ends().fold(f64::INFINITY, f64::min), ends().fold(f64::NEG_INFINITY, f64::max));
        // Tall edges lie in many bands: so few bands that all edges together lie in no more than nine times as many.
        let tall: f64 = edges.iter().map(|e| (e.1.y - e.0.y).abs() / (north - south)).sum();
        let most = (8.0 * edges.len() as f64 / tall.max(1.0)) as usize;
        let count = (edges.len() / 8).clamp(1, 4096).min(most.max(1));
        let bands_per_deg = if north > south { count as f64 / (north - south) } else { 0.0 };
        let mut areas = Self { south, bands_per_deg, bands: vec![Vec::new(); count] };
        for e in edges {
            let (i, j) = (areas.band(e.0.y.min(e.1.y)), areas.band(e.0.y.max(e.1.y)));
            for band in &mut areas.bands[i..=j] {
                band.push(e);
            }
        }
        areas
    }

    /// True where there is no area.
    pub(crate) fn is_empty(&self) -> bool {
        self.south == f64::INFINITY
    }

    fn band(&self, lat: f64) -> usize {
        (((lat - self.south) * self.bands_per_deg).max(0.0) as usize).min(self.bands.len() - 1)
    }

    /// True where the rings wind around `p`: in an area and not in a hole, however areas overlap.
    pub(crate) fn contain(&self, p: Coord) -> bool {
        let edges = self.bands[self.band(p.y)].iter().filter(|(a, b)| (a.y <= p.y) != (b.y <= p.y));
        // Each ring runs on from its own first vertex, so an area and its hole may lie a turn apart.
        let winding: i64 = edges
            .flat_map(|e| [-720.0, -360.0, 0.0, 360.0, 720.0].map(|turn| (e, p.x + turn)))
            .map(|((a, b), x)| {
                let left = (b.x - a.x) * (p.y - a.y) - (x - a.x) * (b.y - a.y);
                if b.y > a.y { i64::from(left > 0.0) } else { -i64::from(left < 0.0) }
            })
            .sum();
        winding > 0
    }
}

/// The edges of a ring in the plane of longitude and latitude.
fn edges(ring: &LineString) -> Vec<(Coord, Coord)> {
    on_plane(&ring.0).windows(2).map(|w| (w[0], w[1])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geojson::area_of;

    fn ring(points: &[(f64, f64)]) -> Vec<Coord> {
        let mut ring: Vec<Coord> = points.iter().map(|&(x, y)| Coord { x, y }).collect();
        ring.push(ring[0]);
        ring
    }

    /// A circle of latitude, eastwards from the antimeridian.
    fn circle(lat: f64) -> Vec<Coord> {
        ring(&(0..36).map(|i| (f64::from(i) * 10.0 - 180.0, lat)).collect::<Vec<_>>())
    }

    fn holds(rings: Vec<Vec<Coord>>, points: &[(f64, f64)]) -> Vec<bool> {
        let areas = Areas::new(&[area_of(rings)]);
        points.iter().map(|&(x, y)| areas.contain(Coord { x, y })).collect()
    }

    #[test]
    fn a_ring_around_a_pole_holds_the_pole_whichever_way_it_runs() {
        let back = |mut ring: Vec<Coord>| {
            ring.reverse();
            ring
        };
        let points = [(0.0, 85.0), (179.99, 80.1), (-95.0, 89.999), (0.0, 90.0), (10.0, 79.0), (0.0, -85.0)];
        let want = [true, true, true, true, false, false];
        assert_eq!(holds(vec![circle(80.0)], &points)[..3], want[..3]);
        assert_eq!(holds(vec![circle(80.0)], &points)[4..], want[4..]);
        assert_eq!(holds(vec![back(circle(80.0))], &points)[..3], want[..3]);
        let south = points.map(|(x, y)| (x, -y));
        for ring in [circle(-80.0), back(circle(-80.0))] {
            let got = holds(vec![ring], &south);
            assert_eq!((&got[..3], &got[4..]), (&want[..3], &want[4..]));
        }
        // An annulus, and its hole.
        let annulus = holds(
            vec![circle(70.0), circle(80.0)],
            &[(35.0, 75.0), (-179.0, 75.0), (35.0, 85.0), (35.0, 65.0)],
        );
        assert_eq!(annulus, [true, true, false, false]);
    }

    #[test]
    fn a_ring_across_the_antimeridian_holds_what_it_should_whichever_way_it_runs() {
        let square = [(179.0, 65.0), (-179.0, 65.0), (-179.0, 66.0), (179.0, 66.0)];
        let back: Vec<(f64, f64)> = square.iter().rev().copied().collect();
        let points =
            [(179.5, 65.5), (-179.5, 65.5), (180.0, 65.5), (-180.0, 65.5), (178.9, 65.5), (0.0, 65.5)];
        for points_of_ring in [&square[..], &back[..]] {
            assert_eq!(holds(vec![ring(points_of_ring)], &points), [true, true, true, true, false, false]);
        }
        // Its hole is drawn from the other side of the antimeridian.
        let hole = [(-179.8, 65.4), (-179.8, 65.6), (-179.2, 65.6), (-179.2, 65.4)];
        assert_eq!(holds(vec![ring(&square), ring(&hole)], &points[..3]), [true, false, true]);
    }
}
