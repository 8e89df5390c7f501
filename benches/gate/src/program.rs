//! Running what is measured.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::{Error, Result};

/// The programs of one build.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    /// `fosse`.
    pub fosse: PathBuf,
    /// `fosse-kernels`; `None` where that build has none.
    pub kernels: Option<PathBuf>,
    /// This program, which tells the memory of another from outside.
    pub own: PathBuf,
}

/// Runs a command to its end.
fn run(mut command: Command) -> Result<String> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command.stdin(Stdio::null()).output().map_err(|source| Error::Start { program, source })?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let lines: Vec<&str> = said.lines().collect();
    Err(Error::Failed {
        command: format!("{command:?}"),
        code: output.status.code(),
        stderr: lines[lines.len().saturating_sub(5)..].join("\n"),
    })
}

/// The most memory that `command` held at a time, KiB. To be asked once a process: the system tells the most of all
/// children there were.
///
/// # Errors
/// [`Error::Start`], [`Error::Failed`], [`Error::Answer`] where the system does not tell.
pub fn peak_kib_of(command: &[OsString]) -> Result<u64> {
    let [program, arguments @ ..] = command else {
        return Err(Error::Answer { command: "peak".into(), what: "no command to run".into() });
    };
    let mut child = Command::new(program);
    // Memory that is free goes back at once: how soon it does otherwise depends on the load, and moved the most by 8 %.
    child.args(arguments).env("MIMALLOC_PURGE_DELAY", "0");
    let shown = format!("{child:?}");
    let answer = |what: String| Error::Answer { command: shown, what };
    run(child)?;
    let usage = nix::sys::resource::getrusage(nix::sys::resource::UsageWho::RUSAGE_CHILDREN);
    match usage.map(|u| u64::try_from(u.max_rss())) {
        Ok(Ok(kib)) => Ok(kib),
        Ok(Err(e)) => Err(answer(e.to_string())),
        Err(e) => Err(answer(e.to_string())),
    }
}

/// The arguments of a survey whose output holds no time and no path.
fn survey(scene: &Path, out: &Path) -> Vec<OsString> {
    let front = scene.join("front.geojson");
    let words: [&OsStr; 11] = [
        "survey".as_ref(),
        scene.as_ref(),
        "--front".as_ref(),
        front.as_ref(),
        "--out".as_ref(),
        out.as_ref(),
        "--overwrite".as_ref(),
        "--no-chips".as_ref(),
        "--threads".as_ref(),
        "1".as_ref(),
        "--quiet".as_ref(),
    ];
    words.iter().map(OsString::from).collect()
}

impl Program {
    /// Simulates a scene into `out`.
    pub(crate) fn simulate(&self, out: &Path, arguments: &[&str]) -> Result<()> {
        let mut command = Command::new(&self.fosse);
        command.args(["simulate", "--quiet", "--out"]).arg(out).args(arguments);
        run(command).map(drop)
    }

    /// Instructions of a survey.
    pub(crate) fn survey_instructions(&self, scene: &Path, scratch: &Path) -> Result<u64> {
        instructions(&self.fosse, &survey(scene, &scratch.join("counted")), scratch)
    }

    /// Most memory of a survey, KiB.
    pub(crate) fn survey_peak_kib(&self, scene: &Path, scratch: &Path) -> Result<u64> {
        let mut command = Command::new(&self.own);
        command.args(["peak", "--"]).arg(&self.fosse).args(survey(scene, &scratch.join("weighed")));
        let shown = format!("{command:?}");
        let said = run(command)?;
        said.trim().parse().map_err(|e| Error::Answer { command: shown, what: format!("{said:?}: {e}") })
    }

    /// Names of the kernels; empty where there is no program for them.
    pub(crate) fn kernels(&self) -> Result<Vec<String>> {
        let Some(kernels) = &self.kernels else { return Ok(vec![]) };
        let mut command = Command::new(kernels);
        command.arg("--list");
        Ok(run(command)?.lines().map(str::to_owned).collect())
    }

    /// Instructions of a kernel, its preparation taken off.
    pub(crate) fn kernel_instructions(&self, name: &str, scratch: &Path) -> Result<u64> {
        let Some(kernels) = &self.kernels else { return Ok(0) };
        let times = |n: &str| instructions(kernels, &[name.into(), n.into()], scratch);
        let (one, three) = (times("1")?, times("3")?);
        Ok(three.saturating_sub(one) / 2)
    }

    /// Scores the detector on the scenes of a folder and hashes all that it finds.
    pub(crate) fn evaluate(&self, scenes: &Path, out: &Path, threads: usize) -> Result<(Value, String)> {
        let mut command = Command::new(&self.fosse);
        command.args(["evaluate", "--quiet", "--overwrite", "--threads", &threads.to_string(), "--suite"]);
        command.arg(scenes).arg("--out").arg(out);
        run(command)?;
        let path = out.join("suite.json");
        let bytes = read(&path)?;
        let suite = serde_json::from_slice(&bytes).map_err(|source| Error::Format { path, source })?;
        Ok((suite, hash(&out.join("scenes"))?))
    }
}

fn read(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).map_err(|source| Error::File { path: path.into(), source })
}

/// SHA-256 of the files of a folder, by name.
fn hash(folder: &Path) -> Result<String> {
    let failed = |source| Error::File { path: folder.into(), source };
    let mut files = BTreeMap::new();
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        files.insert(path.file_name().unwrap_or_default().to_owned(), read(&path)?);
    }
    let mut hash = Sha256::new();
    for (name, bytes) in &files {
        hash.update(name.as_encoded_bytes());
        hash.update((bytes.len() as u64).to_le_bytes());
        hash.update(bytes);
    }
    Ok(hash.finalize().iter().map(|b| format!("{b:02x}")).collect())
}

/// Instructions that a program executes, counted by valgrind's cachegrind.
fn instructions(program: &Path, arguments: &[OsString], scratch: &Path) -> Result<u64> {
    let out = scratch.join("cachegrind.out");
    let mut to = OsString::from("--cachegrind-out-file=");
    to.push(&out);
    let mut command = Command::new("valgrind");
    command.args(["--tool=cachegrind", "--cache-sim=no", "--quiet"]).arg(to).arg(program).args(arguments);
    // Threads that wait for work count too.
    command.env("RAYON_NUM_THREADS", "1");
    let shown = format!("{command:?}");
    run(command)?;
    let text = String::from_utf8_lossy(&read(&out)?).into_owned();
    let summary = text.lines().rev().find_map(|l| l.strip_prefix("summary:"));
    let count = summary.and_then(|s| s.split_whitespace().next()).and_then(|n| n.parse().ok());
    count.ok_or(Error::Answer { command: shown, what: "valgrind wrote no count".into() })
}
