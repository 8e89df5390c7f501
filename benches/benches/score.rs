//! A scene of 500 lines of truth and 1,000 detections scored.
#![allow(missing_docs)] // criterion_group! makes public functions

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use evaluate::{Detection, Options, Truth, matched, score};

const TRUTH: usize = 500;

/// A line of 40 zigzags of 5 m, `k` lines of 60 m to the north and east of the first.
fn line(k: usize, aside_deg: f64) -> String {
    let (lon, lat) = (35.0 + 0.004 * (k % 25) as f64, 51.5 + 0.001 * (k / 25) as f64 + aside_deg);
    let at = |i: usize| format!("[{:.7},{:.7}]", lon + 7e-5 * i as f64, lat + 2e-5 * (i % 2) as f64);
    format!("{{\"type\":\"LineString\",\"coordinates\":[{}]}}", (0..40).map(at).collect::<Vec<_>>().join(","))
}

fn collection(features: impl Iterator<Item = (String, String)>) -> String {
    let feature = |(geometry, properties): (String, String)| {
        format!("{{\"type\":\"Feature\",\"geometry\":{geometry},\"properties\":{properties}}}")
    };
    let all: Vec<String> = features.map(feature).collect();
    format!("{{\"type\":\"FeatureCollection\",\"area_km2\":20.0,\"features\":[{}]}}", all.join(","))
}

fn bench(c: &mut Criterion) {
    let truth = collection((0..TRUTH).map(|k| (line(k, 0.0), "{\"class\":\"trench\"}".to_owned())));
    // One a metre beside each, and one where nothing is.
    let found = collection((0..2 * TRUTH).map(|k| {
        let aside = if k < TRUTH { 1e-5 } else { 3e-4 };
        let confidence = 0.5 + 0.4 * (k % 10) as f64 / 10.0;
        (line(k % TRUTH, aside), format!("{{\"class\":\"trench\",\"confidence\":{confidence}}}"))
    }));
    let parsed = (Truth::parse(truth.as_bytes()), Detection::parse(found.as_bytes()));
    assert!(parsed.0.is_ok() && parsed.1.is_ok(), "{parsed:?}");
    let (Ok(truth), Ok(found)) = parsed else { return };
    let options = Options::default();
    let scored = || matched(&truth, &found, &options).map(|m| score(&m, &options));
    let told = scored().map(|s| (s.completeness, s.correctness));
    let half = |v: Option<f64>| v.is_some_and(|v| (v - 0.5).abs() < 0.01);
    assert!(told.as_ref().is_ok_and(|(c, r)| c.is_some_and(|c| c > 0.999) && half(*r)), "{told:?}");

    let mut group = c.benchmark_group("score");
    group.sample_size(10).throughput(Throughput::Elements(2 * TRUTH as u64));
    group.bench_function("1,000 detections, 500 lines of truth", |b| b.iter(scored));
    group.finish();
}

criterion_group!(benches, bench);
criterion_main!(benches);
