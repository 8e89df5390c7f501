//! What is known of a file of a mirror: where it is from, which state of it, and whether all of it is here.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

/// What is known of a file, in a hidden file beside it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct State {
    /// Its address, as it may be shown.
    pub from: String,
    pub bytes: u64,
    pub etag: Option<String>,
    /// Last change, seconds since 1970.
    pub modified: Option<u64>,
    /// Is all of it here, or its header alone?
    pub whole: bool,
    /// Of a file that is being fetched: pieces that are here.
    #[serde(default)]
    pub pieces: Vec<bool>,
}

impl State {
    /// True where both are the same state of the object, as far as its store tells.
    pub fn is_of(&self, other: &Self) -> bool {
        let told = |a: &Option<String>, b: &Option<String>| a.is_none() || b.is_none() || a == b;
        let when = self.modified.is_none() || other.modified.is_none() || self.modified == other.modified;
        let known = (self.etag.is_some() && other.etag.is_some())
            || (self.modified.is_some() && other.modified.is_some());
        self.from == other.from && self.bytes == other.bytes && told(&self.etag, &other.etag) && when && known
    }

    /// What is kept of a file, or of its parts. What cannot be read counts as nothing.
    pub fn read(path: &Path) -> Option<Self> {
        serde_json::from_slice(&fs::read(path).ok()?).ok()
    }

    /// Keeps it, at once or not at all.
    pub fn write(&self, path: &Path) -> std::io::Result<()> {
        let temporary = hidden(path, "new");
        fs::write(&temporary, serde_json::to_vec(self)?)?;
        fs::rename(&temporary, path)
    }

    /// Last change as a file has it.
    pub fn time(&self) -> Option<SystemTime> {
        UNIX_EPOCH.checked_add(Duration::from_secs(self.modified?))
    }
}

/// `.NAME.more` beside `NAME`, which no walk sees.
pub(crate) fn hidden(path: &Path, more: &str) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{}.{more}", name.trim_start_matches('.')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_state_is_told() {
        let one = State {
            from: "a".into(),
            bytes: 5,
            etag: Some("x".into()),
            modified: Some(7),
            ..State::default()
        };
        assert!(one.is_of(&State { whole: true, ..one.clone() }));
        assert!(one.is_of(&State { modified: None, ..one.clone() }));
        assert!(!one.is_of(&State { etag: Some("y".into()), ..one.clone() }));
        assert!(
            !one.is_of(&State { etag: None, modified: None, ..one.clone() }),
            "nothing tells that it is the same"
        );
    }

    #[test]
    fn it_is_kept_beside_its_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = hidden(&dir.path().join("a.tif"), "fosse");
        assert!(path.ends_with(".a.tif.fosse"));
        let state = State { from: "s3://b/a.tif".into(), pieces: vec![true, false], ..State::default() };
        state.write(&path).unwrap();
        assert_eq!(State::read(&path), Some(state));
        assert_eq!(State::read(&dir.path().join("none")), None);
    }
}
