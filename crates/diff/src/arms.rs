//! Which lines touch a surer trench.
//!
//! A system's arms, saps and firing bays are short, and where its trench is faint it falls into pieces: a line of 8 m that
//! touches a trench is a trench far more often than its own pixels say, one that lies alone is not. What is said here of a line
//! rests on the other lines' own figures alone, so that two doubtful lines do not make each other sure.

use domain::Class;

use crate::{
    centreline::Centreline,
    classify,
    line_gain::Point,
    trace::{self, Index},
};

/// Vertices this near to each other touch, metres: the width of a trench with its spoil.
const TOUCHES_M: f64 = 7.0;

/// For each line how sure the surest other trench is that it touches, 0 where it touches none. `own` is how sure each line is on
/// its own account; vertices lie in pixels of `pixel_m`.
pub(crate) fn touched(lines: &[Centreline], own: &[f64], pixel_m: f64) -> Vec<f64> {
    let trenches = lines.iter().enumerate().filter(|(_, l)| classify::class(l) == Class::Trench);
    let mut vertices: Vec<(Point, usize)> = trenches
        .flat_map(|(i, line)| {
            line.vertices
                .iter()
                .map(move |v| (Point { row: v.row as f32, col: v.col as f32, gain: 0.0, direction: 0 }, i))
        })
        .collect();
    vertices.sort_unstable_by(|a, b| trace::order(&a.0, &b.0).then(a.1.cmp(&b.1)));
    let points: Vec<Point> = vertices.iter().map(|v| v.0).collect();
    let index = Index::new(&points);
    let reach_px = (TOUCHES_M / pixel_m) as f32;
    let of = |(i, line): (usize, &Centreline)| {
        let mut surest = 0.0;
        for v in &line.vertices {
            let (row, col) = (v.row as f32, v.col as f32);
            for k in index.near(row, col, reach_px) {
                let (p, other) = (&points[k], vertices[k].1);
                if other != i && own[other] > surest && (p.row - row).hypot(p.col - col) <= reach_px {
                    surest = own[other];
                }
            }
        }
        surest
    };
    lines.iter().enumerate().map(of).collect()
}

#[cfg(test)]
mod tests {
    use domain::Pixel;

    use super::*;
    use crate::net::KINDS;

    fn line(from: (f64, f64), to: (f64, f64), ditch: f64) -> Centreline {
        let at = |k: usize| {
            let t = k as f64 / 20.0;
            Pixel { row: from.0 + t * (to.0 - from.0), col: from.1 + t * (to.1 - from.1) }
        };
        Centreline {
            vertices: (0..=20).map(at).collect(),
            work: 0.5,
            other: 0.0,
            drain: 0.0,
            ditch,
            kinds: [0.0; KINDS],
            width_m: 1.4,
        }
    }

    #[test]
    fn a_line_touches_the_surest_trench_within_seven_metres() {
        let lines = [
            line((100.0, 100.0), (100.0, 180.0), -1.0),
            // 6 m above it, and 8 m below it.
            line((88.0, 140.0), (60.0, 140.0), -1.0),
            line((116.0, 140.0), (150.0, 140.0), -1.0),
            // A ditch 5 m beside that, which is no trench to be an arm of.
            line((116.0, 130.0), (150.0, 130.0), 1.0),
        ];
        let touched = touched(&lines, &[0.9, 0.3, 0.2, 0.99], 0.5);
        assert_eq!(touched, [0.3, 0.9, 0.0, 0.2]);
    }

    #[test]
    fn nothing_touches_nothing() {
        assert!(touched(&[], &[], 0.5).is_empty());
        let alone = [line((0.0, 0.0), (0.0, 50.0), 1.0)];
        assert_eq!(touched(&alone, &[0.9], 0.5), [0.0]);
    }
}
