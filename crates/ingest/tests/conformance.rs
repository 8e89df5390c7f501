//! One scene in many containers, types and places: each is read to the right pixels at the right place, or refused with
//! the remedy.
//!
//! The scene is a formula on the ground. Files are made by evaluating it at the middle of their pixels; what is read is
//! compared with the formula at the place that the catalogue gives the pixel.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::Path;

use domain::{BandRole, Capture, Pixel, Window};
use gdal::cpl::CslStringList;
use gdal::raster::{Buffer, ColorEntry, ColorTable, GdalType, PaletteInterpretation};
use gdal::spatial_ref::{AxisMappingStrategy, CoordTransform, SpatialRef};
use gdal::{Dataset, DriverManager, Metadata};
use ingest::{Catalogue, CatalogueOptions, Image, catalogue, named_crs, to_lon_lat};
use ndarray::s;
use tempfile::TempDir;

/// `(rows, cols)` of every file, unless it says otherwise.
const SHAPE: (usize, usize) = (72, 56);
/// Corner of the scene in UTM 36.
const CORNER: (f64, f64) = (655_000.0, 5_727_000.0);
const UTM: [f64; 6] = [CORNER.0, 0.5, 0.0, CORNER.1, 0.0, -0.5];

/// The scene: a whole number of 9–231, another for each band.
fn scene(x: f64, y: f64, band: usize) -> f64 {
    let (dx, dy) = (x - CORNER.0, y - CORNER.1);
    (117.0 + 60.0 * (dx / 9.0).sin() + 48.0 * (dy / 7.0).cos() + 3.0 * band as f64).round()
}

fn srs(definition: &str) -> SpatialRef {
    let mut srs = SpatialRef::from_definition(definition).unwrap();
    srs.set_axis_mapping_strategy(AxisMappingStrategy::TraditionalGisOrder);
    srs
}

/// Values of the scene on a grid, band by band.
fn values(crs: &str, gt: [f64; 6], (rows, cols): (usize, usize), bands: usize) -> Vec<Vec<f64>> {
    let to = CoordTransform::new(&srs(crs), &srs("EPSG:32636")).unwrap();
    let at = |i: usize| ((i % cols) as f64 + 0.5, (i / cols) as f64 + 0.5);
    let (mut xs, mut ys): (Vec<f64>, Vec<f64>) = (0..rows * cols)
        .map(at)
        .map(|(c, r)| (gt[0] + c * gt[1] + r * gt[2], gt[3] + c * gt[4] + r * gt[5]))
        .unzip();
    to.transform_coords(&mut xs, &mut ys, &mut []).unwrap();
    (0..bands).map(|b| xs.iter().zip(&ys).map(|(&x, &y)| scene(x, y, b)).collect()).collect()
}

/// How a file is made.
#[derive(Clone)]
struct Spec<'a> {
    driver: &'a str,
    /// Reference system of its place; written to the file unless `bare`.
    crs: &'a str,
    gt: [f64; 6],
    bands: usize,
    options: &'a [&'a str],
    /// What a grey level of the scene is in the file.
    gain: f64,
    bare: bool,
}

const PLAIN: Spec<'static> =
    Spec { driver: "GTiff", crs: "EPSG:32636", gt: UTM, bands: 1, options: &[], gain: 1.0, bare: false };

/// Makes a file; `finish` sets what the variant is about, before the pixels are written.
fn make_as<T: GdalType + Copy>(
    path: &Path,
    spec: &Spec<'_>,
    number: impl Fn(f64) -> T,
    finish: impl FnOnce(&mut Dataset),
) {
    let driver = DriverManager::get_driver_by_name(spec.driver).unwrap();
    let list = CslStringList::from_iter(spec.options.iter().map(|o| o.to_string()));
    let (rows, cols) = SHAPE;
    let mut dataset =
        driver.create_with_band_type_with_options::<T, _>(path, cols, rows, spec.bands, &list).unwrap();
    if !spec.bare {
        dataset.set_geo_transform(&spec.gt).unwrap();
        dataset.set_spatial_ref(&srs(spec.crs)).unwrap();
    }
    finish(&mut dataset);
    for (band, values) in values(spec.crs, spec.gt, SHAPE, spec.bands).into_iter().enumerate() {
        let data = values.into_iter().map(|v| number(v * spec.gain)).collect();
        let mut buffer = Buffer::new((cols, rows), data);
        dataset.rasterband(band + 1).unwrap().write((0, 0), (cols, rows), &mut buffer).unwrap();
    }
    dataset.close().unwrap();
}

fn make(path: &Path, spec: &Spec<'_>) {
    make_as(path, spec, |v| v as u8, |_| {});
}

/// Copies a file into another container.
fn copy(from: &Path, to: &Path, driver: &str, options: &[&str]) -> bool {
    let Ok(driver) = DriverManager::get_driver_by_name(driver) else { return false };
    let list = gdal::raster::RasterCreationOptions::from_iter(options.iter().map(|o| o.to_string()));
    let source = Dataset::open(from).unwrap();
    source.create_copy(&driver, to, &list).unwrap().close().unwrap();
    true
}

fn world_file(path: &Path, gt: [f64; 6]) {
    let centre = (gt[0] + 0.5 * gt[1] + 0.5 * gt[2], gt[3] + 0.5 * gt[4] + 0.5 * gt[5]);
    let lines = [gt[1], gt[4], gt[2], gt[5], centre.0, centre.1].map(|v| format!("{v:.10}"));
    std::fs::write(path, lines.join("\n")).unwrap();
}

#[tokio::main(flavor = "current_thread")]
async fn listed(folder: &Path, options: &CatalogueOptions) -> Catalogue {
    catalogue(folder, options).await.unwrap()
}

/// What reading a file must show.
struct Expected {
    gain: f64,
    tolerance: f64,
    visible: usize,
    valid: fn(usize, usize) -> bool,
}

const EXACT: Expected = Expected { gain: 1.0, tolerance: 0.0, visible: 1, valid: |_, _| true };

/// The one capture of a folder.
#[track_caller]
fn only(found: &Catalogue) -> &Capture {
    assert_eq!(found.skipped, [], "nothing skipped");
    assert_eq!(found.captures.len(), 1);
    &found.captures[0]
}

/// Every pixel of a capture against the scene.
#[track_caller]
fn compare(capture: &Capture, expected: &Expected) {
    let (rows, cols) = capture.grid.shape();
    let mut image = Image::open(capture).unwrap();
    assert_eq!(image.band_counts().0, expected.visible, "visible bands, of {:?}", capture.roles);
    let (planes, valid) = image.read_visible_bands(Window::new(0, 0, rows, cols)).unwrap();
    let middles: Vec<Pixel> = (0..rows * cols)
        .map(|i| Pixel { row: (i / cols) as f64 + 0.5, col: (i % cols) as f64 + 0.5 })
        .collect();
    let places = to_lon_lat(&capture.grid, &middles).unwrap();
    let to = CoordTransform::new(&srs("EPSG:4326"), &srs("EPSG:32636")).unwrap();
    let (mut xs, mut ys): (Vec<f64>, Vec<f64>) = places.iter().map(|p| (p.x, p.y)).unzip();
    to.transform_coords(&mut xs, &mut ys, &mut []).unwrap();
    let (mut wrong, mut seen, mut first) = (0, 0, String::new());
    for i in 0..rows * cols {
        let (r, c) = (i / cols, i % cols);
        assert_eq!(valid[(r, c)], (expected.valid)(r, c), "validity of row {r}, column {c}");
        for band in 0..expected.visible {
            let want = if valid[(r, c)] { expected.gain * scene(xs[i], ys[i], band) } else { 0.0 };
            let got = f64::from(planes[(band, r, c)]);
            seen += 1;
            if (got - want).abs() > expected.tolerance {
                wrong += 1;
                if first.is_empty() {
                    first = format!("band {band}, row {r}, column {c}: {got}, not {want}");
                }
            }
        }
    }
    // A value at the very half of two whole numbers may be rounded either way after two projections.
    assert!(wrong * 500 <= seen, "{wrong} of {seen} pixels: {first}");
}

/// A folder with one file that `make` puts at the path it gets.
fn folder(name: &str, make: impl FnOnce(&Path)) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    make(&dir.path().join(name));
    dir
}

/// A file that must be read to `expected`.
#[track_caller]
fn right(name: &str, expected: &Expected, make: impl FnOnce(&Path)) -> Capture {
    let dir = folder(name, make);
    let found = listed(dir.path(), &CatalogueOptions::default());
    let capture = only(&found);
    compare(capture, expected);
    capture.clone()
}

/// A file that must be refused with words of `remedy`.
#[track_caller]
fn refused(name: &str, remedy: &[&str], make: impl FnOnce(&Path)) {
    let dir = folder(name, make);
    let found = listed(dir.path(), &CatalogueOptions::default());
    assert!(found.captures.is_empty());
    let skipped = found.skipped.iter().find(|s| s.path.ends_with(name));
    let reason = &skipped.unwrap_or_else(|| panic!("{:?}", found.skipped)).reason;
    assert!(remedy.iter().all(|r| reason.contains(r)), "{reason}");
}

const NAME: &str = "a_20240812.tif";

#[test]
fn layouts_of_a_tiff() {
    for (options, bands) in [
        (&["ENDIANNESS=LITTLE"][..], 1),
        (&["ENDIANNESS=BIG"], 1),
        (&["BIGTIFF=YES"], 1),
        (&["BIGTIFF=YES", "ENDIANNESS=BIG", "TILED=YES"], 3),
        (&["TILED=YES", "BLOCKXSIZE=16", "BLOCKYSIZE=32"], 1),
        (&["BLOCKYSIZE=5"], 1),
        (&["BLOCKYSIZE=72"], 1),
        (&["INTERLEAVE=BAND", "PHOTOMETRIC=RGB"], 3),
        (&["INTERLEAVE=PIXEL", "PHOTOMETRIC=RGB"], 3),
        (&["INTERLEAVE=BAND", "PHOTOMETRIC=RGB", "TILED=YES", "BLOCKXSIZE=16", "BLOCKYSIZE=16"], 3),
        (&["PROFILE=GeoTIFF"], 1),
        (&["GEOTIFF_VERSION=1.1"], 1),
    ] {
        let visible = if bands == 3 { 3 } else { 1 };
        right(NAME, &Expected { visible, ..EXACT }, |p| make(p, &Spec { options, bands, ..PLAIN }));
    }
    right("A_20240812.TIF", &EXACT, |p| make(p, &PLAIN));
    // Its tie is the middle of the first pixel, and the pixels lie where they lay.
    right(NAME, &EXACT, |p| {
        make_as(p, &PLAIN, |v| v as u8, |d| d.set_metadata_item("AREA_OR_POINT", "Point", "").unwrap());
    });
}

#[test]
fn numbers_of_a_tiff() {
    let gained = |gain: f64| (Spec { gain, ..PLAIN }, Expected { gain, ..EXACT });
    let (eleven, read) = gained(8.0);
    right(NAME, &read, |p| make_as(p, &Spec { options: &["NBITS=11"], ..eleven }, |v| v as u16, |_| {}));
    let (sixteen, read) = gained(280.0);
    right(NAME, &read, |p| make_as(p, &sixteen, |v| v as u16, |_| {}));
    let (negative, read) = gained(-100.0);
    right(NAME, &read, |p| make_as(p, &negative, |v| v as i16, |_| {}));
    let (wide, read) = gained(70_000.0);
    right(NAME, &read, |p| make_as(p, &wide, |v| v as u32, |_| {}));
    right(NAME, &read, |p| make_as(p, &wide, |v| v as i32, |_| {}));
    let (small, read) = gained(1.0 / 1024.0);
    right(NAME, &read, |p| make_as(p, &small, |v| v as f32, |_| {}));
    right(NAME, &read, |p| make_as(p, &small, |v| v, |_| {}));
}

/// Every compression that this GDAL writes.
#[test]
fn compressions_of_a_tiff() {
    let driver = DriverManager::get_driver_by_name("GTiff").unwrap();
    let told = driver.metadata_item("DMD_CREATIONOPTIONLIST", "").unwrap();
    let list = told.split("name='COMPRESS'").nth(1).unwrap().split("</Option>").next().unwrap().to_owned();
    let known: Vec<&str> =
        list.split("<Value").skip(1).filter_map(|v| v.split('>').nth(1)?.split('<').next()).collect();
    assert!(["DEFLATE", "LZW", "JPEG", "PACKBITS"].iter().all(|c| known.contains(c)), "{known:?}");
    let mut tried = 0;
    for name in known {
        let compress = format!("COMPRESS={name}");
        let mut options = vec![compress.as_str(), "TILED=YES", "BLOCKXSIZE=32", "BLOCKYSIZE=32"];
        let mut expected = Expected { visible: 3, ..EXACT };
        match name {
            // For pixels of one bit.
            n if n.starts_with("CCITT") => continue,
            "JPEG" => {
                options.extend(["JPEG_QUALITY=95", "PHOTOMETRIC=RGB"]);
                expected.tolerance = 25.0;
            }
            "WEBP" => options.push("WEBP_LOSSLESS=YES"),
            "JXL" => options.push("JXL_LOSSLESS=YES"),
            _ => options.push("PHOTOMETRIC=RGB"),
        }
        tried += 1;
        right(NAME, &expected, |p| make(p, &Spec { options: &options, bands: 3, ..PLAIN }));
    }
    eprintln!("{tried} compressions");
    for predictor in ["PREDICTOR=2", "PREDICTOR=3"] {
        let options = &["COMPRESS=DEFLATE", predictor];
        right(NAME, &EXACT, |p| make_as(p, &Spec { options, ..PLAIN }, |v| v as f32, |_| {}));
    }
    let ycbcr = ["COMPRESS=JPEG", "PHOTOMETRIC=YCBCR", "JPEG_QUALITY=95"];
    let expected = Expected { visible: 3, tolerance: 30.0, ..EXACT };
    right(NAME, &expected, |p| make(p, &Spec { options: &ycbcr, bands: 3, ..PLAIN }));
}

#[test]
fn places() {
    let (x, y) = CORNER;
    let turned = {
        let (s, c) = 0.3_f64.sin_cos();
        [x, 0.5 * c, 0.5 * s, y, 0.5 * s, -0.5 * c]
    };
    // Corner in other systems, to the digits that matter little: the scene is a formula.
    let degrees = [35.2416, 7.2e-6, 0.0, 51.6725, 0.0, -4.5e-6];
    let mercator = [3_923_080.0, 0.8, 0.0, 6_741_880.0, 0.0, -0.8];
    let laea = "+proj=laea +lat_0=51.7 +lon_0=35.2 +datum=WGS84 +units=m";
    let utm_by_hand = "+proj=tmerc +lat_0=0 +lon_0=33 +k=0.9996 +x_0=500000 +y_0=0 +datum=WGS84 +units=m";
    // Gauss-Krueger: its authority has northing first.
    let gauss = "EPSG:28406";
    for (crs, gt) in [
        ("EPSG:32636", UTM),
        ("EPSG:32636", turned),
        // South up, mirrored, and rows along the columns of the map.
        ("EPSG:32636", [x, 0.5, 0.0, y - 36.0, 0.0, 0.5]),
        ("EPSG:32636", [x + 28.0, -0.5, 0.0, y, 0.0, -0.5]),
        ("EPSG:32636", [x, 0.0, 0.5, y, -0.5, 0.0]),
        ("EPSG:32636", [x, 0.5, 0.0, y, 0.0, -0.25]),
        ("EPSG:32637", [240_150.0, 0.5, 0.0, 5_731_310.0, 0.0, -0.5]),
        ("EPSG:4326", degrees),
        ("EPSG:4258", degrees),
        ("EPSG:3857", mercator),
        (laea, [2800.0, 0.5, 0.0, -3000.0, 0.0, -0.5]),
        (utm_by_hand, UTM),
        (gauss, [6_655_000.0, 0.5, 0.0, 5_729_000.0, 0.0, -0.5]),
    ] {
        let capture = right(NAME, &EXACT, |p| make(p, &Spec { crs, gt, ..PLAIN }));
        let near = capture.footprint.exterior().0[0];
        assert!((near.x - 35.2).abs() < 0.2 && (near.y - 51.7).abs() < 0.2, "{crs}: {near:?}");
    }
    // A pixel's place given as its middle.
    right(NAME, &EXACT, |p| {
        make_as(p, &PLAIN, |v| v as u8, |d| d.set_metadata_item("AREA_OR_POINT", "Point", "").unwrap());
    });
}

#[test]
fn places_beside_the_file() {
    let bare = Spec { bare: true, options: &["PROFILE=BASELINE"], ..PLAIN };
    let esri = {
        let srs = srs("EPSG:32636");
        srs.morph_to_esri().unwrap();
        srs.to_wkt().unwrap()
    };
    // World file and Esri's text.
    right(NAME, &EXACT, |p| {
        make(p, &bare);
        world_file(&p.with_extension("tfw"), UTM);
        std::fs::write(p.with_extension("prj"), &esri).unwrap();
    });
    // All in the .aux.xml.
    let capture = right(NAME, &EXACT, |p| {
        make_as(p, &Spec { bare: false, ..bare.clone() }, |v| v as u8, |_| {});
        assert!(p.with_file_name(format!("{NAME}.aux.xml")).is_file());
    });
    assert_eq!(capture.grid.crs.epsg, Some(32636));
    // A world file alone: refused, and read with the system that a person names.
    let dir = folder(NAME, |p| {
        make(p, &bare);
        world_file(&p.with_extension("tfw"), UTM);
    });
    let found = listed(dir.path(), &CatalogueOptions::default());
    assert!(found.captures.is_empty() && found.skipped[0].reason.contains("--crs"), "{:?}", found.skipped);
    let options = CatalogueOptions { crs: Some(named_crs("EPSG:32636").unwrap()), ..Default::default() };
    compare(only(&listed(dir.path(), &options)), &EXACT);
}

#[test]
fn pixels_that_are_no_data() {
    let left: fn(usize, usize) -> bool = |_, c| c >= 9;
    let partly = Expected { valid: left, ..EXACT };
    let hole = |v: f64, bad: f64, i: usize| if i % SHAPE.1 < 9 { bad } else { v };
    // The file is written band after band, row after row: count pixels.
    let counted = |bad: f64| {
        let i = std::cell::Cell::new(0);
        move |v: f64| {
            let n = i.get();
            i.set(n + 1);
            hole(v, bad, n % (SHAPE.0 * SHAPE.1))
        }
    };
    let (zero, nan, minus) = (counted(0.0), counted(f64::NAN), counted(-32768.0));
    right(NAME, &partly, |p| {
        make_as(
            p,
            &PLAIN,
            |v| zero(v) as u8,
            |d| d.rasterband(1).unwrap().set_no_data_value(Some(0.0)).unwrap(),
        );
    });
    right(NAME, &partly, |p| {
        let set = |d: &mut Dataset| d.rasterband(1).unwrap().set_no_data_value(Some(f64::NAN)).unwrap();
        make_as(p, &PLAIN, |v| nan(v) as f32, set);
    });
    right(NAME, &partly, |p| {
        let set = |d: &mut Dataset| d.rasterband(1).unwrap().set_no_data_value(Some(-32768.0)).unwrap();
        make_as(p, &PLAIN, |v| minus(v) as i16, set);
    });
    let colour = Expected { visible: 3, ..Expected { valid: left, ..EXACT } };
    // Alpha: the fourth band.
    right(NAME, &colour, |p| {
        make(p, &Spec { bands: 4, options: &["PHOTOMETRIC=RGB", "ALPHA=YES"], ..PLAIN });
        let update =
            gdal::DatasetOptions { open_flags: gdal::GdalOpenFlags::GDAL_OF_UPDATE, ..Default::default() };
        let dataset = Dataset::open_ex(p, update).unwrap();
        let data = (0..SHAPE.0 * SHAPE.1).map(|i| if i % SHAPE.1 < 9 { 0_u8 } else { 255 }).collect();
        let mut buffer = Buffer::new((SHAPE.1, SHAPE.0), data);
        dataset.rasterband(4).unwrap().write((0, 0), (SHAPE.1, SHAPE.0), &mut buffer).unwrap();
        dataset.close().unwrap();
    });
    for internal in ["YES", "NO"] {
        gdal::config::set_thread_local_config_option("GDAL_TIFF_INTERNAL_MASK", internal).unwrap();
        right(NAME, &colour, |p| {
            make_as(
                p,
                &Spec { bands: 3, options: &["PHOTOMETRIC=RGB"], ..PLAIN },
                |v| v as u8,
                |d| {
                    let mut band = d.rasterband(1).unwrap();
                    band.create_mask_band(true).unwrap();
                    let data =
                        (0..SHAPE.0 * SHAPE.1).map(|i| if i % SHAPE.1 < 9 { 0_u8 } else { 255 }).collect();
                    let mut buffer = Buffer::new((SHAPE.1, SHAPE.0), data);
                    band.open_mask_band().unwrap().write((0, 0), (SHAPE.1, SHAPE.0), &mut buffer).unwrap();
                },
            );
            assert_eq!(p.with_file_name(format!("{NAME}.msk")).is_file(), internal == "NO");
        });
    }
    // A value that means no data in one image means nothing in the other.
    let dir = tempfile::tempdir().unwrap();
    let nodata = |d: &mut Dataset| d.rasterband(1).unwrap().set_no_data_value(Some(120.0)).unwrap();
    make_as(&dir.path().join("a_20240801.tif"), &PLAIN, |v| v as u8, nodata);
    make(&dir.path().join("b_20240812.tif"), &PLAIN);
    let found = listed(dir.path(), &CatalogueOptions::default());
    let whole = Window::new(0, 0, SHAPE.0, SHAPE.1);
    let invalid =
        |c: &Capture| Image::open(c).unwrap().read_gray(whole).unwrap().valid.iter().filter(|v| !**v).count();
    assert!(invalid(&found.captures[0]) > 10 && invalid(&found.captures[1]) == 0);
}

/// Sets the upper left tile of a sparse image of several tiles and leaves the others out.
fn sparse(path: &Path, nodata: bool) {
    let driver = DriverManager::get_driver_by_name("GTiff").unwrap();
    let list = CslStringList::from_iter(
        ["SPARSE_OK=TRUE", "TILED=YES", "BLOCKXSIZE=32", "BLOCKYSIZE=32"].map(String::from),
    );
    let mut dataset =
        driver.create_with_band_type_with_options::<u8, _>(path, SHAPE.1, SHAPE.0, 1, &list).unwrap();
    dataset.set_geo_transform(&UTM).unwrap();
    dataset.set_spatial_ref(&srs("EPSG:32636")).unwrap();
    if nodata {
        dataset.rasterband(1).unwrap().set_no_data_value(Some(0.0)).unwrap();
    }
    let all = &values("EPSG:32636", UTM, SHAPE, 1)[0];
    let data = (0..32 * 32).map(|i| all[i / 32 * SHAPE.1 + i % 32] as u8).collect();
    dataset.rasterband(1).unwrap().write((0, 0), (32, 32), &mut Buffer::new((32, 32), data)).unwrap();
    dataset.close().unwrap();
}

#[test]
fn sparse_files() {
    let corner: fn(usize, usize) -> bool = |r, c| r < 32 && c < 32;
    right(NAME, &Expected { valid: corner, ..EXACT }, |p| sparse(p, true));
    // Without a value that means no data, what is left out is none either.
    right(NAME, &Expected { valid: corner, ..EXACT }, |p| sparse(p, false));
    let dir = folder("b.tif", |p| {
        sparse(p, true);
        let to = p.with_file_name(NAME);
        assert!(copy(p, &to, "COG", &["SPARSE_OK=TRUE", "BLOCKSIZE=128", "COMPRESS=DEFLATE"]));
        std::fs::remove_file(p).unwrap();
    });
    compare(only(&listed(dir.path(), &CatalogueOptions::default())), &Expected { valid: corner, ..EXACT });
}

/// Overviews whose making was cut short must not show holes in pictures.
#[test]
fn overviews_partly_built() {
    for external in [false, true] {
        let capture_of = |dir: &TempDir| only(&listed(dir.path(), &CatalogueOptions::default())).clone();
        let flat = |p: &Path| {
            let options = ["TILED=YES", "BLOCKXSIZE=16", "BLOCKYSIZE=16", "SPARSE_OK=TRUE"];
            make_as(p, &Spec { options: &options, ..PLAIN }, |_| 77_u8, |_| {});
        };
        let dir = folder(NAME, |p| {
            flat(p);
            let flags = match external {
                true => gdal::GdalOpenFlags::GDAL_OF_READONLY,
                false => gdal::GdalOpenFlags::GDAL_OF_UPDATE,
            };
            gdal::config::set_thread_local_config_option("SPARSE_OK_OVERVIEW", "TRUE").unwrap();
            gdal::config::set_thread_local_config_option("GDAL_TIFF_OVR_BLOCKSIZE", "64").unwrap();
            let options = gdal::DatasetOptions { open_flags: flags, ..Default::default() };
            let mut dataset = Dataset::open_ex(p, options).unwrap();
            // "NONE" makes the overviews and fills them with nothing.
            dataset.build_overviews("NONE", &[2, 4], &[]).unwrap();
            dataset.close().unwrap();
            assert_eq!(p.with_file_name(format!("{NAME}.ovr")).is_file(), external);
        });
        let capture = capture_of(&dir);
        let mut image = Image::open(&capture).unwrap();
        let (rgb, valid) = image.read_rgb(Window::new(0, 0, 72, 56), (18, 14)).unwrap();
        assert!(valid.iter().all(|v| *v));
        assert!(
            rgb.iter().all(|v| *v == 77.0),
            "external {external}: {:?}",
            rgb.iter().copied().fold(f32::MAX, f32::min)
        );
        // Whole ones are used.
        let dir = folder(NAME, |p| {
            flat(p);
            let mut dataset = Dataset::open(p).unwrap();
            dataset.build_overviews("AVERAGE", &[2], &[]).unwrap();
            dataset.close().unwrap();
        });
        let mut image = Image::open(&capture_of(&dir)).unwrap();
        assert!(image.read_rgb(Window::new(0, 0, 72, 56), (36, 28)).unwrap().0.iter().all(|v| *v == 77.0));
    }
}

#[test]
fn other_containers() {
    let plain = |dir: &Path, bands: usize| {
        let path = dir.join("source.tif");
        let options: &[&str] = if bands == 3 { &["PHOTOMETRIC=RGB"] } else { &[] };
        make(&path, &Spec { bands, options, ..PLAIN });
        path
    };
    let colour = Expected { visible: 3, ..EXACT };
    let in_one = |name: &str, driver: &str, options: &[&str], bands: usize, expected: &Expected| {
        let dir = tempfile::tempdir().unwrap();
        let source = plain(dir.path(), bands);
        if !copy(&source, &dir.path().join(name), driver, options) {
            eprintln!("SKIPPED: this GDAL has no {driver}");
            return;
        }
        std::fs::remove_file(&source).unwrap();
        compare(only(&listed(dir.path(), &CatalogueOptions::default())), expected);
    };
    // NITF says the places of the middles of its corner pixels in whole metres.
    let dir = tempfile::tempdir().unwrap();
    let source = dir.path().join("source.tif");
    let whole_metres = [CORNER.0 - 0.5, 1.0, 0.0, CORNER.1 + 0.5, 0.0, -1.0];
    make(&source, &Spec { gt: whole_metres, bands: 3, options: &["PHOTOMETRIC=RGB"], ..PLAIN });
    assert!(copy(&source, &dir.path().join("a_20240812.ntf"), "NITF", &["ICORDS=N"]));
    std::fs::remove_file(&source).unwrap();
    compare(only(&listed(dir.path(), &CatalogueOptions::default())), &colour);
    // And when it was taken.
    make(&source, &Spec { gt: whole_metres, ..PLAIN });
    assert!(copy(&source, &dir.path().join("dated.ntf"), "NITF", &["ICORDS=N", "IDATIM=20240805084107"]));
    std::fs::remove_file(&source).unwrap();
    let found = listed(dir.path(), &CatalogueOptions::default());
    let times: Vec<String> = found.captures.iter().map(|c| c.datetime.to_rfc3339()).collect();
    assert_eq!(times, ["2024-08-05T08:41:07+00:00", "2024-08-12T00:00:00+00:00"]);
    in_one("a_20240812.jp2", "JP2OpenJPEG", &["QUALITY=100", "REVERSIBLE=YES"], 3, &colour);
    in_one("a_20240812.img", "HFA", &[], 3, &colour);
    in_one("a_20240812.tif", "COG", &["BLOCKSIZE=128"], 3, &colour);
    in_one("a_20240812.gpkg", "GPKG", &["TILE_FORMAT=PNG"], 3, &Expected { visible: 3, ..EXACT });
    in_one("a_20240812.png", "PNG", &["WORLDFILE=YES"], 3, &colour);
    let lossy = Expected { visible: 3, tolerance: 30.0, ..EXACT };
    in_one("a_20240812.jpg", "JPEG", &["WORLDFILE=YES", "QUALITY=95"], 3, &lossy);
    // A picture by its world file and a .prj alone.
    let dir = tempfile::tempdir().unwrap();
    let source = plain(dir.path(), 1);
    let path = dir.path().join("a_20240812.png");
    assert!(copy(&source, &path, "PNG", &["WORLDFILE=YES"]));
    std::fs::remove_file(&source).unwrap();
    let _ = std::fs::remove_file(dir.path().join("a_20240812.png.aux.xml"));
    std::fs::rename(dir.path().join("a_20240812.wld"), dir.path().join("a_20240812.pgw")).unwrap();
    std::fs::write(dir.path().join("a_20240812.prj"), srs("EPSG:32636").to_wkt().unwrap()).unwrap();
    compare(only(&listed(dir.path(), &CatalogueOptions::default())), &EXACT);
    // A picture that nobody placed is no image, and worth a word only where there is none.
    std::fs::rename(dir.path().join("a_20240812.pgw"), dir.path().join("aside")).unwrap();
    std::fs::copy(&path, dir.path().join("b_20240812.png")).unwrap();
    std::fs::write(dir.path().join("order.zip"), "PK").unwrap();
    let found = listed(dir.path(), &CatalogueOptions::default());
    let said: Vec<(&str, &str)> = found
        .skipped
        .iter()
        .map(|s| (s.path.file_name().unwrap().to_str().unwrap(), s.reason.as_str()))
        .collect();
    assert_eq!((found.captures.len(), said.len()), (0, 2), "{said:?}");
    assert!(
        said[0].0 == "a_20240812.png" && said[0].1.contains("world file") && said[0].1.contains("1 more")
    );
    assert!(said[1].0 == "order.zip" && said[1].1.contains("unpack it"));
    std::fs::rename(dir.path().join("aside"), dir.path().join("a_20240812.pgw")).unwrap();
    assert_eq!(listed(dir.path(), &CatalogueOptions::default()).skipped, []);
}

#[test]
fn mbtiles() {
    // Its tiles are resampled, so the scene is smooth here: the place is what counts.
    let dir = tempfile::tempdir().unwrap();
    let source = dir.path().join("source.tif");
    let mercator = [3_923_080.0, 0.597_164_283_559_817, 0.0, 6_741_880.0, 0.0, -0.597_164_283_559_817];
    make(&source, &Spec { crs: "EPSG:3857", gt: mercator, bands: 3, options: &["PHOTOMETRIC=RGB"], ..PLAIN });
    let path = dir.path().join("a_20240812.mbtiles");
    if !copy(&source, &path, "MBTiles", &["TILE_FORMAT=PNG", "RESAMPLING=NEAREST"]) {
        return eprintln!("SKIPPED: this GDAL has no MBTiles");
    }
    std::fs::remove_file(&source).unwrap();
    let found = listed(dir.path(), &CatalogueOptions::default());
    let capture = only(&found);
    let (rows, cols) = capture.grid.shape();
    let (planes, valid) =
        Image::open(capture).unwrap().read_visible_bands(Window::new(0, 0, rows, cols)).unwrap();
    let (mut off, mut seen) = (0.0, 0.0);
    let middles: Vec<Pixel> = (0..rows * cols)
        .map(|i| Pixel { row: (i / cols) as f64 + 0.5, col: (i % cols) as f64 + 0.5 })
        .collect();
    let places = to_lon_lat(&capture.grid, &middles).unwrap();
    let to = CoordTransform::new(&srs("EPSG:4326"), &srs("EPSG:32636")).unwrap();
    for (i, place) in places.iter().enumerate() {
        let (r, c) = (i / cols, i % cols);
        let (mut x, mut y) = ([place.x], [place.y]);
        to.transform_coords(&mut x, &mut y, &mut []).unwrap();
        if valid[(r, c)] {
            off += (f64::from(planes[(0, r, c)]) - scene(x[0], y[0], 0)).abs();
            seen += 1.0;
        }
    }
    // Half a pixel off is 2 grey levels of the scene on average.
    assert!(seen > 3000.0 && off / seen < 2.5, "{} over {seen}", off / seen);
}

#[test]
fn vrts() {
    let dir = tempfile::tempdir().unwrap();
    let tiles = dir.path().join("tiles");
    std::fs::create_dir(&tiles).unwrap();
    let right_half = [UTM[0] + 28.0, 0.5, 0.0, UTM[3], 0.0, -0.5];
    make(&tiles.join("west.tif"), &PLAIN);
    make(&tiles.join("east.tif"), &Spec { gt: right_half, ..PLAIN });
    let open = |name: &str| Dataset::open(tiles.join(name)).unwrap();
    let vrt = dir.path().join("a_20240812.vrt");
    let built =
        gdal::programs::raster::build_vrt(Some(&vrt), &[open("west.tif"), open("east.tif")], None).unwrap();
    built.close().unwrap();
    // The tiles are part of it, and have no date of their own.
    let found = listed(dir.path(), &CatalogueOptions::default());
    let capture = only(&found);
    assert_eq!(capture.grid.shape(), (72, 112));
    compare(capture, &EXACT);
    std::fs::remove_file(tiles.join("east.tif")).unwrap();
    let found = listed(dir.path(), &CatalogueOptions::default());
    assert!(found.captures.is_empty());
    let reason = &found.skipped.iter().find(|s| s.path == vrt).unwrap().reason;
    assert!(reason.contains("east.tif") && reason.contains("missing"), "{reason}");
}

#[test]
fn what_cannot_be_used_is_refused_with_the_remedy() {
    refused(NAME, &["palette", "gdal_translate -expand rgb"], |p| {
        make_as(
            p,
            &PLAIN,
            |v| v as u8,
            |d| {
                let mut colours = ColorTable::new(PaletteInterpretation::Rgba);
                colours.set_color_entry(1, &ColorEntry::rgba(90, 80, 70, 255));
                d.rasterband(1).unwrap().set_color_table(&colours);
            },
        );
    });
    let bare = Spec { bare: true, options: &["PROFILE=BASELINE"], ..PLAIN };
    refused(NAME, &["no geotransform", "world file"], |p| make(p, &bare));
    refused(NAME, &["no coordinate reference system", "--crs EPSG:n"], |p| {
        make(p, &bare);
        world_file(&p.with_extension("tfw"), UTM);
    });
    let rpc = [
        ("LINE_OFF", "36"),
        ("SAMP_OFF", "28"),
        ("LAT_OFF", "51.67"),
        ("LONG_OFF", "35.24"),
        ("HEIGHT_OFF", "200"),
        ("LINE_SCALE", "36"),
        ("SAMP_SCALE", "28"),
        ("LAT_SCALE", "0.01"),
        ("LONG_SCALE", "0.01"),
        ("HEIGHT_SCALE", "500"),
    ];
    let with_rpc = |d: &mut Dataset| {
        for (key, value) in rpc {
            d.set_metadata_item(key, value, "RPC").unwrap();
        }
        for key in ["LINE_NUM_COEFF", "LINE_DEN_COEFF", "SAMP_NUM_COEFF", "SAMP_DEN_COEFF"] {
            d.set_metadata_item(key, &format!("1{}", " 0".repeat(19)), "RPC").unwrap();
        }
    };
    refused(NAME, &["not orthorectified", "gdalwarp -rpc", "-t_srs EPSG:32636", NAME], |p| {
        make_as(p, &bare, |v| v as u8, with_rpc);
    });
    // Corners in seconds of arc that GDAL makes a grid of do not make it orthorectified.
    let level_1 = |p: &Path| {
        let degrees = [35.24, 1.2e-5, 0.0, 51.68, 0.0, -1.2e-5];
        let from = p.with_extension("tif");
        make_as(&from, &Spec { crs: "EPSG:4326", gt: degrees, ..PLAIN }, |v| v as u8, with_rpc);
        assert!(copy(&from, p, "NITF", &["ICORDS=G"]));
        let placed = Dataset::open(p).unwrap();
        assert!(placed.geo_transform().is_ok(), "GDAL makes a grid of it");
        std::fs::remove_file(&from).unwrap();
    };
    refused("a_20240812.ntf", &["not orthorectified", "gdalwarp -rpc", "-t_srs EPSG:32636"], level_1);
    refused(NAME, &["complex", "gdal_translate -ot"], |p| {
        // GDAL's complex types have no Rust type: by the command.
        let list = gdal::raster::RasterCreationOptions::default();
        let source = p.with_file_name("s.vrt");
        make(&p.with_file_name("s.tif"), &PLAIN);
        std::fs::write(&source, "<VRTDataset rasterXSize=\"56\" rasterYSize=\"72\"><SRS>EPSG:32636</SRS><GeoTransform>655000,0.5,0,5727000,0,-0.5</GeoTransform><VRTRasterBand dataType=\"CFloat32\" band=\"1\"><SimpleSource><SourceFilename relativeToVRT=\"1\">s.tif</SourceFilename></SimpleSource></VRTRasterBand></VRTDataset>").unwrap();
        let driver = DriverManager::get_driver_by_name("GTiff").unwrap();
        Dataset::open(&source).unwrap().create_copy(&driver, p, &list).unwrap().close().unwrap();
        std::fs::remove_file(&source).unwrap();
        std::fs::remove_file(p.with_file_name("s.tif")).unwrap();
    });
    refused("plain.tif", &["no date", "yyyy-mm-dd", "[[capture]]"], |p| make(p, &PLAIN));
}

#[test]
fn a_file_that_nobody_may_read_says_so() {
    use std::os::unix::fs::PermissionsExt;
    let dir = folder(NAME, |p| make(p, &PLAIN));
    let path = dir.path().join(NAME);
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o000)).unwrap();
    if std::fs::File::open(&path).is_ok() {
        return eprintln!("SKIPPED: this user may read every file");
    }
    let reason = &listed(dir.path(), &CatalogueOptions::default()).skipped[0].reason;
    assert!(reason.contains("cannot be read") && reason.contains("permissions"), "{reason}");
}

#[test]
fn bands_by_description_sensor_and_order() {
    let described = |names: &'static [&'static str]| {
        move |d: &mut Dataset| {
            for (i, name) in names.iter().enumerate() {
                d.rasterband(i + 1).unwrap().set_description(name).unwrap();
            }
        }
    };
    let dir = folder(NAME, |p| {
        let spec = Spec { bands: 4, options: &["PHOTOMETRIC=MINISBLACK"], ..PLAIN };
        make_as(p, &spec, |v| v as u8, described(&["NIR", "Blue", "Green", "Red"]));
    });
    let found = listed(dir.path(), &CatalogueOptions::default());
    let capture = only(&found);
    use BandRole::{Blue, Coastal, Green, NearInfrared, Red, RedEdge, Yellow};
    assert_eq!(capture.roles, [NearInfrared, Blue, Green, Red]);
    let whole = Window::new(0, 0, SHAPE.0, SHAPE.1);
    let mut image = Image::open(capture).unwrap();
    let (rgb, _) = image.read_visible_bands(whole).unwrap();
    let (with_nir, _) = image.read_visible_and_infrared(whole).unwrap();
    let at = |band: usize| scene(CORNER.0 + 2.75, CORNER.1 - 1.75, band) as f32;
    assert_eq!(rgb.slice(s![.., 3, 5]).to_vec(), [at(3), at(2), at(1)]);
    assert_eq!(with_nir.slice(s![.., 3, 5]).to_vec(), [at(3), at(2), at(1), at(0)]);
    assert!(capture.has_infrared() && image.green() == Some(1));
    let cells = image.read_infrared(Window::new(2, 3, 1, 1)).unwrap().unwrap();
    let mean = |plane: usize| with_nir.slice(s![plane, 8..12, 12..16]).sum() / 16.0;
    assert_eq!((cells.green[(0, 0)], cells.near_infrared[(0, 0)]), (mean(1), mean(3)));

    let dir = folder(NAME, |p| {
        make(p, &Spec { bands: 8, options: &["PHOTOMETRIC=MINISBLACK"], ..PLAIN });
        let imd = "BEGIN_GROUP = IMAGE_1\n satId = \"WV02\";\n firstLineTime = 2024-08-12T08:41:07Z;\nEND_GROUP = IMAGE_1\n";
        std::fs::write(p.with_extension("IMD"), imd).unwrap();
    });
    let found = listed(dir.path(), &CatalogueOptions::default());
    assert_eq!(only(&found).roles, [Coastal, Blue, Green, Yellow, Red, RedEdge, NearInfrared, NearInfrared]);
    let (rgb, _) = Image::open(&found.captures[0]).unwrap().read_visible_bands(whole).unwrap();
    assert_eq!([rgb[(0, 3, 5)], rgb[(1, 3, 5)], rgb[(2, 3, 5)]], [at(4), at(2), at(1)]);
    // Four bands of a byte are the last one alpha to GDAL, unless somebody says what it shows.
    let default = Spec { bands: 4, options: &["PHOTOMETRIC=RGB", "ALPHA=YES"], ..PLAIN };
    for (names, last) in [(["", "", "", ""], BandRole::Alpha), (["R", "G", "B", "N"], NearInfrared)] {
        let dir = folder(NAME, |p| {
            make_as(
                p,
                &default,
                |v| v as u8,
                |d| {
                    for (i, name) in names.iter().enumerate().filter(|(_, name)| !name.is_empty()) {
                        d.rasterband(i + 1).unwrap().set_description(name).unwrap();
                    }
                },
            );
        });
        let found = listed(dir.path(), &CatalogueOptions::default());
        assert_eq!(only(&found).roles, [Red, Green, Blue, last]);
    }

    let alone = right(NAME, &EXACT, |p| make(p, &PLAIN));
    assert_eq!(alone.roles, [BandRole::Panchromatic]);
    assert!(!alone.has_infrared());
}
