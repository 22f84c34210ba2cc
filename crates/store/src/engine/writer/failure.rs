//! Why a commit was not made: errors of the steps under the commit lock, and what they stop.

use super::state::Writer;
use crate::engine::group_sync::GroupSync;
use crate::{BATCH_BYTES_MAX, Error, ErrorKind};
use strandline_segment::{AppendError, SyncHandle};

impl Writer {
    /// The error of a failed write; stops everything if its outcome is not known.
    pub(super) fn append_failed(&self, error: AppendError, group: &GroupSync<SyncHandle>) -> Error {
        match error {
            AppendError::NotWritten(error) => Error::new(
                ErrorKind::NotWritten,
                "nothing was written and the append may be tried again",
            )
            .with_source(error),
            AppendError::Unknown(error) => {
                group.set_poison(&format!("a write failed and could not be undone: {error}"));
                self.fate_unknown("the write failed and could not be undone")
                    .with_source(error)
            }
        }
    }

    pub(super) fn fate_unknown(&self, why: &str) -> Error {
        Error::new(
            ErrorKind::Unknown,
            format!("{why}; reopen the store and look for the event ids"),
        )
        .with_ids(self.assigned.iter().map(|assigned| assigned.id))
    }
}

pub(super) fn exhausted(what: &str) -> Error {
    Error::new(
        ErrorKind::Exhausted,
        format!("there are no more {what} to give; nothing was written"),
    )
}

/// The error of a commit that no segment has room for.
pub(crate) fn no_segment_has_room(bytes_max: usize, segment_bytes_max: u64) -> Error {
    Error::new(
        ErrorKind::TooLarge,
        format!(
            "the commit may take {bytes_max} bytes and its frame more; the limits are \
             {BATCH_BYTES_MAX} (BATCH_BYTES_MAX) and the {segment_bytes_max} of a segment \
             (StoreOptions::segment_bytes_max)",
        ),
    )
}
