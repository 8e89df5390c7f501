//! What runs on the ground without being an earthwork: roads, streams, field tracks, and the new wheel tracks,
//! pipelines and paths that look alike.

use crate::cutting::Cutting;
use crate::ground::{luminance, mix};
use crate::light::Sun;
use crate::noise::{floor, smoothstep, unit, value, value_1d};
use crate::place::{Foot, Place, foot};
use crate::sensor::Rgb;

/// What a line is, seen across it. Metres.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    /// A road with a surface `half_m` to either side and verges.
    Road { half_m: f64, surface: Rgb },
    /// A stream with reeds, whose half width swings by as much as `swing_m` from date to date.
    Stream { half_m: f64, swing_m: f64 },
    /// Two ruts.
    Ruts { gauge_m: f64, rut_m: f64, colour: Rgb, share: f32 },
    /// A new road's bed.
    Strip { half_m: f64, colour: Rgb, share: f32 },
    /// A trodden path.
    Path { half_m: f64, colour: Rgb, share: f32 },
    /// Rows of concrete pyramids: spacing along and across, side of a base, height.
    Teeth { rows: i32, spacing_m: f64, side_m: f64, height_m: f64 },
    /// A drain, a cable, a pipeline, a ploughed strip, a fence.
    Cutting(Cutting),
    /// A strip of grass or crop that was mown: its brightness against what stands, and the width of a pass.
    Mown { half_m: f64, tone: f32, pass_m: f64 },
    /// Rails on ballast.
    Railway,
    /// An earthwork, by its number.
    Work(usize),
}

/// A line on the ground.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    pub points: Vec<Place>,
    /// Metres from the start to each point.
    pub gone: Vec<f64>,
    /// Least and greatest corner of the points.
    pub extent: (Place, Place),
    pub kind: Kind,
    /// How far from the line it shows, metres.
    pub reach_m: f64,
    /// The first date on which it is there.
    pub since: usize,
    /// How much of it is there on each date from `since` on, metres from its start; all of it beyond the last
    /// entry.
    pub shown_m: Vec<f64>,
    /// Whether it goes on into another line at its start and at its end.
    pub joined: [bool; 2],
    pub seed: u32,
}

impl Line {
    pub(crate) fn new(points: Vec<Place>, kind: Kind, reach_m: f64, since: usize, seed: u32) -> Self {
        let mut gone = vec![0.0];
        for w in points.windows(2) {
            gone.push(gone[gone.len() - 1] + w[0].distance(w[1]));
        }
        let least = points
            .iter()
            .fold(Place::new(f64::INFINITY, f64::INFINITY), |a, p| Place::new(a.x.min(p.x), a.y.min(p.y)));
        let most = points.iter().fold(Place::new(f64::NEG_INFINITY, f64::NEG_INFINITY), |a, p| {
            Place::new(a.x.max(p.x), a.y.max(p.y))
        });
        Self {
            points,
            gone,
            extent: (least, most),
            kind,
            reach_m,
            since,
            shown_m: Vec::new(),
            joined: [false; 2],
            seed,
        }
    }

    /// Length along the line, metres.
    pub(crate) fn length_m(&self) -> f64 {
        self.gone.last().copied().unwrap_or(0.0)
    }

    /// How much of it is there on a date, metres from its start.
    pub(crate) fn shown_m(&self, date: usize) -> f64 {
        let whole = self.length_m();
        date.checked_sub(self.since).map_or(0.0, |k| self.shown_m.get(k).copied().unwrap_or(whole).min(whole))
    }

    /// Its points on a date, the last where digging stood.
    pub(crate) fn points_on(&self, date: usize) -> Vec<Place> {
        let shown = self.shown_m(date);
        let mut out: Vec<Place> =
            self.points.iter().zip(&self.gone).filter(|(_, s)| **s < shown).map(|(p, _)| *p).collect();
        let k = out.len().clamp(1, self.points.len() - 1);
        let (a, b) = (self.points[k - 1], self.points[k]);
        let f = (shown - self.gone[k - 1]) / (self.gone[k] - self.gone[k - 1]).max(1e-9);
        out.push(Place::new(a.x + f * (b.x - a.x), a.y + f * (b.y - a.y)));
        out
    }

    /// Whether a place is less than `away_m` from it.
    pub(crate) fn is_near(&self, p: Place, away_m: f64) -> bool {
        let (least, most) = self.extent;
        let out = p.x < least.x - away_m
            || p.x > most.x + away_m
            || p.y < least.y - away_m
            || p.y > most.y + away_m;
        !out && self.points.windows(2).any(|w| foot(p, w[0], w[1]).t.abs() < away_m)
    }

    /// Width of the whole strip, metres.
    pub(crate) fn width_m(&self) -> f64 {
        match self.kind {
            Kind::Ruts { gauge_m, rut_m, .. } => gauge_m + rut_m,
            Kind::Road { half_m, .. }
            | Kind::Stream { half_m, .. }
            | Kind::Mown { half_m, .. }
            | Kind::Strip { half_m, .. }
            | Kind::Path { half_m, .. } => 2.0 * half_m,
            Kind::Teeth { rows, spacing_m, .. } => f64::from(rows) * spacing_m,
            Kind::Cutting(cutting) => cutting.width_m(),
            Kind::Railway => 3.6,
            Kind::Work(_) => 0.0,
        }
    }

    /// How far the water of a stream reaches beyond its mean width on a date, metres; 0 for any other line.
    pub(crate) fn level_m(&self, date: usize) -> f64 {
        match self.kind {
            Kind::Stream { swing_m, .. } => {
                swing_m * f64::from(2.0 * unit(self.seed ^ 0x1e7e, date as i32, 0) - 1.0)
            }
            _ => 0.0,
        }
    }

    /// How far a stream has eaten into its right bank on a date, and left its other, metres right at `s`.
    pub(crate) fn drift_m(&self, date: usize, s: f64) -> f64 {
        match self.kind {
            Kind::Stream { swing_m, .. } => {
                0.6 * swing_m * f64::from(value_1d(self.seed ^ 0xba4c ^ ((date as u32) << 20), s / 37.0))
            }
            _ => 0.0,
        }
    }

    /// How far its banks move from date to date at most, metres.
    pub(crate) fn drifts_m(&self) -> f64 {
        match self.kind {
            Kind::Stream { swing_m, .. } => 0.6 * swing_m,
            _ => 0.0,
        }
    }

    /// Half the width of a stream's water at `s` metres along it, on a date or in the mean.
    fn water_m(&self, half_m: f64, date: Option<usize>, s: f64) -> f64 {
        let wide = half_m * (1.0 + 0.35 * f64::from(value_1d(self.seed, s / 11.0)));
        (wide + date.map_or(0.0, |date| self.level_m(date))).max(0.25 * half_m)
    }

    /// The banks of a stream on a date, left and right.
    pub(crate) fn banks(&self, date: usize) -> [Vec<Place>; 2] {
        let Kind::Stream { half_m, .. } = self.kind else { return [Vec::new(), Vec::new()] };
        [-1.0, 1.0].map(|side| {
            self.points
                .windows(2)
                .zip(&self.gone)
                .map(|(w, s)| {
                    let t = self.drift_m(date, *s) + side * self.water_m(half_m, Some(date), *s);
                    let across = foot(w[0], w[0], w[1]).across;
                    w[0].plus((t * across.0, t * across.1))
                })
                .collect()
        })
    }

    /// The colour at a place on a date, given that of the ground; `s` is metres along the line.
    pub(crate) fn over(&self, date: usize, foot: &Foot, s: f64, p: Place, sun: &Sun, ground: Rgb) -> Rgb {
        let t = foot.t;
        // Lines end by fading, not by a cap.
        let ends = {
            let last = self.length_m();
            let to_end = s.min(last - s);
            let beyond = if to_end <= 0.0 { t.abs() } else { 0.0 };
            smoothstep(0.0, 6.0, to_end as f32) * if beyond > 0.0 { 0.0 } else { 1.0 }
        };
        let grain = value(self.seed, p.x / 1.7, p.y / 1.7);
        match self.kind {
            Kind::Road { half_m, surface } => {
                let d = t.abs() as f32 + 0.25 * grain;
                let half = half_m as f32;
                let verge = smoothstep(half + 4.2, half + 3.0, d);
                let grass = [108.0, 112.0, 72.0].map(|v: f32| v * (1.0 + 0.07 * grain));
                let mut colour = mix(ground, grass, 0.8 * verge);
                // Pale shoulder, wheel lanes.
                colour = mix(colour, [164.0, 152.0, 126.0], 0.7 * smoothstep(half + 1.3, half + 0.7, d));
                let lane = (((t.abs() - 0.5 * half_m).abs() - 0.8) as f32).abs();
                let worn = 1.0 + 0.03 * grain - 0.04 * smoothstep(0.5, 0.1, lane);
                mix(colour, surface.map(|v| v * worn), smoothstep(half + 0.15, half - 0.15, t.abs() as f32))
            }
            Kind::Stream { half_m, .. } => {
                let wide = self.water_m(half_m, Some(date), s);
                let mean = self.water_m(half_m, None, s);
                let d = (t - self.drift_m(date, s)).abs() + 0.5 * f64::from(grain);
                // Meadow and reeds along it, here broad and there narrow, the same on all dates.
                let rank = 1.0 + 0.7 * f64::from(value_1d(self.seed ^ 2, s / 23.0));
                let reeds = [74.0, 88.0, 52.0].map(|v: f32| v * (1.0 + 0.12 * grain));
                let far = (mean + (2.0 * half_m + 5.0) * rank) as f32;
                let damp = smoothstep(far, (mean + 0.6 * half_m) as f32, (t.abs() + f64::from(grain)) as f32);
                let mut colour = mix(ground, reeds, 0.75 * damp);
                // What low water leaves bare.
                let mud = [136.0, 126.0, 104.0].map(|v: f32| v * (1.0 + 0.07 * grain));
                let bare = smoothstep((mean.max(wide) + 0.9) as f32, (mean.max(wide) + 0.2) as f32, d as f32);
                colour = mix(colour, mud, 0.6 * bare);
                let water = [46.0, 54.0, 50.0].map(|v: f32| v + 3.0 * grain);
                mix(colour, water, smoothstep((wide + 0.4) as f32, (wide - 0.4) as f32, d as f32))
            }
            Kind::Ruts { gauge_m, rut_m, colour, share } => {
                let half = 0.5 * rut_m * (1.0 + 0.3 * f64::from(value_1d(self.seed ^ 1, s / 5.0)));
                let d = (t.abs() - 0.5 * gauge_m).abs();
                let patchy = 0.8
                    + 0.35 * value(self.seed ^ 2, p.x / 3.0, p.y / 3.0)
                    + 0.3 * value_1d(self.seed ^ 3, s / 24.0);
                let rut = smoothstep((half + 0.12) as f32, (half - 0.12) as f32, d as f32);
                mix(
                    ground,
                    colour.map(|v| v * (1.0 + 0.06 * grain)),
                    (share * rut * patchy * ends).clamp(0.0, 1.0),
                )
            }
            Kind::Strip { half_m, colour, share } => {
                let d = t.abs() as f32 + 0.5 * grain;
                let half = half_m as f32;
                let body = smoothstep(half + 0.6, half - 0.6, d);
                let crown = smoothstep(0.9, 0.3, d) * 0.3;
                let tone = colour.map(|v| v * (1.0 + 0.05 * grain + 0.06 * crown));
                mix(ground, tone, share * body * ends * (0.85 + 0.25 * grain))
            }
            Kind::Path { half_m, colour, share } => {
                let wander = 0.35 * f64::from(value_1d(self.seed ^ 1, s / 3.5));
                let d = (t + wander).abs() as f32;
                let half = half_m as f32;
                let patchy = 0.75 + 0.4 * value_1d(self.seed ^ 3, s / 9.0);
                mix(ground, colour, share * patchy * ends * smoothstep(half + 0.15, half - 0.15, d))
            }
            // Not around the ends, where every place has the same foot.
            Kind::Teeth { .. } if s <= 0.0 || s >= self.length_m() => ground,
            Kind::Teeth { rows, spacing_m, side_m, height_m } => {
                teeth(foot, s, sun, ground, (rows, spacing_m, side_m, height_m), self.seed)
            }
            Kind::Cutting(cutting) => cutting.over(foot, (s, ends), p, sun, ground, self.seed),
            Kind::Mown { half_m, tone, pass_m } => {
                let d = t.abs() as f32 + 0.2 * grain;
                let body = smoothstep(half_m as f32 + 0.25, half_m as f32 - 0.25, d) * ends;
                let pass = (t / pass_m + 0.5).floor() as i32;
                let swath = tone * (1.0 + 0.5 * (2.0 * unit(self.seed ^ 4, pass, 0) - 1.0));
                // What is cut short is yellower.
                let level = luminance(ground) * (1.0 + swath);
                let straw = [1.12, 1.02, 0.68].map(|v: f32| v * level);
                mix(ground, mix(ground.map(|v| v * (1.0 + swath)), straw, 0.4), body * (0.9 + 0.15 * grain))
            }
            Kind::Railway => {
                let d = t.abs() as f32 + 0.2 * grain;
                let verge = [112.0, 110.0, 78.0].map(|v: f32| v * (1.0 + 0.08 * grain));
                let mut colour = mix(ground, verge, 0.8 * smoothstep(7.0, 5.5, d));
                let ballast = [128.0, 120.0, 112.0].map(|v: f32| v * (1.0 + 0.05 * grain));
                colour = mix(colour, ballast, smoothstep(2.4, 1.8, d));
                let rail = smoothstep(0.14, 0.06, ((t.abs() - 0.76).abs()) as f32);
                mix(colour, [172.0, 160.0, 150.0], 0.8 * rail)
            }
            Kind::Work(_) => ground,
        }
    }
}

/// Pyramids of pale concrete on a lattice along a line, every other row set off by half, with their shadows.
fn teeth(
    foot: &Foot,
    s: f64,
    sun: &Sun,
    ground: Rgb,
    (rows, spacing_m, side_m, height_m): (i32, f64, f64, f64),
    seed: u32,
) -> Rgb {
    // The direction in which `s` grows: `across` is to its right, where y runs down.
    let along = (foot.across.1, -foot.across.0);
    let shadow = sun.shadow_length_m(height_m);
    let to_sun = (sun.along(along), sun.along(foot.across));
    let mut colour = ground;
    for row in 0..rows {
        let t0 = (f64::from(row) - 0.5 * f64::from(rows - 1)) * spacing_m;
        let shift = if row % 2 == 0 { 0.0 } else { 0.5 };
        let k = floor(s / spacing_m - shift + 0.5);
        for k in k - 1..=k + 1 {
            let jitter = |n| 0.12 * spacing_m * f64::from(2.0 * unit(seed ^ n, k, row) - 1.0);
            let (ds, dt) = (s - (f64::from(k) + shift) * spacing_m - jitter(1), foot.t - t0 - jitter(2));
            let half = 0.5 * side_m;
            if ds.abs().max(dt.abs()) < half {
                // The face that looks to the sun is bright.
                let facing =
                    if ds.abs() > dt.abs() { ds.signum() * to_sun.0 } else { dt.signum() * to_sun.1 };
                let light = (1.0 + 0.45 * facing) as f32;
                return [176.0, 172.0, 162.0].map(|v: f32| v * light);
            }
            // Away from the sun, tapering to the tip's shadow.
            let away = -(ds * to_sun.0 + dt * to_sun.1);
            let aside = (ds * to_sun.1 - dt * to_sun.0).abs();
            if away > 0.0 && away < shadow && aside < half * (1.0 - away / shadow) {
                colour = ground.map(|v| v * 0.45);
            }
        }
    }
    colour
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dragons_teeth_stand_apart_in_rows_and_shade_the_ground_away_from_the_sun() {
        let (rows, spacing_m, side_m) = (3, 3.0, 1.1);
        let kind = Kind::Teeth { rows, spacing_m, side_m, height_m: 0.9 };
        let points: Vec<Place> = (0..16).map(|k| Place::new(f64::from(k) * 4.0, 0.0)).collect();
        let line = Line::new(points, kind, 9.0, 0, 5);
        let step = 0.1;
        // Brightness by place: `t` to the right of the line, which runs east, so south.
        let map = |azimuth_deg: f64| -> Vec<Vec<f32>> {
            let sun = Sun::new(azimuth_deg, 40.0, 0.2);
            let at = |x: f64, t: f64| {
                let f = Foot { t, across: (0.0, 1.0), along: 0.0 };
                luminance(line.over(0, &f, x, Place::new(x, t), &sun, [110.0; 3]))
            };
            (-60..60)
                .map(|i| (50..550).map(|j| at(f64::from(j) * step, f64::from(i) * step)).collect())
                .collect()
        };
        for (azimuth_deg, to_sun) in [(90.0, (0, 1)), (270.0, (0, -1)), (180.0, (1, 0)), (0.0, (-1, 0))] {
            let map = map(azimuth_deg);
            let (mut teeth, mut shaded, mut wrong) = (0, 0, 0);
            for i in 12..map.len() as i32 - 12 {
                for j in 12..map[0].len() as i32 - 12 {
                    let is = |di: i32, dj: i32| map[(i + di) as usize][(j + dj) as usize];
                    let concrete = |v: f32| v > 115.0 || (v < 100.0 && v > 60.0);
                    // The corner of a tooth: concrete whose neighbours above and to the left are not.
                    teeth += i32::from(concrete(is(0, 0)) && !concrete(is(-1, 0)) && !concrete(is(0, -1)));
                    if is(0, 0) < 60.0 {
                        shaded += 1;
                        // Its tooth stands within the shadow's reach towards the sun.
                        let near = (1..=12).any(|n| concrete(is(n * to_sun.0, n * to_sun.1)));
                        wrong += i32::from(!near);
                    }
                }
            }
            // 50 m of three rows, one tooth every 3 m, less those that the window cuts.
            assert!((42..=54).contains(&teeth), "{azimuth_deg}: {teeth} teeth");
            assert!(
                shaded > 400 && wrong * 50 < shaded,
                "{azimuth_deg}: {wrong} of {shaded} on the wrong side"
            );
        }
    }

    #[test]
    fn the_water_of_a_stream_and_its_banks_move_from_date_to_date() {
        let points: Vec<Place> = (0..60).map(|k| Place::new(f64::from(k) * 4.0, 0.0)).collect();
        let line = Line::new(points, Kind::Stream { half_m: 3.0, swing_m: 1.8 }, 30.0, 0, 7);
        let sun = Sun::new(180.0, 45.0, 0.2);
        let across = |date: usize, x: f64| -> Vec<f64> {
            (-200..200)
                .map(|k| f64::from(k) * 0.05)
                .filter(|&t| {
                    let f = Foot { t, across: (0.0, 1.0), along: 0.0 };
                    luminance(line.over(date, &f, x, Place::new(x, t), &sun, [120.0; 3])) < 60.0
                })
                .collect()
        };
        let (mut wider, mut moved) = (0.0_f64, 0.0_f64);
        for date in 0..4 {
            let [left, right] = line.banks(date);
            for k in (5..55).step_by(7) {
                let water = across(date, left[k].x);
                let (from, to) = (water[0], water[water.len() - 1]);
                assert!((from - left[k].y).abs() < 0.9 && (to - right[k].y).abs() < 0.9, "{from} {to}");
                let first = across(0, left[k].x);
                let (a, b) = (first[0], first[first.len() - 1]);
                wider = wider.max(((to - from) - (b - a)).abs());
                moved = moved.max((0.5 * (from + to) - 0.5 * (a + b)).abs());
            }
        }
        assert!(wider > 0.5 && moved > 0.4, "{wider} {moved}");
    }
}
