//! `Target`: where a store is copied to and how; `Copy`: what must be there then.

use super::event::EventSpec;
use super::taken::Taken;
use std::sync::Arc;
use strandline::maintenance::{CopyMode, Existing};

/// What a workload copies a store to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Target {
    /// Its directory.
    pub dir: &'static str,
    /// How it comes to be.
    pub how: How,
}

/// How a copy is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// The store is backed up.
    Backup {
        /// How segments are brought.
        mode: CopyMode,
        /// Whether it is verified before it takes its place.
        verify: bool,
    },
    /// A backup is restored.
    Restore {
        /// The backup.
        from: &'static str,
        /// What becomes of a store that is there.
        existing: Existing,
    },
}

/// What a backup holds; where there may be none that opens, there is no copy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Copy {
    /// How many of the events must be there.
    pub(crate) least: usize,
    pub(crate) events: Arc<Vec<EventSpec>>,
    pub(crate) taken: Arc<Taken>,
}
