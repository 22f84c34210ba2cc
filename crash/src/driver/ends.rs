//! Ways in which a store ends, and is opened again.

use super::state::{Driver, Outcome};
use crate::verdict::Violation;
use std::sync::Arc;
use strandline::ErrorKind;
use strandline::fs::Loss;

/// One in so many seeds has a reader in another process whenever a process is killed.
const SEEDS_OF_READER: u64 = 8;

impl Driver {
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

    /// Closes the store.
    ///
    /// # Errors
    ///
    /// If the store does what it may not.
    pub fn close(&mut self) -> Outcome {
        self.marks().watched = None;
        let Some(store) = self.store.take().and_then(Arc::into_inner) else {
            return Ok(());
        };
        match store.close() {
            Ok(()) => self.expect(|now| now.required = now.events.len()),
            Err(error) if self.setup.failing => {
                self.may_lack = error.kind() != ErrorKind::Io;
            }
            Err(error) => {
                return Err(Violation::new(format!("the close failed: {error:?}")));
            }
        }
        Ok(())
    }
}
