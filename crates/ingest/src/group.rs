//! Tiles of one image, put together.

use std::collections::BTreeMap;

use domain::{Affine, Capture, Grid, Pixel, Tile};
use geo::{Area, ConvexHull};
use geo_types::{Coord, MultiPoint, Point};

use crate::facts::Source;
use crate::header::MOST_PIXELS;
use crate::project;

/// How far the corners of tiles may be from whole pixels of each other, pixels.
const ALIGNED_PX: f64 = 0.02;
/// Share of the rectangle around tiles that they must fill to be one image.
const LEAST_FILLED: f64 = 0.25;
/// Share from which on their outline is that of the rectangle.
const FILLED: f64 = 0.999;

/// Share of the rectangle's ground from which on tiles show all of it: their outlines bend.
const ALL_SHOWN: f64 = 0.99;

/// The captures with those of one key put together, as far as they fit: one reference system, one size of pixels, on
/// whole pixels of each other, the same bands, one time.
///
/// Tiles that do not fit stay captures of their own. A capture of several tiles is named after its key.
pub(crate) fn together(captures: Vec<(Option<String>, Capture)>) -> Vec<Capture> {
    let (mut out, mut groups) = (Vec::new(), BTreeMap::<String, Vec<Capture>>::new());
    for (key, capture) in captures {
        match key {
            Some(key) => groups.entry(key).or_default().push(capture),
            None => out.push(capture),
        }
    }
    for (key, mut tiles) in groups {
        tiles.sort_by(|a, b| a.path.cmp(&b.path));
        match (tiles.len() > 1).then(|| one(&key, &tiles)).flatten() {
            Some(whole) => out.push(whole),
            None => out.extend(tiles),
        }
    }
    out
}

/// The image that tiles make; `None` where they do not fit.
fn one(key: &str, tiles: &[Capture]) -> Option<Capture> {
    let first = tiles.first()?;
    let a = first.grid.affine;
    let same = |t: &Capture| {
        let b = t.grid.affine;
        let steps = [
            (a.x_per_col, b.x_per_col),
            (a.x_per_row, b.x_per_row),
            (a.y_per_col, b.y_per_col),
            (a.y_per_row, b.y_per_row),
        ];
        let size = first.grid.pixel_size();
        let reach = t.grid.rows.max(t.grid.cols) as f64;
        steps.iter().all(|(a, b)| (a - b).abs() * reach <= ALIGNED_PX * size)
            && t.grid.crs == first.grid.crs
            && (t.bands, &t.data_type, &t.roles) == (first.bands, &first.data_type, &first.roles)
            && t.datetime == first.datetime
    };
    if !tiles.iter().all(same) {
        return None;
    }
    // Corners in pixels of the first.
    let corner = |t: &Capture| a.pixel(Coord { x: t.grid.affine.x0, y: t.grid.affine.y0 });
    let corners: Vec<Pixel> = tiles.iter().map(corner).collect();
    let off = |v: f64| (v - v.round()).abs();
    if corners
        .iter()
        .any(|p| off(p.row) > ALIGNED_PX || off(p.col) > ALIGNED_PX || p.row.abs().max(p.col.abs()) > 1e9)
    {
        return None;
    }
    let least = |get: fn(&Pixel) -> f64| corners.iter().map(get).fold(f64::INFINITY, f64::min).round();
    let (top, left) = (least(|p| p.row), least(|p| p.col));
    let placed: Vec<Tile> = tiles
        .iter()
        .zip(&corners)
        .map(|(t, p)| Tile {
            path: t.path.clone(),
            row: (p.row.round() - top) as usize,
            col: (p.col.round() - left) as usize,
            shape: t.grid.shape(),
            infrared: t.tiles.first().and_then(|own| own.infrared.clone()),
        })
        .collect();
    let rows = placed.iter().map(|t| t.row + t.shape.0).max()?;
    let cols = placed.iter().map(|t| t.col + t.shape.1).max()?;
    let whole = rows as f64 * cols as f64;
    let filled = placed.iter().map(|t| t.shape.0 as f64 * t.shape.1 as f64).sum::<f64>() / whole;
    if whole > MOST_PIXELS as f64 || filled < LEAST_FILLED {
        return None;
    }
    let origin = a.ground(Pixel { row: top, col: left });
    let affine = Affine { x0: origin.x, y0: origin.y, ..a };
    let grid = Grid::new(rows, cols, affine, first.grid.crs.clone()).ok()?;
    let outline = project::footprint(&grid).ok()?;
    // Where tiles show less than they could, their outlines tell what.
    let shown: f64 = tiles.iter().map(|t| t.footprint.unsigned_area()).sum();
    let footprint = if filled >= FILLED && shown >= ALL_SHOWN * outline.unsigned_area() {
        outline
    } else {
        let points = tiles.iter().flat_map(|t| t.footprint.exterior().coords().map(|c| Point::from(*c)));
        MultiPoint::new(points.collect()).convex_hull()
    };
    let mut conflicts: Vec<_> = tiles.iter().flat_map(|t| t.conflicts.clone()).collect();
    conflicts.sort_by(|a, b| (&a.fact, &a.used, &a.other).cmp(&(&b.fact, &b.used, &b.other)));
    // Of what was computed for each tile apart once is enough.
    let computed = format!("({})", Source::Computed.name());
    conflicts.dedup_by(|b, a| {
        let both = a.other.ends_with(&computed) && b.other.ends_with(&computed);
        (&a.fact, &a.used) == (&b.fact, &b.used) && (both || a.other == b.other)
    });
    let mut masks: Vec<_> = tiles.iter().flat_map(|t| t.masks.clone()).collect();
    masks.sort_by(|a, b| (a.kind, &a.path, a.band).cmp(&(b.kind, &b.path, b.band)));
    masks.dedup();
    // A mask of one tile says nothing of its neighbours: what is data there, it would take out.
    if masks.iter().any(|m| m.keeps && !tiles.iter().all(|t| t.masks.contains(m))) {
        return None;
    }
    // As sure as the least sure of them.
    let footprint_source = tiles.iter().map(|t| t.footprint_source).max()?;
    Some(Capture {
        id: key.to_owned(),
        tiles: placed,
        grid,
        footprint,
        footprint_source,
        conflicts,
        masks,
        ..first.clone()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::capture;

    const DATE: &str = "2024-08-12T08:41:07Z";

    fn tile(name: &str, col: usize, row: usize, shape: (usize, usize)) -> Capture {
        capture(name, DATE, (655_000.0 + 0.5 * col as f64, 5_727_000.0 - 0.5 * row as f64), shape, 0.5)
    }

    fn joined(tiles: Vec<Capture>) -> Vec<Capture> {
        together(tiles.into_iter().map(|t| (Some("order".to_owned()), t)).collect())
    }

    #[test]
    fn tiles_are_one_image() {
        let found = joined(vec![
            tile("b", 100, 0, (80, 60)),
            tile("a", 0, 0, (80, 100)),
            tile("c", 0, 80, (30, 160)),
        ]);
        assert_eq!(found.len(), 1);
        let whole = &found[0];
        assert_eq!((whole.id.as_str(), whole.grid.shape()), ("order", (110, 160)));
        let places: Vec<_> = whole.tiles.iter().map(|t| (t.row, t.col)).collect();
        assert_eq!(places, [(0, 0), (0, 100), (80, 0)]);
        assert_eq!(whole.grid.affine.x0, 655_000.0);
    }

    #[test]
    fn what_does_not_fit_stays_apart() {
        let a = tile("a", 0, 0, (80, 100));
        let mut half = tile("b", 100, 0, (80, 100));
        half.grid.affine.x0 += 0.25;
        assert_eq!(joined(vec![a.clone(), half]).len(), 2);
        let mut later = tile("b", 100, 0, (80, 100));
        later.datetime += chrono::TimeDelta::seconds(9);
        assert_eq!(joined(vec![a.clone(), later]).len(), 2);
        assert_eq!(joined(vec![a.clone(), tile("b", 9000, 9000, (80, 100))]).len(), 2);
        assert_eq!(joined(vec![a]).len(), 1);
    }
}
