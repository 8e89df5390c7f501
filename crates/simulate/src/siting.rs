//! Where there is room for an earthwork, and digging it there.

use rand::Rng;
use rand_chacha::ChaCha8Rng;

use crate::centreline::{ditch, trench};
use crate::contrast::{self, Seen};
use crate::earthwork::Earthwork;
use crate::layer::Layer;
use crate::linework::{Kind, Line};
use crate::place::{Place, foot, resampled};
use crate::scene::stream;
use crate::sensor::Rgb;
use crate::truth::{Style, TruthClass};

/// Cross-sections tried for one earthwork.
const REDRAWS: usize = 5;
/// Share of a line that may lie on ground that is taken.
const MOST_BLOCKED: f64 = 0.12;

/// How many earthworks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Count {
    pub trenches: usize,
    pub ditches: usize,
    /// There from the first date on.
    pub old: usize,
    pub dates: usize,
}

/// The ground on which works are laid out.
pub(crate) struct Site<'a> {
    /// East and south, metres.
    pub size_m: (f64, f64),
    /// Whether ground that no line takes cannot be dug; the second argument is how much room is needed, metres.
    pub closed: &'a (dyn Fn(Place, f64) -> bool + Sync),
    /// Top soil and what lies under it, at a place.
    pub soils: &'a (dyn Fn(Place) -> (Rgb, Rgb) + Sync),
    /// How each date sees it.
    pub looks: Vec<Seen>,
    /// Places tried for one earthwork, each for a somewhat shorter one.
    pub attempts: i32,
}

/// Digs trenches and ditches, old and new; what finds no room is left out.
pub(crate) fn dig(layer: &mut Layer, seed: u64, count: Count, site: &Site<'_>) {
    let later = count.dates - 1;
    let mut plan: Vec<(TruthClass, usize)> = Vec::new();
    // Ditches first: they need the room.
    plan.extend((0..count.ditches).map(|k| (TruthClass::AntiVehicleDitch, 1 + k % later)));
    plan.extend(
        (0..count.old)
            .map(|k| (if k % 4 == 3 { TruthClass::AntiVehicleDitch } else { TruthClass::Trench }, 0)),
    );
    plan.extend((0..count.trenches).map(|k| (TruthClass::Trench, 1 + k % later)));
    for (k, (class, since)) in plan.into_iter().enumerate() {
        let mut rng = stream(seed, 100 + k as u64);
        let trench = class == TruthClass::Trench;
        let style = match rng.random_range(0..10) {
            _ if !trench => Style::Straight,
            0..=4 => Style::Zigzag,
            5..=6 => Style::Crenellated,
            7..=8 => Style::Wavy,
            _ => Style::Straight,
        };
        let Some(points) = find(layer, &mut rng, trench, style, site) else { continue };
        let seen = site.looks[since.min(site.looks.len() - 1)];
        let soils = (site.soils)(points[points.len() / 2]);
        let wanted = contrast::wanted(&mut rng, class);
        let mut line = Line::new(points, Kind::Work(layer.works.len()), 0.0, since, rng.random());
        let mut best: Option<Earthwork> = None;
        for _ in 0..REDRAWS {
            let work = Earthwork::new(&mut rng, class, style, soils);
            line.reach_m = work.reach_m;
            let work = work.faint(&line, &seen, wanted);
            if best.as_ref().is_none_or(|b| b.contrast < work.contrast) {
                best = Some(work);
            }
            // What is narrow cannot be dark: the deeper or wider cut it is.
            if best.as_ref().is_some_and(|b| b.contrast > 0.97 * wanted) {
                break;
            }
        }
        if let Some(work) = best {
            line.reach_m = work.reach_m;
            layer.add_work(line, work);
        }
    }
}

/// A centreline that lies in the scene and keeps off what is closed and off other works; none where there is no
/// room.
fn find(
    layer: &Layer,
    rng: &mut ChaCha8Rng,
    trench_wanted: bool,
    style: Style,
    site: &Site<'_>,
) -> Option<Vec<Place>> {
    let (wide, high) = site.size_m;
    let least_side = wide.min(high);
    let mut best: Option<(f64, Vec<Place>)> = None;
    for attempt in 0..site.attempts {
        let shrink = 0.09_f64.powf(f64::from(attempt) / f64::from(site.attempts));
        let most = 0.72 * least_side * shrink;
        let axis = rng.random_range(0.0..std::f64::consts::TAU);
        let line = if trench_wanted {
            let length: f64 = rng.random_range(60.0..250.0);
            trench(rng, style, length.min(most), axis)
        } else {
            let length: f64 = rng.random_range(150.0..400.0);
            ditch(rng, length.min(most), axis)
        };
        let at = (rng.random_range(0.08..0.92) * wide, rng.random_range(0.08..0.92) * high);
        let line: Vec<Place> = line.into_iter().map(|p| p.plus(at)).collect();
        let rim = 9.0_f64.min(0.05 * least_side);
        let inside = |p: &Place| (rim..wide - rim).contains(&p.x) && (rim..high - rim).contains(&p.y);
        if !line.iter().all(inside) {
            continue;
        }
        let checks = resampled(&line, 4.0);
        let clear_m = if trench_wanted { 7.0 } else { 12.0 };
        let blocked =
            checks.iter().filter(|p| (site.closed)(**p, clear_m) || taken(layer, **p, clear_m)).count();
        let share = blocked as f64 / checks.len() as f64;
        if share == 0.0 {
            return Some(line);
        }
        if best.as_ref().is_none_or(|(least, _)| share < *least) {
            best = Some((share, line));
        }
    }
    best.filter(|(share, _)| *share < MOST_BLOCKED).map(|(_, line)| line)
}

/// Whether a road, a stream or another work is within `clear_m` of a place.
fn taken(layer: &Layer, p: Place, clear_m: f64) -> bool {
    layer.lines.iter().any(|line| {
        let away = match line.kind {
            Kind::Road { half_m, .. } => half_m + clear_m,
            Kind::Stream { half_m } => 2.0 * half_m + clear_m,
            Kind::Work(_) => line.reach_m + clear_m,
            _ => return false,
        };
        let (least, most) = line.extent;
        let outside =
            p.x < least.x - away || p.x > most.x + away || p.y < least.y - away || p.y > most.y + away;
        !outside && line.points.windows(2).any(|w| foot(p, w[0], w[1]).t.abs() < away)
    })
}
