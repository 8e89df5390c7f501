//! Stands for `fosse` and `fosse-kernels` in the tests of the gate: the same commands, small work, and a fault where
//! `PLANTED` names one.
//!
//! `slow`: a kernel of 5 % more rounds. `leak`: memory that nobody gives back. `threshold`: weaker detections are dropped.
//! `order`: detections in the order of their addresses.

use std::collections::HashMap;
use std::hint::black_box;
use std::path::{Path, PathBuf};

use std::fmt::Write as _;

fn planted(fault: &str) -> bool {
    std::env::var("PLANTED").is_ok_and(|p| p == fault)
}

fn main() -> std::io::Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let after = |name: &str| {
        let at = words.iter().position(|w| w == name);
        at.and_then(|i| words.get(i + 1)).map(PathBuf::from).unwrap_or_default()
    };
    match words.first().map(String::as_str) {
        Some("simulate") => std::fs::create_dir_all(after("--out")),
        Some("evaluate") => evaluate(&after("--suite"), &after("--out")),
        Some("survey") => {
            std::fs::create_dir_all(after("--out"))?;
            let buffer = vec![1u8; 32 << 20];
            // A byte of each page: memory, and hardly an instruction.
            let mut leaked = vec![0u8; if planted("leak") { 12 << 20 } else { 0 }];
            leaked.iter_mut().step_by(4096).for_each(|byte| *byte = 1);
            black_box((rounds(), &buffer, &leaked));
            Ok(())
        }
        Some("--list") => {
            println!("rounds");
            Ok(())
        }
        Some("rounds") => {
            let times = words.get(1).and_then(|n| n.parse().ok()).unwrap_or(0);
            (0..times).for_each(|_| _ = black_box(rounds()));
            Ok(())
        }
        _ => Err(std::io::Error::other("what?")),
    }
}

/// A kernel.
fn rounds() -> u64 {
    let rounds = if planted("slow") { 210_000 } else { 200_000u64 };
    (0..rounds).fold(7, |sum, i| black_box(sum * 3 % 1_000_003 + i))
}

/// Detections of every scene: their confidence is all there is to them.
fn evaluate(suite: &Path, out: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(out.join("scenes"))?;
    let mut names: Vec<String> = std::fs::read_dir(suite)?
        .map(|e| Ok(e?.file_name().to_string_lossy().into_owned()))
        .collect::<std::io::Result<_>>()?;
    names.sort();
    let least = if planted("threshold") { 0.62 } else { 0.5 };
    let (mut dug, mut quiet) = (vec![], vec![]);
    for (k, name) in names.iter().enumerate() {
        // Ten works a scene, found with confidences that differ from scene to scene.
        let all: HashMap<usize, f64> = (0..10).map(|i| (i, 0.4 + 0.06 * ((i * 7 + k) % 10) as f64)).collect();
        let mut found: Vec<(usize, f64)> = all.into_iter().filter(|(_, c)| *c >= least).collect();
        if !planted("order") {
            found.sort_by_key(|f| f.0);
        }
        let mut text = String::new();
        for (i, c) in &found {
            let _ = writeln!(text, "{i} {c:.2}");
        }
        std::fs::write(out.join("scenes").join(format!("{name}.geojson")), text)?;
        let completeness = found.len() as f64 / 10.0;
        let row = format!(
            r#"{{"scene":"{name}","score":{{"completeness":{completeness},"correctness":0.9,"false_alarms_per_km2":1.5}}}}"#
        );
        if name.starts_with("quiet") { quiet.push(row) } else { dug.push(row) }
    }
    let json = format!(r#"{{"dug":[{}],"quiet":[{}],"failed":[]}}"#, dug.join(","), quiet.join(","));
    std::fs::write(out.join("suite.json"), json)
}
