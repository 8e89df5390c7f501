//! What can go wrong.

use std::path::PathBuf;

/// Result with this crate's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The command that renews a baseline.
pub const RENEW: &str = "scripts/bench --renew";

/// Why nothing was measured or compared.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file cannot be read or written.
    #[error("{}: {source}", path.display())]
    File {
        /// Which one.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file does not hold what it should.
    #[error("{}: {source}", path.display())]
    Format {
        /// Which one.
        path: PathBuf,
        /// Where and why.
        source: serde_json::Error,
    },
    /// A program cannot be started.
    #[error("{program} cannot be started: {source}{}", hint(program))]
    Start {
        /// Which one.
        program: String,
        /// Why.
        source: std::io::Error,
    },
    /// A program failed.
    #[error("`{command}` ended with {code:?}: {stderr}")]
    Failed {
        /// What was run.
        command: String,
        /// Its exit code; `None` where a signal ended it.
        code: Option<i32>,
        /// The end of what it said.
        stderr: String,
    },
    /// A program said something else than it should.
    #[error("`{command}`: {what}")]
    Answer {
        /// What was run.
        command: String,
        /// What is missing.
        what: String,
    },
    /// The baseline was measured on something else than is measured now.
    #[error("the baseline is stale ({why}); renew it: {RENEW}")]
    Stale {
        /// What differs.
        why: String,
    },
    /// Neither a file nor a revision.
    #[error("--against {what}: neither a file nor a revision of this repository")]
    Against {
        /// What was asked for.
        what: String,
    },
}

fn hint(program: &str) -> &'static str {
    if program == "valgrind" { "; install it (apt-get install valgrind)" } else { "" }
}
