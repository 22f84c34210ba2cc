//! What an event of an aggregate is in a store: where it is, what it is made of, and how errors of a store are told.
//!
//! Reads and writes no store and no file.

mod envelope;
mod error;
mod stream;

pub use envelope::RecordedEvent;
pub(crate) use envelope::{Reading, to_event};
pub(crate) use error::{Fault, damaged, store_failed, unknown};
pub(crate) use stream::coordinate;
pub use stream::entity_of;
