//! What is said over the socket, as values and as JSON: requests, answers, errors. Opens nothing and does nothing.
//!
//! The shapes are those of the README of the crate. What comes in is refused where it has a field that nobody knows:
//! a rule that is not understood is not to be left out.

mod answer;
mod failure;
mod redaction;
mod region;
mod removal;
mod request;
mod retention;
mod status;

pub use answer::{BackedUp, Verified};
pub(crate) use answer::{
    Cancelled, Checkpointed, CompactedTold, CompactionPlanTold, RedactedTold, RedactionPlanTold,
};
pub(crate) use failure::Failure;
pub use redaction::AskedRedaction;
pub use region::AskedRegion;
pub use request::{BackupMode, PROTOCOL, Request};
pub(crate) use request::{Said, parse_request, parse_said};
pub use retention::AskedRetention;
pub use status::{LastWork, RunningWork, Status, StoreStatus};
pub(crate) use status::{ProgressTold, Unit};
