//! `Reopening`: in which ways a store comes to be opened again.

use super::{dir, remove};
use crate::backup::go_on;
use crate::compact::{copy, cut_footers};
use proptest::prelude::*;
use strandline::fs::MemFs;
use strandline::maintenance::rebuild;
use strandline::{Store, StoreOptions};

/// How a store ended, and what is missing of its index then.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Reopening {
    Closed,
    Killed,
    NoCheckpoint,
    NoMerged,
    NoFooters,
    Rebuilt,
}

/// Any of them.
pub(crate) fn reopening() -> impl Strategy<Value = Reopening> {
    prop::sample::select(vec![
        Reopening::Closed,
        Reopening::Killed,
        Reopening::NoCheckpoint,
        Reopening::NoMerged,
        Reopening::NoFooters,
        Reopening::Rebuilt,
    ])
}

impl Reopening {
    /// Ends a store, and makes what is on its disk as it is in this way.
    pub(crate) fn end(
        self,
        store: Store,
        fs: &mut MemFs,
        options: impl FnOnce(&MemFs) -> StoreOptions,
    ) {
        if let Self::Killed = self {
            let killed = copy(fs);
            drop(store);
            *fs = killed;
            return;
        }
        store.close().unwrap();
        match self {
            Self::NoCheckpoint => remove(fs, "checkpoint-"),
            Self::NoMerged => remove(fs, "index-"),
            Self::NoFooters => {
                remove(fs, "index-");
                cut_footers(fs);
            }
            Self::Rebuilt => drop(rebuild(options(fs), &dir(), &mut go_on).unwrap()),
            Self::Closed | Self::Killed => {}
        }
    }
}
