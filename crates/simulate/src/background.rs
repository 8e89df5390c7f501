//! Earthworks, look-alikes, light and sensor on real images.
//!
//! The ground is what the image shows. A work is rendered as light against that of the flanks (height profile,
//! Lambert, cast shadow, sky, disturbed soil), blurred by the sensor, and multiplied onto the pixels, so that it
//! is as faint as real works are whatever lies under it. With one image the later date is the same ground under
//! other light, through another sensor, a little displaced; with two, what changed between them is real.

mod render;
mod usable;

use chrono::{DateTime, Duration, Utc};
use domain::{Pixel, PixelMap, Window};
use ndarray::{Array2, Array3};
use rand::Rng;
use serde::{Deserialize, Serialize};

use crate::contrast::Seen;
use crate::layer::Layer;
use crate::light::{Sun, sun_at};
use crate::lookalike::{self, Land};
use crate::noise::value;
use crate::place::Place;
use crate::scene::stream;
use crate::siting::{Count, DRIVEN, Site, dig};
use crate::spots::Cloud;
use crate::truth::{Style, TruthLine};
use crate::{Error, Result};

pub use usable::{CELL_PX, Ground, Usable};

/// Longest side of an image, pixels: that of a whole ARD tile.
pub const LONGEST_PX: usize = 17_408;
/// Share of the scenes over whose later date a cloud casts its shadow.
const CLOUDY: f64 = 0.2;

/// Most bands of an image: red, green, blue and infrared.
pub const MOST_BANDS: usize = 4;

/// Pixels of a window of a real image.
#[derive(Clone, Debug, PartialEq)]
pub struct BackgroundPixels {
    /// `(bands, rows, cols)`, the file's own unit: red, green, blue or grey first.
    pub values: Array3<f32>,
    /// True where a pixel may be used.
    pub valid: Array2<bool>,
}

/// One or two real images, read by window from any thread.
pub trait Background: Sync {
    /// Why a window cannot be read.
    type Error;

    /// The pixels of a window of image 0 or 1. The window lies within the image.
    ///
    /// # Errors
    /// As the files have it.
    fn read(&self, image: usize, window: Window) -> Result<BackgroundPixels, Self::Error>;
}

/// What is known of a real image.
#[derive(Clone, Debug)]
pub struct BackgroundImage {
    /// `(rows, cols)`.
    pub shape: (usize, usize),
    /// Side of a pixel on the ground, metres.
    pub pixel_m: f64,
    /// From its pixels to those of the common frame.
    pub to_frame: PixelMap,
    /// From the pixels of the common frame to its own.
    pub from_frame: PixelMap,
    /// How many of its bands are visible light: 1, or 3 (red, green, blue).
    pub visible: usize,
    /// The band of near infrared, where there is one.
    pub infrared: Option<usize>,
    /// What the numbers are divided by so that ordinary ground is about 105 of 255.
    pub per_level: f32,
    /// When it was taken.
    pub datetime: DateTime<Utc>,
    /// Azimuth and elevation of the sun where the metadata tell, degrees.
    pub sun_deg: Option<(f64, f64)>,
}

/// What to put on real images.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BackgroundOptions {
    /// Everything random follows from it.
    pub seed: u64,
    /// No earthworks.
    pub quiet: bool,
    /// New trenches for each square kilometre that can be dug, 0 to 100. At least one is tried.
    pub trenches_per_km2: f64,
    /// New anti-vehicle ditches for each square kilometre, 0 to 50.
    pub ditches_per_km2: f64,
    /// Earthworks on both dates for each square kilometre, 0 to 50.
    pub old_works_per_km2: f64,
    /// New lines that are no earthworks for each square kilometre, 0 to 100.
    pub distractors_per_km2: f64,
    /// Share of the trenches whose spoil is up to 32 grey levels brighter than the ground, 0 to 1: on dark ground, or in
    /// a picture that was stretched, even ordinary spoil is. 0 is as faint as real ones.
    pub fresh_share: f64,
    /// Share of the works that lie in a band of turned soil of its own colour, from chernozem to chalk, and of the
    /// pipelines and roads among the look-alikes that do, 0 to 1.
    pub turned_share: f64,
    /// Share of the trench systems whose trunk runs as straight as a surveyed line, 0 to 1.
    pub straight_share: f64,
    /// Days to the later date where there is one image, 1 to 366.
    pub interval_days: u32,
    /// Longitude and latitude, degrees: for the sun.
    pub lon_lat_deg: (f64, f64),
}

impl Default for BackgroundOptions {
    fn default() -> Self {
        Self {
            seed: 261,
            quiet: false,
            trenches_per_km2: 45.0,
            ditches_per_km2: 14.0,
            old_works_per_km2: 8.0,
            distractors_per_km2: 40.0,
            fresh_share: 0.0,
            turned_share: 0.0,
            straight_share: 0.0,
            interval_days: 7,
            lon_lat_deg: crate::scene::LON_LAT_DEG,
        }
    }
}

impl BackgroundOptions {
    /// Nothing where every option lies in its range.
    ///
    /// # Errors
    /// [`Error::Option`] with the range.
    pub fn validate(&self) -> Result<()> {
        for (option, value, most) in [
            ("trenches_per_km2", self.trenches_per_km2, 100.0),
            ("ditches_per_km2", self.ditches_per_km2, 50.0),
            ("old_works_per_km2", self.old_works_per_km2, 50.0),
            ("distractors_per_km2", self.distractors_per_km2, 100.0),
            ("fresh_share", self.fresh_share, 1.0),
            ("turned_share", self.turned_share, 1.0),
            ("straight_share", self.straight_share, 1.0),
        ] {
            if !(0.0..=most).contains(&value) {
                return Err(Error::Option { option, value, least: 0.0, most });
            }
        }
        if !(1..=366).contains(&self.interval_days) {
            let value = f64::from(self.interval_days);
            return Err(Error::Option { option: "interval_days", value, least: 1.0, most: 366.0 });
        }
        Ok(())
    }
}

/// How one date is made of its image.
#[derive(Clone, Debug)]
struct Date {
    /// Number of the image.
    image: usize,
    datetime: DateTime<Utc>,
    sun: Sun,
    /// Standard deviation of the point spread, metres.
    spread_m: f64,
    /// Another light and sensor than the image's; none for what was photographed on the date.
    retake: Option<Retake>,
    /// The shadow of a cloud that is beyond the image.
    cloud: Option<Cloud>,
}

/// The same ground on another day.
#[derive(Clone, Debug)]
struct Retake {
    seed: u32,
    gain: [f32; 4],
    /// Grey levels.
    haze: f32,
    noise: f32,
    /// Pixels, standard deviation.
    blur_px: f32,
    shift_m: (f64, f64),
    parallax_m: (f64, f64),
}

impl Retake {
    /// How far what is seen at a place is displaced from its place in the image, metres east and south.
    fn displacement(&self, p: Place) -> (f64, f64) {
        let lie = 0.7 * value(self.seed ^ 0x71, p.x / 210.0, p.y / 210.0)
            + 0.3 * value(self.seed ^ 0x72, p.x / 70.0, p.y / 70.0);
        let lie = f64::from(lie);
        (self.shift_m.0 + self.parallax_m.0 * lie, self.shift_m.1 + self.parallax_m.1 * lie)
    }
}

/// Real ground with simulated works on two dates, ready to be rendered window by window.
#[derive(Clone, Debug)]
pub struct BackgroundScene {
    images: Vec<BackgroundImage>,
    dates: Vec<Date>,
    layer: Layer,
    /// Side of a pixel of the common frame, metres.
    frame_m: f64,
    area_km2: f64,
}

impl BackgroundScene {
    /// A scene on one image, or on an earlier and a later one.
    ///
    /// `frame` is the shape of the common frame, which is north up, and its pixel in metres; `usable` holds what
    /// [`Usable::survey`] says of each image.
    ///
    /// # Errors
    /// [`Error::Option`]; [`Error::Images`] for another number of images; [`Error::ImageTooLong`].
    pub fn new(
        options: &BackgroundOptions,
        images: Vec<BackgroundImage>,
        usable: &[Usable],
        ((rows, cols), frame_m): ((usize, usize), f64),
    ) -> Result<Self> {
        options.validate()?;
        if !matches!(images.len(), 1 | 2) || usable.len() != images.len() {
            return Err(Error::Images { images: images.len() });
        }
        for image in &images {
            let longest_px = image.shape.0.max(image.shape.1);
            if longest_px > LONGEST_PX {
                return Err(Error::ImageTooLong { longest_px, limit_px: LONGEST_PX });
            }
        }
        let mut dates = dates(options, &images);
        let size_m = (cols as f64 * frame_m, rows as f64 * frame_m);
        let mut rng = stream(options.seed, 7);
        if options.distractors_per_km2 > 0.0 && rng.random::<f64>() < CLOUDY {
            dates[1].cloud = Some(Cloud::draw(&mut rng, size_m.0.min(size_m.1), &dates[1].sun));
        }
        let ground_at = |p: Place| -> (Ground, [f32; 3]) {
            let at = Pixel { row: p.y / frame_m, col: p.x / frame_m };
            // What is dug is dug on the ground of the later date; the earlier must show it, were it under water.
            let mut found = (Ground::Outside, [110.0; 3]);
            for (image, usable) in images.iter().zip(usable) {
                found = usable.at(image.from_frame.at(at));
                if matches!(found.0, Ground::NoData | Ground::Outside) {
                    break;
                }
            }
            found
        };
        let closed = |p: Place, clear_m: f64| {
            [(0.0, 0.0), (-1.0, -1.0), (1.0, -1.0), (-1.0, 1.0), (1.0, 1.0)]
                .iter()
                .any(|(x, y)| ground_at(p.plus((x * clear_m, y * clear_m))).0 != Ground::Open)
        };
        // Fresh soil is darker than most ground and has a hue of its own; what lies deeper is paler.
        let mut rng = stream(options.seed, 2);
        let (dark, pale): (f32, f32) = (rng.random_range(0.7..1.05), rng.random_range(1.05..1.5));
        let warm: f32 = rng.random_range(0.0..0.12);
        let soils = |p: Place| {
            let c = ground_at(p).1;
            let level = crate::ground::luminance(c);
            let brown = |v: f32| [v * (1.0 + warm), v, v * (1.0 - 1.6 * warm)];
            (brown(level * dark), brown(level * pale))
        };
        let open_km2 = usable[usable.len() - 1].open_share() * size_m.0 * size_m.1 / 1e6;
        let number = |per_km2: f64, most: usize, least: usize| {
            if per_km2 > 0.0 { ((per_km2 * open_km2).round() as usize).clamp(least, most) } else { 0 }
        };
        let mut layer = Layer::new();
        let distractors = number(options.distractors_per_km2, 500, 1);
        let open = |p: Place| ground_at(p).0 == Ground::Open;
        let land = Land {
            size_m,
            soils: &soils,
            open: &open,
            way: &|_| false,
            edges: &[],
            turned_share: options.turned_share,
        };
        lookalike::lay(&mut layer, options.seed, distractors, 2, &land);
        if !options.quiet {
            let looks = dates
                .iter()
                .map(|d| {
                    let pixel_m = images[d.image].pixel_m;
                    let haze = d.retake.as_ref().map_or(0.0, |r| f64::from(r.haze));
                    let blur_m = (d.spread_m * d.spread_m + pixel_m * pixel_m / 6.0).sqrt();
                    Seen { sun: d.sun, blur_m, haze: haze / (haze + 110.0) }
                })
                .collect();
            let gap = (dates[1].datetime - dates[0].datetime).num_seconds() as f64 / 86_400.0;
            let days = vec![0.0, gap];
            let site = Site {
                size_m,
                closed: &closed,
                soils: &soils,
                ground: &|p, _| ground_at(p).1,
                looks,
                days,
                attempts: 400,
                most_blocked: 0.0,
                fresh_share: options.fresh_share,
                turned_share: options.turned_share,
                straight_share: options.straight_share,
                driven_shares: if distractors > 0 { DRIVEN } else { (0.0, 0.0) },
            };
            let count = Count {
                trenches: number(options.trenches_per_km2, 500, 1),
                ditches: number(options.ditches_per_km2, 100, 1),
                old: number(options.old_works_per_km2, 100, 0),
                dates: 2,
            };
            dig(&mut layer, options.seed, count, &site);
        }
        layer.seal(size_m.0.max(size_m.1), 64.0);
        let area_km2 = usable[0].valid_share() * size_m.0 * size_m.1 / 1e6;
        Ok(Self { images, dates, layer, frame_m, area_km2 })
    }

    /// When the images were taken, or pretend to have been.
    pub fn datetimes(&self) -> Vec<DateTime<Utc>> {
        self.dates.iter().map(|d| d.datetime).collect()
    }

    /// Azimuth and elevation of the sun, degrees, by date.
    pub fn suns_deg(&self) -> Vec<(f64, f64)> {
        self.dates.iter().map(|d| (d.sun.azimuth_deg, d.sun.elevation_deg)).collect()
    }

    /// The number of the image that a date is made of: its grid is the date's grid.
    pub fn image_of(&self, date: usize) -> usize {
        self.dates[date.min(1)].image
    }

    /// New earthworks, in pixels of the common frame.
    pub fn truth(&self) -> Vec<TruthLine> {
        self.layer.truth(1, self.frame_m)
    }

    /// New lines that are no earthworks, in pixels of the common frame.
    pub fn distractors(&self) -> Vec<TruthLine> {
        let mut all = self.layer.distractors(1, self.frame_m);
        if let Some(cloud) = &self.dates[1].cloud {
            let points = cloud.outline();
            all.push(TruthLine::change(Style::CloudShadow, &points, 4.0, 1, self.frame_m));
        }
        all
    }

    /// Area of the earlier image that holds data, km².
    pub fn area_km2(&self) -> f64 {
        self.area_km2
    }
}

fn dates(options: &BackgroundOptions, images: &[BackgroundImage]) -> Vec<Date> {
    let mut rng = stream(options.seed, 1);
    let mut draw = |image: usize, datetime: DateTime<Utc>, retaken: bool| {
        let info = &images[image];
        // Where the metadata are silent: mid-morning, as such satellites pass.
        let noon = datetime.date_naive().and_hms_opt(8, 41, 12).map(|t| t.and_utc()).unwrap_or(datetime);
        let (lon, lat) = options.lon_lat_deg;
        let drawn = sun_at(&(noon - Duration::minutes((lon * 4.0 - 141.0) as i64)), lon, lat);
        let (azimuth, elevation) = info.sun_deg.filter(|_| !retaken).unwrap_or(drawn);
        let elevation = elevation.clamp(12.0, 75.0);
        let sky = rng.random_range(0.18..0.3);
        let (toward, shift): (f64, f64) =
            (rng.random_range(0.0..std::f64::consts::TAU), rng.random_range(0.5..3.0));
        let off_nadir: f64 = rng.random_range(0.0..30.0_f64).to_radians();
        // Terrain of a metre or two, looked at aslant.
        let parallax = (1.2 * off_nadir.tan()).min(1.2 * info.pixel_m);
        let gain: f32 = rng.random_range(0.88..1.1);
        let gains = [0; 4].map(|_| gain * rng.random_range(0.96_f32..1.04));
        let retake = Retake {
            seed: rng.random(),
            gain: gains,
            haze: rng.random_range(0.0..9.0),
            noise: rng.random_range(0.6..1.6),
            blur_px: rng.random_range(0.15..0.6),
            shift_m: (shift * info.pixel_m * toward.cos(), shift * info.pixel_m * toward.sin()),
            parallax_m: (parallax * toward.sin(), -parallax * toward.cos()),
        };
        Date {
            image,
            datetime,
            sun: Sun::new(azimuth, elevation, sky),
            spread_m: rng.random_range(0.65..0.9) * info.pixel_m.max(0.34),
            retake: retaken.then_some(retake),
            cloud: None,
        }
    };
    let earlier = draw(0, images[0].datetime, false);
    let later = match images.get(1) {
        Some(image) => draw(1, image.datetime, false),
        None => draw(0, images[0].datetime + Duration::days(i64::from(options.interval_days)), true),
    };
    vec![earlier, later]
}
