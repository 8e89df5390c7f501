//! The detector over a folder of scenes whose truth is known.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use diff::net::Model;
use evaluate::{Detection, Looked, Scene, Suite};
use rayon::{ThreadPool, ThreadPoolBuilder};
use report::{OutputDir, proposals_geojson};
use serde::Serialize;

use crate::detect::{DetectOptions, Detected, Place, compare_all};
use crate::error::chain;
use crate::evaluation::{read_truth, write_plots};
use crate::events::{Event, Events, Stop};
use crate::inspect::{Inspection, inspect};
use crate::model::model;
use crate::{Error, ImageOptions, Result, VERSION};

/// The file that makes a folder a scene.
pub(crate) const TRUTH: &str = "truth.geojson";
/// Files that a run writes at the top of its folder.
const OWN_FILES: [&str; 2] = ["suite.md", "suite.json"];
/// Folder of the detections below the output folder.
const SCENES: &str = "scenes";

/// What [`evaluate_suite()`] needs to know.
#[derive(Clone, Debug, PartialEq)]
pub struct SuiteOptions {
    /// Folder of scenes.
    pub folder: PathBuf,
    /// How to score.
    pub score: evaluate::Options,
    /// How to detect.
    pub detect: DetectOptions,
    /// Where the table and the detections go; `None` writes neither.
    pub out: Option<PathBuf>,
    /// Replace what an earlier run wrote there.
    pub overwrite: bool,
    /// Where the plots go.
    pub plots: Option<PathBuf>,
}

/// A table and who made it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SuiteOutcome {
    /// `fosse`.
    pub program: &'static str,
    /// Its version.
    pub version: &'static str,
    /// How it detected.
    pub diff: diff::Options,
    /// Folders that are no scenes: they hold no `truth.geojson`.
    pub without_truth: Vec<String>,
    /// The table.
    #[serde(flatten)]
    pub suite: Suite,
}

impl SuiteOutcome {
    /// The table for a person.
    pub fn markdown(&self) -> String {
        let mut text = self.suite.markdown(&format!("Made by {} {}", self.program, self.version));
        if !self.without_truth.is_empty() {
            text.push_str(&format!("\nFolders without {TRUTH}: {}.\n", self.without_truth.join(", ")));
        }
        text
    }

    /// True where a scene, or part of one, was not looked at.
    pub fn is_partial(&self) -> bool {
        let rows = self.suite.dug.iter().chain(&self.suite.quiet);
        !self.suite.failed.is_empty() || rows.into_iter().any(|r| !r.skipped.is_empty())
    }
}

/// Detects in every scene of a folder and scores what was found.
///
/// A scene is a folder with `truth.geojson` and dated images below it. One that fails is a row of the table with its
/// reason, and the others go on. What is scored is what is written: the figures are those that anyone gets from the
/// detections in the output folder. The table does not depend on threads, and holds no times.
///
/// # Errors
/// [`Error::NoScenes`], [`Error::AllScenesFailed`]; [`Error::Report`] where results cannot be written;
/// [`Error::Stopped`].
pub async fn evaluate_suite(
    options: &SuiteOptions,
    events: Arc<dyn Events>,
    stop: Stop,
) -> Result<SuiteOutcome> {
    options.score.validate()?;
    options.detect.validate()?;
    ingest::configure(options.detect.cache_mb);
    let (folders, without_truth) = scene_folders(&options.folder)?;
    // Tells now, not after an hour, that nothing can be written there.
    let out = options.out.as_deref().map(|path| prepare(path, options.overwrite)).transpose()?;
    let mut inspected = Vec::with_capacity(folders.len());
    for path in folders {
        let inspection = match inspect(&path, &ImageOptions::default()).await {
            Ok(found) => match found.objection(&path) {
                Some(objection) => Err(chain(&objection)),
                None => Ok(found),
            },
            Err(error) => Err(chain(&error)),
        };
        inspected.push(Subject { name: name(&path), path, inspection });
    }
    let usable = || inspected.iter().filter_map(|s| s.inspection.as_ref().ok());
    events.tell(Event::Catalogued {
        captures: usable().map(|i| i.captures.len()).sum(),
        pairs: usable().map(|i| i.pairs.len()).sum(),
        skipped: usable().map(|i| i.skipped.len()).sum(),
    });
    let pool = ThreadPoolBuilder::new().num_threads(options.detect.threads).build()?;
    let model = model(options.detect.model.as_deref())?;
    let run = Run { options: options.clone(), model, out, inspected, without_truth, pool, events, stop };
    tokio::task::spawn_blocking(move || run.to_end()).await?
}

/// A scene to look at, or why it cannot be.
struct Subject {
    name: String,
    path: PathBuf,
    inspection: Result<Inspection, String>,
}

struct Run {
    options: SuiteOptions,
    model: Model,
    out: Option<OutputDir>,
    inspected: Vec<Subject>,
    without_truth: Vec<String>,
    pool: ThreadPool,
    events: Arc<dyn Events>,
    stop: Stop,
}

impl Run {
    fn to_end(&self) -> Result<SuiteOutcome> {
        let pairs = |s: &Subject| s.inspection.as_ref().map_or(0, |i| i.pairs.len());
        let total = self.inspected.iter().map(pairs).sum();
        let (mut scenes, mut first) = (Vec::with_capacity(self.inspected.len()), 0);
        for (index, subject) in self.inspected.iter().enumerate() {
            let outcome = self.scene(subject, Place { first, total })?;
            first += pairs(subject);
            self.events.tell(Event::SceneDone {
                index,
                total: self.inspected.len(),
                name: &subject.name,
                failed: outcome.as_ref().err().map(String::as_str),
            });
            scenes.push(Scene { name: subject.name.clone(), outcome });
        }
        let suite = Suite::new(&scenes, &self.options.score);
        if let (true, true, Some(first)) =
            (suite.dug.is_empty(), suite.quiet.is_empty(), suite.failed.first())
        {
            let first = format!("{}: {}", first.scene, first.reason);
            return Err(Error::AllScenesFailed { first, more: scenes.len() - 1 });
        }
        let outcome = SuiteOutcome {
            program: "fosse",
            version: VERSION,
            diff: self.options.detect.diff.clone(),
            without_truth: self.without_truth.clone(),
            suite,
        };
        if let Some(out) = &self.out {
            let json = serde_json::to_string_pretty(&outcome)? + "\n";
            out.write_atomic(OWN_FILES[0], outcome.markdown().as_bytes())?;
            out.write_atomic(OWN_FILES[1], json.as_bytes())?;
        }
        if let Some(folder) = &self.options.plots {
            let suite = &outcome.suite;
            write_plots(folder, &suite.froc, &suite.reliability, suite.min_confidence)?;
        }
        Ok(outcome)
    }

    /// Looks at a scene. The outer error ends the run, the inner one only the scene.
    fn scene(&self, subject: &Subject, place: Place) -> Result<Result<Looked, String>> {
        let inspection = match &subject.inspection {
            Ok(inspection) => inspection,
            Err(reason) => return Ok(Err(reason.clone())),
        };
        let truth = match read_truth(&subject.path.join(TRUTH)) {
            Ok(truth) => truth,
            Err(error) => return Ok(Err(chain(&error))),
        };
        let diff = &self.options.detect.diff;
        let found =
            match compare_all(inspection, diff, &self.model, &self.pool, place, &*self.events, &self.stop) {
                Ok(found) => found,
                Err(error @ Error::Stopped { .. }) => return Err(error),
                Err(error) => return Ok(Err(chain(&error))),
            };
        if found.assessed_km2 <= 0.0 {
            let reason = found.skipped.last().map(|s| s.reason.clone());
            return Ok(Err(reason.unwrap_or_else(|| "none of its ground could be assessed".to_owned())));
        }
        let text = proposals_geojson(&found.earthworks);
        if let Some(out) = &self.out {
            out.write_atomic(&format!("{SCENES}/{}.geojson", subject.name), text.as_bytes())?;
        }
        let detections = Detection::parse(text.as_bytes())?;
        Ok(evaluate::matched(&truth, &detections, &self.options.score)
            .map(|matched| looked(matched, found))
            .map_err(|e| format!("{}: {}", subject.path.join(TRUTH).display(), chain(&e))))
    }
}

fn looked(matched: evaluate::Matched, found: Detected) -> Looked {
    let said = |s: crate::SkippedRecord| {
        if s.reason.starts_with(&s.what) { s.reason } else { format!("{}: {}", s.what, s.reason) }
    };
    Looked {
        matched,
        assessed_km2: found.assessed_km2,
        not_assessed_km2: found.not_assessed_km2,
        skipped: found.skipped.into_iter().map(said).collect(),
    }
}

/// Folders with truth by name, and the names of those without. Hidden folders are neither.
pub(crate) fn scene_folders(folder: &Path) -> Result<(Vec<PathBuf>, Vec<String>)> {
    let unreadable =
        |source| Error::Unreadable { path: folder.to_owned(), what: "a folder of scenes", source };
    let mut folders = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        if path.is_dir() && !name(&path).starts_with('.') {
            folders.push(path);
        }
    }
    folders.sort();
    let (scenes, others): (Vec<_>, Vec<_>) = folders.into_iter().partition(|f| f.join(TRUTH).is_file());
    if scenes.is_empty() {
        return Err(Error::NoScenes { folder: folder.to_owned(), folders: others.len() });
    }
    Ok((scenes, others.iter().map(|p| name(p)).collect()))
}

fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// The output folder, without what an earlier run wrote.
fn prepare(path: &Path, overwrite: bool) -> Result<OutputDir> {
    let out = OutputDir::create(path, overwrite)?;
    let stale = std::fs::read_dir(path.join(SCENES)).into_iter().flatten().flatten().map(|e| e.path());
    let stale = stale.filter(|p| p.extension().is_some_and(|e| e == "geojson"));
    for file in stale.chain(OWN_FILES.map(|f| path.join(f))) {
        match std::fs::remove_file(&file) {
            Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
                return Err(report::Error::Write { action: "remove", path: file, source }.into());
            }
            _ => {}
        }
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scenes_have_truth_and_come_by_name() {
        let dir = tempfile::tempdir().unwrap();
        let none = scene_folders(dir.path()).unwrap_err().to_string();
        assert!(none.contains("no scene in") && !none.contains("folders has"), "{none}");
        for folder in ["b", "a", "notes", ".git"] {
            std::fs::create_dir(dir.path().join(folder)).unwrap();
        }
        let none = scene_folders(dir.path()).unwrap_err().to_string();
        assert!(none.contains("none of its 3 folders has a truth.geojson"), "{none}");
        for scene in ["b", "a"] {
            std::fs::write(dir.path().join(scene).join(TRUTH), "{}").unwrap();
        }
        let (scenes, others) = scene_folders(dir.path()).unwrap();
        assert_eq!(scenes.iter().map(|p| name(p)).collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(others, ["notes"]);
        assert!(matches!(scene_folders(&dir.path().join("c")), Err(Error::Unreadable { .. })));
    }

    #[test]
    fn overwriting_removes_own_files_alone() {
        let dir = tempfile::tempdir().unwrap();
        let out = prepare(&dir.path().join("out"), false).unwrap();
        for file in ["suite.md", "scenes/a.geojson", "scenes/mine.txt"] {
            out.write_atomic(file, b"1").unwrap();
        }
        assert!(prepare(out.path(), false).is_err());
        prepare(out.path(), true).unwrap();
        assert!(!out.path().join("suite.md").exists() && !out.path().join("scenes/a.geojson").exists());
        assert!(out.path().join("scenes/mine.txt").exists());
    }
}
