//! An event as a CloudEvents 1.0 object, and back. How the attributes map is in `docs/export.md`.
//!
//! What another program's event has, and an event here has no place for, is kept among its attributes under
//! the names that CloudEvents gives it: so it comes out as it came in. One that was exported here has its own
//! names (`strand…`) for what CloudEvents knows not. May know what else is in `format`, and `text`.

mod content;
mod names;
mod read;
mod write;

pub use read::cloud_event_id;
pub(crate) use read::{cloud_event_name, parse_cloud_event};
pub use write::foreign_id_of;
pub(crate) use write::write_cloud_event;
