//! What was typed and what the config file says, resolved: the command line before the file before the defaults.

use std::path::PathBuf;

use pipeline::{
    BackgroundOptions, ChipOptions, DetectOptions, EvaluateOptions, Expected, GateLimits, ImageOptions,
    PairRule, SceneOptions, Search, SimulateOptions, Split, Subject, SuiteOptions, SurveyOptions, diff,
    diff::classify, scoring,
};

use crate::args::{
    EvaluateArgs, GateArgs, ImageArgs, InspectArgs, SimulateArgs, SuiteSplit, SurveyArgs, WorstPair,
};
use crate::config::Config;

/// Larger files list no pairs.
const LARGEST_LIST: u64 = 16 << 20;

/// The folder to inspect, and what is said of its images.
///
/// # Errors
/// One line, for a config file or list of pairs that cannot be read, and where nothing names the folder.
pub fn inspect(args: &InspectArgs) -> Result<(PathBuf, ImageOptions), String> {
    let config = args.config.as_deref().map(Config::read).transpose()?.unwrap_or_default();
    let folder = folder(args.folder.as_ref(), &args.images, &config);
    let folder =
        folder.ok_or("neither the command line (<FOLDER>) nor the config file (`folder`) names a folder")?;
    Ok((folder, images(&args.images, &config)?))
}

/// The folder, or the address in its place.
fn folder(typed: Option<&PathBuf>, images: &ImageArgs, config: &Config) -> Option<PathBuf> {
    let stac = images.stac.as_ref().map(PathBuf::from);
    typed.cloned().or(stac).or_else(|| config.folder.clone())
}

/// The question to a STAC API.
fn search(args: &ImageArgs) -> Result<Option<Search>, String> {
    let (api, text) = match (&args.stac, &args.bbox) {
        (Some(api), Some(text)) => (api, text),
        (None, Some(_)) => {
            return Err("--bbox says where a STAC API is asked for images (--stac); of a folder all images are compared".into());
        }
        _ => return Ok(None),
    };
    let numbers: Vec<f64> = text.split(',').filter_map(|n| n.trim().parse().ok()).collect();
    let bbox = <[f64; 4]>::try_from(numbers)
        .ok()
        .filter(|_| text.split(',').count() == 4)
        .ok_or_else(|| format!("--bbox is {text}, must be west,south,east,north in degrees"))?;
    let (datetime, collections) = (args.datetime.clone(), args.collections.clone());
    Ok(Some(Search { api: api.clone(), bbox, datetime: datetime.map(whole_days), collections }))
}

/// An interval of days, which STAC wants as times.
fn whole_days(text: String) -> String {
    let (from, to) = text.split_once('/').unwrap_or((&text, &text));
    let is_day = |t: &str| t.parse::<chrono::NaiveDate>().is_ok();
    let of = |t: &str, clock: &str| if is_day(t) { format!("{t}T{clock}Z") } else { t.to_owned() };
    if text.contains('/') || is_day(&text) {
        return format!("{}/{}", of(from, "00:00:00"), of(to, "23:59:59"));
    }
    text
}

/// What is said of the images.
fn images(args: &ImageArgs, config: &Config) -> Result<ImageOptions, String> {
    let pairs = args.pairs.as_deref().or(config.pairs.as_deref()).map(pair_rule).transpose()?;
    Ok(ImageOptions {
        crs: args.crs.clone().or_else(|| config.crs.clone()),
        capture: config.capture.clone(),
        pairs: pairs.unwrap_or_default(),
        gate: config.gate,
        cache: if args.no_cache { None } else { cache_folder() },
        stac: search(args)?,
        kept: cache_folder(),
        kept_bytes: args
            .keep_gb
            .or(config.keep_gb)
            .map_or(ImageOptions::KEPT_BYTES, |gb| gb.saturating_mul(1 << 30)),
    })
}

/// Which pairs a survey refuses.
fn gate(args: &GateArgs, config: GateLimits) -> GateLimits {
    let worst = args.worst_pair.map(|worst| match worst {
        WorstPair::Good => Expected::Good,
        WorstPair::Fair => Expected::Fair,
    });
    GateLimits {
        worst: worst.or(config.worst),
        max_convergence_deg: args.max_convergence.or(config.max_convergence_deg),
        max_sun_azimuth_deg: args.max_sun_azimuth.or(config.max_sun_azimuth_deg),
        max_sun_elevation_deg: args.max_sun_elevation.or(config.max_sun_elevation_deg),
        max_gsd_ratio: args.max_gsd_ratio.or(config.max_gsd_ratio),
        max_season_days: args.max_season.or(config.max_season_days),
        max_cloud_percent: args.max_cloud.or(config.max_cloud_percent),
    }
}

/// True for a rule of pairing, false for the name of a file.
pub fn is_rule(text: &str) -> bool {
    matches!(text, "consecutive" | "steps" | "first" | "all")
}

/// A rule by its name, or the pairs in a file: two ids or paths a line, with a comma, a tab or a space between; what
/// follows a # is a remark.
fn pair_rule(text: &str) -> Result<PairRule, String> {
    match text {
        "consecutive" => return Ok(PairRule::Consecutive),
        "steps" => return Ok(PairRule::Steps),
        "first" => return Ok(PairRule::First),
        "all" => return Ok(PairRule::All),
        _ => {}
    }
    let wrong = |e: &dyn std::fmt::Display| {
        format!(
            "--pairs is {text}, must be consecutive, steps, first, all, or a file of pairs that can be read: {e}"
        )
    };
    let length = std::fs::metadata(text).map_err(|e| wrong(&e))?.len();
    if length > LARGEST_LIST {
        return Err(wrong(&format!("{length} bytes are more than {LARGEST_LIST}")));
    }
    let list = std::fs::read_to_string(text).map_err(|e| wrong(&e))?;
    let mut pairs = Vec::new();
    for (n, line) in list.lines().enumerate() {
        let line = line.split('#').next().unwrap_or_default().trim();
        if line.is_empty() {
            continue;
        }
        let two = line.split_once(',').or_else(|| line.split_once('\t')).or_else(|| line.split_once(' '));
        let (a, b) = two.ok_or_else(|| format!("{text}, line {}: {line:?} is no pair of images", n + 1))?;
        pairs.push((a.trim().to_owned(), b.trim().to_owned()));
    }
    Ok(PairRule::Listed(pairs))
}

/// Where image files are remembered: `FOSSE_CACHE`, else the user's folder for such things; nowhere where that is not
/// known or `FOSSE_CACHE` is empty.
fn cache_folder() -> Option<PathBuf> {
    let set = |name: &str| std::env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
    if std::env::var_os("FOSSE_CACHE").is_some() {
        return set("FOSSE_CACHE");
    }
    let user = set("XDG_CACHE_HOME").or_else(|| Some(set("HOME")?.join(".cache")));
    Some(user?.join("fosse"))
}

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
        needed(&folder(args.folder.as_ref(), &args.images, &config), &None, "<FOLDER>", "folder")?,
        needed(&args.front.first().cloned(), &config.front.file, "--front", "front.file")?,
        needed(&args.out, &config.out, "--out", "out")?,
    );
    let fronts = if args.front.is_empty() { config.fronts() } else { args.front.clone() };
    Ok(SurveyOptions {
        images: ImageOptions { gate: gate(&args.gate, config.gate), ..images(&args.images, &config)? },
        other_fronts: fronts.into_iter().skip(1).collect(),
        front_options: args.how.front_options(&config),
        context: args.how.context(&config),
        systems: config.systems,
        formats: args.how.formats(&config),
        diff: diff::Options {
            window_px: args.window.or(config.window_px).unwrap_or(base.diff.window_px),
            align: config.align,
            proposal: config.proposal,
            line_gain: config.line_gain,
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
            straight_share: args.straight,
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
        scene.straight_share = args.straight;
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
    fn a_question_to_a_stac_api() {
        let args = |bbox: &str| ImageArgs {
            stac: Some("https://h/stac".to_owned()),
            bbox: Some(bbox.to_owned()),
            datetime: Some("2024-06-01/2024-08-31".to_owned()),
            ..ImageArgs::default()
        };
        let asked = search(&args("35.1,51.6,35.3,51.8")).unwrap().unwrap();
        assert_eq!(asked.bbox, [35.1, 51.6, 35.3, 51.8]);
        assert_eq!(asked.datetime.as_deref(), Some("2024-06-01T00:00:00Z/2024-08-31T23:59:59Z"));
        for wrong in ["35,51,36", "35,51,36,x", "35,51,36,52,1"] {
            assert!(search(&args(wrong)).unwrap_err().contains("west,south,east,north"), "{wrong}");
        }
        assert_eq!(whole_days("2024-06-01/..".to_owned()), "2024-06-01T00:00:00Z/..");
    }

    #[test]
    fn rules_of_pairing() {
        assert_eq!(pair_rule("first"), Ok(PairRule::First));
        assert!(pair_rule("nowhere.txt").unwrap_err().contains("--pairs is nowhere.txt"));
        let dir = tempfile::tempdir().unwrap();
        let list = dir.path().join("pairs.txt");
        std::fs::write(&list, "# mine\na, b c\n\nd\te # last\nf g\n").unwrap();
        let rule = pair_rule(&list.to_string_lossy()).unwrap();
        let pairs = [("a", "b c"), ("d", "e"), ("f", "g")].map(|(a, b)| (a.to_owned(), b.to_owned()));
        assert_eq!(rule, PairRule::Listed(pairs.to_vec()));
        std::fs::write(&list, "alone\n").unwrap();
        assert!(pair_rule(&list.to_string_lossy()).unwrap_err().contains("line 1"));
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
