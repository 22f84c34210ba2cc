//! `BackedUp`: what a backup brought.

use crate::{Problem, Sequence};

/// What a backup or a restore brought.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct BackedUp {
    /// The copy has the events with sequences below this one.
    pub end: Sequence,
    /// Segments that were copied.
    pub copied: usize,
    /// Segments that share their bytes with the store.
    pub linked: usize,
    /// Segments that an earlier backup had brought.
    pub kept: usize,
    /// Bytes that were written.
    pub bytes: u64,
    /// What a verification found wrong with indexes, if one was asked for: they are copied as they are,
    /// and a rebuild of the store makes them anew. The log is intact.
    pub index_problems: Vec<Problem>,
}
