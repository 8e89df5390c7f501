//! Distances to a front of 50,000 vertices.
#![allow(missing_docs)] // criterion_group! makes public functions

use chrono::NaiveDate;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use geo_types::{Coord, LineString};
use report::{FrontIndex, FrontLine};

const VERTICES: usize = 50_000;
const LINES: usize = 1000;

/// Along a parallel from 34° to 37° E, wandering up to 5 km either way.
fn front() -> LineString {
    (0..VERTICES)
        .map(|i| {
            let t = i as f64 / (VERTICES - 1) as f64;
            let sway = 0.03 * (40.0 * t).sin() + 0.015 * (310.0 * t).sin();
            Coord { x: 34.0 + 3.0 * t, y: 51.5 + sway }
        })
        .collect()
}

/// 1,000 lines of 200 m, 2 to 40 km north of it.
fn works() -> Vec<LineString> {
    (0..LINES)
        .map(|i| {
            let (x, y) =
                (34.1 + 2.8 * (i * 7 % LINES) as f64 / LINES as f64, 51.57 + 0.3 * i as f64 / LINES as f64);
            (0..20)
                .map(|k| Coord { x: x + 0.000_15 * f64::from(k), y: y + 0.000_02 * f64::from(k) })
                .collect()
        })
        .collect()
}

fn bench(c: &mut Criterion) {
    // Straight along a meridian: 0.1° of latitude at 51.5° N is 11,126.5 m (GeographicLib).
    let day = NaiveDate::default();
    let line = |c: &[(f64, f64)]| c.iter().map(|&(x, y)| Coord { x, y }).collect::<LineString>();
    let wall = FrontLine::from_lines(vec![line(&[(35.0, 51.4), (35.0, 51.5)])], day, "bench", "claimed");
    let measure = wall.map(|w| FrontIndex::new(&w).measure(&line(&[(35.0, 51.6), (35.0, 51.7)])));
    assert!(
        measure.is_some_and(|m| (m.distance_m - 11_126.5).abs() < 1.0 && m.bearing_deg == Some(0.0)),
        "{measure:?}"
    );

    let Some(front) = FrontLine::from_lines(vec![front()], day, "bench", "claimed") else { return };
    let works = works();
    let index = FrontIndex::new(&front);
    assert!(works.iter().all(|w| (1000.0..45_000.0).contains(&index.measure(w).distance_m)));

    let mut group = c.benchmark_group("distance");
    group.sample_size(10).throughput(Throughput::Elements(VERTICES as u64));
    group.bench_function("index of 50,000 vertices", |b| b.iter(|| FrontIndex::new(&front)));
    group.throughput(Throughput::Elements(LINES as u64));
    group.bench_function("1,000 lines", |b| {
        b.iter(|| works.iter().map(|w| index.measure(w).distance_m).sum::<f64>());
    });
    group.finish();
}

criterion_group!(benches, bench);
criterion_main!(benches);
