//! The lines of an exact export: a log entry by entry, with everything that its hashes cover. The fields are in
//! `docs/export.md`.
//!
//! Proves nothing: who writes the entries into a log does. Knows of the other lines how payloads, encodings and
//! attributes are written.

mod extensions;
mod head;
mod read;
mod write;

pub(crate) use head::{is_head, parse_head, write_head};
pub(crate) use read::{ExactLine, parse_exact};
pub(crate) use write::{write_end, write_entry};
