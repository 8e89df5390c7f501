//! A trained network: its weights, its calibration, and where they came from.
//!
//! A model's file is a line of JSON with `format` and `sha256`, then the body that this is the SHA-256 of: a line of JSON
//! with `name` and `calibration`, then numbers as little-endian 32-bit floats, those of the [`Network`] before those of the
//! [`Proposer`].

use std::sync::{Arc, OnceLock};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{Network, Proposer};

/// Version of the layout of a model's file and of the network. A file of another version is refused.
pub const FORMAT: u32 = 8;
/// Largest file that is looked at, bytes.
pub const MOST_BYTES: usize = 64 << 20;
/// The model that comes with the program.
static BUILT_IN: &[u8] = include_bytes!("../../../../models/works/model.bin");

/// Figures of a line that the confidence in it rests on.
pub const FIGURES: usize = 3;

/// A logistic model.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Logistic {
    /// Log-odds where all figures are 0.
    pub bias: f64,
    /// For each of [`crate::classify::figures`].
    pub weights: [f64; FIGURES],
}

/// From what the network says along a line to the confidence in it (Platt 1999), for each class.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Calibration {
    /// Of trenches.
    pub trench: Logistic,
    /// Of anti-vehicle ditches.
    pub ditch: Logistic,
}

/// A trained network.
#[derive(Clone, Debug, PartialEq)]
pub struct Model {
    /// Its name, as results give it.
    pub name: String,
    /// SHA-256 of its body, hexadecimal.
    pub sha256: String,
    /// What says where to look.
    pub proposer: Arc<Proposer>,
    /// What judges pixels.
    pub network: Arc<Network>,
    /// What judges lines.
    pub calibration: Calibration,
}

/// Why a model cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// Not a model.
    #[error("it is not a model: {reason}; train one with scripts/train")]
    NotAModel {
        /// What is wrong with it.
        reason: String,
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
    /// Numbers that the networks do not have.
    #[error(
        "it has {found} numbers, and this program's networks {expected} of at most a billion, the largest values of channels \
         above 0; train it again with scripts/train"
    )]
    Weights {
        /// Of the file.
        found: usize,
        /// Of this program.
        expected: usize,
    },
}

#[derive(Deserialize)]
struct Head {
    format: u32,
    sha256: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    name: String,
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
        let (head, body) = line(bytes)?;
        let head: Head = parsed(head)?;
        if head.format != FORMAT {
            return Err(ModelError::Format { found: head.format, expected: FORMAT });
        }
        if format!("{:x}", Sha256::digest(body)) != head.sha256 {
            return Err(ModelError::Hash { given: head.sha256 });
        }
        let (text, weights) = line(body)?;
        let Body { name, calibration } = parsed(text)?;
        let (whole, rest) = weights.as_chunks::<4>();
        if !rest.is_empty() {
            return Err(ModelError::NotAModel { reason: "its last number is cut short".into() });
        }
        let numbers: Vec<f32> = whole.iter().map(|b| f32::from_le_bytes(*b)).collect();
        let expected = Network::len() + Proposer::len();
        let parts = numbers.split_at_checked(Network::len());
        let both =
            parts.and_then(|(judges, proposes)| Some((Network::new(judges)?, Proposer::new(proposes)?)));
        let (network, proposer) = both.ok_or(ModelError::Weights { found: numbers.len(), expected })?;
        let (network, proposer) = (Arc::new(network), Arc::new(proposer));
        Ok(Self { name, sha256: head.sha256, network, proposer, calibration })
    }

    /// The model that comes with the program.
    ///
    /// # Errors
    /// [`ModelError`] of a program that was built with a model of another network: a fault of its build.
    pub fn built_in() -> Result<Self, ModelError> {
        static PARSED: OnceLock<Model> = OnceLock::new();
        if let Some(model) = PARSED.get() {
            return Ok(model.clone());
        }
        let model = Self::parse(BUILT_IN)?;
        Ok(PARSED.get_or_init(|| model).clone())
    }
}

/// The first line, and what follows it.
fn line(bytes: &[u8]) -> Result<(&[u8], &[u8]), ModelError> {
    let end = bytes.iter().position(|b| *b == b'\n');
    let end = end.ok_or_else(|| ModelError::NotAModel { reason: "it has no first line".into() })?;
    Ok((&bytes[..end], &bytes[end + 1..]))
}

fn parsed<'a, T: Deserialize<'a>>(text: &'a [u8]) -> Result<T, ModelError> {
    serde_json::from_slice(text).map_err(|e| ModelError::NotAModel { reason: e.to_string() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(format: u32, body: &[u8]) -> Vec<u8> {
        let head = format!("{{\"format\":{format},\"sha256\":\"{:x}\"}}\n", Sha256::digest(body));
        [head.as_bytes(), body].concat()
    }

    fn body(weights: &[f32]) -> Vec<u8> {
        let mut bytes = br#"{"name":"x","calibration":{"trench":{"bias":0,"weights":[1,0,0]},"ditch":{"bias":0,"weights":[1,0,0]}}}"#.to_vec();
        bytes.push(b'\n');
        bytes.extend(weights.iter().flat_map(|w| w.to_le_bytes()));
        bytes
    }

    #[test]
    fn the_built_in_model_can_be_used() {
        let model = Model::built_in().unwrap();
        assert!(model.sha256.len() == 64 && !model.name.is_empty());
    }

    #[test]
    fn what_cannot_be_used_is_refused_by_its_cause() {
        let good = body(&vec![0.5; Network::len() + Proposer::len()]);
        assert_eq!(Model::parse(&file(FORMAT, &good)).unwrap().name, "x");
        let fails = |bytes: &[u8]| Model::parse(bytes).unwrap_err();
        assert!(matches!(fails(b"{}"), ModelError::NotAModel { .. }));
        assert!(matches!(fails(b"{}\n"), ModelError::NotAModel { .. }));
        assert!(matches!(fails(&file(1, &good)), ModelError::Format { found: 1, .. }));
        let mut edited = file(FORMAT, &good);
        *edited.last_mut().unwrap() ^= 1;
        assert!(matches!(fails(&edited), ModelError::Hash { .. }));
        assert!(matches!(fails(&file(FORMAT, &body(&[0.5; 9]))), ModelError::Weights { found: 9, .. }));
        let endless = body(&vec![f32::NAN; Network::len() + Proposer::len()]);
        assert!(matches!(fails(&file(FORMAT, &endless)), ModelError::Weights { .. }));
        // The last number of either network is the largest value of a channel.
        let both = Network::len() + Proposer::len();
        for (count, value) in [(both, 0.0), (Network::len(), -1.0), (Network::len(), 1e30)] {
            let mut numbers = vec![0.5; both];
            numbers[count - 1] = value;
            assert!(matches!(fails(&file(FORMAT, &body(&numbers))), ModelError::Weights { .. }), "{value}");
        }
    }
}
