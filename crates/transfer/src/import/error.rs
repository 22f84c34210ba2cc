//! `ImportError`: why an import stopped, and what is in the store.

use super::failure::Failure;
use super::imported::Imported;
use crate::format::LineFormat;
use strandline::Error;
#[cfg(doc)]
use strandline::ErrorKind;

/// Why an import stopped. What is counted is in the store; the same import again goes on after it.
///
/// It is durable, too, unless `error` says that writing has stopped: [`ErrorKind::Unknown`] or
/// [`ErrorKind::Poisoned`].
#[derive(Debug, thiserror::Error)]
#[error("{}{error}", self.place())]
#[non_exhaustive]
pub struct ImportError {
    /// The line, from 1, that is wrong; none where the failure is no line's fault, but the disk's, say.
    pub line: Option<u64>,
    /// Why.
    pub error: Error,
    /// What was imported before.
    pub imported: Imported,
    /// The format that the line has, where it is not the one that was said.
    pub looks_like: Option<LineFormat>,
}

impl ImportError {
    pub(super) fn new(failure: Failure, imported: Imported) -> Self {
        let Failure {
            line,
            error,
            looks_like,
        } = failure;
        Self {
            line,
            error,
            imported,
            looks_like,
        }
    }

    fn place(&self) -> String {
        self.line
            .map_or_else(String::new, |line| format!("line {line}: "))
    }
}
