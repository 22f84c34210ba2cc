//! Proofs as files ([c2sp.org/tlog-proof]): that an event is in a log, with the checkpoint that it is proved
//! against, and with the event itself. Whoever has the log's key needs nothing else.
//!
//! [c2sp.org/tlog-proof]: https://c2sp.org/tlog-proof

mod error;
mod file;
mod limits;

pub use error::ProofFileError;
pub use file::ProofFile;
pub use limits::{EXTRA_BYTES_MAX, PROOF_FILE_BYTES_MAX};

#[cfg(test)]
mod tests;
