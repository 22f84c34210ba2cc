//! `Source`: what a cursor has of its store. Keeps nothing that a closing store lets go of.

use super::delivery::Delivery;
use crate::engine::Shared;
#[cfg(feature = "stream")]
use crate::engine::news::Awaited;
use crate::engine::news::News;
use crate::engine::push::Hub;
use crate::read::{self, Readable, Snapshot};
use crate::{Error, ErrorKind};
use std::sync::{Arc, Weak};
use std::time::Duration;
use strandline_core::Sequence;

/// Where events are read, and where more of them are waited for.
#[derive(Debug)]
pub(super) struct Source {
    readable: Readable,
    news: Arc<News>,
    hub: Arc<Hub>,
    /// Of a store opened to read only, which looks for events of another process.
    follower: Option<Weak<Shared>>,
}

impl Source {
    pub(super) fn new(shared: &Arc<Shared>) -> Self {
        Self {
            readable: Readable::of(shared),
            news: shared.group.news().clone(),
            hub: shared.hub.clone(),
            follower: shared.follower.is_some().then(|| Arc::downgrade(shared)),
        }
    }

    pub(super) fn snapshot(&self) -> Snapshot {
        self.readable.snapshot()
    }

    pub(super) fn watermark(&self, delivery: Delivery) -> Sequence {
        self.news.watermark(delivery.mark())
    }

    pub(super) const fn news(&self) -> &Arc<News> {
        &self.news
    }

    pub(super) const fn hub(&self) -> &Arc<Hub> {
        &self.hub
    }

    /// Fails once the store is closed, and in a fork of the process that opened it.
    pub(super) fn check_open(&self) -> Result<(), Error> {
        // First, and without a lock: one may be held by a thread that a fork does not have.
        self.news.check_process()?;
        match self.news.is_closed() {
            true => Err(closed()),
            false => Ok(()),
        }
    }

    /// Shows what another process has written, where that is what is read.
    pub(super) fn refresh(&self) -> Result<(), Error> {
        let Some(shared) = self.follower()? else {
            return Ok(());
        };
        match &shared.follower {
            Some(follower) => follower.lock().follow(),
            None => Ok(()),
        }
    }

    /// The store, if it is one opened to read only, which nobody waits for to be closed.
    fn follower(&self) -> Result<Option<Arc<Shared>>, Error> {
        let upgrade = |shared: &Weak<Shared>| shared.upgrade().ok_or_else(closed);
        self.follower.as_ref().map(upgrade).transpose()
    }

    /// Makes sure that somebody looks for what another process writes, where that is what is read.
    pub(super) fn start_lookout(&self) -> Result<(), Error> {
        match self.follower()? {
            Some(shared) => read::start_lookout(&shared),
            None => Ok(()),
        }
    }

    /// Returns whether the watermark is past `next`, once it is or after `timeout`.
    pub(super) fn wait(
        &self,
        delivery: Delivery,
        next: Sequence,
        timeout: Duration,
    ) -> Result<bool, Error> {
        if !timeout.is_zero() {
            self.start_lookout()?;
        }
        Ok(self.news.wait(delivery.mark(), next, timeout)?.is_some())
    }

    /// A task's wait until the watermark is past `next`.
    #[cfg(feature = "stream")]
    pub(super) fn awaited(&self, delivery: Delivery, next: Sequence) -> Result<Awaited, Error> {
        self.start_lookout()?;
        let started = self.news.start_calls();
        started.map_err(|error| {
            Error::new(ErrorKind::Io, "cannot start a thread that wakes tasks").with_source(error)
        })?;
        Ok(Awaited::new(self.news.clone(), delivery.mark(), next))
    }
}

fn closed() -> Error {
    Error::new(ErrorKind::Closed, "the store was closed")
}
