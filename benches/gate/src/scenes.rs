//! What is measured on: scenes that are simulated anew, the same everywhere.

use std::path::{Path, PathBuf};

use crate::{Program, Result};

/// A scene and how it is simulated.
pub(crate) struct Scene {
    pub name: &'static str,
    arguments: &'static [&'static str],
}

/// Scenes whose detection figures are told: small parts of what the standard suite holds, of three pixel sizes, and two
/// in which nothing was dug.
pub(crate) const QUICK: [Scene; 8] = [
    Scene { name: "dug-1", arguments: &["--varied", "--seed", "4101", "--size", "576", "--gsd", "0.5"] },
    Scene { name: "dug-2", arguments: &["--varied", "--seed", "4102", "--size", "576", "--gsd", "0.5"] },
    Scene { name: "dug-3", arguments: &["--varied", "--seed", "4103", "--size", "704", "--gsd", "0.4"] },
    Scene { name: "dug-4", arguments: &["--varied", "--seed", "4104", "--size", "576", "--gsd", "0.6"] },
    Scene { name: "dug-5", arguments: &["--varied", "--seed", "4105", "--size", "576", "--gsd", "0.5"] },
    Scene { name: "dug-6", arguments: &["--varied", "--seed", "4106", "--size", "576", "--gsd", "0.5"] },
    Scene {
        name: "quiet-1",
        arguments: &["--varied", "--no-works", "--seed", "4107", "--size", "576", "--gsd", "0.5"],
    },
    Scene {
        name: "quiet-2",
        arguments: &["--varied", "--no-works", "--seed", "4108", "--size", "704", "--gsd", "0.4"],
    },
];

/// The one whose instructions are counted.
pub(crate) const COUNTED: &str = "dug-1";

/// The one whose memory is told: large against a window, so that what grows with the image shows.
pub(crate) const LARGE: Scene =
    Scene { name: "large", arguments: &["--seed", "4109", "--size", "2048", "--gsd", "0.5"] };

impl Scene {
    /// Simulates it below `folder`.
    pub fn simulate(&self, program: &Program, folder: &Path) -> Result<PathBuf> {
        let out = folder.join(self.name);
        program.simulate(&out, self.arguments)?;
        Ok(out)
    }

    /// Name and arguments, as the baseline notes them.
    pub fn told(&self) -> String {
        format!("{} {}", self.name, self.arguments.join(" "))
    }
}
