//! What goes into the proposing network: how much each pixel of either date stands out from the ground around it.
//!
//! A pixel less the mean around it, in multiples of how much the pixels of a small block spread there: what an exposure,
//! a sensor or haze multiplies or adds falls out. Means and spreads are of blocks that are anchored at the grid, and
//! bilinear between their centres, so that no window shows.

use multiversion::multiversion;
use ndarray::{Array2, ArrayView2};

use crate::net::{Map, PROPOSER_CHANNELS, STEPS};

/// Side of a block, pixels: small against a field.
pub const BLOCK_PX: usize = 16;
/// Blocks on either side of one that tell its mean and its spread: 40 m in all.
const REACH: usize = 2;
/// Context that a pixel needs on every side: the blocks that those around it need.
pub const HALO_PX: usize = (REACH + 1) * BLOCK_PX;
/// Added to the spread, as a share of the brightness: below it a line is noise of the sensor.
const NOISE_SHARE: f64 = 0.003;
/// The same on ground that has no brightness either.
const LEAST_SPREAD: f64 = 1e-6;
/// The most that a pixel stands out.
const MOST: f32 = 6.0;

/// Both dates of a window, valid together.
#[derive(Clone, Copy, Debug)]
pub struct Dates<'a> {
    /// Brightness of each date, `(rows, cols)`.
    pub pixels: [ArrayView2<'a, f32>; 2],
    /// Which pixels of each may be used.
    pub valid: [ArrayView2<'a, bool>; 2],
}

/// What is used again from window to window.
#[derive(Clone, Debug, Default)]
pub struct Buffers {
    valid: Vec<bool>,
    told: Vec<i16>,
    sums: Columns,
}

/// Fills `map`, of half the pixels, from a window that begins with a block: four pixels of the earlier date, from the upper
/// left to the lower right, then those of the later. A pixel that is invalid on one date is 0 on both. The map covers whole blocks:
/// what lies beyond the window is invalid.
pub fn fill(dates: Dates<'_>, map: &mut Map<i16>, buffers: &mut Buffers) {
    let (rows, cols) = dates.pixels[0].dim();
    let blocks = (rows.div_ceil(BLOCK_PX), cols.div_ceil(BLOCK_PX));
    map.reshape(blocks.0 * BLOCK_PX / 2, blocks.1 * BLOCK_PX / 2, PROPOSER_CHANNELS);
    let Buffers { valid, told, sums } = buffers;
    valid.clear();
    valid.resize(rows * cols, false);
    for (r, valid) in valid.chunks_exact_mut(cols.max(1)).enumerate() {
        if let [Some(a), Some(b)] = dates.valid.each_ref().map(|v| v.row(r).to_slice()) {
            both(valid, a, b);
        }
    }
    told.clear();
    told.resize(2 * map.shape().1, 0);
    for (date, pixels) in dates.pixels.into_iter().enumerate() {
        let (mean, spread) = around(&Blocks::of(pixels, valid, sums));
        let (down, along) = (between(rows, blocks.0), between(cols, blocks.1));
        let wide = |of: &Array2<f32>| -> Vec<Vec<f32>> {
            let line = |row: ndarray::ArrayView1<'_, f32>| {
                along.iter().map(|&(j, j2, v)| row[j] * (1.0 - v) + row[j2] * v).collect()
            };
            of.rows().into_iter().map(line).collect()
        };
        let (mean, spread) = (wide(&mean), wide(&spread));
        for r in 0..2 * map.shape().0 {
            // Beyond the last row nothing is valid.
            told.fill(0);
            if let (true, Some(line)) = (r < rows, pixels.row(r.min(rows - 1)).to_slice()) {
                let (i, i2, u) = down[r];
                let ground = [&mean[i], &mean[i2], &spread[i], &spread[i2]].map(|v| &v[..]);
                stands_out(&mut told[..cols], line, &valid[r * cols..][..cols], ground, u);
            }
            let at = 4 * date + 2 * (r % 2);
            let out = map.row_mut(r / 2).as_chunks_mut::<PROPOSER_CHANNELS>().0;
            out.iter_mut().zip(told.as_chunks::<2>().0).for_each(|(out, &two)| [out[at], out[at + 1]] = two);
        }
    }
}

/// Which pixels of a row are valid on both dates.
#[multiversion(targets("x86_64+avx512f+avx512vl+avx512bw", "x86_64+avx2"))]
fn both(valid: &mut [bool], a: &[bool], b: &[bool]) {
    valid.iter_mut().zip(a.iter().zip(b)).for_each(|(valid, (a, b))| *valid = *a & *b);
}

/// Sums of a row of blocks, column by column.
#[derive(Clone, Debug, Default)]
struct Columns {
    /// What is taken off first, so that squares stay small: of each column.
    off: Vec<f32>,
    sum: Vec<f32>,
    squares: Vec<f32>,
    known: Vec<f32>,
}

/// Of each block how many pixels are valid, their mean and how much they spread.
struct Blocks {
    known: Array2<f64>,
    mean: Array2<f64>,
    spread: Array2<f64>,
}

impl Blocks {
    fn of(pixels: ArrayView2<'_, f32>, valid: &[bool], columns: &mut Columns) -> Self {
        let (rows, cols) = pixels.dim();
        let shape = (rows.div_ceil(BLOCK_PX), cols.div_ceil(BLOCK_PX));
        let nothing = || Array2::zeros(shape);
        let mut out = Self { known: nothing(), mean: nothing(), spread: nothing() };
        for i in 0..shape.0 {
            let own = i * BLOCK_PX..((i + 1) * BLOCK_PX).min(rows);
            columns.clear(cols);
            for (j, off) in columns.off.chunks_mut(BLOCK_PX).enumerate() {
                let places = own.clone().flat_map(|r| (0..off.len()).map(move |c| (r, j * BLOCK_PX + c)));
                let first = places.into_iter().find(|&(r, c)| valid[r * cols + c]);
                off.fill(first.map_or(0.0, |at| pixels[at]));
            }
            for r in own {
                if let Some(line) = pixels.row(r).to_slice() {
                    add(columns, line, &valid[r * cols..][..cols]);
                }
            }
            let Columns { off, sum, squares, known } = &*columns;
            let parts = |of: &'_ [f32]| -> Vec<f64> {
                of.chunks(BLOCK_PX).map(|part| part.iter().map(|&v| f64::from(v)).sum()).collect()
            };
            let (sum, squares, known) = (parts(sum), parts(squares), parts(known));
            for (j, ((sum, squares), n)) in sum.into_iter().zip(squares).zip(known).enumerate() {
                if n > 0.0 {
                    let mean = sum / n;
                    out.known[(i, j)] = n;
                    out.mean[(i, j)] = mean + f64::from(off[j * BLOCK_PX]);
                    out.spread[(i, j)] = (squares / n - mean * mean).max(0.0).sqrt();
                }
            }
        }
        out
    }
}

impl Columns {
    fn clear(&mut self, cols: usize) {
        for all in [&mut self.off, &mut self.sum, &mut self.squares, &mut self.known] {
            all.clear();
            all.resize(cols, 0.0);
        }
    }
}

/// Adds the valid pixels of a row to its columns.
#[multiversion(targets("x86_64+avx512f+avx512vl+avx512bw", "x86_64+avx2"))]
fn add(columns: &mut Columns, row: &[f32], valid: &[bool]) {
    let Columns { off, sum, squares, known } = columns;
    let to = sum.iter_mut().zip(squares).zip(known);
    for ((((sum, squares), known), off), (v, &ok)) in to.zip(off).zip(row.iter().zip(valid)) {
        let v = if ok { *v - *off } else { 0.0 };
        *sum += v;
        *squares += v * v;
        *known += f32::from(u8::from(ok));
    }
}

/// Mean and spread around each block, the blocks weighted by what is valid of them.
fn around(blocks: &Blocks) -> (Array2<f32>, Array2<f32>) {
    let shape = blocks.known.dim();
    let (mut means, mut spreads) = (Array2::zeros(shape), Array2::zeros(shape));
    for (i, j) in (0..shape.0).flat_map(|i| (0..shape.1).map(move |j| (i, j))) {
        let (mut n, mut mean, mut spread) = (0.0, 0.0, 0.0);
        for a in i.saturating_sub(REACH)..(i + REACH + 1).min(shape.0) {
            for b in j.saturating_sub(REACH)..(j + REACH + 1).min(shape.1) {
                let known = blocks.known[(a, b)];
                n += known;
                mean += known * blocks.mean[(a, b)];
                spread += known * blocks.spread[(a, b)];
            }
        }
        let share = if n > 0.0 { 1.0 / n } else { 0.0 };
        means[(i, j)] = (mean * share) as f32;
        spreads[(i, j)] = (spread * share + NOISE_SHARE * (mean * share).abs() + LEAST_SPREAD) as f32;
    }
    (means, spreads)
}

/// Of each of `n` pixels the two blocks that it lies between, and the share of the second.
fn between(n: usize, blocks: usize) -> Vec<(usize, usize, f32)> {
    let of = |i: usize| {
        let (j, t) = (i / BLOCK_PX, ((i % BLOCK_PX) as f32 + 0.5) / BLOCK_PX as f32 - 0.5);
        match t < 0.0 {
            true if j == 0 => (0, 0, 0.0),
            true => (j - 1, j, t + 1.0),
            false => (j, (j + 1).min(blocks - 1), t),
        }
    };
    (0..n).map(of).collect()
}

/// How much each pixel of a row stands out, in steps: `ground` holds mean and spread of the blocks above and below, `share` is
/// that of those below.
#[multiversion(targets("x86_64+avx512f+avx512vl+avx512bw", "x86_64+avx2"))]
fn stands_out(told: &mut [i16], row: &[f32], valid: &[bool], ground: [&[f32]; 4], share: f32) {
    let [mean, mean_below, spread, spread_below] = ground;
    let means = mean.iter().zip(mean_below);
    let spreads = spread.iter().zip(spread_below);
    for (((told, (v, ok)), (m, m2)), (s, s2)) in
        told.iter_mut().zip(row.iter().zip(valid)).zip(means).zip(spreads)
    {
        let v = (*v - (m * (1.0 - share) + m2 * share)) / (s * (1.0 - share) + s2 * share);
        let v = if v > -MOST { v } else { -MOST };
        let v = if v < MOST { v } else { MOST };
        // Floats around 1.5 · 2²³ are whole: the last bits are the number.
        *told = if *ok { (v * STEPS + 12_582_912.0).to_bits() as i16 } else { 0 };
    }
}

#[cfg(test)]
mod tests {
    use ndarray::s;

    use super::*;

    fn filled(pixels: &Array2<f32>, valid: &Array2<bool>) -> Map<i16> {
        let mut map = Map::default();
        let dates = Dates { pixels: [pixels.view(), pixels.view()], valid: [valid.view(), valid.view()] };
        fill(dates, &mut map, &mut Buffers::default());
        map
    }

    fn ground(rows: usize, cols: usize) -> Array2<f32> {
        Array2::from_shape_fn((rows, cols), |(r, c)| 500.0 + ((r * 7919 + c * 104_729) % 97) as f32)
    }

    #[test]
    fn exposure_and_haze_fall_out() {
        let ground = ground(96, 128);
        let valid = Array2::from_elem((96, 128), true);
        let (plain, hazy) = (filled(&ground, &valid), filled(&ground.mapv(|v| 4.0 * v), &valid));
        for r in 0..48 {
            assert_eq!(plain.row(r), hazy.row(r));
        }
        // Of a constant only the floor of the noise keeps something.
        let hazy = filled(&ground.mapv(|v| v + 1000.0), &valid);
        let off = |r: usize| plain.row(r).iter().zip(hazy.row(r)).map(|(a, b)| a.abs_diff(*b)).max();
        assert!((0..48).all(|r| off(r).is_some_and(|v| v < 400)), "{:?}", off(20));
        let amount = |map: &Map<i16>| {
            (0..48).flat_map(|r| map.row(r).to_vec()).map(|v| f64::from(v).abs()).sum::<f64>()
        };
        assert!(amount(&plain) / (48.0 * 64.0 * 8.0) > 400.0);
    }

    #[test]
    fn windows_show_no_seam_and_nothing_shines_through_what_is_invalid() {
        let whole = ground(256, 320);
        let mut valid = Array2::from_elem((256, 320), true);
        valid.slice_mut(s![100..120, 90..200]).fill(false);
        let mut dirty = whole.clone();
        dirty.slice_mut(s![100..120, 90..200]).fill(f32::NAN);
        let all = filled(&dirty, &valid);
        let part = s![64..224, 32..320];
        let cut = filled(&dirty.slice(part).to_owned(), &valid.slice(part).to_owned());
        let (rows, cols) = ((HALO_PX / 2, (160 - HALO_PX) / 2), (HALO_PX / 2, 288 / 2));
        for r in rows.0..rows.1 {
            let n = PROPOSER_CHANNELS;
            assert_eq!(
                cut.row(r)[cols.0 * n..cols.1 * n],
                all.row(r + 32)[(cols.0 + 16) * n..(cols.1 + 16) * n],
                "{r}"
            );
        }
        assert!(all.row(55)[50 * 8..95 * 8].iter().all(|&v| v == 0));
        assert!(all.row(30).iter().any(|&v| v != 0));
    }

    #[test]
    fn a_window_that_ends_within_a_block_is_whole() {
        let map = filled(&ground(70, 85), &Array2::from_elem((70, 85), true));
        assert_eq!(map.shape(), (40, 48));
        assert!(map.row(34).iter().any(|&v| v != 0));
        assert!(map.row(35).iter().all(|&v| v == 0));
        let nothing = filled(&ground(32, 32), &Array2::from_elem((32, 32), false));
        assert!((0..16).all(|r| nothing.row(r).iter().all(|&v| v == 0)));
    }
}
