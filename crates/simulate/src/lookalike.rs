//! New lines that look like earthworks and are none: wheel tracks, paths, pipelines.

use rand::Rng;

use crate::centreline::path;
use crate::ground::{luminance, mix};
use crate::layer::Layer;
use crate::linework::{Kind, Line};
use crate::place::Place;
use crate::scene::stream;
use crate::sensor::Rgb;
use crate::truth::Style;

/// Lays `n` look-alikes over a scene of `size_m` (east, south), on its later dates in turn; `soils` tells top
/// soil and what lies under it at a place, `open` whether a line may run there: it ends where it may not. Of the
/// pipelines and roads `turned_share` (0–1) have a colour of their own.
#[expect(clippy::too_many_arguments, reason = "what is laid, where, and of which soils")]
pub(crate) fn lay(
    layer: &mut Layer,
    seed: u64,
    n: usize,
    dates: usize,
    (wide, high): (f64, f64),
    soils: &dyn Fn(Place) -> (Rgb, Rgb),
    open: &dyn Fn(Place) -> bool,
    turned_share: f64,
) {
    let mut rng = stream(seed, 6);
    // Longer than a kilometre they would be the same many times.
    let side_m = wide.min(high).min(1500.0);
    for k in 0..n {
        let since = 1 + k % (dates - 1);
        let at = Place::new(rng.random::<f64>() * wide, rng.random::<f64>() * high);
        let length = side_m * rng.random_range(0.25..0.8);
        let axis = rng.random_range(0.0..std::f64::consts::TAU);
        let (soil, subsoil) = soils(at);
        let (style, kind, sway, reach_m) = match rng.random_range(0..24) {
            0..=11 => {
                // Ruts in a crop show the soil or flattened, paler straw.
                let pale = mix(soil, [180.0, 168.0, 132.0], rng.random_range(0.0..0.9));
                let kind = Kind::Ruts {
                    gauge_m: rng.random_range(1.7..2.4),
                    rut_m: rng.random_range(0.35..0.7),
                    colour: pale,
                    share: rng.random_range(0.3..0.85),
                };
                (Style::WheelTrack, kind, 0.12, 3.0)
            }
            12..=14 => {
                let kind = Kind::Path {
                    half_m: rng.random_range(0.25..0.6),
                    colour: mix(soil, [150.0, 138.0, 108.0], rng.random_range(0.0..1.0)),
                    share: rng.random_range(0.2..0.5),
                };
                (Style::Path, kind, 0.2, 2.5)
            }
            15..=16 => {
                let kind = Kind::Strip {
                    half_m: rng.random_range(1.6..2.6),
                    colour: mix(subsoil, [178.0, 168.0, 146.0], 0.7),
                    share: rng.random_range(0.75..0.95),
                };
                (Style::NewRoad, kind, 0.05, 5.0)
            }
            17..=19 => {
                let kind = Kind::Drain { half_m: rng.random_range(0.4..0.9), spoil: mix(soil, subsoil, 0.6) };
                (Style::Drain, kind, 0.015, 5.0)
            }
            20 => {
                let rows = rng.random_range(2..5);
                let spacing_m = rng.random_range(2.0..3.5);
                let side_m = rng.random_range(0.9..1.4);
                let height_m = rng.random_range(0.6..1.0);
                let kind = Kind::Teeth { rows, spacing_m, side_m, height_m };
                (Style::DragonsTeeth, kind, 0.03, f64::from(rows) * spacing_m / 2.0 + 3.0)
            }
            _ => {
                let kind = Kind::Strip {
                    half_m: rng.random_range(2.0..4.5),
                    colour: mix(soil, subsoil, rng.random_range(0.2..0.8)),
                    share: rng.random_range(0.25..0.6),
                };
                (Style::Pipeline, kind, 0.01, 7.0)
            }
        };
        let kind = match kind {
            // Bare earth without a cut in it: from chernozem to chalk.
            Kind::Strip { half_m, .. } if turned_share > 0.0 && rng.random::<f64>() < turned_share => {
                let light = luminance(mix(soil, subsoil, 0.5)) * rng.random_range(-0.75_f32..0.7).exp();
                let warm: f32 = rng.random_range(-0.02..0.25);
                let colour = [1.0 + warm, 1.0, 1.0 - 1.5 * warm].map(|v| v * light.clamp(22.0, 235.0));
                Kind::Strip { half_m, colour, share: rng.random_range(0.3..0.95) }
            }
            kind => kind,
        };
        let points: Vec<Place> =
            path(&mut rng, length, axis, sway).into_iter().map(|p| p.plus((at.x, at.y))).collect();
        let mut points = longest_run(&points, open);
        if style == Style::DragonsTeeth {
            // They bar a gap, not a country.
            points.truncate(rng.random_range(12..45));
        }
        layer.add_distractor(Line::new(points, kind, reach_m, since, rng.random()), style);
    }
}

/// The longest run of points that are all open.
fn longest_run(points: &[Place], open: &dyn Fn(Place) -> bool) -> Vec<Place> {
    let mut best = 0..0;
    let mut from = 0;
    for k in 0..=points.len() {
        if k == points.len() || !open(points[k]) {
            if k - from > best.len() {
                best = from..k;
            }
            from = k + 1;
        }
    }
    points[best].to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_open_run_stays() {
        let points: Vec<Place> = (0..10).map(|k| Place::new(f64::from(k), 0.0)).collect();
        let kept = longest_run(&points, &|p| p.x != 3.0 && p.x != 8.0);
        assert_eq!(kept, points[4..8]);
        assert_eq!(longest_run(&points, &|_| true).len(), 10);
        assert!(longest_run(&points, &|_| false).is_empty());
    }
}
