//! The `fosse-bench` command.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use fosse_bench::compare::{Check, alone, compare, fresh};
use fosse_bench::figures::Figures;
use fosse_bench::{
    Environment, Error, Extent, Program, RENEW, Result, built, measure, peak_kib_of, render, told,
};

/// Some figure is worse.
const WORSE: u8 = 1;
/// Something failed.
const FAILED: u8 = 2;
/// The baseline is stale.
const STALE: u8 = 3;
/// Nothing that could be compared is worse, but the baseline was measured elsewhere.
const ELSEWHERE: u8 = 4;

/// Measures Fosse and compares with what was measured before: instructions, memory, output, detection.
#[derive(Parser)]
#[command(
    name = "fosse-bench",
    after_help = "Exit code: 0 nothing is worse, 1 some figure is, 2 something failed, 3 the baseline is stale, \
                  4 it was measured elsewhere, and what is found, which alone can be compared, is no worse."
)]
struct Command {
    #[command(subcommand)]
    what: Option<What>,
    #[command(flatten)]
    gate: Gate,
}

#[derive(Subcommand)]
enum What {
    /// Runs a command and tells the most memory it held, KiB
    #[command(hide = true)]
    Peak {
        #[arg(last = true, required = true)]
        command: Vec<OsString>,
    },
}

#[derive(Args)]
struct Gate {
    /// The program to measure
    #[arg(long, value_name = "FILE", default_value = "target/release/fosse")]
    fosse: PathBuf,
    /// Its kernels (fosse-kernels); none are measured without
    #[arg(long, value_name = "FILE")]
    kernels: Option<PathBuf>,
    /// The repository, for --against a revision
    #[arg(long, value_name = "DIR", default_value = ".")]
    root: PathBuf,
    /// Compare with this file, or with this revision of the repository, which is built and measured
    #[arg(long, value_name = "FILE|REV")]
    against: Option<String>,
    /// Another output is meant
    #[arg(long)]
    accept: bool,
    /// Measure each figure three times
    #[arg(long)]
    full: bool,
    /// Where the figures go
    #[arg(long, value_name = "FILE", default_value = "bench.json")]
    out: PathBuf,
    /// Write the table into this file too
    #[arg(long, value_name = "FILE")]
    markdown: Option<PathBuf>,
    /// Write JUnit XML into this file
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
}

fn main() -> ExitCode {
    let command = Command::parse();
    let done = match command.what {
        Some(What::Peak { command }) => peak_kib_of(&command).map(|kib| {
            println!("{kib}");
            0
        }),
        None => gate(&command.gate),
    };
    match done {
        Ok(code) => ExitCode::from(code),
        Err(e) => {
            eprintln!("error: {e}");
            ExitCode::from(match e {
                Error::Stale { .. } => STALE,
                _ => FAILED,
            })
        }
    }
}

fn gate(options: &Gate) -> Result<u8> {
    let file = |path: &Path| {
        let path = path.to_owned();
        move |source| Error::File { path, source }
    };
    let own = std::env::current_exe().map_err(file(Path::new("fosse-bench")))?;
    // A relative path without a folder would be looked for in PATH.
    let fosse = std::fs::canonicalize(&options.fosse).map_err(file(&options.fosse))?;
    let kernels =
        options.kernels.as_deref().map(|k| std::fs::canonicalize(k).map_err(file(k))).transpose()?;
    let mut program = Program { fosse, kernels, own: own.clone() };
    let scratch = tempfile::tempdir().map_err(file(&std::env::temp_dir()))?;
    let before =
        options.against.as_deref().map(|what| before(what, options, &own, scratch.path())).transpose()?;
    let mut extent = if options.full { Extent::FULL } else { Extent::QUICK };
    if let Some((before, _)) = &before
        && let Some(what) = before.environment.differs(&Environment::here())
    {
        eprintln!(
            "the baseline was measured elsewhere ({what}): instructions, memory and bits are not compared; compare with a \
             revision that is measured here (--against main), or renew it for this machine ({RENEW})"
        );
        extent = Extent::ELSEWHERE;
    }
    if before.as_ref().is_some_and(|(_, kernels)| !kernels) {
        program.kernels = None;
    }
    let here = scratch.path().join("here");
    let after = measure(&program, extent, &here, &|what| eprintln!("{what} ..."))?;
    after.write(&options.out)?;
    let checks = match &before {
        Some((before, _)) => compare(before, &after, options.accept)?,
        None => alone(&after),
    };
    tell(&checks, options)?;
    let any = |of: fn(&Check) -> Option<&str>| checks.iter().any(|c| of(c).is_some());
    Ok(match (any(Check::worse), any(Check::not_compared)) {
        (true, _) => WORSE,
        (false, true) => ELSEWHERE,
        (false, false) => 0,
    })
}

/// The figures of a file, or of a revision; and whether it has kernels.
fn before(what: &str, options: &Gate, own: &Path, scratch: &Path) -> Result<(Figures, bool)> {
    let path = Path::new(what);
    if path.is_file() {
        let figures = Figures::read(path)?;
        fresh(&figures, &told())?;
        return Ok((figures, true));
    }
    eprintln!("building {what} ...");
    let target = options.fosse.parent().and_then(Path::parent).unwrap_or(Path::new("target")).join("against");
    let target =
        std::path::absolute(&target).map_err(|source| Error::File { path: target.clone(), source })?;
    let program = built(&options.root, what, scratch, &target, own)?;
    let extent = if options.full { Extent::FULL } else { Extent::QUICK };
    let figures = measure(&program, extent, &scratch.join("there"), &|s| eprintln!("{what}: {s} ..."))?;
    Ok((figures, program.kernels.is_some()))
}

fn tell(checks: &[Check], options: &Gate) -> Result<()> {
    let write = |path: &Path, text: String| {
        std::fs::write(path, text).map_err(|source| Error::File { path: path.into(), source })
    };
    let table = render::markdown(checks);
    print!("{table}");
    if let Some(path) = &options.markdown {
        write(path, table)?;
    }
    if let Some(path) = &options.junit {
        write(path, render::junit(checks))?;
    }
    Ok(())
}
