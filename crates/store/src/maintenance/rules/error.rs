//! `RulesError`: what is wrong with a text of rules, and in which line.

use crate::{Error, ErrorKind};
use std::ops::Range;

/// A text of rules that is refused: in which line, what was there, and what may be there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {message}")]
pub struct RulesError {
    line: usize,
    message: String,
}

impl RulesError {
    /// What is wrong at a place of `text`, given in bytes.
    pub(super) fn at(text: &str, span: &Range<usize>, message: impl Into<String>) -> Self {
        let before = text.as_bytes().get(..span.start).unwrap_or(text.as_bytes());
        Self {
            line: line_after(before),
            message: message.into(),
        }
    }

    /// The line, from 1 on.
    #[must_use]
    pub const fn line(&self) -> usize {
        self.line
    }
}

fn line_after(before: &[u8]) -> usize {
    1 + before.iter().filter(|byte| **byte == b'\n').count()
}

impl From<RulesError> for Error {
    fn from(error: RulesError) -> Self {
        Self::new(ErrorKind::InvalidInput, "the rules cannot be read").with_source(error)
    }
}
