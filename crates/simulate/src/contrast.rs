//! How dark the core of an earthwork is against its flanks: what is wanted, and what a rendering shows.

use rand::Rng;

use crate::centreline::log_normal;
use crate::earthwork::Earthwork;
use crate::light::Sun;
use crate::linework::Line;
use crate::place::{Foot, Place, foot, resampled};
use crate::truth::TruthClass;

/// Share of works whose core is at most so dark: of 17 real trenches at 0.4–0.7 m the cores are 10–43 % darker
/// than the ground beside them, 27 % in the median; 10, 27 and 40 % at the 10th, 50th and 90th percentile.
const TRENCHES: [(f64, f64); 5] = [(0.0, 0.07), (0.1, 0.10), (0.5, 0.27), (0.9, 0.40), (1.0, 0.47)];
/// Stations along a line at which its profile is looked at, at most.
const STATIONS: usize = 18;
/// Places across half a core.
const ACROSS: i32 = 3;
/// Samples of the point spread to each side of its centre, and its reach in standard deviations.
const SPREAD: (i32, f64) = (3, 2.2);
/// Lines of the scene are looked at this far along beyond a station, metres.
const REACH_M: f64 = 12.0;

/// How a date sees the ground.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seen {
    pub sun: Sun,
    /// Standard deviation of all that blurs, metres.
    pub blur_m: f64,
    /// Share of the light from ordinary ground that is haze.
    pub haze: f64,
}

/// A contrast, drawn from the distribution of its class.
pub(crate) fn wanted(rng: &mut impl Rng, class: TruthClass) -> f64 {
    if class != TruthClass::Trench {
        return log_normal(rng, 0.38, 0.3).clamp(0.18, 0.65);
    }
    let share: f64 = rng.random();
    let k = TRENCHES.partition_point(|q| q.0 <= share).clamp(1, TRENCHES.len() - 1);
    let ((a, low), (b, high)) = (TRENCHES[k - 1], TRENCHES[k]);
    low + (share - a) / (b - a) * (high - low)
}

/// How much darker the core of `work` along `line` is than the ground beside it, 0–1, as it is seen: one less the
/// least, across the line, of the medians along it.
pub(crate) fn measured(line: &Line, work: &Earthwork, seen: &Seen) -> f64 {
    let length = line.length_m();
    let step = (length / STATIONS as f64).max(1.5);
    // Not on the ends, which are shallow.
    let step = step.min(length / 5.0);
    let stations: Vec<Place> = resampled(&line.points, step).into_iter().skip(1).collect();
    let stations = &stations[..stations.len().saturating_sub(1)];
    let mut columns = vec![Vec::with_capacity(stations.len()); (2 * ACROSS + 1) as usize];
    for &station in stations {
        let near: Vec<usize> = (0..line.points.len() - 1)
            .filter(|&k| foot(station, line.points[k], line.points[k + 1]).t.abs() < REACH_M)
            .collect();
        let Some((at, _)) = nearest(line, &near, station) else { continue };
        for (column, k) in columns.iter_mut().zip(-ACROSS..) {
            let t = f64::from(k) / f64::from(ACROSS) * 0.35 * work.width_m;
            let centre = station.plus((t * at.across.0, t * at.across.1));
            column.push(blurred(line, &near, work, seen, centre));
        }
    }
    let darkest = columns
        .into_iter()
        .filter(|c| !c.is_empty())
        .map(|mut c| {
            c.sort_by(f64::total_cmp);
            c[c.len() / 2]
        })
        .fold(f64::INFINITY, f64::min);
    if darkest.is_finite() { ((1.0 - darkest) * (1.0 - seen.haze)).clamp(0.0, 1.0) } else { 0.0 }
}

/// Brightness at a place as a share of the flanks', after the point spread.
fn blurred(line: &Line, near: &[usize], work: &Earthwork, seen: &Seen, centre: Place) -> f64 {
    const LEVEL: f32 = 110.0;
    let ground = work.beside().unwrap_or([LEVEL; 3]);
    let level = crate::ground::luminance(ground);
    let (n, reach) = SPREAD;
    let (mut sum, mut weight) = (0.0, 0.0);
    for i in -n..=n {
        for j in -n..=n {
            let (u, v) = (f64::from(i) / f64::from(n) * reach, f64::from(j) / f64::from(n) * reach);
            let w = (-0.5 * (u * u + v * v)).exp();
            let p = centre.plus((u * seen.blur_m, v * seen.blur_m));
            let light = match nearest(line, near, p).filter(|(f, _)| f.t.abs() < work.reach_m) {
                Some((f, s)) => {
                    let whole = (line.length_m(), line.joined);
                    let c = work.over(&f, s, whole, p, &seen.sun, ground).colour;
                    f64::from(crate::ground::luminance(c) / level)
                }
                None => 1.0,
            };
            sum += w * light;
            weight += w;
        }
    }
    sum / weight
}

/// The foot of a place on the nearest of some segments, and metres along the line.
fn nearest(line: &Line, segments: &[usize], p: Place) -> Option<(Foot, f64)> {
    let mut best: Option<(Foot, f64)> = None;
    for &k in segments {
        let f = foot(p, line.points[k], line.points[k + 1]);
        if best.is_none_or(|(b, _)| f.t.abs() < b.t.abs()) {
            best = Some((f, line.gone[k] + f.along));
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    #[test]
    fn the_wanted_contrasts_are_those_of_real_trenches() {
        let mut rng = ChaCha8Rng::seed_from_u64(4);
        let mut all: Vec<f64> = (0..4000).map(|_| wanted(&mut rng, TruthClass::Trench)).collect();
        all.sort_by(f64::total_cmp);
        for (share, want) in [(0.1, 0.10), (0.5, 0.27), (0.9, 0.40)] {
            let got = all[(share * 3999.0) as usize];
            assert!((got - want).abs() < 0.012, "{share}: {got}");
        }
        assert!(all[0] >= 0.07 && all[3999] <= 0.47);
    }
}
