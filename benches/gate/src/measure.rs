//! All figures of a program.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

use crate::figures::{FORMAT, Figures};
use crate::scenes::{COUNTED, LARGE, QUICK};
use crate::{Environment, Error, Program, Result};

/// How often each figure is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extent {
    /// Counts of a survey's instructions. Two tell their noise.
    pub surveys: usize,
    /// Counts of each kernel's.
    pub kernels: usize,
    /// Weighings of a survey's memory, of which the least counts: ten of one program differ by 1 %.
    pub weighings: usize,
}

impl Extent {
    /// What a change is checked by: minutes.
    pub const QUICK: Self = Self { surveys: 2, kernels: 1, weighings: 5 };
    /// What a baseline is worth: three counts of each.
    pub const FULL: Self = Self { surveys: 3, kernels: 3, weighings: 5 };
    /// What can be compared with a baseline of another machine: what is found.
    pub const ELSEWHERE: Self = Self { surveys: 0, kernels: 0, weighings: 0 };
}

/// Figures of scenes with truth, as `fosse evaluate` names them.
const DUG: [&str; 6] = [
    "completeness",
    "correctness",
    "average_precision",
    "class_accuracy",
    "false_alarms_per_km2",
    "position_rmse_m",
];
/// Of scenes without.
const QUIET: &str = "false_alarms_per_km2";

/// Measures a program; what it writes goes below `scratch`. `say` hears what comes next.
///
/// # Errors
/// Where the program or valgrind cannot be run, fails, or says something unexpected.
pub fn measure(program: &Program, extent: Extent, scratch: &Path, say: &dyn Fn(&str)) -> Result<Figures> {
    let folder = scratch.join("scenes");
    let make = |path: &Path| {
        std::fs::create_dir_all(path).map_err(|source| Error::File { path: path.into(), source })
    };
    make(&folder)?;
    say("simulating scenes");
    for scene in &QUICK {
        scene.simulate(program, &folder)?;
    }

    say("scoring, on one thread and on two");
    let (suite, one) = program.evaluate(&folder, &scratch.join("scores-1"), 1)?;
    let (_, two) = program.evaluate(&folder, &scratch.join("scores-2"), 2)?;
    let mut output_sha256 = vec![one, two];
    output_sha256.dedup();

    let mut memory_kib = BTreeMap::new();
    if extent.weighings > 0 {
        say("weighing a survey");
        let large = LARGE.simulate(program, scratch)?;
        let weighed =
            (0..extent.weighings).map(|_| program.survey_peak_kib(&large, scratch)).collect::<Result<_>>()?;
        memory_kib.insert(format!("survey of {}", LARGE.name), weighed);
    }

    let mut instructions = BTreeMap::new();
    if extent.surveys > 0 {
        say("counting the instructions of a survey");
        let counted = folder.join(COUNTED);
        let counts = (0..extent.surveys)
            .map(|_| program.survey_instructions(&counted, scratch))
            .collect::<Result<_>>()?;
        instructions.insert(format!("survey of {COUNTED}"), counts);
    }
    let kernels = if extent.kernels > 0 { program.kernels()? } else { vec![] };
    for name in &kernels {
        say(&format!("counting the instructions of {name}"));
        let counts =
            (0..extent.kernels).map(|_| program.kernel_instructions(name, scratch)).collect::<Result<_>>()?;
        instructions.insert(format!("kernel {name}"), counts);
    }
    Ok(Figures {
        format: FORMAT,
        suite: told(),
        environment: Environment::here(),
        instructions,
        memory_kib,
        output_sha256,
        detection: detection(&suite)?,
    })
}

/// What is measured on, in words that change with it.
pub fn told() -> String {
    let scenes: Vec<String> = QUICK.iter().chain([&LARGE]).map(|s| s.told()).collect();
    scenes.join("; ")
}

/// Each figure by scene.
fn detection(suite: &Value) -> Result<BTreeMap<String, BTreeMap<String, f64>>> {
    let missing = |what: &str| Error::Answer { command: "fosse evaluate --suite".into(), what: what.into() };
    let rows = |kind: &str| suite[kind].as_array().ok_or_else(|| missing(&format!("no list {kind:?}")));
    if let Some(failed) = suite["failed"].as_array().and_then(|f| f.first()) {
        return Err(missing(&format!("a scene failed: {failed}")));
    }
    let mut out = BTreeMap::<String, BTreeMap<String, f64>>::new();
    let mut note = |figure: String, row: &Value, value: &Value| -> Result<()> {
        let scene = row["scene"].as_str().ok_or_else(|| missing("a row without its scene"))?;
        // A figure that a scene cannot have, the class of nothing found, is absent.
        if let Some(value) = value.as_f64() {
            out.entry(figure).or_default().insert(scene.to_owned(), value);
        }
        Ok(())
    };
    for row in rows("dug")? {
        for figure in DUG {
            note(figure.to_owned(), row, &row["score"][figure])?;
        }
    }
    for row in rows("quiet")? {
        note(format!("quiet_{QUIET}"), row, &row["score"][QUIET])?;
    }
    if out.is_empty() {
        return Err(missing("no scene has a figure"));
    }
    Ok(out)
}
