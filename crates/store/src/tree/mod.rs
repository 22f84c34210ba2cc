//! The tree over the log: RFC 6962, its leaves the digests of all records that have a sequence, removed ones too, by
//! sequence. Its nodes stay right whatever is removed, redacted, merged or carried, as digests do.
//!
//! Holds what is known of it in this process ([`Trees`]): of each segment that was asked for the nodes that lie in it,
//! in its footer, or made of its frames ([`OfSegment`]); and those of several segments, which are made of these
//! once. [`LogTree`] is the tree as a snapshot has it, and makes what is in no file when it is asked for: the six
//! levels above the leaves, of the digests of 64 records ([`Group`](group)). Nothing of it is on the way of an append.
//! Does not hold what a proof is, which is `strandline-proof`'s, nor the bytes in a footer. Knows `rows` and `trace`.

mod group;
mod known;
mod log_tree;
mod of_segment;

pub(crate) use known::Trees;
pub use log_tree::LogTree;
