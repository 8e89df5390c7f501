//! A piece of farmland on two or more dates.

mod changes;
mod layout;

use chrono::{DateTime, Datelike, Duration, TimeZone, Utc};
use domain::{Crs, Grid, Pixel, Window};
use ndarray::Array3;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::copse::{self, Copse};
use crate::crop::drifted;
use crate::ground::Ground;
use crate::layer::{Layer, NEAREST};
use crate::light::{Sun, sun_at};
use crate::linework::Kind;
use crate::noise::value;
use crate::place::Place;
use crate::sensor::{Radiance, Rgb, Sensor};
use crate::spots::{Cloud, Spots};
use crate::trees::{Canopy, Tree, plant};
use crate::truth::TruthLine;
use crate::{Options, Result, ard};

use changes::{Change, felled};

/// Longitude and latitude of the scenes, degrees: for the sun.
pub(crate) const LON_LAT_DEG: (f64, f64) = (35.27, 51.66);
/// How far the ground goes on beyond the image, metres.
const MARGIN_M: f64 = 64.0;

/// One date of a scene, as its metadata will tell.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SceneDate {
    /// When the image was taken.
    pub datetime: DateTime<Utc>,
    /// Name of the acquisition: sixteen hexadecimal digits, as Maxar's.
    pub catalogue_id: String,
    /// Azimuth of the sun, clockwise from north.
    pub sun_azimuth_deg: f64,
    /// Height of the sun above the horizon.
    pub sun_elevation_deg: f64,
    /// Angle between the line of sight and the vertical at the satellite.
    pub off_nadir_deg: f64,
    /// Azimuth of the line of sight, clockwise from north, from the ground to the satellite.
    pub view_azimuth_deg: f64,
    /// True ground sample distance, metres; the pixels are [`Options::gsd_m`].
    pub gsd_m: f64,
    /// Displacement of the content against date 0, metres east and south. Not in the metadata.
    pub shift_m: (f64, f64),
    /// Greatest further displacement, which varies smoothly over the scene, metres. Not in the metadata.
    pub parallax_m: f64,
}

/// How one date is seen.
#[derive(Clone, Debug)]
struct Look {
    sun: Sun,
    sensor: Sensor,
    canopy: Canopy,
    cloud: Option<Cloud>,
    shift_m: (f64, f64),
    parallax: (f64, f64),
    parallax_seed: u32,
}

impl Look {
    /// How far what is seen at a place of the image is displaced from its place in date 0's frame, metres.
    fn displacement(&self, seen: Place) -> (f64, f64) {
        let seed = self.parallax_seed;
        let lie = 0.7 * value(seed, seen.x / 160.0, seen.y / 160.0)
            + 0.3 * value(seed ^ 1, seen.x / 60.0, seen.y / 60.0);
        let lie = f64::from(lie);
        (self.shift_m.0 + lie * self.parallax.0, self.shift_m.1 + lie * self.parallax.1)
    }
}

/// A piece of farmland on two or more dates, ready to be rendered window by window.
#[derive(Clone, Debug)]
pub struct Scene {
    options: Options,
    dates: Vec<SceneDate>,
    looks: Vec<Look>,
    ground: Ground,
    trees: Vec<Tree>,
    copses: Vec<Copse>,
    /// By edge of the partition.
    hedged: Vec<bool>,
    spots: Spots,
    layer: Layer,
    /// Look-alikes that are no lines laid on the ground: style, line, width, first date.
    changes: Vec<Change>,
}

/// A stream of random numbers of its own for each part of the scene, so that more of one thing does not change
/// the others.
pub(crate) fn stream(seed: u64, part: u64) -> ChaCha8Rng {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(part);
    rng
}

impl Scene {
    /// The scene that `options` describe.
    ///
    /// # Errors
    /// [`crate::Error::Option`] or [`crate::Error::TooWide`] where an option lies outside its range.
    pub fn new(options: &Options) -> Result<Self> {
        options.validate()?;
        let side_m = options.side_m();
        let dates = dates(options);
        let days: Vec<u32> = dates.iter().map(|d| d.datetime.ordinal()).collect();
        let mut rng = stream(options.seed, 2);
        let ground = Ground::new(&mut rng, side_m, MARGIN_M, &days, options.field_change, options.soil);
        let felled = felled(&mut stream(options.seed, 8), &ground, options.dates);
        let mut scene = Self {
            options: options.clone(),
            dates,
            looks: Vec::new(),
            ground,
            trees: Vec::new(),
            copses: Vec::new(),
            hedged: Vec::new(),
            spots: Spots::none(),
            layer: Layer::new(),
            changes: Vec::new(),
        };
        scene.lay_ways();
        scene.build();
        scene.plant(days[0]);
        scene.look(&felled);
        scene.lay_distractors();
        if !options.quiet {
            scene.dig();
        }
        scene.layer.seal(side_m, MARGIN_M);
        scene.note_changes(&felled);
        Ok(scene)
    }

    /// Ponds, craters, a village.
    fn build(&mut self) {
        let side_m = self.options.side_m();
        self.layer.seal(side_m, MARGIN_M);
        let roads = self.layer.lines.iter().filter(|l| matches!(l.kind, Kind::Road { .. }));
        let roads: Vec<&[Place]> = roads.map(|l| l.points.as_slice()).collect();
        let layer = &self.layer;
        let on_way = |p: Place, away_m: f64| {
            layer.on_way(p, away_m)
                || layer.lines.iter().any(|l| {
                    matches!(l.kind, Kind::Road { .. } | Kind::Stream { .. } | Kind::Railway)
                        && l.is_near(p, away_m + 2.0)
                })
        };
        let mut rng = stream(self.options.seed, 9);
        self.spots = Spots::draw(&mut rng, side_m, self.options.dates, (&roads, self.ground.soil), &on_way);
    }

    /// Trees, none of them on a way or a roof.
    fn plant(&mut self, day: u32) {
        let side_m = self.options.side_m();
        let (layer, spots) = (&self.layer, &self.spots);
        let keep_off = |p: Place| layer.on_way(p, 1.0) || spots.is_built(p, 1.5);
        self.trees = plant(&mut stream(self.options.seed, 3), &self.ground, side_m, day);
        self.trees.retain(|t| !keep_off(t.at));
        let mut rng = stream(self.options.seed, 11);
        let planted = copse::plant(&mut rng, &self.ground, layer, &spots.orchard, (side_m, day), &keep_off);
        self.copses = planted.copses;
        self.hedged = planted.hedged;
        self.trees.extend(planted.trees);
    }

    /// How each date sees it, without the belts that are felled by then.
    fn look(&mut self, felled: &[(u32, usize)]) {
        let options = &self.options;
        let mut rng = stream(options.seed, 4);
        let mut tone: Rgb = [1.0; 3];
        for (k, date) in self.dates.iter().enumerate() {
            if k > 0 {
                tone = drifted(&mut rng, tone, 0.08);
            }
            let felled: Vec<u32> = felled.iter().filter(|f| f.1 <= k).map(|f| f.0).collect();
            self.looks.push(look(&mut rng, options, date, (&self.trees, &felled), tone));
        }
        let mut rng = stream(options.seed, 7);
        for look in &mut self.looks {
            if rng.random::<f64>() < 0.12 {
                look.cloud = Some(Cloud::draw(&mut rng, options.side_m(), &look.sun));
            }
        }
    }

    /// The options it was made of.
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// The dates, the first first.
    pub fn dates(&self) -> &[SceneDate] {
        &self.dates
    }

    /// Where the pixels lie, the same for all dates: north up, in the ARD cell of Lgov. `crs` must be
    /// EPSG:32636 ([`ard::EPSG`]).
    pub fn grid(&self, crs: Crs) -> Grid {
        ard::grid((self.options.size_px, self.options.size_px), self.options.gsd_m, crs)
    }

    /// The image of a window on a date, `(3, rows, cols)`: red, green, blue, 1–255 or, with [`Options::bits`] 11,
    /// 1–2047.
    ///
    /// A date that does not exist is taken as the last. Windows may reach over the edge of the grid.
    pub fn render(&self, date: usize, window: Window) -> Array3<u16> {
        let date = date.min(self.looks.len() - 1);
        let look = &self.looks[date];
        let rim = look.sensor.rim_px();
        let (rows, cols) = (window.rows + 2 * rim, window.cols + 2 * rim);
        let mut pixels: Vec<Rgb> = vec![[0.0; 3]; rows * cols];
        pixels.par_chunks_mut(cols).enumerate().for_each(|(r, line)| {
            let row = window.row as f64 + r as f64 - rim as f64;
            for (c, pixel) in line.iter_mut().enumerate() {
                *pixel = self.pixel(date, look, row, window.col as f64 + c as f64 - rim as f64);
            }
        });
        look.sensor.expose(&Radiance { rows, cols, pixels }, window.row as i32, window.col as i32)
    }

    /// The earthworks that are there on a date and were not on the first, in date 0's frame.
    pub fn truth(&self, date: usize) -> Vec<TruthLine> {
        self.layer.truth(date, self.options.gsd_m)
    }

    /// The new lines of a date that are no earthworks, in date 0's frame.
    pub fn distractors(&self, date: usize) -> Vec<TruthLine> {
        let gsd = self.options.gsd_m;
        let mut all = self.layer.distractors(date, gsd);
        all.extend(self.changes.iter().filter(|c| c.since <= date).map(|c| c.truth(gsd)));
        all
    }

    /// Area of the image, km².
    pub fn area_km2(&self) -> f64 {
        (self.options.side_m() / 1000.0).powi(2)
    }

    /// Where something that lies at `p` in date 0's frame appears on the image of `date`: shift and parallax.
    ///
    /// Errs by less than a hundredth of a pixel. What an alignment should find.
    pub fn seen_at(&self, date: usize, p: Pixel) -> Pixel {
        let gsd = self.options.gsd_m;
        let look = &self.looks[date.min(self.looks.len() - 1)];
        let from = Place::new(p.col * gsd, p.row * gsd);
        let mut to = from;
        for _ in 0..3 {
            to = from.plus(look.displacement(to));
        }
        Pixel { row: to.y / gsd, col: to.x / gsd }
    }

    /// Ground radiance of a pixel, averaged over its square.
    fn pixel(&self, date: usize, look: &Look, row: f64, col: f64) -> Rgb {
        let gsd = self.options.gsd_m;
        let seen = Place::new((col + 0.5) * gsd, (row + 0.5) * gsd);
        let (dx, dy) = look.displacement(seen);
        let p = Place::new(seen.x - dx, seen.y - dy);
        let ground = self.spots.ground(date, p, self.ground.at(date, p));
        let mut nearest = [(0_u32, 0_u32); NEAREST];
        let found = self.layer.near(date, p, 0.75 * gsd, &mut nearest);
        let lines = &nearest[..found];
        let trees = look.canopy.near(p);
        let spots = self.spots.any_near(p);
        let veiled = |colour: Rgb| look.cloud.as_ref().map_or(colour, |cloud| cloud.over(p, colour));
        if lines.is_empty() && trees.is_empty() && !spots {
            return veiled(ground);
        }
        let n = (gsd / 0.11).ceil().clamp(4.0, 8.0) as i32;
        let mut sum = [0.0_f32; 3];
        for i in 0..n {
            for j in 0..n {
                let at = |k: i32| ((f64::from(k) + 0.5) / f64::from(n) - 0.5) * gsd;
                let q = p.plus((at(j), at(i)));
                let under = if spots { self.spots.over(date, &look.sun, q, ground) } else { ground };
                let colour = self.layer.over(date, &look.sun, lines, q, under);
                let colour = look.canopy.over(&self.trees, trees, q, colour);
                for band in 0..3 {
                    sum[band] += colour[band];
                }
            }
        }
        veiled(sum.map(|v| v / (n * n) as f32))
    }
}

fn dates(options: &Options) -> Vec<SceneDate> {
    let mut rng = stream(options.seed, 1);
    let drawn_day = rng.random_range(0..200_i64);
    let drawn_minutes = rng.random_range(0..110_i64);
    let start = options.start.unwrap_or_else(|| {
        let spring = Utc.timestamp_opt(1_710_748_800, 0).single().unwrap_or_default(); // 2024-03-18 08:00
        spring + Duration::days(drawn_day) + Duration::minutes(drawn_minutes)
    });
    let gsd_first: f64 = rng.random_range(0.36..0.58);
    (0..options.dates)
        .map(|k| {
            let minutes = if k == 0 { 0 } else { rng.random_range(-25..40_i64) };
            let days = i64::from(options.interval_days) * k as i64;
            let datetime = start + Duration::days(days) + Duration::minutes(minutes);
            let (sun_azimuth_deg, sun_elevation_deg) = sun_at(&datetime, LON_LAT_DEG.0, LON_LAT_DEG.1);
            let shift: f64 = rng.random_range(1.0..3.0) * options.gsd_m;
            let toward: f64 = rng.random_range(0.0..std::f64::consts::TAU);
            let gsd: f64 = gsd_first * rng.random_range(0.85..1.15);
            let id: u32 = rng.random();
            // Metres by which the terrain model errs.
            let relief: f64 = rng.random_range(0.5..1.6);
            let off_nadir_deg: f64 = rng.random_range(0.0..30.0);
            let parallax = relief * off_nadir_deg.to_radians().tan();
            SceneDate {
                datetime,
                catalogue_id: format!("10300100{id:08X}"),
                sun_azimuth_deg,
                sun_elevation_deg,
                off_nadir_deg,
                view_azimuth_deg: rng.random_range(0.0..360.0),
                gsd_m: gsd.max(0.34).max(options.gsd_m),
                shift_m: if k == 0 { (0.0, 0.0) } else { (shift * toward.cos(), shift * toward.sin()) },
                parallax_m: if k == 0 { 0.0 } else { parallax },
            }
        })
        .collect()
}

fn look(
    rng: &mut ChaCha8Rng,
    options: &Options,
    date: &SceneDate,
    (trees, felled): (&[Tree], &[u32]),
    tone: Rgb,
) -> Look {
    let haze: f32 = rng.random_range(2.0..13.0);
    let sky = rng.random_range(0.16..0.26) + 0.004 * f64::from(haze);
    let sun = Sun::new(date.sun_azimuth_deg, date.sun_elevation_deg.max(8.0), sky);
    let gain: f32 = rng.random_range(0.84..1.08);
    let tint = |rng: &mut ChaCha8Rng| gain * rng.random_range(0.96_f32..1.04);
    let sensor = Sensor {
        seed: rng.random(),
        spread_m: 0.85 * date.gsd_m,
        gsd_m: options.gsd_m,
        gain: [tint(rng), tint(rng), tint(rng)],
        haze: [0.75 * haze, 0.95 * haze, 1.35 * haze],
        noise: rng.random_range(0.8..1.9),
        top: ((1_u32 << options.bits) - 1) as u16,
    };
    // What is high leans away from the satellite.
    let (s, c) = date.view_azimuth_deg.to_radians().sin_cos();
    let away = (-s, c);
    let tan = date.off_nadir_deg.to_radians().tan();
    let canopy = Canopy::new(trees, felled, options.side_m(), sun, (away.0 * tan, away.1 * tan), tone);
    Look {
        sun,
        sensor,
        canopy,
        cloud: None,
        shift_m: date.shift_m,
        parallax: (away.0 * date.parallax_m, away.1 * date.parallax_m),
        parallax_seed: options.seed as u32 ^ 0x7a11,
    }
}
