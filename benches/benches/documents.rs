//! A thousand works measured from a front and written down.
#![allow(missing_docs)] // criterion_group! makes public functions

use chrono::{NaiveDate, TimeDelta, Utc};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use domain::{Class, Earthwork, Evidence};
use geo_types::{Coord, LineString};
use report::{
    FrontLine, Fronts, FrontsIndex, ImagePrecision, earthworks_csv, earthworks_geojson, measure_all,
};

const WORKS: usize = 1000;

/// A zigzag of 100 vertices and some 200 m.
fn work(k: usize) -> Earthwork {
    let (lon, lat) = (34.1 + 2.8 * k as f64 / WORKS as f64, 51.6 + 0.1 * (k % 7) as f64);
    let later = Utc::now();
    Earthwork {
        id: format!("FW-{k:010x}"),
        class: if k.is_multiple_of(9) { Class::AntiVehicleDitch } else { Class::Trench },
        confidence: 0.9,
        centreline: (0..100)
            .map(|i| Coord { x: lon + 2e-5 * f64::from(i), y: lat + 3e-5 * f64::from(i / 5 % 2) })
            .collect(),
        length_m: 200.0,
        width_m: 1.4,
        earlier: later - TimeDelta::days(7),
        later,
        pair: "a..b".to_owned(),
        evidence: Evidence::default(),
    }
}

fn bench(c: &mut Criterion) {
    let line: LineString = (0..500)
        .map(|i| Coord { x: 34.0 + 0.006 * f64::from(i), y: 51.5 + 0.01 * f64::from(i % 3) })
        .collect();
    let front = FrontLine::from_lines(vec![line], NaiveDate::default(), "bench", "claimed");
    assert!(front.is_some());
    let Some(fronts) = front.map(Fronts::one) else { return };
    let works: Vec<Earthwork> = (0..WORKS).map(work).collect();
    let measured =
        || measure_all(works.clone(), &FrontsIndex::new(&fronts), |_| ImagePrecision::of(None, None, None));
    let found = measured();
    let text = earthworks_geojson(&found, &fronts);
    assert!(found.len() == WORKS && text.lines().filter(|l| l.contains("\"FW-")).count() == WORKS);

    let mut group = c.benchmark_group("documents");
    group.sample_size(10).throughput(Throughput::Elements(WORKS as u64));
    group.bench_function("measured", |b| b.iter(measured));
    group.bench_function("GeoJSON", |b| b.iter(|| earthworks_geojson(&found, &fronts).len()));
    group.bench_function("CSV", |b| b.iter(|| earthworks_csv(&found, &fronts).len()));
    group.finish();
}

criterion_group!(benches, bench);
criterion_main!(benches);
