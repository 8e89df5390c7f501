//! The network on a window of 224 × 224 px.
#![allow(missing_docs)] // criterion_group! makes public functions

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use diff::look::Look;
use diff::net::{Model, RIM_PX, Workspace};
use domain::Window;
use ndarray::{Array2, Array3};

const SIDE: usize = 224;

fn bench(c: &mut Criterion) {
    let Ok(model) = Model::built_in() else { return };
    let rgb =
        Array3::from_shape_fn((3, SIDE, SIDE), |(b, r, c)| 100.0 + ((r * 7 + c * 13 + b * 5) % 31) as f32);
    let look = Look {
        window: Window::new(0, 0, SIDE, SIDE),
        earlier: rgb.clone(),
        later: rgb,
        valid: Array2::from_elem((SIDE, SIDE), true),
        offsets: [0.0; 2],
    };
    let mut workspace = Workspace::default();
    // The same on both dates: nothing is new.
    assert!(model.network.ask(&look, RIM_PX, &mut workspace).line.iter().all(|&p| p < 0.5));
    let mut group = c.benchmark_group("network");
    group.throughput(Throughput::Elements((SIDE * SIDE) as u64));
    group.bench_function("224 x 224", |b| b.iter(|| model.network.ask(&look, RIM_PX, &mut workspace)));
    group.finish();
}

criterion_group!(benches, bench);
criterion_main!(benches);
