//! Help for the tests of the whole.
//!
//! | file | idea |
//! | --- | --- |
//! | `scene` | small dated images with a known line, a front to measure from |
//! | `run` | a finished run without images |
//! | `tiff` | TIFFs that lack what GDAL would put into them |
//! | `program` | builds `fosse` once and runs it |
//! | `memory` | a pair in memory |
//! | `lines` | lines on a plane of metres; the buffer method |

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // helpers of tests

pub mod lines;
pub mod memory;
pub mod program;
pub mod run;
pub mod scene;
pub mod tiff;

use std::path::PathBuf;

/// The root of the repository.
pub fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ lies below the root").to_owned()
}
