//! What a run says on its way, and how to end it early.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use diff::Stage;
use domain::Pair;

/// What just happened. Pairs are counted from 0.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Event<'a> {
    /// The folder has been read.
    Catalogued {
        /// Usable captures.
        captures: usize,
        /// Pairs to compare.
        pairs: usize,
        /// Files that cannot be used.
        skipped: usize,
    },
    /// A pair begins.
    PairStarted {
        /// Which.
        index: usize,
        /// Of how many.
        total: usize,
        /// The pair.
        pair: &'a Pair,
    },
    /// Part of a stage of a pair is done. Comes from any thread.
    Stage {
        /// Which pair.
        index: usize,
        /// The stage.
        stage: Stage,
        /// Units done.
        done: usize,
        /// Units in all.
        total: usize,
    },
    /// A pair is done and its result is on disk.
    PairDone {
        /// Which.
        index: usize,
        /// Of how many.
        total: usize,
        /// The pair.
        pair: &'a Pair,
        /// Earthworks proposed.
        found: usize,
        /// Area assessed.
        assessed_km2: f64,
        /// Wall time.
        seconds: f64,
        /// True where the result comes from an earlier, interrupted run.
        resumed: bool,
    },
    /// A pair could not be compared.
    PairSkipped {
        /// Which.
        index: usize,
        /// Of how many.
        total: usize,
        /// The pair.
        pair: &'a Pair,
        /// Cause and remedy.
        reason: &'a str,
    },
    /// One more pair is to be compared, over images that hid ground.
    Bridged {
        /// The pair.
        pair: &'a Pair,
    },
    /// Pictures drawn. Comes from any thread.
    Chips {
        /// Drawn so far.
        done: usize,
        /// Of how many.
        total: usize,
    },
    /// A scene of a suite is done, or was found unusable.
    SceneDone {
        /// Which.
        index: usize,
        /// Of how many.
        total: usize,
        /// Its name.
        name: &'a str,
        /// Why it has no figures.
        failed: Option<&'a str>,
    },
    /// Windows of simulated images rendered. Comes from any thread.
    Rendered {
        /// Rendered so far.
        done: usize,
        /// Of how many.
        total: usize,
    },
}

/// Is told of events, from any thread.
pub trait Events: Send + Sync {
    /// Something happened. Must return quickly.
    fn tell(&self, event: Event<'_>);
}

/// Listens to nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Quiet;

impl Events for Quiet {
    fn tell(&self, _: Event<'_>) {}
}

/// Asks a run to end as soon as it can. Clones ask the same run.
#[derive(Clone, Debug, Default)]
pub struct Stop(Arc<AtomicBool>);

impl Stop {
    /// Asks.
    pub fn request(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// True once anyone has asked.
    pub fn requested(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
