//! Projections that run in this process.

use super::definition::{EntityProjection, Projection};
use super::fold::{ByEntity, Whole};
use super::runner::Runner;
use crate::handle::Live;
use crate::{Error, ErrorKind, partition_of};
use std::fmt;
use std::time::Duration;
use strandline::{Receipt, Sequence};

/// A projection that runs: what [`start`](super::ProjectionBuilder::start) gives. Dropping it stops it.
pub struct RunningProjection<P: Projection> {
    live: Live,
    runner: Runner<Whole<P>>,
}

/// A projection by entity that runs: what [`start`](super::EntityProjectionBuilder::start) gives. Dropping it stops it.
pub struct RunningEntityProjection<P: EntityProjection> {
    live: Live,
    runner: Runner<ByEntity<P>>,
}

impl<P: Projection> RunningProjection<P> {
    pub(super) const fn new(live: Live, runner: Runner<Whole<P>>) -> Self {
        Self { live, runner }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        self.runner.name()
    }

    /// What `read` makes of the state: of all events before some sequence, and of none after it.
    ///
    /// No event is applied while `read` runs, so it is to be short, and not to wait for the projection.
    ///
    /// # Errors
    ///
    /// `Rebuilding` while a new version has not caught up; `Faulted` once it has stopped with an error.
    pub fn read<T>(&self, read: impl FnOnce(&P::State) -> T) -> Result<T, Error> {
        match self.runner.served() {
            [served] => served.read(read),
            _ => Err(none()),
        }
    }

    /// Every event before this sequence is in the state.
    #[must_use]
    pub fn sequence(&self) -> Sequence {
        self.runner.next()
    }

    /// Waits until the event of a receipt is in the state, to read one's own writes; false if it is not after
    /// `timeout`.
    ///
    /// An event is applied once it is durable. One that is not of the query counts once it was passed over.
    ///
    /// # Errors
    ///
    /// At once: `Faulted`, `Rebuilding`.
    pub fn wait_until(&self, receipt: &Receipt, timeout: Duration) -> Result<bool, Error> {
        wait_until(&self.runner, receipt, timeout)
    }

    /// Waits until everything that is visible now is in the state, also through a rebuild; false if it is not after
    /// `timeout`.
    ///
    /// # Errors
    ///
    /// `Faulted`.
    pub fn wait_caught_up(&self, timeout: Duration) -> Result<bool, Error> {
        let head = self.live.store().snapshot().visible();
        self.runner.wait_past(head, timeout, true)
    }

    /// Stops it and saves the state.
    ///
    /// # Errors
    ///
    /// By which it had stopped before; as a save.
    pub fn stop(mut self) -> Result<(), Error> {
        self.runner.stop()
    }
}

impl<P: EntityProjection> RunningEntityProjection<P> {
    pub(super) const fn new(live: Live, runner: Runner<ByEntity<P>>) -> Self {
        Self { live, runner }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        self.runner.name()
    }

    /// What `read` makes of the state of an entity, if there was an event of it. As [`RunningProjection::read`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn read<T>(
        &self,
        entity: &str,
        read: impl FnOnce(Option<&P::State>) -> T,
    ) -> Result<T, Error> {
        let served = self.runner.served();
        let partitions = u32::try_from(served.len()).unwrap_or(u32::MAX);
        let index = usize::try_from(partition_of(entity, partitions)).unwrap_or(usize::MAX);
        let served = served.get(index).ok_or_else(none)?;
        served.read(|states| read(states.get(entity)))
    }

    /// Hands every entity and its state to `read`, in no order. Of each partition it is the state of one moment.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read); entities may have been handed on.
    pub fn read_all(&self, mut read: impl FnMut(&str, &P::State)) -> Result<(), Error> {
        for served in self.runner.served() {
            served.read(|states| {
                for (entity, state) in states {
                    read(entity, state);
                }
            })?;
        }
        Ok(())
    }

    /// Every event before this sequence is in the states.
    #[must_use]
    pub fn sequence(&self) -> Sequence {
        self.runner.next()
    }

    /// As [`RunningProjection::wait_until`], of all partitions.
    ///
    /// # Errors
    ///
    /// As there.
    pub fn wait_until(&self, receipt: &Receipt, timeout: Duration) -> Result<bool, Error> {
        wait_until(&self.runner, receipt, timeout)
    }

    /// As [`RunningProjection::wait_caught_up`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn wait_caught_up(&self, timeout: Duration) -> Result<bool, Error> {
        let head = self.live.store().snapshot().visible();
        self.runner.wait_past(head, timeout, true)
    }

    /// As [`RunningProjection::stop`].
    ///
    /// # Errors
    ///
    /// As there, the first of the partitions.
    pub fn stop(mut self) -> Result<(), Error> {
        self.runner.stop()
    }
}

impl<P: Projection> fmt::Debug for RunningProjection<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RunningProjection")
            .field(&self.runner)
            .finish()
    }
}

impl<P: EntityProjection> fmt::Debug for RunningEntityProjection<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RunningEntityProjection")
            .field(&self.runner)
            .finish()
    }
}

fn wait_until<F: super::fold::Fold>(
    runner: &Runner<F>,
    receipt: &Receipt,
    timeout: Duration,
) -> Result<bool, Error> {
    let next = receipt.sequence.checked_add(1).unwrap_or(receipt.sequence);
    runner.wait_past(next, timeout, false)
}

fn none() -> Error {
    Error::new(ErrorKind::NotRunning, "no partition runs")
}
