//! Checkpoints ([c2sp.org/tlog-checkpoint]): a signed note that says how far a log goes and which root it has
//! there; and whose signatures are asked for before it counts. Knows notes and heads, no event.
//!
//! [c2sp.org/tlog-checkpoint]: https://c2sp.org/tlog-checkpoint

mod body;
mod error;
mod policy;
mod signed;

pub use body::Checkpoint;
pub use error::CheckpointError;
pub use policy::LogPolicy;
pub use signed::{SignedCheckpoint, VerifiedCheckpoint, Witnessed};

#[cfg(test)]
mod tests;
