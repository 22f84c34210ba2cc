//! What callers give and get: events, conditions, options, receipts, reports and errors, as plain values.
//!
//! Holds what these say and which of it is sound by itself; `encode`, which makes payloads of values and knows
//! nothing of the rest; and above the events `typed`, the types that say which events they are of. Does not
//! hold what is done with them: knows no store, and no other room.

mod condition;
mod condition_conflict;
pub(crate) mod encode;
mod error;
mod error_below;
mod event;
mod event_ref;
mod expected;
mod file_names;
mod hex_text;
mod id_conflict;
mod kind_conflict;
mod kind_table;
mod kinds;
mod lock_holder;
mod lost;
mod options;
mod page;
mod payload;
mod position;
mod receipt;
mod refused_time;
mod report;
mod sources;
mod stats;
mod stored;
mod tracked;
pub(crate) mod typed;

pub use condition::{AppendCondition, CONDITION_REGIONS_MAX, CONDITION_TAGS_MAX};
pub use condition_conflict::ConditionConflict;
pub use error::{Error, ErrorClass, ErrorKind};
pub(crate) use event::Link;
pub use event::{BATCH_BYTES_MAX, BATCH_EVENTS_MAX, Batch, Event};
pub use event_ref::EventRef;
pub use expected::{ExpectedVersion, VersionConflict};
pub(crate) use file_names::{
    IndexFileName, LOCK_FILE, MARKER, STAGING_BESIDE, STAGING_WITHIN, is_of_log, is_of_store,
    is_staging,
};
pub use id_conflict::{Difference, IdConflict};
pub use kind_conflict::KindConflict;
pub(crate) use kind_table::KindTable;
pub use kind_table::MADE_KINDS_CATEGORY;
pub(crate) use kinds::Kinds;
pub(crate) use lock_holder::HOLDER_BYTES_MAX;
pub use lock_holder::LockHolder;
pub(crate) use lost::Lost;
pub(crate) use options::Access;
pub use options::{AppendOptions, Durability, PAYLOAD_BYTES_MAX_DEFAULT, StoreOptions};
pub use page::{Order, Page, PageToken, PageTokenError};
pub(crate) use payload::{Absent, PayloadRef};
pub(crate) use position::{LogMark, PROOFS, places};
pub use position::{PositionMismatch, RefusedPosition, SavedPosition, SavedPositionError};
pub use receipt::{Receipt, ReceiptMismatch};
pub use refused_time::RefusedTime;
pub use report::{OpenPath, OpenReport, OpenTimes};
pub(crate) use sources::Sources;
pub use stats::{CacheStats, HeadCacheStats, Stats};
pub use stored::StoredEvent;
pub(crate) use tracked::Tracking;
pub use tracked::{TRACKED_SOURCES_MAX, Tracked, TrackingConflict};
