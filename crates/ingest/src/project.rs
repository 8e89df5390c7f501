//! From pixels to ground to other pixels: PROJ, through GDAL.

use domain::{Affine, Capture, Crs, Grid, Pixel, PixelMap};
use gdal::spatial_ref::{AxisMappingStrategy, CoordTransform, SpatialRef};
use geo::{Densify, Euclidean};
use geo_types::{Coord, LineString, Polygon};

use crate::error::{Error, GdalMessage, Result};
use crate::library;

/// The finest pixel on which a pair is compared, metres. A trench of 0.9 m still spans 3.6 of them; what is
/// finer is noise and multiplies the work.
pub const FINEST_PIXEL_M: f64 = 0.25;

/// Points along each side of a footprint, its first corner included.
const POINTS_PER_SIDE: usize = 8;

/// How far a map unit may be from a metre on the ground before it does not count as one: UTM is within 0.1 %
/// inside its zone and 1 % far outside, Web Mercator is 62 % off at Lgov.
const SCALE_TOLERANCE: f64 = 0.01;

/// The grid on which a pair is compared.
///
/// The earlier image's own grid if it is projected in metres, square-pixelled within 0.1 %, north-up and no
/// finer than [`FINEST_PIXEL_M`], so that the earlier image is never resampled. Else a north-up UTM grid (WGS84)
/// around the same place, with the image's true pixel size but no finer than [`FINEST_PIXEL_M`]. A metre of the
/// CRS must be a metre on the ground within 1 %, which Web Mercator's is not.
///
/// # Errors
/// [`Error::Crs`] and [`Error::Transform`] where the image's place cannot be worked out.
pub fn shared_grid(earlier: &Capture) -> Result<Grid> {
    let grid = &earlier.grid;
    let a = &grid.affine;
    let north_up = a.x_per_row == 0.0 && a.y_per_col == 0.0 && a.x_per_col > 0.0 && a.y_per_row < 0.0;
    let square = (a.x_per_col.abs() / a.y_per_row.abs() - 1.0).abs() <= 1e-3;
    let srs = spatial_ref(&grid.crs)?;
    let metres = srs.is_projected() && (srs.linear_units() - 1.0).abs() < 1e-6;
    let true_size = true_pixel_size_m(grid)?;
    let to_scale = (grid.pixel_size() / true_size - 1.0).abs() <= SCALE_TOLERANCE;
    if north_up && square && metres && to_scale && grid.pixel_size() >= FINEST_PIXEL_M * (1.0 - 1e-6) {
        return Ok(grid.clone());
    }
    utm_grid(grid, true_size)
}

/// A north-up UTM grid around `grid`, its corner at a whole multiple of its pixel size.
fn utm_grid(grid: &Grid, true_size_m: f64) -> Result<Grid> {
    let middle = middle(grid);
    let centre = first(to_lon_lat(grid, &[middle])?)?;
    let code = utm_code(centre.x, centre.y);
    let utm = SpatialRef::from_epsg(code)
        .and_then(|srs| srs.to_wkt())
        .map_err(|e| Error::Crs { crs: format!("EPSG:{code}"), source: e.into() })?;
    let crs = Crs { wkt: utm, epsg: Some(code) };
    // Whole millimetres, so that the grid reads like one that a person would have chosen.
    let size = (true_size_m.max(FINEST_PIXEL_M) * 1000.0).round() / 1000.0;
    let rim: Vec<Coord> = outline(grid).into_iter().map(|p| grid.affine.ground(p)).collect();
    let rim = Transform::new(&grid.crs, &crs)?.apply(rim)?;
    let (mut left, mut bottom, mut right, mut top) =
        (f64::INFINITY, f64::INFINITY, f64::NEG_INFINITY, f64::NEG_INFINITY);
    for p in rim {
        (left, right) = (left.min(p.x), right.max(p.x));
        (bottom, top) = (bottom.min(p.y), top.max(p.y));
    }
    // A millionth of a pixel of rounding must not add a row.
    let (col, row) = ((left / size + 1e-6).floor(), (top / size - 1e-6).ceil());
    let cols = (right / size - 1e-6).ceil() - col;
    let rows = row - (bottom / size + 1e-6).floor();
    let affine = Affine::north_up(col * size, row * size, size);
    Grid::new(rows as usize, cols as usize, affine, crs).map_err(|source| Error::Grid { source })
}

/// EPSG code of the UTM zone (WGS84) of a place, degrees.
pub(crate) fn utm_code(lon_deg: f64, lat_deg: f64) -> u32 {
    let zone = (((lon_deg + 180.0) / 6.0).floor() as i64).rem_euclid(60) as u32 + 1;
    if lat_deg < 0.0 { 32700 + zone } else { 32600 + zone }
}

/// The map from the pixels of `from` to the pixels of `to`.
///
/// Exact at the nodes of the lattice; between grids of one CRS it is affine and therefore exact everywhere.
///
/// # Errors
/// [`Error::Crs`] for an unknown CRS, [`Error::Transform`] where a node of `from` has no place in `to`'s CRS.
pub fn pixel_map(from: &Grid, to: &Grid) -> Result<PixelMap> {
    let transform =
        if same_crs(&from.crs, &to.crs) { None } else { Some(Transform::new(&from.crs, &to.crs)?) };
    PixelMap::from_fn(from.shape(), |nodes| {
        let mut ground: Vec<Coord> = nodes.iter().map(|&p| from.affine.ground(p)).collect();
        if let Some(transform) = &transform {
            ground = transform.apply(ground)?;
        }
        Ok(ground.into_iter().map(|g| to.affine.pixel(g)).collect())
    })
}

/// Longitude and latitude (WGS84, degrees) of positions in a grid, as many as `pixels`.
///
/// A call costs about a millisecond whatever the number of positions: ask for many at once.
///
/// # Errors
/// [`Error::Crs`] and [`Error::Transform`].
pub fn to_lon_lat(grid: &Grid, pixels: &[Pixel]) -> Result<Vec<Coord>> {
    let ground = pixels.iter().map(|&p| grid.affine.ground(p)).collect();
    Transform::to_lon_lat(&grid.crs)?.apply(ground)
}

/// Positions in a grid of places in longitude and latitude (WGS84, degrees), as many.
pub(crate) fn from_lon_lat(grid: &Grid, places: Vec<Coord>) -> Result<Vec<Pixel>> {
    if places.is_empty() {
        return Ok(Vec::new());
    }
    let wgs84 = spatial_ref(&Crs { wkt: String::new(), epsg: Some(4326) })?;
    let to = Transform::between(
        &wgs84,
        "longitude and latitude".to_owned(),
        &spatial_ref(&grid.crs)?,
        name(&grid.crs),
    )?;
    Ok(to.apply(places)?.into_iter().map(|g| grid.affine.pixel(g)).collect())
}

/// Metres on the ground of a pixel's side: the square root of its area.
///
/// In a projected CRS the size of a pixel in the CRS times its unit, unless that is more than 1 % off the
/// ground (Web Mercator); there, and in degrees, the true size in the middle of the grid.
///
/// # Errors
/// [`Error::Crs`] and [`Error::Transform`].
pub fn pixel_size_m(grid: &Grid) -> Result<f64> {
    let srs = spatial_ref(&grid.crs)?;
    let true_size = true_pixel_size_m(grid)?;
    let nominal = grid.pixel_size() * srs.linear_units();
    let to_scale = srs.is_projected() && (nominal / true_size - 1.0).abs() <= SCALE_TOLERANCE;
    Ok(if to_scale { nominal } else { true_size })
}

/// Metres on the ground of a pixel's side in the middle of the grid.
fn true_pixel_size_m(grid: &Grid) -> Result<f64> {
    // 100 pixels, so that the difference of the degrees keeps its digits.
    const STEP_PX: f64 = 100.0;
    let o = middle(grid);
    let down = Pixel { row: o.row + STEP_PX, ..o };
    let right = Pixel { col: o.col + STEP_PX, ..o };
    let points = to_lon_lat(grid, &[o, down, right])?;
    let [o, down, right] = points[..] else {
        return Err(nowhere(&grid.crs));
    };
    let (east, north) = metres_per_degree(o.y);
    let (dx, dy) = (least_turn(down.x - o.x) * east, (down.y - o.y) * north);
    let (rx, ry) = (least_turn(right.x - o.x) * east, (right.y - o.y) * north);
    Ok((dx * ry - dy * rx).abs().sqrt() / STEP_PX)
}

/// Metres of a degree of longitude and of latitude at `latitude_deg` on the WGS84 ellipsoid.
pub(crate) fn metres_per_degree(latitude_deg: f64) -> (f64, f64) {
    const SEMI_MAJOR_M: f64 = 6_378_137.0;
    const E2: f64 = 6.694_379_990_141_316e-3;
    let (sin, cos) = latitude_deg.to_radians().sin_cos();
    let w = 1.0 - E2 * sin * sin;
    let degree = std::f64::consts::PI / 180.0;
    (SEMI_MAJOR_M / w.sqrt() * cos * degree, SEMI_MAJOR_M * (1.0 - E2) / w.powf(1.5) * degree)
}

/// The outline of a grid in longitude and latitude, with points along its sides. Longitudes go on beyond 180° where it lies
/// across the antimeridian, so that it is one ring.
pub(crate) fn footprint(grid: &Grid) -> Result<Polygon> {
    ring(grid, &outline(grid))
}

/// A polygon of pixels of a grid (x the column, y the row), as [`footprint`] has all of it.
pub(crate) fn placed(grid: &Grid, polygon: &Polygon) -> Result<Polygon> {
    let step = grid.rows.max(grid.cols) as f64 / POINTS_PER_SIDE as f64;
    let along = Euclidean.densify(polygon, step);
    let pixels: Vec<Pixel> = along.exterior().coords().map(|p| Pixel { row: p.y, col: p.x }).collect();
    ring(grid, &pixels)
}

/// Positions in a grid as a ring in longitude and latitude.
fn ring(grid: &Grid, pixels: &[Pixel]) -> Result<Polygon> {
    let mut ring = to_lon_lat(grid, pixels)?;
    for i in 1..ring.len() {
        let before = ring[i - 1].x;
        ring[i].x = before + least_turn(ring[i].x - before);
    }
    if ring.iter().any(|p| p.x < -180.0) {
        ring.iter_mut().for_each(|p| p.x += 360.0);
    }
    Ok(Polygon::new(LineString::new(ring), Vec::new()))
}

/// A difference of longitudes, the short way round.
fn least_turn(deg: f64) -> f64 {
    // Untouched where it is one, so that it keeps its digits.
    if deg.abs() <= 180.0 { deg } else { (deg + 180.0).rem_euclid(360.0) - 180.0 }
}

/// Positions around a grid, from the first pixel along the first row, not closed.
fn outline(grid: &Grid) -> Vec<Pixel> {
    let (rows, cols) = (grid.rows as f64, grid.cols as f64);
    let corners = [(0.0, 0.0), (0.0, cols), (rows, cols), (rows, 0.0), (0.0, 0.0)];
    corners
        .windows(2)
        .flat_map(|side| {
            let ((r0, c0), (r1, c1)) = (side[0], side[1]);
            (0..POINTS_PER_SIDE).map(move |i| {
                let t = i as f64 / POINTS_PER_SIDE as f64;
                Pixel { row: r0 + t * (r1 - r0), col: c0 + t * (c1 - c0) }
            })
        })
        .collect()
}

/// The middle of a grid.
fn middle(grid: &Grid) -> Pixel {
    Pixel { row: grid.rows as f64 / 2.0, col: grid.cols as f64 / 2.0 }
}

/// The first of some positions.
fn first(positions: Vec<Coord>) -> Result<Coord> {
    positions.into_iter().next().ok_or_else(|| nowhere(&Crs { wkt: String::new(), epsg: None }))
}

/// The error for a place that PROJ returned nothing for.
fn nowhere(crs: &Crs) -> Error {
    let source = GdalMessage("no position came back".to_owned());
    Error::Transform { from: name(crs), to: "longitude and latitude".to_owned(), source }
}

/// True where coordinates of one CRS are coordinates of the other.
fn same_crs(a: &Crs, b: &Crs) -> bool {
    a.wkt == b.wkt || (a.epsg.is_some() && a.epsg == b.epsg)
}

/// What to call a CRS in a sentence: its code, else the beginning of its text.
fn name(crs: &Crs) -> String {
    match crs.epsg {
        Some(code) => format!("EPSG:{code}"),
        None if crs.wkt.is_empty() => "(none)".to_owned(),
        None => crs.wkt.chars().take(60).collect(),
    }
}

/// GDAL's object for a CRS, x before y whatever the authority says.
pub(crate) fn spatial_ref(crs: &Crs) -> Result<SpatialRef> {
    library::quiet();
    let read = match (crs.wkt.is_empty(), crs.epsg) {
        (true, Some(code)) => SpatialRef::from_epsg(code),
        _ => SpatialRef::from_wkt(&crs.wkt),
    };
    let mut srs = read.map_err(|e| Error::Crs { crs: name(crs), source: e.into() })?;
    srs.set_axis_mapping_strategy(AxisMappingStrategy::TraditionalGisOrder);
    Ok(srs)
}

/// From the coordinates of one CRS to another's.
struct Transform {
    inner: CoordTransform,
    from: String,
    to: String,
}

impl Transform {
    fn new(from: &Crs, to: &Crs) -> Result<Self> {
        Self::between(&spatial_ref(from)?, name(from), &spatial_ref(to)?, name(to))
    }

    fn to_lon_lat(from: &Crs) -> Result<Self> {
        let wgs84 = spatial_ref(&Crs { wkt: String::new(), epsg: Some(4326) })?;
        Self::between(&spatial_ref(from)?, name(from), &wgs84, "longitude and latitude".to_owned())
    }

    fn between(source: &SpatialRef, from: String, target: &SpatialRef, to: String) -> Result<Self> {
        match CoordTransform::new(source, target) {
            Ok(inner) => Ok(Self { inner, from, to }),
            Err(e) => Err(Error::Transform { from, to, source: e.into() }),
        }
    }

    /// The positions, transformed; an error where one of them has no place.
    fn apply(&self, points: Vec<Coord>) -> Result<Vec<Coord>> {
        let fail = |source| Error::Transform { from: self.from.clone(), to: self.to.clone(), source };
        let (mut x, mut y): (Vec<f64>, Vec<f64>) = points.into_iter().map(|p| (p.x, p.y)).unzip();
        self.inner.transform_coords(&mut x, &mut y, &mut []).map_err(|e| fail(e.into()))?;
        if x.iter().chain(&y).any(|v| !v.is_finite()) {
            return Err(fail(GdalMessage("a position lies outside the projection".to_owned())));
        }
        Ok(x.into_iter().zip(y).map(|(x, y)| Coord { x, y }).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;

    fn grid_of(epsg: u32, affine: Affine, (rows, cols): (usize, usize)) -> Grid {
        Grid::new(rows, cols, affine, fixture::crs(epsg)).unwrap()
    }

    fn capture_of(grid: Grid) -> Capture {
        Capture {
            grid,
            ..fixture::capture("x", "2024-08-12T08:41:00Z", (655_000.0, 5_727_000.0), (30, 20), 0.5)
        }
    }

    // python3 -c "import pyproj; print(pyproj.Transformer.from_crs(32636, 4326, always_xy=True).transform(655000, 5727000))"
    #[test]
    fn lon_lat_as_pyproj_has_it() {
        let grid = grid_of(32636, Affine::north_up(654_900.0, 5_727_200.0, 0.5), (900, 700));
        let p = to_lon_lat(&grid, &[Pixel { row: 400.0, col: 200.0 }]).unwrap()[0];
        assert!((p.x - 35.241_626_272_306_32).abs() < 1e-9 && (p.y - 51.672_563_818_063_87).abs() < 1e-9);
    }

    // pyproj 3.7.2: EPSG:32636 (655000, 5727000) is EPSG:32637 (240150.34283227596, 5731310.872604134).
    #[test]
    fn a_map_between_zones_is_right_between_its_nodes() {
        let from = grid_of(32636, Affine::north_up(654_800.0, 5_727_150.0, 0.5), (1000, 1300));
        let to = grid_of(32637, Affine::from_gdal([239_000.0, 0.4, 0.0, 5_733_000.0, 0.0, -0.6]), (100, 90));
        let map = pixel_map(&from, &to).unwrap();
        let known = to.affine.pixel(Coord { x: 240_150.342_832_275_96, y: 5_731_310.872_604_134 });
        let got = map.at(Pixel { row: 300.0, col: 400.0 });
        assert!((got.row - known.row).abs() < 0.01 && (got.col - known.col).abs() < 0.01);
        let direct = Transform::new(&from.crs, &to.crs).unwrap();
        for p in [(31.5, 33.0), (999.0, 1299.0), (512.25, 640.75), (0.0, 700.0)] {
            let p = Pixel { row: p.0, col: p.1 };
            let want = to.affine.pixel(direct.apply(vec![from.affine.ground(p)]).unwrap()[0]);
            let got = map.at(p);
            assert!((got.row - want.row).abs() < 0.01 && (got.col - want.col).abs() < 0.01, "{p:?}");
        }
    }

    #[test]
    fn a_map_within_one_crs_is_affine() {
        let from = grid_of(32636, Affine::north_up(655_000.0, 5_727_000.0, 0.5), (90, 200));
        let to = grid_of(32636, Affine::from_gdal([654_990.0, 0.2, 0.3, 5_727_010.0, 0.3, -0.2]), (50, 60));
        let p = Pixel { row: 77.0, col: 131.0 };
        let (got, want) = (pixel_map(&from, &to).unwrap().at(p), to.affine.pixel(from.affine.ground(p)));
        assert!((got.row - want.row).abs() < 1e-7 && (got.col - want.col).abs() < 1e-7);
    }

    #[test]
    fn a_good_grid_is_shared_as_it_is() {
        let grid = grid_of(32636, Affine::north_up(655_000.0, 5_727_000.0, 0.305), (300, 200));
        assert_eq!(shared_grid(&capture_of(grid.clone())).unwrap(), grid);
    }

    #[test]
    fn grids_that_will_not_do_become_utm() {
        let place = (35.241_6, 51.672_5);
        let degrees = Affine::from_gdal([place.0, 7e-6, 0.0, place.1, 0.0, -4.5e-6]);
        let (x, y) = (3_923_000.0, 6_741_000.0);
        let cases = [
            (grid_of(4326, degrees, (400, 300)), 0.49),
            (grid_of(3857, Affine::north_up(x, y, 0.5), (400, 300)), 0.31),
            (
                grid_of(32636, Affine::from_gdal([655_000.0, 0.4, 0.3, 5_727_000.0, 0.3, -0.4]), (400, 300)),
                0.5,
            ),
            (
                grid_of(32636, Affine::from_gdal([655_000.0, 0.5, 0.0, 5_727_000.0, 0.0, -0.4]), (400, 300)),
                0.447,
            ),
            (
                grid_of(32636, Affine::from_gdal([655_000.0, 0.5, 0.0, 5_727_000.0, 0.0, 0.5]), (400, 300)),
                0.5,
            ),
            (grid_of(32636, Affine::north_up(655_000.0, 5_727_000.0, 0.1), (400, 300)), 0.25),
        ];
        for (grid, size) in cases {
            let shared = shared_grid(&capture_of(grid.clone())).unwrap();
            assert_eq!(shared.crs.epsg, Some(32636));
            assert!((shared.pixel_size() / size - 1.0).abs() < 0.02, "{} {size}", shared.pixel_size());
            assert_eq!(shared.affine.y_per_row, -shared.affine.x_per_col);
            // Every corner of the image lies on the new grid, and the grid hugs the image.
            let map = pixel_map(&grid, &shared).unwrap();
            let (rows, cols) = (grid.rows as f64, grid.cols as f64);
            let corners = [(0.0, 0.0), (0.0, cols), (rows, cols), (rows, 0.0)]
                .map(|(row, col)| map.at(Pixel { row, col }));
            let least = corners.iter().map(|p| p.row.min(p.col)).fold(f64::INFINITY, f64::min);
            assert!(least > -0.01, "{least}");
            let bottom = corners.iter().map(|p| p.row).fold(0.0, f64::max);
            let right = corners.iter().map(|p| p.col).fold(0.0, f64::max);
            assert!((0.0..2.0).contains(&(shared.rows as f64 - bottom + 0.01)), "{} {bottom}", shared.rows);
            assert!((0.0..2.0).contains(&(shared.cols as f64 - right + 0.01)), "{} {right}", shared.cols);
        }
    }

    #[test]
    fn pixel_sizes_in_metres() {
        let utm = grid_of(32636, Affine::from_gdal([655_000.0, 0.5, 0.0, 5_727_000.0, 0.0, -0.4]), (90, 70));
        assert!((pixel_size_m(&utm).unwrap() - 0.2_f64.sqrt()).abs() < 1e-12);
        // US survey feet: EPSG:2263, New York Long Island.
        let feet = grid_of(2263, Affine::north_up(1_000_000.0, 200_000.0, 2.0), (90, 70));
        assert!((pixel_size_m(&feet).unwrap() - 2.0 * 1200.0 / 3937.0).abs() < 1e-9);
    }

    #[test]
    fn a_place_outside_its_projection_is_an_error() {
        let grid = grid_of(32636, Affine::north_up(1e30, 1e30, 0.5), (9, 7));
        assert!(matches!(to_lon_lat(&grid, &[Pixel::default()]), Err(Error::Transform { .. })));
        let unknown = Crs { wkt: "GEOGCS[nonsense".to_owned(), epsg: None };
        let grid = Grid::new(9, 7, Affine::north_up(0.0, 0.0, 1.0), unknown).unwrap();
        assert!(matches!(pixel_size_m(&grid), Err(Error::Crs { .. })));
    }

    #[test]
    fn across_the_antimeridian() {
        // Its middle lies 20 m west of 180°, in the last zone and on Web Mercator.
        let (x, y) = (707_560.0, 5_727_000.0);
        let grid = grid_of(32660, Affine::north_up(x - 500.0, y + 500.0, 0.5), (2000, 2000));
        let middle = to_lon_lat(&grid, &[Pixel { row: 1000.0, col: 1000.0 }]).unwrap()[0];
        assert!((middle.x.abs() - 180.0).abs() < 0.01, "{middle:?}");
        let ring = footprint(&grid).unwrap().exterior().clone();
        let (west, east) = ring.0.iter().fold((f64::MAX, f64::MIN), |(w, e), p| (w.min(p.x), e.max(p.x)));
        assert!(west > 179.9 && east > 180.0 && east - west < 0.02, "{west} {east}");
        assert!((pixel_size_m(&grid).unwrap() - 0.5).abs() < 1e-9);
        // The point of the middle at which the longitude changes its sign.
        for off in -3..=3 {
            let near =
                grid_of(32660, Affine::north_up(x - 500.0 + 40.0 * f64::from(off), y, 0.5), (2000, 2000));
            assert_eq!(shared_grid(&capture_of(near.clone())).unwrap(), near, "{off}");
        }
    }

    #[test]
    fn a_footprint_is_the_outline() {
        let grid = grid_of(32636, Affine::north_up(655_000.0, 5_727_000.0, 0.5), (2000, 1000));
        let ring = footprint(&grid).unwrap().exterior().clone();
        assert_eq!(ring.0.len(), 4 * POINTS_PER_SIDE + 1);
        assert_eq!(ring.0.first(), ring.0.last());
        assert!((ring.0[0].x - 35.241_626_272_306_32).abs() < 1e-9);
    }
}
