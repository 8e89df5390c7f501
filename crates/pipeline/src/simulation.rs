//! Simulated orders: images whose truth is known, with everything that a survey of them needs.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use chrono::{DateTime, SecondsFormat, Utc};
use domain::{Capture, Crs, Grid, Pixel, Window};
use geo_types::{Coord, LineString, Polygon};
use ingest::write::{Compression, GdalType, GeoTiffOptions, GeoTiffWriter, PixelType};
use ndarray::Array3;
use report::OutputDir;
use serde_json::json;
use simulate::background::BackgroundOptions;
use simulate::suite::{self, Split};
use simulate::{Scene, TruthLine, ard, distractors_geojson, truth_geojson};

use crate::background::{self, Ground, Out};
use crate::events::{Event, Events, Stop};
use crate::{Error, Result, VERSION};

/// Side of the windows that are rendered at a time, pixels: whole tiles, so that none is compressed twice.
const WINDOW_PX: usize = 1024;
/// Memory for tiles that are read or not written yet, megabytes.
const CACHE_MB: usize = 192;
/// How far south of the middle of the scene the front runs, metres: the distance that began this program.
const FRONT_SOUTH_M: f64 = 17_000.0;
/// Half the length of the front, metres.
const FRONT_HALF_M: f64 = 24_000.0;
/// Spacing of its vertices, metres.
const FRONT_STEP_M: f64 = 500.0;
/// What the images say of themselves.
const DESCRIPTION: &str = "Simulated by Fosse; not a photograph";
/// What they say where the ground is real.
const BACKGROUND_DESCRIPTION: &str = "Earthworks simulated by Fosse on a real image; not as photographed";
/// What a person who finds the folder must know, where the ground is real.
const BACKGROUND_README: &str = "\
SIMULATED EARTHWORKS on real images: nothing in truth.geojson was ever dug. A program (fosse simulate) drew the trenches,
ditches, tracks, light and noise into photographs, to try and train detectors.

DATE.tif, DATE.json   the images by date, and what is assumed of the sun
truth.geojson         what was drawn as dug between the dates
distractors.geojson   what was drawn and is no earthwork
front.geojson         a front line, 17 km to the south, invented as well
";

/// What is simulated.
#[derive(Clone, Debug, PartialEq)]
pub enum Subject {
    /// A scene, as an order in the shape of Maxar's ARD.
    Scene(simulate::Options),
    /// Works on one real image, or on an earlier and a later one, as plain GeoTIFFs named by date.
    Background {
        /// One image, or the earlier and the later.
        files: Vec<PathBuf>,
        /// Takes the pixels to be this wide, metres, and puts them near Lgov; else they stay where they are.
        gsd_m: Option<f64>,
        /// What is put on them.
        options: BackgroundOptions,
    },
    /// The standard suite, a folder for each scene.
    Suite {
        /// One split, or all.
        split: Option<Split>,
        /// A folder of real images: as many scenes again on parts of them.
        backgrounds: Option<PathBuf>,
        /// Takes their pixels to be this wide, metres.
        gsd_m: Option<f64>,
        /// Bits of a grey level of the drawn scenes, 8 or 11; real images keep theirs.
        bits: u32,
        /// Share of the works in a band of turned soil, 0 to 1.
        turned_share: f64,
    },
}

/// What to simulate, and where to.
#[derive(Clone, Debug, PartialEq)]
pub struct SimulateOptions {
    /// Folder for the images; must be empty or missing.
    pub out: PathBuf,
    /// What.
    pub subject: Subject,
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
    /// Scenes: 1, but for a suite.
    pub scenes: usize,
}

/// Writes simulated images with their truth, and, but for a suite, a front line 17 km to the south.
///
/// # Errors
/// [`Error::Simulate`] for an option out of its range, [`Error::Background`] for a real image that will not do,
/// [`Error::Report`] where the folder is taken or cannot be written, [`Error::Images`] where an image cannot be
/// read or written, [`Error::Abandoned`] on request.
pub async fn simulate(options: &SimulateOptions, events: Arc<dyn Events>, stop: Stop) -> Result<Simulated> {
    let options = options.clone();
    ingest::configure(CACHE_MB);
    let captures = match &options.subject {
        Subject::Background { files, .. } => background::captures(files).await?,
        _ => Vec::new(),
    };
    let pairs = match &options.subject {
        Subject::Suite { backgrounds: Some(folder), .. } => background::pairs(folder).await?,
        _ => Vec::new(),
    };
    tokio::task::spawn_blocking(move || {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(options.threads).build()?;
        let job = Job { options: &options, events: &*events, stop: &stop };
        pool.install(|| match &options.subject {
            Subject::Scene(scene) => job.order(&Scene::new(scene)?),
            Subject::Background { gsd_m, options: works, .. } => {
                let out = OutputDir::create_empty(&options.out)?;
                let ground = Ground::open(&captures, None, *gsd_m, works)?;
                job.on_background(&out, "", &ground, true)
            }
            Subject::Suite { split, gsd_m, bits, turned_share, .. } => {
                job.suite(*split, &pairs, *gsd_m, (*bits, *turned_share))
            }
        })
    })
    .await?
}

/// What every step of a simulation needs.
struct Job<'a> {
    options: &'a SimulateOptions,
    events: &'a dyn Events,
    stop: &'a Stop,
}

impl Job<'_> {
    /// Writes one image window by window. `done` and `total` count windows over all images.
    fn image<T: GdalType + Copy>(
        &self,
        path: &Path,
        layout: &Out,
        (taken, about): (DateTime<Utc>, &str),
        (done, total): (&AtomicUsize, usize),
        pixels: impl Fn(Window) -> Result<Array3<T>>,
    ) -> Result<()> {
        let file = GeoTiffOptions {
            compression: match self.options.jpeg_quality {
                Some(quality) => Compression::Jpeg { quality },
                None => Compression::Deflate,
            },
            nodata: layout.nodata.map(f64::from),
            alpha: false,
            metadata: vec![
                ("TIFFTAG_DATETIME".to_owned(), taken.format("%Y:%m:%d %H:%M:%S").to_string()),
                ("TIFFTAG_IMAGEDESCRIPTION".to_owned(), about.to_owned()),
            ],
            ..GeoTiffOptions::default()
        };
        let mut writer = GeoTiffWriter::create(path, &layout.grid, layout.bands, layout.kind, &file)?;
        for window in Window::tiling(layout.grid.shape(), WINDOW_PX) {
            if self.stop.requested() {
                return Err(Error::Abandoned { out: self.options.out.clone() });
            }
            writer.write_window(window, pixels(window)?.view())?;
            let done = done.fetch_add(1, Ordering::Relaxed) + 1;
            self.events.tell(Event::Rendered { done, total });
        }
        Ok(writer.finish()?)
    }

    /// Writes a date of a drawn scene.
    fn drawn(&self, path: &Path, scene: &Scene, date: usize, count: (&AtomicUsize, usize)) -> Result<()> {
        let grid = scene.grid(Crs { wkt: String::new(), epsg: Some(ard::EPSG) });
        let about = (scene.dates()[date].datetime, DESCRIPTION);
        if scene.options().bits > 8 {
            let layout = Out { grid, bands: 3, kind: PixelType::U16, nodata: None };
            return self.image(path, &layout, about, count, |w| Ok(scene.render(date, w)));
        }
        let layout = Out { grid, bands: 3, kind: PixelType::U8, nodata: None };
        // Of 8 bits no level is lost.
        self.image(path, &layout, about, count, |w| Ok(scene.render(date, w).mapv(|v| v as u8)))
    }

    /// Writes a scene as an order.
    fn order(&self, scene: &Scene) -> Result<Simulated> {
        let out = OutputDir::create_empty(&self.options.out)?;
        let grid = scene.grid(Crs { wkt: String::new(), epsg: Some(ard::EPSG) });
        let count = (&AtomicUsize::new(0), windows(&grid) * scene.dates().len());
        let outline = outline(&grid)?;
        let mut images = Vec::new();
        for (k, date) in scene.dates().iter().enumerate() {
            let folder = ard::folder(date, &grid);
            let name = ard::visual_name(date);
            let item = ard::item_json(date, &grid, &name, &outline);
            out.write_atomic(&format!("{folder}/{}.json", date.catalogue_id), pretty(&item)?.as_bytes())?;
            let path = out.path().join(&folder).join(&name);
            self.drawn(&path, scene, k, count)?;
            images.push(path);
        }
        let last = scene.dates().len().saturating_sub(1);
        let truth = scene.truth(last);
        write_truth(&out, "", &grid, &truth, &scene.distractors(last), scene.area_km2())?;
        // What was there on each date: works grow from one to the next.
        for (k, date) in scene.dates().iter().enumerate().filter(|_| last > 1).skip(1) {
            let folder = format!("truth/{}/", date.datetime.format("%Y-%m-%d"));
            write_truth(&out, &folder, &grid, &scene.truth(k), &scene.distractors(k), scene.area_km2())?;
        }
        let taken = scene.dates().last().map(|d| d.datetime).unwrap_or_default();
        out.write_atomic("front.geojson", pretty(&front(&grid, taken)?)?.as_bytes())?;
        out.write_atomic("README.txt", readme(scene.options()).as_bytes())?;
        Ok(Simulated { images, works: truth.len(), scenes: 1 })
    }

    /// Writes a scene on real ground into `folder` below `out` ("" or with a slash at its end).
    fn on_background(
        &self,
        out: &OutputDir,
        folder: &str,
        ground: &Ground,
        alone: bool,
    ) -> Result<Simulated> {
        let (scene, taken) = (&ground.scene, ground.scene.datetimes());
        let total = (0..taken.len()).map(|k| windows(&ground.out(k).grid)).sum();
        let done = AtomicUsize::new(0);
        let mut images = Vec::new();
        for (k, (datetime, sun)) in taken.iter().zip(scene.suns_deg()).enumerate() {
            let note = json!({
                "datetime": datetime.to_rfc3339_opts(SecondsFormat::Secs, true),
                "view:sun_azimuth": tenth(sun.0),
                "view:sun_elevation": tenth(sun.1),
                "fosse:simulated": "earthworks, not ground"
            });
            let path = note_beside(out, folder, *datetime, &note)?;
            self.image(&path, ground.out(k), (*datetime, BACKGROUND_DESCRIPTION), (&done, total), |w| {
                Ok(ground.pixels(k, w)?)
            })?;
            images.push(path);
        }
        let truth = scene.truth();
        write_truth(out, folder, &ground.frame, &truth, &scene.distractors(), scene.area_km2())?;
        if alone {
            let last = taken.last().copied().unwrap_or_default();
            out.write_atomic("front.geojson", pretty(&front(&ground.frame, last)?)?.as_bytes())?;
            out.write_atomic("README.txt", BACKGROUND_README.as_bytes())?;
        }
        Ok(Simulated { images, works: truth.len(), scenes: 1 })
    }

    /// Writes a scene as plain GeoTIFFs into `folder` below `out`.
    fn plain(&self, out: &OutputDir, folder: &str, scene: &Scene) -> Result<Simulated> {
        let grid = scene.grid(Crs { wkt: String::new(), epsg: Some(ard::EPSG) });
        let count = (&AtomicUsize::new(0), windows(&grid) * scene.dates().len());
        let mut images = Vec::new();
        for (k, date) in scene.dates().iter().enumerate() {
            let note = json!({
                "datetime": date.datetime.to_rfc3339_opts(SecondsFormat::Secs, true),
                "gsd": (date.gsd_m * 100.0).round() / 100.0,
                "view:off_nadir": tenth(date.off_nadir_deg),
                "view:azimuth": tenth(date.view_azimuth_deg),
                "view:sun_azimuth": tenth(date.sun_azimuth_deg),
                "view:sun_elevation": tenth(date.sun_elevation_deg),
                "fosse:simulated": true
            });
            let path = note_beside(out, folder, date.datetime, &note)?;
            self.drawn(&path, scene, k, count)?;
            images.push(path);
        }
        let last = scene.dates().len().saturating_sub(1);
        let truth = scene.truth(last);
        write_truth(out, folder, &grid, &truth, &scene.distractors(last), scene.area_km2())?;
        Ok(Simulated { images, works: truth.len(), scenes: 1 })
    }

    /// Writes a split of the standard suite, or all of it; with pairs of real images as many scenes again on
    /// parts of them.
    fn suite(
        &self,
        split: Option<Split>,
        pairs: &[(Capture, Capture)],
        gsd_m: Option<f64>,
        (bits, turned_share): (u32, f64),
    ) -> Result<Simulated> {
        let drawn = |options: simulate::Options| simulate::Options { bits, turned_share, ..options };
        // What is out of its range is said before a folder is made.
        drawn(simulate::Options::default()).validate()?;
        let out = OutputDir::create_empty(&self.options.out)?;
        let splits = Split::ALL.into_iter().filter(|s| split.is_none_or(|wanted| wanted == *s));
        let mut all = Simulated { images: Vec::new(), works: 0, scenes: 0 };
        let mut add = |one: Simulated| {
            all.images.extend(one.images);
            all.works += one.works;
            all.scenes += 1;
        };
        for split in splits {
            for entry in suite::scenes(split) {
                add(self.plain(&out, &format!("{}/", entry.name), &Scene::new(&drawn(entry.options))?)?);
            }
            for crop in suite::crops(split).into_iter().filter(|_| !pairs.is_empty()) {
                let share = |draw: f64, n: usize| ((draw * (n + 1) as f64) as usize).min(n);
                let (earlier, later) = &pairs[share(crop.draw[0], pairs.len() - 1)];
                let (rows, cols) = earlier.grid.shape();
                let (high, wide) = (crop.size_px.min(rows), crop.size_px.min(cols));
                let corner = (share(crop.draw[1], rows - high), share(crop.draw[2], cols - wide));
                let part = Window::new(corner.0, corner.1, high, wide);
                // As thick as in the drawn scenes: there is much to learn from a part.
                let works = BackgroundOptions {
                    seed: crop.seed,
                    quiet: crop.quiet,
                    trenches_per_km2: 90.0,
                    ditches_per_km2: 30.0,
                    turned_share,
                    ..BackgroundOptions::default()
                };
                let captures = [earlier.clone(), later.clone()];
                let ground = Ground::open(&captures, Some(part), gsd_m, &works)?;
                add(self.on_background(&out, &format!("{}/", crop.name), &ground, false)?);
            }
        }
        Ok(all)
    }
}

/// Windows of an image.
fn windows(grid: &Grid) -> usize {
    Window::tiling(grid.shape(), WINDOW_PX).len()
}

fn tenth(v: f64) -> f64 {
    (v * 10.0).round() / 10.0
}

/// Writes what is known of an image beside where it will be, `FOLDER/yyyy-mm-dd.tif`, and returns that path.
fn note_beside(
    out: &OutputDir,
    folder: &str,
    taken: DateTime<Utc>,
    note: &serde_json::Value,
) -> Result<PathBuf> {
    let name = format!("{folder}{}", taken.format("%Y-%m-%d"));
    out.write_atomic(&format!("{name}.json"), pretty(note)?.as_bytes())?;
    Ok(out.path().join(format!("{name}.tif")))
}

/// Writes `truth.geojson` and `distractors.geojson` into `folder`.
fn write_truth(
    out: &OutputDir,
    folder: &str,
    grid: &Grid,
    works: &[TruthLine],
    distractors: &[TruthLine],
    area_km2: f64,
) -> Result<()> {
    // The first failure of a transformation is kept: the callback cannot return it.
    let failed = std::cell::RefCell::new(None);
    let to_lon_lat = |pixels: &[Pixel]| -> Vec<Coord> {
        ingest::to_lon_lat(grid, pixels).unwrap_or_else(|e| {
            failed.borrow_mut().get_or_insert(e);
            Vec::new()
        })
    };
    let truth = truth_geojson(works, &to_lon_lat, area_km2);
    let other = distractors_geojson(distractors, &to_lon_lat, area_km2);
    if let Some(e) = failed.into_inner() {
        return Err(e.into());
    }
    out.write_atomic(&format!("{folder}truth.geojson"), truth.as_bytes())?;
    out.write_atomic(&format!("{folder}distractors.geojson"), other.as_bytes())?;
    Ok(())
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
fn front(grid: &Grid, taken: DateTime<Utc>) -> Result<serde_json::Value> {
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
    let date = taken.date_naive().to_string();
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
fn readme(scene: &simulate::Options) -> String {
    format!(
        "SIMULATED IMAGES. Nothing here was photographed and nothing here was dug: fields, earthworks, light, dates and\n\
         the front line are drawn by a program (fosse simulate {VERSION}, seed {}).\n\
         \n\
         36/102220011331/DATE/ID-visual.tif   images, {size} x {size} px of {} m, in the layout of Maxar's ARD\n\
         36/102220011331/DATE/ID.json         their STAC items, marked \"fosse:simulated\": true\n\
         truth.geojson                        what was dug between the first date and the last\n\
         truth/DATE/truth.geojson             with more than two dates: as far as it was dug on each\n\
         distractors.geojson                  new lines that are no earthworks\n\
         front.geojson                        a front line, 17 km to the south\n\
         \n\
         Try:  fosse survey . --front front.geojson --out /tmp/out\n",
        scene.seed,
        scene.gsd_m,
        size = scene.size_px,
    )
}
