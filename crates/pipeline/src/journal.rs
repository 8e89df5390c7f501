//! The results of finished pairs on disk, so that an interruption loses one pair at the most.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use chrono::{DateTime, Utc};
use diff::net::Model;
use domain::{BandRole, Capture, Grid, Mask, Pair};
use report::OutputDir;
use serde::{Deserialize, Serialize};

use crate::{PairResult, Result, VERSION, identify};

/// Folder of the journal below the output folder.
pub(crate) const FOLDER: &str = report::output::UNFINISHED;

/// What a result depends on. A result is used again only where all of it is the same.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Inputs {
    version: String,
    options: diff::Options,
    /// SHA-256 of the judge.
    model: String,
    earlier: Input,
    later: Input,
}

/// What tells one state of an image from another without reading it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Input {
    path: PathBuf,
    /// Of all its files, masks included.
    bytes: u64,
    /// Of the file that changed last.
    modified_ns: u128,
    masks: Vec<Mask>,
    roles: Vec<BandRole>,
    datetime: DateTime<Utc>,
    grid: Grid,
    /// By which shadows are judged.
    sun_azimuth_deg: Option<f64>,
}

#[derive(Serialize)]
struct EntryRef<'a> {
    inputs: &'a Inputs,
    result: &'a PairResult,
}

#[derive(Deserialize)]
struct Entry {
    inputs: Inputs,
    result: PairResult,
}

/// The journal of a run.
pub(crate) struct Journal<'a> {
    out: &'a OutputDir,
}

impl<'a> Journal<'a> {
    /// The journal in an output folder; `fresh` forgets what it holds.
    pub(crate) fn open(out: &'a OutputDir, fresh: bool) -> Result<Self> {
        let journal = Self { out };
        if fresh {
            journal.remove()?;
        }
        // Tells now, not after an hour, that nothing can be written here.
        out.write_atomic(&format!("{FOLDER}/version"), VERSION.as_bytes())?;
        Ok(journal)
    }

    /// The result of a pair from an earlier run, if images, options and program are still the same.
    ///
    /// An entry that cannot be read counts as none: the pair is computed again.
    pub(crate) fn result(&self, pair: &Pair, options: &diff::Options, model: &Model) -> Option<PairResult> {
        let bytes = fs::read(self.out.path().join(name(pair))).ok()?;
        let entry: Entry = serde_json::from_slice(&bytes).ok()?;
        (entry.inputs == Inputs::of(pair, options, model)?).then_some(entry.result)
    }

    /// Keeps the result of a pair.
    pub(crate) fn keep(
        &self,
        pair: &Pair,
        options: &diff::Options,
        model: &Model,
        result: &PairResult,
    ) -> Result<()> {
        // An image that vanished meanwhile has nothing that a later run could compare with.
        let Some(inputs) = Inputs::of(pair, options, model) else { return Ok(()) };
        let bytes = serde_json::to_vec(&EntryRef { inputs: &inputs, result })?;
        self.out.write_atomic(&name(pair), &bytes)?;
        Ok(())
    }

    /// Removes the journal.
    pub(crate) fn remove(&self) -> Result<()> {
        let path = self.out.path().join(FOLDER);
        match fs::remove_dir_all(&path) {
            Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
                Err(report::Error::Write { action: "remove", path, source }.into())
            }
            _ => Ok(()),
        }
    }
}

/// True where an output folder holds the journal of an unfinished run.
pub(crate) fn exists(out: &Path) -> bool {
    out.join(FOLDER).is_dir()
}

/// Name of a pair's entry below the output folder.
fn name(pair: &Pair) -> String {
    format!("{FOLDER}/{:016x}.json", identify::hash(pair.id().as_bytes()))
}

impl Inputs {
    fn of(pair: &Pair, options: &diff::Options, model: &Model) -> Option<Self> {
        // The size of the windows changes no result.
        let options = diff::Options { window_px: diff::Options::default().window_px, ..options.clone() };
        Some(Self {
            version: VERSION.to_owned(),
            options,
            model: model.sha256.clone(),
            earlier: Input::of(&pair.earlier)?,
            later: Input::of(&pair.later)?,
        })
    }
}

impl Input {
    fn of(capture: &Capture) -> Option<Self> {
        let (mut bytes, mut modified_ns) = (0, 0);
        for file in capture.files() {
            let found = fs::metadata(file).ok()?;
            bytes += found.len();
            modified_ns = modified_ns.max(found.modified().ok()?.duration_since(UNIX_EPOCH).ok()?.as_nanos());
        }
        Some(Self {
            path: fs::canonicalize(&capture.path).ok()?,
            bytes,
            modified_ns,
            masks: capture.masks.clone(),
            roles: capture.roles.clone(),
            datetime: capture.datetime,
            sun_azimuth_deg: capture.view.sun_azimuth_deg,
            grid: capture.grid.clone(),
        })
    }
}
