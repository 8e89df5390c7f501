//! A smooth displacement through scattered ties, with a residual that no tie had a hand in.

use domain::Pixel;
use ndarray::Array2;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::consensus::{AGREES_PX, Affine, consensus};
use super::spline::{Knots, Order, Sample, Spline};
use super::tie::Attempts;
use super::{Layout, Options, Role, Tie};

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
    /// Windows that matched.
    pub matched: usize,
    /// Those that the field goes by.
    pub ties: usize,
    /// Those that were kept out of the fit to measure its error.
    pub held_out: usize,
    /// Whether the ties agree on a place at all. Where not, the later image stays where its georeferencing puts it, and
    /// nothing is taken to fit.
    pub consensus: bool,
    /// Mean displacement in rows, pixels of the shared grid.
    pub d_row_px: f64,
    /// Mean displacement in columns.
    pub d_col_px: f64,
    /// Median distance of the field from the held-out ties, pixels; absent where there are none.
    pub residual_px: Option<f64>,
    /// 90 % of the held-out ties lie within it, pixels.
    pub residual_90_px: Option<f64>,
}

/// Displacement of the later image over the shared grid.
#[derive(Clone, Debug)]
pub struct Field {
    d_row: Array2<f64>,
    d_col: Array2<f64>,
    cells: Array2<(Verdict, f32)>,
    /// What the consensus said; `None` of none.
    affine: Option<Affine>,
    /// All that matched.
    pub ties: Vec<Tie>,
    /// The pair as a whole.
    pub summary: Summary,
}

/// Nodes of the field, pixels: bilinear between them.
const NODE_PX: usize = 32;
/// Side of a cell that has a verdict, pixels.
pub const CELL_PX: usize = 128;
/// Weights on the bending of the field, the stiffest first; stiffer still is the affine.
const PENALTIES: [f64; 6] = [30.0, 3.0, 0.3, 0.03, 0.003, 0.0003];
/// Fewest ties that may bend a field.
const LEAST_TO_BEND: usize = 8;
/// Share of the ties around a cell, by weight, that must be within its residual, where the affine says all. With NAIP's years
/// more would refuse cells for the ties' own noise.
const SURE: f64 = 0.75;
/// The same where the field bends. A step of 3 px, which no smooth field can follow, goes undetected in 4 of 39 cells that are
/// off by more than a pixel where it is 0.75, and in none where it is 0.85.
const SURE_BENT: f64 = 0.85;
/// What a spline may add to the affine before the field counts as bent, pixels: less is the ties' own noise.
const BENT_PX: f64 = 0.1;
/// Where the field bends, the ties around a cell lie on all its sides: their middle may lie so far from it, in windows, at a limit
/// of [`LIMIT_PX`], and farther as that is higher. Beyond the last ties a spline goes on straight, and the ground need not.
const ONE_SIDED: f64 = 0.65;
/// See [`ONE_SIDED`], pixels.
const LIMIT_PX: f64 = 0.5;
/// Where the field bends, a cell has at least this share of the support that the median cell has, which is the sum of the weights
/// of the ties around: where less is left, a poor tie beside a cell would speak for it alone. The weights are precisions, so
/// that at limits above [`LIMIT_PX`] it falls with their square.
const SUPPORT: f64 = 0.08;
/// Ties support a cell by a Gaussian of their distance, of this share of how far from a tie a cell may lie.
const SUPPORT_REACH: f64 = 0.6;
/// Farthest tie from which a cell without any is told of, in windows.
const FARTHEST: f64 = 2.5;
/// Least number of pairs of ties by which it is told how much the displacement changes over a distance.
const LEAST_PAIRS: usize = 20;
/// A spline that goes on past its ties may be off by more than those differ by.
const PAST_TIES: f64 = 2.0;
/// Standard errors within which one stiffness is as good as another.
const CLOSE: f64 = 0.5;
/// Steepest relief, as a change of displacement over a distance.
const STEEP: f64 = 0.01;
/// Root mean square distance of the ties from the affine below which nothing is gained by bending, pixels.
const TRIFLE_PX: f64 = 0.02;
/// Scale of the loss by which the stiffness is chosen, pixels: the error that we care to tell from a smaller one.
const LOSS_PX: f64 = 0.3;

impl Field {
    /// The field through the ties of what was `tried` on a grid of `shape`, around the first shift of the pair (`None`: not
    /// found).
    ///
    /// The affine of the consensus, and on it a spline as stiff as the ties allow: each of four parts of them is
    /// predicted from the other three, and the stiffest spline is taken whose predictions are, within half a standard
    /// error, as good as any (Breiman et al. 1984, §3.4.3); whether second or third differences are penalised is told by the same
    /// predictions. Ties weigh by their own error and, by their distance from
    /// such predictions, as Cauchy's.
    pub(crate) fn fit(
        mut tried: Attempts,
        shape: (usize, usize),
        layout: &Layout,
        first: Option<(f64, f64)>,
        options: &Options,
    ) -> Self {
        let ties = &mut tried.ties;
        let candidates: Vec<&Tie> = ties.iter().filter(|t| t.role == Role::Fit).collect();
        // So few that none can be spared.
        let all: Vec<&Tie> = ties.iter().collect();
        let model = if candidates.len() < 4 {
            consensus(&all, first, layout)
        } else {
            consensus(&candidates, first, layout)
        };
        if candidates.len() < 4 {
            ties.iter_mut().for_each(|t| t.role = Role::Fit);
        }
        let Some(affine) = model else {
            ties.iter_mut().for_each(|t| t.role = Role::Rejected);
            return Self::without_consensus(tried, shape);
        };
        reject(ties, |t| affine.off(t), layout);
        Self::on(affine, tried, shape, layout, first, options)
    }

    /// The field through ties that were measured through this one, which says where they may be.
    pub(crate) fn again(
        &self,
        mut tried: Attempts,
        shape: (usize, usize),
        layout: &Layout,
        options: &Options,
    ) -> Self {
        let Some(affine) = self.affine else { return Self::without_consensus(tried, shape) };
        let off = |t: &Tie| {
            let p = self.displaced(Pixel { row: t.row_px, col: t.col_px });
            (p.row - t.row_px - t.d_row_px).hypot(p.col - t.col_px - t.d_col_px)
        };
        reject(&mut tried.ties, off, layout);
        Self::on(affine, tried, shape, layout, None, options)
    }

    /// The spline on an affine, and the verdicts.
    fn on(
        affine: Affine,
        Attempts { windows, mut ties, changed_px }: Attempts,
        shape: (usize, usize),
        layout: &Layout,
        first: Option<(f64, f64)>,
        options: &Options,
    ) -> Self {
        let matched = ties.len();
        let spline = bend(&mut ties, shape, &affine, layout);
        if ties.len() < 4 {
            // Nothing predicts a lone tie but the mean of the surfaces.
            let (r, c) = first.unwrap_or((f64::NAN, f64::NAN));
            ties.iter_mut().for_each(|t| t.residual_px = (t.d_row_px - r).hypot(t.d_col_px - c));
        }
        let nodes = (shape.0 / NODE_PX + 2, shape.1 / NODE_PX + 2);
        let [mut d_row, mut d_col] = spline.lattice(nodes, NODE_PX as f64);
        let bent = d_row.iter().zip(&d_col).any(|(r, c)| r.hypot(*c) > BENT_PX);
        for ((i, j), d) in d_row.indexed_iter_mut() {
            let (r, c) = affine.at((i * NODE_PX) as f64, (j * NODE_PX) as f64);
            *d += r;
            d_col[(i, j)] += c;
        }
        let ground = Ground { ties: &ties, changed_px: &changed_px, affine, layout, bent };
        let cells = ground.cells(shape, options.max_residual_px);
        let mean = |a: &Array2<f64>| a.mean().unwrap_or_default();
        let mut held: Vec<f64> = ties
            .iter()
            .filter(|t| t.role == Role::HeldOut)
            .map(|t| t.residual_px)
            .filter(|e| e.is_finite())
            .collect();
        if held.is_empty() {
            held = ties.iter().map(|t| t.residual_px).filter(|e| e.is_finite()).collect();
        }
        let count = |role: Role| ties.iter().filter(|t| t.role == role).count();
        let summary = Summary {
            windows,
            matched,
            ties: count(Role::Fit),
            held_out: count(Role::HeldOut),
            consensus: true,
            d_row_px: mean(&d_row),
            d_col_px: mean(&d_col),
            residual_px: quantile(&mut held, 0.5),
            residual_90_px: quantile(&mut held, 0.9),
        };
        Self { d_row, d_col, cells, affine: Some(affine), ties, summary }
    }

    /// The later image as its georeferencing has it, and nothing taken to fit.
    fn without_consensus(Attempts { windows, ties, .. }: Attempts, shape: (usize, usize)) -> Self {
        let summary = Summary {
            windows,
            matched: ties.len(),
            ties: 0,
            held_out: 0,
            consensus: false,
            d_row_px: 0.0,
            d_col_px: 0.0,
            residual_px: None,
            residual_90_px: None,
        };
        let still = Array2::zeros((2, 2));
        let cells = Array2::from_elem(cell_shape(shape), (Verdict::NoTies, f32::NAN));
        Self { d_row: still.clone(), d_col: still, cells, affine: None, ties, summary }
    }

    /// Position in the shared grid at which the georeferencing of the later image must be asked for what lies
    /// at `p` in the earlier.
    pub fn displaced(&self, p: Pixel) -> Pixel {
        let (r, c) = (p.row / NODE_PX as f64, p.col / NODE_PX as f64);
        let i = (r.max(0.0) as usize).min(self.d_row.nrows() - 2);
        let j = (c.max(0.0) as usize).min(self.d_row.ncols() - 2);
        let (u, v) = ((r - i as f64).clamp(0.0, 1.0), (c - j as f64).clamp(0.0, 1.0));
        let mix = |a: &Array2<f64>| {
            (a[(i, j)] * (1.0 - v) + a[(i, j + 1)] * v) * (1.0 - u)
                + (a[(i + 1, j)] * (1.0 - v) + a[(i + 1, j + 1)] * v) * u
        };
        Pixel { row: p.row + mix(&self.d_row), col: p.col + mix(&self.d_col) }
    }

    /// Largest difference of the displacements of two nodes that lie half a window of `window_px` apart, pixels.
    pub(crate) fn varies_px(&self, window_px: usize) -> f64 {
        let step = (window_px / 2 / NODE_PX).max(1);
        let (rows, cols) = self.d_row.dim();
        let mut most = 0.0f64;
        for i in 0..rows {
            for j in 0..cols {
                for there in [(i + step, j), (i, j + step)] {
                    if there.0 < rows && there.1 < cols {
                        let (dr, dc) =
                            (self.d_row[there] - self.d_row[(i, j)], self.d_col[there] - self.d_col[(i, j)]);
                        most = most.max(dr.hypot(dc));
                    }
                }
            }
        }
        most
    }

    /// Whether the images fit at `p`, and the residual there in pixels (NaN where unknown).
    pub fn verdict(&self, p: Pixel) -> (Verdict, f32) {
        let cell = |v: f64, n: usize| ((v.max(0.0) / CELL_PX as f64) as usize).min(n - 1);
        self.cells[(cell(p.row, self.cells.nrows()), cell(p.col, self.cells.ncols()))]
    }

    /// Verdict and residual of every cell of [`CELL_PX`], `(rows, cols)`.
    pub fn cells(&self) -> &Array2<(Verdict, f32)> {
        &self.cells
    }
}

/// Takes ties out that agree neither with the affine nor with half of their neighbours: relief displaces neighbours alike.
fn reject(ties: &mut [Tie], off: impl Fn(&Tie) -> f64, layout: &Layout) {
    let near = 1.6 * layout.spacing_px as f64;
    let at = buckets(ties, near);
    let lonely: Vec<usize> = (0..ties.len())
        .filter(|&k| {
            let t = &ties[k];
            if t.role != Role::Fit || off(t) <= AGREES_PX {
                return false;
            }
            let (mut all, mut alike) = (0, 0);
            for n in at.around(t.row_px, t.col_px).map(|n| &ties[n]) {
                let apart = (n.row_px - t.row_px).hypot(n.col_px - t.col_px);
                if n.role == Role::Fit && apart > 0.0 && apart <= near {
                    all += 1;
                    let most = AGREES_PX + STEEP * apart;
                    alike += usize::from((n.d_row_px - t.d_row_px).hypot(n.d_col_px - t.d_col_px) <= most);
                }
            }
            alike < 2 || alike * 2 < all
        })
        .collect();
    lonely.into_iter().for_each(|k| ties[k].role = Role::Rejected);
}

/// The spline on the affine; every tie gets its residual.
fn bend(ties: &mut [Tie], shape: (usize, usize), affine: &Affine, layout: &Layout) -> Spline {
    let knots = Knots::over(shape, 1.5 * layout.spacing_px as f64);
    let rest = |t: &Tie| {
        let (r, c) = affine.at(t.row_px, t.col_px);
        [t.d_row_px - r, t.d_col_px - c]
    };
    let fit: Vec<usize> = (0..ties.len()).filter(|&k| ties[k].role == Role::Fit).collect();
    let parts: Vec<usize> = fit.iter().map(|&k| ties[k].part).collect();
    // Penalties are told for ties that weigh 1.
    let mut weights: Vec<f64> = fit.iter().map(|&k| ties[k].weight).collect();
    let unit = quantile(&mut weights, 0.5).unwrap_or(1.0);
    let samples = |off: &[f64], without: Option<usize>| -> Vec<Sample> {
        let mut sizes = off.to_vec();
        let scale = 3.0 * 1.48 * quantile(&mut sizes, 0.5).unwrap_or(1.0).clamp(0.05, 1.0);
        let kept = fit.iter().zip(off).zip(&parts).filter(|(_, p)| Some(**p) != without);
        kept.map(|((&k, off), _)| Sample {
            row_px: ties[k].row_px,
            col_px: ties[k].col_px,
            weight: ties[k].weight / unit / (1.0 + (off / scale).powi(2)),
            value: rest(&ties[k]),
        })
        .collect()
    };
    let off = |spline: &Spline, t: &Tie| {
        let (is, [r, c]) = (spline.at(t.row_px, t.col_px), rest(t));
        (is[0] - r).hypot(is[1] - c)
    };
    let flat = Spline::zero(knots);
    let of_plane: Vec<f64> = fit.iter().map(|&k| off(&flat, &ties[k])).collect();
    let loss = |off: &[f64]| -> Vec<f64> {
        off.iter()
            .zip(&fit)
            .map(|(e, &k)| ties[k].weight / unit * (1.0 + (e / LOSS_PX).powi(2)).ln())
            .collect()
    };
    let plane = Trial { bending: None, losses: loss(&of_plane), residuals: of_plane };
    let stiffest = |order: Order| {
        let mut tried = vec![plane.clone()];
        for penalty in PENALTIES {
            let mut residuals = tried[tried.len() - 1].residuals.clone();
            for _ in 0..2 {
                let without = |p| Spline::fit(knots, &samples(&residuals, Some(p + 1)), order, penalty);
                let splines: Vec<Spline> = (0..4usize).into_par_iter().map(without).collect();
                residuals =
                    fit.iter().zip(&parts).map(|(&k, &p)| off(&splines[(p + 3) % 4], &ties[k])).collect();
            }
            tried.push(Trial { bending: Some((order, penalty)), losses: loss(&residuals), residuals });
            // Once a spline is of use, what is too soft already is no better softer. Before, one may be so stiff that it follows nothing.
            let bends = tried[1..].iter().any(|t| t.loss() < plane.loss());
            let [.., best, worse, worst] = tried.as_slice() else { continue };
            if bends && best.loss() < worse.loss() && worse.loss() < worst.loss() {
                break;
            }
        }
        Trial::stiffest(tried)
    };
    let mut chosen = plane.clone();
    let trifle = fit.len() as f64 * (TRIFLE_PX / LOSS_PX).powi(2);
    if fit.len() >= LEAST_TO_BEND && plane.loss() > trifle {
        let (least, second) = stiffest(Order::Second);
        chosen = second;
        if chosen.bending.is_some() {
            let (less, third) = stiffest(Order::Third);
            if less < least && third.bending.is_some() {
                chosen = third;
            }
        }
    }
    let residuals = &chosen.residuals;
    let spline = match chosen.bending {
        Some((order, penalty)) => Spline::fit(knots, &samples(residuals, None), order, penalty),
        None => flat,
    };
    let of_others: Vec<f64> = ties.iter().map(|t| off(&spline, t)).collect();
    ties.iter_mut().zip(of_others).for_each(|(t, e)| t.residual_px = e);
    fit.iter().zip(residuals).for_each(|(&k, &e)| ties[k].residual_px = e);
    spline
}

/// A stiffness, and how well the parts of the ties are predicted by the others with it.
#[derive(Clone)]
struct Trial {
    /// What is penalised, and how much; `None`: the affine alone.
    bending: Option<(Order, f64)>,
    /// Distances of ties from what the other parts say of them, pixels.
    residuals: Vec<f64>,
    /// Their losses.
    losses: Vec<f64>,
}

impl Trial {
    fn loss(&self) -> f64 {
        self.losses.iter().sum()
    }

    /// The least loss of `tried`, and the first whose loss is within half a standard error of it.
    fn stiffest(mut tried: Vec<Self>) -> (f64, Self) {
        let best = (0..tried.len()).min_by(|&a, &b| tried[a].loss().total_cmp(&tried[b].loss())).unwrap_or(0);
        let as_good = |trial: &Self| {
            let n = trial.losses.len() as f64;
            let more: Vec<f64> = trial.losses.iter().zip(&tried[best].losses).map(|(a, b)| a - b).collect();
            let mean = more.iter().sum::<f64>() / n;
            let variance = more.iter().map(|m| (m - mean).powi(2)).sum::<f64>() / n;
            mean <= CLOSE * (variance / n).sqrt()
        };
        let chosen = (0..=best).find(|&k| as_good(&tried[k])).unwrap_or(best);
        (tried[best].loss(), tried.swap_remove(chosen))
    }
}

fn cell_shape(shape: (usize, usize)) -> (usize, usize) {
    (shape.0.div_ceil(CELL_PX).max(1), shape.1.div_ceil(CELL_PX).max(1))
}

/// What is known of the fit.
struct Ground<'a> {
    ties: &'a [Tie],
    /// Middles of windows that show ground on both dates and did not match.
    changed_px: &'a [(f64, f64)],
    affine: Affine,
    layout: &'a Layout,
    /// Whether the field is more than the affine, by more than [`BENT_PX`].
    bent: bool,
}

impl Ground<'_> {
    /// The verdict of every cell: by the residual that three quarters of the ties around it are within (more where the field is
    /// bent), which weigh by their own error and by how near they are.
    ///
    /// Where the field is bent, a cell needs a tie the nearer the less it may be off, for ground may rise between two, and it needs
    /// ties on all sides, and ties that say together as much as they do elsewhere. Where the affine says as much as any spline would, it is believed farther from the ties.
    ///
    /// Farther still a cell is believed where both dates show ground that merely changed, and ties as far apart as it lies from the
    /// nearest differ by little, beside the affine: 90 % of such pairs.
    fn cells(&self, shape: (usize, usize), most_px: f64) -> Array2<(Verdict, f32)> {
        let (ties, layout) = (self.ties, self.layout);
        let side = layout.window_px.max(layout.spacing_px) as f64;
        // The farther from a tie, the more the ground may rise unseen: a pixel over a window is steep.
        let reach = if self.bent { most_px.clamp(0.5, 1.25) * side } else { 1.25 * side };
        let near = 2.0 * side;
        let at = buckets(ties, near);
        let drift = self.drift(side);
        let middle = |k: usize, n: usize| (k * CELL_PX + n.min((k + 1) * CELL_PX)) as f64 / 2.0;
        let support = Array2::from_shape_fn(cell_shape(shape), |(i, j)| {
            let (row, col) = (middle(i, shape.0), middle(j, shape.1));
            let trusted = at.around(row, col).map(|k| &ties[k]).filter(|t| t.role != Role::Rejected);
            let far = |t: &Tie| (t.row_px - row).hypot(t.col_px - col) / (SUPPORT_REACH * reach);
            trusted.map(|t| t.weight * (-0.5 * far(t).powi(2)).exp()).sum::<f64>()
        });
        let usual = quantile(&mut support.iter().copied().collect::<Vec<_>>(), 0.5).unwrap_or(0.0);
        let least = SUPPORT * usual * (LIMIT_PX / most_px.max(LIMIT_PX)).powi(2);
        Array2::from_shape_fn(cell_shape(shape), |(i, j)| {
            let (row, col) = (middle(i, shape.0), middle(j, shape.1));
            let apart = |t: &Tie| (t.row_px - row).hypot(t.col_px - col);
            let known = at.around(row, col).map(|k| &ties[k]).filter(|t| t.residual_px.is_finite());
            let mut within: Vec<(f64, f64)> = vec![];
            let mut nearest = f64::INFINITY;
            let (mut down, mut right, mut mass) = (0.0, 0.0, 0.0);
            for t in known.filter(|t| apart(t) <= near) {
                let far = apart(t) / (0.6 * side);
                let nearness = (-0.5 * far * far).exp();
                within.push((t.residual_px, t.weight * nearness));
                if t.role != Role::Rejected {
                    nearest = nearest.min(apart(t));
                    down += nearness * (t.row_px - row);
                    right += nearness * (t.col_px - col);
                    mass += nearness;
                }
            }
            let lopsided = ONE_SIDED * side * most_px.max(LIMIT_PX) / LIMIT_PX;
            let one_sided = self.bent && f64::hypot(down, right) > lopsided * mass;
            if nearest > reach || one_sided {
                return self.between_ties((row, col), &drift, side, most_px);
            }
            let lonely = within.len() < 2 && ties.len() > 3;
            if lonely || (self.bent && support[(i, j)] < least) {
                return (Verdict::NoTies, f32::NAN);
            }
            within.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
            let share = if self.bent { SURE_BENT } else { SURE };
            let enough = within.iter().map(|t| t.1).sum::<f64>() * share;
            let mut sum = 0.0;
            let sure = within.iter().find(|t| {
                sum += t.1;
                sum >= enough
            });
            let own = within.iter().max_by(|a, b| a.1.total_cmp(&b.1)).map_or(0.0, |t| t.0);
            let Some(&(mut e, _)) = sure else { return (Verdict::NoTies, f32::NAN) };
            // What the cell's own tie says counts where it says that the field is wrong.
            if own > 2.0 * most_px {
                e = e.max(own);
            }
            (if e <= most_px { Verdict::Aligned } else { Verdict::Misaligned }, e as f32)
        })
    }

    /// By how much ties differ beside the affine, which lie up to so many half windows apart: 90 % of the pairs by less, and
    /// infinite where there are few.
    fn drift(&self, side: f64) -> Vec<f64> {
        let bins = (2.0 * FARTHEST) as usize;
        let mut found = vec![vec![]; bins];
        let rest = |t: &Tie| {
            let (r, c) = self.affine.at(t.row_px, t.col_px);
            (t.d_row_px - r, t.d_col_px - c)
        };
        let trusted: Vec<(&Tie, (f64, f64))> =
            self.ties.iter().filter(|t| t.role != Role::Rejected).map(|t| (t, rest(t))).collect();
        // A held-out tie may be of other ground altogether: a tenth of the pairs may be so.
        let at = buckets_of(trusted.iter().map(|(t, _)| (t.row_px, t.col_px)), FARTHEST * side);
        for (k, (t, own)) in trusted.iter().enumerate() {
            for n in at.around(t.row_px, t.col_px).filter(|&n| n > k) {
                let (other, others) = &trusted[n];
                let apart = (t.row_px - other.row_px).hypot(t.col_px - other.col_px);
                if let Some(bin) = found.get_mut((2.0 * apart / side) as usize) {
                    bin.push((own.0 - others.0).hypot(own.1 - others.1));
                }
            }
        }
        let mut most = 0.0f64;
        found
            .iter_mut()
            .map(|bin| {
                if bin.len() < LEAST_PAIRS {
                    return f64::INFINITY;
                }
                // What ties nearer to each other differ by, these may too.
                most = most.max(quantile(bin, 0.9).unwrap_or(f64::INFINITY));
                most
            })
            .collect()
    }

    /// The verdict of a cell without ties about it.
    fn between_ties(&self, (row, col): (f64, f64), drift: &[f64], side: f64, most_px: f64) -> (Verdict, f32) {
        let apart = |r: f64, c: f64| (r - row).hypot(c - col);
        let half = self.layout.window_px as f64 / 2.0;
        let ground = self.changed_px.iter().any(|&(r, c)| (r - row).abs().max((c - col).abs()) <= half);
        let trusted = self.ties.iter().filter(|t| t.role != Role::Rejected);
        let nearest = trusted.map(|t| apart(t.row_px, t.col_px)).fold(f64::INFINITY, f64::min);
        let differ = drift.get((2.0 * nearest / side) as usize).copied().unwrap_or(f64::INFINITY);
        let e = if self.bent { PAST_TIES * differ } else { differ };
        if ground && e <= most_px { (Verdict::Aligned, e as f32) } else { (Verdict::NoTies, f32::NAN) }
    }
}

/// Ties by place.
struct Buckets {
    side_px: f64,
    held: Array2<Vec<usize>>,
}

fn buckets(ties: &[Tie], side_px: f64) -> Buckets {
    buckets_of(ties.iter().map(|t| (t.row_px, t.col_px)), side_px)
}

fn buckets_of(places: impl Iterator<Item = (f64, f64)> + Clone, side_px: f64) -> Buckets {
    let place = |v: f64| (v.max(0.0) / side_px) as usize;
    let (rows, cols) =
        places.clone().fold((1, 1), |(r, c), (y, x)| (r.max(place(y) + 1), c.max(place(x) + 1)));
    let mut held = Array2::from_elem((rows, cols), vec![]);
    places.enumerate().for_each(|(k, (row, col))| held[(place(row), place(col))].push(k));
    Buckets { side_px, held }
}

impl Buckets {
    /// Ties within one side of a place, and some farther ones.
    fn around(&self, row: f64, col: f64) -> impl Iterator<Item = usize> + '_ {
        let place = |v: f64| (v.max(0.0) / self.side_px) as usize;
        let (i, j) = (place(row), place(col));
        (i.saturating_sub(1)..=i + 1)
            .flat_map(move |i| (j.saturating_sub(1)..=j + 1).map(move |j| (i, j)))
            .filter_map(|at| self.held.get(at))
            .flatten()
            .copied()
    }
}

/// The value below which a share of `values` lies; `None` of none. Reorders `values`.
fn quantile(values: &mut [f64], share: f64) -> Option<f64> {
    let n = values.len();
    let at = ((n as f64 * share) as usize).min(n.saturating_sub(1));
    (n > 0).then(|| *values.select_nth_unstable_by(at, f64::total_cmp).1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHAPE: (usize, usize) = (1600, 2000);

    fn ties(d: impl Fn(f64, f64) -> (f64, f64)) -> Vec<Tie> {
        let windows = Layout::of(SHAPE).windows(SHAPE);
        windows
            .into_iter()
            .map(|(w, part)| {
                let (row_px, col_px) = ((w.row + w.rows / 2) as f64, (w.col + w.cols / 2) as f64);
                let (d_row_px, d_col_px) = d(row_px, col_px);
                let role = if part == 0 { Role::HeldOut } else { Role::Fit };
                Tie { row_px, col_px, d_row_px, d_col_px, part, role, ..Tie::example() }
            })
            .collect()
    }

    fn fit(ties: Vec<Tie>, options: &Options) -> Field {
        let tried = Attempts { windows: 80, ties, changed_px: vec![] };
        Field::fit(tried, SHAPE, &Layout::of(SHAPE), Some((0.0, 0.0)), options)
    }

    const MIDDLE: Pixel = Pixel { row: 800.0, col: 1000.0 };

    #[test]
    fn an_affine_is_followed_and_a_wrong_tie_is_not() {
        let mut all = ties(|r, c| (1.5 + 0.001 * r, -2.0 - 0.0005 * c));
        let wrong = all.iter().position(|t| t.role == Role::Fit).unwrap() + 25;
        all[wrong].d_row_px += 7.0;
        let f = fit(all, &Options::default());
        let p = f.displaced(MIDDLE);
        assert!((p.row - 802.3).abs() < 0.02 && (p.col - 997.5).abs() < 0.02, "{p:?}");
        assert_eq!(f.ties[wrong].role, Role::Rejected);
        assert_eq!(f.verdict(MIDDLE).0, Verdict::Aligned);
        assert!(f.summary.residual_px.unwrap() < 0.02);
    }

    #[test]
    fn relief_bends_the_field_and_noise_does_not() {
        let relief = |r: f64, c: f64| (2.0 * (r / 200.0).sin(), 1.5 * (c / 230.0).cos());
        let f = fit(ties(relief), &Options::default());
        let d = relief(MIDDLE.row, MIDDLE.col);
        let p = f.displaced(MIDDLE);
        assert!(
            (p.row - MIDDLE.row - d.0).abs() < 0.1 && (p.col - MIDDLE.col - d.1).abs() < 0.1,
            "{p:?} {d:?}"
        );
        let noise = |r: f64, c: f64| (0.4 * (r * 7.1 + c * 3.3).sin(), 0.4 * (r * 1.7 - c * 5.9).sin());
        let f = fit(ties(noise), &Options::default());
        let p = f.displaced(MIDDLE);
        assert!((p.row - MIDDLE.row).abs() < 0.12 && (p.col - MIDDLE.col).abs() < 0.12, "{p:?}");
    }

    #[test]
    fn short_waves_are_followed_though_a_stiff_spline_follows_nothing_of_them() {
        let noise = |r: f64, c: f64| (0.1 * (r * 7.1 + c * 3.3).sin(), 0.1 * (r * 1.7 - c * 5.9).sin());
        let waves = |r: f64, c: f64| {
            let n = noise(r, c);
            (2.0 * (r / 130.0).sin() + n.0, 2.0 * (c / 130.0).cos() + n.1)
        };
        let p = fit(ties(waves), &Options::default()).displaced(MIDDLE);
        let d = (2.0 * (MIDDLE.row / 130.0).sin(), 2.0 * (MIDDLE.col / 130.0).cos());
        let off = (p.row - MIDDLE.row - d.0).hypot(p.col - MIDDLE.col - d.1);
        assert!(off < 0.5, "{off} of {}", d.0.hypot(d.1));
    }

    #[test]
    fn smooth_relief_goes_on_where_there_are_no_ties() {
        let relief = |r: f64, c: f64| (2.0 * (r / 330.0).sin(), 1.5 * (c / 370.0).cos());
        let mut around = ties(relief);
        let middle = |t: &Tie| (t.row_px - MIDDLE.row).abs().max((t.col_px - MIDDLE.col).abs()) < 420.0;
        around.retain(|t| !middle(t));
        let p = fit(around, &Options::default()).displaced(MIDDLE);
        let d = relief(MIDDLE.row, MIDDLE.col);
        // By second differences alone: 0.28 px.
        let off = (p.row - MIDDLE.row - d.0).hypot(p.col - MIDDLE.col - d.1);
        assert!(off < 0.2, "{off}");
    }

    #[test]
    fn where_the_field_bends_poor_ties_alone_support_no_cell() {
        let relief = |r: f64, c: f64| (2.0 * (r / 330.0).sin(), 1.5 * (c / 370.0).cos());
        let corner = Pixel { row: 192.0, col: 192.0 };
        let options = Options { max_residual_px: 0.5, ..Options::default() };
        assert_eq!(fit(ties(relief), &options).verdict(corner).0, Verdict::Aligned);
        let mut poor = ties(relief);
        poor.iter_mut().filter(|t| t.row_px < 560.0 && t.col_px < 560.0).for_each(|t| t.weight = 0.01);
        let field = fit(poor, &options);
        assert_eq!(field.verdict(corner).0, Verdict::NoTies);
        assert_eq!(field.verdict(MIDDLE).0, Verdict::Aligned);
    }

    #[test]
    fn a_spline_of_the_ties_noise_is_no_bend() {
        // A twentieth of a pixel, as an image and itself have: cells at the rim, with ties on one side, are believed.
        let options = Options { max_residual_px: 0.5, ..Options::default() };
        let f = fit(ties(|r, c| (0.05 * (r / 300.0).sin(), 0.05 * (c / 300.0).cos())), &options);
        assert!(f.cells().iter().all(|c| c.0 == Verdict::Aligned));
    }

    #[test]
    fn held_out_ties_have_no_say() {
        let plain = ties(|r, _| (1.5 + 0.001 * r, -2.0));
        let mut bent = plain.clone();
        bent.iter_mut().filter(|t| t.role == Role::HeldOut).for_each(|t| t.d_col_px += 1.0);
        let (a, b) = (fit(plain, &Options::default()), fit(bent, &Options::default()));
        assert_eq!(a.d_row, b.d_row);
        assert_eq!(a.d_col, b.d_col);
        assert!((b.summary.residual_px.unwrap() - 1.0).abs() < 0.05);
    }

    #[test]
    fn ties_that_disagree_are_misaligned_and_none_is_no_ties() {
        let noisy = ties(|r, c| (((r * 7.1 + c * 3.3).sin()) * 1.7, ((r * 1.7 - c * 5.9).sin()) * 1.7));
        let f = fit(noisy, &Options { max_residual_px: 0.5, ..Options::default() });
        assert_eq!(f.verdict(MIDDLE).0, Verdict::Misaligned);
        let f = fit(vec![], &Options::default());
        assert_eq!(f.verdict(MIDDLE).0, Verdict::NoTies);
        assert!(!f.summary.consensus);
    }

    #[test]
    fn ties_of_different_ground_give_no_field() {
        let wild = ties(|r, c| ((r * 7.1 + c * 3.3).sin() * 11.0, (r * 1.7 - c * 5.9).sin() * 11.0));
        let f = fit(wild, &Options::default());
        assert!(!f.summary.consensus && f.summary.matched > 50);
        assert_eq!(f.displaced(MIDDLE), MIDDLE);
        assert!(f.cells().iter().all(|c| c.0 == Verdict::NoTies));
    }
}
