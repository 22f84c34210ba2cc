//! Maintenance: what keeps a store well, and shows what is in it.
//!
//! Each function tells a callback of its [`Progress`] and stops when that says so, with
//! [`ErrorKind::Cancelled`](crate::ErrorKind::Cancelled). Functions that change a directory can be
//! interrupted at any point, by the callback or by a crash, and called again.
//!
//! Holds no commands: those are in the package `strandline-cli`.
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

mod annotate;
mod backup;
mod census;
mod compact;
mod damaged;
mod inventory;
mod marks;
mod meaning;
mod missing;
mod places;
mod progress;
mod quarantine;
mod rebuild;
mod redact;
mod removals;
mod restore;
mod rewrite;
mod salvage;
mod segment_files;
mod switched;
mod verify;
mod verify_files;

pub use crate::removals::ForeignNotes;
pub use annotate::{Annotation, annotate_event, annotate_file, annotate_frame};
pub use backup::{BackedUp, BackupOptions, backup, backup_with};
pub use census::Census;
pub use compact::{Compacted, CompactionPlan, Retention, compact};
pub use inventory::{FileFacts, FooterState, Inventory, SegmentFacts};
pub use missing::Missing;
pub use progress::{Meter, OnProgress, Progress, ProgressUnit};
pub use rebuild::{Rebuilt, rebuild};
pub use redact::{Redacted, Redaction, redact};
pub use removals::{Removal, RemovalChange, RemovalNote, removal_notes, removals};
pub use restore::{Existing, Restored, restore};
pub(crate) use restore::{MARKER, STAGING_BESIDE, STAGING_WITHIN};
pub use salvage::{Loss, Salvaged, salvage, salvage_into};
pub use strandline_core::{civil_date, rfc3339};
pub use strandline_segment::CopyMode;
pub use verify::{Kept, Verified, verify};
pub use verify_files::verify_files;
