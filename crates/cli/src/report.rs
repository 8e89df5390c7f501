//! `fosse report` and `fosse compare`: finished runs, without pixels.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args as ClapArgs;
use pipeline::{Comparison, ReportOptions};

use crate::config::Config;
use crate::exit;
use crate::front_args::FrontArgs;
use crate::run::say;

const REPORT_EXAMPLES: &str = "\
Examples:
  fosse report out/ --front front/2024-08-20.geojson
  fosse report out/ --front fronts/ --front-rule nearest --context roads=roads.gpkg --formats html,gpkg

Replaces the documents in the folder of the run: those that --formats does not name would go on telling of the front of
before, and are removed. The pictures stay, and keep the captions they were drawn with.";

/// `fosse report`.
#[derive(Debug, ClapArgs)]
#[command(after_help = REPORT_EXAMPLES)]
pub struct ReportArgs {
    /// Folder of a finished run
    pub run: PathBuf,
    /// Front line to measure from: a file or a folder of dated files; more than one give the spread
    #[arg(long, value_name = "FILE", required_unless_present = "config")]
    pub front: Vec<PathBuf>,
    /// Options in a TOML file, as for a survey; what is typed here overrides it
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// How to read it, and what to write.
    #[command(flatten)]
    pub how: FrontArgs,
}

/// `fosse compare`.
#[derive(Debug, ClapArgs)]
pub struct CompareArgs {
    /// Folder of a finished run
    pub first: PathBuf,
    /// Folder of a later one
    pub second: PathBuf,
    /// JSON instead of a list
    #[arg(long)]
    pub json: bool,
}

/// Measures a finished run anew.
pub async fn report(args: ReportArgs) -> ExitCode {
    let config = match args.config.as_deref().map(Config::read).transpose() {
        Ok(config) => config.unwrap_or_default(),
        Err(message) => return exit::report(exit::NOTHING_DONE, &message),
    };
    let fronts = if args.front.is_empty() { config.fronts() } else { args.front.clone() };
    if fronts.is_empty() {
        return exit::report(
            exit::NOTHING_DONE,
            "no front line is named: give --front, or `front.file` in the config",
        );
    }
    let options = ReportOptions {
        run: args.run.clone(),
        measure: args.how.measure(fronts, &config),
        formats: args.how.formats(&config),
    };
    match pipeline::report(&options).await {
        Ok(done) => {
            let nearest =
                done.nearest_m.map_or(String::new(), |m| format!("; the nearest {:.1} km away", m / 1000.0));
            let works = if done.earthworks == 1 { "earthwork" } else { "earthworks" };
            let report = done.run.join("report.md");
            say(
                &format!("{} {works} measured{nearest}\nreport: {}\n", done.earthworks, report.display()),
                exit::DONE,
            )
        }
        Err(error) => exit::failure(&error),
    }
}

/// Sets two runs side by side.
pub fn compare(args: &CompareArgs) -> ExitCode {
    match pipeline::compare_runs(&args.first, &args.second) {
        Ok(c) if args.json => match serde_json::to_string_pretty(&c) {
            Ok(text) => say(&(text + "\n"), exit::DONE),
            Err(e) => exit::report(exit::BUG, &format!("the result cannot be put into JSON: {e}")),
        },
        Ok(c) => say(&listed(&c), exit::DONE),
        Err(error) => exit::failure(&error),
    }
}

fn listed(c: &Comparison) -> String {
    let mut out = format!(
        "{} new, {} longer, {} gone, {} the same; {:.0} m more, {:.0} m less\n",
        c.new.len(),
        c.longer.len(),
        c.gone.len(),
        c.same.len(),
        c.added_m,
        c.lost_m
    );
    for (word, list) in [("new", &c.new), ("longer", &c.longer), ("gone", &c.gone)] {
        for w in list {
            let class = w.class.replace('_', " ");
            let _ = write!(out, "{word:8}{}  {class}, {:.0} m", w.id, w.length_m);
            out.push_str(&if word == "longer" {
                format!(", {:.0} m of it known\n", w.shared_m)
            } else {
                "\n".into()
            });
        }
    }
    out
}
