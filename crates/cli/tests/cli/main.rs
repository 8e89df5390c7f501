//! The built binary: what it does with good input and with bad.

// A test that cannot set up its folder has failed.
#![allow(clippy::unwrap_used)]

mod bad_input;
mod evaluate;
mod support;
mod survey;
