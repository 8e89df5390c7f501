//! How far a line lies from the front, and which way.
//!
//! The distance is the length of the WGS84 geodesic (Karney 2013) between the nearest points of the two lines,
//! whose edges are straight in longitude and latitude, as GeoJSON has them. Edges are cut into pieces of 500 m at
//! most. An R-tree over their chords *in space* finds the candidates: no map projection, so neither the
//! antimeridian nor the poles are special, and a chord bounds the geodesic from both sides. The candidates are
//! then refined on the ellipsoid: the point of an edge nearest to a given point is where the geodesic meets it
//! at a right angle.

use geo_types::{Coord, LineString, Polygon};
use rstar::{AABB, PointDistance, RTree, RTreeObject};
use serde::{Deserialize, Serialize};

use crate::FrontLine;
use crate::areas::Areas;
use crate::earth::{
    Earth, PIECE_M, Piece, chord_to_chord2, distance2, metres, pieces, point_to_chord2, shortest_for_chord,
    widest_rival_chord, xyz,
};

/// Below this distance two lines touch, metres: finer than any printed figure.
const TOUCH_M: f64 = 1e-3;
/// Refinement stops when a step is shorter than this, metres.
const STEP_M: f64 = 1e-5;
/// Pieces of a work that are searched for together span no more than this, metres.
const CHUNK_M: f64 = 1000.0;

/// The sixteen winds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
#[allow(missing_docs)]
pub enum Compass {
    N,
    Nne,
    Ne,
    Ene,
    E,
    Ese,
    Se,
    Sse,
    S,
    Ssw,
    Sw,
    Wsw,
    W,
    Wnw,
    Nw,
    Nnw,
}

impl Compass {
    /// Clockwise from north.
    pub const ALL: [Self; 16] = [
        Self::N,
        Self::Nne,
        Self::Ne,
        Self::Ene,
        Self::E,
        Self::Ese,
        Self::Se,
        Self::Sse,
        Self::S,
        Self::Ssw,
        Self::Sw,
        Self::Wsw,
        Self::W,
        Self::Wnw,
        Self::Nw,
        Self::Nnw,
    ];

    /// The wind nearest to a bearing in degrees clockwise from north.
    pub fn from_bearing_deg(bearing_deg: f64) -> Self {
        Self::ALL[(bearing_deg.rem_euclid(360.0) / 22.5).round() as usize % 16]
    }

    /// `N`, `NNE`, `NE`, …
    pub fn as_str(self) -> &'static str {
        const WORDS: [&str; 16] = [
            "N", "NNE", "NE", "ENE", "E", "ESE", "SE", "SSE", "S", "SSW", "SW", "WSW", "W", "WNW", "NW",
            "NNW",
        ];
        WORDS[self as usize]
    }
}

/// On which side of a front that encloses an area a work lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// Its nearest point lies in the area.
    Inside,
    /// Its nearest point lies outside.
    Outside,
    /// It crosses or touches the front.
    Across,
}

impl Side {
    /// The word in data: `inside`, `outside`, `across`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Inside => "inside",
            Self::Outside => "outside",
            Self::Across => "across",
        }
    }
}

/// Where a work lies from the front.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Measure {
    /// Geodesic distance, metres. 0 where the lines cross or touch. NaN for a work without a finite point.
    pub distance_m: f64,
    /// Nearest point of the work, longitude and latitude in degrees.
    pub nearest_on_work: Coord,
    /// Nearest point of the front, longitude and latitude in degrees.
    pub nearest_on_front: Coord,
    /// Azimuth at the front point towards the work, degrees clockwise from north, 0..360. `None` at distance 0.
    pub bearing_deg: Option<f64>,
    /// Azimuth at the work towards the front point, degrees clockwise from north, 0..360. `None` at distance 0.
    pub back_bearing_deg: Option<f64>,
    /// The bearing as a compass word. `None` at distance 0.
    pub direction: Option<Compass>,
    /// Which side of the front; `None` where the front is lines and has no inside.
    pub side: Option<Side>,
}

/// A front line, ready to be measured against.
#[derive(Debug)]
pub struct FrontIndex {
    earth: Earth,
    tree: PieceTree,
    areas: Areas,
}

impl FrontIndex {
    /// The index of a front line.
    pub fn new(front: &FrontLine) -> Self {
        Self::of(front.lines().iter().map(|l| (0, l)), front.areas())
    }

    /// The index of lines, each of a feature, and of the areas that they may enclose.
    pub(crate) fn of<'a>(lines: impl Iterator<Item = (usize, &'a LineString)>, areas: &[Polygon]) -> Self {
        let mut cut = Vec::new();
        for (owner, line) in lines {
            let first = cut.len();
            for edge in line.lines() {
                pieces(edge.start, edge.end, PIECE_M, &mut cut);
            }
            cut[first..].iter_mut().for_each(|p| p.owner = owner as u32);
        }
        Self { earth: Earth::wgs84(), tree: PieceTree::new(cut), areas: Areas::new(areas) }
    }

    /// True where a point lies in an area.
    pub(crate) fn contains(&self, p: Coord) -> bool {
        !self.areas.is_empty() && self.areas.contain(p)
    }

    /// As [`FrontIndex::measure`], with the feature that is nearest; `None` where nothing is.
    pub(crate) fn measure_owner(&self, line: &LineString) -> Option<(Measure, usize)> {
        let pair = nearest(&self.earth, &self.tree, &work_pieces(line))?;
        Some((self.describe(pair), pair.owner as usize))
    }

    /// Where `line` (longitude and latitude in degrees) lies from the front.
    ///
    /// Within 1 cm of the exact geodesic up to 100 km, 0.1 m at any distance; edges of any length. A line
    /// without a finite point gives NaN and no side.
    pub fn measure(&self, line: &LineString) -> Measure {
        let work = work_pieces(line);
        match nearest(&self.earth, &self.tree, &work) {
            Some(pair) => self.describe(pair),
            None => {
                let nowhere = Coord { x: f64::NAN, y: f64::NAN };
                Measure {
                    distance_m: f64::NAN,
                    nearest_on_work: nowhere,
                    nearest_on_front: nowhere,
                    bearing_deg: None,
                    back_bearing_deg: None,
                    direction: None,
                    side: None,
                }
            }
        }
    }

    fn describe(&self, pair: Nearest) -> Measure {
        let touching = pair.distance_m < TOUCH_M;
        let arc = self.earth.arc(pair.on_front, pair.on_work);
        let bearing_deg = (!touching).then(|| arc.from_deg.rem_euclid(360.0));
        let side = (!self.areas.is_empty()).then(|| {
            if touching {
                Side::Across
            } else if self.areas.contain(pair.on_work) {
                Side::Inside
            } else {
                Side::Outside
            }
        });
        Measure {
            distance_m: if touching { 0.0 } else { pair.distance_m },
            nearest_on_work: wrapped(pair.on_work),
            nearest_on_front: wrapped(pair.on_front),
            bearing_deg,
            back_bearing_deg: (!touching).then(|| (arc.onward_deg + 180.0).rem_euclid(360.0)),
            direction: bearing_deg.map(Compass::from_bearing_deg),
            side,
        }
    }
}

/// Longitude brought to -180..180.
fn wrapped(p: Coord) -> Coord {
    if p.x.abs() <= 180.0 { p } else { Coord { x: (p.x + 180.0).rem_euclid(360.0) - 180.0, y: p.y } }
}

fn work_pieces(line: &LineString) -> Vec<Piece> {
    let finite: Vec<Coord> = line.coords().copied().filter(|c| c.x.is_finite() && c.y.is_finite()).collect();
    let mut out = Vec::with_capacity(finite.len());
    for w in finite.windows(2) {
        pieces(w[0], w[1], PIECE_M, &mut out);
    }
    if let [only] = finite[..] {
        pieces(only, only, PIECE_M, &mut out);
    }
    out
}

/// The nearest points of two lines, degrees, and the geodesic between them, metres.
#[derive(Clone, Copy, Debug)]
struct Nearest {
    distance_m: f64,
    on_work: Coord,
    on_front: Coord,
    owner: u32,
}

/// A pair of pieces that may hold the nearest points.
struct Candidate {
    chord_m: f64,
    work: Piece,
    front: Piece,
    s: f64,
    t: f64,
}

/// Pieces of lines in an R-tree over space.
#[derive(Debug)]
pub(crate) struct PieceTree {
    tree: RTree<Leaf>,
    /// The largest departure of a piece from its chord, metres.
    sag_m: f64,
}

#[derive(Clone, Copy, Debug)]
struct Leaf(Piece);

impl RTreeObject for Leaf {
    type Envelope = AABB<[f64; 3]>;
    fn envelope(&self) -> Self::Envelope {
        AABB::from_corners(self.0.pa, self.0.pb)
    }
}

impl PointDistance for Leaf {
    fn distance_2(&self, point: &[f64; 3]) -> f64 {
        point_to_chord2(*point, &self.0)
    }
}

impl PieceTree {
    /// A tree of pieces.
    pub(crate) fn new(pieces: Vec<Piece>) -> Self {
        let sag_m = pieces.iter().map(Piece::sag_m).fold(0.0, f64::max);
        Self { tree: RTree::bulk_load(pieces.into_iter().map(Leaf).collect()), sag_m }
    }

    /// Distance in space from a point to the nearest piece, metres, and that piece.
    pub(crate) fn nearest_to(&self, p: Coord) -> Option<(f64, Piece)> {
        let point = xyz(p);
        self.tree.nearest_neighbor(&point).map(|leaf| (point_to_chord2(point, &leaf.0).sqrt(), leaf.0))
    }
}

/// The nearest points of a work and a front; `None` where one of them is empty.
fn nearest(earth: &Earth, front: &PieceTree, work: &[Piece]) -> Option<Nearest> {
    let sag_m = front.sag_m + work.iter().map(Piece::sag_m).fold(0.0, f64::max) + 1e-6;
    // A pair of chords can hold the nearest points only if its shortest geodesic is no longer than the longest
    // of the best pair so far.
    let mut best_chord = f64::INFINITY;
    let mut widest_chord = f64::INFINITY;
    let mut candidates: Vec<Candidate> = Vec::new();
    for chunk in chunks(work) {
        let (centre, radius) = ball(chunk);
        for (leaf, d2) in front.tree.nearest_neighbor_iter_with_distance_2(&centre) {
            if d2.sqrt() - radius > widest_chord {
                break;
            }
            for piece in chunk {
                let (c2, s, t) = chord_to_chord2(piece, &leaf.0);
                let chord_m = c2.sqrt();
                if chord_m < best_chord {
                    best_chord = chord_m;
                    widest_chord = widest_rival_chord(chord_m + sag_m) + sag_m;
                }
                if chord_m <= widest_chord {
                    candidates.push(Candidate { chord_m, work: *piece, front: leaf.0, s, t });
                }
            }
        }
    }
    candidates.retain(|c| c.chord_m <= widest_chord);
    candidates.sort_by(|p, q| p.chord_m.total_cmp(&q.chord_m));
    let mut best: Option<Nearest> = None;
    let mut refined: Vec<(Coord, Coord)> = Vec::new();
    for c in &candidates {
        if best.is_some_and(|b| shortest_for_chord(c.chord_m - sag_m) > b.distance_m) {
            break;
        }
        // Pieces meet in corners: as far as 200 km the chord's nearest points are the geodesic's to a
        // millimetre's worth of distance, so a corner need be refined once only.
        let (p, q) = (c.work.at(c.s), c.front.at(c.t));
        if c.chord_m > 1.0 && c.chord_m < 2e5 && refined.contains(&(p, q)) && c.is_at_corners() {
            continue;
        }
        refined.push((p, q));
        let found = refine(earth, c, sag_m);
        if best.is_none_or(|b| found.distance_m < b.distance_m) {
            best = Some(found);
        }
        if found.distance_m == 0.0 {
            break;
        }
    }
    best
}

impl Candidate {
    fn is_at_corners(&self) -> bool {
        (self.s <= 0.0 || self.s >= 1.0) && (self.t <= 0.0 || self.t >= 1.0)
    }
}

/// Runs of pieces that lie close together.
fn chunks(work: &[Piece]) -> impl Iterator<Item = &[Piece]> {
    let mut rest = work;
    std::iter::from_fn(move || {
        let first = rest.first()?;
        let n = rest
            .iter()
            .take(64)
            .take_while(|p| distance2(first.pa, p.pb) <= CHUNK_M * CHUNK_M)
            .count()
            .max(1);
        let (head, tail) = rest.split_at(n);
        rest = tail;
        Some(head)
    })
}

/// A ball in space that holds the pieces: centre and radius, metres.
fn ball(pieces: &[Piece]) -> ([f64; 3], f64) {
    let (mut low, mut high) = ([f64::INFINITY; 3], [f64::NEG_INFINITY; 3]);
    for p in pieces.iter().flat_map(|p| [p.pa, p.pb]) {
        for i in 0..3 {
            low[i] = low[i].min(p[i]);
            high[i] = high[i].max(p[i]);
        }
    }
    let centre = [0, 1, 2].map(|i| (low[i] + high[i]) / 2.0);
    let r2 = pieces.iter().flat_map(|p| [p.pa, p.pb]).map(|p| distance2(p, centre)).fold(0.0, f64::max);
    (centre, r2.sqrt())
}

/// The nearest points of two pieces on the ellipsoid.
///
/// Goes to and fro: the point of one piece nearest to the other's point, until neither moves.
fn refine(earth: &Earth, c: &Candidate, sag_m: f64) -> Nearest {
    if c.chord_m <= 2.0 * sag_m + TOUCH_M
        && let Some(p) = crossing(&c.work, &c.front)
    {
        return Nearest { distance_m: 0.0, on_work: p, on_front: p, owner: c.front.owner };
    }
    let (mut s, mut t) = (c.s, c.t);
    let mut distance_m = f64::INFINITY;
    for _ in 0..50 {
        let (t_new, _, _) = foot(earth, c.work.at(s), &c.front, t);
        t = t_new;
        let (s_new, d, s_moved) = foot(earth, c.front.at(t), &c.work, s);
        s = s_new;
        let gained = distance_m - d;
        distance_m = d;
        if s_moved < STEP_M || gained < 1e-9 {
            break;
        }
    }
    Nearest { distance_m, on_work: c.work.at(s), on_front: c.front.at(t), owner: c.front.owner }
}

/// The point of a piece nearest to `p`: its fraction, its distance in metres, and how far it lies from the
/// fraction `t` that the search began with, metres.
fn foot(earth: &Earth, p: Coord, piece: &Piece, mut t: f64) -> (f64, f64, f64) {
    let step = piece.b - piece.a;
    let begin = t;
    let mut scale = 0.0;
    let mut last = f64::INFINITY;
    for _ in 0..30 {
        let q = piece.at(t);
        let arc = earth.arc(q, p);
        let (east, north) = metres(q.y, step);
        let length_m = east.hypot(north);
        scale = length_m;
        last = arc.length_m;
        if length_m == 0.0 {
            break;
        }
        // The right-angled triangle on a sphere: tan(adjacent) = cos(angle) tan(hypotenuse).
        let r = 6_371_000.0;
        let cos = (arc.from_deg.to_radians() - east.atan2(north)).cos();
        let angle = (arc.length_m / r).min(1.5);
        let along_m = r * (cos * angle.tan()).atan();
        let next = (t + along_m / length_m).clamp(0.0, 1.0);
        let moved_m = (next - t).abs() * length_m;
        t = next;
        if moved_m < STEP_M {
            break;
        }
    }
    (t, last, (t - begin).abs() * scale)
}

/// Where two pieces cross in longitude/latitude, degrees; `None` where they do not. Exact up to rounding.
fn crossing(work: &Piece, front: &Piece) -> Option<Coord> {
    let turn = ((front.a.x - work.a.x) / 360.0).round() * 360.0;
    let shift = Coord { x: turn, y: 0.0 };
    let (p, r) = (work.a + shift, work.b - work.a);
    let (q, s) = (front.a, front.b - front.a);
    let cross = |u: Coord, v: Coord| u.x * v.y - u.y * v.x;
    let denominator = cross(r, s);
    if denominator == 0.0 {
        return None; // parallel: if they overlap, an end lies on the other and the distance comes out as 0
    }
    let (t, u) = (cross(q - p, s) / denominator, cross(q - p, r) / denominator);
    ((0.0..=1.0).contains(&t) && (0.0..=1.0).contains(&u)).then(|| front.at(u))
}

#[cfg(test)]
mod tests {
    use chrono::NaiveDate;
    use geo_types::line_string;
    use rand::{Rng, SeedableRng};

    use super::*;

    fn front(lines: Vec<LineString>) -> FrontLine {
        FrontLine::from_lines(lines, NaiveDate::from_ymd_opt(2024, 8, 14).unwrap(), "test", "claimed")
            .unwrap()
    }

    /// Every pair of pieces refined, none left out.
    fn brute(front: &FrontLine, work: &LineString) -> f64 {
        let earth = Earth::wgs84();
        let mut cut = Vec::new();
        for e in front.lines().iter().flat_map(LineString::lines) {
            pieces(e.start, e.end, PIECE_M, &mut cut);
        }
        let mut best = f64::INFINITY;
        for w in &work_pieces(work) {
            for f in &cut {
                let (c2, s, t) = chord_to_chord2(w, f);
                let c = Candidate { chord_m: c2.sqrt(), work: *w, front: *f, s, t };
                best = best.min(refine(&earth, &c, 0.1).distance_m);
            }
        }
        best
    }

    fn wander(rng: &mut impl Rng, from: (f64, f64), vertices: usize, step_deg: f64) -> LineString {
        let (mut x, mut y) = from;
        let walk = (0..vertices).map(|_| {
            x += rng.random_range(-0.3..1.0) * step_deg;
            y += rng.random_range(-1.0..1.0) * step_deg;
            (x, y)
        });
        LineString::from(walk.collect::<Vec<_>>())
    }

    #[test]
    fn the_tree_finds_what_trying_every_pair_finds() {
        let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(17);
        for round in 0..40 {
            let lat = [51.0, -33.0, 0.0, 84.0][round % 4];
            let lon = [35.0, 179.9][round / 4 % 2];
            let line = front(vec![wander(&mut rng, (lon, lat), 40, 0.01)]);
            let away = [0.0, 0.05, 0.4, 3.0][round / 8 % 4];
            let work = wander(&mut rng, (lon + 0.05, lat + away), 12, 0.0015);
            let (got, want) = (FrontIndex::new(&line).measure(&work).distance_m, brute(&line, &work));
            let want = if want < TOUCH_M { 0.0 } else { want };
            assert!((got - want).abs() < 1e-3, "round {round}: {got} m, not {want} m");
        }
    }

    #[test]
    fn lines_that_cross_or_touch_are_at_0_without_a_bearing() {
        let line = front(vec![line_string![(x: 35.0, y: 51.0), (x: 36.0, y: 51.2)]]);
        let index = FrontIndex::new(&line);
        for work in [
            line_string![(x: 35.5, y: 51.0), (x: 35.5, y: 51.3)],
            line_string![(x: 35.5, y: 51.1), (x: 35.5, y: 51.3)],
            line_string![(x: 35.25, y: 51.05), (x: 35.5, y: 51.1)],
            line_string![(x: 36.0, y: 51.2), (x: 37.0, y: 51.2)],
        ] {
            let m = index.measure(&work);
            assert_eq!(
                (m.distance_m, m.bearing_deg, m.direction, m.side),
                (0.0, None, None, None),
                "{work:?}"
            );
        }
        let turned = front(vec![line_string![(x: 179.9, y: 10.0), (x: -179.9, y: 10.0)]]);
        let m = FrontIndex::new(&turned).measure(&line_string![(x: -180.0, y: 9.9), (x: -180.0, y: 10.1)]);
        assert_eq!(m.distance_m, 0.0);
    }

    #[test]
    fn odd_works_are_measured_or_said_to_be_nowhere() {
        let index = FrontIndex::new(&front(vec![line_string![(x: 35.0, y: 51.0), (x: 36.0, y: 51.0)]]));
        let point = index.measure(&line_string![(x: 35.5, y: 51.01)]);
        let twice = index.measure(&line_string![(x: 35.5, y: 51.01), (x: 35.5, y: 51.01)]);
        assert!((point.distance_m - 1112.6).abs() < 0.5 && point.distance_m == twice.distance_m);
        assert_eq!(point.direction, Some(Compass::N));
        assert!(index.measure(&LineString(vec![])).distance_m.is_nan());
        assert!(index.measure(&line_string![(x: f64::NAN, y: 51.0)]).distance_m.is_nan());
    }

    #[test]
    fn the_winds_go_round() {
        for (bearing, wind) in
            [(0.0, "N"), (359.0, "N"), (11.24, "N"), (11.26, "NNE"), (90.0, "E"), (202.5, "SSW")]
        {
            assert_eq!(Compass::from_bearing_deg(bearing).as_str(), wind);
        }
        assert_eq!(serde_json::to_string(&Compass::Nnw).unwrap(), "\"NNW\"");
    }

    /// `cargo test -p report --release speed -- --ignored --nocapture`
    #[test]
    #[ignore = "a timing: run it in release"]
    fn speed() {
        let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(1);
        let line = front(vec![wander(&mut rng, (30.0, 51.0), 50_000, 0.0005)]);
        let works: Vec<LineString> = (0..10_000)
            .map(|_| {
                let from = (rng.random_range(30.0..38.0), rng.random_range(50.8..51.4));
                wander(&mut rng, from, 30, 0.0001)
            })
            .collect();
        // For a peer: benches/peers/distance.py.
        if let Ok(dir) = std::env::var("FOSSE_SPEED_DIR") {
            for (name, lines) in [("front", line.lines()), ("works", works.as_slice())] {
                let feature = |l: &LineString| {
                    let points: Vec<[f64; 2]> = l.coords().map(|c| [c.x, c.y]).collect();
                    serde_json::json!({"type": "Feature", "properties": {},
                        "geometry": {"type": "LineString", "coordinates": points}})
                };
                let features: Vec<_> = lines.iter().map(feature).collect();
                let text = serde_json::json!({"type": "FeatureCollection", "features": features}).to_string();
                std::fs::write(format!("{dir}/{name}.geojson"), text).unwrap();
            }
        }
        // Nanoseconds on a processor, which a busy machine does not lengthen as it does wall time.
        let cpu_s = || {
            let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
            text.split(' ').next().and_then(|n| n.parse::<f64>().ok()).unwrap_or_default() / 1e9
        };
        let begin = cpu_s();
        let index = FrontIndex::new(&line);
        let built = cpu_s() - begin;
        let sum: f64 = works.iter().map(|w| index.measure(w).distance_m).sum();
        let all = cpu_s() - begin;
        eprintln!("index {built:.3} CPU s, with 10,000 works {all:.3} CPU s, mean {:.1} m", sum / 1e4);
        for w in works.iter().step_by(2000) {
            assert!((index.measure(w).distance_m - brute(&line, w)).abs() < 1e-3);
        }
    }
}
