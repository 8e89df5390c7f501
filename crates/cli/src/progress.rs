//! What is shown meanwhile: a bar with the time that is left on a terminal, a line for each pair elsewhere.

use std::io::IsTerminal;
use std::sync::Arc;

use domain::Pair;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use pipeline::diff::Stage;
use pipeline::{Event, Events, Quiet};

/// Units of the bar for a pair.
const PER_PAIR: f64 = 1000.0;
/// Units of the bar for all pictures.
const FOR_CHIPS: f64 = 100.0;

/// Who shows the progress: nobody where `quiet`.
pub fn listener(quiet: bool) -> Arc<dyn Events> {
    if quiet {
        Arc::new(Quiet)
    } else if std::io::stderr().is_terminal() {
        Arc::new(Bar::new())
    } else {
        Arc::new(Lines)
    }
}

/// Where a stage begins and how long it is, as shares of a pair: measured on an 8192² pair.
fn share(stage: Stage) -> (f64, f64) {
    match stage {
        Stage::Align => (0.0, 0.17),
        Stage::Propose => (0.17, 0.28),
        Stage::Classify => (0.45, 0.55),
    }
}

/// What a stage does, in words.
fn in_words(stage: Stage) -> &'static str {
    match stage {
        Stage::Align => "aligning",
        Stage::Propose => "seeking lines",
        Stage::Classify => "looking closely",
    }
}

/// `2024-08-05 → 2024-08-12`.
fn dates(pair: &Pair) -> String {
    format!("{} → {}", pair.earlier.datetime.date_naive(), pair.later.datetime.date_naive())
}

/// The one line that an event is worth, if any.
fn line(event: &Event<'_>) -> Option<String> {
    match *event {
        Event::Catalogued { captures, pairs, skipped } => {
            let skipped = if skipped == 0 { String::new() } else { format!(", {skipped} skipped") };
            Some(format!("{captures} images, pairs to compare: {pairs}{skipped}"))
        }
        Event::PairDone { index, total, pair, found, assessed_km2, seconds, resumed } => {
            let time =
                if resumed { "kept from the interrupted run".to_owned() } else { format!("{seconds:.1} s") };
            Some(format!(
                "pair {} of {total}, {} ({}): {found} lines, {assessed_km2:.2} km² assessed, {time}",
                index + 1,
                dates(pair),
                pair.later.id,
            ))
        }
        // The reason follows at the end, with those of all others.
        Event::PairSkipped { index, total, pair, .. } => {
            Some(format!("pair {} of {total}, {} ({}): skipped", index + 1, dates(pair), pair.later.id))
        }
        Event::Bridged { pair } => {
            Some(format!("one more pair to compare, {}, over what hid ground between", dates(pair)))
        }
        // The reason follows at the end, with those of all others.
        Event::SceneDone { index, total, name, failed } => {
            let end = if failed.is_some() { "failed" } else { "scored" };
            Some(format!("scene {} of {total}, {name}: {end}", index + 1))
        }
        Event::Rendered { done, total } if done == total => Some(format!("{total} windows rendered")),
        _ => None,
    }
}

/// A line for each pair.
struct Lines;

impl Events for Lines {
    fn tell(&self, event: Event<'_>) {
        if let Some(line) = line(&event) {
            eprintln!("{line}");
        }
    }
}

/// One bar for all.
struct Bar(ProgressBar);

impl Bar {
    fn new() -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr_with_hz(8));
        let template = "{bar:30} {percent:>3} %  {msg}  {eta_precise} left";
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        Self(bar)
    }

    /// Moves the bar to the middle of pair `index`.
    fn at(&self, index: usize, share: f64) {
        let position = ((index as f64 + share) * PER_PAIR) as u64;
        // Threads report out of order; a bar that runs back irritates.
        if position > self.0.position() {
            self.0.set_position(position);
        }
    }
}

impl Events for Bar {
    fn tell(&self, event: Event<'_>) {
        if let Some(line) = line(&event) {
            self.0.println(line);
        }
        match event {
            Event::Catalogued { pairs, .. } => {
                self.0.set_length((pairs as f64 * PER_PAIR + FOR_CHIPS) as u64);
            }
            Event::Bridged { .. } => self.0.inc_length(PER_PAIR as u64),
            Event::PairStarted { index, total, pair } => {
                self.0.set_message(format!("pair {} of {total}, {}: opening", index + 1, dates(pair)));
            }
            Event::Stage { index, stage, done, total } => {
                let (begin, length) = share(stage);
                self.at(index, begin + length * done as f64 / total.max(1) as f64);
                self.0.set_message(format!("pair {}: {} {done}/{total}", index + 1, in_words(stage)));
            }
            Event::PairDone { index, .. } | Event::PairSkipped { index, .. } => self.at(index, 1.0),
            Event::Chips { done, total } => {
                let end = self.0.length().unwrap_or_default() as f64;
                self.at(0, (end - FOR_CHIPS * (1.0 - done as f64 / total.max(1) as f64)) / PER_PAIR);
                self.0.set_message(format!("pictures {done}/{total}"));
            }
            Event::Rendered { done, total } => {
                self.0.set_length(total as u64);
                self.0.set_position(done as u64);
                self.0.set_message("rendering".to_owned());
            }
            _ => {}
        }
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
