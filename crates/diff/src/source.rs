//! Where the pixels come from and where word of the progress goes.

use std::sync::atomic::{AtomicUsize, Ordering};

use domain::{Bands, Infrared, PixelMap, Raster, Reason, Window};
use ndarray::Array2;

use crate::CompareError;

/// Why pixels may not be used, where a mask says so.
pub type Masked = Array2<Option<Reason>>;

/// The pixels of a pair, read by window from any thread.
pub trait PairSource: Sync {
    /// What can go wrong while reading.
    type Error: std::error::Error + Send + 'static;

    /// Shape of the shared grid, `(rows, cols)`.
    fn shape(&self) -> (usize, usize);

    /// Side of a pixel of the shared grid, metres.
    fn pixel_m(&self) -> f64;

    /// The earlier image on the shared grid. `window` lies within [`shape`](Self::shape).
    ///
    /// # Errors
    /// Where the window cannot be read.
    fn earlier(&self, window: Window) -> Result<Raster, Self::Error>;

    /// The same in colour: red, green and blue, or the one band of an image that has no colour.
    ///
    /// # Errors
    /// Where the window cannot be read.
    fn earlier_bands(&self, window: Window) -> Result<Bands, Self::Error> {
        self.earlier(window).map(Bands::from)
    }

    /// Shape of the later image as delivered, `(rows, cols)`.
    fn later_shape(&self) -> (usize, usize);

    /// From pixels of the shared grid to pixels of the later image, by the georeferencing alone.
    fn later_map(&self) -> &PixelMap;

    /// The later image on its own grid. `window` lies within [`later_shape`](Self::later_shape).
    ///
    /// # Errors
    /// Where the window cannot be read.
    fn later(&self, window: Window) -> Result<Raster, Self::Error>;

    /// The same in colour: red, green and blue, or the one band of an image that has no colour.
    ///
    /// # Errors
    /// Where the window cannot be read.
    fn later_bands(&self, window: Window) -> Result<Bands, Self::Error> {
        self.later(window).map(Bands::from)
    }

    /// What masks that came with the earlier image take out of `window` of the shared grid, and why; `None` where it has
    /// none. [`earlier`](Self::earlier) is invalid there.
    ///
    /// # Errors
    /// Where a mask cannot be read.
    fn earlier_masked(&self, _window: Window) -> Result<Option<Masked>, Self::Error> {
        Ok(None)
    }

    /// The same of the later image on its own grid.
    ///
    /// # Errors
    /// Where a mask cannot be read.
    fn later_masked(&self, _window: Window) -> Result<Option<Masked>, Self::Error> {
        Ok(None)
    }

    /// Green light and near infrared of the earlier image over cells of the shared grid, which begin within it; `None` where it
    /// has no such bands.
    ///
    /// # Errors
    /// Where they cannot be read.
    fn earlier_infrared(&self, _cells: Window) -> Result<Option<Infrared>, Self::Error> {
        Ok(None)
    }

    /// The same of the later image on its own grid.
    ///
    /// # Errors
    /// Where they cannot be read.
    fn later_infrared(&self, _cells: Window) -> Result<Option<Infrared>, Self::Error> {
        Ok(None)
    }

    /// Azimuth of the sun when the later image was taken, clockwise from the direction in which the rows of the shared
    /// grid go up, degrees; `None` where it is not known.
    fn later_sun_azimuth_deg(&self) -> Option<f64> {
        None
    }
}

/// The steps of a comparison that take long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stage {
    /// Measuring ties.
    Align,
    /// Asking where a new line may be, window by window.
    Propose,
    /// Looking at the ground there.
    Classify,
}

/// Told of the progress; asked whether to go on. Called from any thread.
pub trait Progress: Sync {
    /// `done` of `total` units of a stage are finished.
    fn advance(&self, stage: Stage, done: usize, total: usize);

    /// True to stop as soon as possible.
    fn cancelled(&self) -> bool;
}

/// Nobody listens and nobody stops.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Progress for Silent {
    fn advance(&self, _: Stage, _: usize, _: usize) {}

    fn cancelled(&self) -> bool {
        false
    }
}

/// Counts finished units of a stage and passes them on.
pub(crate) struct Counter<'a> {
    progress: &'a dyn Progress,
    stage: Stage,
    done: AtomicUsize,
    total: usize,
}

impl<'a> Counter<'a> {
    pub(crate) fn new(progress: &'a dyn Progress, stage: Stage, total: usize) -> Self {
        progress.advance(stage, 0, total);
        Self { progress, stage, done: AtomicUsize::new(0), total }
    }

    /// There are so many more.
    pub(crate) fn add(&mut self, more: usize) {
        self.total += more;
        self.progress.advance(self.stage, self.done.load(Ordering::Relaxed), self.total);
    }

    pub(crate) fn advance(&self) {
        self.progress.advance(self.stage, self.done.fetch_add(1, Ordering::Relaxed) + 1, self.total);
    }

    pub(crate) fn check<E: std::error::Error>(&self) -> Result<(), CompareError<E>> {
        if self.progress.cancelled() { Err(CompareError::Cancelled) } else { Ok(()) }
    }
}
