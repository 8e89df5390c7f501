//! A whole pair of 2048 × 2048 px from memory: align, line gain, trace, classify.
#![allow(missing_docs)] // criterion_group! makes public functions

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use diff::{Options, Silent, compare};
use fosse_benches::InMemory;

const SIDE: usize = 2048;

fn bench(c: &mut Criterion) {
    let pair = InMemory::new((SIDE, SIDE), (3.0, -5.0));
    let Ok(model) = diff::net::Model::built_in() else { return };
    let compare = || compare(&pair, &Options::default(), &model, &Silent);
    let found = compare().map(|c| c.found).unwrap_or_default();
    let middle = (SIDE / 2) as f64;
    let on_line: f64 = found
        .iter()
        .flat_map(|f| f.centreline.windows(2))
        .filter(|w| w.iter().all(|p| (p.row - middle).abs() < 4.0))
        .map(|w| (w[1].row - w[0].row).hypot(w[1].col - w[0].col))
        .sum();
    assert!(on_line > 0.9 * middle, "{on_line:.0} of {middle:.0} px of the line found");
    let mut group = c.benchmark_group("pair");
    group.sample_size(10).throughput(Throughput::Elements((SIDE * SIDE) as u64));
    group.bench_function("2048 x 2048 px", |b| b.iter(compare));
    group.finish();
}

criterion_group!(benches, bench);
criterion_main!(benches);
