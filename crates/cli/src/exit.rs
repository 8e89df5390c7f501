//! What the command ends with.

use std::process::ExitCode;

use pipeline::Error;

/// Everything was done.
pub const DONE: u8 = 0;
/// Something that should not happen.
pub const BUG: u8 = 1;
/// Nothing was done: the input or the command has to change.
pub const NOTHING_DONE: u8 = 2;
/// Done, but something was skipped.
pub const SKIPPED: u8 = 3;
/// Interrupted.
pub const INTERRUPTED: u8 = 130;

/// The code for an error.
pub fn code(error: &Error) -> u8 {
    match error {
        Error::Interrupted { .. } | Error::Stopped { .. } | Error::Abandoned { .. } => INTERRUPTED,
        Error::Threads(_) | Error::Worker(_) | Error::Json(_) => BUG,
        _ => NOTHING_DONE,
    }
}

/// Says what went wrong, on one line, and gives the code back.
pub fn report(code: u8, message: &str) -> ExitCode {
    eprintln!("error: {message}");
    ExitCode::from(code)
}

/// Says what an error is, and gives its code back.
pub fn failure(error: &Error) -> ExitCode {
    report(code(error), &pipeline::chain(error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes() {
        assert_eq!(code(&Error::Interrupted { done: 1, total: 2 }), 130);
        assert_eq!(code(&Error::AllFailed { first: String::new(), more: 0 }), 2);
        assert_eq!(code(&Error::Unfinished { out: "out".into() }), 2);
    }
}
