//! Two dates of a scene as PPM, and where the content of the first lies in the second: what an alignment is measured on.
//!
//!     cargo run --release -p simulate --example two_dates -- list START DAYS
//!     cargo run --release -p simulate --example two_dates -- SEED SIZE_PX START DAYS OUT
//!
//! `list` tells, seed by seed, how far sun and line of sight of the two dates differ. Else OUT/0.ppm, OUT/1.ppm and
//! OUT/truth.csv (row, col, d_row, d_col, pixels, every 32) are written. START is RFC 3339.

use std::error::Error;
use std::io::Write;

use chrono::{DateTime, Utc};
use domain::{Pixel, Window};
use simulate::{Options, Scene};

/// Distance of the places whose displacement is told, pixels.
const STEP_PX: usize = 32;

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match args.as_slice() {
        [list, start, days] if list == "list" => {
            for seed in 0..60 {
                let scene = scene(seed, 128, start.parse()?, days.parse()?)?;
                let [a, b] = scene.dates() else { continue };
                println!(
                    "{seed}: sun {:+.1} deg azimuth, {:+.1} deg high; parallax {:.2} m",
                    b.sun_azimuth_deg - a.sun_azimuth_deg,
                    b.sun_elevation_deg - a.sun_elevation_deg,
                    b.parallax_m,
                );
            }
            Ok(())
        }
        [seed, size_px, start, days, out] => {
            let scene = scene(seed.parse()?, size_px.parse()?, start.parse()?, days.parse()?)?;
            write(&scene, out)
        }
        _ => Err("usage: two_dates list START DAYS, or two_dates SEED SIZE_PX START DAYS OUT".into()),
    }
}

fn scene(seed: u64, size_px: usize, start: DateTime<Utc>, days: u32) -> simulate::Result<Scene> {
    let options = Options { seed, start: Some(start), interval_days: days, ..Options::default() };
    Scene::new(&options.sized(size_px, 0.5))
}

fn write(scene: &Scene, out: &str) -> Result<(), Box<dyn Error>> {
    std::fs::create_dir_all(out)?;
    let n = scene.options().size_px;
    for date in 0..2 {
        let pixels = scene.render(date, Window::new(0, 0, n, n));
        let mut file = std::io::BufWriter::new(std::fs::File::create(format!("{out}/{date}.ppm"))?);
        writeln!(file, "P6 {n} {n} 255")?;
        for row in 0..n {
            for col in 0..n {
                file.write_all(&[0, 1, 2].map(|b| pixels[(b, row, col)] as u8))?;
            }
        }
        file.flush()?;
    }
    let mut truth = std::io::BufWriter::new(std::fs::File::create(format!("{out}/truth.csv"))?);
    for row in (0..=n).step_by(STEP_PX) {
        for col in (0..=n).step_by(STEP_PX) {
            let p = Pixel { row: row as f64, col: col as f64 };
            let q = scene.seen_at(1, p);
            writeln!(truth, "{row},{col},{:.4},{:.4}", q.row - p.row, q.col - p.col)?;
        }
    }
    Ok(truth.flush()?)
}
