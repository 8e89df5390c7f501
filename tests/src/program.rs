//! Builds `fosse` once and runs it.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use serde_json::Value;

/// The built program: `FOSSE_BIN` where that is set, else built now in the profile of the running test.
///
/// Cargo hands `CARGO_BIN_EXE_fosse` only to tests of the package `cli` itself.
pub fn binary() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| {
        if let Some(path) = std::env::var_os("FOSSE_BIN") {
            return path.into();
        }
        // target/PROFILE/deps/TEST
        let test = std::env::current_exe().expect("a test knows where it is");
        let folder = test.ancestors().nth(2).expect("a test lies in target/PROFILE/deps");
        let profile = match folder.file_name().and_then(OsStr::to_str).expect("a profile has a name") {
            "debug" => "dev",
            other => other,
        };
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let built = Command::new(cargo)
            .current_dir(crate::root())
            .args([
                "build",
                "--quiet",
                "--package",
                "cli",
                "--bin",
                "fosse",
                "--profile",
                profile,
                "--target-dir",
            ])
            .arg(folder.parent().expect("a profile lies in target"))
            .status()
            .expect("cargo runs");
        assert!(built.success(), "fosse does not build");
        folder.join(format!("fosse{}", std::env::consts::EXE_SUFFIX))
    })
}

/// What a run of the program came to.
#[derive(Debug)]
pub struct Ran {
    /// Exit code; −1 where a signal ended it.
    pub code: i32,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

impl Ran {
    /// What is left of a finished process.
    pub fn of(output: &std::process::Output) -> Self {
        let text = |b: &[u8]| String::from_utf8_lossy(b).into_owned();
        Self {
            code: output.status.code().unwrap_or(-1),
            stdout: text(&output.stdout),
            stderr: text(&output.stderr),
        }
    }

    /// Itself, if the program ended with `code`.
    #[track_caller]
    pub fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{self:#?}");
        assert!(!self.stderr.contains("panicked"), "{}", self.stderr);
        self
    }
}

/// `fosse` with arguments, ready to be started; without progress where it has any.
pub fn command<A: AsRef<OsStr>>(arguments: impl IntoIterator<Item = A>) -> Command {
    let mut command = Command::new(binary());
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Runs `fosse` to its end.
pub fn fosse<A: AsRef<OsStr>>(arguments: impl IntoIterator<Item = A>) -> Ran {
    Ran::of(&command(arguments).output().expect("fosse runs"))
}

/// Runs `fosse survey FOLDER --front FRONT --out OUT --quiet` with further arguments.
pub fn survey(folder: &Path, front: &Path, out: &Path, more: &[&str]) -> Ran {
    let mut line = survey_line(folder, front, out, more);
    line.push("--quiet".as_ref());
    fosse(line)
}

/// The arguments of [`survey`], without `--quiet`.
pub fn survey_line<'a>(folder: &'a Path, front: &'a Path, out: &'a Path, more: &'a [&str]) -> Vec<&'a OsStr> {
    let mut line: Vec<&OsStr> = vec!["survey".as_ref(), folder.as_ref(), "--front".as_ref(), front.as_ref()];
    line.extend(["--out".as_ref(), out.as_os_str()]);
    line.extend(more.iter().map(OsStr::new));
    line
}

/// A JSON file of results.
#[track_caller]
pub fn json(path: &Path) -> Value {
    let bytes = std::fs::read(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    serde_json::from_slice(&bytes).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// All files below a folder by their relative names, with what they hold.
pub fn files(folder: &Path) -> std::collections::BTreeMap<String, Vec<u8>> {
    let (mut found, mut waiting) = (std::collections::BTreeMap::new(), vec![folder.to_owned()]);
    while let Some(next) = waiting.pop() {
        for entry in std::fs::read_dir(&next).unwrap_or_else(|e| panic!("{}: {e}", next.display())) {
            let path = entry.unwrap().path();
            if path.is_dir() {
                waiting.push(path);
            } else {
                let name = path.strip_prefix(folder).unwrap().to_string_lossy().into_owned();
                found.insert(name, std::fs::read(&path).unwrap());
            }
        }
    }
    found
}
