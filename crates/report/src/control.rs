//! How large an area of control is.

use geo_types::{LineString, Polygon};
use geographiclib_rs::{Geodesic, PolygonArea, Winding};

/// Area of a polygon in longitude and latitude on WGS84, less its holes, km2. Its edges are taken for geodesics, which
/// for edges of some kilometres is the same to a part in a million.
pub(crate) fn area_km2(polygon: &Polygon) -> f64 {
    let earth = Geodesic::wgs84();
    let ring = |r: &LineString| {
        let mut area = PolygonArea::new(&earth, Winding::CounterClockwise);
        // The last vertex repeats the first.
        r.coords().take(r.0.len().saturating_sub(1)).for_each(|c| area.add_point(c.y, c.x));
        area.compute(true).1.abs() / 1e6
    };
    ring(polygon.exterior()) - polygon.interiors().iter().map(ring).sum::<f64>()
}

#[cfg(test)]
mod tests {
    use geo_types::polygon;

    use super::*;

    #[test]
    fn a_degree_at_the_equator_is_as_large_as_geographiclib_says() {
        // Planimeter of GeographicLib 2.0: 12308778361.469 m2 for 0–1 by 0–1 degrees.
        let square = polygon![(x: 0.0, y: 0.0), (x: 1.0, y: 0.0), (x: 1.0, y: 1.0), (x: 0.0, y: 1.0)];
        assert!((area_km2(&square) - 12_308.778_361).abs() < 1e-3, "{}", area_km2(&square));
    }
}
