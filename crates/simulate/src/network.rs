//! What a trench system consists of: a trunk, saps and cells, communication trenches that join it.

use rand::Rng;
use rand_chacha::ChaCha8Rng;

use crate::centreline::{arm, arm_m, drawn, trunk_m};
use crate::place::Place;
use crate::truth::Style;

/// A trench system before it has a place.
#[derive(Clone, Debug)]
pub(crate) struct System {
    /// How the trunk runs.
    pub style: Style,
    pub length_m: f64,
    /// Style and length of what joins it.
    pub arms: Vec<(Style, f64)>,
}

impl System {
    /// A system whose trunk is at most `most_m` long.
    pub(crate) fn draw(rng: &mut impl Rng, most_m: f64) -> Self {
        let style = match rng.random_range(0..100) {
            0..=64 => Style::Zigzag,
            65..=74 => Style::Crenellated,
            75..=92 => Style::Wavy,
            _ => Style::Straight,
        };
        let length_m = trunk_m(rng).min(most_m);
        // Of all lines a quarter is shorter than 13 m.
        let mut arms = Vec::new();
        let most = (length_m / 22.0) as usize;
        for _ in 0..most {
            let style = match rng.random::<f64>() {
                f if f < 0.14 => Style::Sap,
                f if f < 0.25 => Style::Communication,
                _ => continue,
            };
            arms.push((style, arm_m(rng, style)));
        }
        Self { style, length_m, arms }
    }
}

/// An arm that leaves `trunk` at one of its inner corners, about square to it.
pub(crate) fn arm_from(
    rng: &mut ChaCha8Rng,
    trunk: &[Place],
    style: Style,
    length_m: f64,
) -> Option<Vec<Place>> {
    if trunk.len() < 3 {
        return None;
    }
    let k = rng.random_range(1..trunk.len() - 1);
    let (before, at, after) = (trunk[k - 1], trunk[k], trunk[k + 1]);
    let along = (after.y - before.y).atan2(after.x - before.x);
    let side = if rng.random() { 1.0 } else { -1.0 };
    let axis = along + side * rng.random_range(65.0_f64..115.0).to_radians();
    let line = drawn(style, arm(rng, style, length_m, axis));
    Some(line.into_iter().map(|p| p.plus((at.x, at.y))).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;

    #[test]
    fn an_arm_begins_on_the_trunk() {
        let mut rng = ChaCha8Rng::seed_from_u64(3);
        let trunk: Vec<Place> =
            (0..6).map(|k| Place::new(10.0 * f64::from(k), f64::from(k % 2) * 4.0)).collect();
        for _ in 0..20 {
            let arm = arm_from(&mut rng, &trunk, Style::Sap, 8.0).unwrap();
            assert!(trunk[1..5].contains(&arm[0]));
            let (a, b) = (arm[0], arm[1]);
            assert!((b.y - a.y).abs() > 0.5 * (b.x - a.x).abs(), "square to the trunk");
        }
        assert!(arm_from(&mut rng, &trunk[..2], Style::Sap, 8.0).is_none());
    }
}
