//! What can stop a comparison.

/// An option outside its documented range.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("option `{name}` is {value}, expected {expected}")]
pub struct OptionError {
    /// Name of the option, as in the config file.
    pub name: &'static str,
    /// The value given.
    pub value: f64,
    /// The range allowed.
    pub expected: &'static str,
}

/// What can stop a comparison.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CompareError<E: std::error::Error + 'static> {
    /// Pixels could not be read.
    #[error("cannot read the pair's pixels")]
    Read(#[source] E),
    /// [`crate::Progress::cancelled`] said so.
    #[error("stopped on request")]
    Cancelled,
    /// The whole would not fit into memory.
    #[error("the grid is {rows} x {cols} px, more than {most} pixels cannot be looked at whole")]
    TooLarge {
        /// Rows of what is looked at.
        rows: usize,
        /// Columns.
        cols: usize,
        /// Most pixels.
        most: usize,
    },
    /// The filters need context that a grid this small does not have.
    #[error("the grid is {rows} x {cols} px, need at least {min} x {min}")]
    TooSmall {
        /// Rows of the grid.
        rows: usize,
        /// Columns of the grid.
        cols: usize,
        /// Least side.
        min: usize,
    },
}

impl OptionError {
    /// # Errors
    /// Where `value` is not in `range`; NaN never is.
    pub(crate) fn check(
        name: &'static str,
        value: f64,
        range: std::ops::RangeInclusive<f64>,
        expected: &'static str,
    ) -> Result<(), Self> {
        if range.contains(&value) { Ok(()) } else { Err(Self { name, value, expected }) }
    }
}
