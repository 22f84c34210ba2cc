//! Proofs as files ([c2sp.org/tlog-proof]): that an event is in a log, with the checkpoint that it is proved
//! against, and with the event itself. Whoever has the log's key needs nothing else.
//!
//! [c2sp.org/tlog-proof]: https://c2sp.org/tlog-proof

mod error;
mod file;

pub use error::ProofFileError;
pub use file::{EXTRA_BYTES_MAX, PROOF_FILE_BYTES_MAX, ProofFile};

#[cfg(test)]
mod tests;
