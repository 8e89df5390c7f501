//! The network that a run asks for.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use diff::net::{MOST_BYTES, Model};

use crate::{Error, Result};

/// The model in a file, or the built-in one.
///
/// # Errors
/// [`Error::Model`], [`Error::ModelUnreadable`].
pub(crate) fn model(path: Option<&Path>) -> Result<Model> {
    let failed = |source| Error::Model { path: path.map(Path::to_owned), source };
    let Some(file) = path else { return Model::built_in().map_err(failed) };
    let unreadable = |source| Error::ModelUnreadable { path: file.to_owned(), source };
    let mut bytes = Vec::new();
    // One byte more than a model may have, whatever the file holds.
    let most = MOST_BYTES as u64 + 1;
    File::open(file).and_then(|f| f.take(most).read_to_end(&mut bytes)).map_err(unreadable)?;
    Model::parse(&bytes).map_err(failed)
}
