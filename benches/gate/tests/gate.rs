//! The gate notices what it is there for, and nothing else.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::Path;
use std::process::{Command, Output};

use fosse_bench::Error;
use fosse_bench::compare::compare;
use fosse_bench::figures::Figures;

fn has_valgrind() -> bool {
    let there = Command::new("valgrind").arg("--version").output().is_ok_and(|o| o.status.success());
    if !there {
        eprintln!("SKIPPED: valgrind is not installed");
    }
    there
}

/// The gate on the stand-in with a fault, or none.
fn gate(fault: &str, folder: &Path, more: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_fosse-bench"))
        .args(["--fosse", env!("CARGO_BIN_EXE_planted"), "--kernels", env!("CARGO_BIN_EXE_planted")])
        .args(more)
        .current_dir(folder)
        .env("PLANTED", fault)
        .output()
        .expect("the gate runs")
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[test]
fn each_planted_regression_is_caught_and_the_same_again_is_not() {
    if !has_valgrind() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let first = gate("", dir.path(), &["--out", "base.json"]);
    assert_eq!(first.status.code(), Some(0), "{}", said(&first));
    let faults: [(&str, &[&str]); 5] = [
        ("", &[]),
        ("slow", &["instructions, kernel rounds"]),
        ("leak", &["peak memory, survey of large"]),
        ("threshold", &["output", "detection, completeness"]),
        ("order", &["output"]),
    ];
    for (fault, worse) in faults {
        let more = ["--against", "base.json", "--markdown", "t.md", "--junit", "t.xml"];
        let output = gate(fault, dir.path(), &more);
        let table = std::fs::read_to_string(dir.path().join("t.md")).unwrap();
        let xml = std::fs::read_to_string(dir.path().join("t.xml")).unwrap();
        let code = if worse.is_empty() { 0 } else { 1 };
        assert_eq!(output.status.code(), Some(code), "{fault}: {}", said(&output));
        // These, and nothing else.
        assert_eq!(table.matches("| worse |").count(), worse.len(), "{fault}: {table}");
        for name in worse {
            assert!(table.contains(&format!("| worse | {name} |")), "{fault}: {table}");
            assert!(xml.contains(&format!("name=\"{name}\"><failure")), "{fault}: {xml}");
        }
    }
    // Another output that is meant passes; one that differs from run to run never does.
    let meant = gate("threshold", dir.path(), &["--against", "base.json", "--accept"]);
    assert!(!said(&meant).contains("| worse | output |"), "{}", said(&meant));
    let order = gate("order", dir.path(), &["--against", "base.json", "--accept"]);
    assert_eq!(order.status.code(), Some(1), "{}", said(&order));

    // On another machine: what is found counts, the rest is said to be left out.
    let mut base: Figures = Figures::read(&dir.path().join("base.json")).unwrap();
    base.environment.processor = "another".into();
    base.write(&dir.path().join("elsewhere.json")).unwrap();
    for (fault, code) in [("", 4), ("slow", 4), ("threshold", 1), ("order", 1)] {
        let output = gate(fault, dir.path(), &["--against", "elsewhere.json", "--junit", "t.xml"]);
        assert_eq!(output.status.code(), Some(code), "{fault}: {}", said(&output));
        assert!(said(&output).contains("processor: another then"), "{fault}: {}", said(&output));
        let xml = std::fs::read_to_string(dir.path().join("t.xml")).unwrap();
        assert!(xml.contains("name=\"instructions and peak memory\"><skipped"), "{fault}: {xml}");
    }
}

/// A baseline as it stands in the repository, to be spoiled.
fn figures() -> Figures {
    serde_json::from_str(
        r#"{"format":1,"suite":"s","environment":{"processor":"p","system":"s","rustc":"r","valgrind":"v","gdal":"g"},
        "instructions":{"survey":[1000000,1000010],"kernel":[500000,500000]},"memory_kib":{"survey":[100000,101000]},
        "output_sha256":["aa"],
        "detection":{"completeness":{"a":0.8,"b":0.7,"c":0.9,"d":0.8},
        "quiet_false_alarms_per_km2":{"e":0.0,"f":2.0}}}"#,
    )
    .unwrap()
}

/// Names of what is worse.
fn worse(before: &Figures, after: &Figures) -> Vec<String> {
    let checks = compare(before, after, false).unwrap();
    checks.into_iter().filter(|c| c.worse().is_some()).map(|c| c.name).collect()
}

#[test]
fn limits_are_where_they_are_said_to_be() {
    let before = figures();
    assert_eq!(worse(&before, &before), [""; 0]);
    let changed = |change: &dyn Fn(&mut Figures)| {
        let mut after = before.clone();
        change(&mut after);
        worse(&before, &after)
    };
    let counts = |n: u64| move |f: &mut Figures| _ = f.instructions.insert("survey".into(), vec![n, n]);
    assert_eq!(changed(&counts(1_029_000)), [""; 0]);
    assert_eq!(changed(&counts(1_031_000)), ["instructions, survey"]);
    // Three times its own noise: of a figure that scatters by 2 %, 5 % are let pass.
    let noisy = |f: &mut Figures| _ = f.instructions.insert("survey".into(), vec![1_050_000, 1_071_000]);
    assert_eq!(changed(&noisy), [""; 0]);
    let memory = |n: u64| move |f: &mut Figures| _ = f.memory_kib.insert("survey".into(), vec![n, n + 9000]);
    assert_eq!(changed(&memory(104_000)), [""; 0]);
    assert_eq!(changed(&memory(106_000)), ["peak memory, survey"]);
    let complete = |v: [f64; 4]| {
        move |f: &mut Figures| {
            let scenes = ["a", "b", "c", "d"].map(str::to_owned).into_iter().zip(v).collect();
            f.detection.insert("completeness".into(), scenes);
        }
    };
    // One scene down and another up is chance; all a little down is not.
    assert_eq!(changed(&complete([0.75, 0.75, 0.88, 0.82])), [""; 0]);
    assert_eq!(changed(&complete([0.78, 0.67, 0.88, 0.77])), ["detection, completeness"]);
    assert_eq!(changed(&complete([0.6, 0.7, 0.7, 0.8])), ["detection, completeness"]);
    let alarms = |f: &mut Figures| {
        _ = f
            .detection
            .insert("quiet_false_alarms_per_km2".into(), [("e".into(), 3.0), ("f".into(), 4.0)].into())
    };
    assert_eq!(changed(&alarms), ["detection, quiet_false_alarms_per_km2"]);
    assert_eq!(changed(&|f| f.output_sha256 = vec!["bb".into()]), ["output"]);
    assert_eq!(changed(&|f| f.output_sha256 = vec!["aa".into(), "bb".into()]), ["output"]);
}

#[test]
fn figures_of_another_machine_are_compared_as_far_as_they_can_be() {
    let before = figures();
    let mut after = before.clone();
    after.environment.rustc = "rustc 2".into();
    after.output_sha256 = vec!["bb".into()];
    after.instructions.clear();
    let left: Vec<(String, String)> = compare(&before, &after, false)
        .unwrap()
        .iter()
        .filter_map(|c| Some((c.name.clone(), c.not_compared()?.to_owned())))
        .collect();
    let why = "rustc: r then, rustc 2 now".to_owned();
    assert_eq!(left, [("output".into(), why.clone()), ("instructions and peak memory".into(), why)]);
    assert_eq!(worse(&before, &after), [""; 0]);
    let scenes = ["a", "b", "c", "d"].map(|scene| (scene.to_owned(), 0.5));
    after.detection.insert("completeness".into(), scenes.into());
    assert_eq!(worse(&before, &after), ["detection, completeness"]);
    after.detection.remove("completeness");
    assert!(matches!(compare(&before, &after, false), Err(Error::Stale { .. })));
}

#[test]
fn a_stale_baseline_is_an_error_that_says_how_to_renew_it() {
    let before = figures();
    let stale = |change: &dyn Fn(&mut Figures)| {
        let mut after = before.clone();
        change(&mut after);
        compare(&before, &after, true).unwrap_err()
    };
    for e in [
        stale(&|f| f.suite = "other".into()),
        stale(&|f| _ = f.instructions.insert("kernel of tomorrow".into(), vec![1])),
        stale(&|f| _ = f.memory_kib.remove("survey")),
    ] {
        assert!(matches!(e, Error::Stale { .. }) && e.to_string().contains("scripts/bench --renew"), "{e}");
    }
    // From the command: a file of another format.
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("old.json"), "{\"format\":0}").unwrap();
    let output = gate("", dir.path(), &["--against", "old.json"]);
    assert_eq!(output.status.code(), Some(3), "{}", said(&output));
    let output = gate("", dir.path(), &["--against", "no-such-thing"]);
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
}
