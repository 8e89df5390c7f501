//! Which lines touch a surer trench, and which are nothing else.
//!
//! A system's arms, saps and firing bays are short, and where its trench is faint it falls into pieces: a line of 8 m that
//! touches a trench is a trench far more often than its own pixels say, one that lies alone is not. What is said here of a line
//! rests on the other lines' own figures alone, so that two doubtful lines do not make each other sure.
//!
//! At a corner the nearness runs on a little, and its crest is traced as a spur across the trench: what nowhere leaves the ground of
//! a surer trench is that trench.

use domain::{Class, Pixel};

use crate::{
    centreline::Centreline,
    classify,
    line_gain::Point,
    trace::{self, Index},
};

/// Vertices this near to each other touch, metres: the width of a trench with its spoil.
const TOUCHES_M: f64 = 7.0;
/// Ground on either side of a trench's centreline that is its own, metres: the cut, the spoil, and what a crest is off.
const OWN_GROUND_M: f64 = 4.0;

/// What a line touches.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Touch {
    /// How sure the surest other trench is that it touches, 0 where it touches none.
    pub(crate) surest: f64,
    /// Whether the line lies on the ground of that trench, which is the surer of the two.
    pub(crate) is_spur: bool,
}

/// What each line touches. `own` is how sure each is on its own account; vertices lie in pixels of `pixel_m`.
pub(crate) fn touched(lines: &[Centreline], own: &[f64], pixel_m: f64) -> Vec<Touch> {
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
    // The lines with a vertex so near to another.
    let near = |v: &Pixel, reach_m: f64| {
        let (row, col, reach_px) = (v.row as f32, v.col as f32, (reach_m / pixel_m) as f32);
        let (points, vertices) = (&points, &vertices);
        let close = move |k: &usize| (points[*k].row - row).hypot(points[*k].col - col) <= reach_px;
        index.near(row, col, reach_px).filter(close).map(move |k| vertices[k].1)
    };
    let of = |(i, line): (usize, &Centreline)| {
        let others = line.vertices.iter().flat_map(|v| near(v, TOUCHES_M)).filter(|&other| other != i);
        let Some(surest) = others.max_by(|&a, &b| own[a].total_cmp(&own[b]).then(b.cmp(&a))) else {
            return Touch::default();
        };
        let on_its_ground = |v: &Pixel| near(v, OWN_GROUND_M).any(|other| other == surest);
        let is_spur = own[surest] > own[i] && line.vertices.iter().all(on_its_ground);
        Touch { surest: own[surest], is_spur }
    };
    lines.iter().enumerate().map(of).collect()
}

#[cfg(test)]
mod tests {
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
        assert_eq!(touched.iter().map(|t| t.surest).collect::<Vec<_>>(), [0.3, 0.9, 0.0, 0.2]);
        assert!(touched.iter().all(|t| !t.is_spur));
    }

    #[test]
    fn what_crosses_a_trench_at_a_corner_and_does_not_leave_it_is_a_spur() {
        let trench = line((100.0, 100.0), (100.0, 180.0), -1.0);
        // 3.5 m to either side, and an arm of 7 m.
        let lines =
            [trench, line((93.0, 140.0), (107.0, 141.0), -1.0), line((101.0, 120.0), (115.0, 120.0), -1.0)];
        let is_spur =
            |own: [f64; 3]| -> Vec<bool> { touched(&lines, &own, 0.5).iter().map(|t| t.is_spur).collect() };
        assert_eq!(is_spur([0.9, 0.6, 0.6]), [false, true, false]);
        // Of two lines on the same ground the surer one stays.
        assert_eq!(is_spur([0.5, 0.6, 0.6]), [false, false, false]);
    }

    #[test]
    fn nothing_touches_nothing() {
        assert!(touched(&[], &[], 0.5).is_empty());
        let alone = [line((0.0, 0.0), (0.0, 50.0), 1.0)];
        assert_eq!(touched(&alone, &[0.9], 0.5), [Touch::default()]);
    }
}
