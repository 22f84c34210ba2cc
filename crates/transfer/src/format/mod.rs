//! What an event is as a line, in both directions: lines of JSON and CloudEvents, and the records of removals
//! that come after them. Each field is in `docs/export.md`.
//!
//! Reads no input and writes no output: a line is a text in memory. May know `text`.

mod attributes;
mod cloud_event;
mod exact;
mod fields;
mod ids;
mod imported_event;
mod incoming;
mod line;
mod line_format;
mod members;
mod refused_line;
mod removal_line;
mod seal;

#[cfg(feature = "parquet")]
pub(crate) use attributes::write_object;
pub use cloud_event::{cloud_event_id, foreign_id_of};
pub(crate) use cloud_event::{cloud_event_name, parse_cloud_event, write_cloud_event};
pub(crate) use exact::{
    ExactLine, is_head, parse_exact, parse_head, write_end, write_entry, write_head,
};
pub(crate) use ids::LineIds;
pub(crate) use imported_event::ImportedEvent;
pub(crate) use incoming::Incoming;
#[cfg(feature = "parquet")]
pub(crate) use line::encoding_text;
pub(crate) use line::parse_line;
pub use line::{PayloadForm, write_line};
pub use line_format::LineFormat;
pub(crate) use refused_line::{Position, RefusedLine, shown};
pub(crate) use removal_line::{not_of_an_export, parse_removal, write_removal};
#[cfg(feature = "parquet")]
pub(crate) use seal::seal_of;
