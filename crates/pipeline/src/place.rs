//! From pixels of the shared grid to the globe.

use domain::{Coverage, Grid, Pair, Pixel, Reason};
use geo::{Geodesic, Length};
use geo_types::{Coord, LineString, MultiPolygon, Polygon};
use report::CoverageFeature;
use serde::{Deserialize, Serialize};

/// All ground of one reason within one pair.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Area {
    /// Assessed, or why not.
    pub reason: Reason,
    /// Area of the outline.
    pub area_km2: f64,
    /// Median residual after alignment, pixels, where it is known.
    pub residual_px: Option<f64>,
    /// Longitude and latitude, degrees.
    pub outline: MultiPolygon,
}

impl Area {
    /// As documents tell it.
    pub(crate) fn feature(&self, pair: &Pair) -> CoverageFeature {
        CoverageFeature {
            pair: pair.id(),
            earlier: pair.earlier.datetime,
            later: pair.later.datetime,
            reason: self.reason,
            assessed: self.reason == Reason::Assessed,
            area_km2: self.area_km2,
            residual_px: self.residual_px,
            geometry: self.outline.clone(),
        }
    }
}

/// Lines in pixels of `grid` as longitude and latitude, in the order given.
pub(crate) fn lines(grid: &Grid, lines: &[&[Pixel]]) -> ingest::Result<Vec<LineString>> {
    // One call for all: each sets PROJ up anew.
    let all: Vec<Pixel> = lines.iter().flat_map(|line| line.iter().copied()).collect();
    if all.is_empty() {
        return Ok(vec![LineString::new(Vec::new()); lines.len()]);
    }
    let mut placed = ingest::to_lon_lat(grid, &all)?.into_iter();
    Ok(lines.iter().map(|line| LineString::new(placed.by_ref().take(line.len()).collect())).collect())
}

/// Geodesic length of a line in longitude and latitude, metres (WGS84; Karney 2013).
pub(crate) fn length_m(line: &LineString) -> f64 {
    Geodesic.length(line)
}

/// The coverage of a pair, reason by reason, on the globe.
pub(crate) fn areas(grid: &Grid, pixel_m: f64, coverage: &Coverage) -> ingest::Result<Vec<Area>> {
    report::dissolve(coverage)
        .into_iter()
        .map(|part| {
            let rings: Vec<Vec<Pixel>> = part
                .polygons
                .iter()
                .flat_map(|p| std::iter::once(p.exterior()).chain(p.interiors()))
                .map(|ring| ring.coords().map(|&Coord { x, y }| Pixel { row: y, col: x }).collect())
                .collect();
            let borrowed: Vec<&[Pixel]> = rings.iter().map(Vec::as_slice).collect();
            let mut placed = lines(grid, &borrowed)?.into_iter();
            let mut ring = || placed.next().unwrap_or_else(|| LineString::new(Vec::new()));
            let polygons = part.polygons.iter().map(|p| {
                let exterior = ring();
                Polygon::new(exterior, p.interiors().iter().map(|_| ring()).collect())
            });
            Ok(Area {
                reason: part.reason,
                area_km2: part.area_px as f64 * pixel_m * pixel_m / 1e6,
                residual_px: residual_px(coverage, part.reason),
                outline: MultiPolygon(polygons.collect()),
            })
        })
        .collect()
}

/// Median residual over the blocks of a reason, `None` where it is known for none.
fn residual_px(coverage: &Coverage, reason: Reason) -> Option<f64> {
    let mut known: Vec<f32> = coverage
        .blocks
        .iter()
        .zip(&coverage.residual_px)
        .filter(|(r, v)| **r == reason && v.is_finite())
        .map(|(_, v)| *v)
        .collect();
    let middle = known.len() / 2;
    (!known.is_empty()).then(|| f64::from(*known.select_nth_unstable_by(middle, f32::total_cmp).1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::{Affine, Crs};
    use ndarray::Array2;

    /// 200 x 400 px of 0.5 m in UTM 36N near Lgov, in longitude and latitude so that PROJ needs no WKT of UTM.
    fn grid() -> Grid {
        let wkt = "GEOGCS[\"WGS 84\",DATUM[\"WGS_1984\",SPHEROID[\"WGS 84\",6378137,298.257223563]],\
                   PRIMEM[\"Greenwich\",0],UNIT[\"degree\",0.0174532925199433],AUTHORITY[\"EPSG\",\"4326\"]]";
        let affine = Affine::from_gdal([35.0, 1e-5, 0.0, 51.0, 0.0, -1e-5]);
        Grid::new(200, 400, affine, Crs { wkt: wkt.to_owned(), epsg: Some(4326) }).unwrap()
    }

    #[test]
    fn a_line_keeps_its_vertices_and_gets_its_length() {
        let line = [Pixel { row: 0.0, col: 0.0 }, Pixel { row: 100.0, col: 0.0 }];
        let placed = lines(&grid(), &[&line, &line[..1]]).unwrap();
        assert_eq!(placed[0].0.len(), 2);
        assert_eq!(placed[1].0.len(), 1);
        assert!((placed[0].0[1].y - 50.999).abs() < 1e-9);
        // A thousandth of a degree of latitude at 51 degrees: 111.25 m (GeographicLib).
        assert!((length_m(&placed[0]) - 111.25).abs() < 0.01);
    }

    #[test]
    fn areas_have_holes_and_sum_to_the_grid() {
        let mut blocks = Array2::from_elem((4, 4), Reason::Assessed);
        blocks[(1, 1)] = Reason::NoTies;
        let mut residual_px = Array2::from_elem((4, 4), f32::NAN);
        residual_px[(0, 0)] = 0.25;
        let coverage = Coverage {
            block_px: 50,
            shape: (200, 200),
            blocks,
            pixels: [37_500, 0, 0, 0, 0, 2_500, 0, 0, 0, 0, 0, 0, 0],
            residual_px,
        };
        let areas = areas(&grid(), 0.5, &coverage).unwrap();
        assert_eq!(areas.len(), 2);
        assert_eq!(areas[0].outline.0[0].interiors().len(), 1);
        assert_eq!(areas[0].residual_px, Some(0.25));
        assert_eq!(areas[1].residual_px, None);
        let sum: f64 = areas.iter().map(|a| a.area_km2).sum();
        assert!((sum - 0.01).abs() < 1e-12);
    }
}
