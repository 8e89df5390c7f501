//! Masks that come with an image: which files they are, and what they take out.

use std::ffi::OsStr;
use std::path::Path;
use std::sync::Arc;

use domain::{Capture, Grid, Mask, MaskKind, Pixel, PixelMap, Window};
use gdal::raster::{Buffer, RasterizeOptions, ResampleAlg, rasterize};
use gdal::vector::{Geometry, ToGdal};
use gdal::{Dataset, DriverManager};
use geo_types::{Coord, LineString, Polygon};
use ndarray::Array2;
use serde_json::Value;

use crate::error::{Error, Result};
use crate::format::{self, Format};
use crate::{project, vector};

/// Endings of mask files with polygons.
const POLYGONS: [&str; 6] = ["gpkg", "geojson", "json", "shp", "fgb", "gml"];
/// Pixels of a mask that are read for a window, at most: a finer mask than that is sampled.
const MOST_PIXELS: usize = 16 << 20;

/// The mask that a file name (without its extension) names after that of its image: `-cloud-mask`,
/// `_cloud-shadow-mask-raster`, `-data-mask`. Masks of other things (saturation, flares) are none.
fn by_name(rest: &str) -> Option<(MaskKind, bool)> {
    let rest = rest.replace('_', "-").to_ascii_lowercase();
    let rest = rest.strip_suffix("-raster").or_else(|| rest.strip_suffix("-vector")).unwrap_or(&rest);
    let what = rest.strip_prefix('-')?.strip_suffix("-mask")?;
    Some(match what {
        "data" => (MaskKind::Nodata, true),
        "nodata" => (MaskKind::Nodata, false),
        "cloud" | "clouds" | "haze" => (MaskKind::Cloud, false),
        "cloud-shadow" | "terrain-shadow" | "shadow" => (MaskKind::Shadow, false),
        "water" => (MaskKind::Water, false),
        "snow" | "ice" => (MaskKind::Snow, false),
        _ => return None,
    })
}

/// The mask of an image of the name `prefix` that a file is, by its name.
pub(crate) fn of_name(path: &Path, prefix: &str) -> Option<Mask> {
    let (stem, ending) = (path.file_stem()?.to_str()?, path.extension()?.to_str()?.to_ascii_lowercase());
    let (kind, keeps) = by_name(stem.strip_prefix(prefix)?)?;
    let known = POLYGONS.contains(&ending.as_str()) || Format::of(path).is_some();
    known.then(|| Mask { path: path.to_owned(), kind, band: 1, keeps })
}

/// True for the name of a mask, whatever image it belongs to.
pub(crate) fn is_mask(path: &Path) -> bool {
    let stem = path.file_stem().and_then(OsStr::to_str).unwrap_or_default().to_ascii_lowercase();
    let stem = stem.replace('_', "-");
    let stem = stem.strip_suffix("-raster").or_else(|| stem.strip_suffix("-vector")).unwrap_or(&stem);
    stem.ends_with("-mask")
}

/// The masks in Planet's usable data mask: bands of snow, shadow, heavy haze and cloud. Light haze lets the ground
/// through.
pub(crate) fn of_udm2(path: &Path) -> Vec<Mask> {
    [(6, MaskKind::Cloud), (5, MaskKind::Cloud), (3, MaskKind::Shadow), (2, MaskKind::Snow)]
        .map(|(band, kind)| Mask { path: path.to_owned(), kind, band, keeps: false })
        .to_vec()
}

/// The mask that a file in the folder `MASKS` of an Airbus product is.
pub(crate) fn of_airbus(path: &Path) -> Option<Mask> {
    let name = path.file_name()?.to_str()?;
    let (kind, keeps) = match name.get(..4)? {
        "CLD_" => (MaskKind::Cloud, false),
        "SNW_" => (MaskKind::Snow, false),
        "ROI_" => (MaskKind::Nodata, true),
        _ => return None,
    };
    path.extension()?.eq_ignore_ascii_case("gml").then(|| Mask {
        path: path.to_owned(),
        kind,
        band: 1,
        keeps,
    })
}

/// One mask for each kind of an image and band: where the same comes as an image and as polygons, the image counts.
pub(crate) fn without_doubles(mut masks: Vec<Mask>) -> Vec<Mask> {
    let polygons = |m: &Mask| is_polygons(&m.path);
    let name = |m: &Mask| {
        let stem = m.path.file_stem().map(|s| s.to_string_lossy().to_ascii_lowercase()).unwrap_or_default();
        stem.trim_end_matches("-raster").trim_end_matches("_raster").to_owned()
    };
    masks.sort_by(|a, b| {
        (a.kind, name(a), a.band, polygons(a), &a.path).cmp(&(b.kind, name(b), b.band, polygons(b), &b.path))
    });
    masks.dedup_by(|b, a| (a.kind, name(a), a.band) == (b.kind, name(b), b.band));
    masks
}

fn is_polygons(path: &Path) -> bool {
    let ending = path.extension().map(|e| e.to_string_lossy().to_ascii_lowercase()).unwrap_or_default();
    if ending == "gpkg" {
        // Either may be in it.
        return format::open(path).is_err();
    }
    POLYGONS.contains(&ending.as_str())
}

/// The polygons of a mask on the pixels of `grid`, `None` for a mask that is an image; or why it cannot be used.
pub(crate) fn check(mask: &Mask, grid: &Grid) -> Result<Option<Vec<Polygon>>, String> {
    let found = if is_polygons(&mask.path) {
        polygons(&mask.path, grid).map(Some)
    } else {
        raster(mask, grid).map(|_| None)
    };
    found.map_err(|e| {
        let cause = std::error::Error::source(&e).map(|s| format!(" ({s})")).unwrap_or_default();
        format!("the mask cannot be read: {e}{cause}; the image is used without it")
    })
}

/// The polygons of an image's masks, on its pixels. Shared between the handles of the image.
#[derive(Debug, Default)]
pub struct Outlines(Vec<(MaskKind, bool, Vec<Polygon>)>);

impl Outlines {
    /// Those of a capture.
    pub(crate) fn of(capture: &Capture) -> Result<Arc<Self>> {
        let masks = capture.masks.iter().filter(|m| is_polygons(&m.path));
        let read = |m: &Mask| Ok((m.kind, m.keeps, polygons(&m.path, &capture.grid)?));
        Ok(Arc::new(Self(masks.map(read).collect::<Result<_>>()?)))
    }
}

/// The masks of one open image.
pub(crate) struct Masks {
    outlines: Arc<Outlines>,
    rasters: Vec<RasterMask>,
}

/// A mask that is an image.
struct RasterMask {
    mask: Mask,
    dataset: Dataset,
    shape: (usize, usize),
    /// From pixels of the image to pixels of the mask.
    map: PixelMap,
}

impl Masks {
    /// The masks of a capture, open; `outlines` are its polygons.
    pub fn open(capture: &Capture, outlines: Arc<Outlines>) -> Result<Self> {
        let images = capture.masks.iter().filter(|m| !is_polygons(&m.path));
        Ok(Self { outlines, rasters: images.map(|m| raster(m, &capture.grid)).collect::<Result<_>>()? })
    }

    pub fn outlines(&self) -> Arc<Outlines> {
        Arc::clone(&self.outlines)
    }

    pub fn is_empty(&self) -> bool {
        self.outlines.0.is_empty() && self.rasters.is_empty()
    }

    /// What the masks take out of `window`, and why; of several reasons the first of [`MaskKind`].
    pub fn read(&self, window: Window) -> Result<Array2<Option<MaskKind>>> {
        let mut out = Array2::from_elem((window.rows, window.cols), None);
        if window.is_empty() {
            return Ok(out);
        }
        let mut take = |kind: MaskKind, keeps: bool, set: Array2<bool>| {
            ndarray::Zip::from(&mut out).and(&set).for_each(|out: &mut Option<MaskKind>, &set| {
                if set != keeps {
                    *out = Some(out.map_or(kind, |o| o.min(kind)));
                }
            });
        };
        for (kind, keeps, polygons) in &self.outlines.0 {
            take(*kind, *keeps, burnt(polygons, window)?);
        }
        for raster in &self.rasters {
            take(raster.mask.kind, raster.mask.keeps, raster.read(window)?);
        }
        Ok(out)
    }
}

/// Pixels of `window` whose middle lies in one of the polygons.
fn burnt(polygons: &[Polygon], window: Window) -> Result<Array2<bool>> {
    let shape = (window.rows, window.cols);
    let near: Vec<&Polygon> = polygons.iter().filter(|p| touches(p, window)).collect();
    if near.is_empty() {
        return Ok(Array2::from_elem(shape, false));
    }
    let failed = |e: gdal::errors::GdalError| Error::Vector { path: "mask".into(), source: e.into() };
    let run = || -> gdal::errors::Result<Vec<u8>> {
        let driver = DriverManager::get_driver_by_name("MEM")?;
        let mut canvas = driver.create_with_band_type::<u8, _>("", window.cols, window.rows, 1)?;
        canvas.set_geo_transform(&[window.col as f64, 1.0, 0.0, window.row as f64, 0.0, 1.0])?;
        let shapes = near.iter().map(|p| p.to_gdal()).collect::<gdal::errors::Result<Vec<Geometry>>>()?;
        let values = vec![1.0; shapes.len()];
        rasterize(&mut canvas, &[1], &shapes, &values, Some(RasterizeOptions::default()))?;
        let buffer: Buffer<u8> = canvas.rasterband(1)?.read_band_as()?;
        Ok(buffer.data().to_vec())
    };
    let burnt = run().map_err(failed)?;
    Ok(Array2::from_shape_fn(shape, |(r, c)| burnt.get(r * shape.1 + c).is_some_and(|&v| v != 0)))
}

/// True where a polygon may reach into a window.
fn touches(polygon: &Polygon, window: Window) -> bool {
    let (mut min, mut max) = ((f64::INFINITY, f64::INFINITY), (f64::NEG_INFINITY, f64::NEG_INFINITY));
    for p in polygon.exterior().coords() {
        min = (min.0.min(p.x), min.1.min(p.y));
        max = (max.0.max(p.x), max.1.max(p.y));
    }
    min.0 <= window.col_end() as f64
        && max.0 >= window.col as f64
        && min.1 <= window.row_end() as f64
        && max.1 >= window.row as f64
}

/// Farthest corner of a mask, pixels: beyond, products of coordinates lose all meaning.
const FARTHEST_PX: f64 = 1e9;

/// The polygons in a file, on the pixels of `grid`: x is the column, y the row.
fn polygons(path: &Path, grid: &Grid) -> Result<Vec<Polygon>> {
    let json = vector::read_vector(path)?;
    let mut rings: Vec<Vec<Vec<Coord>>> = Vec::new();
    for feature in json.get("features").and_then(Value::as_array).into_iter().flatten() {
        collect(feature.get("geometry").unwrap_or(&Value::Null), &mut rings);
    }
    let flat: Vec<Coord> = rings.iter().flatten().flatten().copied().collect();
    let placed = project::from_lon_lat(grid, flat)?;
    if !placed.iter().all(|p| p.row.abs() <= FARTHEST_PX && p.col.abs() <= FARTHEST_PX) {
        let said = format!(
            "a corner lies more than {FARTHEST_PX:e} pixels from the image; check its reference system"
        );
        return Err(Error::Vector { path: path.to_owned(), source: said.into() });
    }
    let mut placed = placed.into_iter();
    let polygon = |rings: Vec<Vec<Coord>>| {
        let mut lines = rings.into_iter().map(|ring| {
            let line: Vec<Coord> =
                placed.by_ref().take(ring.len()).map(|p: Pixel| Coord { x: p.col, y: p.row }).collect();
            LineString::new(line)
        });
        let outer = lines.next().unwrap_or_else(|| LineString::new(Vec::new()));
        Polygon::new(outer, lines.collect())
    };
    Ok(rings.into_iter().map(polygon).collect())
}

/// The rings of the polygons in a GeoJSON geometry.
fn collect(geometry: &Value, out: &mut Vec<Vec<Vec<Coord>>>) {
    let position = |v: &Value| Some(Coord { x: v.get(0)?.as_f64()?, y: v.get(1)?.as_f64()? });
    let ring =
        |v: &Value| -> Vec<Coord> { v.as_array().into_iter().flatten().filter_map(position).collect() };
    let polygon = |v: &Value| -> Vec<Vec<Coord>> { v.as_array().into_iter().flatten().map(ring).collect() };
    let parts = geometry.get("coordinates");
    match geometry.get("type").and_then(Value::as_str) {
        Some("Polygon") => out.extend(parts.map(polygon)),
        Some("MultiPolygon") => {
            out.extend(parts.and_then(Value::as_array).into_iter().flatten().map(polygon))
        }
        Some("GeometryCollection") => {
            let inside = geometry.get("geometries").and_then(Value::as_array);
            inside.into_iter().flatten().for_each(|g| collect(g, out));
        }
        _ => {}
    }
}

/// A mask that is an image, open and placed.
fn raster(mask: &Mask, grid: &Grid) -> Result<RasterMask> {
    let unusable = |reason: String| Error::Unusable { path: mask.path.clone(), reason };
    let header =
        crate::header::read(&mask.path, &Default::default(), Some(&grid.crs), None).map_err(unusable)?;
    if mask.band == 0 || mask.band > header.bands {
        return Err(unusable(format!("it has {} bands, and the mask is number {}", header.bands, mask.band)));
    }
    let failed = |e: gdal::errors::GdalError| Error::Open { path: mask.path.clone(), source: e.into() };
    Ok(RasterMask {
        mask: mask.clone(),
        dataset: format::open(&mask.path).map_err(failed)?,
        shape: header.grid.shape(),
        map: project::pixel_map(grid, &header.grid)?,
    })
}

impl RasterMask {
    /// True where the mask is set at the middle of a pixel of `window`.
    fn read(&self, window: Window) -> Result<Array2<bool>> {
        let at = |r: usize, c: usize| {
            self.map.at(Pixel { row: (window.row + r) as f64 + 0.5, col: (window.col + c) as f64 + 0.5 })
        };
        let corners =
            [(0, 0), (0, window.cols), (window.rows, 0), (window.rows, window.cols)].map(|(r, c)| at(r, c));
        let bound = |get: fn(&Pixel) -> f64, most: usize| {
            let (low, high) =
                corners.iter().map(get).fold((f64::MAX, f64::MIN), |(a, b), v| (a.min(v), b.max(v)));
            // Between corners a map bends by less than a pixel over a window.
            let clamp = |v: f64| v.clamp(0.0, most as f64) as usize;
            (clamp(low - 2.0), clamp(high + 2.0))
        };
        let ((top, bottom), (left, right)) = (bound(|p| p.row, self.shape.0), bound(|p| p.col, self.shape.1));
        let mut out = Array2::from_elem((window.rows, window.cols), false);
        let (rows, cols) = (bottom - top, right - left);
        if rows == 0 || cols == 0 {
            return Ok(out);
        }
        let shrink = ((rows * cols) as f64 / MOST_PIXELS as f64).sqrt().max(1.0);
        let shape = (((rows as f64 / shrink) as usize).max(1), ((cols as f64 / shrink) as usize).max(1));
        let source = Window::new(top, left, rows, cols);
        let failed = |e: gdal::errors::GdalError| Error::Read {
            path: self.mask.path.clone(),
            window: source,
            source: e.into(),
        };
        let mut values = vec![0.0_f32; shape.0 * shape.1];
        let corner = (isize::try_from(left).unwrap_or(0), isize::try_from(top).unwrap_or(0));
        let band = self.dataset.rasterband(self.mask.band).map_err(failed)?;
        band.read_into_slice(
            corner,
            (cols, rows),
            (shape.1, shape.0),
            &mut values,
            Some(ResampleAlg::NearestNeighbour),
        )
        .map_err(failed)?;
        let scale = (shape.0 as f64 / rows as f64, shape.1 as f64 / cols as f64);
        for ((r, c), set) in out.indexed_iter_mut() {
            let p = at(r, c);
            let (y, x) = ((p.row - top as f64) * scale.0, (p.col - left as f64) * scale.1);
            let inside = y >= 0.0 && x >= 0.0 && y < shape.0 as f64 && x < shape.1 as f64;
            *set = inside && values[y as usize * shape.1 + x as usize] != 0.0;
        }
        Ok(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_masks() {
        let of = |name: &str, prefix: &str| of_name(Path::new(name), prefix).map(|m| (m.kind, m.keeps));
        let id = "10300100F2A3B400";
        let named = |rest: &str| of(&format!("{id}{rest}"), id);
        assert_eq!(named("-cloud-mask.gpkg"), Some((MaskKind::Cloud, false)));
        assert_eq!(named("-cloud-mask-raster.tif"), Some((MaskKind::Cloud, false)));
        assert_eq!(named("-cloud-shadow-mask.gpkg"), Some((MaskKind::Shadow, false)));
        assert_eq!(named("-terrain-shadow-mask.gpkg"), Some((MaskKind::Shadow, false)));
        assert_eq!(named("-water-mask.gpkg"), Some((MaskKind::Water, false)));
        assert_eq!(named("-data-mask.tif"), Some((MaskKind::Nodata, true)));
        assert_eq!(named("-ms-saturation-mask.gpkg"), None);
        assert_eq!(named("-cloud-mask.txt"), None);
        assert_eq!(of("a_20240801_cloud_mask.geojson", "a_20240801"), Some((MaskKind::Cloud, false)));
        assert!(is_mask(Path::new("a-cloud-mask-raster.tif")) && !is_mask(Path::new("unmask.tif")));
        assert!(of_airbus(Path::new("CLD_PHR1A_MSK.GML")).is_some_and(|m| m.kind == MaskKind::Cloud));
        assert!(of_airbus(Path::new("é")).is_none());
    }

    #[test]
    fn polygons_take_out_the_pixels_whose_middle_they_hold() {
        let ring = vec![(2.0, 1.0), (5.0, 1.0), (5.0, 3.0), (2.0, 3.0), (2.0, 1.0)];
        let square = Polygon::new(LineString::from(ring), vec![]);
        let set = burnt(&[square], Window::new(1, 1, 4, 6)).unwrap();
        let want = Array2::from_shape_fn((4, 6), |(r, c)| r < 2 && (1..4).contains(&c));
        assert_eq!(set, want);
    }
}
