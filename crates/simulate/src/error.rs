//! What can go wrong.

/// Why a scene cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// An option lies outside its range.
    #[error("option {option} is {value}, must be {least} to {most}")]
    Option {
        /// Name of the option.
        option: &'static str,
        /// What was asked for.
        value: f64,
        /// Least value allowed.
        least: f64,
        /// Greatest value allowed.
        most: f64,
    },
    /// Sensors count in 8 or 11 bits.
    #[error("bits is {bits}, must be 8 or 11")]
    Bits {
        /// What was asked for.
        bits: u32,
    },
    /// The scene does not fit into one cell of the ARD grid.
    #[error("a scene {side_m:.1} m wide does not fit into an ARD tile of {limit_m} m")]
    TooWide {
        /// Side of the scene, metres.
        side_m: f64,
        /// Side of a tile, metres.
        limit_m: f64,
    },
    /// A background is one image, or an earlier and a later one.
    #[error("{images} background images, must be 1 or 2: the earlier and the later")]
    Images {
        /// How many were given.
        images: usize,
    },
    /// A background image larger than an ARD tile.
    #[error(
        "the background is {longest_px} px long, must be at most {limit_px}: cut it with gdal_translate -srcwin"
    )]
    ImageTooLong {
        /// Its longer side, pixels.
        longest_px: usize,
        /// The longest allowed, pixels.
        limit_px: usize,
    },
    /// The grid cannot be built.
    #[error("the scene has no grid")]
    Grid(#[from] domain::GridError),
}

/// A result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;
