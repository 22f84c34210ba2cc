//! `ProofFileError`: why bytes are no proof, or prove nothing.

use super::limits::{EXTRA_BYTES_MAX, PROOF_FILE_BYTES_MAX};
use crate::checkpoint::CheckpointError;
#[cfg(feature = "event")]
use crate::event::DisclosureError;
use crate::tree::ProofError;

/// Why bytes are no proof, or prove nothing.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProofFileError {
    /// Longer than [`PROOF_FILE_BYTES_MAX`].
    #[error("a proof of {bytes} bytes: it can have {PROOF_FILE_BYTES_MAX}")]
    TooLong {
        /// How long it is.
        bytes: usize,
    },
    /// More beside it than [`EXTRA_BYTES_MAX`].
    #[error("{bytes} bytes beside a proof: there can be {EXTRA_BYTES_MAX}")]
    ExtraTooLong {
        /// How many there are.
        bytes: usize,
    },
    /// A line is not what it has to be.
    #[error("line {number} of the proof: {reason}")]
    Line {
        /// Which one, from 1.
        number: usize,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The proof is none.
    #[error(transparent)]
    Proof(#[from] ProofError),
    /// The checkpoint is none, or counts for nothing.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The file has nothing beside the proof, so the event or its digest has to be had from elsewhere.
    #[error("the proof comes without its event: the digest has to be given")]
    NothingDisclosed,
    /// What is beside the proof is no event.
    #[cfg(feature = "event")]
    #[error("the event in the proof cannot be read")]
    Disclosure(#[from] DisclosureError),
}
