//! Distances, points and bearings against GeographicLib.
//!
//! The figures come from pyproj 3.7.2 (`Geod(ellps="WGS84")`, PROJ's GeographicLib), by a search that shares
//! nothing with ours: for each pair of edges a grid of 41 × 41 points, zoomed in on its best 25 times.
//!
//! ```python
//! import numpy as np
//! from pyproj import Geod
//! g = Geod(ellps="WGS84")
//! def solve(work, front):
//!     best = None
//!     for we in zip(work, work[1:]):
//!         for fe in zip(front, front[1:]):
//!             s0, s1, t0, t1 = 0., 1., 0., 1.
//!             for _ in range(25):
//!                 S, T = np.meshgrid(np.linspace(s0, s1, 41), np.linspace(t0, t1, 41))
//!                 p = [we[0][k] + S * (we[1][k] - we[0][k]) for k in (0, 1)]
//!                 q = [fe[0][k] + T * (fe[1][k] - fe[0][k]) for k in (0, 1)]
//!                 d = np.array(g.inv(q[0], q[1], p[0], p[1])[2])
//!                 i = np.unravel_index(d.argmin(), d.shape)
//!                 if best is None or d[i] < best[0]: best = (d[i], p[0][i], p[1][i], q[0][i], q[1][i])
//!                 w = (s1 - s0) / 8, (t1 - t0) / 8
//!                 s0, s1 = max(0, S[i] - w[0]), min(1, S[i] + w[0])
//!                 t0, t1 = max(0, T[i] - w[1]), min(1, T[i] + w[1])
//!     d, a, b, c, e = best
//!     return d, (a, b), (c, e), g.inv(c, e, a, b)[0] % 360
//! ```
//!
//! Longitudes beyond 180 were unwrapped for the search and wrapped again here.

#![allow(clippy::unwrap_used)] // helpers of tests, which clippy.toml does not reach

use chrono::NaiveDate;
use geo_types::LineString;
use report::{FrontIndex, FrontLine};

type Point = (f64, f64);

struct Case {
    name: &'static str,
    work: &'static [Point],
    front: &'static [Point],
    distance_m: f64,
    on_work: Point,
    on_front: Point,
    bearing_deg: f64,
}

const CASES: &[Case] = &[
    Case {
        name: "across the antimeridian",
        work: &[(-179.95, 65.1), (-179.94, 65.12)],
        front: &[(179.9, 65.0), (179.95, 65.08), (179.8, 65.2)],
        distance_m: 5203.6622,
        on_work: (-179.9500000, 65.1000000),
        on_front: (179.9500000, 65.0800000),
        bearing_deg: 64.58092,
    },
    Case {
        name: "high latitude",
        work: &[(15.0, 88.5), (16.0, 88.51)],
        front: &[(-60.0, 87.9), (-20.0, 88.2), (40.0, 88.1)],
        distance_m: 39957.9629,
        on_work: (15.0000000, 88.5000000),
        on_front: (14.2980850, 88.1428365),
        bearing_deg: 2.94398,
    },
    Case {
        name: "southern hemisphere",
        work: &[(-69.0, -51.0), (-69.001, -51.002)],
        front: &[(-69.3, -51.2), (-68.9, -51.15), (-68.5, -51.3)],
        distance_m: 17527.7246,
        on_work: (-69.0010000, -51.0020000),
        on_front: (-68.9523185, -51.1565398),
        bearing_deg: 348.75767,
    },
    Case {
        name: "on the equator",
        work: &[(30.0, 0.001), (30.01, -0.001)],
        front: &[(30.2, -0.3), (30.15, 0.0), (30.3, 0.25)],
        distance_m: 15585.1210,
        on_work: (30.0100000, -0.0010000),
        on_front: (30.1500000, -0.0000000),
        bearing_deg: 269.59349,
    },
    Case {
        name: "an edge of 100 km",
        work: &[(35.27, 51.625), (35.2712, 51.6252)],
        front: &[(34.4, 51.3), (35.85, 51.35)],
        distance_m: 32771.0078,
        on_work: (35.2700000, 51.6250000),
        on_front: (35.2960084, 51.3308968),
        bearing_deg: 356.84943,
    },
    Case {
        name: "an edge of 1000 km",
        work: &[(35.27, 58.5), (35.2712, 58.51)],
        front: &[(27.0, 57.0), (44.0, 57.6)],
        distance_m: 134260.3674,
        on_work: (35.2700000, 58.5000000),
        on_front: (35.4197987, 57.2971694),
        bearing_deg: 356.26976,
    },
    Case {
        name: "far away",
        work: &[(35.27, 51.625), (35.2712, 51.6252)],
        front: &[(-3.0, 40.0), (-3.7, 40.4), (-9.1, 38.7)],
        distance_m: 3196734.6666,
        on_work: (35.2700000, 51.6250000),
        on_front: (-3.0000000, 40.0000000),
        bearing_deg: 53.30282,
    },
    Case {
        name: "edges that run beside each other",
        work: &[(35.0, 51.01), (35.2, 51.0101)],
        front: &[(34.9, 51.0), (35.4, 51.0)],
        distance_m: 1112.4837,
        on_work: (35.0000000, 51.0100000),
        on_front: (35.0000000, 51.0000000),
        bearing_deg: 0.00002,
    },
    Case {
        name: "nearest within the edge of the work",
        work: &[(35.0, 51.0), (35.02, 51.001)],
        front: &[(35.011, 50.99), (35.012, 50.95)],
        distance_m: 1170.0017,
        on_work: (35.0096837, 51.0004842),
        on_front: (35.0110000, 50.9900000),
        bearing_deg: 355.47038,
    },
    Case {
        name: "over the north pole",
        work: &[(100.0, 89.99), (110.0, 89.995)],
        front: &[(-80.0, 89.97), (-60.0, 89.98)],
        distance_m: 2785.5537,
        on_work: (110.0, 89.995),
        on_front: (-60.0, 89.98),
        bearing_deg: 1.99512,
    },
    Case {
        name: "past the south pole",
        work: &[(170.0, -89.9), (171.0, -89.91)],
        front: &[(-20.0, -89.8), (20.0, -89.85)],
        distance_m: 26006.8886,
        on_work: (171.0, -89.91),
        on_front: (20.0, -89.85),
        bearing_deg: 169.19925,
    },
    Case {
        name: "a front from one UTM zone into the next",
        work: &[(36.05, 51.3), (36.06, 51.31)],
        front: &[(35.2, 51.0), (35.98, 51.02), (36.02, 51.05), (36.9, 51.1)],
        distance_m: 27511.1180,
        on_work: (36.05, 51.3),
        on_front: (36.0854165, 51.0537168),
        bearing_deg: 354.84874,
    },
];

fn index(front: &[Point]) -> FrontIndex {
    let lines = vec![LineString::from(front.to_vec())];
    let date = NaiveDate::from_ymd_opt(2024, 8, 14).unwrap();
    FrontIndex::new(&FrontLine::from_lines(lines, date, "test", "claimed").unwrap())
}

#[test]
fn agrees_with_geographiclib() {
    for case in CASES {
        let m = index(case.front).measure(&LineString::from(case.work.to_vec()));
        let off = (m.distance_m - case.distance_m).abs();
        let bearing = m.bearing_deg.unwrap();
        let turn = (bearing - case.bearing_deg + 180.0).rem_euclid(360.0) - 180.0;
        eprintln!("{:36} {:12.4} m  off {off:.5} m  {turn:+.6}°", case.name, m.distance_m);
        assert!(off < 0.002, "{}: {} m, not {} m", case.name, m.distance_m, case.distance_m);
        assert!(turn.abs() < 0.001, "{}: {bearing}°, not {}°", case.name, case.bearing_deg);
        for (got, want) in [(m.nearest_on_work, case.on_work), (m.nearest_on_front, case.on_front)] {
            // Where the lines run beside each other the distance hardly says which point is nearest: 2e-6° is 0.2 m.
            let tolerance = if want.1 > 80.0 { 1e-4 } else { 2e-6 };
            assert!(
                (got.x - want.0).abs() < tolerance && (got.y - want.1).abs() < tolerance,
                "{}: {got:?}, not {want:?}",
                case.name
            );
        }
    }
}

#[test]
fn swapping_work_and_front_turns_the_bearing_round() {
    for case in CASES {
        let there = index(case.front).measure(&LineString::from(case.work.to_vec()));
        let back = index(case.work).measure(&LineString::from(case.front.to_vec()));
        assert!((there.distance_m - back.distance_m).abs() < 1e-3, "{}", case.name);
        let turn = there.back_bearing_deg.unwrap() - back.bearing_deg.unwrap();
        assert!(((turn + 180.0).rem_euclid(360.0) - 180.0).abs() < 1e-3, "{}: {turn}", case.name);
    }
}
