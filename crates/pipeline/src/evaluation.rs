//! Detections against truth, from files.

use std::path::{Path, PathBuf};

use evaluate::{Detection, FrocPoint, Matched, ReliabilityBin, Score, Truth};

use crate::{Error, Result};

/// What [`evaluate()`] needs to know.
#[derive(Clone, Debug, PartialEq)]
pub struct EvaluateOptions {
    /// Lines that are there, GeoJSON.
    pub truth: PathBuf,
    /// Lines that are proposed, GeoJSON.
    pub detections: PathBuf,
    /// How to score.
    pub score: evaluate::Options,
    /// Where the plots go; made if missing.
    pub plots: Option<PathBuf>,
}

/// The figures of a file of detections against a file of truth.
///
/// # Errors
/// [`Error::Unreadable`], [`Error::Unusable`], [`Error::Evaluate`]; [`Error::Report`] where plots cannot be written.
pub fn evaluate(options: &EvaluateOptions) -> Result<Score> {
    options.score.validate()?;
    let truth = read_truth(&options.truth)?;
    let path = &options.detections;
    let found = Detection::parse(&read(path, "detections")?).map_err(|e| unusable(path, "detections", e))?;
    let matched = evaluate::matched(&truth, &found, &options.score);
    let matched: Matched = matched.map_err(|e| unusable(path, "detections", e))?;
    let score = evaluate::score(&matched, &options.score);
    if let Some(folder) = &options.plots {
        write_plots(folder, &score.froc, &score.reliability, options.score.min_confidence)?;
    }
    Ok(score)
}

/// Writes the curves to a folder, which may hold other files; a curve without points is not written, and one of an
/// earlier run is removed.
pub(crate) fn write_plots(
    folder: &Path,
    froc: &[FrocPoint],
    reliability: &[ReliabilityBin],
    min_confidence: f64,
) -> Result<()> {
    let failed = |action, path: &Path| {
        let path = path.to_owned();
        move |source| Error::Report(report::Error::Write { action, path, source })
    };
    std::fs::create_dir_all(folder).map_err(failed("create", folder))?;
    let plots = [
        ("froc.svg", evaluate::froc_svg(froc, min_confidence)?),
        ("reliability.svg", evaluate::reliability_svg(reliability)?),
    ];
    for (name, svg) in plots {
        let path = folder.join(name);
        match svg {
            Some(svg) => std::fs::write(&path, svg).map_err(failed("write", &path))?,
            None if path.exists() => std::fs::remove_file(&path).map_err(failed("remove", &path))?,
            None => {}
        }
    }
    Ok(())
}

/// The truth in a file.
pub(crate) fn read_truth(path: &Path) -> Result<Truth> {
    Truth::parse(&read(path, "truth")?).map_err(|e| unusable(path, "truth", e))
}

fn read(path: &Path, what: &'static str) -> Result<Vec<u8>> {
    std::fs::read(path).map_err(|source| Error::Unreadable { path: path.to_owned(), what, source })
}

fn unusable(path: &Path, what: &'static str, source: evaluate::Error) -> Error {
    Error::Unusable { path: path.to_owned(), what, source }
}
