//! Maintenance: what keeps a store well, and shows what is in it.
//!
//! Each function tells a callback of its [`Progress`] and stops when that says so, with
//! [`ErrorKind::Cancelled`](crate::ErrorKind::Cancelled). Functions that change a directory can be
//! interrupted at any point, by the callback or by a crash, and called again. Who wants to know nothing of it gives
//! [`&mut unwatched`](unwatched), or calls the method of the store: [`Store::backup_to`](crate::Store::backup_to),
//! [`compact`](crate::Store::compact), [`redact`](crate::Store::redact).
//!
//! Holds no commands: those are in the package `strandline-cli`. Knows the whole store, and
//! nothing in the store knows it.
//!
//! ```
//! use std::ops::ControlFlow;
//! use strandline::maintenance::{Census, Progress};
//! use strandline::{Coordinate, Event, EventKind, Store};
//!
//! let dir = tempfile::tempdir()?;
//! let store = Store::open(dir.path().join("orders.strand"))?;
//! let order = Coordinate::new("order:1042", "eu/payments")?;
//! store.append(&order, Event::bytes(EventKind::new(1, 1), *b"four"))?;
//!
//! let mut shown = 0;
//! let census = Census::take(&store.snapshot(), 10, &mut |progress: Progress| {
//!     shown = progress.done;
//!     ControlFlow::Continue(())
//! })?;
//! assert_eq!((census.events, shown), (1, 1));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

// Each line knows the lines below it alone; what stands on one line does not know each other.
//
// handle  keep  rules                 verbs as methods of a store; rules followed by a thread; rules in a file
// exact                               a log entry by entry, and a store made of these
// restore                             a backup in the place of a store
// backup  salvage  rewrite  inspect   copied; saved from damage; compacted or redacted; shown
// verify  rebuild                     proven; its indexes made anew
// damaged  notes                      a directory as it is; notes of removals on their way into a log
// places  progress                    where directories lie; how far a function is
mod backup;
mod damaged;
mod exact;
mod handle;
mod inspect;
#[cfg(not(strandline_loom))]
mod keep;
mod notes;
mod places;
mod progress;
mod rebuild;
mod restore;
mod rewrite;
#[cfg(feature = "rules")]
mod rules;
mod salvage;
mod verify;

pub use backup::{BackedUp, BackupOptions, backup, backup_with};
pub use exact::{
    LogChecking, LogEnd, LogEntry, LogOrigin, LogRecord, LogRun, LogWriting, check_log, log_origin,
    read_log, write_log,
};
pub use inspect::{
    Annotation, Census, FileFacts, FooterState, Inventory, MergedFacts, Removal, RemovalChange,
    RemovalNote, SegmentFacts, annotate_event, annotate_file, annotate_frame, annotate_frames,
    quarantined, removal_notes, removals, segment_bytes,
};
#[cfg(not(strandline_loom))]
pub use keep::{KeepOptions, RetentionStatus, RunningRetention, keep};
pub use notes::{ForeignNotes, LaterRemovals};
pub use places::is_vacant;
pub use progress::{Meter, OnProgress, Progress, ProgressUnit, unwatched};
pub use rebuild::{Rebuilt, rebuild};
pub use restore::{Existing, Restored, restore, restore_linked};
pub use rewrite::{
    Compacted, CompactionPlan, Missing, Redacted, Redaction, RedactionPlan, Redone, Retention,
    RetentionRule, RuleEffect, compact, put_back, redact, redo,
};
#[cfg(feature = "rules")]
pub use rules::RulesError;
pub use salvage::{Loss, Salvaged, salvage, salvage_into};
pub use strandline_core::{civil_date, rfc3339};
pub use strandline_segment::CopyMode;
pub use verify::{Kept, Verified, verify, verify_files};
