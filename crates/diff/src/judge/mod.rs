//! The judge of a strip: earthwork or not, which, how wide, how sure.
//!
//! A line is looked at in stretches of 4 m. Three sums of decision trees say of each how likely it is an earthwork, how
//! likely that is a ditch, and how wide it is. Where the first falls, the line is cut; what holds gets one class, one
//! width, and a confidence that is calibrated on scenes the trees were not grown on.
//!
//! | file | idea |
//! | --- | --- |
//! | `features` | what of a strip is looked at |
//! | `series`, `neighbours` | means along a line; lines around it |
//! | `forest` | sums of decision trees |
//! | `model` | trees, calibration, where they came from |

mod features;
mod forest;
mod model;
mod neighbours;
mod series;

pub(crate) use features::stretches;
pub use features::{Stretch, names};
pub use forest::{Forest, Node};
pub use model::{Calibration, FORMAT, Model, ModelError, Trees};
pub(crate) use neighbours::Neighbours;

use domain::Class;

/// Weights with which a stretch leans on its neighbours: 4 m of a trench say less than 12.
const LEAN: [f64; 5] = [1.0, 2.0, 3.0, 2.0, 1.0];

/// A part of a line that holds.
#[derive(Clone, Debug, PartialEq)]
pub struct Part {
    /// First station.
    pub from: usize,
    /// One past the last.
    pub to: usize,
    /// First stretch.
    pub first: usize,
    /// One past the last.
    pub end: usize,
    /// 0–1, calibrated.
    pub confidence: f64,
    /// What it is.
    pub class: Class,
    /// Width of the cut, metres.
    pub width_m: f64,
}

/// The parts of a line whose stretches hold at `cut` (0–1) or above, in its order.
pub fn parts(stretches: &[Stretch], model: &Model, cut: f64) -> Vec<Part> {
    let raw: Vec<f64> = stretches.iter().map(|s| logistic(model.trees.earthwork.sum(&s.features))).collect();
    let chance = leaned(&raw);
    let mut parts = vec![];
    let mut i = 0;
    while i < chance.len() {
        let first = i;
        while i < chance.len() && chance[i] >= cut {
            i += 1;
        }
        if i == first {
            i += 1;
            continue;
        }
        let (of, held) = (&chance[first..i], &stretches[first..i]);
        let n = of.len() as f64;
        let ditch = held.iter().map(|s| logistic(model.trees.ditch.sum(&s.features))).sum::<f64>() / n;
        let mut widths: Vec<f64> = held.iter().map(|s| model.trees.width.sum(&s.features)).collect();
        widths.sort_unstable_by(f64::total_cmp);
        parts.push(Part {
            from: held[0].from,
            to: held[held.len() - 1].to,
            first,
            end: i,
            confidence: model.calibration.confidence(of),
            class: if ditch > 0.5 { Class::AntiVehicleDitch } else { Class::Trench },
            width_m: widths[widths.len() / 2].clamp(-3.0, 5.0).exp(),
        });
    }
    parts
}

/// Each value with its neighbours, by [`LEAN`]; the first and last are repeated.
fn leaned(raw: &[f64]) -> Vec<f64> {
    let half = (LEAN.len() / 2) as isize;
    (0..raw.len() as isize)
        .map(|i| {
            let at = |d: isize| raw[(i + d).clamp(0, raw.len() as isize - 1) as usize];
            let sum: f64 = (-half..=half).zip(LEAN).map(|(d, w)| w * at(d)).sum();
            sum / LEAN.iter().sum::<f64>()
        })
        .collect()
}

fn logistic(odds: f64) -> f64 {
    1.0 / (1.0 + (-odds).exp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_cut_where_its_stretches_fall() {
        // One feature, which is the log-odds themselves, told in three steps.
        let forest = |text: &str| serde_json::from_str(text).unwrap();
        let model = Model {
            trees: Trees {
                earthwork: forest(r#"{"trees": [[[0, 0.0, 1, 2], [-6.0], [4.0]]]}"#),
                ditch: forest(r#"{"trees": [[[0, 1.5, 1, 2], [-2.0], [2.0]]]}"#),
                width: forest(r#"{"trees": [[[0.6931472]]]}"#),
            },
            ..Model::built_in().unwrap()
        };
        let stretch = |i: usize, v: f32| Stretch {
            from: 8 * i,
            to: 8 * i + 8,
            features: vec![v],
            contrast: (0.3, 0.0),
            continuity: 1.0,
        };
        let values = [1.0, 1.0, 1.0, 1.0, -1.0, -1.0, -1.0, -1.0, -1.0, 2.0, 2.0, 2.0, 2.0];
        let line: Vec<Stretch> = values.iter().enumerate().map(|(i, &v)| stretch(i, v)).collect();
        let found = parts(&line, &model, 0.5);
        assert_eq!(found.len(), 2, "{found:?}");
        assert_eq!((found[0].from, found[0].to, found[1].to), (0, 32, 104));
        assert_eq!((found[0].class, found[1].class), (Class::Trench, Class::AntiVehicleDitch));
        assert!((found[0].width_m - 2.0).abs() < 1e-6);
        assert!(parts(&[], &model, 0.5).is_empty());
        assert_eq!(parts(&line, &model, 0.0).len(), 1);
    }
}
