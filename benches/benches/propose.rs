//! The proposing network on a window of 1024 × 1024 px, and what goes into it.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use diff::net::Model;
use diff::proposal::{Dates, Workspace, odds};

const SIDE: usize = 1024;

fn bench(c: &mut Criterion) {
    let Ok(model) = Model::built_in() else { return };
    let (a, b) = (fosse_benches::earlier((SIDE, SIDE)), fosse_benches::later((SIDE, SIDE), (0.0, 0.0)));
    let dates = Dates { pixels: [a.pixels.view(), b.pixels.view()], valid: [a.valid.view(), b.valid.view()] };
    let mut workspace = Workspace::default();
    let mut group = c.benchmark_group("propose");
    group.sample_size(20).throughput(Throughput::Elements((SIDE * SIDE) as u64));
    group.bench_function("1024 x 1024", |bench| {
        bench.iter(|| black_box(odds(dates, &model.proposer, &mut workspace)));
    });
    group.finish();
}

criterion_group!(benches, bench);
criterion_main!(benches);
