//! Readers that hold what they saw, in this process or in one beside it, and see nothing else later.

use super::held::Held;
use super::state::{DIR, Driver, Outcome, TRIES};
use crate::expect::Contents;
use crate::verdict::Violation;
use std::sync::Arc;
use strandline::{Region, Snapshot, StoreOptions};

/// Most readers at a time.
const HELD_MAX: usize = 4;

impl Driver {
    /// Has a process beside this one open the store to read, and hold what it sees.
    pub(super) fn hold_beside(&mut self) {
        let options = StoreOptions::new().fs(Arc::new(self.fs.beside()));
        // What an opening to read only owes is looked at elsewhere.
        if let Ok(store) = options.read_only().open(DIR) {
            self.hold(store.snapshot(), true);
        }
    }

    /// Has somebody in this process hold what the open store shows, and somebody in another.
    pub(crate) fn hold_here(&mut self) {
        if let Some(store) = &self.store {
            self.hold(store.snapshot(), false);
        }
        self.hold_beside();
    }

    pub(super) fn hold(&mut self, snapshot: Snapshot, is_beside: bool) {
        let contents = Contents::of(&snapshot);
        if self.held.len() == HELD_MAX {
            self.held.remove(0);
        }
        self.held.push(Held {
            snapshot,
            contents,
            is_beside,
        });
    }

    /// Checks that whoever holds something sees what it saw, and that nothing was written to blocks of
    /// which a failed sync had lost something.
    ///
    /// # Errors
    ///
    /// If not.
    pub(crate) fn check_held(&self) -> Outcome {
        // A rule that is broken on purpose is to be noticed by what is lost.
        if self.setup.defect.is_some() {
            return Ok(());
        }
        for held in &self.held {
            let check = || {
                let events = held.snapshot.query(Region::all());
                held.contents.expect_same(0, events)
            };
            let mut checked = check();
            // A read that fails once is no change.
            for _ in 0..TRIES {
                if checked.is_ok() || !self.setup.failing {
                    break;
                }
                checked = check();
            }
            checked.map_err(|wrong| Violation::new(format!("what a reader holds: {wrong}")))?;
        }
        if let Some(step) = self.fs.changed_after_failure() {
            let message = format!("what a failed sync had lost is changed: {step}");
            return Err(Violation::new(message));
        }
        Ok(())
    }

    /// How many events readers hold that were never taken away by a power cut.
    pub(super) fn held_events(&self) -> usize {
        let visible = self.held.iter().map(|held| held.snapshot.visible().get());
        visible.max().unwrap_or(0) as usize
    }
}
