//! How to read what lies at an address.

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// How to read what lies at an address.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RemoteOptions {
    /// Folder of what was fetched; `None` keeps it in a temporary folder that goes with the [`crate::Mirror`].
    pub cache: Option<PathBuf>,
    /// Bytes of images to keep there at most. What a run works on is never removed.
    pub cache_bytes: u64,
    /// What to ask of a STAC API; `None` where the address is no API.
    pub search: Option<Search>,
    /// When to give up.
    pub patience: Patience,
}

/// What to ask of a STAC API.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Search {
    /// Address of the API.
    pub api: String,
    /// West, south, east, north, degrees.
    pub bbox: [f64; 4],
    /// A time or an interval `A/B` as STAC writes it; `..` is open.
    pub datetime: Option<String>,
    /// Names of collections; none asks all of them.
    pub collections: Vec<String>,
}

/// When to try again, and when to give up.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Patience {
    /// Tries of a request that bring nothing, one after the other.
    pub tries: u32,
    /// Pause after the first of them; each next one is twice as long.
    pub first_pause: Duration,
    /// Longest pause.
    pub longest_pause: Duration,
    /// Time in which a request must bring [`Patience::least_bytes`], or its end.
    pub idle: Duration,
    /// See [`Patience::idle`]. What sends less is tried anew.
    pub least_bytes: u64,
}

impl Default for Patience {
    /// Six tries over 16 seconds of pauses; at least 64 KiB in 30 seconds, 18 kbit/s.
    fn default() -> Self {
        Self {
            tries: 6,
            first_pause: Duration::from_millis(500),
            longest_pause: Duration::from_secs(8),
            idle: Duration::from_secs(30),
            least_bytes: 64 << 10,
        }
    }
}

/// What it took to have the images of a pair here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Fetched {
    /// Files that were brought.
    pub files: usize,
    /// Files that were here already.
    pub kept: usize,
    /// Bytes that came over the network.
    pub bytes: u64,
    /// Tries beyond the first.
    pub retries: u64,
}
