//! What was looked at, and what was not and why, as areas.

use std::path::Path;

use chrono::{DateTime, Utc};
use domain::{Coverage, Reason};
use geo_types::{Coord, MultiPolygon, Polygon};
use ndarray::{Array2, ArrayView2};
use serde::{Deserialize, Serialize};

use crate::earthworks::rfc3339;
use crate::geojson::{collection, multipolygon, polygon_of, rounded, twice_area};
use crate::{Error, Result};

/// All blocks of one reason, merged.
#[derive(Clone, Debug, PartialEq)]
pub struct CoverageArea {
    /// The reason that holds there.
    pub reason: Reason,
    /// Area of the merged blocks, pixels. The exact count of pixels by reason is [`Coverage::pixels`].
    pub area_px: u64,
    /// Outlines in pixels of the grid: x is the column, y the row. Valid; parts meet in corners at most.
    /// Counter-clockwise exteriors where y points up, so clockwise as an image is seen.
    pub polygons: MultiPolygon,
}

/// Merges blocks of equal reason; reasons in the order of [`Reason::ALL`], those without a block left out.
///
/// Blocks that share a side are joined into one polygon with its holes; blocks that meet in a corner are not.
/// Blocks at the right and lower edges are cut at the grid's shape.
pub fn dissolve(coverage: &Coverage) -> Vec<CoverageArea> {
    let (rows, cols) = coverage.shape;
    let at = |i: usize, end: usize| (i * coverage.block_px).min(end);
    Reason::ALL
        .into_iter()
        .filter_map(|reason| {
            let polygons: Vec<Polygon> = parts(coverage.blocks.view(), reason)
                .into_iter()
                .map(|rings| {
                    let ring = |r: Vec<(usize, usize)>| {
                        r.into_iter()
                            .map(|(i, j)| Coord { x: at(j, cols) as f64, y: at(i, rows) as f64 })
                            .collect()
                    };
                    polygon_of(rings.into_iter().map(ring).collect())
                })
                .filter(|p| twice_area(&p.exterior().0) > 0.0)
                .collect();
            let twice: f64 = polygons
                .iter()
                .flat_map(|p| std::iter::once(p.exterior()).chain(p.interiors()))
                .map(|r| twice_area(&r.0))
                .sum();
            let area_px = (twice / 2.0).round() as u64;
            (area_px > 0).then_some(CoverageArea { reason, area_px, polygons: MultiPolygon(polygons) })
        })
        .collect()
}

/// A ring of block corners `(row, col)`, closed.
type Ring = Vec<(usize, usize)>;

/// The 4-connected parts of the blocks of one reason, each as rings: the exterior first.
fn parts(blocks: ArrayView2<'_, Reason>, reason: Reason) -> Vec<Vec<Ring>> {
    let (rows, cols) = blocks.dim();
    let mut part_of = Array2::<u32>::zeros((rows, cols));
    let mut found = Vec::new();
    for start in (0..rows).flat_map(|i| (0..cols).map(move |j| (i, j))) {
        if blocks[start] != reason || part_of[start] != 0 {
            continue;
        }
        let label = found.len() as u32 + 1;
        let mut members = vec![start];
        part_of[start] = label;
        let mut next = 0;
        while let Some(&(i, j)) = members.get(next) {
            next += 1;
            for (k, l) in [(i.wrapping_sub(1), j), (i + 1, j), (i, j.wrapping_sub(1)), (i, j + 1)] {
                if k < rows && l < cols && blocks[(k, l)] == reason && part_of[(k, l)] == 0 {
                    part_of[(k, l)] = label;
                    members.push((k, l));
                }
            }
        }
        members.sort_unstable();
        found.push(rings(part_of.view(), label, &members));
    }
    found
}

/// The rings around one part. They are simple: where a ring would touch itself in a corner it is cut in two.
fn rings(part_of: ArrayView2<'_, u32>, label: u32, members: &[(usize, usize)]) -> Vec<Ring> {
    let (rows, cols) = part_of.dim();
    let inside = |i: isize, j: isize| {
        i >= 0
            && j >= 0
            && (i as usize) < rows
            && (j as usize) < cols
            && part_of[(i as usize, j as usize)] == label
    };
    // The block on the right hand of a step along the lattice of corners: right, down, left, up.
    const STEPS: [(isize, isize); 4] = [(0, 1), (1, 0), (0, -1), (-1, 0)];
    const RIGHT: [(isize, isize); 4] = [(0, 0), (0, -1), (-1, -1), (-1, 0)];
    const LEFT: [(isize, isize); 4] = [(-1, 0), (0, 0), (0, -1), (-1, -1)];
    let is_edge = |(i, j): (isize, isize), d: usize| {
        inside(i + RIGHT[d].0, j + RIGHT[d].1) && !inside(i + LEFT[d].0, j + LEFT[d].1)
    };
    let mut used = std::collections::HashSet::new();
    let mut out: Vec<Ring> = Vec::new();
    for &(i, j) in members {
        // Every ring has an edge along the top of a block or the bottom of one; its steps to the right start here.
        for (corner, direction) in [((i as isize, j as isize), 0), ((i as isize + 1, j as isize + 1), 2)] {
            if !is_edge(corner, direction) || used.contains(&(corner, direction)) {
                continue;
            }
            let mut path: Vec<(isize, isize)> = Vec::new();
            let (mut at, mut d) = (corner, direction);
            while used.insert((at, d)) {
                path.push(at);
                at = (at.0 + STEPS[d].0, at.1 + STEPS[d].1);
                // Right first: keeps to the same block where two meet in a corner.
                d = [(d + 1) % 4, d, (d + 3) % 4].into_iter().find(|&e| is_edge(at, e)).unwrap_or(d);
            }
            out.extend(simple(&path));
        }
    }
    // One part has one exterior: the ring of the largest area.
    let area = |r: &Ring| {
        let c: Vec<Coord> = r.iter().map(|&(i, j)| Coord { x: j as f64, y: i as f64 }).collect();
        twice_area(&c).abs()
    };
    if let Some(largest) = (0..out.len()).max_by(|&a, &b| area(&out[a]).total_cmp(&area(&out[b]))) {
        out.swap(0, largest);
    }
    out
}

/// Cuts an open path around a ring at corners that it visits twice, drops corners that lie on straight runs,
/// and closes each ring.
fn simple(path: &[(isize, isize)]) -> Vec<Ring> {
    let mut out = Vec::new();
    let mut stack: Vec<(isize, isize)> = Vec::new();
    let mut place = std::collections::HashMap::new();
    for &corner in path {
        if let Some(&first) = place.get(&corner) {
            let ring: Vec<_> = stack.drain(first..).collect();
            for c in &ring {
                place.remove(c);
            }
            out.push(straightened(&ring));
        }
        place.insert(corner, stack.len());
        stack.push(corner);
    }
    out.push(straightened(&stack));
    out
}

fn straightened(ring: &[(isize, isize)]) -> Ring {
    let n = ring.len();
    let mut out: Ring = (0..n)
        .filter(|&k| {
            let (a, b, c) = (ring[(k + n - 1) % n], ring[k], ring[(k + 1) % n]);
            (b.0 - a.0) * (c.1 - b.1) != (b.1 - a.1) * (c.0 - b.0)
        })
        .map(|k| (ring[k].0 as usize, ring[k].1 as usize))
        .collect();
    if let Some(&first) = out.first() {
        out.push(first);
    }
    out
}

/// An area of one pair and one reason, ready to be written.
#[derive(Clone, Debug, PartialEq)]
pub struct CoverageFeature {
    /// [`domain::Pair::id`].
    pub pair: String,
    /// The earlier date.
    pub earlier: DateTime<Utc>,
    /// The later date.
    pub later: DateTime<Utc>,
    /// Why it was not assessed, or that it was.
    pub reason: Reason,
    /// Whether silence here means that no new line was found.
    pub assessed: bool,
    /// Area on the ground.
    pub area_km2: f64,
    /// Median residual after alignment, pixels, where it is known.
    pub residual_px: Option<f64>,
    /// Longitude and latitude, degrees.
    pub geometry: MultiPolygon,
}

#[derive(Serialize)]
struct Feature<'a> {
    r#type: &'static str,
    properties: Properties<'a>,
    geometry: Geometry,
}

#[derive(Serialize)]
struct Properties<'a> {
    pair: &'a str,
    earlier: String,
    later: String,
    reason: &'static str,
    assessed: bool,
    area_km2: f64,
    residual_px: Option<f64>,
}

#[derive(Serialize)]
struct Geometry {
    r#type: &'static str,
    coordinates: Vec<Vec<Vec<[f64; 2]>>>,
}

/// GeoJSON (RFC 7946) of what was assessed and what was not: a MultiPolygon each, in the order given, one feature
/// to a line of text, exteriors counter-clockwise whatever the winding given.
pub fn coverage_geojson(features: &[CoverageFeature]) -> String {
    collection(features.iter().map(|f| Feature {
        r#type: "Feature",
        properties: Properties {
            pair: &f.pair,
            earlier: rfc3339(f.earlier),
            later: rfc3339(f.later),
            reason: f.reason.as_str(),
            assessed: f.assessed,
            area_km2: rounded(f.area_km2, 4),
            residual_px: f.residual_px.map(|r| rounded(r, 3)),
        },
        geometry: Geometry { r#type: "MultiPolygon", coordinates: multipolygon(&f.geometry) },
    }))
}

/// The features of a document of [`coverage_geojson`].
///
/// # Errors
/// [`Error::NotARun`], which names the file and what is missing in it.
pub fn read_coverage(path: &Path, text: &str) -> Result<Vec<CoverageFeature>> {
    #[derive(Deserialize)]
    struct File {
        features: Vec<Row>,
    }
    #[derive(Deserialize)]
    struct Row {
        properties: Known,
        geometry: Areas,
    }
    #[derive(Deserialize)]
    struct Areas {
        coordinates: Vec<Vec<Vec<[f64; 2]>>>,
    }
    #[derive(Deserialize)]
    struct Known {
        pair: String,
        earlier: DateTime<Utc>,
        later: DateTime<Utc>,
        reason: Reason,
        assessed: bool,
        area_km2: f64,
        residual_px: Option<f64>,
    }
    let file: File =
        serde_json::from_str(text).map_err(|e| Error::NotARun { path: path.into(), what: e.to_string() })?;
    let ring = |r: Vec<[f64; 2]>| r.into_iter().map(|[x, y]| Coord { x, y }).collect::<Vec<_>>();
    let feature = |Row { properties: p, geometry }: Row| CoverageFeature {
        pair: p.pair,
        earlier: p.earlier,
        later: p.later,
        reason: p.reason,
        assessed: p.assessed,
        area_km2: p.area_km2,
        residual_px: p.residual_px,
        geometry: geometry
            .coordinates
            .into_iter()
            .map(|rings| polygon_of(rings.into_iter().map(ring).collect()))
            .collect(),
    };
    Ok(file.features.into_iter().map(feature).collect())
}

#[cfg(test)]
mod tests {
    use chrono::TimeZone;
    use geo::{Area, Validation};
    use geo_types::LineString;
    use rand::{Rng, SeedableRng};

    use super::*;

    fn coverage(picture: &[&str], block_px: usize, shape: (usize, usize)) -> Coverage {
        let (rows, cols) = (picture.len(), picture[0].len());
        let blocks = Array2::from_shape_fn((rows, cols), |(i, j)| match picture[i].as_bytes()[j] {
            b'#' => Reason::Assessed,
            b'm' => Reason::Misaligned,
            _ => Reason::NoTies,
        });
        Coverage {
            block_px,
            shape,
            residual_px: Array2::from_elem((rows, cols), f32::NAN),
            blocks,
            pixels: [0; Reason::ALL.len()],
        }
    }

    #[test]
    fn a_ring_of_blocks_is_one_polygon_with_a_hole_cut_at_the_grid() {
        let areas = dissolve(&coverage(&["###", "#m#", "###"], 10, (28, 25)));
        assert_eq!(areas.len(), 2);
        assert_eq!((areas[0].reason, areas[0].area_px), (Reason::Assessed, 28 * 25 - 100));
        let p = &areas[0].polygons.0[0];
        assert_eq!((areas[0].polygons.0.len(), p.exterior().0.len(), p.interiors().len()), (1, 5, 1));
        assert_eq!((areas[1].reason, areas[1].area_px), (Reason::Misaligned, 100));
    }

    #[test]
    fn blocks_that_meet_in_a_corner_are_two_polygons() {
        let areas = dissolve(&coverage(&["#.", ".#"], 1, (2, 2)));
        assert!(areas.iter().all(|a| a.polygons.0.len() == 2 && a.area_px == 2));
    }

    #[test]
    fn a_ring_that_touches_itself_is_cut() {
        // The two `.` meet in a corner within one part: two holes, each a simple ring.
        let areas = dissolve(&coverage(&["####", "#.##", "##.#", "####"], 1, (4, 4)));
        assert_eq!(areas[0].polygons.0.len(), 1);
        assert_eq!(areas[0].polygons.0[0].interiors().len(), 2);
        // A bay that closes in a corner: the exterior touches the hole.
        let areas = dissolve(&coverage(&[".###", "#.##", "####"], 1, (3, 4)));
        assert!(areas[0].polygons.is_valid(), "{:?}", areas[0].polygons);
    }

    #[test]
    fn random_blocks_give_valid_polygons_that_tile_the_grid() {
        let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(7);
        for _ in 0..60 {
            let (rows, cols) = (rng.random_range(1..12), rng.random_range(1..12));
            let picture: Vec<String> = (0..rows)
                .map(|_| (0..cols).map(|_| ['#', 'm', '.'][rng.random_range(0..3)]).collect())
                .collect();
            let rows_of: Vec<&str> = picture.iter().map(String::as_str).collect();
            let c = coverage(&rows_of, 8, (rows * 8 - 3, cols * 8 - 5));
            let areas = dissolve(&c);
            let total: u64 = areas.iter().map(|a| a.area_px).sum();
            assert_eq!(total, (c.shape.0 * c.shape.1) as u64);
            for a in &areas {
                assert!(a.polygons.is_valid(), "{picture:?} {:?}", a.polygons);
                assert_eq!(a.polygons.unsigned_area().round() as u64, a.area_px);
            }
        }
    }

    #[test]
    fn exteriors_are_wound_counter_clockwise_whatever_was_given() {
        let square = |cw: bool| {
            let mut r = vec![(35.0, 51.0), (36.0, 51.0), (36.0, 52.0), (35.0, 52.0), (35.0, 51.0)];
            if cw {
                r.reverse();
            }
            MultiPolygon(vec![Polygon::new(LineString::from(r), vec![])])
        };
        let feature = |cw| CoverageFeature {
            pair: "a..b".to_owned(),
            earlier: Utc.with_ymd_and_hms(2024, 8, 5, 0, 0, 0).unwrap(),
            later: Utc.with_ymd_and_hms(2024, 8, 12, 0, 0, 0).unwrap(),
            reason: Reason::Misaligned,
            assessed: false,
            area_km2: 1.23456,
            residual_px: Some(0.7),
            geometry: square(cw),
        };
        let text = coverage_geojson(&[feature(true)]);
        assert!(text.contains("\"area_km2\":1.2346,\"residual_px\":0.7}"), "{text}");
        for cw in [false, true] {
            let text = coverage_geojson(&[feature(cw)]);
            let value: serde_json::Value = serde_json::from_str(&text).unwrap();
            let ring = value["features"][0]["geometry"]["coordinates"][0][0].as_array().unwrap();
            let ring: Vec<Coord> =
                ring.iter().map(|p| Coord { x: p[0].as_f64().unwrap(), y: p[1].as_f64().unwrap() }).collect();
            assert!(twice_area(&ring) > 0.0);
        }
    }
}
