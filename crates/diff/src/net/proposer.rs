//! The network that proposes: where a new line may be, from the brightness of both dates alone.
//!
//! A thirtieth of the products of the one that judges, so that it can be asked about all ground (a cascade: Viola & Jones 2001,
//! CVPR, 511–518; what is proposed is judged: Ren et al. 2015, NeurIPS). 2 × 2 pixels go in as one; each answer is of a
//! square of [`CELL_PX`].

use super::conv::Conv;
use super::map::{Map, Region};
use super::{Layers, Proposed};

/// Numbers of a pixel of the map: brightness on each date, of 2 × 2 pixels of the window.
pub const CHANNELS: usize = 4 * 2;
/// Side of the square that an answer is of, pixels.
pub const CELL_PX: usize = 8;
/// Pixels that an answer needs on every side of its square, and some.
pub const HALO_PX: usize = 32;
/// Inputs and outputs of the convolutions: one on half of the pixels, two on a quarter, two on an eighth.
const LAYERS: [(usize, usize); 5] = [(CHANNELS, 16), (16, 32), (32, 24), (24, 40), (40, 40)];
/// Inputs and outputs of the last layer.
const HEAD: (usize, usize) = (40, 2);

/// Layers ready to be applied.
#[derive(Clone, Debug, PartialEq)]
pub struct Proposer {
    first: Conv<i16>,
    /// The others.
    layers: Vec<Conv<u8>>,
    /// For each output the weights of all inputs, and what is added.
    head: [([f32; HEAD.0], f32); HEAD.1],
}

/// Feature maps that are used again and again.
#[derive(Clone, Debug, Default)]
pub struct ProposerMaps {
    /// What goes in.
    pub input: Map<i16>,
    half: Map<u8>,
    quarter: [Map<u8>; 3],
    eighth: [Map<u8>; 3],
}

impl Proposer {
    /// How many numbers make one: weights, biases, and the largest value of each channel.
    pub fn len() -> usize {
        Layers::len(&LAYERS, HEAD)
    }

    /// From its numbers, in the order of [`super::Network::new`]; `None` where they are not [`Proposer::len`] numbers of
    /// at most a billion, the largest values above 0.
    pub fn new(numbers: &[f32]) -> Option<Self> {
        let layers = Layers::of(numbers, &LAYERS, HEAD)?;
        let ((weights, bias), steps) = (layers.head, &layers.steps[LAYERS.len() - 1]);
        let weight = |o: usize, i: usize| (f64::from(weights[o * HEAD.0 + i]) * steps[i]) as f32;
        let head = std::array::from_fn(|o| (std::array::from_fn(|i| weight(o, i)), bias[o]));
        Some(Self { first: layers.first(CHANNELS), layers: layers.others(), head })
    }

    /// What it says of the squares of `cells` of the window in [`ProposerMaps::input`], row by row.
    pub fn ask(
        &self,
        maps: &mut ProposerMaps,
        cells: &Region,
        mut told: impl FnMut((usize, usize), Proposed),
    ) {
        let ProposerMaps { input, half, quarter, eighth } = maps;
        let layer = |k: usize, from: &Map<u8>, to: &mut Map<u8>, within: &Region| {
            self.layers[k - 1].run(from, to, within);
        };
        let (rows, cols) = input.shape();
        // Where each map is needed.
        let (fine, coarse) = ((rows / 2, cols / 2), (rows / 4, cols / 4));
        let eighth_3 = cells.grown(coarse);
        let quarter_2 = eighth_3.grown(coarse).doubled(fine);
        let quarter_1 = quarter_2.grown(fine);
        let half_0 = quarter_1.grown(fine).doubled((rows, cols));
        self.first.run(input, half, &half_0);
        let [pooled, a, b] = quarter;
        pooled.pool(half);
        layer(1, pooled, a, &quarter_1);
        layer(2, a, b, &quarter_2);
        let [pooled, a, c] = eighth;
        pooled.pool(b);
        layer(3, pooled, a, &eighth_3);
        layer(4, a, c, cells);
        for r in cells.rows.clone() {
            let row = c.row(r).as_chunks().0;
            for (c, pixel) in row.iter().enumerate().take(cells.cols.end).skip(cells.cols.start) {
                let [work, other] =
                    self.head.each_ref().map(|(weights, bias)| bias + products(pixel, weights));
                told((r, c), Proposed { work, other });
            }
        }
    }
}

/// The sum of all products, in a fixed order.
fn products(values: &[u8; HEAD.0], weights: &[f32; HEAD.0]) -> f32 {
    const LANES: usize = 8;
    let mut sums = [0.0; LANES];
    for (values, weights) in values.as_chunks::<LANES>().0.iter().zip(weights.as_chunks::<LANES>().0) {
        for ((sum, &value), weight) in sums.iter_mut().zip(values).zip(weights) {
            *sum += f32::from(value) * weight;
        }
    }
    sums.iter().sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made_up() -> Proposer {
        let mut numbers: Vec<f32> =
            (0..Proposer::len()).map(|k| ((k * 7919 + 13) % 101) as f32 / 400.0 - 0.115).collect();
        let channels: usize = LAYERS.iter().map(|layer| layer.1).sum();
        let first = numbers.len() - channels;
        numbers[first..].fill(20.0);
        Proposer::new(&numbers).unwrap()
    }

    /// Made-up ground from pixel `(top, left)` of the input on.
    fn maps(rows: usize, cols: usize, (top, left): (usize, usize)) -> ProposerMaps {
        let mut maps = ProposerMaps::default();
        maps.input.reshape(rows, cols, CHANNELS);
        for r in 0..rows {
            for (k, v) in maps.input.row_mut(r).iter_mut().enumerate() {
                let (c, k) = (left + k / CHANNELS, k % CHANNELS);
                *v = (((top + r) * 104_729 + c * 7907 + k * 613) % 6_000) as i16 - 3_000;
            }
        }
        maps
    }

    fn asked(maps: &mut ProposerMaps, cells: Region) -> Vec<((usize, usize), Proposed)> {
        let mut out = vec![];
        made_up().ask(maps, &cells, |at, told| out.push((at, told)));
        out
    }

    #[test]
    fn a_square_is_told_the_same_of_whatever_window_holds_its_context() {
        let whole = asked(&mut maps(96, 112, (0, 0)), Region { rows: 0..24, cols: 0..28 });
        assert_eq!(whole.len(), 24 * 28);
        assert!(whole.iter().any(|(_, told)| told.work != whole[0].1.work));
        // Twelve squares down and eight to the right, with a halo of four each.
        let part = asked(&mut maps(48, 48, (32, 16)), Region { rows: 4..8, cols: 4..8 });
        for ((r, c), told) in part {
            let of_whole = whole.iter().find(|(at, _)| *at == (r + 8, c + 4));
            assert_eq!(of_whole.map(|(_, told)| *told), Some(told), "{r} {c}");
        }
        // Maps that held another window show nothing of it.
        let mut used = maps(96, 112, (5, 5));
        asked(&mut used, Region { rows: 0..24, cols: 0..28 });
        used.input = maps(96, 112, (0, 0)).input;
        assert_eq!(
            asked(&mut used, Region { rows: 3..9, cols: 20..28 })[0],
            *whole.iter().find(|(at, _)| *at == (3, 20)).unwrap()
        );
    }

    #[test]
    fn weights_that_cannot_be_used_are_refused() {
        assert!(Proposer::new(&vec![0.1; Proposer::len()]).is_some());
        assert!(Proposer::new(&vec![0.1; Proposer::len() + 1]).is_none());
        assert!(Proposer::new(&vec![f32::NAN; Proposer::len()]).is_none());
        // No channel may have steps of nothing.
        assert!(Proposer::new(&vec![0.0; Proposer::len()]).is_none());
    }
}
