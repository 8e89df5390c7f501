//! The judge that a run asks for.

use std::path::Path;

use diff::judge::Model;

use crate::{Error, Result};

/// The model in a file, or the built-in one.
///
/// # Errors
/// [`Error::Model`], [`Error::ModelUnreadable`].
pub(crate) fn model(path: Option<&Path>) -> Result<Model> {
    let failed = |source| Error::Model { path: path.map(Path::to_owned), source };
    let Some(file) = path else { return Model::built_in().map_err(failed) };
    let unreadable = |source| Error::ModelUnreadable { path: file.to_owned(), source };
    Model::parse(&std::fs::read(file).map_err(unreadable)?).map_err(failed)
}
