//! Where there is room for an earthwork, and digging it there.

use rand::Rng;
use rand_chacha::ChaCha8Rng;

use crate::centreline::{ditch, ditch_m, drawn, log_normal, surveyed, trench};
use crate::contrast::{self, Seen};
use crate::earthwork::Earthwork;
use crate::ground::{luminance, mix};
use crate::layer::Layer;
use crate::linework::{Kind, Line};
use crate::network::{System, arm_from};
use crate::place::{Place, length_m, resampled, rounded, shifted};
use crate::scene::stream;
use crate::sensor::Rgb;
use crate::truth::{Style, TruthClass};

/// Room that works need, metres.
const TRENCH_CLEAR_M: f64 = 7.0;
const DITCH_CLEAR_M: f64 = 12.0;
/// Pieces of a ditch that are shorter are not dug, metres.
const LEAST_PIECE_M: f64 = 20.0;
/// Cross-sections tried for one earthwork.
const REDRAWS: usize = 5;
/// Places whose mean is the colour of ground elsewhere.
const PLACES: usize = 7;

/// Share of trenches and of ditches beside which there is a new wheel track.
pub(crate) const DRIVEN: (f64, f64) = (0.4, 0.6);

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
    /// What is seen from above at a place on a date.
    pub ground: &'a (dyn Fn(Place, usize) -> Rgb + Sync),
    /// How each date sees it.
    pub looks: Vec<Seen>,
    /// The dates, days from the first.
    pub days: Vec<f64>,
    /// Places tried for one earthwork, each for a somewhat shorter one.
    pub attempts: i32,
    /// Share of a line that may lie on ground that is taken, where there is no better place.
    pub most_blocked: f64,
    /// Share of the trenches whose spoil is fresh and bright.
    pub fresh_share: f64,
    /// Share of the works that lie in a band of turned soil.
    pub turned_share: f64,
    /// Share of the trench systems whose trunk runs as straight as a surveyed line.
    pub straight_share: f64,
    /// Share of the trenches along which somebody drove, and of the ditches, each 0–1.
    pub driven_shares: (f64, f64),
}

/// Digs trench systems and ditches, old and new; what finds no room is left out.
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
        if class == TruthClass::Trench {
            dig_system(layer, &mut rng, since, site);
        } else {
            dig_ditch(layer, &mut rng, since, site);
        }
    }
}

/// A trunk and the arms that join it, dug by hand.
fn dig_system(layer: &mut Layer, rng: &mut ChaCha8Rng, since: usize, site: &Site<'_>) {
    let most = 0.72 * site.size_m.0.min(site.size_m.1);
    let system = System::draw(rng, most);
    let straight = site.straight_share > 0.0 && rng.random::<f64>() < site.straight_share;
    let style = if straight { Style::Straight } else { system.style };
    let shape = |rng: &mut ChaCha8Rng, length: f64, axis: f64| {
        if straight { surveyed(rng, length, axis) } else { drawn(style, trench(rng, style, length, axis)) }
    };
    let Some(trunk) = find(layer, rng, system.length_m, TRENCH_CLEAR_M, &shape, site) else { return };
    let number = layer.lines.len();
    // A squad digs a few metres an hour, by day, and may have begun any time since the date before.
    let pace = Pace { m_per_h: rng.random_range(1.0..5.0), hours_a_day: 8.0 };
    let wanted = contrast::wanted(rng, TruthClass::Trench);
    let class = TruthClass::Trench;
    let Some(shown) = add(layer, rng, (class, style), trunk.clone(), since, [false; 2], wanted, &pace, site)
    else {
        return;
    };
    if site.driven_shares.0 > 0.0 {
        drive(layer, rng, number, since, site);
    }
    for (style, length_m) in system.arms {
        // Not from what is not dug yet.
        let dug: Vec<Place> = layer.lines[number].points_on(since);
        let from = if shown { &dug } else { &trunk };
        let free = |line: &[Place], layer: &Layer| {
            line.iter().all(|p| inside(*p, site))
                && resampled(line, 3.0)
                    .iter()
                    .skip(3)
                    .all(|p| !(site.closed)(*p, TRENCH_CLEAR_M) && !taken(layer, *p, 4.0, Some(number)))
        };
        let found = (0..8).find_map(|_| {
            arm_from(rng, from, style, length_m).filter(|line| line.len() > 1 && free(line, layer))
        });
        if let Some(line) = found {
            // As faint as the trunk, more or less.
            let faint = (wanted * rng.random_range(0.85..1.25)).clamp(0.07, 0.47);
            add(layer, rng, (class, style), line, since, [true, false], faint, &Pace::DONE, site);
        }
    }
}

/// A ditch, dug by machine, with gaps where it crosses roads and perhaps others.
fn dig_ditch(layer: &mut Layer, rng: &mut ChaCha8Rng, since: usize, site: &Site<'_>) {
    let class = TruthClass::AntiVehicleDitch;
    let most = 0.72 * site.size_m.0.min(site.size_m.1);
    let length = ditch_m(rng).min(most);
    let Some(line) = find(layer, rng, length, DITCH_CLEAR_M, &ditch, site) else { return };
    // What one machine digs in an hour, a working day of it, by every kind of soil and machine.
    let pace = Pace { m_per_h: rng.random_range(270.0..810.0), hours_a_day: 10.0 };
    let wanted = contrast::wanted(rng, class);
    let gap_m: f64 = rng.random_range(6.0..14.0);
    let mut gaps = crossings(layer, &line, gap_m);
    if rng.random::<f64>() < 0.15 {
        let at = rng.random_range(0.2..0.8) * length_m(&line);
        gaps.push((at, at + log_normal(rng, 50.0, 0.8).clamp(8.0, 0.4 * most)));
    }
    for piece in without(&line, &mut gaps) {
        if length_m(&piece) >= LEAST_PIECE_M {
            let number = layer.lines.len();
            add(layer, rng, (class, Style::Straight), piece, since, [false; 2], wanted, &pace, site);
            if site.driven_shares.1 > 0.0 && layer.lines.len() > number {
                drive(layer, rng, number, since, site);
            }
        }
    }
}

/// Lays the wheel track of those who dug work `number`, or supplied it, along what is dug of it on its first date, for a
/// share of the works: a look-alike beside what it looks like.
fn drive(layer: &mut Layer, rng: &mut ChaCha8Rng, number: usize, since: usize, site: &Site<'_>) {
    let line = &layer.lines[number];
    let Kind::Work(k) = line.kind else { return };
    let work = &layer.works[k];
    let trench = work.class == TruthClass::Trench;
    let driven = if trench { site.driven_shares.0 } else { site.driven_shares.1 };
    // Where no zigzag leads it through the trench, and beyond spoil and trodden ground.
    let corners: Vec<Place> = resampled(&line.points_on(since), 24.0);
    if rng.random::<f64>() > driven || corners.len() < 3 {
        return;
    }
    let side = if rng.random() { 1.0 } else { -1.0 };
    let swing = if trench { 4.0 } else { 0.5 };
    let aside_m = side * (work.reach_m - 3.0 + swing + rng.random_range(0.0..4.0));
    let points = resampled(&rounded(&shifted(&corners, aside_m)), 4.0);
    let clear = |p: &Place| {
        inside(*p, site) && !(site.closed)(*p, 2.0) && !line.is_near(*p, 0.5 * work.width_m + 3.5)
    };
    let longest = points.split(|p| !clear(p)).max_by_key(|run| run.len()).unwrap_or_default().to_vec();
    let (soil, _) = (site.soils)(points[points.len() / 2]);
    let kind = Kind::Ruts {
        gauge_m: rng.random_range(1.7..2.4),
        rut_m: rng.random_range(0.35..0.7),
        colour: mix(soil, [180.0, 168.0, 132.0], rng.random_range(0.0..0.9)),
        share: rng.random_range(0.2..0.7),
    };
    let ruts = Line::new(longest, kind, 3.0, since, rng.random());
    // Old tracks are no change.
    match since {
        0 => layer.add(ruts),
        _ => layer.add_distractor(ruts, Style::WheelTrack),
    }
}

/// How fast a work grows.
struct Pace {
    m_per_h: f64,
    hours_a_day: f64,
}

impl Pace {
    /// It is there at once.
    const DONE: Self = Self { m_per_h: f64::INFINITY, hours_a_day: 24.0 };

    /// Metres dug on each date from `since` on, and whether it was unfinished on any.
    fn shown(&self, rng: &mut ChaCha8Rng, since: usize, length_m: f64, days: &[f64]) -> (Vec<f64>, bool) {
        if since == 0 || !self.m_per_h.is_finite() {
            return (Vec::new(), false);
        }
        let (last, first) = (days[since - 1], days[since]);
        // Begun early enough that there is something to see.
        let a_day = self.m_per_h * self.hours_a_day;
        let least = (12.0_f64.min(length_m) / a_day).min(0.9 * (first - last));
        let begun = first - rng.random_range(least..=(first - last).max(least));
        let shown: Vec<f64> =
            days[since..].iter().map(|day| ((day - begun) * a_day).clamp(0.0, length_m)).collect();
        let unfinished = shown.iter().any(|s| *s < length_m);
        (shown, unfinished)
    }
}

/// Adds a work along a line; whether it was unfinished on a date, or none where no cross-section would do.
#[expect(clippy::too_many_arguments, reason = "one work in all its respects")]
fn add(
    layer: &mut Layer,
    rng: &mut ChaCha8Rng,
    (class, style): (TruthClass, Style),
    points: Vec<Place>,
    since: usize,
    joined: [bool; 2],
    wanted: f64,
    pace: &Pace,
    site: &Site<'_>,
) -> Option<bool> {
    let seen = site.looks[since.min(site.looks.len() - 1)];
    let soils = (site.soils)(points[points.len() / 2]);
    let mut line = Line::new(points, Kind::Work(layer.works.len()), 0.0, since, rng.random());
    line.joined = joined;
    let mut best: Option<Earthwork> = None;
    for _ in 0..REDRAWS {
        let work = Earthwork::new(rng, class, style, soils);
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
    let mut work = best?;
    if class == TruthClass::Trench && site.fresh_share > 0.0 && rng.random::<f64>() < site.fresh_share {
        work = work.fresh(rng);
    }
    if site.turned_share > 0.0 && rng.random::<f64>() < site.turned_share {
        let level = luminance((site.ground)(line.points[line.points.len() / 2], since));
        // The mean of some places: one alone may be a roof.
        let mut elsewhere = [0.0; 3];
        for _ in 0..PLACES {
            let p =
                Place { x: rng.random_range(0.0..site.size_m.0), y: rng.random_range(0.0..site.size_m.1) };
            let there = (site.ground)(p, since);
            elsewhere = std::array::from_fn(|b| elsewhere[b] + there[b] / PLACES as f32);
        }
        work = work.turned(rng, soils, elsewhere, level);
        line.reach_m = work.reach_m;
        work = work.faint(&line, &seen, wanted);
    }
    line.reach_m = work.reach_m;
    let (shown_m, unfinished) = pace.shown(rng, since, line.length_m(), &site.days);
    line.shown_m = shown_m;
    layer.add_work(line, work);
    Some(unfinished)
}

/// A centreline of about `length_m` that lies in the scene and keeps off what is closed and off other works;
/// none where there is no room.
fn find(
    layer: &Layer,
    rng: &mut ChaCha8Rng,
    length_m: f64,
    clear_m: f64,
    shape: &dyn Fn(&mut ChaCha8Rng, f64, f64) -> Vec<Place>,
    site: &Site<'_>,
) -> Option<Vec<Place>> {
    let (wide, high) = site.size_m;
    let mut best: Option<(f64, Vec<Place>)> = None;
    for attempt in 0..site.attempts {
        let shrink = 0.12_f64.powf(f64::from(attempt) / f64::from(site.attempts));
        let axis = rng.random_range(0.0..std::f64::consts::TAU);
        let line = shape(rng, (length_m * shrink).max(15.0), axis);
        let at = (rng.random_range(0.05..0.95) * wide, rng.random_range(0.05..0.95) * high);
        let line: Vec<Place> = line.into_iter().map(|p| p.plus(at)).collect();
        if !line.iter().all(|p| inside(*p, site)) {
            continue;
        }
        let checks = resampled(&line, 4.0);
        let blocked =
            checks.iter().filter(|p| (site.closed)(**p, clear_m) || taken(layer, **p, clear_m, None)).count();
        let share = blocked as f64 / checks.len() as f64;
        if share == 0.0 {
            return Some(line);
        }
        if best.as_ref().is_none_or(|(least, _)| share < *least) {
            best = Some((share, line));
        }
    }
    best.filter(|(share, _)| *share < site.most_blocked).map(|(_, line)| line)
}

/// Whether a place lies in the scene and not at its rim.
fn inside(p: Place, site: &Site<'_>) -> bool {
    let (wide, high) = site.size_m;
    let rim = 9.0_f64.min(0.05 * wide.min(high));
    (rim..wide - rim).contains(&p.x) && (rim..high - rim).contains(&p.y)
}

/// Stretches of a line, metres from its start, that lie on a road, with `gap_m` more than its width.
fn crossings(layer: &Layer, line: &[Place], gap_m: f64) -> Vec<(f64, f64)> {
    let mut gaps = Vec::new();
    for (k, p) in resampled(line, 1.0).into_iter().enumerate() {
        let s = k as f64;
        let on_road = layer.lines.iter().any(|other| match other.kind {
            Kind::Road { half_m, .. } => other.is_near(p, half_m + 0.5 * gap_m),
            _ => false,
        });
        if on_road {
            gaps.push((s - 0.5, s + 0.5));
        }
    }
    gaps
}

/// The pieces of a line that no gap takes, in their order.
fn without(line: &[Place], gaps: &mut [(f64, f64)]) -> Vec<Vec<Place>> {
    gaps.sort_by(|a, b| a.0.total_cmp(&b.0));
    let whole = length_m(line);
    let (mut pieces, mut from) = (Vec::new(), 0.0);
    for &(a, b) in gaps.iter().chain([&(whole, whole)]) {
        if a > from {
            pieces.push(stretch(line, from, a.min(whole)));
        }
        from = b.max(from);
    }
    pieces.retain(|p| p.len() > 1);
    pieces
}

/// The stretch of a line between two distances from its start, metres.
fn stretch(line: &[Place], from: f64, to: f64) -> Vec<Place> {
    let (mut out, mut gone) = (Vec::new(), 0.0);
    for w in line.windows(2) {
        let d = w[0].distance(w[1]);
        let at = |s: f64| {
            let f = (s - gone) / d.max(1e-9);
            Place::new(w[0].x + f * (w[1].x - w[0].x), w[0].y + f * (w[1].y - w[0].y))
        };
        if gone + d > from && gone < to {
            if out.is_empty() {
                out.push(at(from.max(gone)));
            }
            out.push(at(to.min(gone + d)));
        }
        gone += d;
    }
    out
}

/// Whether a stream or a work other than `but` is within `clear_m` of a place, or a road, which ditches cross.
fn taken(layer: &Layer, p: Place, clear_m: f64, but: Option<usize>) -> bool {
    let on_way = layer.ways(p).any(|(line, distance_m)| match line.kind {
        Kind::Road { half_m, .. } => clear_m < DITCH_CLEAR_M && distance_m < half_m + clear_m,
        Kind::Railway => distance_m < 4.0 + clear_m,
        Kind::Stream { half_m, swing_m } => distance_m < 2.0 * half_m + swing_m + clear_m,
        _ => false,
    });
    on_way
        || layer.lines.iter().enumerate().any(|(k, line)| {
            matches!(line.kind, Kind::Work(_)) && but != Some(k) && line.is_near(p, line.reach_m + clear_m)
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;

    #[test]
    fn gaps_cut_a_line_into_pieces() {
        let line = [Place::new(0.0, 0.0), Place::new(10.0, 0.0), Place::new(10.0, 10.0)];
        let pieces = without(&line, &mut [(12.0, 14.0), (4.0, 5.0), (3.5, 4.5)]);
        let lengths: Vec<f64> = pieces.iter().map(|p| length_m(p)).collect();
        assert_eq!(lengths, [3.5, 7.0, 6.0]);
        assert_eq!(pieces[1], [Place::new(5.0, 0.0), Place::new(10.0, 0.0), Place::new(10.0, 2.0)]);
        assert_eq!(without(&line, &mut []).len(), 1);
        assert!(without(&line, &mut [(0.0, 30.0)]).is_empty());
    }

    #[test]
    fn hands_take_days_and_machines_hours() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let days = [0.0, 1.0, 2.0, 3.0, 20.0];
        for _ in 0..200 {
            let hands = Pace { m_per_h: 2.0, hours_a_day: 8.0 };
            let (shown, _) = hands.shown(&mut rng, 1, 200.0, &days);
            assert!(shown[0] >= 12.0 - 1e-9 && shown[0] <= 16.0 + 1e-9, "{shown:?}");
            assert!((shown[1] - shown[0] - 16.0).abs() < 1e-9 && shown[3] == 200.0);
            let machine = Pace { m_per_h: 270.0, hours_a_day: 10.0 };
            let (shown, _) = machine.shown(&mut rng, 1, 500.0, &days);
            assert!(shown[0] >= 12.0 - 1e-9 && shown[1] == 500.0, "{shown:?}");
        }
        assert!(Pace::DONE.shown(&mut rng, 1, 90.0, &days).0.is_empty());
    }
}
