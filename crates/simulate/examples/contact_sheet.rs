//! Renders scenes to PNG files to be looked at: `cargo run --release -p simulate --example contact_sheet -- FOLDER [SEED …]`.
//!
//! For each seed: `SEED.png`, the earlier date, the later and the later with truth beside each other, and
//! `SEED_later.png`, the later date as it is; `SEED_close.png`, the surroundings of some earthworks twice enlarged.

use std::error::Error;
use std::path::Path;
use std::time::Instant;

use domain::{Pixel, Window};
use image::{Rgb, RgbImage, imageops};
use ndarray::Array3;
use simulate::{Options, Scene, TruthClass, TruthLine};

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let folder = args.next().ok_or("usage: contact_sheet FOLDER [SEED …]")?;
    std::fs::create_dir_all(&folder)?;
    let seeds: Vec<u64> = args.map(|s| s.parse()).collect::<Result<_, _>>()?;
    let mut all: Vec<Options> = seeds.into_iter().map(Options::varied).collect();
    if all.is_empty() {
        all.push(Options::default());
    }
    for options in all {
        sheet(&options, Path::new(&folder))?;
    }
    Ok(())
}

fn sheet(options: &Options, folder: &Path) -> Result<(), Box<dyn Error>> {
    let started = Instant::now();
    let scene = Scene::new(options)?;
    let made = started.elapsed();
    let n = options.size_px;
    let started = Instant::now();
    let earlier = picture(&scene.render(0, Window::new(0, 0, n, n)));
    let later = picture(&scene.render(1, Window::new(0, 0, n, n)));
    let seconds = started.elapsed().as_secs_f64();
    println!("seed {}: made in {made:?}, {:.2} Mpix/s", options.seed, 2.0 * (n * n) as f64 / 1e6 / seconds);
    for date in scene.dates() {
        println!("  {date:?}");
    }
    let (truth, other) = (scene.truth(1), scene.distractors(1));
    for line in truth.iter().chain(&other) {
        println!(
            "  {} {} {:.0} m x {:.1} m",
            line.class.as_str(),
            line.style.as_str(),
            line.length_m,
            line.width_m
        );
    }
    later.save(folder.join(format!("{}_later.png", options.seed)))?;
    let mut marked = later.clone();
    for line in truth.iter().chain(&other) {
        draw(&mut marked, line);
    }
    let mut wide = RgbImage::new(3 * n as u32, n as u32);
    for (k, part) in [&earlier, &later, &marked].into_iter().enumerate() {
        imageops::replace(&mut wide, part, (k * n) as i64, 0);
    }
    let half = imageops::resize(&wide, wide.width() / 2, wide.height() / 2, imageops::FilterType::Triangle);
    half.save(folder.join(format!("{}.png", options.seed)))?;

    let side = 256.min(n as u32);
    let mut close = RgbImage::new(6 * side, 6 * side);
    for (k, line) in truth.iter().take(3).enumerate() {
        let p = line.centreline[line.centreline.len() / 2];
        let from = |v: f64| (v as i64 - i64::from(side) / 2).clamp(0, n as i64 - i64::from(side)) as u32;
        for (j, whole) in [&earlier, &later, &marked].into_iter().enumerate() {
            let part = imageops::crop_imm(whole, from(p.col), from(p.row), side, side).to_image();
            let large = imageops::resize(&part, 2 * side, 2 * side, imageops::FilterType::CatmullRom);
            imageops::replace(
                &mut close,
                &large,
                2 * i64::from(side) * j as i64,
                2 * i64::from(side) * k as i64,
            );
        }
    }
    close.save(folder.join(format!("{}_close.png", options.seed)))?;
    Ok(())
}

fn picture(pixels: &Array3<u16>) -> RgbImage {
    let (_, rows, cols) = pixels.dim();
    RgbImage::from_fn(cols as u32, rows as u32, |x, y| {
        Rgb([0, 1, 2].map(|band| pixels[(band, y as usize, x as usize)] as u8))
    })
}

fn draw(image: &mut RgbImage, line: &TruthLine) {
    let colour = match line.class {
        TruthClass::Trench => Rgb([255, 40, 30]),
        TruthClass::AntiVehicleDitch => Rgb([255, 230, 30]),
        TruthClass::Distractor => Rgb([60, 200, 255]),
    };
    for w in line.centreline.windows(2) {
        let steps = (w[1].row - w[0].row).hypot(w[1].col - w[0].col).ceil().max(1.0);
        for k in 0..=steps as usize {
            let f = k as f64 / steps;
            let p = Pixel {
                row: w[0].row + f * (w[1].row - w[0].row),
                col: w[0].col + f * (w[1].col - w[0].col),
            };
            if p.row >= 0.0
                && p.col >= 0.0
                && p.row < f64::from(image.height())
                && p.col < f64::from(image.width())
            {
                image.put_pixel(p.col as u32, p.row as u32, colour);
            }
        }
    }
}
