//! The images of the next pairs come while the present one is compared.

use std::collections::BTreeSet;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use domain::{Capture, Pair};
use ingest::{Fetched, Mirror};
use serde::Serialize;
use tokio::sync::Semaphore;

use crate::error::chain;
use crate::events::Stop;

/// Pairs whose images are here, or on their way, at once: the one that is compared and two more. More would only fill the disk.
const PAIRS_AT_ONCE: usize = 3;

/// A stretch of a run, seconds from its start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Span {
    /// Beginning.
    pub start: f64,
    /// End.
    pub end: f64,
}

/// How the images of a pair came.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct FetchRecord {
    /// When.
    #[serde(flatten)]
    pub span: Span,
    /// How much.
    #[serde(flatten)]
    pub fetched: Fetched,
}

/// What is known of the images of a pair.
#[derive(Clone, Debug)]
enum Known {
    /// They are on their way, or wait for others to be done with.
    Waiting,
    /// They are here.
    Here(FetchRecord),
    /// They cannot be had: cause and remedy.
    Lost(String),
}

/// The images of pairs at addresses, on their way here in the order of the pairs.
pub(crate) struct Ahead {
    mirror: Arc<Mirror>,
    known: Mutex<Vec<Known>>,
    changed: Condvar,
    places: Semaphore,
    clock: Instant,
}

impl Ahead {
    /// Begins to fetch what the pairs `todo` need.
    ///
    /// Must be called within a tokio runtime.
    pub fn start(
        mirror: &Arc<Mirror>,
        pairs: &[Pair],
        todo: &BTreeSet<usize>,
        clock: Instant,
        stop: &Stop,
    ) -> Arc<Self> {
        let ahead = Arc::new(Self {
            mirror: Arc::clone(mirror),
            known: Mutex::new(vec![Known::Waiting; pairs.len()]),
            changed: Condvar::new(),
            places: Semaphore::new(PAIRS_AT_ONCE),
            clock,
        });
        let (this, stop) = (Arc::clone(&ahead), stop.clone());
        let todo: Vec<(usize, Pair)> = todo.iter().map(|&i| (i, pairs[i].clone())).collect();
        tokio::spawn(async move {
            for (index, pair) in todo {
                let Ok(place) = this.places.acquire().await else { return };
                // Given back by `done`.
                place.forget();
                if stop.requested() {
                    return;
                }
                let (this, stop) = (Arc::clone(&this), stop.clone());
                tokio::spawn(async move {
                    let start = this.clock.elapsed().as_secs_f64();
                    let got = this.mirror.fetch(&both(&pair), &|| stop.requested()).await;
                    let end = this.clock.elapsed().as_secs_f64();
                    let images = match got {
                        Ok(fetched) => Known::Here(FetchRecord { span: Span { start, end }, fetched }),
                        Err(e) => Known::Lost(chain(&e)),
                    };
                    this.known.lock().unwrap_or_else(PoisonError::into_inner)[index] = images;
                    this.changed.notify_all();
                });
            }
        });
        ahead
    }

    /// The next of the pairs `todo` to compare: the first whose images are here, or known to be lost. Waits only where there is
    /// none. `None` once somebody asked to stop.
    pub fn next(&self, todo: &BTreeSet<usize>, stop: &Stop) -> Option<(usize, Result<FetchRecord, String>)> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if stop.requested() {
                return None;
            }
            for &index in todo {
                match &known[index] {
                    Known::Waiting => {}
                    Known::Here(record) => return Some((index, Ok(*record))),
                    Known::Lost(reason) => return Some((index, Err(reason.clone()))),
                }
            }
            let waited = self.changed.wait_timeout(known, Duration::from_millis(100));
            known = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// A pair is done with: its images may go, and those of another come. `had` is false where they were lost.
    pub fn done(&self, pair: &Pair, had: bool) {
        if had {
            self.mirror.release(&both(pair));
        }
        self.places.add_permits(1);
    }
}

/// The images of a pair.
pub(crate) fn both(pair: &Pair) -> [&Capture; 2] {
    [&pair.earlier, &pair.later]
}

/// Has the images of pairs here where they lie at addresses, for steps that take one pair after the other.
pub(crate) struct Images<'a> {
    mirror: Option<&'a Mirror>,
    runtime: Option<tokio::runtime::Handle>,
}

impl<'a> Images<'a> {
    /// Must be made on a thread of a tokio runtime where there is a mirror.
    pub fn of(mirror: Option<&'a Arc<Mirror>>) -> Self {
        Self { mirror: mirror.map(Arc::as_ref), runtime: tokio::runtime::Handle::try_current().ok() }
    }

    /// Waits until the images of a pair are here.
    ///
    /// # Errors
    /// Cause and remedy.
    pub fn ready(&self, pair: &Pair, stop: &Stop) -> Result<(), String> {
        let Some(mirror) = self.mirror else { return Ok(()) };
        let Some(runtime) = &self.runtime else {
            return Err("images at addresses are fetched on threads of a runtime alone".to_owned());
        };
        let fetched = runtime.block_on(mirror.fetch(&both(pair), &|| stop.requested()));
        fetched.map(|_| ()).map_err(|e| chain(&e))
    }

    /// Lets them go.
    pub fn done(&self, pair: &Pair) {
        if let Some(mirror) = self.mirror {
            mirror.release(&both(pair));
        }
    }
}
