//! Images at addresses: `http(s)://`, `s3://`, `gs://`, `az://`, and STAC APIs.
//!
//! A [`Mirror`] is a local folder that stands for an address. Metadata lie in it whole; of an image only the bytes that tell its
//! header, in a file of its full length, until [`Mirror::fetch`] has brought all of it. So everything else in this crate
//! reads files and knows no network, and no thread that computes waits for one.

mod address;
#[cfg(feature = "remote")]
mod crawl;
#[cfg(feature = "remote")]
mod fetch;
#[cfg(feature = "remote")]
mod list;
#[cfg(feature = "remote")]
mod mirror;
#[cfg(not(feature = "remote"))]
mod none;
mod options;
#[cfg(feature = "remote")]
mod search;
#[cfg(feature = "remote")]
mod state;
#[cfg(feature = "remote")]
mod store;
#[cfg(feature = "remote")]
mod tiff;

pub use address::{is_address, shown_address};
#[cfg(feature = "remote")]
pub use mirror::Mirror;
#[cfg(not(feature = "remote"))]
pub use none::Mirror;

/// True for a file of a mirror, of which the header alone may be here.
pub(crate) fn is_mirrored(path: &std::path::Path) -> bool {
    #[cfg(feature = "remote")]
    return state::hidden(path, "fosse").exists();
    #[cfg(not(feature = "remote"))]
    return {
        _ = path;
        false
    };
}

/// For [`crate::fuzz`].
#[cfg(feature = "remote")]
pub(crate) fn probe_tiff(bytes: &[u8]) {
    let long = tiff::probe(bytes, u64::MAX);
    let short = tiff::probe(bytes, bytes.len() as u64);
    assert!(short == 0, "{short} ranges lack of a file that is all there");
    assert!(long < 1_000_000, "{long} ranges");
}

/// For [`crate::fuzz`].
#[cfg(feature = "remote")]
pub(crate) fn probe_stac(bytes: &[u8]) {
    crawl::probe(bytes);
}

pub use options::{Fetched, Patience, RemoteOptions, Search};
