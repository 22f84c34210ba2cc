//! `Live`: a store with the consumers beside it.

use crate::consumer::{Consumer, Place};
use crate::model::check_name;
use crate::progress::Progress;
use crate::{ConsumerInfo, Error, ErrorKind, PartitionState};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use strandline::{SavedPosition, Start, Store};
use strandline_core::{Clock, Random, Sequence};

/// For how long a partition is held by who does not renew that, by default: 30 seconds.
pub(crate) const LEASE: Duration = Duration::from_secs(30);

/// The consumers of a store: the handle through which they are started, asked and watched.
///
/// Cheap to clone, and all clones know of each other what runs in them: [`wait_until`](Self::wait_until) answers
/// sooner for what runs through the same handle. Keeps its store open.
#[derive(Debug, Clone)]
pub struct Live {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    store: Arc<Store>,
    dir: PathBuf,
    place: Place,
    progress: Progress,
}

/// The clock of a store.
#[derive(Debug)]
struct StoreClock(Arc<Store>);

impl Clock for StoreClock {
    fn now_ms(&self) -> u64 {
        self.0.clock().now_ms()
    }

    fn elapsed(&self) -> Duration {
        self.0.clock().elapsed()
    }
}

impl Live {
    /// The consumers of a store, in the directory beside it: its own name with `.live` after it. Its own name is that
    /// without links, so that whoever opens the store finds the same ones.
    ///
    /// The store may be open to write or to read only, in as many processes as you like: a worker needs no writer.
    /// Makes nothing before a consumer is made.
    ///
    /// # Errors
    ///
    /// `Io` if the system gives no random bytes, or the directory of the store is not there any more.
    pub fn open(store: &Arc<Store>) -> Result<Self, Error> {
        let own = store.fs().canonical(store.dir());
        let own = own.map_err(|error| Error::io("find", store.dir(), error))?;
        let mut dir = own.into_os_string();
        dir.push(".live");
        Self::open_in(store, dir)
    }

    /// The consumers of a store, in a directory of the caller's choice. It is on the file system of the store.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open).
    pub fn open_in(store: &Arc<Store>, dir: impl Into<PathBuf>) -> Result<Self, Error> {
        let random = Random::from_os().map_err(|error| {
            Error::new(ErrorKind::Io, "the system gives no random bytes").with_source(error)
        })?;
        let place = Place {
            fs: store.fs().clone(),
            clock: Arc::new(StoreClock(store.clone())),
            random: Arc::new(random),
            seen: Arc::default(),
        };
        Ok(Self {
            shared: Arc::new(Shared {
                store: store.clone(),
                dir: dir.into(),
                place,
                progress: Progress::default(),
            }),
        })
    }

    /// The store.
    #[must_use]
    pub fn store(&self) -> &Arc<Store> {
        &self.shared.store
    }

    /// The directory of the consumers, which may not be there yet.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.shared.dir
    }

    /// The consumers that there are, by their names.
    ///
    /// # Errors
    ///
    /// `Corrupt`, `UnsupportedVersion` or `Io` if one cannot be read.
    pub fn consumers(&self) -> Result<Vec<ConsumerInfo>, Error> {
        let (consumers, unreadable) = self.consumers_readable()?;
        match unreadable.into_iter().next() {
            Some(error) => Err(error),
            None => Ok(consumers),
        }
    }

    /// The consumers that can be read, by their names, and why others cannot: for who looks after all of them.
    ///
    /// # Errors
    ///
    /// `Io` if the directory cannot be listed.
    pub fn consumers_readable(&self) -> Result<(Vec<ConsumerInfo>, Vec<Error>), Error> {
        let (consumers, unreadable) = Consumer::list(&self.shared.place, &self.shared.dir)?;
        let consumers = consumers.iter().map(|consumer| consumer.info().clone());
        Ok((consumers.collect(), unreadable))
    }

    /// What runs in this process.
    pub(crate) fn progress(&self) -> &Progress {
        &self.shared.progress
    }

    /// The clock of the store, for who outlives a borrow of it.
    pub(crate) fn clock(&self) -> Arc<dyn Clock> {
        self.shared.place.clock.clone()
    }

    /// The consumer with this name.
    pub(crate) fn consumer(&self, name: &str) -> Result<Consumer, Error> {
        check_name(name)?;
        let found = Consumer::open(&self.shared.place, &self.shared.dir, name)?;
        found.ok_or_else(|| {
            let message = format!("there is no consumer {name:?} in {}", self.dir().display());
            Error::new(ErrorKind::NotFound, message)
        })
    }

    /// The consumer as it is to be, made if it is missing, with `version` as the one that is served.
    pub(crate) fn consumer_as(&self, info: &ConsumerInfo, version: u32) -> Result<Consumer, Error> {
        Consumer::open_or_create(&self.shared.place, &self.shared.dir, info, version)
    }

    /// Where to go on from a saved state: at its position, if the store takes it, or else at `first`.
    ///
    /// # Errors
    ///
    /// `ForeignPosition` if the store does not take it; `Store`.
    pub(crate) fn start(&self, state: &PartitionState, first: Start) -> Result<Start, Error> {
        let Some(saved) = &state.position else {
            return Ok(first);
        };
        self.verify(saved)?;
        Ok(Start::Saved(*saved))
    }

    /// Takes out of a state what is of another store, or of this one as it was before a restore.
    ///
    /// # Errors
    ///
    /// `Store`.
    pub(crate) fn forget_foreign(&self, state: &mut PartitionState) -> Result<(), Error> {
        let Some(Err(error)) = state.position.map(|saved| self.verify(&saved)) else {
            return Ok(());
        };
        let Some(rewind) = error.refused_position().map(|refused| refused.rewind) else {
            return Err(error);
        };
        state.rewind(rewind);
        Ok(())
    }

    /// Where a saved position is in the store. Who saved it may have seen more of the store than this process has.
    ///
    /// # Errors
    ///
    /// `ForeignPosition` if the store does not take it; `Store`.
    pub(crate) fn verify(&self, saved: &SavedPosition) -> Result<Sequence, Error> {
        if saved.sequence() > self.store().snapshot().visible() {
            self.store().refresh()?;
        }
        Ok(self.store().snapshot().verify_position(saved)?)
    }
}
