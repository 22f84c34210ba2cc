//! `LogOrigin`: how a log begins.

use super::header::LogIdentity;
use super::manifest::{Manifest, UNKNOWN};
use strandline_core::{Epoch, Hash, Sequence};

/// What a log says of itself before its first commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogOrigin {
    /// Its identity.
    pub identity: LogIdentity,
    /// Which course of it this is.
    pub epoch: Epoch,
    /// Log hash before the first frame.
    pub base_log_hash: Hash,
    /// As [`Manifest::unrecorded_before`](crate::Manifest::unrecorded_before) says it.
    pub unrecorded_before: Option<Sequence>,
    /// Whether segments of it may have runs.
    pub has_runs: bool,
}

impl Manifest {
    /// This one, of a copy of a log that began so.
    pub(crate) fn into_copy_of(self, origin: &LogOrigin) -> Self {
        Self {
            epoch: origin.epoch,
            unrecorded_before: origin.unrecorded_before.unwrap_or(UNKNOWN),
            is_copy: true,
            ..self
        }
    }
}
