//! The last layer: what is told of a pixel, from its own features alone.

use multiversion::multiversion;

use super::HEAD;

/// Figures of a pixel, those that mean something first.
pub const WIDTH: usize = HEAD.1.next_multiple_of(8);

/// Weights of the last layer, in the order in which they are used.
#[derive(Clone, Debug, PartialEq)]
pub struct Head {
    /// For each input, those of all outputs.
    weights: Vec<[f32; WIDTH]>,
    bias: [f32; WIDTH],
}

impl Head {
    /// From weights `(outputs, inputs)` and one bias for each output, where a step of each input is worth so much.
    pub fn new(weights: &[f32], bias: &[f32], steps: &[f64]) -> Self {
        let filled =
            |value: &dyn Fn(usize) -> f32| std::array::from_fn(|o| if o < HEAD.1 { value(o) } else { 0.0 });
        Self {
            weights: (0..HEAD.0)
                .map(|i| filled(&|o| (f64::from(weights[o * HEAD.0 + i]) * steps[i]) as f32))
                .collect(),
            bias: filled(&|o| bias[o]),
        }
    }

    /// The figures of each pixel of a row.
    pub fn run(&self, row: &[u8], out: &mut [[f32; WIDTH]]) {
        pixels(&self.weights, &self.bias, row, out);
    }
}

#[multiversion(targets("x86_64+avx512f+avx512vl+fma", "x86_64+avx2+fma"))]
fn pixels(weights: &[[f32; WIDTH]], bias: &[f32; WIDTH], row: &[u8], out: &mut [[f32; WIDTH]]) {
    for (pixel, out) in row.chunks_exact(HEAD.0).zip(out) {
        let mut sums = *bias;
        for (&value, weights) in pixel.iter().zip(weights) {
            let value = f32::from(value);
            for o in 0..WIDTH {
                sums[o] = value.mul_add(weights[o], sums[o]);
            }
        }
        *out = sums;
    }
}
