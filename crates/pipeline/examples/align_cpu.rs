//! CPU seconds of an alignment alone, both images in memory: what `benches/peers/align.py` sets beside other programs.
//!
//!     cargo run --release -p pipeline --example align_cpu -- EARLIER LATER
//!
//! Prints the least of five runs on one thread. Reads `/proc`, so Linux only.

use std::convert::Infallible;
use std::error::Error;

use chrono::{DateTime, Utc};
use domain::{Pair, PixelMap, Raster, Window};
use ndarray::{Array2, s};
use pipeline::PairReader;
use pipeline::diff::align::{Options, register};
use pipeline::diff::{PairSource, Silent};

const ROUNDS: usize = 5;
/// How long a round takes at least, seconds.
const LONG_S: f64 = 0.25;

/// A pair in memory.
struct Held {
    earlier: Raster,
    later: Raster,
    map: PixelMap,
    pixel_m: f64,
}

/// Row by row: element by element the copies would take a twelfth of the whole.
fn cut<T: Copy>(of: &Array2<T>, window: Window) -> Array2<T> {
    let from = of.slice(s![window.row..window.row_end(), window.col..window.col_end()]);
    let mut out = Vec::with_capacity(from.len());
    for row in from.rows() {
        match row.to_slice() {
            Some(row) => out.extend_from_slice(row),
            None => out.extend(row.iter().copied()),
        }
    }
    let copied = Array2::from_shape_vec(from.raw_dim(), out);
    copied.unwrap_or_else(|_| from.to_owned())
}

fn part(of: &Raster, window: Window) -> Raster {
    Raster { window, pixels: cut(&of.pixels, window), valid: cut(&of.valid, window) }
}

impl PairSource for Held {
    type Error = Infallible;

    fn shape(&self) -> (usize, usize) {
        self.earlier.pixels.dim()
    }

    fn pixel_m(&self) -> f64 {
        self.pixel_m
    }

    fn earlier(&self, window: Window) -> Result<Raster, Infallible> {
        Ok(part(&self.earlier, window))
    }

    fn later_shape(&self) -> (usize, usize) {
        self.later.pixels.dim()
    }

    fn later_map(&self) -> &PixelMap {
        &self.map
    }

    fn later(&self, window: Window) -> Result<Raster, Infallible> {
        Ok(part(&self.later, window))
    }
}

/// CPU seconds of this thread.
fn cpu_s() -> Result<f64, Box<dyn Error>> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat")?;
    Ok(text.split_whitespace().next().ok_or("no schedstat")?.parse::<f64>()? / 1e9)
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let [earlier, later] = [1, 2].map(|n| std::env::args().nth(n).unwrap_or_default());
    let pair = Pair {
        earlier: ingest::single(earlier.as_ref(), DateTime::<Utc>::MIN_UTC).await?,
        later: ingest::single(later.as_ref(), DateTime::<Utc>::MAX_UTC).await?,
        overlap_km2: 0.0,
    };
    let reader = PairReader::open(&pair, None)?;
    let whole = |(rows, cols): (usize, usize)| Window::new(0, 0, rows, cols);
    let held = Held {
        earlier: reader.earlier(whole(reader.shape()))?,
        later: reader.later(whole(reader.later_shape()))?,
        map: reader.later_map().clone(),
        pixel_m: reader.pixel_m(),
    };
    rayon::ThreadPoolBuilder::new().num_threads(1).use_current_thread().build_global()?;
    let mut least = f64::INFINITY;
    for _ in 0..ROUNDS {
        // The clock ticks every few milliseconds.
        let (begin, mut times) = (cpu_s()?, 0);
        let mut spent = 0.0;
        while spent < LONG_S {
            let options = Options { max_residual_px: 0.5, ..Options::default() };
            std::hint::black_box(register(&held, &options, &Silent)?);
            times += 1;
            spent = cpu_s()? - begin;
        }
        least = least.min(spent / f64::from(times));
    }
    println!("{least:.4}");
    Ok(())
}
