//! A concurrent in-memory index of events: one writer, any number of readers, and a watermark that
//! readers never see past.
//!
//! - [`channel`] makes an index: its one [`IndexWriter`] and an [`IndexReader`].
//! - [`SequenceGate`] says which sequences are assigned and which are visible.
//! - A [`Snapshot`] answers by id, by entity, by [`Region`](strandline_core::Region) and along the
//!   [links](Snapshot::causes) of events, always the same, whatever is inserted, sealed or replaced
//!   meanwhile.
//! - A [`ReplayCursor`] rebuilds an index from stored rows and from blocks.
//! - [`IndexWriter::seal`] ends a part; a [`Block`] of its rows, used straight from bytes, takes their
//!   [place](IndexReader::replace).
//! - An [`IndexLayout`] says how the rows of a kind or a scope are found; answers are the same.
//!
//! Holds headers in columns, at 42 bytes an event beside the lists of rows by key while they are
//! live, and at some 36 bytes in a block; payloads and hashes stay where they are, and `position`
//! leads there. Does no I/O.
//!
//! ```
//! use strandline_core::{Coordinate, EventId, EventKind, Region};
//! use strandline_index::{Row, channel};
//!
//! const PAID: EventKind = EventKind::new(1, 2);
//! let (mut writer, reader) = channel();
//! let coordinate = writer.intern(&Coordinate::new("order:1042", "eu/payments")?)?;
//!
//! // A batch: reserve, insert, publish. Readers see both rows or none.
//! let first = writer.reserve(2)?;
//! for clock in 0..2 {
//!     let id = EventId::from_u128(clock.into());
//!     writer.insert(&Row {
//!         sequence: first.checked_add(clock.into()).ok_or("too many")?,
//!         id,
//!         coordinate,
//!         kind: PAID,
//!         wall_ms: 1_700_000_000_000,
//!         clock,
//!         position: 4096 + u64::from(clock),
//!         correlation: id,
//!         causation: None,
//!         hash: None,
//!     })?;
//! }
//! assert!(reader.snapshot().is_empty());
//! writer.publish(writer.gate().allocated());
//!
//! let snapshot = reader.snapshot();
//! let newest = snapshot.query(Region::all().kind(PAID)).next_back().ok_or("none")?;
//! assert_eq!(newest.position(), 4097);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#![forbid(unsafe_code)]

mod query;
mod writer;

mod reader;
mod shared;

mod part;

mod block;
mod gate;
mod live;

mod model;
mod search;

pub use block::{
    Block, BlockBuilder, BlockBytes, BlockDifference, ComparingSink, MergeError, MergePart,
    MergeProgress, MergeSink, MergedBlock, RebuildBlock, merge,
};
pub use gate::SequenceGate;
pub use model::{
    BlockError, CacheShare, Claim, CoordinateId, EntityId, Head, IndexError, IndexLayout, Row,
    SealedHead,
};
pub use query::{PartPlan, Plan, PlanKey, Rows};
pub use reader::{Causes, IndexReader, Names, PartInfo, RowView, Snapshot};
pub use writer::{Coordinates, IndexWriter, ReplayCursor, channel, channel_with, channel_within};
