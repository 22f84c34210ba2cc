//! `Durable`: how far a log was durable, and what shows it.

use crate::Sequence;

/// Events below a sequence were durable, as a file shows.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(in crate::maintenance) struct Durable {
    pub(in crate::maintenance) before: Sequence,
    /// The file that shows it; of several, the first that was met.
    pub(in crate::maintenance) shown_by: Option<String>,
}

impl Durable {
    /// Takes what a file shows.
    pub(in crate::maintenance) fn take(&mut self, before: Sequence, file: &str) {
        if before > self.before {
            self.before = before;
            self.shown_by = Some(file.to_owned());
        }
    }

    /// Takes what was met elsewhere.
    pub(in crate::maintenance) fn take_all(&mut self, other: Self) {
        if other.before > self.before {
            *self = other;
        }
    }
}
