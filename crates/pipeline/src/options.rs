//! How to run a survey.

use std::path::{Path, PathBuf};

use ingest::{CaptureEntry, PairRule, Search};
use report::{FrontOptions, SystemOptions};
use serde::{Deserialize, Serialize};

use crate::{ContextFile, Error, Format, GateLimits, MeasureOptions, Result};

/// Everything that a survey needs to know.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SurveyOptions {
    /// Folder of dated images, or the address of one.
    #[serde(serialize_with = "without_secrets")]
    pub folder: PathBuf,
    /// The front line that leads: a file, or a folder of dated files.
    pub front: PathBuf,
    /// Other fronts, by other sources, whose distances are given beside.
    pub other_fronts: Vec<PathBuf>,
    /// What a person says of the images, and which to compare.
    pub images: ImageOptions,
    /// Where the results go.
    pub out: PathBuf,
    /// How to read the front line.
    pub front_options: FrontOptions,
    /// What else to measure from: roads, railways, settlements, water.
    pub context: Vec<ContextFile>,
    /// What belongs together.
    pub systems: SystemOptions,
    /// Which documents to write beside those that are always written.
    pub formats: Vec<Format>,
    /// How to compare.
    pub diff: diff::Options,
    /// The judge, a file of scripts/train; `None` takes the built-in one.
    pub model: Option<PathBuf>,
    /// Pictures of what was found.
    pub chips: ChipOptions,
    /// Computing threads; 0 takes one for each processor.
    pub threads: usize,
    /// GDAL's block cache, megabytes. Default 64: brightness is decoded once and kept in a file, so the cache need
    /// only hold the blocks that one tile shares with the next (a file in strips of 17,408 px: 27 MB).
    pub cache_mb: usize,
    /// Replace what an earlier run wrote.
    pub overwrite: bool,
    /// Go on with an interrupted run.
    pub resume: bool,
}

impl SurveyOptions {
    /// The defaults for three paths.
    pub fn new(folder: impl Into<PathBuf>, front: impl Into<PathBuf>, out: impl Into<PathBuf>) -> Self {
        Self {
            folder: folder.into(),
            front: front.into(),
            out: out.into(),
            images: ImageOptions::default(),
            other_fronts: Vec::new(),
            front_options: FrontOptions::default(),
            context: Vec::new(),
            systems: SystemOptions::default(),
            formats: Format::ALL.to_vec(),
            diff: diff::Options::default(),
            model: None,
            chips: ChipOptions::default(),
            threads: 0,
            cache_mb: 64,
            overwrite: false,
            resume: false,
        }
    }

    /// Checks the numbers.
    ///
    /// # Errors
    /// [`Error::Option`], [`Error::Compare`] and [`Error::Report`] for the first that is out of its range.
    pub fn validate(&self) -> Result<()> {
        check_resources(self.cache_mb, self.threads)?;
        self.images.gate.validate()?;
        self.measure().validate()?;
        Ok(self.diff.validate()?)
    }

    /// The part that says what to measure from.
    pub(crate) fn measure(&self) -> MeasureOptions {
        MeasureOptions {
            fronts: std::iter::once(&self.front).chain(&self.other_fronts).cloned().collect(),
            front_options: self.front_options.clone(),
            context: self.context.clone(),
            systems: self.systems,
        }
    }
}

/// What a person says of the images, and which to compare.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ImageOptions {
    /// Reference system of images that have none: `EPSG:32636`, WKT or a PROJ string.
    pub crs: Option<String>,
    /// Facts of images, which go before those of their metadata.
    pub capture: Vec<CaptureEntry>,
    /// Which images to compare with which.
    pub pairs: PairRule,
    /// Which of these a survey refuses by their metadata.
    pub gate: GateLimits,
    /// Folder in which to remember what image files say; `None` remembers nothing.
    #[serde(skip)]
    pub cache: Option<PathBuf>,
    /// What to ask of a STAC API, in the place of a folder.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "search_without_secrets")]
    pub stac: Option<Search>,
    /// Folder in which images at addresses are kept; `None` keeps them in a temporary folder.
    #[serde(skip)]
    pub kept: Option<PathBuf>,
    /// Bytes of them to keep at most.
    #[serde(skip)]
    pub kept_bytes: u64,
}

impl ImageOptions {
    /// Bytes of images at addresses that are kept by default: a hundred ARD tiles.
    pub const KEPT_BYTES: u64 = 40 << 30;
}

impl Default for ImageOptions {
    fn default() -> Self {
        Self {
            crs: None,
            capture: Vec::new(),
            pairs: PairRule::default(),
            gate: GateLimits::default(),
            cache: None,
            stac: None,
            kept: None,
            kept_bytes: Self::KEPT_BYTES,
        }
    }
}

/// A folder or address as it may be shown.
fn without_secrets<S: serde::Serializer>(folder: &Path, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(&ingest::shown_address(&folder.to_string_lossy()))
}

fn search_without_secrets<S: serde::Serializer>(search: &Option<Search>, to: S) -> Result<S::Ok, S::Error> {
    search.as_ref().map(|s| Search { api: ingest::shown_address(&s.api), ..s.clone() }).serialize(to)
}

/// Checks what a run may take of the machine.
///
/// # Errors
/// [`Error::Option`] for the first that is out of its range.
pub(crate) fn check_resources(cache_mb: usize, threads: usize) -> Result<()> {
    if !(1..=65_536).contains(&cache_mb) {
        return Err(Error::Option { name: "cache_mb", value: cache_mb as f64, expected: "1 to 65536" });
    }
    if threads > 1024 {
        return Err(Error::Option { name: "threads", value: threads as f64, expected: "0 to 1024" });
    }
    Ok(())
}

/// Pictures of what was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChipOptions {
    /// Whether to draw any.
    pub draw: bool,
    /// How many at the most, the highest confidence first.
    pub max: usize,
}

impl Default for ChipOptions {
    fn default() -> Self {
        Self { draw: true, max: 500 }
    }
}
