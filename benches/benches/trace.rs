//! Lines through points: 1,000 straight ones of 100 m in 25 km2, and as many points that belong to none.
#![allow(missing_docs)] // criterion_group! makes public functions

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use diff::line_gain::Point;
use diff::trace::{Least, Reach, lines, sort};
use fosse_benches::PIXEL_M;

/// Side of the grid, pixels.
const SIDE: usize = 10_000;
const LINES: usize = 1000;
const LENGTH_PX: usize = 200;

fn points() -> Vec<Point> {
    let mut points = Vec::with_capacity(2 * LINES * LENGTH_PX);
    for i in 0..LINES {
        let (row, col) = ((i / 25 * 250 + 20) as f32, (i % 25 * 400 + 20) as f32);
        points.extend((0..LENGTH_PX).map(|k| Point {
            row: row + 0.5,
            col: col + k as f32 + 0.5,
            gain: 5.0,
            direction: 0,
        }));
        // Below the gain at which a line may start, and too far from the line to be drawn in.
        points.extend((0..LENGTH_PX).map(|k| Point {
            row: row + 60.5 + (k * 37 % 100) as f32,
            col: col + k as f32 + 0.5,
            gain: 1.2,
            direction: (k % 16) as u8,
        }));
    }
    points
}

fn bench(c: &mut Criterion) {
    let points = points();
    let reach = Reach { step_px: 1.0, gap_px: 10.0, twin_px: 3.0 };
    let least = Least { seed_gain: 1.5, length_m: 14.0 };
    let run = |mut points: Vec<Point>| {
        sort(&mut points);
        lines(&points, reach, PIXEL_M, least)
    };
    let found = run(points.clone());
    assert_eq!(found.len(), LINES);
    assert!(found.iter().all(|l| (l.length_px() - LENGTH_PX as f64).abs() < 5.0));
    let mut group = c.benchmark_group("trace");
    group.sample_size(20).throughput(Throughput::Elements((SIDE * SIDE) as u64));
    group.bench_function("1,000 lines, 400,000 points", |b| {
        b.iter_batched(|| points.clone(), run, BatchSize::LargeInput);
    });
    group.finish();
}

criterion_group!(benches, bench);
criterion_main!(benches);
