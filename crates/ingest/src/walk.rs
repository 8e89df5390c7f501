//! The files below a folder.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use crate::catalogue::Skipped;
use crate::error::{Error, Result};
use crate::format::Format;

/// Files below a folder, at most: more is no order, but a disk.
const MOST_FILES: usize = 2_000_000;

/// A file, and what tells one state of it from another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    /// Name without folders; what is no UTF-8 in it replaced.
    pub name: String,
    pub path: PathBuf,
    pub bytes: u64,
    pub modified_ns: u64,
}

impl Found {
    /// Name without its extension.
    pub fn stem(&self) -> &str {
        self.name.rsplit_once('.').map_or(self.name.as_str(), |(stem, _)| stem)
    }

    /// Extension in lower case.
    pub fn ending(&self) -> String {
        self.name.rsplit_once('.').map(|(_, e)| e.to_ascii_lowercase()).unwrap_or_default()
    }
}

/// One folder and its files, by name.
#[derive(Clone, Debug, Default)]
pub(crate) struct Listing {
    pub folder: PathBuf,
    pub files: Vec<Found>,
}

impl Listing {
    /// The files whose names begin so.
    pub fn beginning(&self, prefix: &str) -> &[Found] {
        let from = self.files.partition_point(|f| f.name.as_str() < prefix);
        let rest = &self.files[from..];
        &rest[..rest.partition_point(|f| f.name.starts_with(prefix))]
    }
}

/// Every folder from `root` down, each once whatever links lead to it, and what could not be listed. Hidden files and
/// folders are left out.
///
/// # Errors
/// [`Error::FolderMissing`], [`Error::NotAFolder`], [`Error::FolderUnreadable`].
pub(crate) fn walk(root: &Path) -> Result<(Vec<Listing>, Vec<Skipped>)> {
    let unreadable = |source| Error::FolderUnreadable { folder: root.to_owned(), source };
    match fs::metadata(root) {
        Ok(found) if found.is_dir() => {}
        Ok(_) => return Err(Error::NotAFolder { folder: root.to_owned() }),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
            return Err(Error::FolderMissing { folder: root.to_owned() });
        }
        Err(e) => return Err(unreadable(e)),
    }
    let top = fs::canonicalize(root).map_err(unreadable)?;
    let (mut listings, mut skipped, mut files) = (Vec::new(), Vec::new(), 0);
    let mut seen = HashSet::new();
    let mut waiting = vec![root.to_owned()];
    while let Some(folder) = waiting.pop() {
        let listed = match fs::canonicalize(&folder) {
            // A link back to a folder above would list the whole disk.
            Ok(real) if folder != root && top.starts_with(&real) => continue,
            Ok(real) => match seen.insert(real) {
                true => list(&folder),
                false => continue,
            },
            Err(e) => Err(e),
        };
        match listed {
            Ok((listing, below, broken)) => {
                files += listing.files.len();
                listings.push(listing);
                skipped.extend(broken);
                if files > MOST_FILES {
                    let reason = format!("more than {MOST_FILES} files; name a folder of images alone");
                    skipped.push(Skipped { path: folder, reason });
                    break;
                }
                // The stack gives back the last first.
                waiting.extend(below.into_iter().rev());
            }
            Err(e) if folder == root => return Err(unreadable(e)),
            Err(e) => {
                let reason = format!("the folder cannot be read: {e}; check its permissions");
                skipped.push(Skipped { path: folder, reason });
            }
        }
    }
    Ok((listings, skipped))
}

/// One folder: its files, the folders in it, and links that lead nowhere.
fn list(folder: &Path) -> std::io::Result<(Listing, Vec<PathBuf>, Vec<Skipped>)> {
    let (mut files, mut below, mut broken) = (Vec::new(), Vec::new(), Vec::new());
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let path = entry.path();
        if entry.file_name().as_encoded_bytes().starts_with(b".") {
            continue;
        }
        let is_image = || Format::of(&path).is_some();
        match fs::metadata(&path) {
            Ok(found) if found.is_dir() => below.push(path),
            Ok(found) if !found.is_file() => {
                if is_image() {
                    let reason = "it has the name of an image and is no file; remove it".to_owned();
                    broken.push(Skipped { path, reason });
                }
            }
            Ok(found) => {
                let since = found.modified().ok().and_then(|m| m.duration_since(UNIX_EPOCH).ok());
                files.push(Found {
                    name: entry.file_name().to_string_lossy().into_owned(),
                    path,
                    bytes: found.len(),
                    modified_ns: since.map_or(0, |s| s.as_nanos() as u64),
                });
            }
            Err(e) if is_image() => {
                let reason = format!("the file cannot be reached: {e}; is it a broken link?");
                broken.push(Skipped { path, reason });
            }
            Err(_) => {}
        }
    }
    files.sort_by(|a, b| a.name.cmp(&b.name).then_with(|| a.path.cmp(&b.path)));
    below.sort();
    Ok((Listing { folder: folder.to_owned(), files }, below, broken))
}
