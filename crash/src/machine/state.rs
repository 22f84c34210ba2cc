//! `Machine`: the store, its model, and what is held of it.

use super::model::Model;
use crate::verdict::Violation;
use std::path::PathBuf;
use std::sync::Arc;
use strandline::fs::SimFs;
use strandline::{ManualClock, Snapshot, Store, StoreOptions};

pub(super) const DIR: &str = "/store";
/// When it all happens.
pub(super) const NOW_MS: u64 = 1_700_000_000_000;

pub(super) type Done = Result<(), Violation>;

/// A store on a simulated disk, and its model.
#[derive(Debug)]
pub struct Machine {
    pub(super) fs: SimFs,
    pub(super) clock: Arc<ManualClock>,
    pub(super) store: Option<Store>,
    pub(super) model: Model,
    /// Snapshots that are held.
    pub(super) snapshots: Vec<Kept>,
    /// The store once more, to read only, in another process.
    pub(super) reader: Option<Reader>,
    /// How many times the store was opened to write.
    pub(super) opened: u64,
    pub(super) openings: u64,
    pub(super) copies: u64,
    /// How many events fill a segment, if not as many as by default.
    pub(super) segment_events: Option<u32>,
    /// Merged files of an earlier course, each with its name.
    pub(super) kept_merged: Vec<(PathBuf, Vec<u8>)>,
}

/// A snapshot that is held.
#[derive(Debug)]
pub(super) struct Kept {
    pub(super) snapshot: Snapshot,
    /// Which events had been removed.
    pub(super) removed: Vec<bool>,
    /// Which opening of the store it is of; a redaction shows through it in that one.
    pub(super) opened: u64,
}

/// A store that is open to read only, and what it holds.
#[derive(Debug)]
pub(super) struct Reader {
    pub(super) store: Store,
    /// Which of the events that it has read had been removed by then.
    pub(super) removed: Vec<bool>,
    /// A snapshot of it, with the same of then.
    pub(super) held: (Snapshot, Vec<bool>),
    /// Whether segments were rewritten since it was opened.
    pub(super) is_overtaken: bool,
}

impl Machine {
    pub(super) fn options(&mut self) -> StoreOptions {
        self.openings += 1;
        let options = match self.segment_events {
            Some(events) => StoreOptions::new().segment_events_max(events),
            None => StoreOptions::new(),
        };
        options
            .fs(Arc::new(self.fs.clone()))
            .clock(self.clock.clone())
            .random_seed(self.openings)
            .segment_bytes_max(64 << 10)
            .payload_bytes_max(40 << 10)
            .checkpoint_interval_bytes(150 << 10)
            .no_background_sync()
            .background_inline()
    }

    /// The open store.
    pub(super) fn store(&self) -> Result<&Store, Violation> {
        self.store
            .as_ref()
            .ok_or_else(|| Violation::new("no store is open"))
    }

    pub(super) fn has_as_many(&self) -> Done {
        let now = self.store()?.snapshot();
        let (has, should) = (now.len(), self.model.left() as u64);
        if has != should {
            let message = format!("it shows {has} events of {should}");
            return Err(Violation::new(message));
        }
        let (ends, should) = (now.visible().get(), self.model.len() as u64);
        if ends != should {
            let message = format!("it ends at {ends} and not at {should}");
            return Err(Violation::new(message));
        }
        Ok(())
    }
}

/// A call that failed and may not.
pub(super) fn unexpected(error: &strandline::Error) -> Violation {
    Violation::new(format!("it gave {error:?}"))
}
