//! The events of the work: which are appended, and in which order.
//!
//! All of them follow from the shape of the work and a number: nothing here is measured, and no store is
//! known. Of this crate it uses the event that an engine is given.

mod growing;
mod regular;
mod shape;

pub use growing::Growing;
pub(crate) use growing::{EVENTS_PER_SEGMENT, PREFIX, PREFIX_EVENTS, PROBE_EVENTS, own_id};
pub use regular::{KINDS, PAYLOAD_BYTES, RARE_EVENTS, RARE_KIND, SCOPES, Workload};
pub use shape::Shape;
