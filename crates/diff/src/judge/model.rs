//! A trained judge: its trees, its calibration, and where they came from.

use std::sync::OnceLock;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

use super::{Forest, logistic, names};

/// Version of the layout of a model's file. A file of another version is refused.
pub const FORMAT: u32 = 1;
/// Largest file that is looked at, bytes.
const MOST_BYTES: usize = 64 << 20;
/// The model that comes with the program.
static BUILT_IN: &[u8] = include_bytes!("../../../../models/strips/model.json");

/// What judges a stretch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trees {
    /// Log-odds that it is a new earthwork.
    pub earthwork: Forest,
    /// Log-odds that an earthwork is an anti-vehicle ditch.
    pub ditch: Forest,
    /// Logarithm of the width of its cut, metres.
    pub width: Forest,
}

/// From the chances of the stretches of a part to its confidence: a logistic model (Platt 1999).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Calibration {
    /// Log-odds where all that follows is 0.
    pub bias: f64,
    /// For the mean log-odds of the stretches.
    pub mean: f64,
    /// For the highest.
    pub most: f64,
    /// For the lowest.
    pub least: f64,
    /// For the logarithm of the number of stretches.
    pub length: f64,
}

impl Calibration {
    /// Confidence in a part whose stretches have these chances (0–1); 0 of none.
    pub fn confidence(&self, chances: &[f64]) -> f64 {
        if chances.is_empty() {
            return 0.0;
        }
        let odds = |p: f64| (p.clamp(1e-6, 1.0 - 1e-6) / (1.0 - p.clamp(1e-6, 1.0 - 1e-6))).ln();
        let n = chances.len() as f64;
        let mean = chances.iter().map(|&p| odds(p)).sum::<f64>() / n;
        let most = chances.iter().map(|&p| odds(p)).fold(f64::MIN, f64::max);
        let least = chances.iter().map(|&p| odds(p)).fold(f64::MAX, f64::min);
        logistic(self.bias + self.mean * mean + self.most * most + self.least * least + self.length * n.ln())
    }
}

/// A trained judge.
#[derive(Clone, Debug, PartialEq)]
pub struct Model {
    /// Its name, as results give it.
    pub name: String,
    /// SHA-256 of its body, hexadecimal.
    pub sha256: String,
    /// What judges a stretch.
    pub trees: Trees,
    /// What judges a part.
    pub calibration: Calibration,
}

/// Why a model cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// Not the text of a model.
    #[error("it is not a model: {source}; train one with scripts/train")]
    NotAModel {
        /// What is wrong with the text.
        source: serde_json::Error,
    },
    /// Too large to be one.
    #[error("it has {bytes} bytes, and a model has at most {most}")]
    TooLarge {
        /// Bytes of the file.
        bytes: usize,
        /// The limit.
        most: usize,
    },
    /// Written for another version of the program.
    #[error("its format is {found}, and this program reads {expected}; train it again with scripts/train")]
    Format {
        /// Of the file.
        found: u32,
        /// Of this program.
        expected: u32,
    },
    /// Damaged or edited.
    #[error("its body does not have the SHA-256 it gives ({given}); get it again, or train it again")]
    Hash {
        /// What the file says.
        given: String,
    },
    /// Trained on other figures of a strip.
    #[error("it was trained on other features than this program measures; train it again with scripts/train")]
    Features,
    /// A tree that cannot be asked.
    #[error("its trees are damaged: {fault}")]
    Trees {
        /// Where.
        fault: String,
    },
}

/// The file of a model.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File<'a> {
    format: u32,
    sha256: String,
    #[serde(borrow)]
    body: &'a RawValue,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    name: String,
    features: Vec<String>,
    trees: Trees,
    calibration: Calibration,
}

impl Model {
    /// The model in a file's bytes.
    ///
    /// # Errors
    /// [`ModelError`].
    pub fn parse(bytes: &[u8]) -> Result<Self, ModelError> {
        if bytes.len() > MOST_BYTES {
            return Err(ModelError::TooLarge { bytes: bytes.len(), most: MOST_BYTES });
        }
        let wrong = |source| ModelError::NotAModel { source };
        let file: File<'_> = serde_json::from_slice(bytes).map_err(wrong)?;
        if file.format != FORMAT {
            return Err(ModelError::Format { found: file.format, expected: FORMAT });
        }
        let hash = Sha256::digest(file.body.get().as_bytes());
        if format!("{hash:x}") != file.sha256 {
            return Err(ModelError::Hash { given: file.sha256 });
        }
        let body: Body = serde_json::from_str(file.body.get()).map_err(wrong)?;
        if body.features != names() {
            return Err(ModelError::Features);
        }
        let Trees { earthwork, ditch, width } = &body.trees;
        if let Some(fault) = [earthwork, ditch, width].iter().find_map(|f| f.fault(body.features.len())) {
            return Err(ModelError::Trees { fault });
        }
        Ok(Self { name: body.name, sha256: file.sha256, trees: body.trees, calibration: body.calibration })
    }

    /// The model that comes with the program.
    ///
    /// # Errors
    /// [`ModelError`] of a program that was built with a model of other features: a fault of its build.
    pub fn built_in() -> Result<Self, ModelError> {
        static PARSED: OnceLock<Model> = OnceLock::new();
        if let Some(model) = PARSED.get() {
            return Ok(model.clone());
        }
        let model = Self::parse(BUILT_IN)?;
        Ok(PARSED.get_or_init(|| model).clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(format: u32, body: &str) -> Vec<u8> {
        let hash = Sha256::digest(body.as_bytes());
        format!(r#"{{"format": {format}, "sha256": "{hash:x}", "body": {body}}}"#).into_bytes()
    }

    fn body(features: &[String], tree: &str) -> String {
        let forest = format!(r#"{{"trees": [{tree}]}}"#);
        format!(
            r#"{{"name": "x", "features": {}, "trees": {{"earthwork": {forest}, "ditch": {forest}, "width": {forest}}},
            "calibration": {{"bias": 0, "mean": 1, "most": 0, "least": 0, "length": 0}}}}"#,
            serde_json::to_string(features).unwrap()
        )
    }

    #[test]
    fn the_built_in_model_can_be_used() {
        let model = Model::built_in().unwrap();
        assert!(model.trees.earthwork.trees.len() > 10 && model.sha256.len() == 64);
    }

    #[test]
    fn what_cannot_be_used_is_refused_by_its_cause() {
        let good = body(&names(), "[[0.5]]");
        assert_eq!(Model::parse(&file(FORMAT, &good)).unwrap().name, "x");
        let fails = |bytes: &[u8]| Model::parse(bytes).unwrap_err();
        assert!(matches!(fails(b"{}"), ModelError::NotAModel { .. }));
        assert!(matches!(fails(&file(99, &good)), ModelError::Format { found: 99, .. }));
        let mut edited = String::from_utf8(file(FORMAT, &good)).unwrap();
        edited = edited.replace("[[0.5]]", "[[0.6]]");
        assert!(matches!(fails(edited.as_bytes()), ModelError::Hash { .. }));
        assert!(matches!(fails(&file(FORMAT, &body(&["a".into()], "[[0.5]]"))), ModelError::Features));
        let damaged = body(&names(), "[[0, 1.0, 0, 0]]");
        assert!(matches!(fails(&file(FORMAT, &damaged)), ModelError::Trees { .. }));
    }

    #[test]
    fn confidence_grows_with_the_chances() {
        let c = Calibration { bias: 0.0, mean: 1.0, most: 0.1, least: 0.1, length: 0.2 };
        assert!(c.confidence(&[0.9; 5]) > c.confidence(&[0.6; 5]));
        assert!(c.confidence(&[0.9; 9]) > c.confidence(&[0.9; 3]));
        assert_eq!(c.confidence(&[]), 0.0);
        assert!(c.confidence(&[1.0, 1.0]) < 1.0);
    }
}
