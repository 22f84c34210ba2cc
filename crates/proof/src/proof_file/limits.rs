//! Limits of files of proofs.

use crate::note::NOTE_BYTES_MAX;

/// Longest file, in bytes.
pub const PROOF_FILE_BYTES_MAX: usize = EXTRA_BYTES_MAX.div_ceil(3) * 4 + NOTE_BYTES_MAX + 4096;
/// Most bytes that can stand beside a proof.
pub const EXTRA_BYTES_MAX: usize = 96 * 1024 * 1024;
