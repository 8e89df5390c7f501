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

const COMPARE_HELP: &str = "\
Works are held against each other by place. What each run looked at (coverage.geojson), and at which dates, decides the word:
  new                    only AFTER lists it, and BEFORE assessed the ground on images from before it was dug
  longer                 both list it; AFTER has 10 m more or above on ground that BEFORE assessed
  gone                   only BEFORE lists it, and AFTER assessed the ground on images that would show it as new
  not looked at before   only AFTER lists it; BEFORE assessed less than half of the ground along it: it may be old
  not looked at again    only BEFORE lists it; AFTER assessed less than half of the ground along it: it may be there still
  stood before           only AFTER lists it; it was dug before the first image that BEFORE has of the ground
  other dates            only BEFORE lists it; AFTER has the ground on other dates only, which would not show it as new
  not listed before      only AFTER lists it; BEFORE has no coverage.geojson, so that nobody knows what it looked at
  not listed again       only BEFORE lists it; AFTER has no coverage.geojson
Metres more and less are of what is new, longer and gone alone. Ground within 15 m of what was not assessed counts as not assessed.

Examples:
  fosse compare out/ later/
  fosse compare out/ later/ --json";

/// `fosse compare`.
#[derive(Debug, ClapArgs)]
#[command(after_help = COMPARE_HELP)]
pub struct CompareArgs {
    /// Folder of a finished run
    #[arg(value_name = "BEFORE")]
    pub first: PathBuf,
    /// Folder of a later one
    #[arg(value_name = "AFTER")]
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

/// A line of counts, a line for each thing in which the runs differ, a line for each work that they do not both list alike.
fn listed(c: &Comparison) -> String {
    let mut out = format!(
        "{} new, {} longer, {} gone, {} the same",
        c.new.len(),
        c.longer.len(),
        c.gone.len(),
        c.same.len()
    );
    let unsaid = [
        ("not looked at before", &c.not_looked_at_before),
        ("not looked at again", &c.not_looked_at_again),
        ("stood before", &c.stood_before),
        ("other dates", &c.other_dates),
        ("not listed before", &c.not_listed_before),
        ("not listed again", &c.not_listed_again),
    ];
    let there = unsaid.iter().filter(|(_, list)| !list.is_empty());
    let counts: Vec<String> = there.map(|(word, list)| counted(word, list.len())).collect();
    if !counts.is_empty() {
        let _ = write!(out, "; {}", counts.join(", "));
    }
    let _ = writeln!(out, "; {:.0} m more, {:.0} m less", c.added_m, c.lost_m);
    for note in &c.notes {
        let _ = writeln!(out, "{note}");
    }
    let alone: Vec<String> = [(c.unsaid_added_m, "later"), (c.unsaid_lost_m, "earlier")]
        .into_iter()
        .filter(|(m, _)| m.round() > 0.0)
        .map(|(m, run)| format!("{m:.0} m that only the {run} run lists"))
        .collect();
    if !alone.is_empty() {
        let _ = writeln!(out, "Not counted, as the other run cannot tell: {}.", alone.join(", "));
    }
    let said = [("new", &c.new), ("longer", &c.longer), ("gone", &c.gone)];
    let wide = said.iter().chain(&unsaid).filter(|(_, list)| !list.is_empty()).map(|(word, _)| word.len());
    let wide = wide.max().unwrap_or_default().max("longer".len()) + 2;
    for (word, list) in said.into_iter().chain(unsaid) {
        for w in list {
            let class = w.class.replace('_', " ");
            let _ = write!(out, "{word:wide$}{}  {class}, {:.0} m, dug {}", w.id, w.length_m, w.dug);
            if word == "longer" {
                let _ = write!(out, ", {:.0} m of it known", w.shared_m);
            }
            if matches!(word, "new" | "longer" | "gone") && w.unsaid_m.round() > 0.0 {
                let _ = write!(out, ", {:.0} m of it not counted", w.unsaid_m);
            }
            out.push('\n');
        }
    }
    out
}

/// `9 not looked at again`, `1 of other dates`.
fn counted(word: &str, n: usize) -> String {
    if word == "other dates" { format!("{n} of other dates") } else { format!("{n} {word}") }
}

#[cfg(test)]
mod tests {
    use pipeline::Compared;

    use super::*;

    #[test]
    fn what_was_not_looked_at_is_told_beside_what_is_gone() {
        let work = |id: &str, unsaid_m| Compared {
            id: id.to_owned(),
            class: "anti_vehicle_ditch",
            length_m: 120.2,
            shared_m: 0.0,
            unsaid_m,
            earlier: String::new(),
            later: String::new(),
            dug: "between 5 and 12 August 2024".to_owned(),
        };
        let c = Comparison {
            gone: vec![work("a", 20.0)],
            not_looked_at_again: vec![work("b", 120.2)],
            other_dates: vec![work("c", 120.2)],
            lost_m: 100.2,
            unsaid_lost_m: 260.4,
            notes: vec!["The later run assessed less.".to_owned()],
            ..Comparison::default()
        };
        assert_eq!(
            listed(&c),
            "0 new, 0 longer, 1 gone, 0 the same; 1 not looked at again, 1 of other dates; 0 m more, 100 m less\n\
             The later run assessed less.\n\
             Not counted, as the other run cannot tell: 260 m that only the earlier run lists.\n\
             gone                 a  anti vehicle ditch, 120 m, dug between 5 and 12 August 2024, 20 m of it not counted\n\
             not looked at again  b  anti vehicle ditch, 120 m, dug between 5 and 12 August 2024\n\
             other dates          c  anti vehicle ditch, 120 m, dug between 5 and 12 August 2024\n"
        );
        assert_eq!(
            listed(&Comparison::default()),
            "0 new, 0 longer, 0 gone, 0 the same; 0 m more, 0 m less\n"
        );
    }
}
