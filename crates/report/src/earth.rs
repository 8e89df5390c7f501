//! The ellipsoid: geodesics, points in space, and short pieces of edges that are straight in longitude/latitude.

use geo_types::Coord;
use geographiclib_rs::{Geodesic, InverseGeodesic};

/// WGS84 semi-major axis, metres.
const A: f64 = 6_378_137.0;
/// WGS84 flattening.
const F: f64 = 1.0 / 298.257_223_563;
/// First eccentricity squared.
const E2: f64 = F * (2.0 - F);
/// Least radius of curvature on the ellipsoid (along the meridian at the equator), metres.
const R_MIN: f64 = A * (1.0 - E2);
/// Longest piece of an edge, metres: keeps a piece within centimetres of its chord in space.
pub(crate) const PIECE_M: f64 = 500.0;
/// Largest departure of a piece's middle from its chord, metres; near the poles it shortens the pieces.
const SAG_M: f64 = 0.02;

/// A point in space, earth-centred, metres.
pub(crate) type Xyz = [f64; 3];

/// Solves geodesics on WGS84.
#[derive(Debug)]
pub(crate) struct Earth(Geodesic);

/// A geodesic between two points.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Arc {
    /// Metres.
    pub length_m: f64,
    /// Azimuth at the first point towards the second, degrees clockwise from north, -180..180.
    pub from_deg: f64,
    /// Azimuth at the second point, in the same sense of travel.
    pub onward_deg: f64,
}

impl Earth {
    /// WGS84.
    pub(crate) fn wgs84() -> Self {
        Self(Geodesic::wgs84())
    }

    /// The geodesic from `p` to `q` (longitude, latitude in degrees), after Karney (2013), J. Geodesy 87.
    pub(crate) fn arc(&self, p: Coord, q: Coord) -> Arc {
        let (length_m, from_deg, onward_deg, _arc): (f64, f64, f64, f64) = self.0.inverse(p.y, p.x, q.y, q.x);
        Arc { length_m, from_deg, onward_deg }
    }
}

/// Radii of curvature at a latitude: along the meridian and across it, metres.
fn radii(lat_deg: f64) -> (f64, f64) {
    let w2 = 1.0 - E2 * lat_deg.to_radians().sin().powi(2);
    (A * (1.0 - E2) / (w2 * w2.sqrt()), A / w2.sqrt())
}

/// East and north metres of a step of `(dlon, dlat)` degrees at a latitude.
pub(crate) fn metres(lat_deg: f64, step: Coord) -> (f64, f64) {
    let (meridian, across) = radii(lat_deg);
    (across * lat_deg.to_radians().cos() * step.x.to_radians(), meridian * step.y.to_radians())
}

/// A point of the ellipsoid in space.
pub(crate) fn xyz(p: Coord) -> Xyz {
    let (sin_lat, cos_lat) = p.y.to_radians().sin_cos();
    let (sin_lon, cos_lon) = p.x.to_radians().sin_cos();
    let n = A / (1.0 - E2 * sin_lat * sin_lat).sqrt();
    [n * cos_lat * cos_lon, n * cos_lat * sin_lon, n * (1.0 - E2) * sin_lat]
}

/// Radius of the flattest circle of the ellipsoid (at the poles), with 0.1 % spare for torsion, metres.
const R_MAX: f64 = A / (1.0 - F) * 1.001;

/// The least geodesic between two points that are `chord_m` apart in space, metres.
pub(crate) fn shortest_for_chord(chord_m: f64) -> f64 {
    if chord_m <= 0.0 { chord_m } else { 2.0 * R_MAX * (chord_m / (2.0 * R_MAX)).min(1.0).asin() }
}

/// The widest chord whose geodesic may still be as short as that of a pair of points `chord_m` apart, metres.
///
/// By Schur's comparison a curve nowhere bent more than a circle of radius `R_MIN` is at least as wide as that
/// circle's arc of the same length, which bounds the geodesic of a chord from above; the flattest circle bounds
/// it from below.
pub(crate) fn widest_rival_chord(chord_m: f64) -> f64 {
    let longest = 2.0 * R_MIN * (chord_m / (2.0 * R_MIN)).min(1.0).asin();
    2.0 * R_MAX * (longest / (2.0 * R_MAX)).min(std::f64::consts::FRAC_PI_2).sin()
}

/// A short piece of an edge, straight in longitude/latitude and so short that it is almost straight in space.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Piece {
    /// Start, degrees.
    pub a: Coord,
    /// End, degrees, at most 180° of longitude away: never wrapped.
    pub b: Coord,
    /// Start in space.
    pub pa: Xyz,
    /// End in space.
    pub pb: Xyz,
    /// Which feature it is of, where that matters.
    pub owner: u32,
}

impl Piece {
    fn new(a: Coord, b: Coord) -> Self {
        Self { a, b, pa: xyz(a), pb: xyz(b), owner: 0 }
    }

    /// The point at a fraction of the way, degrees.
    pub(crate) fn at(&self, t: f64) -> Coord {
        if t <= 0.0 {
            self.a
        } else if t >= 1.0 {
            self.b
        } else {
            self.a + (self.b - self.a) * t
        }
    }

    /// How far the middle lies off the chord, metres.
    pub(crate) fn sag_m(&self) -> f64 {
        let m = xyz(self.at(0.5));
        let mid = [0, 1, 2].map(|i| (self.pa[i] + self.pb[i]) / 2.0);
        distance2(m, mid).sqrt()
    }
}

/// Cuts the edge from `a` to `b` into pieces; the shorter way round where longitudes differ by more than 180°.
pub(crate) fn pieces(a: Coord, b: Coord, longest_m: f64, out: &mut Vec<Piece>) {
    let mut step = b - a;
    if step.x.abs() > 180.0 && step.x.abs() < 360.0 {
        step.x -= 360.0 * step.x.signum();
    }
    let widest = if a.y * b.y <= 0.0 { 0.0 } else { a.y.abs().min(b.y.abs()) };
    let (east, _) = metres(widest, Coord { x: step.x, y: 0.0 });
    let north = A / (1.0 - F) * step.y.to_radians();
    let n = (east.hypot(north) / longest_m).ceil().max(1.0) as usize;
    let at = |i: usize| if i == n && step == b - a { b } else { a + step * (i as f64 / n as f64) };
    for i in 0..n {
        cut(at(i), at(i + 1), out, 12);
    }
}

fn cut(a: Coord, b: Coord, out: &mut Vec<Piece>, depth: u8) {
    let piece = Piece::new(a, b);
    if depth > 0 && piece.sag_m() > SAG_M {
        let mid = piece.at(0.5);
        cut(a, mid, out, depth - 1);
        cut(mid, b, out, depth - 1);
    } else {
        out.push(piece);
    }
}

/// Square of the distance in space.
pub(crate) fn distance2(p: Xyz, q: Xyz) -> f64 {
    (p[0] - q[0]).powi(2) + (p[1] - q[1]).powi(2) + (p[2] - q[2]).powi(2)
}

fn sub(p: Xyz, q: Xyz) -> Xyz {
    [p[0] - q[0], p[1] - q[1], p[2] - q[2]]
}

fn dot(p: Xyz, q: Xyz) -> f64 {
    p[0] * q[0] + p[1] * q[1] + p[2] * q[2]
}

fn along(p: Xyz, d: Xyz, t: f64) -> Xyz {
    [p[0] + d[0] * t, p[1] + d[1] * t, p[2] + d[2] * t]
}

/// Square of the distance in space from a point to the chord of a piece.
pub(crate) fn point_to_chord2(p: Xyz, piece: &Piece) -> f64 {
    let d = sub(piece.pb, piece.pa);
    let len2 = dot(d, d);
    let t = if len2 > 0.0 { (dot(sub(p, piece.pa), d) / len2).clamp(0.0, 1.0) } else { 0.0 };
    distance2(p, along(piece.pa, d, t))
}

/// Square of the distance in space between the chords of two pieces, and the fractions along each where they are
/// nearest. After Ericson, Real-Time Collision Detection (2005), 5.1.9.
pub(crate) fn chord_to_chord2(p: &Piece, q: &Piece) -> (f64, f64, f64) {
    let (d1, d2, r) = (sub(p.pb, p.pa), sub(q.pb, q.pa), sub(p.pa, q.pa));
    let (a, e, f) = (dot(d1, d1), dot(d2, d2), dot(d2, r));
    let (mut s, mut t) = (0.0, 0.0);
    if a > 0.0 && e > 0.0 {
        let (b, c) = (dot(d1, d2), dot(d1, r));
        let denominator = a * e - b * b;
        if denominator > 1e-12 * a * e {
            s = ((b * f - c * e) / denominator).clamp(0.0, 1.0);
        }
        t = (b * s + f) / e;
        if t < 0.0 {
            t = 0.0;
            s = (-c / a).clamp(0.0, 1.0);
        } else if t > 1.0 {
            t = 1.0;
            s = ((b - c) / a).clamp(0.0, 1.0);
        }
    } else if a > 0.0 {
        s = (-dot(d1, r) / a).clamp(0.0, 1.0);
    } else if e > 0.0 {
        t = (f / e).clamp(0.0, 1.0);
    }
    (distance2(along(p.pa, d1, s), along(q.pa, d2, t)), s, t)
}
