//! What is measured, as `bench.json` keeps it.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::{Environment, Error, Result};

/// Version of the file: a baseline of another one is stale.
pub const FORMAT: u32 = 1;

/// Figures of one program.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Figures {
    /// [`FORMAT`].
    pub format: u32,
    /// What was measured on: scenes and kernels.
    pub suite: String,
    /// What the figures depend on beside the code.
    pub environment: Environment,
    /// Instructions, by what was run; one sample a run.
    pub instructions: BTreeMap<String, Vec<u64>>,
    /// Most memory held at a time, KiB, by what was run; one sample a run.
    pub memory_kib: BTreeMap<String, Vec<u64>>,
    /// SHA-256 of all that was found, the same in every run; several where runs differ.
    pub output_sha256: Vec<String>,
    /// Each detection figure by scene.
    pub detection: BTreeMap<String, BTreeMap<String, f64>>,
}

impl Figures {
    /// Figures from a file.
    ///
    /// # Errors
    /// [`Error::File`] and [`Error::Stale`], also where the file is of another format.
    pub fn read(path: &Path) -> Result<Self> {
        let bytes = std::fs::read(path).map_err(|source| Error::File { path: path.into(), source })?;
        serde_json::from_slice(&bytes).map_err(|e| Error::Stale { why: format!("{}: {e}", path.display()) })
    }

    /// Writes the figures to a file.
    ///
    /// # Errors
    /// [`Error::File`], [`Error::Format`].
    pub fn write(&self, path: &Path) -> Result<()> {
        let format = |source| Error::Format { path: path.into(), source };
        let mut text = serde_json::to_string_pretty(self).map_err(format)?;
        text.push('\n');
        std::fs::write(path, text).map_err(|source| Error::File { path: path.into(), source })
    }
}
