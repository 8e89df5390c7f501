//! Times a whole ARD tile: `cargo run --release -p simulate --example speed`; `RAYON_NUM_THREADS=1` for one core.

use std::error::Error;
use std::time::Instant;

use domain::Window;
use simulate::{Options, Scene};

fn main() -> Result<(), Box<dyn Error>> {
    let options = Options::default().sized(17_408, 0.305);
    let started = Instant::now();
    let scene = Scene::new(&options)?;
    println!("made in {:?}, {} works", started.elapsed(), scene.truth(1).len());
    let started = Instant::now();
    let mut sum = 0_u64;
    for k in 0..8 {
        let image = scene.render(1, Window::new(2000 * k, 1900 * k, 1024, 1024));
        sum += image.iter().map(|v| u64::from(*v)).sum::<u64>();
    }
    let megapixels = 8.0 * 1024.0 * 1024.0 / 1e6;
    println!("{:.2} Mpix/s (sum {sum})", megapixels / started.elapsed().as_secs_f64());
    Ok(())
}
