//! A smooth displacement through scattered ties, with a residual that no tie had a hand in.

use domain::Pixel;
use ndarray::Array2;
use serde::{Deserialize, Serialize};

use super::{Options, tie_spacing_px};

/// A matched point: the content at `(row_px, col_px)` of the shared grid lies at `+ (d_row_px, d_col_px)` in the
/// later image, in pixels of the shared grid, beyond what the georeferencing says.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tie {
    /// Row of the point.
    pub row_px: f64,
    /// Column of the point.
    pub col_px: f64,
    /// Displacement in rows.
    pub d_row_px: f64,
    /// Displacement in columns.
    pub d_col_px: f64,
    /// How clear the match is; 0 is useless.
    pub weight: f64,
    /// Distance from what the other ties predict here, pixels; NaN where they predict nothing.
    pub residual_px: f64,
}

/// Whether the images fit at a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The residual is within the limit.
    Aligned,
    /// The residual is over the limit.
    Misaligned,
    /// There is no tie near enough to tell.
    NoTies,
}

/// How well a pair was aligned, over all.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// Windows that were tried.
    pub windows: usize,
    /// Ties that matched and agree with the consensus.
    pub ties: usize,
    /// Mean displacement in rows, pixels of the shared grid.
    pub d_row_px: f64,
    /// Mean displacement in columns.
    pub d_col_px: f64,
    /// Median residual of the ties, pixels; absent where no tie could be predicted from others.
    pub residual_px: Option<f64>,
}

/// Displacement of the later image over the shared grid.
#[derive(Clone, Debug)]
pub struct Field {
    spacing_px: f64,
    d_row: Array2<f64>,
    d_col: Array2<f64>,
    residual_px: Array2<f32>,
    verdict: Array2<Verdict>,
    /// The ties that agree with the consensus.
    pub ties: Vec<Tie>,
    /// The pair as a whole.
    pub summary: Summary,
}

/// `d = c0 + c1·row + c2·col`, for rows and columns.
#[derive(Clone, Copy)]
struct Affine([f64; 3], [f64; 3]);

impl Affine {
    fn at(&self, row: f64, col: f64) -> (f64, f64) {
        let v = |c: &[f64; 3]| c[0] + c[1] * row + c[2] * col;
        (v(&self.0), v(&self.1))
    }
}

impl Field {
    /// The field through `ties` on a grid of `shape`, around the first shift of the pair (`None`: not found).
    pub fn fit(
        mut ties: Vec<Tie>,
        shape: (usize, usize),
        first: Option<(f64, f64)>,
        windows: usize,
        options: &Options,
    ) -> Self {
        let spacing_px = tie_spacing_px(shape) as f64;
        let affine = consensus(&mut ties, first);
        let nodes = (shape.0 / spacing_px as usize + 2, shape.1 / spacing_px as usize + 2);
        let local = |row: f64, col: f64, without: Option<usize>| {
            let (mut sum_r, mut sum_c, mut sum_w, mut near) = (0.0, 0.0, 0.0, 0usize);
            for (k, t) in ties.iter().enumerate() {
                let d2 = ((t.row_px - row).powi(2) + (t.col_px - col).powi(2)) / (spacing_px * spacing_px);
                if d2 > 9.0 || Some(k) == without {
                    continue;
                }
                near += 1;
                let w = t.weight * (-d2 / 2.0).exp();
                let (ar, ac) = affine.at(t.row_px, t.col_px);
                sum_r += w * (t.d_row_px - ar);
                sum_c += w * (t.d_col_px - ac);
                sum_w += w;
            }
            let (ar, ac) = affine.at(row, col);
            // The affine weighs as much as one fair tie: alone, a tie does not bend the field.
            let norm = sum_w + 0.05;
            (ar + sum_r / norm, ac + sum_c / norm, near)
        };
        let residuals: Vec<f64> = ties
            .iter()
            .enumerate()
            .map(|(k, t)| {
                let (r, c, near) = local(t.row_px, t.col_px, Some(k));
                if near < 2 { f64::NAN } else { (t.d_row_px - r).hypot(t.d_col_px - c) }
            })
            .collect();
        let (mut d_row, mut d_col) = (Array2::zeros(nodes), Array2::zeros(nodes));
        let mut residual_px = Array2::from_elem(nodes, f32::NAN);
        let mut verdict = Array2::from_elem(nodes, Verdict::NoTies);
        for i in 0..nodes.0 {
            for j in 0..nodes.1 {
                let (row, col) = (i as f64 * spacing_px, j as f64 * spacing_px);
                let (r, c, _) = local(row, col, None);
                (d_row[(i, j)], d_col[(i, j)]) = (r, c);
                let mut near: Vec<f64> = ties
                    .iter()
                    .zip(&residuals)
                    .filter(|(t, e)| {
                        e.is_finite() && (t.row_px - row).hypot(t.col_px - col) <= 3.0 * spacing_px
                    })
                    .map(|(_, &e)| e)
                    .collect();
                if let Some(m) = median(&mut near) {
                    residual_px[(i, j)] = m as f32;
                    verdict[(i, j)] =
                        if m <= options.max_residual_px { Verdict::Aligned } else { Verdict::Misaligned };
                }
            }
        }
        let mean = affine.at(shape.0 as f64 / 2.0, shape.1 as f64 / 2.0);
        let mut finite: Vec<f64> = residuals.iter().copied().filter(|e| e.is_finite()).collect();
        ties.iter_mut().zip(&residuals).for_each(|(t, &e)| t.residual_px = e);
        let summary = Summary {
            windows,
            ties: ties.len(),
            d_row_px: mean.0,
            d_col_px: mean.1,
            residual_px: median(&mut finite),
        };
        Self { spacing_px, d_row, d_col, residual_px, verdict, ties, summary }
    }

    /// Position in the shared grid at which the georeferencing of the later image must be asked for what lies
    /// at `p` in the earlier.
    pub fn displaced(&self, p: Pixel) -> Pixel {
        let (r, c) = (p.row / self.spacing_px, p.col / self.spacing_px);
        let i = (r as usize).min(self.d_row.nrows() - 2);
        let j = (c as usize).min(self.d_row.ncols() - 2);
        let (u, v) = ((r - i as f64).clamp(0.0, 1.0), (c - j as f64).clamp(0.0, 1.0));
        let mix = |a: &Array2<f64>| {
            (a[(i, j)] * (1.0 - v) + a[(i, j + 1)] * v) * (1.0 - u)
                + (a[(i + 1, j)] * (1.0 - v) + a[(i + 1, j + 1)] * v) * u
        };
        Pixel { row: p.row + mix(&self.d_row), col: p.col + mix(&self.d_col) }
    }

    /// Whether the images fit at `p`, and the residual there in pixels (NaN where unknown).
    pub fn verdict(&self, p: Pixel) -> (Verdict, f32) {
        let near = |v: f64, n: usize| ((v / self.spacing_px).round().max(0.0) as usize).min(n - 1);
        let at = (near(p.row, self.verdict.nrows()), near(p.col, self.verdict.ncols()));
        (self.verdict[at], self.residual_px[at])
    }
}

/// The affine that most ties agree with; `ties` keeps those that do (within 3 px).
///
/// Iteratively reweighted least squares with Cauchy weights from the median of the ties; a shift alone where
/// there are fewer than 12.
fn consensus(ties: &mut Vec<Tie>, first: Option<(f64, f64)>) -> Affine {
    let middle = |get: fn(&Tie) -> f64| median(&mut ties.iter().map(get).collect::<Vec<_>>());
    let start = match (middle(|t| t.d_row_px), middle(|t| t.d_col_px)) {
        (Some(r), Some(c)) => (r, c),
        _ => first.unwrap_or((0.0, 0.0)),
    };
    let mut affine = Affine([start.0, 0.0, 0.0], [start.1, 0.0, 0.0]);
    if ties.len() >= 12 {
        let n = ties.len() as f64;
        let (r0, c0) =
            (ties.iter().map(|t| t.row_px).sum::<f64>() / n, ties.iter().map(|t| t.col_px).sum::<f64>() / n);
        for _ in 0..10 {
            let mut normal = [[0.0; 3]; 3];
            let (mut rhs_r, mut rhs_c) = ([0.0; 3], [0.0; 3]);
            for t in ties.iter() {
                let (ar, ac) = affine.at(t.row_px, t.col_px);
                let e2 = (t.d_row_px - ar).powi(2) + (t.d_col_px - ac).powi(2);
                let w = t.weight / (1.0 + e2 / 0.25);
                let x = [1.0, t.row_px - r0, t.col_px - c0];
                for a in 0..3 {
                    for b in 0..3 {
                        normal[a][b] += w * x[a] * x[b];
                    }
                    rhs_r[a] += w * x[a] * t.d_row_px;
                    rhs_c[a] += w * x[a] * t.d_col_px;
                }
            }
            let (Some(r), Some(c)) = (solve3(normal, rhs_r), solve3(normal, rhs_c)) else { break };
            let shifted = |k: [f64; 3]| [k[0] - k[1] * r0 - k[2] * c0, k[1], k[2]];
            affine = Affine(shifted(r), shifted(c));
        }
    }
    ties.retain(|t| {
        let (r, c) = affine.at(t.row_px, t.col_px);
        (t.d_row_px - r).hypot(t.d_col_px - c) <= 3.0
    });
    affine
}

/// Solves a symmetric 3 × 3 system; `None` where it is singular.
fn solve3(m: [[f64; 3]; 3], b: [f64; 3]) -> Option<[f64; 3]> {
    let det3 = |m: [[f64; 3]; 3]| {
        m[0][0] * (m[1][1] * m[2][2] - m[1][2] * m[2][1]) - m[0][1] * (m[1][0] * m[2][2] - m[1][2] * m[2][0])
            + m[0][2] * (m[1][0] * m[2][1] - m[1][1] * m[2][0])
    };
    let det = det3(m);
    let size = m[0][0].abs() * m[1][1].abs() * m[2][2].abs();
    if size.is_nan() || det.abs() <= 1e-9 * size {
        return None;
    }
    Some(std::array::from_fn(|k| {
        let mut swapped = m;
        (0..3).for_each(|i| swapped[i][k] = b[i]);
        det3(swapped) / det
    }))
}

/// The middle value; `None` of none. Reorders `values`.
pub(crate) fn median(values: &mut [f64]) -> Option<f64> {
    let n = values.len();
    (n > 0).then(|| *values.select_nth_unstable_by(n / 2, f64::total_cmp).1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ties(d: impl Fn(f64, f64) -> (f64, f64)) -> Vec<Tie> {
        (0..8)
            .flat_map(|i| (0..10).map(move |j| (i as f64 * 128.0, j as f64 * 128.0)))
            .map(|(row_px, col_px)| {
                let (d_row_px, d_col_px) = d(row_px, col_px);
                Tie { row_px, col_px, d_row_px, d_col_px, weight: 0.3, residual_px: f64::NAN }
            })
            .collect()
    }

    #[test]
    fn an_affine_is_followed_and_a_wrong_tie_is_not() {
        let mut all = ties(|r, c| (1.5 + 0.001 * r, -2.0 - 0.0005 * c));
        all[37].d_row_px += 7.0;
        let f = Field::fit(all, (1000, 1200), Some((1.0, -2.0)), 80, &Options::default());
        let p = f.displaced(Pixel { row: 400.0, col: 700.0 });
        assert!((p.row - 401.9).abs() < 0.02 && (p.col - 697.65).abs() < 0.02, "{p:?}");
        assert_eq!(f.ties.len(), 79);
        assert_eq!(f.verdict(Pixel { row: 400.0, col: 700.0 }).0, Verdict::Aligned);
    }

    #[test]
    fn ties_that_disagree_are_misaligned_and_none_is_no_ties() {
        let noisy = ties(|r, c| (((r * 7.1 + c * 3.3).sin()) * 2.4, ((r * 1.7 - c * 5.9).sin()) * 2.4));
        let f = Field::fit(
            noisy,
            (1000, 1200),
            Some((0.0, 0.0)),
            80,
            &Options { max_residual_px: 0.5, ..Options::default() },
        );
        assert_eq!(f.verdict(Pixel { row: 400.0, col: 700.0 }).0, Verdict::Misaligned);
        let f = Field::fit(vec![], (1000, 1200), None, 80, &Options::default());
        assert_eq!(f.verdict(Pixel { row: 400.0, col: 700.0 }).0, Verdict::NoTies);
    }
}
