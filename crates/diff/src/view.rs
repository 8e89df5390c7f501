//! Both images of a pair on the shared grid.

use domain::{Pixel, Raster, Reason, Window};

use crate::source::Masked;
use crate::{CompareError, PairSource, align::Field, resample};

/// How far invalid pixels reach beyond what a mask took out: the kernels of resampling touch it, pixels.
const RIM_PX: usize = 2;

/// Both images of a pair on the shared grid, the later one where its content belongs.
pub(crate) struct View<'a, S> {
    pub(crate) source: &'a S,
    pub(crate) field: Field,
}

impl<S: PairSource> View<'_, S> {
    /// Both dates on `window`.
    pub(crate) fn read(&self, window: Window) -> Result<(Raster, Raster), CompareError<S::Error>> {
        let earlier = self.source.earlier(window).map_err(CompareError::Read)?;
        let later = later_on_grid(self.source, window, |p| self.field.displaced(p))?;
        Ok((earlier, later))
    }

    /// What the masks of both images say of `window` of the shared grid.
    pub(crate) fn masks(&self, window: Window) -> Result<Masks<'_, S>, CompareError<S::Error>> {
        let map = self.source.later_map();
        let to_later = |p: Pixel| map.at(self.field.displaced(p));
        let need = resample::source_window(window, self.source.later_shape(), map.scale(), to_later);
        let later = if need.is_empty() {
            None
        } else {
            self.source.later_masked(need).map_err(CompareError::Read)?
        };
        let earlier = self.source.earlier_masked(window).map_err(CompareError::Read)?;
        Ok(Masks { view: self, earlier: earlier.map(|m| (window, m)), later: later.map(|m| (need, m)) })
    }
}

/// What the masks of both images say of a window of the shared grid.
pub(crate) struct Masks<'a, S> {
    view: &'a View<'a, S>,
    earlier: Option<(Window, Masked)>,
    later: Option<(Window, Masked)>,
}

impl<S: PairSource> Masks<'_, S> {
    /// Why a pixel of the shared grid is invalid in the earlier image, where a mask says so.
    pub(crate) fn earlier(&self, row: usize, col: usize) -> Option<Reason> {
        near(self.earlier.as_ref()?, Pixel { row: row as f64 + 0.5, col: col as f64 + 0.5 })
    }

    /// The same in the later image.
    pub(crate) fn later(&self, row: usize, col: usize) -> Option<Reason> {
        let here = Pixel { row: row as f64 + 0.5, col: col as f64 + 0.5 };
        let there = |p: Pixel| self.view.source.later_map().at(self.view.field.displaced(p));
        near(self.later.as_ref()?, there(here))
    }
}

/// The reason at a position, or at one that the kernels of resampling reach from there.
fn near((window, masked): &(Window, Masked), p: Pixel) -> Option<Reason> {
    let index = |v: f64, first: usize| (v.floor() as i64).saturating_sub(first as i64);
    let (row, col) = (index(p.row, window.row), index(p.col, window.col));
    let at = |dr: i64, dc: i64| {
        let place = (usize::try_from(row + dr).ok()?, usize::try_from(col + dc).ok()?);
        masked.get(place).copied().flatten()
    };
    let rim = RIM_PX as i64;
    at(0, 0).or_else(|| {
        (-rim..=rim).flat_map(|dr| (-rim..=rim).map(move |dc| (dr, dc))).find_map(|(dr, dc)| at(dr, dc))
    })
}

/// The later image on `window` of the shared grid; `displaced` says where on the grid its content lies.
pub(crate) fn later_on_grid<S: PairSource>(
    source: &S,
    window: Window,
    displaced: impl Fn(Pixel) -> Pixel,
) -> Result<Raster, CompareError<S::Error>> {
    let map = source.later_map();
    let to_source = |p: Pixel| map.at(displaced(p));
    let scale = map.scale();
    let need = resample::source_window(window, source.later_shape(), scale, to_source);
    if need.is_empty() {
        return Ok(Raster::invalid(window));
    }
    let pixels = source.later(need).map_err(CompareError::Read)?;
    Ok(resample::onto(&pixels, window, scale, to_source))
}
