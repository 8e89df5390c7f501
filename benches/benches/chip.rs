//! The evidence picture of a work of 100 m, and of one of 400 m.
#![allow(missing_docs)] // criterion_group! makes public functions

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use fosse_benches::ground;
use ndarray::Array3;
use report::{Chip, render_png};

/// Ground of `(rows, cols)` on two dates, the later somewhat brighter, with a winding line from left to right.
fn chip(rows: usize, cols: usize) -> Chip {
    let image = |gain: f32| {
        Array3::from_shape_fn((rows, cols, 3), |(r, c, b)| {
            (gain * ground(r as f64, c as f64) - 8.0 * b as f32).clamp(0.0, 255.0) as u8
        })
    };
    let vertices = 2 + cols / 17;
    let line_px = (0..vertices).map(|k| {
        let sway = if k % 2 == 0 { -4.0 } else { 4.0 };
        (rows as f64 / 2.0 + sway, cols as f64 * (0.1 + 0.8 * k as f64 / (vertices - 1) as f64))
    });
    Chip {
        earlier: image(1.0),
        later: image(1.2),
        line_px: line_px.collect(),
        pixel_size_m: 0.5,
        caption: "trench, 100 m long, 2.0 m wide, 17.0 km N of the front line of 2024-08-14".to_owned(),
        earlier_label: "5 August 2024".to_owned(),
        later_label: "12 August 2024".to_owned(),
    }
}

fn bench(c: &mut Criterion) {
    let mut group = c.benchmark_group("chip");
    for (rows, cols) in [(200, 240), (420, 800)] {
        let chip = chip(rows, cols);
        // A PNG, and the same one again.
        let png = render_png(&chip).unwrap_or_default();
        assert!(png.starts_with(b"\x89PNG") && png.len() > 100_000);
        assert_eq!(Some(png), render_png(&chip).ok());
        group.throughput(Throughput::Elements((2 * rows * cols) as u64));
        group.bench_function(format!("{rows} x {cols} px"), |b| b.iter(|| render_png(&chip)));
    }
    group.finish();
}

criterion_group!(benches, bench);
criterion_main!(benches);
