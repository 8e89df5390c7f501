//! The output folder: one run in it, whole files only, no foreign file touched.

use std::io::{ErrorKind, Write as _};
use std::path::{Component, Path, PathBuf};

use crate::{Error, Result};

/// Files that a run writes at the top of its folder.
pub const OWN_FILES: [&str; 12] = [
    "earthworks.geojson",
    "coverage.geojson",
    "earthworks.csv",
    "earthworks.gpkg",
    "earthworks.fgb",
    "earthworks.parquet",
    "earthworks.kmz",
    "report.md",
    "report.html",
    "summary.json",
    "stac.json",
    JOURNAL,
];
/// The file that says that a run is in a folder.
const JOURNAL: &str = "run.json";
/// The folder that says that an unfinished one is.
pub const UNFINISHED: &str = ".journal";
/// Folder of the pictures for the page below the output folder.
pub const VIEWS: &str = "views";
/// The file in it that says what they show.
pub const VIEWS_INDEX: &str = "views.json";
/// Folder of the pictures below the output folder.
pub const CHIPS: &str = "chips";
/// Files that are not yet whole end so.
const PART: &str = ".part";

/// A folder that this run may write to.
#[derive(Clone, Debug)]
pub struct OutputDir {
    path: PathBuf,
}

impl OutputDir {
    /// Makes the folder ready, with the folders above it.
    ///
    /// A folder that holds anything is refused, unless `overwrite`: then the files that Fosse writes
    /// ([`OWN_FILES`], the PNGs in [`CHIPS`], and leftovers of broken-off writes) are removed and everything else
    /// is left alone. A file that is called like one of them where no run is, finished or not, is somebody else's.
    ///
    /// # Errors
    /// [`Error::OutputTaken`], [`Error::OutputForeign`], [`Error::OutputIsFile`], [`Error::DiskFull`], [`Error::Write`].
    pub fn create(path: &Path, overwrite: bool) -> Result<Self> {
        if path.is_file() {
            return Err(Error::OutputIsFile { path: path.into() });
        }
        std::fs::create_dir_all(path).map_err(|e| failed("create", path, 0, e))?;
        let held = names(path)?;
        if let Some(found) = held.iter().find(|n| *n == "run.json").or(held.first()) {
            if !overwrite {
                return Err(Error::OutputTaken { path: path.into(), found: found.clone() });
            }
            let runs = [JOURNAL, UNFINISHED].iter().any(|name| held.iter().any(|n| n == name));
            if let Some(found) = held.iter().find(|n| !runs && OWN_FILES.contains(&n.as_str())) {
                return Err(Error::OutputForeign { path: path.into(), found: found.clone() });
            }
            remove_own(path, &held)?;
        }
        Ok(Self { path: path.into() })
    }

    /// Makes a folder ready that must be missing or empty.
    ///
    /// # Errors
    /// [`Error::OutputNotEmpty`]; for the rest as [`OutputDir::create`].
    pub fn create_empty(path: &Path) -> Result<Self> {
        Self::create(path, false).map_err(|e| match e {
            Error::OutputTaken { path, found } => Error::OutputNotEmpty { path, found },
            other => other,
        })
    }

    /// The folder of a finished run, to write its documents anew.
    pub fn of_run(path: &Path) -> Self {
        Self { path: path.into() }
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Removes a document that is there.
    ///
    /// # Errors
    /// [`Error::OutputName`] for a file that Fosse does not write; [`Error::Write`].
    pub fn remove(&self, name: &str) -> Result<()> {
        if !OWN_FILES.contains(&name) {
            return Err(Error::OutputName { name: name.to_owned() });
        }
        let path = self.path.join(name);
        match std::fs::remove_file(&path) {
            Err(e) if e.kind() != ErrorKind::NotFound => Err(failed("remove", &path, 0, e)),
            _ => Ok(()),
        }
    }

    /// Writes a file below the folder (`report.md`, `chips/NAME.png`) so that a reader sees either none or the
    /// whole: to a temporary file beside it, onto the disk, then renamed.
    ///
    /// # Errors
    /// [`Error::OutputName`] where the name would leave the folder; [`Error::DiskFull`], [`Error::Write`].
    pub fn write_atomic(&self, name: &str, bytes: &[u8]) -> Result<PathBuf> {
        self.write(name, bytes, true)
    }

    /// As [`OutputDir::write_atomic`], without waiting for the disk: for pictures, of which there are hundreds, and which
    /// are drawn again where a power cut lost them.
    ///
    /// # Errors
    /// As [`OutputDir::write_atomic`].
    pub fn write_picture(&self, name: &str, bytes: &[u8]) -> Result<PathBuf> {
        self.write(name, bytes, false)
    }

    fn write(&self, name: &str, bytes: &[u8], onto_disk: bool) -> Result<PathBuf> {
        let plain = !name.is_empty()
            && !name.ends_with('/')
            && Path::new(name).components().all(|c| matches!(c, Component::Normal(_)));
        let target = self.path.join(name);
        let (Some(folder), Some(file), true) = (target.parent(), target.file_name(), plain) else {
            return Err(Error::OutputName { name: name.to_owned() });
        };
        std::fs::create_dir_all(folder).map_err(|e| failed("create", folder, 0, e))?;
        let part = folder.join(format!(".{}{PART}", file.to_string_lossy()));
        let written = std::fs::File::create(&part).and_then(|mut f| {
            f.write_all(bytes)?;
            if onto_disk { f.sync_all() } else { Ok(()) }
        });
        if let Err(e) = written {
            // The first error is the one to report; a part that cannot be removed is removed by the next run.
            let _ = std::fs::remove_file(&part);
            return Err(failed("write", &target, bytes.len(), e));
        }
        std::fs::rename(&part, &target).map_err(|e| {
            let _ = std::fs::remove_file(&part);
            failed("rename", &target, bytes.len(), e)
        })?;
        Ok(target)
    }
}

fn failed(action: &'static str, path: &Path, bytes: usize, source: std::io::Error) -> Error {
    if matches!(source.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded) {
        Error::DiskFull { path: path.into(), bytes, source }
    } else {
        Error::Write { action, path: path.into(), source }
    }
}

/// Names in a folder, sorted.
fn names(folder: &Path) -> Result<Vec<String>> {
    let list = || -> std::io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in std::fs::read_dir(folder)? {
            names.push(entry?.file_name().to_string_lossy().into_owned());
        }
        names.sort();
        Ok(names)
    };
    list().map_err(|e| failed("list", folder, 0, e))
}

fn remove_own(path: &Path, held: &[String]) -> Result<()> {
    let remove = |p: PathBuf| {
        if p.is_dir() {
            return Ok(());
        }
        std::fs::remove_file(&p).map_err(|e| failed("remove", &p, 0, e))
    };
    let is_part = |n: &str| n.starts_with(".part-") || (n.starts_with('.') && n.ends_with(PART));
    // The journal last: while it is there, the folder says that a run is in it.
    for name in held.iter().filter(|n| (OWN_FILES.contains(&n.as_str()) && *n != JOURNAL) || is_part(n)) {
        remove(path.join(name))?;
    }
    for (folder, ending) in [(CHIPS, ".png"), (VIEWS, ".jpg")] {
        let folder = path.join(folder);
        if folder.is_dir() {
            let own = |n: &&String| n.ends_with(ending) || *n == VIEWS_INDEX || is_part(n);
            for name in names(&folder)?.iter().filter(own) {
                remove(folder.join(name))?;
            }
        }
    }
    if held.iter().any(|n| n == JOURNAL) {
        remove(path.join(JOURNAL))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_run_is_refused_and_overwriting_spares_foreign_files() {
        let dir = tempfile::tempdir().unwrap();
        let out = dir.path().join("new/out");
        let first = OutputDir::create(&out, false).unwrap();
        for name in ["run.json", "report.md", "chips/a.png", "chips/mine.txt", "notes.txt", ".x.json.part"] {
            first.write_atomic(name, b"1").unwrap();
        }
        let refused = OutputDir::create(&out, false);
        assert!(matches!(refused, Err(Error::OutputTaken { ref found, .. }) if found == "run.json"));
        OutputDir::create(&out, true).unwrap();
        assert_eq!(names(&out).unwrap(), ["chips", "notes.txt"]);
        assert_eq!(names(&out.join("chips")).unwrap(), ["mine.txt"]);
        assert!(matches!(OutputDir::create(&out, false), Err(Error::OutputTaken { .. })));
    }

    #[test]
    fn what_only_bears_the_name_of_a_document_is_not_replaced() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("report.md"), "my notes").unwrap();
        let refused = OutputDir::create(dir.path(), true);
        assert!(matches!(refused, Err(Error::OutputForeign { ref found, .. }) if found == "report.md"));
        assert_eq!(std::fs::read(dir.path().join("report.md")).unwrap(), b"my notes");
        // What a run left that was broken off is its own.
        std::fs::create_dir(dir.path().join(UNFINISHED)).unwrap();
        OutputDir::create(dir.path(), true).unwrap();
        assert!(!dir.path().join("report.md").exists());
        let said = OutputDir::create_empty(dir.path()).unwrap_err().to_string();
        assert!(said.contains("empty it") && !said.contains("--overwrite"), "{said}");
    }

    #[test]
    fn documents_are_removed_and_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        let out = OutputDir::create(dir.path(), false).unwrap();
        out.write_atomic("earthworks.csv", b"1").unwrap();
        out.remove("earthworks.csv").unwrap();
        out.remove("earthworks.csv").unwrap();
        assert!(matches!(out.remove("../x"), Err(Error::OutputName { .. })));
        assert!(names(dir.path()).unwrap().is_empty());
    }

    #[test]
    fn a_file_is_replaced_whole_and_no_part_is_left() {
        let dir = tempfile::tempdir().unwrap();
        let out = OutputDir::create(dir.path(), false).unwrap();
        out.write_atomic("report.md", b"long old text").unwrap();
        let path = out.write_atomic("report.md", b"new").unwrap();
        assert_eq!(std::fs::read(path).unwrap(), b"new");
        assert_eq!(names(dir.path()).unwrap(), ["report.md"]);
    }

    #[test]
    fn names_that_leave_the_folder_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        let out = OutputDir::create(dir.path(), false).unwrap();
        for name in ["", "../x", "/etc/x", "a/../b", "chips/"] {
            assert!(matches!(out.write_atomic(name, b""), Err(Error::OutputName { .. })), "{name:?}");
        }
    }

    #[test]
    fn a_file_in_place_of_the_folder_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("out");
        std::fs::write(&path, b"").unwrap();
        assert!(matches!(OutputDir::create(&path, true), Err(Error::OutputIsFile { .. })));
    }

    /// Linux's `/dev/full` cannot be a target of a rename, so the mapping itself is tested.
    #[test]
    fn a_full_disk_is_its_own_error() {
        let e = failed("write", Path::new("out/x"), 12, ErrorKind::StorageFull.into());
        assert!(matches!(e, Error::DiskFull { bytes: 12, .. }));
        assert!(e.to_string().contains("free some"));
    }
}
