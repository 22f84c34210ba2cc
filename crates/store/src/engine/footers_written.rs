//! `FootersWritten`: what became of the footers that were to be written.

use crate::trace;
use std::fmt;
use strandline_segment::SegmentId;
use tracing::Level;

/// What became of the footers that were to be written.
#[derive(Debug, Default)]
pub(crate) struct FootersWritten {
    pub(crate) count: usize,
    /// How many were there already, as they should be.
    pub(crate) sound: usize,
    /// A sentence for each of the newest that could not be.
    pub(crate) failed: Vec<String>,
}

impl FootersWritten {
    const FAILED_KEPT: usize = 100;

    pub(crate) fn failed(&mut self, segment: SegmentId, error: &dyn fmt::Display) {
        let number = segment.get();
        let told = error.to_string();
        trace::tell(Level::WARN, move || {
            let error = told;
            tracing::warn!(segment = number, %error, "cannot write the footer of a sealed segment");
        });
        self.failed.truncate(Self::FAILED_KEPT - 1);
        self.failed.insert(
            0,
            format!(
                "the footer of {} was not written: {error}",
                segment.file_name()
            ),
        );
    }
}
