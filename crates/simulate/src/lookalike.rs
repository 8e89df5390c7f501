//! New lines that look like earthworks and are none: wheel tracks, paths, roads, drains, pipelines, ploughed and
//! mown strips, fences.

use rand::Rng;
use rand_chacha::ChaCha8Rng;

use crate::centreline::{path, surveyed};
use crate::cutting::Cutting;
use crate::ground::{luminance, mix};
use crate::layer::Layer;
use crate::linework::{Kind, Line};
use crate::place::{Place, length_m, resampled, shifted};
use crate::scene::stream;
use crate::sensor::Rgb;
use crate::truth::Style;

/// Longer than a kilometre they would be the same many times.
const LONGEST_M: f64 = 1500.0;

/// Pieces that are shorter are not laid, metres.
const LEAST_M: f64 = 12.0;

/// The land on which look-alikes are laid.
pub(crate) struct Land<'a> {
    /// East and south, metres.
    pub size_m: (f64, f64),
    /// Top soil and what lies under it, at a place.
    pub soils: &'a dyn Fn(Place) -> (Rgb, Rgb),
    /// Whether a line may run there: it ends where it may not.
    pub open: &'a dyn Fn(Place) -> bool,
    /// Whether a road or water lies there: what is dug or mown leaves a gap.
    pub way: &'a dyn Fn(Place) -> bool,
    /// Edges of fields, along which some of the lines run.
    pub edges: &'a [Vec<Place>],
    /// Share of the pipelines and roads that have a colour of their own, 0–1.
    pub turned_share: f64,
}

/// How a line runs.
#[derive(Clone, Copy)]
enum Course {
    /// As somebody drives or walks; the sway is that of [`path`].
    Free(f64),
    /// As somebody lays out what is to be dug: straight, slightly bent, or along the edge of a field.
    LaidOut,
    /// Along the edge of a field, where there is one.
    Edge,
}

/// Lays `n` look-alikes, on the later ones of `dates` dates in turn.
pub(crate) fn lay(layer: &mut Layer, seed: u64, n: usize, dates: usize, land: &Land<'_>) {
    let mut rng = stream(seed, 6);
    let (wide, high) = land.size_m;
    let side_m = wide.min(high).min(LONGEST_M);
    for k in 0..n {
        let since = 1 + k % (dates - 1);
        let at = Place::new(rng.random::<f64>() * wide, rng.random::<f64>() * high);
        let length = side_m * rng.random_range(0.25..0.8);
        let (style, kind, course) = draw(&mut rng, (land.soils)(at), land.turned_share);
        let reach_m = match kind {
            Kind::Cutting(cutting) => cutting.reach_m(),
            Kind::Mown { half_m, .. } | Kind::Strip { half_m, .. } => half_m + 2.5,
            Kind::Teeth { rows, spacing_m, .. } => f64::from(rows) * spacing_m / 2.0 + 3.0,
            _ => 3.0,
        };
        let points = run(&mut rng, at, length, course, land);
        let points = if style == Style::DragonsTeeth {
            // They bar a gap, not a country.
            resampled(&points, 4.0).into_iter().take(rng.random_range(12..45)).collect()
        } else {
            points
        };
        // Drains of a field lie side by side.
        let beside = match style {
            Style::Pipeline | Style::Drain if rng.random::<f64>() < 0.15 => rng.random_range(1..4),
            _ => 0,
        };
        let apart_m: f64 = rng.random_range(10.0..32.0);
        for row in 0..=beside {
            let line = shifted(&points, f64::from(row) * apart_m);
            let line = longest_run(&resampled(&line, 4.0), land.open);
            // Roads and water are crossed on the road, or below it.
            let crosses = matches!(kind, Kind::Ruts { .. } | Kind::Path { .. } | Kind::Strip { .. });
            let pieces = if crosses { vec![line] } else { open_runs(&line, &|p| !(land.way)(p)) };
            for piece in pieces.into_iter().filter(|p| length_m(p) >= LEAST_M) {
                layer.add_distractor(Line::new(piece, kind, reach_m, since, rng.random()), style);
            }
        }
    }
}

/// What a line is, and how it runs.
fn draw(rng: &mut ChaCha8Rng, (soil, subsoil): (Rgb, Rgb), turned_share: f64) -> (Style, Kind, Course) {
    let turned = turned_share > 0.0 && rng.random::<f64>() < turned_share;
    // Bare earth without a fortification in it: from chernozem to chalk.
    let bare = {
        let light = luminance(mix(soil, subsoil, 0.5)) * rng.random_range(-0.75_f32..0.7).exp();
        let warm: f32 = rng.random_range(-0.02..0.25);
        [1.0 + warm, 1.0, 1.0 - 1.5 * warm].map(|v| v * light.clamp(22.0, 235.0))
    };
    let (soil_there, subsoil_there) = if turned { (bare, mix(bare, subsoil, 0.3)) } else { (soil, subsoil) };
    match rng.random_range(0..28) {
        0..=9 => {
            // Ruts in a crop show the soil or flattened, paler straw.
            let pale = mix(soil, [180.0, 168.0, 132.0], rng.random_range(0.0..0.9));
            let kind = Kind::Ruts {
                gauge_m: rng.random_range(1.7..2.4),
                rut_m: rng.random_range(0.35..0.7),
                colour: pale,
                share: rng.random_range(0.3..0.85),
            };
            (Style::WheelTrack, kind, Course::Free(0.12))
        }
        10..=11 => {
            let kind = Kind::Path {
                half_m: rng.random_range(0.25..0.6),
                colour: mix(soil, [150.0, 138.0, 108.0], rng.random_range(0.0..1.0)),
                share: rng.random_range(0.2..0.5),
            };
            (Style::Path, kind, Course::Free(0.2))
        }
        12..=13 => {
            let gravel = mix(subsoil, [178.0, 168.0, 146.0], 0.7);
            let (colour, share) = if turned {
                (bare, rng.random_range(0.3..0.95))
            } else {
                (gravel, rng.random_range(0.75..0.95))
            };
            let kind = Kind::Strip { half_m: rng.random_range(1.6..2.6), colour, share };
            (Style::NewRoad, kind, Course::Free(0.05))
        }
        14..=17 => {
            let cutting = Cutting::drain(rng, soil_there, subsoil_there);
            (Style::Drain, Kind::Cutting(cutting), Course::LaidOut)
        }
        18..=21 => {
            let cutting = Cutting::pipe(rng, soil_there, subsoil_there);
            (Style::Pipeline, Kind::Cutting(cutting), Course::LaidOut)
        }
        22..=23 => (Style::PloughedStrip, Kind::Cutting(Cutting::ploughed(rng, soil)), Course::Edge),
        24 => (Style::Fence, Kind::Cutting(Cutting::fence(rng)), Course::LaidOut),
        25..=26 => {
            let tone: f32 = rng.random_range(0.06..0.3);
            let kind = Kind::Mown {
                half_m: rng.random_range(0.8..7.0),
                tone: if rng.random::<f64>() < 0.7 { tone } else { -0.5 * tone },
                pass_m: rng.random_range(1.6..4.0),
            };
            (Style::MownStrip, kind, Course::Edge)
        }
        _ => {
            let kind = Kind::Teeth {
                rows: rng.random_range(2..5),
                spacing_m: rng.random_range(2.0..3.5),
                side_m: rng.random_range(0.9..1.4),
                height_m: rng.random_range(0.6..1.0),
            };
            (Style::DragonsTeeth, kind, Course::Free(0.03))
        }
    }
}

/// The points of a line of about `length` around a place.
fn run(rng: &mut ChaCha8Rng, at: Place, length: f64, course: Course, land: &Land<'_>) -> Vec<Place> {
    let axis = rng.random_range(0.0..std::f64::consts::TAU);
    let along_edge = match course {
        Course::Free(_) => 0.0,
        Course::LaidOut => 0.25,
        Course::Edge => 0.75,
    };
    if rng.random::<f64>() < along_edge && !land.edges.is_empty() {
        let edge = &land.edges[rng.random_range(0..land.edges.len())];
        let side = if rng.random() { 1.0 } else { -1.0 };
        let line = shifted(edge, side * rng.random_range(3.0..9.0));
        let points = resampled(&line, 4.0);
        if length_m(&points) > 40.0 {
            let most = ((length / 4.0) as usize).clamp(10, points.len());
            let from = rng.random_range(0..=points.len() - most);
            return points[from..from + most].to_vec();
        }
    }
    let line = match course {
        Course::Free(sway) => path(rng, length, axis, sway),
        _ if rng.random::<f64>() < 0.45 => path(rng, length, axis, 0.0),
        _ if rng.random::<f64>() < 0.7 => surveyed(rng, length, axis),
        _ => path(rng, length, axis, 0.012),
    };
    line.into_iter().map(|p| p.plus((at.x, at.y))).collect()
}

/// The longest run of points that are all open.
fn longest_run(points: &[Place], open: &dyn Fn(Place) -> bool) -> Vec<Place> {
    let mut best = Vec::new();
    for run in open_runs(points, open) {
        if run.len() > best.len() {
            best = run;
        }
    }
    best
}

/// All runs of points that are open.
fn open_runs(points: &[Place], open: &dyn Fn(Place) -> bool) -> Vec<Vec<Place>> {
    points.split(|p| !open(*p)).filter(|run| !run.is_empty()).map(<[Place]>::to_vec).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_line_is_drawn() {
        let mut rng = stream(1, 6);
        let soils = ([80.0, 70.0, 60.0], [170.0, 150.0, 120.0]);
        let mut seen = std::collections::BTreeMap::new();
        for _ in 0..2000 {
            *seen.entry(draw(&mut rng, soils, 0.3).0.as_str()).or_insert(0) += 1;
        }
        let all = [
            "dragons_teeth",
            "drain",
            "fence",
            "mown_strip",
            "new_road",
            "path",
            "pipeline",
            "ploughed_strip",
            "wheel_track",
        ];
        assert_eq!(seen.keys().copied().collect::<Vec<_>>(), all);
        // Drains and pipelines are what is most often taken for a work.
        assert!(seen["drain"] + seen["pipeline"] > 450, "{seen:?}");
    }

    #[test]
    fn the_longest_open_run_stays() {
        let points: Vec<Place> = (0..10).map(|k| Place::new(f64::from(k), 0.0)).collect();
        let kept = longest_run(&points, &|p| p.x != 3.0 && p.x != 8.0);
        assert_eq!(kept, points[4..8]);
        assert_eq!(longest_run(&points, &|_| true).len(), 10);
        assert!(longest_run(&points, &|_| false).is_empty());
    }
}
