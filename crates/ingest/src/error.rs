//! What can go wrong, one variant for each cause that a caller can act on.

use std::io;
use std::path::PathBuf;

use domain::{GridError, Window};
use gdal::errors::GdalError;

/// The result of everything in this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What GDAL said, without the numbers and method names around it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct GdalMessage(pub String);

impl From<GdalError> for GdalMessage {
    fn from(error: GdalError) -> Self {
        let said = match &error {
            GdalError::CplError { msg, .. } | GdalError::NullPointer { msg, .. } => msg.trim(),
            GdalError::InvalidCoordinateRange { msg: Some(msg), .. } => msg.trim(),
            _ => "",
        };
        let said = match &error {
            _ if !said.is_empty() => said.to_owned(),
            GdalError::CplError { .. } | GdalError::NullPointer { .. } => "GDAL does not say why".to_owned(),
            // The numbers of ogr_core.h.
            GdalError::OgrError { err, .. } => match *err {
                5 => "the data are corrupt",
                7 => "the reference system is not supported",
                _ => "GDAL does not say why",
            }
            .to_owned(),
            _ => error.to_string(),
        };
        // In one line.
        Self(said.split_whitespace().collect::<Vec<_>>().join(" "))
    }
}

impl From<String> for GdalMessage {
    fn from(said: String) -> Self {
        Self(said)
    }
}

/// Why the images cannot be catalogued, read, placed or written.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The folder of images does not exist.
    #[error("the folder {} does not exist; check its name, or that its disk is there", folder.display())]
    FolderMissing {
        /// The folder asked for.
        folder: PathBuf,
    },
    /// The path is a file, and a folder is needed.
    #[error("{} is not a folder; name the folder that holds the images", folder.display())]
    NotAFolder {
        /// The path asked for.
        folder: PathBuf,
    },
    /// The folder of images may not be listed.
    #[error("the folder {} cannot be read; check its permissions", folder.display())]
    FolderUnreadable {
        /// The folder asked for.
        folder: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// An image was there when the folder was listed and cannot be opened now.
    #[error("{} cannot be opened", path.display())]
    Open {
        /// The image.
        path: PathBuf,
        /// What GDAL said.
        #[source]
        source: GdalMessage,
    },
    /// An image is not the one that was catalogued.
    #[error(
        "{} changed while it was in use: it was {} x {} px and is {} x {} px",
        path.display(), expected.0, expected.1, found.0, found.1
    )]
    Changed {
        /// The image.
        path: PathBuf,
        /// `(rows, cols)` when it was catalogued.
        expected: (usize, usize),
        /// `(rows, cols)` now.
        found: (usize, usize),
    },
    /// An image without a band of brightness.
    #[error("{} has no band to read brightness from", path.display())]
    NoVisibleBand {
        /// The image.
        path: PathBuf,
    },
    /// A window that reaches beyond the image.
    #[error("{window:?} is not inside {}, which is {} x {} px", path.display(), shape.0, shape.1)]
    WindowOutside {
        /// The image.
        path: PathBuf,
        /// The window asked for.
        window: Window,
        /// `(rows, cols)` of the image.
        shape: (usize, usize),
    },
    /// Pixels that cannot be read: a damaged or incomplete file, or a disk that fails.
    #[error(
        "{} cannot be read at rows {}..{}, columns {}..{}; the file is damaged or incomplete",
        path.display(), window.row, window.row_end(), window.col, window.col_end()
    )]
    Read {
        /// The image.
        path: PathBuf,
        /// The window asked for.
        window: Window,
        /// What GDAL said.
        #[source]
        source: GdalMessage,
    },
    /// A coordinate reference system that PROJ does not understand.
    #[error("the coordinate reference system {crs} is not understood")]
    Crs {
        /// Its code, or the beginning of its text.
        crs: String,
        /// What GDAL said.
        #[source]
        source: GdalMessage,
    },
    /// Coordinates that cannot be transformed.
    #[error("coordinates cannot be turned from {from} into {to}")]
    Transform {
        /// Where from.
        from: String,
        /// Where to.
        to: String,
        /// What PROJ said.
        #[source]
        source: GdalMessage,
    },
    /// A grid that cannot be.
    #[error("the image has no usable grid")]
    Grid {
        /// Why.
        #[source]
        source: GridError,
    },
    /// Options for a new image that contradict each other or the format.
    #[error("{} cannot be written: {reason}", path.display())]
    WriteOptions {
        /// The image.
        path: PathBuf,
        /// What is wrong with the options, and what would be right.
        reason: String,
    },
    /// Pixels of another shape than their window.
    #[error("pixels of shape {found:?} do not fit {expected:?} (bands, rows, cols) of {}", path.display())]
    PixelShape {
        /// The image.
        path: PathBuf,
        /// `(bands, rows, cols)` needed.
        expected: (usize, usize, usize),
        /// `(bands, rows, cols)` given.
        found: (usize, usize, usize),
    },
    /// An image that cannot be created or written: no such folder, no permission, no space.
    #[error("{} cannot be written", path.display())]
    Write {
        /// The image.
        path: PathBuf,
        /// What GDAL or the system said.
        #[source]
        source: GdalMessage,
    },
    /// An image that was named and cannot be used.
    #[error("{} cannot be used: {reason}", path.display())]
    Unusable {
        /// The image.
        path: PathBuf,
        /// Cause and remedy.
        reason: String,
    },
    /// An address cannot be read, or a file at it cannot be had.
    #[error("{address} cannot be read: {reason}")]
    Remote {
        /// The address, without what may be a secret in it.
        address: String,
        /// Cause and remedy.
        reason: String,
    },
    /// A `[[capture]]` of the config file says what cannot be.
    #[error("[[capture]] {}: {what} is {value}, must be {expected}", file.display())]
    Entry {
        /// The image it speaks of.
        file: PathBuf,
        /// The key.
        what: String,
        /// What it says.
        value: String,
        /// What it may say.
        expected: &'static str,
    },
    /// A pair that was asked for cannot be.
    #[error("{what} cannot be a pair: {reason}; fosse inspect lists the images")]
    NoPair {
        /// The captures, or the name that is none.
        what: String,
        /// Why not.
        reason: &'static str,
    },
    /// A file of lines and areas cannot be read, or not to its end, or cannot be written.
    #[error("{} cannot be read or written as lines and areas", path.display())]
    Vector {
        /// The file.
        path: PathBuf,
        /// What GDAL said, and of which feature.
        #[source]
        source: GdalMessage,
    },
    /// A thread that read image headers died.
    #[error("reading the image headers stopped unexpectedly")]
    Worker {
        /// What tokio said.
        #[source]
        source: tokio::task::JoinError,
    },
}
