//! What is made of frames: rows of the index, and what is kept of them in footers and checkpoints.
//!
//! Holds how frames become rows ([`Replay`]), what a footer and a checkpoint say and how that is read
//! back, merged files of the index, where streams end whose newest event was removed,
//! the names of kinds and positions in sources that records give, the nodes of the tree over the log that lie in a
//! segment, and what the log's notes say of removals (`removals`, which knows no rows). Does not hold when any of it is made or written, nor who asks. Knows
//! `model` and `trace`.

pub(crate) mod checkpoint;
pub(crate) mod footer;
mod footer_head;
pub(crate) mod heads;
mod kinds;
pub(crate) mod merged;
pub(crate) mod merged_file;
mod names;
mod partial;
mod positions;
mod rebuild;
pub(crate) mod removals;
mod removed;
mod removed_segments;
mod replay;
mod run;
mod sealed;
mod segment_tree;
mod source;
mod summary;
pub(crate) mod tree_section;

pub(crate) use heads::{HeadMap, HeadPlace, RemovedHead};
pub(crate) use kinds::KindNames;
pub(crate) use names::SegmentNames;
pub(crate) use partial::{GROUP_LEVEL, Partial};
pub(crate) use positions::SourcePositions;
pub(crate) use removed::RemovedHeads;
pub(crate) use removed_segments::{RemovedInSegments, retain_newest};
pub(crate) use replay::{Committed, Ended, Replay, decoded, malformed, row_of};
pub(crate) use run::{RunSaid, said_bytes};
pub(crate) use sealed::Sealed;
pub(crate) use segment_tree::{GROUP, SegmentTree, perfect};
pub(crate) use source::{LogSlot, newest_reading, summary_of};
pub(crate) use summary::Summary;
