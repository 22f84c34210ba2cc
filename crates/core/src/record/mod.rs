//! The record codec: an event to bytes and back.
//!
//! A record is the body that a segment stores for one event; the segment keeps its checksum and
//! the event's own hash beside it. Numbers are little-endian.
//!
//! | field | bytes | present |
//! |---|---|---|
//! | flags, see [`flags`] | 1 | always |
//! | payload encoding | 1 | always |
//! | kind | 2 | always |
//! | coordinate id, local to the segment | 4 | always |
//! | clock | 4 | always |
//! | wall_ms | 8 | always |
//! | HLC counter | 4 | always |
//! | id | 16 | always |
//! | correlation | 16 | flag: differs from the id |
//! | causation | 16 | flag: has one |
//! | entity (length u8, bytes), scope (length u8, bytes) | 2 and more | flag: first use of the coordinate in the segment |
//! | previous hash | 32 | flag: first event of the entity in the segment |
//! | extensions (length u16, bytes) | 2 and more | flag: has some |
//! | nonce, or the payload's hash where the payload was redacted | 16 or 32 | always |
//! | payload | the rest | unless redacted |
//!
//! Beside the record of an event there are that of a removed one, [`RemovedRecord`], and the note of a
//! removal, [`RemovalNote`], whose sequences are [`Runs`]. Nothing here knows of segments, frames or files: a
//! body is a slice. May use the values, their hashes and the codec.

mod event;
pub mod flags;
mod names;
mod payload;
mod removal;
mod removed;
mod runs;
mod stored;
mod view;

pub use event::{RECORD_GROWTH_BYTES_MAX, Record, record_bytes_max};
pub use payload::RecordPayload;
pub use removal::{
    REMOVAL_NOTE_BYTES_MAX, REMOVAL_RULE_BYTES_MAX, RemovalChange, RemovalHasher, RemovalNote,
    RemovalPart, RemovalStage,
};
pub use removed::RemovedRecord;
pub use runs::{Runs, push_all, push_run};
pub use stored::StoredRecord;
pub use view::RecordView;
