//! What was typed and what the config file says, resolved: the command line before the file before the defaults.

use std::path::PathBuf;

use pipeline::{
    BackgroundOptions, ChipOptions, DetectOptions, EvaluateOptions, SceneOptions, SimulateOptions, Split,
    Subject, SuiteOptions, SurveyOptions, diff, diff::classify, scoring,
};

use crate::args::{EvaluateArgs, SimulateArgs, SuiteSplit, SurveyArgs};
use crate::config::Config;

/// The options of a survey.
///
/// # Errors
/// One line, for a config file that cannot be read and for a path that neither names.
pub fn survey(args: &SurveyArgs) -> Result<SurveyOptions, String> {
    let config = args.config.as_deref().map(Config::read).transpose()?.unwrap_or_default();
    let needed = |typed: &Option<PathBuf>, file: &Option<PathBuf>, option: &str, key: &str| {
        typed.clone().or_else(|| file.clone()).ok_or_else(|| {
            let config = args.config.as_deref().map(|p| p.display().to_string()).unwrap_or_default();
            format!("neither the command line ({option}) nor {config} (`{key}`) names it: give one of them")
        })
    };
    let base = SurveyOptions::new(
        needed(&args.folder, &config.folder, "<FOLDER>", "folder")?,
        needed(&args.front.first().cloned(), &config.front.file, "--front", "front.file")?,
        needed(&args.out, &config.out, "--out", "out")?,
    );
    let fronts = if args.front.is_empty() { config.fronts() } else { args.front.clone() };
    Ok(SurveyOptions {
        other_fronts: fronts.into_iter().skip(1).collect(),
        front_options: args.how.front_options(&config),
        context: args.how.context(&config),
        systems: config.systems,
        formats: args.how.formats(&config),
        diff: diff::Options {
            window_px: args.window.or(config.window_px).unwrap_or(base.diff.window_px),
            align: config.align,
            line_gain: config.line_gain,
            trace: config.trace,
            classify: classify::Options {
                min_confidence: args.min_confidence.unwrap_or(config.classify.min_confidence),
                all_lines: args.all_lines || config.classify.all_lines,
                ..config.classify
            },
        },
        chips: ChipOptions {
            draw: !args.no_chips && config.chips.unwrap_or(base.chips.draw),
            max: args.max_chips.or(config.max_chips).unwrap_or(base.chips.max),
        },
        threads: args.threads.or(config.threads).unwrap_or(base.threads),
        cache_mb: args.cache_mb.or(config.cache_mb).unwrap_or(base.cache_mb),
        model: args.model.clone().or(config.model),
        overwrite: args.overwrite,
        resume: args.resume,
        ..base
    })
}

/// The options of a simulation.
///
/// # Errors
/// One line where an option is out of its range.
pub fn simulate(args: &SimulateArgs) -> Result<SimulateOptions, String> {
    if let Some(gsd) = args.gsd.filter(|gsd| !(0.1..=2.0).contains(gsd)) {
        return Err(format!("--gsd is {gsd}, must be 0.1 to 2 metres"));
    }
    if args.background.len() > 2 {
        return Err(format!(
            "--background {} times, must be once or twice: earlier, later",
            args.background.len()
        ));
    }
    let subject = if args.suite.is_some() {
        let split = args.split.map(|split| match split {
            SuiteSplit::Train => Split::Train,
            SuiteSplit::Validation => Split::Validation,
            SuiteSplit::Test => Split::Test,
        });
        Subject::Suite {
            split,
            backgrounds: args.backgrounds.clone(),
            gsd_m: args.gsd,
            bits: args.bits,
            turned_share: args.turned,
        }
    } else if !args.background.is_empty() {
        let base = BackgroundOptions::default();
        let options = BackgroundOptions {
            seed: args.seed.unwrap_or(base.seed),
            quiet: args.no_works,
            fresh_share: args.fresh,
            turned_share: args.turned,
            ..base
        };
        Subject::Background { files: args.background.clone(), gsd_m: args.gsd, options }
    } else {
        let mut scene = match (args.varied, args.seed) {
            (true, seed) => SceneOptions::varied(seed.unwrap_or_default()),
            (false, Some(seed)) => SceneOptions { seed, ..Default::default() },
            (false, None) => SceneOptions::default(),
        };
        scene.dates = args.dates.unwrap_or(scene.dates);
        let (size_px, gsd_m) = (args.size.unwrap_or(scene.size_px), args.gsd.unwrap_or(scene.gsd_m));
        scene = scene.sized(size_px, gsd_m);
        scene.quiet = args.no_works;
        scene.turned_share = args.turned;
        scene.bits = args.bits;
        Subject::Scene(scene)
    };
    let out = args.suite.clone().or_else(|| args.out.clone()).unwrap_or_default();
    Ok(SimulateOptions { out, subject, jpeg_quality: args.jpeg, threads: args.threads })
}

/// The options of an evaluation of two files; none of a suite.
pub fn evaluate(args: &EvaluateArgs) -> Option<EvaluateOptions> {
    Some(EvaluateOptions {
        truth: args.truth.clone()?,
        detections: args.detections.clone()?,
        score: scoring(args),
        plots: args.plots.clone(),
    })
}

/// The options of an evaluation of a suite; none of two files.
pub fn suite(args: &EvaluateArgs) -> Option<SuiteOptions> {
    let mut detect =
        DetectOptions { threads: args.threads, model: args.model.clone(), ..DetectOptions::default() };
    if let Some(floor) = args.floor {
        detect.diff.classify.min_confidence = floor;
    }
    Some(SuiteOptions {
        folder: args.suite.clone()?,
        score: scoring(args),
        detect,
        out: args.out.clone(),
        overwrite: args.overwrite,
        plots: args.plots.clone(),
    })
}

fn scoring(args: &EvaluateArgs) -> scoring::Options {
    scoring::Options { buffer_m: args.buffer, min_confidence: args.min_confidence }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_typed_overrides_the_file_which_overrides_the_defaults() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("survey.toml");
        std::fs::write(
            &path,
            "folder = 'imagery'\nout = '/elsewhere'\nthreads = 3\nwindow_px = 512\n[front]\nfile = 'f.geojson'\n",
        )
        .unwrap();
        let args = SurveyArgs {
            config: Some(path),
            threads: Some(1),
            out: Some("here".into()),
            ..Default::default()
        };
        let plan = survey(&args).unwrap();
        assert_eq!(plan.folder, dir.path().join("imagery"));
        assert_eq!(plan.front, dir.path().join("f.geojson"));
        assert_eq!(plan.out, PathBuf::from("here"));
        assert_eq!((plan.threads, plan.diff.window_px), (1, 512));
        assert_eq!(plan.chips, ChipOptions::default());
    }

    #[test]
    fn a_missing_path_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("survey.toml");
        std::fs::write(&path, "folder = 'imagery'\n").unwrap();
        let error = survey(&SurveyArgs { config: Some(path), ..Default::default() }).unwrap_err();
        assert!(error.contains("--front") && error.contains("front.file") && error.contains("survey.toml"));
    }
}
