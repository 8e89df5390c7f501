//! A smooth surface through scattered, noisy values: tensor-product cubic B-splines with a penalty on the second or
//! third differences of their coefficients (P-splines; Eilers & Marx 1996, Statistical Science 11(2)).
//!
//! The penalty leaves planes alone (of third differences, quadratics), so that a strong one gives the plane of least squares
//! and a weak one follows the values. Where nothing is known, over a field whose crop was exchanged, say, second differences
//! go on straight, as relief with steps does, and third ones bent as before, as smooth relief does.
//! A slight ridge pulls to 0 what no value determines.

use ndarray::Array2;

/// Ridge, in units of a value's weight.
const RIDGE: f64 = 1e-3;

/// Knots over a grid.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Knots {
    /// Distance between two, pixels.
    pub(crate) spacing_px: f64,
    /// Coefficients down and across.
    pub(crate) count: (usize, usize),
}

/// Most coefficients of a difference.
const MOST_TERMS: usize = 6;

/// Which differences of the coefficients are penalised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    /// Second: planes are free.
    Second,
    /// Third: quadratics are free, too.
    Third,
}

impl Order {
    /// Hands out the differences down and along, as in a derivative of every mixture, and how often it occurs.
    fn differences(self, mut take: impl FnMut(&[f64], &[f64], f64)) {
        const DIFFERENCES: [&[f64]; 4] = [&[1.0], &[-1.0, 1.0], &[1.0, -2.0, 1.0], &[-1.0, 3.0, -3.0, 1.0]];
        let (order, times): (usize, &[f64]) = match self {
            Order::Second => (2, &[1.0, 2.0, 1.0]),
            Order::Third => (3, &[1.0, 3.0, 3.0, 1.0]),
        };
        for (k, &times) in times.iter().enumerate() {
            take(DIFFERENCES[k], DIFFERENCES[order - k], times);
        }
    }
}

/// A value at a place.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sample {
    pub(crate) row_px: f64,
    pub(crate) col_px: f64,
    pub(crate) weight: f64,
    /// Two values at once: rows and columns of a displacement.
    pub(crate) value: [f64; 2],
}

/// Coefficients of a surface of two values.
#[derive(Clone, Debug)]
pub(crate) struct Spline {
    knots: Knots,
    /// Row by row.
    coefficients: Vec<[f64; 2]>,
}

impl Knots {
    /// Knots over a grid of `shape`, about `spacing_px` apart.
    pub(crate) fn over(shape: (usize, usize), spacing_px: f64) -> Self {
        let count = |n: usize| (n as f64 / spacing_px).ceil() as usize + 3;
        Self { spacing_px, count: (count(shape.0), count(shape.1)) }
    }

    /// The first of the four coefficients that matter at `v` pixels, and their weights.
    fn basis(&self, v: f64, count: usize) -> (usize, [f64; 4]) {
        let t = v / self.spacing_px;
        let i = (t.max(0.0) as usize).min(count - 4);
        let t = t - i as f64;
        let (t2, t3) = (t * t, t * t * t);
        let s = 1.0 - t;
        (
            i,
            [
                s * s * s / 6.0,
                (3.0 * t3 - 6.0 * t2 + 4.0) / 6.0,
                (-3.0 * t3 + 3.0 * t2 + 3.0 * t + 1.0) / 6.0,
                t3 / 6.0,
            ],
        )
    }
}

impl Spline {
    /// The surface that is nowhere but 0.
    pub(crate) fn zero(knots: Knots) -> Self {
        Self { knots, coefficients: vec![[0.0; 2]; knots.count.0 * knots.count.1] }
    }

    /// The surface of least weighted squares with `penalty` on its bending; 0 where that cannot be solved.
    pub(crate) fn fit(knots: Knots, samples: &[Sample], order: Order, penalty: f64) -> Self {
        let (rows, cols) = knots.count;
        // Rows of coefficients follow each other: shortest across gives the narrowest band.
        let swap = cols > rows;
        let (outer, inner) = if swap { (cols, rows) } else { (rows, cols) };
        let mut system = Banded::new(outer * inner, 3 * inner + 3);
        let mut right = vec![[0.0; 2]; outer * inner];
        for s in samples.iter().filter(|s| s.weight > 0.0) {
            let ((i, down), (j, along)) = (knots.basis(s.row_px, rows), knots.basis(s.col_px, cols));
            let ((i, down), (j, along)) =
                if swap { ((j, along), (i, down)) } else { ((i, down), (j, along)) };
            let entries: [(usize, f64); 16] =
                std::array::from_fn(|k| ((i + k / 4) * inner + j + k % 4, down[k / 4] * along[k % 4]));
            for (m, &(a, wa)) in entries.iter().enumerate() {
                (0..2).for_each(|k| right[a][k] += s.weight * wa * s.value[k]);
                for &(b, wb) in &entries[..=m] {
                    system.add(a, b, s.weight * wa * wb);
                }
            }
        }
        let at = |i: usize, j: usize| i * inner + j;
        for i in 0..outer {
            for j in 0..inner {
                order.differences(|down, along, times| {
                    if i + 1 >= down.len() && j + 1 >= along.len() {
                        let (top, left) = (i + 1 - down.len(), j + 1 - along.len());
                        let mut terms = [(0, 0.0); MOST_TERMS];
                        for (a, wa) in down.iter().enumerate() {
                            for (b, wb) in along.iter().enumerate() {
                                terms[a * along.len() + b] = (at(top + a, left + b), wa * wb);
                            }
                        }
                        system.square(&terms[..down.len() * along.len()], times * penalty);
                    }
                });
                system.add(at(i, j), at(i, j), RIDGE);
            }
        }
        if !system.solve(&mut right) {
            return Self::zero(knots);
        }
        let mut out = Self::zero(knots);
        for i in 0..rows {
            for j in 0..cols {
                out.coefficients[i * cols + j] = right[if swap { j * inner + i } else { i * inner + j }];
            }
        }
        out
    }

    /// The two values at a place.
    pub(crate) fn at(&self, row_px: f64, col_px: f64) -> [f64; 2] {
        let (rows, cols) = self.knots.count;
        let ((i, down), (j, along)) = (self.knots.basis(row_px, rows), self.knots.basis(col_px, cols));
        let mut sum = [0.0; 2];
        for (k, down) in down.iter().enumerate() {
            let line = &self.coefficients[(i + k) * cols + j..][..4];
            for (c, along) in line.iter().zip(&along) {
                (0..2).for_each(|v| sum[v] += down * along * c[v]);
            }
        }
        sum
    }

    /// The two values at every node of a lattice of `shape`, `spacing_px` apart.
    pub(crate) fn lattice(&self, shape: (usize, usize), spacing_px: f64) -> [Array2<f64>; 2] {
        let (mut a, mut b) = (Array2::zeros(shape), Array2::zeros(shape));
        for i in 0..shape.0 {
            for j in 0..shape.1 {
                [a[(i, j)], b[(i, j)]] = self.at(i as f64 * spacing_px, j as f64 * spacing_px);
            }
        }
        [a, b]
    }
}

/// A symmetric positive matrix whose entries lie within `width` of the diagonal; its lower half, row by row.
struct Banded {
    n: usize,
    width: usize,
    /// `(i, j)`, j ≤ i, at `i · (width + 1) + width − (i − j)`.
    lower: Vec<f64>,
}

impl Banded {
    fn new(n: usize, width: usize) -> Self {
        Self { n, width, lower: vec![0.0; n * (width + 1)] }
    }

    fn place(&self, i: usize, j: usize) -> usize {
        i * (self.width + 1) + self.width + j - i
    }

    fn add(&mut self, i: usize, j: usize, value: f64) {
        let at = self.place(i.max(j), i.min(j));
        self.lower[at] += value;
    }

    /// Adds `weight` times the square of a sum of unknowns.
    fn square(&mut self, terms: &[(usize, f64)], weight: f64) {
        for (k, &(a, wa)) in terms.iter().enumerate() {
            for &(b, wb) in &terms[..=k] {
                self.add(a, b, weight * wa * wb);
            }
        }
    }

    /// Cholesky, then both substitutions in place; false where the matrix is not positive.
    fn solve(mut self, right: &mut [[f64; 2]]) -> bool {
        let (n, width) = (self.n, self.width);
        for i in 0..n {
            let first = i.saturating_sub(width);
            for j in first..=i {
                let from = first.max(j.saturating_sub(width));
                let (a, b) = (self.place(i, from), self.place(j, from));
                let dot = dot(&self.lower[a..a + j - from], &self.lower[b..b + j - from]);
                let at = self.place(i, j);
                let rest = self.lower[at] - dot;
                if i > j {
                    self.lower[at] = rest / self.lower[self.place(j, j)];
                } else if rest > 0.0 {
                    self.lower[at] = rest.sqrt();
                } else {
                    return false;
                }
            }
        }
        for i in 0..n {
            for j in i.saturating_sub(width)..i {
                let l = self.lower[self.place(i, j)];
                (0..2).for_each(|k| right[i][k] -= l * right[j][k]);
            }
            (0..2).for_each(|k| right[i][k] /= self.lower[self.place(i, i)]);
        }
        for i in (0..n).rev() {
            (0..2).for_each(|k| right[i][k] /= self.lower[self.place(i, i)]);
            for j in i.saturating_sub(width)..i {
                let l = self.lower[self.place(i, j)];
                (0..2).for_each(|k| right[j][k] -= l * right[i][k]);
            }
        }
        true
    }
}

/// Σ a·b in four lanes, always in the same order.
fn dot(a: &[f64], b: &[f64]) -> f64 {
    let mut lanes = [0.0; 8];
    let (whole_a, whole_b) = (a.chunks_exact(8), b.chunks_exact(8));
    let rest: f64 = whole_a.remainder().iter().zip(whole_b.remainder()).map(|(a, b)| a * b).sum();
    for (a, b) in whole_a.zip(whole_b) {
        (0..8).for_each(|k| lanes[k] += a[k] * b[k]);
    }
    lanes.iter().sum::<f64>() + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples(value: impl Fn(f64, f64) -> [f64; 2]) -> Vec<Sample> {
        (0..11)
            .flat_map(|i| (0..8).map(move |j| (i as f64 * 192.0, j as f64 * 192.0)))
            .map(|(row_px, col_px)| Sample { row_px, col_px, weight: 1.0, value: value(row_px, col_px) })
            .collect()
    }

    #[test]
    fn a_plane_is_kept_whatever_the_penalty() {
        let plane = |r: f64, c: f64| [1.5 + 0.001 * r - 0.002 * c, -0.5 + 0.0005 * c];
        for (shape, penalty) in [((2000, 1400), 0.01), ((2000, 1400), 1000.0), ((1400, 2000), 10.0)] {
            let spline = Spline::fit(Knots::over(shape, 288.0), &samples(plane), Order::Second, penalty);
            let (is, want) = (spline.at(700.0, 900.0), plane(700.0, 900.0));
            assert!((is[0] - want[0]).abs() < 0.01 && (is[1] - want[1]).abs() < 0.01, "{is:?} {want:?}");
        }
    }

    #[test]
    fn third_differences_leave_a_quadratic_alone_and_second_ones_do_not() {
        let hill = |r: f64, c: f64| [1e-6 * r * r - 5e-7 * r * c, 2.0 - 1e-6 * c * c];
        let off = |order: Order| {
            let spline = Spline::fit(Knots::over((2000, 1400), 288.0), &samples(hill), order, 100.0);
            let (is, want) = (spline.at(700.0, 900.0), hill(700.0, 900.0));
            (is[0] - want[0]).hypot(is[1] - want[1])
        };
        assert!(off(Order::Third) < 0.01, "{}", off(Order::Third));
        assert!(off(Order::Second) > 0.1, "{}", off(Order::Second));
    }

    #[test]
    fn a_weak_penalty_follows_waves_and_a_strong_one_does_not() {
        let wave = |r: f64, c: f64| [2.0 * (r / 160.0).sin(), 2.0 * (c / 160.0).cos()];
        let off = |penalty: f64| {
            let spline =
                Spline::fit(Knots::over((2000, 1400), 288.0), &samples(wave), Order::Second, penalty);
            let places = (100..1900)
                .step_by(40)
                .flat_map(|r| (100..1300).step_by(40).map(move |c| (r as f64, c as f64)));
            let squares: Vec<f64> =
                places.map(|(r, c)| (spline.at(r, c)[0] - wave(r, c)[0]).powi(2)).collect();
            (squares.iter().sum::<f64>() / squares.len() as f64).sqrt()
        };
        assert!(off(0.003) < 0.1, "{}", off(0.003));
        assert!(off(1000.0) > 1.0, "{}", off(1000.0));
    }
}
