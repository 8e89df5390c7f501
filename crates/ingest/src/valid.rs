//! Where an image holds data: the convex outline of its valid pixels, from an overview so small that looking costs nothing.
//!
//! Tiles that are cut from a strip are half no data, and what they show is less than their edges promise.

use std::path::Path;

use domain::{BandRole, Grid};
use gdal::Dataset;
use geo::{Area, BooleanOps, ConvexHull, Distance, Euclidean, Intersects, Simplify};
use geo_types::{Coord, MultiPoint, Point, Polygon, Rect};
use ndarray::Array2;
use serde::{Deserialize, Serialize};

use crate::format::Format;
use crate::image::Part;
use crate::{project, remote};

/// Pixels of an overview that are read, at most: the fourth of a whole ARD tile of 17,408 px has 1,183,744.
const MOST_PIXELS: usize = 1_200_000;
/// Pixels from which on an overview is fine enough: those of one of 128 px are a hundredth of the image wide.
const LEAST_PIXELS: usize = 128 * 128;
/// Share of an image from which on its valid pixels are all of it.
const ALL: f64 = 0.99;
/// What a simpler outline may cut off, pixels of the overview: half of what it was grown by.
const SIMPLER_PX: f64 = 0.5;

/// Where an image holds data.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) enum Data {
    /// Nobody looked: nothing marks pixels as no data, or it would cost too much; or there are none.
    #[default]
    Unknown,
    /// Everywhere, to a hundredth.
    All,
    /// Within a ring, longitude and latitude.
    Within(Polygon),
}

impl Data {
    /// The same of an outline on the pixels of a grid.
    pub fn of(hull: Option<Polygon>, grid: &Grid) -> Self {
        let whole = grid.rows as f64 * grid.cols as f64;
        match hull {
            Some(hull) if hull.unsigned_area() >= ALL * whole => Self::All,
            Some(hull) => project::placed(grid, &hull).map_or(Self::Unknown, Self::Within),
            None => Self::Unknown,
        }
    }
}

/// The convex outline of an image's valid pixels, on its pixels: x is the column, y the row. `None` where nobody looked, or
/// nothing is valid.
///
/// Valid is what [`crate::Image::read_gray`] takes for valid, masks that came with the image aside. What is read is the coarsest
/// overview that is fine enough, or the image where it is small. The outline holds every valid pixel of it and at least half a
/// pixel more on all sides, because overviews may be samples.
pub(crate) fn hull(dataset: Dataset, path: &Path, roles: &[BandRole]) -> Option<Polygon> {
    // Of a file at an address the header is here, and pixels that are not would be read as no data.
    if remote::is_mirrored(path) {
        return None;
    }
    // What cannot be read is said where it is compared.
    let mut part = Part::of(dataset, path, roles).ok()?;
    let shape = shape(&part, path)?;
    let valid = part.valid(shape).ok()?;
    let (cols, rows) = part.size();
    let hull = grown(&valid)?;
    let scale = (cols as f64 / shape.1 as f64, rows as f64 / shape.0 as f64);
    let ring = hull.exterior().coords().map(|p| Coord { x: p.x * scale.0, y: p.y * scale.1 });
    Some(Polygon::new(ring.collect(), Vec::new()))
}

/// What polygons on the pixels of an image of `(rows, cols)` leave of an outline, or of all of it where that is `None`.
pub(crate) fn within(hull: Option<Polygon>, polygons: &[Polygon], shape: (usize, usize)) -> Option<Polygon> {
    let points = polygons.iter().flat_map(|p| p.exterior().coords().map(|c| Point::from(*c)));
    let kept = MultiPoint::new(points.collect()).convex_hull();
    let left = hull.unwrap_or_else(|| whole(shape)).intersection(&kept).convex_hull();
    (left.unsigned_area() > 0.0).then_some(left)
}

/// The shape in which to look at an image; `None` where there is nothing to see or too much.
fn shape(part: &Part, path: &Path) -> Option<(usize, usize)> {
    let format = Format::of(path)?;
    // Its pixels are those of other files.
    if format == Format::Vrt {
        return None;
    }
    let mut shapes = part.shapes_at_hand().ok()?;
    // To decode a piece of a JPEG 2000 takes long at any size.
    let cheap = matches!(format, Format::Tiff | Format::MbTiles | Format::GeoPackage | Format::Imagine);
    if shapes.len() > 1 && (!cheap || part.has_partial_overviews()) {
        shapes.truncate(1);
    }
    let pixels = |shape: &(usize, usize)| shape.0.saturating_mul(shape.1);
    shapes.retain(|s| (1..=MOST_PIXELS).contains(&pixels(s)));
    shapes.sort_by_key(pixels);
    shapes.iter().find(|s| pixels(s) >= LEAST_PIXELS).or(shapes.last()).copied()
}

/// The convex outline of what is valid and a pixel around it, without corners that add little, as far as it lies on the image.
fn grown(valid: &Array2<bool>) -> Option<Polygon> {
    let (rows, cols) = valid.dim();
    let mut points = Vec::new();
    for (row, line) in valid.outer_iter().enumerate() {
        let Some(first) = line.iter().position(|v| *v) else { continue };
        let last = line.iter().rposition(|v| *v).unwrap_or(first);
        for y in [row as f64 - 1.0, row as f64 + 2.0] {
            points.extend([Point::new(first as f64 - 1.0, y), Point::new(last as f64 + 2.0, y)]);
        }
    }
    if points.is_empty() {
        return None;
    }
    let hull = MultiPoint::new(points).convex_hull().simplify(SIMPLER_PX);
    Some(hull.intersection(&whole((rows, cols))).convex_hull())
}

/// All of an image of `(rows, cols)`.
fn whole((rows, cols): (usize, usize)) -> Polygon {
    Rect::new(Coord::zero(), Coord { x: cols as f64, y: rows as f64 }).to_polygon()
}

/// For [`crate::fuzz`]: a width, corners of a polygon, and pixels, of which each must lie within its outline.
pub(crate) fn probe(bytes: &[u8]) {
    let (Some((&width, rest)), 9..) = (bytes.split_first(), bytes.len()) else { return };
    let (corners, bits) = rest.split_at(8);
    let cols = usize::from(width).max(1);
    let shape = (bits.len().div_ceil(cols), cols);
    let valid = Array2::from_shape_fn(shape, |(r, c)| bits.get(r * cols + c).is_some_and(|b| b % 3 == 0));
    let Some(hull) = grown(&valid) else { return };
    // Cut along the edge of the image: to the last digits of a number.
    let near = |row: usize, col: usize| {
        let at = Point::new(col as f64, row as f64);
        hull.intersects(&at) || Euclidean.distance(&hull, &at) < 1e-6
    };
    for ((r, c), _) in valid.indexed_iter().filter(|(_, v)| **v) {
        assert!([(r, c), (r + 1, c), (r, c + 1), (r + 1, c + 1)].iter().all(|&(r, c)| near(r, c)), "{r} {c}");
    }
    let most = shape.0 as f64 * shape.1 as f64;
    let ring = corners.chunks(2).map(|p| Coord { x: f64::from(p[0]) - 50.0, y: f64::from(p[1]) - 50.0 });
    let left = within(Some(hull.clone()), &[Polygon::new(ring.collect(), Vec::new())], shape);
    let area = left.map_or(0.0, |l| l.unsigned_area());
    assert!(area <= hull.unsigned_area() * (1.0 + 1e-6) && hull.unsigned_area() <= most * (1.0 + 1e-6));
}

#[cfg(test)]
mod tests {
    use super::*;
    use geo::Contains;

    /// A strip that lies aslant.
    fn strip(rows: usize, cols: usize) -> Array2<bool> {
        Array2::from_shape_fn((rows, cols), |(r, c)| {
            let across = c as f64 - 0.3 * r as f64;
            (20.0..70.0).contains(&across)
        })
    }

    #[test]
    fn every_valid_pixel_is_within_and_little_else() {
        let valid = strip(150, 130);
        let hull = grown(&valid).unwrap();
        let mut bytes = vec![130, 0, 0, 250, 0, 250, 250, 0, 250];
        bytes.extend(valid.iter().map(|v| u8::from(!v)));
        probe(&bytes);
        let count = valid.iter().filter(|v| **v).count() as f64;
        assert!(hull.unsigned_area() < 1.08 * count, "{} {count}", hull.unsigned_area());
        assert!(hull.exterior().0.len() < 12, "{}", hull.exterior().0.len());
        assert!(!hull.contains(&Point::new(3.0, 100.0)));
    }

    #[test]
    fn one_pixel_is_enough_and_none_is_nothing() {
        let mut valid = Array2::from_elem((40, 30), false);
        assert_eq!(grown(&valid), None);
        valid[(39, 0)] = true;
        assert_eq!(grown(&valid).unwrap().unsigned_area(), 4.0);
    }

    #[test]
    fn polygons_leave_what_they_hold() {
        let square = |a: f64, b: f64| Rect::new(Coord { x: a, y: a }, Coord { x: b, y: b }).to_polygon();
        let two = within(Some(square(10.0, 60.0)), &[square(0.0, 20.0), square(25.0, 30.0)], (100, 100));
        // Their hull holds the ground between them.
        assert!((200.0..400.0).contains(&two.unwrap().unsigned_area()));
        let one = within(Some(square(10.0, 60.0)), &[square(0.0, 20.0)], (100, 100));
        assert_eq!(one.unwrap().unsigned_area(), 100.0);
        assert_eq!(within(None, &[square(50.0, 200.0)], (100, 100)).unwrap().unsigned_area(), 2500.0);
        assert_eq!(within(None, &[square(150.0, 200.0)], (100, 100)), None);
    }
}
