//! The network that proposes: where a new line may be, from the brightness of both dates alone.
//!
//! A thirtieth of the products of the one that judges, so that it can be asked about all ground (a cascade: Viola & Jones 2001,
//! CVPR, 511–518; what is proposed is judged: Ren et al. 2015, NeurIPS). 2 × 2 pixels go in as one; each answer is of a
//! square of [`CELL_PX`].

use super::Proposed;
use super::conv::{Conv, MOST, Values};
use super::input::VALUES;
use super::map::{Map, Region};
use super::range;

/// Numbers of a pixel of the map: brightness on each date, of 2 × 2 pixels of the window.
pub const CHANNELS: usize = 4 * 2;
/// Side of the square that an answer is of, pixels.
pub const CELL_PX: usize = 8;
/// Pixels that an answer needs on every side of its square, and some.
pub const HALO_PX: usize = 32;
/// Inputs and outputs of the convolutions: one on half of the pixels, two on a quarter, two on an eighth.
pub(super) const LAYERS: [(usize, usize); 5] = [(CHANNELS, 16), (16, 32), (32, 24), (24, 40), (40, 40)];
/// Inputs and outputs of the last layer.
const HEAD: (usize, usize) = (40, 2);

/// Layers ready to be applied.
#[derive(Clone, Debug, PartialEq)]
pub struct Proposer {
    layers: Vec<Conv>,
    /// For each output the weights of all inputs, and what is added.
    head: [([f32; HEAD.0], f32); HEAD.1],
}

/// Feature maps that are used again and again.
#[derive(Clone, Debug, Default)]
pub struct ProposerMaps {
    /// What goes in.
    pub input: Map,
    half: Map,
    quarter: [Map; 3],
    eighth: [Map; 3],
}

impl Proposer {
    /// Number of weights and biases.
    pub fn len() -> usize {
        LAYERS.iter().map(|(i, o)| 9 * i * o + o).sum::<usize>() + HEAD.0 * HEAD.1 + HEAD.1
    }

    /// From its weights, in the order of [`super::Network::new`]; `None` where they are not [`Proposer::len`] finite numbers.
    pub fn new(weights: &[f32]) -> Option<Self> {
        let (floats, rest) = super::layers_of(weights, &LAYERS, Self::len())?;
        let steps: Vec<f64> = range::of_proposer(&floats).iter().map(|r| r / f64::from(MOST)).collect();
        let layer = |k: usize| {
            let values = match k {
                0 => VALUES,
                _ => Values { step: steps[k - 1], most: MOST, signed: false },
            };
            Conv::new(LAYERS[k], floats[k].0, floats[k].1, values, steps[k])
        };
        let layers = (0..LAYERS.len()).map(layer).collect();
        let (weights, bias) = rest.split_at(HEAD.0 * HEAD.1);
        let step = steps[LAYERS.len() - 1];
        let of =
            |o: usize| (std::array::from_fn(|i| (f64::from(weights[o * HEAD.0 + i]) * step) as f32), bias[o]);
        Some(Self { layers, head: std::array::from_fn(of) })
    }

    /// What it says of the squares of `cells` of the window in [`ProposerMaps::input`], row by row.
    pub fn ask(
        &self,
        maps: &mut ProposerMaps,
        cells: &Region,
        mut told: impl FnMut((usize, usize), Proposed),
    ) {
        let ProposerMaps { input, half, quarter, eighth } = maps;
        let l = &self.layers;
        let (rows, cols) = input.shape();
        // Where each map is needed.
        let (fine, coarse) = ((rows / 2, cols / 2), (rows / 4, cols / 4));
        let eighth_3 = cells.grown(coarse);
        let quarter_2 = eighth_3.grown(coarse).doubled(fine);
        let quarter_1 = quarter_2.grown(fine);
        let half_0 = quarter_1.grown(fine).doubled((rows, cols));
        l[0].run(input, half, &half_0);
        let [pooled, a, b] = quarter;
        pooled.pool(half);
        l[1].run(pooled, a, &quarter_1);
        l[2].run(a, b, &quarter_2);
        let [pooled, a, c] = eighth;
        pooled.pool(b);
        l[3].run(pooled, a, &eighth_3);
        l[4].run(a, c, cells);
        for r in cells.rows.clone() {
            for (c, pixel) in c
                .row(r)
                .as_chunks::<{ HEAD.0 }>()
                .0
                .iter()
                .enumerate()
                .take(cells.cols.end)
                .skip(cells.cols.start)
            {
                let sum = |(weights, bias): &([f32; HEAD.0], f32)| {
                    pixel.iter().zip(weights).fold(*bias, |sum, (&v, w)| f32::from(v).mul_add(*w, sum))
                };
                told((r, c), Proposed { work: sum(&self.head[0]), other: sum(&self.head[1]) });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made_up() -> Proposer {
        let weights = (0..Proposer::len()).map(|k| ((k * 7919 + 13) % 101) as f32 / 400.0 - 0.115);
        Proposer::new(&weights.collect::<Vec<_>>()).unwrap()
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
    }
}
