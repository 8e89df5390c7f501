//! Where "nothing found" means nothing was there.

use ndarray::Array2;
use serde::{Deserialize, Serialize};

/// Whether a place was assessed, and if not, why.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// Looked at: silence means that no new line was found.
    Assessed,
    /// No data in the earlier image.
    NodataEarlier,
    /// No data in the later image.
    NodataLater,
    /// Outside the later image.
    OffLater,
    /// The two images do not fit on each other here.
    Misaligned,
    /// Nothing to measure the fit by: water, cloud or plain ground.
    NoTies,
    /// One of the images is too coarse to show a trench.
    TooCoarse,
    /// Cloud or haze in one of the images, by its mask or by its looks.
    Cloud,
    /// Shadow of a cloud or of terrain in one of the images, by its mask.
    Shadow,
    /// Water in one of the images by its mask, or in both by near infrared.
    Water,
    /// Snow in one of the images, by its mask.
    Snow,
    /// Every pixel of one of the images has its highest value.
    Saturated,
    /// Next to no light in one of the images.
    DeepShadow,
}

impl Reason {
    /// Every reason, in the order in which they are reported.
    pub const ALL: [Self; 13] = [
        Self::Assessed,
        Self::NodataEarlier,
        Self::NodataLater,
        Self::OffLater,
        Self::Misaligned,
        Self::NoTies,
        Self::TooCoarse,
        Self::Cloud,
        Self::Shadow,
        Self::Water,
        Self::Snow,
        Self::Saturated,
        Self::DeepShadow,
    ];

    /// The word in data: `assessed`, `nodata_earlier`, …
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Assessed => "assessed",
            Self::NodataEarlier => "nodata_earlier",
            Self::NodataLater => "nodata_later",
            Self::OffLater => "off_later",
            Self::Misaligned => "misaligned",
            Self::NoTies => "no_ties",
            Self::TooCoarse => "too_coarse",
            Self::Cloud => "cloud",
            Self::Shadow => "shadow",
            Self::Water => "water",
            Self::Snow => "snow",
            Self::Saturated => "saturated",
            Self::DeepShadow => "deep_shadow",
        }
    }

    /// As a person would say it.
    pub fn in_words(self) -> &'static str {
        match self {
            Self::Assessed => "assessed",
            Self::NodataEarlier => "no data in the earlier image",
            Self::NodataLater => "no data in the later image",
            Self::OffLater => "outside the later image",
            Self::Misaligned => "the two images do not fit on each other",
            Self::NoTies => "nothing to measure the fit of the images by",
            Self::TooCoarse => "an image is too coarse to show a trench",
            Self::Cloud => "cloud in one of the images",
            Self::Shadow => "shadow of a cloud or of terrain in one of the images",
            Self::Water => "water in one of the images",
            Self::Snow => "snow in one of the images",
            Self::Saturated => "one of the images is as bright as its scale goes",
            Self::DeepShadow => "next to no light in one of the images",
        }
    }
}

/// What was assessed of a pair's grid, block by block.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Coverage {
    /// Side of a block, pixels.
    pub block_px: usize,
    /// Shape of the grid, `(rows, cols)`.
    pub shape: (usize, usize),
    /// The reason that holds for most pixels of each block, `(block rows, block cols)`.
    pub blocks: Array2<Reason>,
    /// Pixels by reason over the whole grid, in the order of [`Reason::ALL`].
    pub pixels: [u64; Reason::ALL.len()],
    /// Residual after alignment where it is known, pixels: one value a block, NaN elsewhere.
    pub residual_px: Array2<f32>,
}
