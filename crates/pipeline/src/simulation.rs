//! Simulated orders: images whose truth is known, with everything that a survey of them needs.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use domain::{Crs, Grid, Pixel, Window};
use geo_types::{Coord, LineString, Polygon};
use ingest::write::{Compression, GeoTiffOptions, GeoTiffWriter, PixelType};
use report::OutputDir;
use serde_json::json;
use simulate::{Scene, ard, truth_geojson};

use crate::events::{Event, Events, Stop};
use crate::{Error, Result, VERSION};

/// Side of the windows that are rendered at a time, pixels: whole tiles, so that none is compressed twice.
const WINDOW_PX: usize = 1024;
/// How far south of the middle of the scene the front runs, metres: the distance that began this program.
const FRONT_SOUTH_M: f64 = 17_000.0;
/// Half the length of the front, metres.
const FRONT_HALF_M: f64 = 24_000.0;
/// Spacing of its vertices, metres.
const FRONT_STEP_M: f64 = 500.0;

/// What to simulate, and where to.
#[derive(Clone, Debug, PartialEq)]
pub struct SimulateOptions {
    /// Folder for the order; must be empty or missing.
    pub out: PathBuf,
    /// The scene.
    pub scene: simulate::Options,
    /// Quality of JPEG, 1–100; `None` compresses without loss.
    pub jpeg_quality: Option<u8>,
    /// Computing threads; 0 takes one for each processor.
    pub threads: usize,
}

/// What was written.
#[derive(Clone, Debug, PartialEq)]
pub struct Simulated {
    /// The images, by date.
    pub images: Vec<PathBuf>,
    /// New earthworks in the truth.
    pub works: usize,
    /// The truth, GeoJSON.
    pub truth: PathBuf,
    /// A front line, GeoJSON.
    pub front: PathBuf,
}

/// Writes an order in the shape of Maxar's ARD, its truth, and a front line 17 km to the south.
///
/// # Errors
/// [`Error::Simulate`] for an option out of its range, [`Error::Report`] where the folder is taken or cannot be
/// written, [`Error::Images`] where an image cannot be, [`Error::Abandoned`] on request.
pub async fn simulate(options: &SimulateOptions, events: Arc<dyn Events>, stop: Stop) -> Result<Simulated> {
    let options = options.clone();
    tokio::task::spawn_blocking(move || {
        let scene = Scene::new(&options.scene)?;
        let pool = rayon::ThreadPoolBuilder::new().num_threads(options.threads).build()?;
        pool.install(|| write(&options, &scene, &*events, &stop))
    })
    .await?
}

/// Writes everything; the current rayon pool renders.
fn write(options: &SimulateOptions, scene: &Scene, events: &dyn Events, stop: &Stop) -> Result<Simulated> {
    let out = OutputDir::create(&options.out, false)?;
    let grid = scene.grid(Crs { wkt: String::new(), epsg: Some(ard::EPSG) });
    let windows = Window::tiling(grid.shape(), WINDOW_PX);
    let (done, total) = (AtomicUsize::new(0), windows.len() * scene.dates().len());
    let outline = outline(&grid)?;
    let mut images = Vec::new();
    for (k, date) in scene.dates().iter().enumerate() {
        let folder = ard::folder(date, &grid);
        let name = ard::visual_name(date);
        let item = ard::item_json(date, &grid, &name, &outline);
        out.write_atomic(&format!("{folder}/{}.json", date.catalogue_id), pretty(&item)?.as_bytes())?;
        let path = out.path().join(&folder).join(&name);
        let file = GeoTiffOptions {
            compression: match options.jpeg_quality {
                Some(quality) => Compression::Jpeg { quality },
                None => Compression::Deflate,
            },
            metadata: vec![
                ("TIFFTAG_DATETIME".to_owned(), date.datetime.format("%Y:%m:%d %H:%M:%S").to_string()),
                ("TIFFTAG_IMAGEDESCRIPTION".to_owned(), "Simulated by Fosse; not a photograph".to_owned()),
            ],
            ..GeoTiffOptions::default()
        };
        let mut writer = GeoTiffWriter::create(&path, &grid, 3, PixelType::U8, &file)?;
        for &window in &windows {
            if stop.requested() {
                return Err(Error::Abandoned { out: options.out.clone() });
            }
            writer.write_window(window, scene.render(k, window).view())?;
            let done = done.fetch_add(1, Ordering::Relaxed) + 1;
            events.tell(Event::Rendered { done, total });
        }
        writer.finish()?;
        images.push(path);
    }
    let truth = scene.truth(scene.dates().len().saturating_sub(1));
    let all: Vec<&[Pixel]> = truth.iter().map(|line| line.centreline.as_slice()).collect();
    // The first failure of a transformation is kept: the callback cannot return it.
    let failed = std::cell::RefCell::new(None);
    let to_lon_lat = |pixels: &[Pixel]| -> Vec<Coord> {
        ingest::to_lon_lat(&grid, pixels).unwrap_or_else(|e| {
            failed.borrow_mut().get_or_insert(e);
            Vec::new()
        })
    };
    let text = truth_geojson(&truth, &to_lon_lat, scene.area_km2());
    if let Some(e) = failed.into_inner() {
        return Err(e.into());
    }
    let works = all.len();
    let truth = out.write_atomic("truth.geojson", text.as_bytes())?;
    let front = out.write_atomic("front.geojson", pretty(&front(scene, &grid)?)?.as_bytes())?;
    out.write_atomic("README.txt", readme(options).as_bytes())?;
    Ok(Simulated { images, works, truth, front })
}

/// JSON for people, with a line feed at its end.
fn pretty(value: &serde_json::Value) -> Result<String> {
    Ok(serde_json::to_string_pretty(value)? + "\n")
}

/// The outline of a grid in longitude and latitude.
fn outline(grid: &Grid) -> Result<Polygon> {
    let (rows, cols) = (grid.rows as f64, grid.cols as f64);
    // Counter-clockwise from the top left, as RFC 7946 wants it.
    let corners = [(0.0, 0.0), (rows, 0.0), (rows, cols), (0.0, cols), (0.0, 0.0)];
    let ring = ingest::to_lon_lat(grid, &corners.map(|(row, col)| Pixel { row, col }))?;
    Ok(Polygon::new(LineString::new(ring), Vec::new()))
}

/// A front line that winds from west to east, south of the scene.
fn front(scene: &Scene, grid: &Grid) -> Result<serde_json::Value> {
    let px = |metres: f64| metres / grid.pixel_size();
    let steps = (2.0 * FRONT_HALF_M / FRONT_STEP_M) as i32;
    let vertices: Vec<Pixel> = (0..=steps)
        .map(|i| {
            let east = -FRONT_HALF_M + f64::from(i) * FRONT_STEP_M;
            // Northernmost below the scene, so that the nearest point is not an end; waves of 3 and 11 km.
            let bend = 1.5e-5 * east * east;
            let wave = 60.0 * (east / 480.0).sin() + 150.0 * (east / 1750.0).sin();
            Pixel {
                row: grid.rows as f64 / 2.0 + px(FRONT_SOUTH_M + bend + wave),
                col: grid.cols as f64 / 2.0 + px(east),
            }
        })
        .collect();
    let degrees = |v: f64| (v * 1e6).round() / 1e6;
    let coordinates: Vec<[f64; 2]> =
        ingest::to_lon_lat(grid, &vertices)?.into_iter().map(|c| [degrees(c.x), degrees(c.y)]).collect();
    let date = scene.dates().last().map(|d| d.datetime.date_naive().to_string()).unwrap_or_default();
    Ok(json!({
        "type": "FeatureCollection",
        "features": [{
            "type": "Feature",
            "properties": {
                "name": "claimed limit (simulated)",
                "class": "claimed",
                "source": "simulated front line",
                "date": date
            },
            "geometry": { "type": "LineString", "coordinates": coordinates }
        }]
    }))
}

/// What a person who finds the folder must know.
fn readme(options: &SimulateOptions) -> String {
    let scene = &options.scene;
    format!(
        "SIMULATED IMAGES. Nothing here was photographed and nothing here was dug: fields, earthworks, light, dates and\n\
         the front line are drawn by a program (fosse simulate {VERSION}, seed {}).\n\
         \n\
         36/102220011331/DATE/ID-visual.tif   images, {size} x {size} px of {} m, in the layout of Maxar's ARD\n\
         36/102220011331/DATE/ID.json         their STAC items, marked \"fosse:simulated\": true\n\
         truth.geojson                        what was dug between the first date and the last\n\
         front.geojson                        a front line, 17 km to the south\n\
         \n\
         Try:  fosse survey . --front front.geojson --out /tmp/out\n",
        scene.seed,
        scene.gsd_m,
        size = scene.size_px,
    )
}
