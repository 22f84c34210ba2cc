//! `Kept`: a lease that two threads have: the worker that saves under it, and the one that renews it while a handler
//! takes long, and says so if it takes very long.

use crate::consumer::{Lease, Pending};
use crate::{Error, LastError, PartitionState};
use std::sync::Arc;
use std::time::Duration;
use strandline_core::sync::Mutex;
use strandline_core::{Clock, Sequence};

/// After how long it is noted that a handler has not returned: as long as a consumer has not moved that is stalled.
const HANGS_AFTER: Duration = Duration::from_secs(60);

#[derive(Debug)]
pub(super) struct Kept {
    held: Mutex<Held>,
    /// The call of the handler that has not returned.
    called: Mutex<Option<Call>>,
    clock: Arc<dyn Clock>,
    time: Duration,
    told: crate::trace::Told,
}

#[derive(Debug)]
struct Held {
    lease: Lease,
    renewed_at: Duration,
}

/// A call of the handler.
#[derive(Debug, Clone, Copy)]
struct Call {
    sequence: Sequence,
    began: Duration,
    is_noted: bool,
}

impl Kept {
    pub(super) fn new(lease: Lease, clock: Arc<dyn Clock>, time: Duration) -> Self {
        let renewed_at = clock.elapsed();
        let told = lease.partition().told().clone();
        told.claimed(lease.token());
        Self {
            held: Mutex::new(Held { lease, renewed_at }),
            called: Mutex::new(None),
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

    /// Calls a handler for the event at `sequence`.
    pub(super) fn calling<T>(&self, sequence: Sequence, call: impl FnOnce() -> T) -> T {
        let call_of = Call {
            sequence,
            began: self.clock.elapsed(),
            is_noted: false,
        };
        *self.called.lock() = Some(call_of);
        let returned = call();
        *self.called.lock() = None;
        returned
    }

    /// Notes in what is saved that a handler does not return, and since when, once for each call: its worker saves
    /// nothing meanwhile. What the worker saves next takes its place.
    ///
    /// # Errors
    ///
    /// `Fenced`, `Io`; `Corrupt` if nothing that was saved can be read.
    pub(super) fn note_hanging(&self) -> Result<(), Error> {
        let Some(call) = *self.called.lock() else {
            return Ok(());
        };
        let since = self.clock.elapsed().saturating_sub(call.began);
        if call.is_noted || since < HANGS_AFTER {
            return Ok(());
        }
        let mut held = self.held.lock();
        let Some(mut state) = held.lease.partition().load()?.state else {
            return Ok(());
        };
        let since_ms = u64::try_from(since.as_millis()).unwrap_or(u64::MAX);
        let message = format!(
            "the handler was called for event {} and has not returned; nothing more of the partition is handled until \
             it does, or its process is ended",
            call.sequence
        );
        state.last_error = Some(LastError {
            sequence: Some(call.sequence),
            ..LastError::new(message, self.clock.now_ms().saturating_sub(since_ms))
        });
        held.lease.save(&mut state)?;
        drop(held);
        let mut called = self.called.lock();
        let same = called.as_mut().filter(|now| now.began == call.began);
        if let Some(call) = same {
            call.is_noted = true;
        }
        drop(called);
        self.told.stalled(call.sequence.get(), since);
        Ok(())
    }

    /// Whether the lease was not renewed for its time.
    pub(super) fn is_overdue(&self, now: Duration) -> bool {
        now.saturating_sub(self.held.lock().renewed_at) >= self.time
    }
}
