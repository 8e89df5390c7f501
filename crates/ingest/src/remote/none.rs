//! What a build without the feature `remote` says to addresses.

use std::path::{Path, PathBuf};

use domain::Capture;

use super::{Fetched, RemoteOptions, shown_address};
use crate::catalogue::Skipped;
use crate::error::{Error, Result};

/// Stands for an address; this build reads none.
#[derive(Debug)]
pub struct Mirror(std::convert::Infallible);

impl Mirror {
    /// # Errors
    /// [`Error::Remote`], always.
    pub async fn open(address: &str, _: &RemoteOptions) -> Result<Self> {
        let reason =
            "this fosse was built without the network; build it with --features remote, or fetch the images"
                .to_owned();
        Err(Error::Remote { address: shown_address(address), reason })
    }

    /// None.
    pub fn folder(&self) -> &Path {
        match self.0 {}
    }

    /// None.
    pub fn skipped(&self) -> &[Skipped] {
        match self.0 {}
    }

    /// None.
    pub fn shown(&self, _: &Path) -> PathBuf {
        match self.0 {}
    }

    /// None.
    pub fn in_addresses(&self, _: &str) -> String {
        match self.0 {}
    }

    /// None.
    ///
    /// # Errors
    /// None.
    pub async fn fetch(&self, _: &[&Capture], _: &(dyn Fn() -> bool + Sync)) -> Result<Fetched> {
        match self.0 {}
    }

    /// None.
    pub fn release(&self, _: &[&Capture]) {
        match self.0 {}
    }
}
