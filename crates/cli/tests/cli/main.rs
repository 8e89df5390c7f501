//! The built binary: what it does with good input and with bad.

// A test that cannot set up its folder has failed.
#![allow(clippy::unwrap_used)]

mod bad_input;
mod evaluate;
#[cfg(feature = "remote")]
mod remote;
#[cfg(feature = "remote")]
#[path = "../../../ingest/tests/common/server.rs"]
#[allow(dead_code)]
mod server;
mod support;
mod survey;
