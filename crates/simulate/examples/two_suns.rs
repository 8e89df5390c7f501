//! The same ground at two times, undisplaced, as PPM: what an alignment is measured on.
//!
//!     cargo run --release -p simulate --example two_suns -- SEED SIZE_PX TIME TIME OUT
//!
//! Writes OUT/0.ppm and OUT/1.ppm, and tells the sun of each. Times are RFC 3339.

use std::error::Error;
use std::io::Write;

use chrono::{DateTime, Utc};
use domain::Window;
use simulate::{Options, Scene};

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [seed, size_px, first, second, out] = args.as_slice() else {
        return Err("usage: two_suns SEED SIZE_PX TIME TIME OUT".into());
    };
    std::fs::create_dir_all(out)?;
    for (k, time) in [first, second].into_iter().enumerate() {
        let start: DateTime<Utc> = time.parse()?;
        let options = Options { seed: seed.parse()?, start: Some(start), ..Options::default() };
        let scene = Scene::new(&options.sized(size_px.parse()?, 0.5))?;
        let (sun, n) = (&scene.dates()[0], scene.options().size_px);
        println!("{k}: sun {:.1} deg azimuth, {:.1} deg high", sun.sun_azimuth_deg, sun.sun_elevation_deg);
        let pixels = scene.render(0, Window::new(0, 0, n, n));
        let mut file = std::io::BufWriter::new(std::fs::File::create(format!("{out}/{k}.ppm"))?);
        write!(file, "P6 {n} {n} 255\n")?;
        for row in 0..n {
            for col in 0..n {
                file.write_all(&[0, 1, 2].map(|b| pixels[(b, row, col)] as u8))?;
            }
        }
        file.flush()?;
    }
    Ok(())
}
