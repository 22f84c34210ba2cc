//! What an append through a store is held to, for whoever prepares appends: who may write, which times are
//! taken, and how much fits in a commit. Appends nothing.

use crate::{Error, Store};
use std::time::Duration;
use strandline_core::{Clock, Hlc};

impl Store {
    /// Fails where every append through this handle would be refused because of how the store was opened
    /// or in which process this is: to be asked before work whose outcome is to be appended.
    ///
    /// Takes no lock and reads nothing. An append may be refused all the same, by a full disk say.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::ReadOnly`](crate::ErrorKind::ReadOnly); [`ErrorKind::LockLost`](crate::ErrorKind::LockLost)
    /// in a fork of the process that opened it.
    pub fn check_writable(&self) -> Result<(), Error> {
        self.shared().writer().map(drop)
    }

    /// The clock that appends take their times from; see [`StoreOptions::clock`](crate::StoreOptions::clock).
    #[must_use]
    pub fn clock(&self) -> &dyn Clock {
        &*self.shared().options.clock
    }

    /// How far a time that is supplied may be ahead of the clock; see
    /// [`StoreOptions::clock_drift_max`](crate::StoreOptions::clock_drift_max).
    #[must_use]
    pub fn clock_drift_max(&self) -> Duration {
        self.shared().options.clock_drift_max
    }

    /// The time after which that of the next event must be: the newest that the store has given or observed,
    /// also where the event that had it was removed. None in a store that has had no events.
    ///
    /// Waits for an append that is being written.
    #[must_use]
    pub fn newest_time(&self) -> Option<Hlc> {
        self.shared().newest_time()
    }
}
