//! What may stand in a config file.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use chrono::NaiveDate;
use pipeline::diff::{align, classify, line_gain, proposal};
use pipeline::{CaptureEntry, Format, FrontRule, GateLimits, SystemOptions};
use serde::Deserialize;

/// The options of a survey, each of which may be left out.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    pub folder: Option<PathBuf>,
    pub out: Option<PathBuf>,
    pub threads: Option<usize>,
    pub window_px: Option<usize>,
    pub cache_mb: Option<usize>,
    pub keep_gb: Option<u64>,
    pub model: Option<PathBuf>,
    pub chips: Option<bool>,
    pub max_chips: Option<usize>,
    pub formats: Option<Vec<Format>>,
    pub crs: Option<String>,
    pub pairs: Option<String>,
    pub gate: GateLimits,
    pub capture: Vec<CaptureEntry>,
    pub front: Front,
    pub context: BTreeMap<String, PathBuf>,
    pub systems: SystemOptions,
    pub align: align::Options,
    pub proposal: proposal::Options,
    pub line_gain: line_gain::Options,
    pub classify: classify::Options,
}

/// The front line.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Front {
    pub file: Option<PathBuf>,
    pub others: Vec<PathBuf>,
    #[serde(deserialize_with = "day")]
    pub date: Option<NaiveDate>,
    pub source: Option<String>,
    pub class: Option<String>,
    pub border: Option<PathBuf>,
    pub border_tolerance_m: Option<f64>,
    pub lat_first: Option<bool>,
    pub rule: Option<FrontRule>,
    pub classes: BTreeMap<String, Vec<String>>,
}

impl Config {
    /// The options in a file, its paths resolved against its folder.
    ///
    /// # Errors
    /// One line that names the file, the place and the key.
    pub fn read(path: &Path) -> Result<Self, String> {
        let text =
            std::fs::read_to_string(path).map_err(|e| format!("cannot read {}: {e}", path.display()))?;
        let mut config = Self::parse(&text).map_err(|e| format!("{}{e}", path.display()))?;
        let base = path.parent().unwrap_or(Path::new(""));
        let paths = [
            &mut config.folder,
            &mut config.out,
            &mut config.model,
            &mut config.front.file,
            &mut config.front.border,
        ];
        let more = config.front.others.iter_mut().chain(config.context.values_mut());
        // An address is relative to nothing.
        for path in paths.into_iter().flatten().chain(more).filter(|p| !pipeline::is_address(p)) {
            *path = base.join(&*path);
        }
        for capture in &mut config.capture {
            // As the catalogue spells what lies in the folder.
            let folder = config.folder.clone().unwrap_or_default();
            let of = |file: &Path| {
                Some(base.join(file)).filter(|p| p.exists()).unwrap_or_else(|| folder.join(file))
            };
            capture.file = of(&capture.file);
            for mask in &mut capture.masks {
                mask.file = of(&mask.file);
            }
        }
        if let Some(pairs) = config.pairs.as_mut().filter(|p| !crate::plan::is_rule(p)) {
            *pairs = base.join(&*pairs).to_string_lossy().into_owned();
        }
        Ok(config)
    }

    /// The fronts that it names, the one that leads first.
    pub fn fronts(&self) -> Vec<PathBuf> {
        self.front.file.iter().chain(&self.front.others).cloned().collect()
    }

    /// The options in a text; the error continues the name of the file.
    fn parse(text: &str) -> Result<Self, String> {
        toml::from_str(text).map_err(|e| {
            let line = e.span().map(|s| text[..s.start.min(text.len())].matches('\n').count() + 1);
            let at = line.map(|n| format!(", line {n}")).unwrap_or_default();
            let key = e.span().and_then(|s| text.get(s)).map(str::trim).unwrap_or_default();
            let said = e.message().split_whitespace().collect::<Vec<_>>().join(" ");
            let named = key.is_empty() || key.contains('\n') || said.contains(key);
            if named { format!("{at}: {said}") } else { format!("{at}: `{key}`: {said}") }
        })
    }
}

/// A day as TOML's own date or as text.
fn day<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<NaiveDate>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Day {
        Toml(toml::value::Datetime),
        Text(String),
    }
    let text = match Day::deserialize(deserializer)? {
        Day::Toml(date) => date.to_string(),
        Day::Text(text) => text,
    };
    let wrong = |_| serde::de::Error::custom(format!("{text:?} is no date like 2024-08-14"));
    text.parse().map(Some).map_err(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_is_read() {
        let config = Config::parse(
            "folder = 'imagery'\nthreads = 2\nchips = false\n\
             [front]\nfile = 'front.geojson'\ndate = 2024-08-14\n[align]\nmax_shift_m = 12.0\n",
        )
        .unwrap();
        assert_eq!(config.threads, Some(2));
        assert_eq!(config.front.date, NaiveDate::from_ymd_opt(2024, 8, 14));
        assert_eq!(config.align.max_shift_m, 12.0);
        let quoted = Config::parse("[front]\ndate = '2024-08-14'").unwrap();
        assert_eq!(quoted.front.date, config.front.date);
    }

    #[test]
    fn a_time_of_an_image_may_be_of_toml_s_own_kind() {
        for text in ["2024-08-12T08:41:07Z", "'2024-08-12T08:41:07Z'", "2024-08-12", "'2024-08-12'"] {
            let config = Config::parse(&format!("[[capture]]\nfile = 'a.tif'\ndatetime = {text}\n")).unwrap();
            assert_eq!(config.capture[0].datetime.as_deref(), Some(text.trim_matches('\'')));
        }
        let error = Config::parse("[[capture]]\nfile = 'a.tif'\ndatetime = 8\n").unwrap_err();
        assert!(error.contains("line 3") && error.contains("a time like 2024"), "{error}");
    }

    #[test]
    fn errors_name_the_line_and_the_key() {
        let error = Config::parse("threads = 2\nwindow = 512\n").unwrap_err();
        assert!(error.starts_with(", line 2: ") && error.contains("`window`"), "{error}");
        assert!(!error.contains('\n'));
        let error = Config::parse("[align]\nmax_shift = 3.0\n").unwrap_err();
        assert!(error.contains("line 2") && error.contains("max_shift_m"), "{error}");
        let error = Config::parse("threads = 'two'\n").unwrap_err();
        assert!(error.contains("line 1"), "{error}");
        let error = Config::parse("[front]\ndate = 'August'\n").unwrap_err();
        assert!(error.contains("August"), "{error}");
    }
}
