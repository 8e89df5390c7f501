//! The affine that most ties agree with, and whether so many could agree by chance.

use super::{Layout, Tie};

/// Ties within this of a model agree with it, pixels: local relief, not another place.
pub(crate) const AGREES_PX: f64 = 2.0;
/// Fewest ties from which an affine is taken; a shift alone below.
const LEAST_FOR_AFFINE: usize = 12;
/// Triples that are tried.
const TRIALS: usize = 300;
/// Largest slope of a displacement: 1 % is more than any two georeferencings differ by in scale or direction.
const MOST_SLOPE: f64 = 0.01;
/// How often the radius of agreement is halved: the fewer ties there are, the closer they must agree to be believed.
const RADII: i32 = 4;
/// Expected number of such agreements among ties of different ground.
const FALSE_ALARMS: f64 = 1e-3;

/// `d = c0 + c1·row + c2·col`, for rows and columns.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Affine([f64; 3], [f64; 3]);

impl Affine {
    pub(crate) fn shift(d_row_px: f64, d_col_px: f64) -> Self {
        Self([d_row_px, 0.0, 0.0], [d_col_px, 0.0, 0.0])
    }

    pub(crate) fn at(&self, row: f64, col: f64) -> (f64, f64) {
        let v = |c: &[f64; 3]| c[0] + c[1] * row + c[2] * col;
        (v(&self.0), v(&self.1))
    }

    /// Distance of a tie from what the model says of its place, pixels.
    pub(crate) fn off(&self, t: &Tie) -> f64 {
        let (r, c) = self.at(t.row_px, t.col_px);
        (t.d_row_px - r).hypot(t.d_col_px - c)
    }

    /// Least weighted squares through `ties`; `None` where they lie on a line, or the slope is no georeferencing's.
    fn through<'a>(ties: impl Iterator<Item = (&'a Tie, f64)> + Clone) -> Option<Self> {
        let sum = |get: fn(&Tie) -> f64| ties.clone().map(|(t, w)| w * get(t)).sum::<f64>();
        let total: f64 = ties.clone().map(|(_, w)| w).sum();
        let (r0, c0) = (sum(|t| t.row_px) / total, sum(|t| t.col_px) / total);
        let mut normal = [[0.0; 3]; 3];
        let (mut rhs_r, mut rhs_c) = ([0.0; 3], [0.0; 3]);
        for (t, w) in ties {
            let x = [1.0, t.row_px - r0, t.col_px - c0];
            for a in 0..3 {
                for b in 0..3 {
                    normal[a][b] += w * x[a] * x[b];
                }
                rhs_r[a] += w * x[a] * t.d_row_px;
                rhs_c[a] += w * x[a] * t.d_col_px;
            }
        }
        let (r, c) = (solve3(normal, rhs_r)?, solve3(normal, rhs_c)?);
        let shifted = |k: [f64; 3]| [k[0] - k[1] * r0 - k[2] * c0, k[1], k[2]];
        let slope = r[1..].iter().chain(&c[1..]).fold(0.0f64, |m, v| m.max(v.abs()));
        (slope <= MOST_SLOPE).then(|| Self(shifted(r), shifted(c)))
    }
}

/// The affine (a shift where there are few ties) that most ties lie within [`AGREES_PX`] of; `None` where as many could
/// agree by chance, were each tie anywhere within reach of the first shift.
///
/// RANSAC (Fischler & Bolles 1981) over a fixed series of triples, then least squares with Cauchy weights. The test is
/// a contrario (Moisan & Stival 2004, IJCV 57): with `k` of `n` ties in agreement and `p` the chance of one, the number
/// of models as good among ties of unrelated ground is expected to be `n·C(n, k)·p^(k−m)`, `m` ties being spent on the
/// model (one less where the first shift, from sums over coarse pixels, says the same), and the ties in agreement
/// counting by the share of their windows that is their own. As there, agreement is tried within several radii, and
/// their number multiplies what is expected.
pub(crate) fn consensus(ties: &[&Tie], first: Option<(f64, f64)>, layout: &Layout) -> Option<Affine> {
    let n = ties.len();
    let affine = n >= LEAST_FOR_AFFINE;
    let support =
        |m: &Affine| ties.iter().filter(|t| m.off(t) <= AGREES_PX).map(|t| t.weight.min(1.0)).sum::<f64>();
    let mut best = (0.0, None);
    let mut weigh = |m: Affine| {
        let s = support(&m);
        if s > best.0 {
            best = (s, Some(m));
        }
    };
    for t in ties.iter().step_by(n.div_ceil(TRIALS).max(1)) {
        weigh(Affine::shift(t.d_row_px, t.d_col_px));
    }
    if affine {
        // Knuth's linear congruence: the same triples in every run.
        let mut state = 1u64;
        let mut pick = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as usize % n
        };
        for _ in 0..TRIALS {
            let triple = [pick(), pick(), pick()];
            Affine::through(triple.iter().map(|&k| (ties[k], 1.0))).map(&mut weigh);
        }
    }
    let mut model = best.1?;
    for _ in 0..10 {
        let weight = |t: &Tie| t.weight.min(1.0) / (1.0 + (model.off(t) / 0.5).powi(2));
        let weighted = ties.iter().map(|t| (*t, weight(t)));
        let better = if affine {
            Affine::through(weighted)
        } else {
            let total: f64 = weighted.clone().map(|(_, w)| w).sum();
            let mean = |get: fn(&Tie) -> f64| weighted.clone().map(|(t, w)| w * get(t)).sum::<f64>() / total;
            Some(Affine::shift(mean(|t| t.d_row_px), mean(|t| t.d_col_px)))
        };
        let Some(better) = better else { break };
        model = better;
    }
    let agreeing = |within_px: f64| ties.iter().filter(|t| model.off(t) <= within_px).count();
    let middle = |get: fn(&Tie) -> f64| ties.iter().map(|t| get(t)).sum::<f64>() / n as f64;
    let (row, col) = model.at(middle(|t| t.row_px), middle(|t| t.col_px));
    let as_first = first.is_some_and(|(r, c)| (row - r).hypot(col - c) <= AGREES_PX);
    if n < 4 {
        // Too few to count by: every tie, and the mean of the surfaces, must say the same.
        return (agreeing(AGREES_PX) == n && as_first).then_some(model);
    }
    // What the first shift said already, on other pixels, costs no tie.
    let spent = if affine { 3.0 } else { 1.0 } - if as_first { 1.0 } else { 0.0 };
    // Ties whose windows overlap say partly the same.
    let own = (layout.spacing_px as f64 / layout.window_px as f64).min(1.0);
    let reach_px = 2.0 * layout.reach_px as f64 + 1.0;
    let expected = |halvings: i32| {
        let within_px = AGREES_PX * 0.5f64.powi(halvings);
        let k = agreeing(within_px);
        let chance = std::f64::consts::PI * within_px.powi(2) / reach_px.powi(2);
        let telling = (k as f64 * own - spent).max(0.0);
        f64::from(RADII).ln() + (n as f64).ln() + ln_choose(n, k) + telling * chance.ln()
    };
    (0..RADII).map(expected).any(|e| e < FALSE_ALARMS.ln()).then_some(model)
}

/// Logarithm of the number of ways to choose `k` of `n`.
fn ln_choose(n: usize, k: usize) -> f64 {
    (1..=k.min(n - k)).map(|i| ((n + 1 - i) as f64 / i as f64).ln()).sum()
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

#[cfg(test)]
mod tests {
    use super::*;

    const LAYOUT: Layout = Layout { spacing_px: 144, window_px: 256, decimation: 1, reach_px: 12 };

    fn tie(row_px: f64, col_px: f64, d_row_px: f64, d_col_px: f64) -> Tie {
        Tie { row_px, col_px, d_row_px, d_col_px, ..Tie::example() }
    }

    /// Numbers of −1 to 1 that look random.
    fn noise(k: usize) -> f64 {
        ((k as f64 * 12.9898).sin() * 43_758.545_3).fract()
    }

    #[test]
    fn a_third_of_wrong_ties_do_not_matter() {
        let ties: Vec<Tie> = (0..60)
            .map(|k| {
                let (r, c) = ((k / 8) as f64 * 200.0, (k % 8) as f64 * 200.0);
                if k % 3 == 0 {
                    tie(r, c, 12.0 * noise(k), 12.0 * noise(k + 500))
                } else {
                    tie(r, c, 3.0 + 0.001 * r, -2.0 - 0.002 * c)
                }
            })
            .collect();
        let model = consensus(&ties.iter().collect::<Vec<_>>(), None, &LAYOUT).unwrap();
        let (r, c) = model.at(700.0, 500.0);
        assert!((r - 3.7).abs() < 0.1 && (c + 3.0).abs() < 0.1, "{r} {c}");
    }

    #[test]
    fn ties_of_different_ground_agree_on_nothing() {
        for (n, seed) in [(5, 1), (11, 2), (14, 3), (60, 4), (400, 5)] {
            let ties: Vec<Tie> = (0..n)
                .map(|k| {
                    let s = seed * 10_000 + k;
                    let (r, c) = ((k / 20) as f64 * 200.0, (k % 20) as f64 * 200.0);
                    tie(r, c, 12.0 * noise(s), 12.0 * noise(s + 5000))
                })
                .collect();
            assert!(
                consensus(&ties.iter().collect::<Vec<_>>(), Some((0.0, 0.0)), &LAYOUT).is_none(),
                "{n} ties"
            );
        }
    }

    #[test]
    fn few_ties_are_believed_where_all_say_the_same() {
        let same = [tie(50.0, 60.0, 3.0, -1.0), tie(50.0, 260.0, 3.2, -1.1)];
        let both: Vec<&Tie> = same.iter().collect();
        assert!(consensus(&both, Some((3.0, -1.0)), &LAYOUT).is_some());
        assert!(consensus(&both, Some((-6.0, 2.0)), &LAYOUT).is_none());
        assert!(consensus(&[], Some((0.0, 0.0)), &LAYOUT).is_none());
    }
}
