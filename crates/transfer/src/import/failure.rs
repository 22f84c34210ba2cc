//! `Failure`: why it stopped, before it is told what was imported.

use strandline::Error;

/// Why it stopped, and at which line if that is wrong.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) line: Option<u64>,
    pub(super) error: Error,
}

/// An error that is no line's fault.
impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self { line: None, error }
    }
}
