//! Exit codes: 0 done · 1 the finding is negative · 2 usage or error · 3 partly done · 4 an upstream is unavailable ·
//! 5 a budget was refused.

use crate::{Error, ErrorKind};
use std::process::ExitCode;

/// How a verb ended that did not fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// All was done, and all is well.
    Done,
    /// It ran, but what it found is bad: invalid data, a failed check, an unsupported claim.
    Negative,
    /// Some of it was done; what was not has been listed.
    Partly,
}

impl From<Outcome> for ExitCode {
    fn from(outcome: Outcome) -> Self {
        Self::from(match outcome {
            Outcome::Done => 0,
            Outcome::Negative => 1,
            Outcome::Partly => 3,
        })
    }
}

/// The exit code of an error.
pub fn of_error(error: &Error) -> ExitCode {
    ExitCode::from(code_of_error(error))
}

/// The exit code of an error, as a number.
pub fn code_of_error(error: &Error) -> u8 {
    match error.kind() {
        ErrorKind::Unavailable => 4,
        ErrorKind::Budget => 5,
        _ => 2,
    }
}
