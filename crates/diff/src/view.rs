//! Both images of a pair on the shared grid.

use domain::{Pixel, Raster, Window};

use crate::{CompareError, PairSource, align::Field, resample};

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
