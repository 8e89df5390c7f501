//! Two runs side by side: what is new, what is gone, what grew.

use domain::Earthwork;
use geo_types::{Coord, LineString};
use serde::Serialize;

use crate::distance::PieceTree;
use crate::earth::{PIECE_M, pieces};
use crate::geojson::rounded;

/// A point of one run's line this near to a line of the other's is on it, metres: wider than two traces of one
/// trench ever differ, narrower than the gap between two trenches.
const NEAR_M: f64 = 5.0;
/// Spacing of the points that are looked at, metres.
const STEP_M: f64 = 2.0;
/// A line of which less than this share is in the other run is not in it.
const SHARE: f64 = 0.3;
/// A line that is longer by less than this is as long, metres.
const MORE_M: f64 = 10.0;

/// An earthwork of one run against the other.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Compared {
    /// Its id.
    pub id: String,
    /// `trench`, `anti_vehicle_ditch`.
    pub class: &'static str,
    /// Length, metres.
    pub length_m: f64,
    /// How much of that the other run has too, metres.
    pub shared_m: f64,
}

/// Two runs side by side.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Comparison {
    /// In the second run only.
    pub new: Vec<Compared>,
    /// In the first only.
    pub gone: Vec<Compared>,
    /// In both, in the second with at least 10 m that the first has not.
    pub longer: Vec<Compared>,
    /// In both, about the same.
    pub same: Vec<Compared>,
    /// Length of what is new and of what is longer, metres.
    pub added_m: f64,
    /// Length of the first run that the second has not, metres.
    pub lost_m: f64,
}

/// What the second of two runs has more and less than the first.
///
/// Lines are compared by place, not by name: the share of a line that lies within 5 m of any line of the other run.
pub fn compare(first: &[Earthwork], second: &[Earthwork]) -> Comparison {
    let (in_first, in_second) = (Lines::of(first), Lines::of(second));
    let mut out = Comparison::default();
    let (mut added_m, mut lost_m) = (0.0, 0.0);
    for work in second {
        let shared_m = work.length_m * in_first.share(&work.centreline);
        let more_m = work.length_m - shared_m;
        let one = compared(work, shared_m);
        if shared_m < SHARE * work.length_m {
            added_m += more_m;
            out.new.push(one);
        } else if more_m >= MORE_M {
            added_m += more_m;
            out.longer.push(one);
        } else {
            out.same.push(one);
        }
    }
    for work in first {
        let shared_m = work.length_m * in_second.share(&work.centreline);
        lost_m += work.length_m - shared_m;
        if shared_m < SHARE * work.length_m {
            out.gone.push(compared(work, shared_m));
        }
    }
    (out.added_m, out.lost_m) = (rounded(added_m, 1), rounded(lost_m, 1));
    out
}

fn compared(work: &Earthwork, shared_m: f64) -> Compared {
    Compared {
        id: work.id.clone(),
        class: work.class.as_str(),
        length_m: rounded(work.length_m, 1),
        shared_m: rounded(shared_m, 1),
    }
}

struct Lines(PieceTree);

impl Lines {
    fn of(works: &[Earthwork]) -> Self {
        let mut cut = Vec::new();
        for e in works.iter().flat_map(|w| w.centreline.lines()) {
            pieces(e.start, e.end, PIECE_M, &mut cut);
        }
        Self(PieceTree::new(cut))
    }

    /// The share of a line that lies on these.
    fn share(&self, line: &LineString) -> f64 {
        let mut steps = Vec::new();
        for e in line.lines() {
            pieces(e.start, e.end, STEP_M, &mut steps);
        }
        let near = |p: Coord| self.0.nearest_to(p).is_some_and(|(d, _)| d <= NEAR_M);
        let on = steps.iter().filter(|s| near(s.at(0.5))).count();
        if steps.is_empty() { 0.0 } else { on as f64 / steps.len() as f64 }
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use domain::{Class, Evidence};
    use geo_types::line_string;

    use super::*;

    /// A line along a parallel at 51° N; a thousandth of a degree is 70 m.
    fn work(id: &str, from: f64, to: f64, lat: f64) -> Earthwork {
        Earthwork {
            id: id.to_owned(),
            class: Class::Trench,
            confidence: 0.9,
            centreline: line_string![(x: from, y: lat), (x: to, y: lat)],
            length_m: (to - from) * 70_197.0,
            width_m: 1.5,
            earlier: DateTime::default(),
            later: DateTime::default(),
            pair: String::new(),
            evidence: Evidence::default(),
        }
    }

    #[test]
    fn new_gone_longer_and_same_are_told_apart_by_place() {
        let first =
            [work("a", 35.0, 35.002, 51.0), work("b", 35.0, 35.002, 51.01), work("c", 35.0, 35.001, 51.02)];
        // A metre and a half to the north, under other names; one grew by 70 m, one is gone, one is new.
        let second = [
            work("d", 35.0, 35.002, 51.000_013),
            work("e", 35.0, 35.003, 51.010_013),
            work("f", 35.0, 35.001, 51.03),
        ];
        let c = compare(&first, &second);
        let ids = |list: &[Compared]| list.iter().map(|c| c.id.clone()).collect::<Vec<_>>();
        assert_eq!(
            [ids(&c.new), ids(&c.gone), ids(&c.longer), ids(&c.same)],
            [["f"], ["c"], ["e"], ["d"]].map(|l| l.map(str::to_owned).to_vec())
        );
        assert!((c.added_m - 140.0).abs() < 8.0 && (c.lost_m - 70.0).abs() < 1.0, "{c:?}");
        assert_eq!(compare(&[], &[]), Comparison::default());
    }
}
