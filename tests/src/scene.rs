//! Small dated images with a known line, and a front to measure from.

use std::path::{Path, PathBuf};

use domain::{Affine, Crs, Grid, Pixel, Window};
use geo_types::LineString;
use ingest::write::{GeoTiffOptions, GeoTiffWriter, PixelType};
use ndarray::Array3;
use serde_json::json;
use tempfile::TempDir;

/// Side of a pixel, metres.
pub const PIXEL_M: f64 = 0.5;
/// `(rows, cols)` of the smallest scene that the tests use.
pub const SMALL: (usize, usize) = (280, 320);
/// Upper left corner: Lgov, UTM 36 north, metres.
pub const CORNER: (f64, f64) = (657_000.0, 5_727_000.0);

/// One image of a scene.
#[derive(Clone, Debug)]
pub struct Image {
    /// `(rows, cols)`.
    pub shape: (usize, usize),
    /// Upper left corner, UTM 36 north, metres.
    pub corner: (f64, f64),
    /// Pixels by which the ground lies further down and right than the georeference says.
    pub shift_px: (f64, f64),
    /// A trench 1.5 m wide that zigzags along this line, 40 % darker than the ground, with pale spoil on both sides.
    pub dug: Option<[Pixel; 2]>,
    /// Which grain of the sensor.
    pub grain: u32,
}

impl Image {
    /// Ground of `shape` at Lgov with nothing dug.
    pub fn of(shape: (usize, usize)) -> Self {
        Self { shape, corner: CORNER, shift_px: (0.0, 0.0), dug: None, grain: 1 }
    }

    /// Where it lies.
    pub fn grid(&self) -> Grid {
        let (rows, cols) = self.shape;
        let affine = Affine::north_up(self.corner.0, self.corner.1, PIXEL_M);
        Grid::new(rows, cols, affine, Crs { wkt: String::new(), epsg: Some(32636) }).expect("a sound grid")
    }

    /// Brightness, `(1, rows, cols)`.
    pub fn pixels(&self) -> Array3<u8> {
        let (rows, cols) = self.shape;
        let [row0, col0] = [(CORNER.1 - self.corner.1) / PIXEL_M, (self.corner.0 - CORNER.0) / PIXEL_M];
        Array3::from_shape_fn((1, rows, cols), |(_, r, c)| {
            let (y, x) = (r as f64 - self.shift_px.0, c as f64 - self.shift_px.1);
            let mut light = ground(y + row0, x + col0);
            if let Some(line) = self.dug {
                // From the centre of the pixel.
                let across_m = distance_m(Pixel { row: y + 0.5, col: x + 0.5 }, line);
                // As a sensor sees it, half a pixel blurred: what is sharper than its optics is no picture.
                let within = |half_m: f64| 1.0 / (1.0 + ((across_m - half_m) / 0.2).exp());
                light *= 1.0 + 0.08 * within(2.0) - 0.48 * within(0.75);
            }
            (light + 3.0 * hash(r as i64, c as i64, self.grain + 100)).round().clamp(1.0, 255.0) as u8
        })
    }

    /// Writes it as a GeoTIFF of one band of 8 bits, tiled by 64 px, 0 meaning no data.
    pub fn write(&self, path: &Path) {
        write(path, &self.grid(), &self.pixels());
    }
}

/// Writes `pixels`, `(bands, rows, cols)`, as a GeoTIFF in which 0 means no data.
pub fn write(path: &Path, grid: &Grid, pixels: &Array3<u8>) {
    std::fs::create_dir_all(path.parent().expect("an image lies in a folder")).unwrap();
    let options = GeoTiffOptions { tile_px: 64, nodata: Some(0.0), ..GeoTiffOptions::default() };
    let mut writer =
        GeoTiffWriter::create(path, grid, pixels.dim().0, PixelType::U8, &options).expect("a GeoTIFF begins");
    let (rows, cols) = grid.shape();
    writer.write_window(Window::new(0, 0, rows, cols), pixels.view()).expect("pixels are written");
    writer.finish().expect("a GeoTIFF ends");
}

/// A pair of images in a folder of their own, a front beside it, and the way to the results.
pub struct Scene {
    /// Removed with everything in it at the end of the test.
    pub dir: TempDir,
    /// `2024-08-05.tif` and `2024-08-12.tif`.
    pub folder: PathBuf,
    /// A line of 14 August along the parallel 51.5° N, claimed.
    pub front: PathBuf,
    /// Where the results go; not there yet.
    pub out: PathBuf,
    /// The line dug between the dates, pixels of the earlier image.
    pub line: [Pixel; 2],
    /// `(rows, cols)`.
    pub shape: (usize, usize),
}

impl Scene {
    /// A folder without images, and a front.
    pub fn empty() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let [folder, front, out] = ["images", "front.geojson", "out"].map(|name| dir.path().join(name));
        std::fs::create_dir(&folder).unwrap();
        write_front(&front);
        Self { dir, folder, front, out, line: line_in(SMALL), shape: SMALL }
    }

    /// A pair of `shape` between whose dates a line was dug; the later image is displaced by 1.25 and −2.5 px.
    pub fn dug(shape: (usize, usize)) -> Self {
        let scene = Self { line: line_in(shape), shape, ..Self::empty() };
        Image::of(shape).write(&scene.image("2024-08-05"));
        scene.later().write(&scene.image("2024-08-12"));
        scene
    }

    /// The later image of the pair.
    pub fn later(&self) -> Image {
        Image { shift_px: (1.25, -2.5), dug: Some(self.line), grain: 2, ..Image::of(self.shape) }
    }

    /// Path of the image of a date.
    pub fn image(&self, date: &str) -> PathBuf {
        self.folder.join(format!("{date}.tif"))
    }

    /// The line that was dug, longitude and latitude.
    pub fn truth(&self) -> LineString {
        LineString(ingest::to_lon_lat(&Image::of(self.shape).grid(), &self.line).expect("UTM is understood"))
    }

    /// A path beside the folder of the images.
    pub fn beside(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }
}

/// A slanting line across the middle of a grid.
fn line_in((rows, cols): (usize, usize)) -> [Pixel; 2] {
    let at = |down: f64, right: f64| Pixel { row: rows as f64 * down, col: cols as f64 * right };
    [at(0.3, 0.2), at(0.62, 0.8)]
}

/// A front line along the parallel 51.5° N, some 18 km south of [`CORNER`].
pub fn write_front(path: &Path) {
    let line: Vec<[f64; 2]> = (0..=20).map(|i| [35.0 + 0.03 * f64::from(i), 51.5]).collect();
    let front = json!({
        "type": "FeatureCollection",
        "features": [{
            "type": "Feature",
            "properties": { "date": "2024-08-14", "source": "a test", "class": "claimed" },
            "geometry": { "type": "LineString", "coordinates": line },
        }],
    });
    std::fs::write(path, front.to_string()).unwrap();
}

/// A number of 0–1 that depends on a place and a seed alone.
fn hash(row: i64, col: i64, seed: u32) -> f64 {
    let mut h = (row as u32).wrapping_mul(0x9e37_79b1) ^ (col as u32).wrapping_mul(0x85eb_ca77) ^ seed;
    h = (h ^ (h >> 15)).wrapping_mul(0x2c1b_3c6d);
    h = (h ^ (h >> 12)).wrapping_mul(0x297a_2d39);
    f64::from((h ^ (h >> 15)) >> 8) / f64::from(1 << 24)
}

/// Brightness of the ground at a place, 70–170: noise of three sizes, bilinear between its nodes.
fn ground(row: f64, col: f64) -> f64 {
    let noise = |size: f64, seed: u32| {
        let (y, x) = (row / size, col / size);
        let (i, j) = (y.floor(), x.floor());
        let (u, v) = (y - i, x - j);
        let across = |i: i64| hash(i, j as i64, seed) * (1.0 - v) + hash(i, j as i64 + 1, seed) * v;
        across(i as i64) * (1.0 - u) + across(i as i64 + 1) * u
    };
    70.0 + 50.0 * noise(43.0, 1) + 30.0 * noise(13.0, 2) + 20.0 * noise(4.1, 3)
}

/// Legs of a trench and how far its corners lie off its middle line, metres.
const LEG_M: f64 = 8.0;
const CORNER_M: f64 = 1.5;

/// Distance of a place from a trench that zigzags along `[a, b]`, metres: what runs straight as a ruler is a drain.
fn distance_m(p: Pixel, [a, b]: [Pixel; 2]) -> f64 {
    let (dr, dc) = (b.row - a.row, b.col - a.col);
    let length = dr.hypot(dc);
    let (y, x) = (p.row - a.row, p.col - a.col);
    let (along, across) = ((y * dr + x * dc) / length, (y * dc - x * dr) / length);
    let beyond_m = PIXEL_M * (along - along.clamp(0.0, length));
    // From one corner to the next and back.
    let leg = (PIXEL_M * along.clamp(0.0, length) / LEG_M).rem_euclid(2.0);
    let middle_m = CORNER_M * (1.0 - 2.0 * (leg - 1.0).abs());
    let slant = LEG_M / LEG_M.hypot(2.0 * CORNER_M);
    ((PIXEL_M * across - middle_m) * slant).hypot(beyond_m)
}
