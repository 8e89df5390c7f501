//! Longitude and latitude to metres: UTM on WGS84, in the zone of the first line.

use geo::{Centroid, CoordsIter, MapCoords};
use geo_types::{Coord, LineString, MultiLineString};
use proj4rs::Proj;
use proj4rs::transform::transform;

use crate::{Error, Result};

/// A plane of metres near one place.
pub(crate) struct Plane {
    from: Proj,
    to: Proj,
    /// Taken off every position, so that coordinates stay small: metres.
    origin: Coord,
}

impl Plane {
    /// The UTM zone that holds the middle vertex of `line` (longitude and latitude, degrees), whatever exceptions the
    /// grid makes for Norway.
    ///
    /// # Errors
    /// [`Error::Projection`].
    pub(crate) fn of(line: &MultiLineString) -> Result<Self> {
        let at = middle_vertex(line);
        let zone = (((at.x + 180.0) / 6.0).floor() as i32 + 1).clamp(1, 60);
        let south = if at.y >= 0.0 { "" } else { " +south" };
        let failed = |source| Error::Projection { lon: at.x, lat: at.y, source };
        let from = Proj::from_proj_string("+proj=longlat +datum=WGS84").map_err(failed)?;
        let utm = format!("+proj=utm +zone={zone}{south} +datum=WGS84 +units=m");
        let to = Proj::from_proj_string(&utm).map_err(failed)?;
        let mut plane = Self { from, to, origin: Coord::zero() };
        plane.origin = plane.place(at).map(|p| Coord { x: p.x.round(), y: p.y.round() })?;
        Ok(plane)
    }

    /// A line in metres.
    ///
    /// # Errors
    /// [`Error::Projection`] where a position is too far from the zone.
    pub(crate) fn line(&self, line: &MultiLineString) -> Result<MultiLineString> {
        line.try_map_coords(|p| self.place(p))
    }

    fn place(&self, p: Coord) -> Result<Coord> {
        let mut at = (p.x.to_radians(), p.y.to_radians(), 0.0);
        transform(&self.from, &self.to, &mut at).map_err(|source| Error::Projection {
            lon: p.x,
            lat: p.y,
            source,
        })?;
        Ok(Coord { x: at.0, y: at.1 } - self.origin)
    }
}

/// The vertex between the ends that is nearest to the centroid; of the ends where there is none between.
fn middle_vertex(line: &MultiLineString) -> Coord {
    let centre = line.centroid().map(Coord::from).unwrap_or_default();
    let nearest = |points: &mut dyn Iterator<Item = Coord>| {
        let away = |p: &Coord| (p.x - centre.x).hypot(p.y - centre.y);
        points.min_by(|a, b| away(a).total_cmp(&away(b)))
    };
    let between =
        |part: &LineString| part.0.get(1..part.0.len().saturating_sub(1)).unwrap_or_default().to_vec();
    nearest(&mut line.0.iter().flat_map(between))
        .or_else(|| nearest(&mut line.coords_iter()))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn far(lon: f64, lat: f64) -> Coord {
        let line = MultiLineString(vec![LineString::from(vec![(lon, lat), (lon + 0.001, lat)])]);
        let plane = Plane::of(&line).unwrap();
        plane.line(&line).unwrap().0[0].0[0] + plane.origin
    }

    /// Against PROJ 9.5.1 (`pyproj.Transformer.from_crs("EPSG:4326", "EPSG:32636")` and so on).
    #[test]
    fn metres_are_those_of_proj() {
        for (lon, lat, x, y) in REFERENCE {
            let p = far(lon, lat);
            assert!((p.x - x).abs() < 1e-7 && (p.y - y).abs() < 1e-7, "{lon} {lat}: {p:?} for {x} {y}");
        }
    }

    #[rustfmt::skip]
    const REFERENCE: [(f64, f64, f64, f64); 4] = [
        (35.24599916, 51.67121885, 655306.934477011, 5726859.73663089),
        (37.9, 48.1, 418104.184780506, 5328000.076087316),
        (-70.3, -33.4, 379106.235541511, 6303612.531601468),
        (30.0001, 60.5, 335242.632634390, 6710852.4573172),
    ];
}
