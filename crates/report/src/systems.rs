//! Earthworks that belong together: systems, and the lines of defence that systems make.

use std::collections::BTreeMap;

use domain::{Class, Earthwork};
use geo_types::{Coord, LineString};
use rstar::{AABB, RTree, RTreeObject};
use serde::{Deserialize, Serialize};

use crate::distance::Compass;
use crate::earth::{PIECE_M, Piece, chord_to_chord2, metres, pieces};
use crate::gap::goes_on;
use crate::geojson::{bbox, rounded};
use crate::{Error, MeasuredEarthwork, Result};

/// Edges agree on a direction where their mean, as vectors of twice the angle, is at least this share of their length: legs
/// that turn to and fro by 33° have 0.84, bays and traverses at right angles 0.
const AGREED: f64 = 0.5;

/// What belongs together. Metres.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SystemOptions {
    /// Widest gap between trenches of a system. Half of the gaps in 22,419 digitised trenches are under 15 m, three
    /// quarters under 43 m.
    pub trench_gap_m: f64,
    /// Widest gap along a ditch, from an end to the end where it goes on in its direction. Of 1,732 digitised ones three
    /// quarters are under 208 m. Ditches that meet within `trench_gap_m` belong together whichever way they run.
    pub ditch_gap_m: f64,
    /// Widest gap between a ditch and a trench that guards it.
    pub ditch_to_trench_m: f64,
    /// Systems whose distances from the front differ by less than this, one after the other, are one line of defence.
    pub line_gap_m: f64,
}

impl Default for SystemOptions {
    fn default() -> Self {
        Self { trench_gap_m: 50.0, ditch_gap_m: 250.0, ditch_to_trench_m: 750.0, line_gap_m: 2000.0 }
    }
}

impl SystemOptions {
    /// Checks the numbers.
    ///
    /// # Errors
    /// [`Error::BadOption`] for the first that is not between 0 and 20,000 m.
    pub fn validate(&self) -> Result<()> {
        for (name, value) in [
            ("systems.trench_gap_m", self.trench_gap_m),
            ("systems.ditch_gap_m", self.ditch_gap_m),
            ("systems.ditch_to_trench_m", self.ditch_to_trench_m),
            ("systems.line_gap_m", self.line_gap_m),
        ] {
            if !(0.0..=20_000.0).contains(&value) {
                return Err(Error::BadOption { name, value, must_be: "between 0 and 20000" });
            }
        }
        Ok(())
    }

    /// True where two earthworks belong together.
    fn join(&self, (a, of_a): (&Leaf, &Earthwork), (b, of_b): (&Leaf, &Earthwork)) -> bool {
        match (of_a.class, of_b.class) {
            (Class::Trench, Class::Trench) => a.meets(b, self.trench_gap_m),
            (Class::AntiVehicleDitch, Class::AntiVehicleDitch) => {
                a.meets(b, self.trench_gap_m.min(self.ditch_gap_m))
                    || goes_on(&of_a.centreline, &of_b.centreline, self.ditch_gap_m)
            }
            _ => a.meets(b, self.ditch_to_trench_m),
        }
    }
}

/// Earthworks that belong together.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct System {
    /// `S1`, `S2`, … by distance from the front.
    pub id: String,
    /// Which line of defence it is part of, 1 the nearest to the front.
    pub line: usize,
    /// Its earthworks.
    pub earthworks: Vec<String>,
    /// Length of its trenches, metres.
    pub trench_m: f64,
    /// Length of its ditches, metres.
    pub ditch_m: f64,
    /// Distance of its nearest earthwork from the front that leads, metres.
    pub distance_m: f64,
    /// Which way it lies from there.
    pub direction: Option<Compass>,
    /// The direction in which it runs, degrees from north, 0–180. `None` where it runs no way in particular.
    pub orientation_deg: Option<f64>,
    /// Across that, the way that looks towards the front.
    pub faces: Option<Compass>,
    /// From end to end along its orientation, metres.
    pub extent_m: f64,
    /// West, south, east, north, degrees; west is the greater where it lies across the antimeridian.
    pub bbox: [f64; 4],
    /// Its lines.
    #[serde(skip)]
    pub geometry: Vec<LineString>,
}

/// A line of defence: systems about as far from the front.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DefenceLine {
    /// 1 is the nearest to the front.
    pub number: usize,
    /// Its systems.
    pub systems: Vec<String>,
    /// Nearest and farthest system from the front, metres.
    pub distance_m: [f64; 2],
    /// Which way it lies from there, at its nearest point.
    pub direction: Option<Compass>,
    /// Length of its earthworks, metres.
    pub length_m: f64,
    /// Length of its trenches, metres.
    pub trench_m: f64,
    /// Length of its ditches, metres.
    pub ditch_m: f64,
    /// The direction in which it runs, degrees from north, 0–180. `None` where it runs no way in particular.
    pub orientation_deg: Option<f64>,
    /// Across that, the way that looks towards the front.
    pub faces: Option<Compass>,
    /// From end to end along its orientation, metres.
    pub extent_m: f64,
    /// West, south, east, north, degrees; west is the greater where it lies across the antimeridian.
    pub bbox: [f64; 4],
    /// The lines of its earthworks.
    #[serde(skip)]
    pub geometry: Vec<LineString>,
}

/// An earthwork in space.
struct Leaf {
    work: usize,
    pieces: Vec<Piece>,
    low: [f64; 3],
    high: [f64; 3],
}

impl RTreeObject for Leaf {
    type Envelope = AABB<[f64; 3]>;
    fn envelope(&self) -> Self::Envelope {
        AABB::from_corners(self.low, self.high)
    }
}

impl Leaf {
    fn of(work: usize, f: &MeasuredEarthwork) -> Self {
        let mut cut = Vec::new();
        for e in f.earthwork.centreline.lines() {
            pieces(e.start, e.end, PIECE_M, &mut cut);
        }
        let corner = |pick: fn(f64, f64) -> f64, from: f64| {
            let ends = cut.iter().flat_map(|p| [p.pa, p.pb]);
            ends.fold([from; 3], |c, p| [0, 1, 2].map(|i| pick(c[i], p[i])))
        };
        let (low, high) = (corner(f64::min, f64::INFINITY), corner(f64::max, f64::NEG_INFINITY));
        Self { work, pieces: cut, low, high }
    }

    /// True where the two come within `gap_m` of each other.
    fn meets(&self, other: &Self, gap_m: f64) -> bool {
        let apart = |i: usize| (self.low[i] - other.high[i]).max(other.low[i] - self.high[i]).max(0.0);
        let gap2 = gap_m * gap_m;
        (0..3).map(|i| apart(i).powi(2)).sum::<f64>() <= gap2
            && self.pieces.iter().any(|p| other.pieces.iter().any(|q| chord_to_chord2(p, q).0 <= gap2))
    }
}

/// Groups earthworks into systems, writes the name of its system to each, and groups systems into lines of defence.
///
/// Gaps are measured in space, which at these lengths is on the ground to a millimetre.
pub fn systems(found: &mut [MeasuredEarthwork], options: &SystemOptions) -> (Vec<System>, Vec<DefenceLine>) {
    let leaves: Vec<Leaf> = found.iter().enumerate().map(|(i, f)| Leaf::of(i, f)).collect();
    let leaves = leaves.into_iter().filter(|l| !l.pieces.is_empty()).collect();
    let widest = options.trench_gap_m.max(options.ditch_gap_m).max(options.ditch_to_trench_m);
    let tree = RTree::bulk_load(leaves);
    let mut parent: Vec<usize> = (0..found.len()).collect();
    for leaf in &tree {
        let (low, high) = (leaf.low.map(|v| v - widest), leaf.high.map(|v| v + widest));
        for other in tree.locate_in_envelope_intersecting(&AABB::from_corners(low, high)) {
            // What is joined already need not be looked at, which in a dense place is nearly all.
            if other.work <= leaf.work || root(&mut parent, other.work) == root(&mut parent, leaf.work) {
                continue;
            }
            let of = |leaf: &Leaf| &found[leaf.work].earthwork;
            if options.join((leaf, of(leaf)), (other, of(other))) {
                let (a, b) = (root(&mut parent, leaf.work), root(&mut parent, other.work));
                parent[a.max(b)] = a.min(b);
            }
        }
    }
    let mut groups: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for work in 0..found.len() {
        groups.entry(root(&mut parent, work)).or_default().push(work);
    }
    let mut systems: Vec<(System, Vec<usize>)> =
        groups.into_values().map(|members| (describe(&members, found), members)).collect();
    systems.sort_by(|(a, _), (b, _)| {
        a.distance_m.total_cmp(&b.distance_m).then_with(|| a.earthworks.cmp(&b.earthworks))
    });
    for (i, (system, members)) in systems.iter_mut().enumerate() {
        system.id = format!("S{}", i + 1);
        for &work in members.iter() {
            found[work].system = Some(system.id.clone());
        }
    }
    let lines = lines_of_defence(&mut systems, found, options.line_gap_m);
    (systems.into_iter().map(|(s, _)| s).collect(), lines)
}

/// The lines that systems make, which are sorted by their distance from the front and come with the places of their
/// earthworks in `found`; writes the number of its line to each system and each earthwork.
fn lines_of_defence(
    systems: &mut [(System, Vec<usize>)],
    found: &mut [MeasuredEarthwork],
    gap_m: f64,
) -> Vec<DefenceLine> {
    let mut lines = Vec::new();
    // A distance that is not known is infinite, and infinity less infinity is no gap that any would be wider than.
    for line in systems.chunk_by_mut(|a, b| b.0.distance_m - a.0.distance_m <= gap_m) {
        let number = lines.len() + 1;
        let members: Vec<usize> = line.iter().flat_map(|(_, members)| members).copied().collect();
        line.iter_mut().for_each(|(system, _)| system.line = number);
        let whole = describe(&members, found);
        members.iter().for_each(|&work| found[work].defence_line = Some(number));
        lines.push(DefenceLine {
            number,
            systems: line.iter().map(|(system, _)| system.id.clone()).collect(),
            distance_m: [line[0].0.distance_m, line[line.len() - 1].0.distance_m],
            direction: whole.direction,
            length_m: rounded(whole.trench_m + whole.ditch_m, 1),
            trench_m: whole.trench_m,
            ditch_m: whole.ditch_m,
            orientation_deg: whole.orientation_deg,
            faces: whole.faces,
            extent_m: whole.extent_m,
            bbox: whole.bbox,
            geometry: whole.geometry,
        });
    }
    lines
}

fn root(parent: &mut [usize], mut i: usize) -> usize {
    while parent[i] != i {
        parent[i] = parent[parent[i]];
        i = parent[i];
    }
    i
}

fn describe(members: &[usize], found: &[MeasuredEarthwork]) -> System {
    let works = || members.iter().map(|&i| &found[i]);
    let length = |class: Class| {
        let of = works().filter(|w| w.earthwork.class == class).map(|w| w.earthwork.length_m);
        rounded(of.sum::<f64>(), 1)
    };
    let nearest = works()
        .filter(|w| w.measure.distance_m.is_finite())
        .min_by(|a, b| a.measure.distance_m.total_cmp(&b.measure.distance_m));
    let geometry: Vec<LineString> = works().map(|w| w.earthwork.centreline.clone()).collect();
    let (orientation_deg, extent_m) = run(&geometry);
    let to_front = nearest.and_then(|w| w.measure.back_bearing_deg);
    let faces = orientation_deg.zip(to_front).map(|(axis, front)| {
        let side = axis + 90.0;
        let towards = (side - front).to_radians().cos() >= 0.0;
        Compass::from_bearing_deg(if towards { side } else { side + 180.0 })
    });
    let bbox = bbox(geometry.iter().flat_map(LineString::coords).copied());
    System {
        id: String::new(),
        line: 0,
        earthworks: works().map(|w| w.earthwork.id.clone()).collect(),
        trench_m: length(Class::Trench),
        ditch_m: length(Class::AntiVehicleDitch),
        distance_m: nearest.map_or(f64::INFINITY, |w| w.measure.distance_m),
        direction: nearest.and_then(|w| w.measure.direction),
        orientation_deg: orientation_deg.map(|d| rounded(d, 1) % 180.0),
        faces,
        extent_m: rounded(extent_m, 1),
        bbox: bbox.unwrap_or([f64::NAN; 4]).map(|v| rounded(v, 7)),
        geometry,
    }
}

/// An edge in a plane: metres east and north of an origin, from and to.
type Edge = ((f64, f64), (f64, f64));

/// The edges of lines in a plane around the first point.
fn edges_m(lines: &[LineString]) -> Vec<Edge> {
    let Some(origin) = lines.iter().flat_map(LineString::coords).next().copied() else { return Vec::new() };
    let local = |c: Coord| {
        let dx = (c.x - origin.x + 540.0).rem_euclid(360.0) - 180.0;
        metres(origin.y, Coord { x: dx, y: c.y - origin.y })
    };
    lines.iter().flat_map(LineString::lines).map(|e| (local(e.start), local(e.end))).collect()
}

/// From east towards north, radians, to degrees from north towards east, 0–180.
fn from_north(angle: f64) -> f64 {
    (90.0 - angle.to_degrees()).rem_euclid(180.0)
}

/// The direction in which earthworks run, degrees from north, 0–180, and their extent along it, metres.
///
/// The mean direction of their edges, each as heavy as it is long, where they agree on one; else the principal axis,
/// where there is one. So works in rows one behind the other run as the rows do, however deep they are staggered.
fn run(lines: &[LineString]) -> (Option<f64>, f64) {
    let edges = edges_m(lines);
    // Directions, not headings: twice the angle, halved again.
    let (mut cos, mut sin, mut all) = (0.0, 0.0, 0.0);
    for (a, b) in &edges {
        let (x, y) = (b.0 - a.0, b.1 - a.1);
        let length = x.hypot(y);
        if length > 0.0 {
            (cos, sin, all) = (cos + (x * x - y * y) / length, sin + 2.0 * x * y / length, all + length);
        }
    }
    if all <= 0.0 || cos.hypot(sin) < AGREED * all {
        return axis(lines);
    }
    let angle = 0.5 * sin.atan2(cos);
    (Some(from_north(angle)), extent_m(&edges, angle))
}

/// Extent of edges in the direction of an angle from east towards north, metres.
fn extent_m(edges: &[Edge], angle: f64) -> f64 {
    let ends = edges.iter().flat_map(|e| [e.0, e.1]).map(|p| p.0 * angle.cos() + p.1 * angle.sin());
    let (least, most) = ends.fold((f64::INFINITY, f64::NEG_INFINITY), |e, v| (e.0.min(v), e.1.max(v)));
    (most - least).max(0.0)
}

/// The direction in which a line runs as a whole, degrees from north, 0–180, and its extent along it, metres.
///
/// The principal axis of the vertices, each as heavy as the edges beside it are long. No direction where the other
/// axis is more than two thirds as long.
pub(crate) fn axis(lines: &[LineString]) -> (Option<f64>, f64) {
    let edges = edges_m(lines);
    let weighted = |(a, b): &Edge| {
        let weight = (b.0 - a.0).hypot(b.1 - a.1) / 2.0;
        [(a.0, a.1, weight), (b.0, b.1, weight)]
    };
    let points: Vec<(f64, f64, f64)> = edges.iter().flat_map(weighted).collect();
    let sum = |f: &dyn Fn(&(f64, f64, f64)) -> f64| points.iter().map(|p| p.2 * f(p)).sum::<f64>();
    let weight = sum(&|_| 1.0);
    if weight <= 0.0 {
        return (None, 0.0);
    }
    let (mx, my) = (sum(&|p| p.0) / weight, sum(&|p| p.1) / weight);
    let xx = sum(&|p| (p.0 - mx).powi(2)) / weight;
    let yy = sum(&|p| (p.1 - my).powi(2)) / weight;
    let xy = sum(&|p| (p.0 - mx) * (p.1 - my)) / weight;
    let spread = ((xx - yy).powi(2) / 4.0 + xy * xy).sqrt();
    let (long, short) = ((xx + yy) / 2.0 + spread, (xx + yy) / 2.0 - spread);
    let angle = 0.5 * (2.0 * xy).atan2(xx - yy);
    let clear = short.max(0.0).sqrt() <= long.sqrt() * 2.0 / 3.0;
    (clear.then(|| from_north(angle)), extent_m(&edges, angle))
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, NaiveDate};
    use domain::{Earthwork, Evidence};
    use geo_types::line_string;

    use super::*;
    use crate::{FrontLine, Fronts, FrontsIndex, ImagePrecision, measure_all};

    /// Works along parallels from a front on the equator: (class, west, east, latitude) in thousandths of a degree,
    /// which are 111 m here.
    fn found(works: &[(Class, f64, f64, f64)]) -> Vec<MeasuredEarthwork> {
        let front = vec![line_string![(x: 9.0, y: 0.0), (x: 11.0, y: 0.0)]];
        let front = FrontLine::from_lines(front, NaiveDate::default(), "test", "claimed").unwrap();
        let work = |(i, &(class, west, east, lat)): (usize, &(Class, f64, f64, f64))| Earthwork {
            id: format!("w{i}"),
            class,
            confidence: 0.9,
            centreline: line_string![(x: 10.0 + west / 1e3, y: lat / 1e3), (x: 10.0 + east / 1e3, y: lat / 1e3)],
            length_m: (east - west) * 111.32,
            width_m: 1.5,
            earlier: DateTime::default(),
            later: DateTime::default(),
            pair: String::new(),
            evidence: Evidence::default(),
        };
        let works = works.iter().enumerate().map(work).collect();
        measure_all(works, &FrontsIndex::new(&Fronts::one(front)), |_| ImagePrecision::of(None, None, None))
    }

    const T: Class = Class::Trench;
    const D: Class = Class::AntiVehicleDitch;

    #[test]
    fn gaps_by_class_make_systems_and_distances_make_lines() {
        let mut works = found(&[
            (T, 0.0, 2.0, 50.0),
            (T, 2.4, 4.0, 50.0),  // 45 m on: the same system
            (T, 4.6, 6.0, 50.0),  // 67 m on: another
            (D, 0.0, 6.0, 105.0), // ditches 200 m apart, and a trench 550 m behind them
            (D, 7.8, 9.0, 105.0),
            (T, 2.0, 3.0, 110.0),
        ]);
        let (systems, lines) = systems(&mut works, &SystemOptions::default());
        let members: Vec<Vec<&str>> =
            systems.iter().map(|s| s.earthworks.iter().map(String::as_str).collect()).collect();
        assert_eq!(members, [vec!["w0", "w1"], vec!["w2"], vec!["w3", "w4", "w5"]]);
        assert_eq!(lines.iter().map(|l| l.systems.len()).collect::<Vec<_>>(), [2, 1]);
        assert_eq!((systems[1].line, systems[2].line, works[5].system.as_deref()), (1, 2, Some("S3")));
        // 0.05 degrees of latitude at the equator: 5,528.7 m (GeographicLib).
        assert!((lines[0].distance_m[0] - 5_528.7).abs() < 0.1, "{lines:?}");
        assert!((systems[2].ditch_m - 7.2 * 111.32).abs() < 0.1);
        assert_eq!(systems[0].orientation_deg, Some(90.0));
        assert_eq!((systems[0].direction, systems[0].faces), (Some(Compass::N), Some(Compass::S)));
        assert!((systems[0].extent_m - 4.0 * 111.32).abs() < 0.5);
        assert_eq!(works.iter().map(|w| w.defence_line).collect::<Vec<_>>(), [1, 1, 1, 2, 2, 2].map(Some));
        let first = &lines[0];
        assert_eq!(
            (first.orientation_deg, first.direction, first.faces),
            (Some(90.0), Some(Compass::N), Some(Compass::S))
        );
        assert!(
            (first.extent_m - 6.0 * 111.32).abs() < 0.5 && (first.trench_m - 5.0 * 111.32).abs() < 0.2,
            "{first:?}"
        );
        assert_eq!((first.bbox, first.ditch_m), ([10.0, 0.05, 10.006, 0.05], 0.0));
        assert!((lines[1].length_m - 8.2 * 111.32).abs() < 0.2 && lines[1].geometry.len() == 3);
    }

    #[test]
    fn a_ditch_goes_on_along_itself_and_another_beside_it_is_another() {
        let beside = [(D, 0.0, 6.0, 100.0), (D, 0.0, 6.0, 101.8)]; // 200 m apart all along
        assert_eq!(systems(&mut found(&beside), &SystemOptions::default()).0.len(), 2);
        let on = [(D, 0.0, 6.0, 100.0), (D, 7.8, 9.0, 100.3)]; // 200 m on, 33 m to the side
        assert_eq!(systems(&mut found(&on), &SystemOptions::default()).0.len(), 1);
        let close = [(D, 0.0, 6.0, 100.0), (D, 0.0, 6.0, 100.4)]; // a double ditch, 44 m
        assert_eq!(systems(&mut found(&close), &SystemOptions::default()).0.len(), 1);
    }

    #[test]
    fn works_that_lie_nowhere_make_lines_of_their_own() {
        let mut works = found(&[(T, 0.0, 2.0, 50.0), (T, 9.0, 9.5, 50.0)]);
        works.iter_mut().for_each(|w| w.measure.distance_m = f64::NAN);
        let (systems, lines) = systems(&mut works, &SystemOptions::default());
        assert_eq!((systems.len(), lines.len(), lines[1].faces), (2, 2, None));
    }

    #[test]
    fn the_gaps_are_options_and_nothing_makes_nothing() {
        let mut works = found(&[(T, 0.0, 2.0, 50.0), (T, 4.6, 6.0, 50.0)]);
        assert_eq!(systems(&mut works, &SystemOptions::default()).0.len(), 2);
        let wide = SystemOptions { trench_gap_m: 300.0, ..SystemOptions::default() };
        assert_eq!(systems(&mut works, &wide).0.len(), 1);
        assert!(systems(&mut [], &wide).1.is_empty());
        assert!(SystemOptions { line_gap_m: f64::NAN, ..wide }.validate().is_err());
    }

    #[test]
    fn works_one_behind_the_other_run_as_each_of_them_does() {
        // Three rows, staggered so that the whole is as deep as it is wide and leans to the north-west.
        let row = |west: f64, lat: f64| line_string![(x: west, y: lat), (x: west + 0.003, y: lat)];
        let rows = [row(10.006, 0.0), row(10.003, 0.004), row(10.0, 0.008)];
        assert!((axis(&rows).0.unwrap() - 90.0).abs() > 30.0);
        let (along, extent_m) = run(&rows);
        assert!(
            (along.unwrap() - 90.0).abs() < 1e-6 && (extent_m - 1_001.9).abs() < 1.0,
            "{along:?} {extent_m}"
        );
        // Bays and traverses of one length agree on nothing, and the whole tells.
        let bays: Vec<(f64, f64)> =
            (0..40).map(|k| (f64::from((k + 1) / 2) * 1e-4, f64::from(k / 2 % 2) * 1e-4)).collect();
        assert!((run(&[LineString::from(bays)]).0.unwrap() - 90.0).abs() < 3.0);
    }

    #[test]
    fn an_axis_is_that_of_the_line_and_a_square_has_none() {
        let (north_east, length) = axis(&[line_string![(x: 10.0, y: 0.0), (x: 10.01, y: 0.01)]]);
        // A degree of latitude is 0.7 % shorter here.
        assert!((north_east.unwrap() - 45.2).abs() < 0.1 && (length - 1_569.0).abs() < 2.0);
        let square = line_string![(x: 0.0, y: 0.0), (x: 0.01, y: 0.0), (x: 0.01, y: 0.01), (x: 0.0, y: 0.01), (x: 0.0, y: 0.0)];
        assert_eq!(axis(&[square]).0, None);
    }
}
