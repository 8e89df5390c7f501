//! Works over time: what continues what, how long it was when, how fast it grew.

use chrono::{DateTime, Utc};
use geo_types::LineString;
use rstar::{AABB, RTree, RTreeObject};
use serde::{Deserialize, Serialize};

use crate::MeasuredEarthwork;
use crate::earth::{PIECE_M, Piece, chord_to_chord2, pieces};
use crate::earthworks::rfc3339;
use crate::geojson::rounded;

/// A later work whose line comes this near to an earlier one's continues it, metres: the widest gap within half
/// of all trench systems, and more than two images are ever misplaced by after alignment.
const NEAR_M: f64 = 15.0;

/// A line that grew over several dates, under the name of its first part.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Growth {
    /// Id of the earthwork that was there first.
    pub id: String,
    /// Its parts, by the date at which each was first seen.
    pub parts: Vec<String>,
    /// Last image without any of it.
    pub last_absent: String,
    /// First image with some of it.
    pub first_seen: String,
    /// Length at each date at which more of it was seen, metres.
    pub lengths: Vec<LengthAt>,
    /// Metres a day from the beginning to the last date: at least this, as it may have begun right after it was last
    /// absent …
    pub metres_per_day_least: f64,
    /// … and at most this, as it may have begun right before it was first seen. `None` where it was seen once.
    pub metres_per_day_most: Option<f64>,
}

/// How long a line was.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LengthAt {
    /// Time of the image.
    pub date: String,
    /// All of it, metres.
    pub length_m: f64,
}

struct Leaf {
    work: usize,
    piece: Piece,
}

impl RTreeObject for Leaf {
    type Envelope = AABB<[f64; 3]>;
    fn envelope(&self) -> Self::Envelope {
        AABB::from_corners(self.piece.pa, self.piece.pb)
    }
}

fn cut(line: &LineString) -> Vec<Piece> {
    let mut out = Vec::new();
    line.lines().for_each(|e| pieces(e.start, e.end, PIECE_M, &mut out));
    out
}

/// The lines that earthworks make over time, in the order of their first parts: one for each earthwork that
/// continues no other.
///
/// A work continues one of the same class that was seen on an earlier date and comes within 15 m of it; of several,
/// the nearest. Writes the name of its line to each work.
pub fn growth(found: &mut [MeasuredEarthwork]) -> Vec<Growth> {
    let leaves = found.iter().enumerate().flat_map(|(work, f)| {
        cut(&f.earthwork.centreline).into_iter().map(move |piece| Leaf { work, piece })
    });
    let tree = RTree::bulk_load(leaves.collect());
    let follows: Vec<Option<usize>> = found.iter().map(|f| predecessor(f, found, &tree)).collect();
    // A predecessor is always older, so the way back ends.
    let first = |mut work: usize| {
        while let Some(before) = follows[work] {
            work = before;
        }
        work
    };
    let mut groups: Vec<Vec<usize>> = vec![Vec::new(); found.len()];
    for work in 0..found.len() {
        groups[first(work)].push(work);
    }
    let mut out = Vec::new();
    for members in groups.into_iter().filter(|g| !g.is_empty()) {
        let grown = describe(members.clone(), found);
        for work in members {
            found[work].line = Some(grown.id.clone());
        }
        out.push(grown);
    }
    out
}

fn predecessor(f: &MeasuredEarthwork, found: &[MeasuredEarthwork], tree: &RTree<Leaf>) -> Option<usize> {
    let mut best: Option<(f64, usize)> = None;
    for piece in cut(&f.earthwork.centreline) {
        let low = [0, 1, 2].map(|i| piece.pa[i].min(piece.pb[i]) - NEAR_M);
        let high = [0, 1, 2].map(|i| piece.pa[i].max(piece.pb[i]) + NEAR_M);
        for leaf in tree.locate_in_envelope_intersecting(&AABB::from_corners(low, high)) {
            let other = &found[leaf.work].earthwork;
            if other.later >= f.earthwork.later || other.class != f.earthwork.class {
                continue;
            }
            let gap2 = chord_to_chord2(&piece, &leaf.piece).0;
            let nearer = best.is_none_or(|(b, w)| gap2 < b || (gap2 == b && leaf.work < w));
            if gap2 <= NEAR_M * NEAR_M && nearer {
                best = Some((gap2, leaf.work));
            }
        }
    }
    best.map(|(_, work)| work)
}

fn describe(mut members: Vec<usize>, found: &[MeasuredEarthwork]) -> Growth {
    members.sort_by(|&a, &b| {
        let (a, b) = (&found[a].earthwork, &found[b].earthwork);
        a.later.cmp(&b.later).then_with(|| a.id.cmp(&b.id))
    });
    let works: Vec<_> = members.iter().map(|&i| &found[i].earthwork).collect();
    let (absent, seen) = (works[0].earlier, works[0].later);
    let mut lengths: Vec<(DateTime<Utc>, f64)> = Vec::new();
    let mut length_m = 0.0;
    for work in &works {
        length_m += work.length_m;
        match lengths.last_mut() {
            Some(last) if last.0 == work.later => last.1 = length_m,
            _ => lengths.push((work.later, length_m)),
        }
    }
    let end = works[works.len() - 1].later;
    let days = |from: DateTime<Utc>| (end - from).num_seconds() as f64 / 86_400.0;
    let rate = |from| Some(days(from)).filter(|d| *d > 0.0).map(|d| rounded(length_m / d, 1));
    Growth {
        id: works[0].id.clone(),
        parts: works.iter().map(|w| w.id.clone()).collect(),
        last_absent: rfc3339(absent),
        first_seen: rfc3339(seen),
        lengths: lengths
            .into_iter()
            .map(|(date, m)| LengthAt { date: rfc3339(date), length_m: rounded(m, 1) })
            .collect(),
        metres_per_day_least: rate(absent).unwrap_or_default(),
        metres_per_day_most: rate(seen),
    }
}

#[cfg(test)]
mod tests {
    use chrono::{NaiveDate, TimeZone};
    use domain::{Class, Earthwork, Evidence};
    use geo_types::line_string;

    use super::*;
    use crate::{FrontLine, Fronts, FrontsIndex, ImagePrecision, measure_all};

    fn day(d: u32) -> DateTime<Utc> {
        Utc.with_ymd_and_hms(2024, 8, d, 0, 0, 0).unwrap()
    }

    /// Works on a parallel, seen first on a day, a week after they were absent; in thousandths of a degree, 111 m.
    fn found(works: &[(&str, Class, f64, f64, u32)]) -> Vec<MeasuredEarthwork> {
        let front = vec![line_string![(x: 9.0, y: -0.1), (x: 11.0, y: -0.1)]];
        let front = FrontLine::from_lines(front, NaiveDate::default(), "test", "claimed").unwrap();
        let work = |&(id, class, west, east, seen): &(&str, Class, f64, f64, u32)| Earthwork {
            id: id.to_owned(),
            class,
            confidence: 0.9,
            centreline: line_string![(x: 10.0 + west / 1e3, y: 0.0), (x: 10.0 + east / 1e3, y: 0.0)],
            length_m: 100.0,
            width_m: 1.5,
            earlier: day(seen - 7),
            later: day(seen),
            pair: String::new(),
            evidence: Evidence::default(),
        };
        let works = works.iter().map(work).collect();
        measure_all(works, &FrontsIndex::new(&Fronts::one(front)), |_| ImagePrecision::of(None, None, None))
    }

    #[test]
    fn what_continues_an_earlier_line_of_its_class_is_one_with_it() {
        let grown = growth(&mut found(&[
            ("c", Class::Trench, 3.05, 4.0, 22), // 6 m on from b
            ("a", Class::Trench, 0.0, 1.0, 8),
            ("b", Class::Trench, 1.1, 3.0, 15), // 11 m on from a
            ("x", Class::Trench, 4.2, 5.0, 22), // 22 m on from c, and of its date
            ("d", Class::AntiVehicleDitch, 1.0, 2.0, 15),
        ]));
        let ids: Vec<(&str, usize)> = grown.iter().map(|g| (g.id.as_str(), g.parts.len())).collect();
        assert_eq!(ids, [("a", 3), ("x", 1), ("d", 1)]);
        let a = &grown[0];
        assert_eq!(a.parts, ["a", "b", "c"]);
        assert_eq!(
            (a.last_absent.as_str(), a.first_seen.as_str()),
            ("2024-08-01T00:00:00Z", "2024-08-08T00:00:00Z")
        );
        assert_eq!(a.lengths.iter().map(|l| l.length_m).collect::<Vec<_>>(), [100.0, 200.0, 300.0]);
        // 300 m in 21 days at the slowest, in 14 at the fastest.
        assert_eq!((a.metres_per_day_least, a.metres_per_day_most), (14.3, Some(21.4)));
        assert_eq!(grown[1].metres_per_day_most, None);
        assert!(growth(&mut []).is_empty());
    }
}
