//! Draws the two contact sheets of docs/simulate.md: `cargo run --release -p simulate --example docs_sheets -- docs/images`.
//!
//! `simulated-ground.jpg`: pieces of the later dates of some seeds; `simulated-works.jpg`: works before, after, and after
//! with their truth. With `--candidates` after the folder, many more of each, numbered, to choose from. The same on every
//! machine.

use std::error::Error;
use std::path::Path;

use domain::{Pixel, Window};
use image::codecs::jpeg::JpegEncoder;
use image::{Rgb, RgbImage, imageops};
use ndarray::Array3;
use simulate::{Options, Scene, TruthLine};

/// Quality of the JPEGs, 1–100: the grain of a field stays.
const QUALITY: u8 = 88;
/// White between pictures, pixels.
const RIM: u32 = 2;
/// Side of a piece of ground, pixels of 0.45 m.
const GROUND_PX: usize = 400;
/// Side of a picture of a work, pixels of 0.305 m, and how often it is enlarged.
const WORK_PX: (usize, u32) = (172, 1);

/// Pieces of ground that show much of what there is: seed, row and column of the upper left corner.
const GROUND: [(u64, usize, usize); 4] = [(2, 400, 400), (6, 400, 400), (5, 400, 400), (16, 400, 400)];
/// Works: seed, share of works in turned soil, and which line of the truth.
const WORKS: [(u64, f64, usize); 8] = [
    (1, 0.0, 9),
    (3, 0.0, 12),
    (1, 0.0, 11),
    (2, 0.0, 0),
    (5, 1.0, 8),
    (5, 1.0, 9),
    (6, 1.0, 0),
    (7, 1.0, 0),
];

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let folder = args.next().ok_or("usage: docs_sheets FOLDER [--candidates]")?;
    let folder = Path::new(&folder);
    std::fs::create_dir_all(folder)?;
    if args.next().is_some() {
        return candidates(folder);
    }
    let ground: Vec<RgbImage> = GROUND
        .iter()
        .map(|&(seed, row, col)| {
            let scene = Scene::new(&on_ground(seed))?;
            Ok(picture(&scene.render(1, Window::new(row, col, GROUND_PX, GROUND_PX))))
        })
        .collect::<Result<_, simulate::Error>>()?;
    save(&sheet(&ground, 2), &folder.join("simulated-ground.jpg"))?;
    let mut works = Vec::new();
    for (seed, turned_share, line) in WORKS {
        let scene = Scene::new(&with_works(seed, turned_share))?;
        let line = scene.truth(1).get(line).cloned().ok_or("the scene has fewer works")?;
        works.extend(before_and_after(&scene, &line));
    }
    save(&sheet(&works, 6), &folder.join("simulated-works.jpg"))
}

fn save(image: &RgbImage, path: &Path) -> Result<(), Box<dyn Error>> {
    let file = std::io::BufWriter::new(std::fs::File::create(path)?);
    Ok(JpegEncoder::new_with_quality(file, QUALITY).encode_image(image)?)
}

/// Many of each, by seed from left to right and down, to choose from.
fn candidates(folder: &Path) -> Result<(), Box<dyn Error>> {
    let (mut ground, mut works) = (Vec::new(), Vec::new());
    for seed in 1..=16 {
        let scene = Scene::new(&on_ground(seed))?;
        ground.push(picture(&scene.render(1, Window::new(400, 400, GROUND_PX, GROUND_PX))));
    }
    for seed in 1..=6 {
        let scene = Scene::new(&with_works(seed, if seed > 3 { 1.0 } else { 0.0 }))?;
        let truth = scene.truth(1);
        for (k, line) in truth.iter().enumerate().skip(truth.len().saturating_sub(4)) {
            println!("seed {seed} line {k}: {} {}", line.class.as_str(), line.style.as_str());
            works.extend(before_and_after(&scene, line));
        }
    }
    sheet(&ground, 4).save(folder.join("ground.png"))?;
    Ok(sheet(&works, 12).save(folder.join("works.png"))?)
}

fn on_ground(seed: u64) -> Options {
    Options { size_px: 1200, gsd_m: 0.45, ..Options::varied(seed) }
}

fn with_works(seed: u64, turned_share: f64) -> Options {
    Options { size_px: 1200, turned_share, ..Options::varied(100 + seed) }
}

/// The place of a line on the earlier date, on the later, and on the later with the line.
fn before_and_after(scene: &Scene, line: &TruthLine) -> [RgbImage; 3] {
    let (side, times) = WORK_PX;
    let size = scene.options().size_px;
    let middle = line.centreline[line.centreline.len() / 2];
    let from = |v: f64| (v as usize).saturating_sub(side / 2).min(size - side);
    let (row, col) = (from(middle.row), from(middle.col));
    let shown = |date| picture(&scene.render(date, Window::new(row, col, side, side)));
    let (before, after) = (shown(0), shown(1));
    let mut marked = after.clone();
    for w in line.centreline.windows(2) {
        let steps = (w[1].row - w[0].row).hypot(w[1].col - w[0].col).ceil().max(1.0);
        for k in 0..=steps as usize {
            let f = k as f64 / steps;
            let p = scene.seen_at(
                1,
                Pixel {
                    row: w[0].row + f * (w[1].row - w[0].row),
                    col: w[0].col + f * (w[1].col - w[0].col),
                },
            );
            let (x, y) = (p.col - col as f64, p.row - row as f64);
            if (0.0..side as f64).contains(&x) && (0.0..side as f64).contains(&y) {
                marked.put_pixel(x as u32, y as u32, Rgb([255, 225, 40]));
            }
        }
    }
    let large = |i: RgbImage| {
        imageops::resize(&i, i.width() * times, i.height() * times, imageops::FilterType::CatmullRom)
    };
    [before, after, marked].map(large)
}

/// Pictures in rows of `across`, with white between.
fn sheet(pictures: &[RgbImage], across: u32) -> RgbImage {
    let (w, h) = pictures.first().map_or((1, 1), |p| (p.width(), p.height()));
    let rows = (pictures.len() as u32).div_ceil(across);
    let mut out =
        RgbImage::from_pixel(across * (w + RIM) + RIM, rows * (h + RIM) + RIM, Rgb([255, 255, 255]));
    for (k, p) in pictures.iter().enumerate() {
        let (i, j) = (k as u32 / across, k as u32 % across);
        imageops::replace(&mut out, p, i64::from(RIM + j * (w + RIM)), i64::from(RIM + i * (h + RIM)));
    }
    out
}

fn picture(pixels: &Array3<u16>) -> RgbImage {
    let (_, rows, cols) = pixels.dim();
    RgbImage::from_fn(cols as u32, rows as u32, |x, y| {
        Rgb([0, 1, 2].map(|band| pixels[(band, y as usize, x as usize)] as u8))
    })
}
