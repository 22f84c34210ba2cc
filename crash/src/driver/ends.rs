//! Ways in which a store ends and is opened again, and who holds what it showed meanwhile.

use super::{DIR, Driver, Outcome, TRIES};
use crate::Violation;
use crate::held::Contents;
use std::sync::Arc;
use strandline::fs::Loss;
use strandline::{Error, ErrorKind, Snapshot, StoreOptions};

/// One in so many seeds has a reader in another process whenever a process is killed.
const SEEDS_OF_READER: u64 = 8;
/// Most readers at a time.
const HELD_MAX: usize = 4;

/// A snapshot that somebody holds, and what it showed.
#[derive(Debug)]
pub(super) struct Held {
    snapshot: Snapshot,
    contents: Contents,
    /// Whether its process is another than the one that writes, and outlives it.
    is_beside: bool,
}

impl Driver {
    /// Drops the store without closing it.
    pub fn leave(&mut self) {
        self.marks().watched = None;
        self.store = None;
    }

    /// Kills the process and opens the store in another.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open), and if a reader sees another thing than it did.
    pub fn kill(&mut self) -> Outcome {
        if self.setup.seed % SEEDS_OF_READER == 1 {
            self.hold_beside();
        }
        self.check_held()?;
        self.die();
        self.leave();
        self.open()
    }

    /// Opens the store again after a failure that is final: in another process, or in the same one,
    /// by turns. Readers hold what they had, in both.
    ///
    /// # Errors
    ///
    /// As [`kill`](Self::kill).
    pub(super) fn reopen_stopped(&mut self) -> Outcome {
        self.check_poisoned()?;
        self.may_lack = true;
        self.hold_beside();
        if self.openings.is_multiple_of(2) {
            return self.kill();
        }
        if let Some(store) = &self.store {
            self.hold(store.snapshot(), false);
        }
        self.leave();
        self.open()
    }

    /// Cuts the power, with a loss that follows from the seed, and opens the store again.
    ///
    /// # Errors
    ///
    /// As [`kill`](Self::kill).
    pub fn power_cut(&mut self, loss: Loss) -> Outcome {
        self.check_held()?;
        self.held.clear();
        self.fs = self.fs.power_cut(loss);
        self.leave();
        self.may_lack = true;
        self.open()
    }

    /// Kills the process, and nobody comes after it.
    pub(super) fn abandon(&mut self) {
        self.die();
        self.leave();
    }

    /// What the process held goes with it.
    pub(super) fn die(&mut self) {
        self.fs = self.fs.next_process();
        self.held.retain(|held| held.is_beside);
    }

    /// Has a process beside this one open the store to read, and hold what it sees.
    fn hold_beside(&mut self) {
        let options = StoreOptions::new().fs(Arc::new(self.fs.beside()));
        // What an opening to read only owes is looked at elsewhere.
        if let Ok(store) = options.read_only().open(DIR) {
            self.hold(store.snapshot(), true);
        }
    }

    fn hold(&mut self, snapshot: Snapshot, is_beside: bool) {
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
                let events = held.snapshot.query(&strandline::Region::all());
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

    /// Whether a call may fail so because of a fault that was set.
    pub(super) fn may_refuse(&self, error: &Error) -> bool {
        self.setup.failing && matches!(error.kind(), ErrorKind::Io | ErrorKind::NotWritten)
    }
}
