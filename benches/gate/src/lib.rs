//! The gate: one command measures Fosse and compares with what it measured before.
//!
//! | file | idea |
//! | --- | --- |
//! | `figures` | what is measured, as `bench.json` keeps it |
//! | `environment` | what figures depend on beside the code |
//! | `scenes` | what is measured on |
//! | `program` | running what is measured: instructions, memory, output |
//! | `measure` | all figures of a program |
//! | `compare` | figures against those of before: what is worse |
//! | `revision` | a revision of the repository, built to be measured |
//! | `render` | Markdown for a pull request, JUnit XML for a server |
//!
//! Instructions are counted by valgrind, so that they repeat on any load: wall time is told by no figure here.

pub mod compare;
mod environment;
mod error;
pub mod figures;
mod measure;
mod program;
pub mod render;
mod revision;
mod scenes;

pub use environment::Environment;
pub use error::{Error, RENEW, Result};
pub use measure::{Extent, measure, told};
pub use program::{Program, peak_kib_of};
pub use revision::built;
