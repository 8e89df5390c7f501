//! The subcommands.

use std::io::{BufWriter, Write};
use std::process::ExitCode;

use pipeline::{AlignOptions, Aligned, LookOptions, Stop, SuiteOptions, SurveyOutcome};

use crate::args::{
    AlignArgs, Command, EvaluateArgs, InspectArgs, InspectFormat, LooksArgs, SimulateArgs, SurveyArgs,
};
use crate::{exit, plan, progress, report, scores, table};

/// Warnings shown one by one; more are counted.
const WARNINGS: usize = 10;

/// Bytes that are handed on at once.
const PIECE: usize = 1 << 16;

/// Runs a subcommand.
pub async fn command(command: Command) -> ExitCode {
    match command {
        Command::Survey(args) => survey(*args).await,
        Command::Inspect(args) => inspect(args).await,
        Command::Report(args) => report::report(args).await,
        Command::Compare(args) => report::compare(&args),
        Command::Align(args) => align(args).await,
        Command::Simulate(args) => simulate(args).await,
        Command::Evaluate(args) => evaluate(args).await,
        Command::Looks(args) => looks(args).await,
    }
}

async fn survey(args: SurveyArgs) -> ExitCode {
    let options = match plan::survey(&args) {
        Ok(options) => options,
        Err(message) => return exit::report(exit::NOTHING_DONE, &message),
    };
    let stop = Stop::default();
    stop_on_signal(stop.clone());
    let done = pipeline::survey(&options, progress::listener(args.quiet), stop).await;
    match done {
        Ok(outcome) => {
            warn(&outcome);
            let code = if outcome.skipped.is_empty() { exit::DONE } else { exit::SKIPPED };
            say(&survey_summary(&outcome), code)
        }
        Err(error) => exit::failure(&error),
    }
}

async fn inspect(args: InspectArgs) -> ExitCode {
    let (folder, options) = match plan::inspect(&args) {
        Ok(planned) => planned,
        Err(message) => return exit::report(exit::NOTHING_DONE, &message),
    };
    let found = match pipeline::inspect(&folder, &options).await {
        Ok(found) => found,
        Err(error) => return exit::failure(&error),
    };
    let found = found.in_addresses();
    let said = match args.format {
        _ if args.json => say_json(&found, exit::DONE),
        InspectFormat::Json => say_json(&found, exit::DONE),
        InspectFormat::Geojson => say_json(&found.geojson(), exit::DONE),
        InspectFormat::Html => {
            say(&found.html(&pipeline::shown_address(&folder.to_string_lossy())), exit::DONE)
        }
        InspectFormat::Table => say(&table::inspection(&found), exit::DONE),
    };
    match found.objection(&folder) {
        Some(objection) => exit::failure(&objection),
        None => said,
    }
}

async fn align(args: AlignArgs) -> ExitCode {
    let options = AlignOptions {
        earlier: args.earlier,
        later: args.later,
        out: args.out,
        overwrite: args.overwrite,
        align: pipeline::diff::align::Options {
            max_shift_m: args.max_shift,
            max_residual_px: args.max_residual,
        },
        image: !args.no_image,
        threads: args.threads,
        cache_mb: args.cache_mb,
    };
    let stop = Stop::default();
    stop_on_signal(stop.clone());
    match pipeline::align(&options, progress::listener(args.quiet), stop).await {
        Ok(done) if args.json => say_json(&done, exit::DONE),
        Ok(done) => say(&align_summary(&done), exit::DONE),
        Err(error) => exit::failure(&error),
    }
}

/// What came of an alignment, in a few lines.
fn align_summary(a: &Aligned) -> String {
    let s = &a.alignment;
    let px = |v: Option<f64>| v.map_or_else(|| "unknown".to_owned(), |v| format!("{v:.2} px"));
    let m = |v: Option<f64>| v.map_or_else(String::new, |v| format!(" ({:.2} m)", v * a.pixel_m));
    format!(
        "shift {:.2} px down, {:.2} px right ({:.2} m), locally up to {:.2} px more\n\
         error {}{} median, {} 90 %, on {} ties that the fit does not know; {} ties in it, {} of {} windows matched\n\
         {} km² aligned, {} misaligned, {} without ties; {:.1} s\n\
         {}\n",
        s.d_row_px,
        s.d_col_px,
        s.d_row_px.hypot(s.d_col_px) * a.pixel_m,
        a.local_px,
        px(s.residual_px),
        m(s.residual_px),
        px(s.residual_90_px),
        s.held_out,
        s.ties,
        s.matched,
        s.windows,
        area(a.aligned_km2),
        area(a.misaligned_km2),
        area(a.no_ties_km2),
        a.total_s,
        a.out.join(a.files.first().copied().unwrap_or_default()).display()
    )
}

async fn simulate(args: SimulateArgs) -> ExitCode {
    let options = match plan::simulate(&args) {
        Ok(options) => options,
        Err(message) => return exit::report(exit::NOTHING_DONE, &message),
    };
    let stop = Stop::default();
    stop_on_signal(stop.clone());
    match pipeline::simulate(&options, progress::listener(args.quiet), stop).await {
        Ok(done) => {
            let (images, works, scenes) = (done.images.len(), done.works, done.scenes);
            let out = options.out.display();
            let what = if args.background.is_empty() { "simulated images" } else { "images" };
            let said = if args.suite.is_some() {
                format!(
                    "{scenes} scenes with {works} new earthworks in {out}; truth in {out}/SCENE/truth.geojson\n"
                )
            } else {
                format!(
                    "{images} {what} with {works} new earthworks in {out}; truth in {out}/truth.geojson\n"
                )
            };
            say(&said, exit::DONE)
        }
        Err(error) => exit::failure(&error),
    }
}

async fn evaluate(args: EvaluateArgs) -> ExitCode {
    if let Some(options) = plan::suite(&args) {
        return suite(&options, &args).await;
    }
    // clap asks for both files where there is no suite.
    let Some(options) = plan::evaluate(&args) else {
        return exit::report(exit::NOTHING_DONE, "no files given");
    };
    match pipeline::evaluate(&options) {
        Ok(score) if args.json => say_json(&score, exit::DONE),
        Ok(score) => say(&scores::scene(&score, args.min_confidence), exit::DONE),
        Err(error) => exit::failure(&error),
    }
}

async fn suite(options: &SuiteOptions, args: &EvaluateArgs) -> ExitCode {
    let stop = Stop::default();
    stop_on_signal(stop.clone());
    match pipeline::evaluate_suite(options, progress::listener(args.quiet), stop).await {
        Ok(outcome) => {
            for failed in &outcome.suite.failed {
                eprintln!("warning: scene {} has no figures: {}", failed.scene, failed.reason);
            }
            let code = if outcome.is_partial() { exit::SKIPPED } else { exit::DONE };
            if args.json { say_json(&outcome, code) } else { say(&outcome.markdown(), code) }
        }
        Err(error) => exit::failure(&error),
    }
}

async fn looks(args: LooksArgs) -> ExitCode {
    let stop = Stop::default();
    stop_on_signal(stop.clone());
    let options = LookOptions {
        folder: args.folder,
        out: args.out.clone(),
        diff: Default::default(),
        threads: args.threads,
    };
    match pipeline::looks(&options, progress::listener(args.quiet), stop).await {
        Ok(pairs) => say(&format!("{pairs} pairs in {}\n", args.out.display()), exit::DONE),
        Err(error) => exit::failure(&error),
    }
}

/// What was skipped, on standard error.
fn warn(outcome: &SurveyOutcome) {
    for skipped in outcome.skipped.iter().take(WARNINGS) {
        if skipped.reason.starts_with(&skipped.what) {
            eprintln!("warning: skipped {}", skipped.reason);
        } else {
            eprintln!("warning: skipped {}: {}", skipped.what, skipped.reason);
        }
    }
    if let Some(more) = outcome.skipped.len().checked_sub(WARNINGS).filter(|n| *n > 0) {
        eprintln!("warning: {more} more skipped; {} lists them", outcome.out.join("run.json").display());
    }
    outcome.warnings.iter().for_each(|warning| eprintln!("warning: {warning}"));
}

/// What came of it, in a few lines.
fn survey_summary(o: &SurveyOutcome) -> String {
    let count = |n: usize, one: &str, many: &str| format!("{n} {}", if n == 1 { one } else { many });
    let works = match o.earthworks {
        0 if o.assessed_km2 <= 0.0 => "nothing could be assessed".to_owned(),
        0 => "no new earthwork found".to_owned(),
        n => count(n, "new earthwork proposed", "new earthworks proposed"),
    };
    let pairs = if o.pairs_done == o.pairs {
        count(o.pairs, "pair", "pairs")
    } else {
        format!("{} of {}", o.pairs_done, count(o.pairs, "pair", "pairs"))
    };
    let blind = o.not_assessed_km2;
    let blind = if blind > 0.0 { format!(", {} km² could not be", area(blind)) } else { String::new() };
    let summed = if o.pairs_done > 1 { ", summed over the pairs" } else { "" };
    format!(
        "{works}; {} km² assessed{blind}{summed}; {pairs} in {:.1} s\nreport: {}\n",
        area(o.assessed_km2),
        o.seconds,
        o.out.join("report.md").display()
    )
}

/// Two significant digits where small.
fn area(km2: f64) -> String {
    if km2 >= 0.1 || km2 <= 0.0 { format!("{km2:.2}") } else { format!("{km2:.4}") }
}

/// Writes to standard output. A reader that has seen enough (`fosse inspect | head`) is no error.
pub fn say(text: &str, code: u8) -> ExitCode {
    let mut stdout = std::io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(e) if e.kind() != std::io::ErrorKind::BrokenPipe => {
            exit::report(exit::BUG, &format!("cannot write to standard output: {e}"))
        }
        _ => ExitCode::from(code),
    }
}

/// The same for a result as JSON, piece by piece: of ten thousand images it has a hundred megabytes.
fn say_json(result: &impl serde::Serialize, code: u8) -> ExitCode {
    let mut out = BufWriter::with_capacity(PIECE, std::io::stdout().lock());
    let written = serde_json::to_writer_pretty(&mut out, result);
    let written = written.map_err(std::io::Error::from).and_then(|()| out.write_all(b"\n"));
    match written.and_then(|()| out.flush()) {
        Err(e) if e.kind() != std::io::ErrorKind::BrokenPipe => {
            exit::report(exit::BUG, &format!("the result cannot be written as JSON: {e}"))
        }
        _ => ExitCode::from(code),
    }
}

/// Asks the run to stop at Ctrl-C or SIGTERM, and ends it at once at the second.
fn stop_on_signal(stop: Stop) {
    tokio::spawn(async move {
        if signal().await {
            stop.request();
            eprintln!("stopping; once more to quit at once");
        }
        if signal().await {
            std::process::exit(i32::from(exit::INTERRUPTED));
        }
    });
}

/// Waits for Ctrl-C or SIGTERM; false where there are no signals to wait for.
async fn signal() -> bool {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let Ok(mut terminate) = signal(SignalKind::terminate()) else { return false };
        tokio::select! {
            interrupted = tokio::signal::ctrl_c() => interrupted.is_ok(),
            ended = terminate.recv() => ended.is_some(),
        }
    }
    #[cfg(not(unix))]
    tokio::signal::ctrl_c().await.is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_summary_counts_in_the_singular_too() {
        let outcome = SurveyOutcome {
            out: "out".into(),
            earthworks: 1,
            assessed_km2: 0.25,
            not_assessed_km2: 0.0,
            pairs_done: 1,
            pairs: 1,
            skipped: vec![],
            warnings: vec![],
            chips: 1,
            seconds: 1.25,
        };
        let text = survey_summary(&outcome);
        assert_eq!(
            text,
            "1 new earthwork proposed; 0.25 km² assessed; 1 pair in 1.2 s\nreport: out/report.md\n"
        );
    }
}
