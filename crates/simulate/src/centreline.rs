//! Where trenches and ditches run: polylines with the legs and turns of real ones.
//!
//! From 22,419 digitised trenches: corners every 5 / 8.4 / 14.6 m (quartiles), turns of 33° in the median and
//! 86° at the 95th percentile, 72 % of successive corners alternate. From 1,732 ditches: legs of about 70 m
//! with bends under 20°.

use rand::Rng;

use crate::place::{Place, resampled, rounded};
use crate::truth::Style;

/// Draws from the log-normal distribution with this median and sigma of the logarithm.
pub(crate) fn log_normal(rng: &mut impl Rng, median: f64, sigma: f64) -> f64 {
    median * (sigma * standard_normal(rng)).exp()
}

/// Draws from the standard normal distribution (Box and Muller 1958).
pub(crate) fn standard_normal(rng: &mut impl Rng) -> f64 {
    let (u, v): (f64, f64) = (rng.random::<f64>().max(1e-12), rng.random());
    (-2.0 * u.ln()).sqrt() * (std::f64::consts::TAU * v).cos()
}

/// The corners of a trench of about `length_m`, centred at the origin, heading in the direction of `axis`
/// (radians). [`drawn`] makes of them what is dug.
pub(crate) fn trench(rng: &mut impl Rng, style: Style, length_m: f64, axis: f64) -> Vec<Place> {
    let line = match style {
        Style::Crenellated => crenellated(rng, length_m, axis),
        Style::Wavy => wavy(rng, length_m, axis),
        Style::Straight => legs(rng, length_m, axis, 28.0, 0.35, 12.0),
        _ => zigzag(rng, length_m, axis),
    };
    centred(line)
}

/// What is dug along these corners: rounded where the style has none.
pub(crate) fn drawn(style: Style, corners: Vec<Place>) -> Vec<Place> {
    if style == Style::Wavy { rounded(&corners) } else { corners }
}

/// How long the trunk of a trench system is, metres.
pub(crate) fn trunk_m(rng: &mut impl Rng) -> f64 {
    log_normal(rng, 95.0, 0.6).clamp(20.0, 320.0)
}

/// How long an arm off the trunk is, metres: a quarter of all trench lines are shorter than 13 m.
pub(crate) fn arm_m(rng: &mut impl Rng, style: Style) -> f64 {
    match style {
        Style::Sap => rng.random_range(4.5..14.5),
        _ => log_normal(rng, 42.0, 0.5).clamp(14.0, 110.0),
    }
}

/// An arm off another trench, from the origin in the direction of `axis`: a sap of a leg or two, or a
/// communication trench.
pub(crate) fn arm(rng: &mut impl Rng, style: Style, length_m: f64, axis: f64) -> Vec<Place> {
    match style {
        Style::Sap => {
            let first = length_m * rng.random_range(0.4..1.0);
            let mut line = vec![Place::default(), Place::default().ahead(axis, first)];
            if length_m - first > 2.0 {
                let turn: f64 = log_normal(rng, 40.0, 0.5).clamp(10.0, 90.0).to_radians();
                let side = if rng.random() { 1.0 } else { -1.0 };
                line.push(line[1].ahead(axis + side * turn, length_m - first));
            }
            line
        }
        _ => zigzag(rng, length_m, axis),
    }
}

/// How long a ditch is, metres: 516 in the median of 1,732.
pub(crate) fn ditch_m(rng: &mut impl Rng) -> f64 {
    log_normal(rng, 516.0, 0.75).clamp(60.0, 3000.0)
}

/// A ditch of about `length_m`, centred at the origin.
pub(crate) fn ditch(rng: &mut impl Rng, length_m: f64, axis: f64) -> Vec<Place> {
    centred(legs(rng, length_m, axis, 70.0, 0.3, 19.0))
}

fn zigzag(rng: &mut impl Rng, length_m: f64, axis: f64) -> Vec<Place> {
    let mut line = vec![Place::default()];
    let (mut at, mut gone) = (Place::default(), 0.0);
    let mut side: f64 = if rng.random() { 1.0 } else { -1.0 };
    // Halfway into a turn, so that the first leg already leaves the axis.
    let mut off = side * 17_f64.to_radians();
    while gone < length_m {
        let leg = log_normal(rng, 10.4, 0.92).clamp(2.2, 42.0).min(length_m - gone + 1.0);
        at = at.ahead(axis + off, leg);
        gone += leg;
        line.push(at);
        let turn = log_normal(rng, 28.0, 0.64).clamp(6.0, 100.0).to_radians();
        // 72 % of corners turn the other way than the one before; what a trench that strays turns back adds to it.
        side = if rng.random::<f64>() < 0.66 { -side } else { side };
        // A trench keeps its line: a turn that would lead it astray goes the other way.
        let led = off + side * turn;
        if led.abs() > 62_f64.to_radians() && led.abs() > off.abs() {
            side = -off.signum();
        }
        off += side * turn;
    }
    line
}

fn crenellated(rng: &mut impl Rng, length_m: f64, axis: f64) -> Vec<Place> {
    let (bay, depth) = (rng.random_range(5.0..9.0), rng.random_range(2.5..4.5));
    let mut line = vec![Place::default()];
    let (mut at, mut gone) = (Place::default(), 0.0);
    let (mut side, mut heading) = (1.0, axis);
    while gone < length_m {
        let leg = bay * rng.random_range(0.75..1.3);
        at = at.ahead(heading, leg);
        line.push(at);
        let aside: f64 = depth * rng.random_range(0.8..1.2);
        at = at.ahead(heading + side * rng.random_range(75.0_f64..92.0).to_radians(), aside);
        line.push(at);
        side = -side;
        gone += leg + aside;
        heading += 0.05 * standard_normal(rng);
    }
    line
}

/// Corners that rounding turns into waves.
fn wavy(rng: &mut impl Rng, length_m: f64, axis: f64) -> Vec<Place> {
    let swing: f64 = rng.random_range(14.0..26.0_f64).to_radians();
    let (mut at, mut gone) = (Place::default(), 0.0);
    let mut side: f64 = if rng.random() { 1.0 } else { -1.0 };
    let mut heading = axis;
    let mut line = vec![at];
    while gone < length_m {
        let leg = rng.random_range(5.0..15.0);
        heading += 0.03 * standard_normal(rng);
        at = at.ahead(heading + side * swing * rng.random_range(0.6..1.2), leg);
        gone += leg;
        side = -side;
        line.push(at);
    }
    line
}

fn legs(rng: &mut impl Rng, length_m: f64, axis: f64, leg_m: f64, sigma: f64, bend_deg: f64) -> Vec<Place> {
    let (mut at, mut gone) = (Place::default(), 0.0);
    let mut heading = axis;
    let mut line = vec![at];
    while gone < length_m - 1.0 {
        let leg = log_normal(rng, leg_m, sigma).min(length_m - gone);
        at = at.ahead(heading, leg);
        gone += leg;
        line.push(at);
        heading += rng.random_range(-bend_deg..bend_deg).to_radians();
    }
    line
}

/// A line laid out by surveyors, centred at the origin: long legs, slight bends.
pub(crate) fn surveyed(rng: &mut impl Rng, length_m: f64, axis: f64) -> Vec<Place> {
    centred(legs(rng, length_m, axis, 130.0, 0.6, 9.0))
}

/// A smooth path of about `length_m`, centred at the origin: wheel tracks, roads, streams. `sway` is the
/// deviation of the heading from one 20 m leg to the next, radians.
pub(crate) fn path(rng: &mut impl Rng, length_m: f64, axis: f64, sway: f64) -> Vec<Place> {
    let (mut at, mut heading) = (Place::default(), axis);
    let mut line = vec![at];
    let mut gone = 0.0;
    while gone < length_m {
        heading += sway * standard_normal(rng) - 0.15 * (heading - axis);
        at = at.ahead(heading, 20.0);
        gone += 20.0;
        line.push(at);
    }
    centred(resampled(&rounded(&line), 4.0))
}

fn centred(line: Vec<Place>) -> Vec<Place> {
    let n = line.len().max(1) as f64;
    let (sx, sy) = line.iter().fold((0.0, 0.0), |(x, y), p| (x + p.x, y + p.y));
    line.into_iter().map(|p| Place::new(p.x - sx / n, p.y - sy / n)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    fn quantile(values: &mut [f64], q: f64) -> f64 {
        values.sort_by(f64::total_cmp);
        values[((values.len() - 1) as f64 * q) as usize]
    }

    struct Corners {
        legs: Vec<f64>,
        turns: Vec<f64>,
        alternating: usize,
        pairs: usize,
    }

    impl Corners {
        fn of(lines: &[Vec<Place>]) -> Self {
            let mut all = Self { legs: vec![], turns: vec![], alternating: 0, pairs: 0 };
            for line in lines {
                let headings: Vec<f64> =
                    line.windows(2).map(|w| (w[1].y - w[0].y).atan2(w[1].x - w[0].x)).collect();
                all.legs.extend(line.windows(2).map(|w| w[0].distance(w[1])));
                let turn = |h: &[f64]| ((h[1] - h[0]).to_degrees() + 540.0).rem_euclid(360.0) - 180.0;
                let t: Vec<f64> = headings.windows(2).map(turn).collect();
                all.alternating += t.windows(2).filter(|p| p[0] * p[1] < 0.0).count();
                all.pairs += t.len().saturating_sub(1);
                all.turns.extend(t.iter().map(|t| t.abs()));
            }
            all
        }
    }

    fn near(what: &str, values: &mut [f64], q: f64, want: f64) {
        let got = quantile(values, q);
        println!("{what} {q}: {got:.2}, measured {want}");
        assert!((got / want - 1.0).abs() < 0.15, "{what}, quantile {q}: {got:.2}, measured {want}");
    }

    #[test]
    fn two_thousand_trench_lines_are_like_digitised_ones() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let mut lines = Vec::new();
        while lines.len() < 2000 {
            let system = crate::network::System::draw(&mut rng, f64::INFINITY);
            lines.push(trench(&mut rng, system.style, system.length_m, 0.3));
            for (style, length_m) in system.arms {
                lines.push(arm(&mut rng, style, length_m, 0.3));
            }
        }
        let mut lengths: Vec<f64> = lines.iter().map(|l| crate::place::length_m(l)).collect();
        near("length", &mut lengths, 0.25, 13.0);
        let mut all = Corners::of(&lines);
        for (q, want) in [(0.25, 5.0), (0.5, 8.4), (0.75, 14.6)] {
            near("corner spacing", &mut all.legs, q, want);
        }
        near("turn", &mut all.turns, 0.5, 33.0);
        near("turn", &mut all.turns, 0.95, 86.0);
        let share = all.alternating as f64 / all.pairs as f64;
        assert!((0.72 / 1.15..0.72 * 1.15).contains(&share), "{share}");
    }

    #[test]
    fn two_thousand_ditches_are_like_digitised_ones() {
        let mut rng = ChaCha8Rng::seed_from_u64(2);
        let lengths: Vec<f64> = (0..2000).map(|_| ditch_m(&mut rng)).collect();
        let lines: Vec<Vec<Place>> = lengths.iter().map(|&l| ditch(&mut rng, l, 0.3)).collect();
        near("length", &mut lines.iter().map(|l| crate::place::length_m(l)).collect::<Vec<_>>(), 0.5, 516.0);
        let mut all = Corners::of(&lines);
        near("leg", &mut all.legs, 0.5, 70.0);
        assert!(quantile(&mut all.turns, 1.0) < 20.0);
    }
}
