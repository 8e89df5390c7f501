//! What files said the last time, so that an unchanged folder is not read again.

use std::collections::BTreeMap;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::job::Checked;
use crate::notes::Note;
use crate::walk::Found;

/// What the file is of. Another program or another shape of it is another file.
const VERSION: &str = concat!("fosse ", env!("CARGO_PKG_VERSION"), " catalogue 5");
/// Folders of fewer images are read faster than the file.
const LEAST_IMAGES: usize = 100;
/// All that is remembered, at most; the folders that were read longest ago are forgotten first.
const MOST_BYTES: u64 = 512 << 20;

/// A number that tells one state of some files from another: names, lengths and times of change, and what was asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Stamp(Option<u64>);

impl Stamp {
    /// That of what must always be read again.
    pub fn never() -> Self {
        Self(Some(u64::MAX))
    }

    /// Mixes something in.
    pub fn add(&mut self, what: &impl std::fmt::Debug) {
        if *self == Self::never() {
            return;
        }
        let mut hasher = DefaultHasher::new();
        (self.0, format!("{what:?}")).hash(&mut hasher);
        self.0 = Some(hasher.finish() >> 1);
    }
}

/// What is remembered of one folder.
#[derive(Default, Serialize, Deserialize)]
struct Memory {
    version: String,
    root: PathBuf,
    notes: BTreeMap<PathBuf, (u64, u64, Note)>,
    images: BTreeMap<PathBuf, (Stamp, Checked)>,
}

/// What is remembered, and what is new.
pub(crate) struct Cache {
    /// The file; `None` where nothing is to be remembered.
    path: Option<PathBuf>,
    old: Memory,
    new: Memory,
    changed: bool,
}

impl Cache {
    /// What `folder` remembers of the folder of images `root`. What cannot be read counts as nothing.
    pub fn open(folder: Option<&Path>, root: &Path) -> Self {
        let root = fs::canonicalize(root).unwrap_or_else(|_| root.to_owned());
        let mut hasher = DefaultHasher::new();
        root.hash(&mut hasher);
        let path = folder.map(|f| f.join("catalogue").join(format!("{:016x}", hasher.finish())));
        let read = |path: &PathBuf| {
            let bytes = fs::read(path).ok()?;
            let memory: Memory = postcard::from_bytes(&bytes).ok()?;
            (memory.version == VERSION && memory.root == root).then_some(memory)
        };
        let old = path.as_ref().and_then(read).unwrap_or_default();
        let new = Memory { version: VERSION.to_owned(), root, ..Memory::default() };
        Self { path, old, new, changed: false }
    }

    /// What a metadata file says: remembered where it did not change, else by `read`.
    pub fn note(&mut self, file: &Found, read: impl FnOnce() -> Note) -> Note {
        let known = self.old.notes.remove(&file.path);
        let known = known.filter(|(bytes, time, _)| (*bytes, *time) == (file.bytes, file.modified_ns));
        self.changed |= known.is_none();
        let entry = known.unwrap_or_else(|| (file.bytes, file.modified_ns, read()));
        if self.path.is_some() {
            self.new.notes.insert(file.path.clone(), entry.clone());
        }
        entry.2
    }

    /// What opening an image showed, where its files did not change.
    pub fn checked(&mut self, image: &Path, stamp: Stamp) -> Option<Checked> {
        let (known, checked) = self.old.images.remove(image)?;
        if known != stamp || stamp == Stamp::never() {
            return None;
        }
        self.new.images.insert(image.to_owned(), (stamp, checked.clone()));
        Some(checked)
    }

    /// Remembers what opening an image showed.
    pub fn remember(&mut self, image: &Path, stamp: Stamp, checked: &Checked) {
        if self.path.is_some() && stamp != Stamp::never() {
            self.changed = true;
            self.new.images.insert(image.to_owned(), (stamp, checked.clone()));
        }
    }

    /// Writes what is new, if any is. A disk that is full or not ours costs time the next time and nothing else.
    pub fn keep(self) {
        let gone = !self.old.notes.is_empty() || !self.old.images.is_empty();
        let Some(path) = self.path.filter(|_| self.changed || gone) else { return };
        let Some(folder) = path.parent() else { return };
        if self.new.images.len() < LEAST_IMAGES || fs::create_dir_all(folder).is_err() {
            return;
        }
        let Ok(bytes) = postcard::to_allocvec(&self.new) else { return };
        let temporary = path.with_extension(format!("{}.tmp", std::process::id()));
        if fs::write(&temporary, bytes).and_then(|()| fs::rename(&temporary, &path)).is_err() {
            let _ = fs::remove_file(&temporary);
            return;
        }
        forget(folder);
    }
}

/// Removes the oldest files of a folder until the rest are small enough.
fn forget(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    let mut files: Vec<_> = entries
        .flatten()
        .filter_map(|e| {
            let found = e.metadata().ok().filter(fs::Metadata::is_file)?;
            Some((found.modified().ok()?, found.len(), e.path()))
        })
        .collect();
    files.sort();
    let mut total: u64 = files.iter().map(|f| f.1).sum();
    for (_, bytes, path) in files {
        if total <= MOST_BYTES {
            break;
        }
        let _ = fs::remove_file(path);
        total -= bytes;
    }
}
