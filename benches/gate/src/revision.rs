//! A revision of the repository, built to be measured.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::{Error, Program, Result};

/// Builds `revision` of the repository at `root` in `target`, from a checkout in `scratch` that is taken away again, and
/// returns its programs.
///
/// # Errors
/// [`Error::Against`] where there is no such revision; [`Error::Failed`] where it does not build.
pub fn built(root: &Path, revision: &str, scratch: &Path, target: &Path, own: &Path) -> Result<Program> {
    let git = |arguments: &[&str]| {
        let mut command = Command::new("git");
        command.current_dir(root).args(arguments);
        done(command)
    };
    let commit = format!("{revision}^{{commit}}");
    git(&["rev-parse", "--verify", "--quiet", &commit])
        .map_err(|_| Error::Against { what: revision.into() })?;
    let checkout = scratch.join("revision");
    let path = checkout.to_string_lossy();
    git(&["worktree", "add", "--detach", &path, revision])?;
    let built = build(&checkout, target);
    git(&["worktree", "remove", "--force", &path])?;
    let kernels = built?;
    Ok(Program { fosse: target.join("release/fosse"), kernels, own: own.into() })
}

/// Builds what is measured; revisions of before the gate have no kernels.
fn build(checkout: &Path, target: &Path) -> Result<Option<PathBuf>> {
    let cargo = |arguments: &[&str]| {
        let mut command = Command::new("cargo");
        command.current_dir(checkout).env("CARGO_TARGET_DIR", target).args(["build", "--release", "--quiet"]);
        command.args(arguments);
        done(command)
    };
    cargo(&["--package", "cli"])?;
    if !checkout.join("benches/src/bin/fosse-kernels.rs").is_file() {
        return Ok(None);
    }
    cargo(&["--package", "fosse-benches", "--bin", "fosse-kernels"])?;
    Ok(Some(target.join("release/fosse-kernels")))
}

fn done(mut command: Command) -> Result<()> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command.output().map_err(|source| Error::Start { program, source })?;
    if output.status.success() {
        return Ok(());
    }
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    Err(Error::Failed { command: format!("{command:?}"), code: output.status.code(), stderr })
}
