//! What the ground of a date looks like where it shows.

use ndarray::Array2;

use super::light::Light;
use super::quantile;

/// A block shows ground where its detail, beside its light, is at least this share of what is usual on its date.
pub(super) const GROUND: f32 = 0.5;
/// Brightest ground, as a share of blocks.
const BRIGHTEST: f64 = 0.98;

/// Ground of one date.
pub(super) struct Usual {
    /// Median of detail beside light, of all blocks.
    pub texture: f32,
    /// Median detail of ground.
    pub detail: f32,
    /// Median light of ground.
    pub light: f32,
    /// Light of its brightest hundredths beside that.
    pub brightest: f32,
}

impl Usual {
    /// `None` where no block is known.
    pub fn of(lights: &Array2<Light>) -> Option<Self> {
        let known = || lights.iter().filter(|l| l.texture().is_finite());
        let texture = quantile(&mut known().map(Light::texture).collect::<Vec<_>>(), 0.5)?;
        let ground = || known().filter(|l| l.texture() >= GROUND * texture);
        let detail = quantile(&mut ground().map(|l| l.detail).collect::<Vec<_>>(), 0.5)?;
        let mut ground: Vec<f32> = ground().map(|l| l.mean).collect();
        let (light, brightest) = (quantile(&mut ground, 0.5)?, quantile(&mut ground, BRIGHTEST)?);
        Some(Self { texture, detail, light, brightest: brightest / light })
    }
}
