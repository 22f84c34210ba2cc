//! `Kept`: a lease that two threads have: the worker that saves under it, and the one that renews it while a handler
//! takes long.

use crate::consumer::{Lease, Pending};
use crate::{Error, PartitionState};
use std::sync::Arc;
use std::time::Duration;
use strandline_core::Clock;
use strandline_core::sync::Mutex;

#[derive(Debug)]
pub(super) struct Kept {
    held: Mutex<Held>,
    clock: Arc<dyn Clock>,
    time: Duration,
    told: crate::trace::Told,
}

#[derive(Debug)]
struct Held {
    lease: Lease,
    renewed_at: Duration,
}

impl Kept {
    pub(super) fn new(lease: Lease, clock: Arc<dyn Clock>, time: Duration) -> Self {
        let renewed_at = clock.elapsed();
        let told = lease.partition().told().clone();
        told.claimed(lease.token());
        Self {
            held: Mutex::new(Held { lease, renewed_at }),
            clock,
            time,
            told,
        }
    }

    /// As [`Lease::save`].
    ///
    /// # Errors
    ///
    /// `Fenced`, `Io`.
    pub(super) fn save(&self, state: &mut PartitionState) -> Result<(), Error> {
        let mut held = self.held.lock();
        held.lease.save(state)?;
        held.renewed_at = self.clock.elapsed();
        drop(held);
        self.told.saved(state.sequence().get());
        Ok(())
    }

    /// As what it is told of.
    pub(super) const fn told(&self) -> &crate::trace::Told {
        &self.told
    }

    /// What was saved last.
    ///
    /// # Errors
    ///
    /// As [`Partition::load`](crate::consumer::Partition::load).
    pub(super) fn load(&self) -> Result<Option<PartitionState>, Error> {
        Ok(self.held.lock().lease.partition().load()?.state)
    }

    /// As [`Lease::requests`].
    ///
    /// # Errors
    ///
    /// `Fenced`, `Io`.
    pub(super) fn requests(&self, state: &PartitionState) -> Result<Vec<Pending>, Error> {
        self.held.lock().lease.requests(state)
    }

    /// Renews the lease if a third of its time has passed.
    ///
    /// # Errors
    ///
    /// `Fenced`, `Io`.
    pub(super) fn beat(&self) -> Result<(), Error> {
        let mut held = self.held.lock();
        let now = self.clock.elapsed();
        if now.saturating_sub(held.renewed_at) < self.time / 3 {
            return Ok(());
        }
        held.lease.beat()?;
        held.renewed_at = now;
        Ok(())
    }

    /// Whether the lease was not renewed for its time.
    pub(super) fn is_overdue(&self, now: Duration) -> bool {
        now.saturating_sub(self.held.lock().renewed_at) >= self.time
    }
}
