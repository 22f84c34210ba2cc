//! `Snapshots`: when states are saved, and which saved ones count; `SnapshotCounts`: what became of them.

use std::path::{Path, PathBuf};

/// When states of aggregates are saved beside the store, and which of the saved ones count.
///
/// A saved state spares a load the events before it. It is no part of the log, since it is made of that: whatever is
/// saved is held against the log before it is used, and may be removed at any time.
///
/// Whoever can write to the files can change what is decided, as with the files of the store; and they have what is in
/// the states, so they belong where the store is.
///
/// There are so many *places*, each a file for one entity, chosen by its name; where two entities have the same one,
/// they take it from each other. So files are bounded, whatever the number of entities: with twice as many places as
/// entities that are saved, four of five are there at any time.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct Snapshots {
    pub(crate) version: u32,
    pub(crate) every: u32,
    pub(crate) places: u32,
    pub(crate) dir: Option<PathBuf>,
}

impl Snapshots {
    /// Saved states of this version; those of others are not used, and are replaced.
    ///
    /// Another version for each change of the state, or of what `evolve` makes of events: else a state that was saved
    /// before is gone on with. Types that share a [`NAME`](crate::Aggregate::NAME) have versions of their own.
    pub const fn of_version(version: u32) -> Self {
        Self {
            version,
            every: 100,
            places: 16_384,
            dir: None,
        }
    }

    /// A state is saved once it has so many events more than the saved one. Default: 100; at least 1.
    pub const fn every(mut self, events: u32) -> Self {
        self.every = if events == 0 { 1 } else { events };
        self
    }

    /// How many files there are at most. Default: 16,384; at least 1.
    pub const fn places(mut self, files: u32) -> Self {
        self.places = if files == 0 { 1 } else { files };
        self
    }

    /// The directory, on the file system of the store. Default: that of the store with `.aggregates` after it.
    pub fn in_dir(mut self, dir: impl AsRef<Path>) -> Self {
        self.dir = Some(dir.as_ref().to_owned());
        self
    }
}

/// What became of saved states, since the repository was made.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct SnapshotCounts {
    /// States that were saved.
    pub saved: u64,
    /// Loads that went on from a saved state.
    pub used: u64,
    /// Saved states that were not used: damaged, of another version or another entity, later than what was asked for, or
    /// not of the log as it is.
    pub discarded: u64,
    /// States that could not be saved. Nothing else fails by that.
    pub failed: u64,
    /// Why, of the last of these.
    pub last_failure: Option<String>,
}
