//! What figures depend on beside the code.

use std::process::Command;

use serde::{Deserialize, Serialize};

/// Instructions and bits are comparable only where all of this is the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Environment {
    /// Architecture, with the instruction set that a program under valgrind takes.
    pub processor: String,
    /// Name and version of the system, for its C library and what comes with it.
    pub system: String,
    /// Compiler.
    pub rustc: String,
    /// Counter of instructions.
    pub valgrind: String,
    /// Decoder.
    pub gdal: String,
}

impl Environment {
    /// That of this machine; what cannot be told is `unknown`.
    pub fn here() -> Self {
        let system = std::fs::read_to_string("/etc/os-release").unwrap_or_default();
        let name = system.lines().find_map(|l| l.strip_prefix("PRETTY_NAME="));
        Self {
            processor: processor(),
            system: name.map_or("unknown", |n| n.trim_matches('"')).to_owned(),
            rustc: said("rustc", &["-V"]),
            valgrind: said("valgrind", &["--version"]),
            gdal: said("gdal-config", &["--version"]),
        }
    }

    /// What differs, in words; `None` where nothing does.
    pub fn differs(&self, now: &Self) -> Option<String> {
        let parts = [
            ("processor", &self.processor, &now.processor),
            ("system", &self.system, &now.system),
            ("rustc", &self.rustc, &now.rustc),
            ("valgrind", &self.valgrind, &now.valgrind),
            ("GDAL", &self.gdal, &now.gdal),
        ];
        let differing: Vec<String> = parts
            .into_iter()
            .filter(|(_, then, now)| then != now)
            .map(|(what, then, now)| format!("{what}: {then} then, {now} now"))
            .collect();
        (!differing.is_empty()).then(|| differing.join("; "))
    }
}

/// Valgrind shows a program AVX2 where the processor has it, and never AVX-512.
fn processor() -> String {
    #[cfg(target_arch = "x86_64")]
    let vectors = if std::is_x86_feature_detected!("avx2") { "+avx2" } else { "" };
    #[cfg(not(target_arch = "x86_64"))]
    let vectors = "";
    format!("{}{vectors}", std::env::consts::ARCH)
}

fn said(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output();
    let text =
        output.ok().filter(|o| o.status.success()).map(|o| String::from_utf8_lossy(&o.stdout).into_owned());
    text.and_then(|t| t.lines().next().map(|l| l.trim().to_owned())).unwrap_or_else(|| "unknown".into())
}
