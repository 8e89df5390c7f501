//! Which crate knows which: the picture in ARCHITECTURE.md against what Cargo says.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use fosse_tests::root;
use serde_json::Value;

type Edges = BTreeMap<String, BTreeSet<String>>;

fn metadata() -> Value {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .current_dir(root())
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline"])
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("cargo metadata is JSON")
}

/// Packages below `crates/`.
fn crates(metadata: &Value) -> Vec<&Value> {
    let below = root().join("crates");
    let packages = metadata["packages"].as_array().unwrap();
    packages.iter().filter(|p| Path::new(p["manifest_path"].as_str().unwrap()).starts_with(&below)).collect()
}

/// Names of the dependencies of a package; `normal` leaves out those for tests and for building.
fn dependencies(package: &Value, normal: bool) -> BTreeSet<String> {
    let list = package["dependencies"].as_array().unwrap();
    list.iter()
        .filter(|d| !normal || d["kind"].is_null())
        .map(|d| d["name"].as_str().unwrap().to_owned())
        .collect()
}

/// The edges between `- edges -` marks of ARCHITECTURE.md: lines such as "- `report` → `domain`".
fn drawn() -> Edges {
    let text = std::fs::read_to_string(root().join("ARCHITECTURE.md")).expect("ARCHITECTURE.md");
    let block = text.split("<!-- edges -->").nth(1).and_then(|t| t.split("<!-- /edges -->").next());
    let block = block.expect("ARCHITECTURE.md draws the edges between <!-- edges --> and <!-- /edges -->");
    let named = |text: &str| text.split('`').skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>();
    block
        .lines()
        .filter(|line| line.trim_start().starts_with("- "))
        .map(|line| {
            let (from, to) = line.split_once('→').unwrap_or_else(|| panic!("no → in {line:?}"));
            (named(from).remove(0), named(to).into_iter().collect())
        })
        .collect()
}

#[test]
fn the_crates_know_each_other_as_drawn() {
    let metadata = metadata();
    let crates = crates(&metadata);
    let names: BTreeSet<String> = crates.iter().map(|p| p["name"].as_str().unwrap().to_owned()).collect();
    let built: Edges = crates
        .iter()
        .map(|p| {
            let internal = dependencies(p, true).intersection(&names).cloned().collect();
            (p["name"].as_str().unwrap().to_owned(), internal)
        })
        .collect();
    let (built, drawn) = (lines(&built), lines(&drawn()));
    assert_eq!(built, drawn, "ARCHITECTURE.md should say:\n{built}");
}

fn lines(edges: &Edges) -> String {
    let quoted = |to: &BTreeSet<String>| to.iter().map(|n| format!("`{n}`")).collect::<Vec<_>>().join(", ");
    edges
        .iter()
        .map(|(from, to)| {
            let to = if to.is_empty() { "nothing".to_owned() } else { quoted(to) };
            format!("- `{from}` → {to}\n")
        })
        .collect()
}

#[test]
fn only_ingest_knows_gdal() {
    let metadata = metadata();
    for package in metadata["packages"].as_array().unwrap() {
        let knows = dependencies(package, false).iter().any(|d| d == "gdal" || d == "gdal-sys");
        let name = package["name"].as_str().unwrap();
        assert_eq!(knows, name == "ingest", "{name}");
    }
}

#[test]
fn diff_and_domain_read_nothing() {
    for name in ["diff", "domain"] {
        for path in sources(&root().join("crates").join(name).join("src")) {
            let text = std::fs::read_to_string(&path).unwrap();
            // A capture names its file, but nobody in `domain` opens it.
            let banned: &[&str] = if name == "diff" {
                &[
                    "std::path",
                    "std::fs",
                    "std::io",
                    "std::net",
                    "std::env",
                    "std::time",
                    "Instant::now",
                    "Utc::now",
                ]
            } else {
                &["std::fs", "std::io", "std::net", "std::env", "std::thread", "rayon", "tokio", "Utc::now"]
            };
            for word in banned {
                assert!(!text.contains(word), "{} uses {word}", path.display());
            }
        }
    }
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path());
    entries.flat_map(|p| if p.is_dir() { sources(&p) } else { vec![p] }).collect()
}
