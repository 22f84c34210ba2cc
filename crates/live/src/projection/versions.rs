//! `Versions`: which version of a projection is served, and the change to the next one.
//!
//! The state of a new version is made beside that of the one that is served. Once every partition of it has come as far
//! as the old one, and has saved that, one rename of the file `current` serves it; then what is left of lower
//! versions is removed. Whoever is killed in between goes on where he was: before the rename with the old one, after
//! it with the new one.

use super::served::rebuilding;
use crate::consumer::Consumer;
use crate::handle::Live;
use crate::{Error, ErrorKind};
use strandline::Sequence;
use strandline_core::sync::Mutex;

/// The version that this process makes, and how far it is with that.
#[derive(Debug)]
pub(super) struct Versions {
    consumer: Consumer,
    own: u32,
    change: Mutex<Change>,
}

#[derive(Debug)]
struct Change {
    is_served: bool,
    /// Where each partition was when it had caught up and saved that.
    caught_up: Vec<Option<Sequence>>,
    /// Whether something may be left of lower versions.
    is_left: bool,
}

impl Versions {
    /// # Errors
    ///
    /// `OtherConsumer` if a higher version is served; `Corrupt`, `Io`.
    pub(super) fn open(consumer: Consumer, own: u32) -> Result<Self, Error> {
        let is_served = is_served(&consumer, own)?;
        let partitions = usize::try_from(consumer.info().partitions).unwrap_or(usize::MAX);
        Ok(Self {
            consumer,
            own,
            change: Mutex::new(Change {
                is_served,
                caught_up: vec![None; partitions],
                is_left: true,
            }),
        })
    }

    /// Whether this version is the one that is served.
    pub(super) fn is_served(&self) -> bool {
        self.change.lock().is_served
    }

    /// A partition has caught up, and has saved that everything before `saved` is in its state. Says whether the
    /// version is served now.
    ///
    /// # Errors
    ///
    /// `Corrupt`, `Io`.
    pub(super) fn caught_up(
        &self,
        partition: u32,
        saved: Sequence,
        live: &Live,
    ) -> Result<bool, Error> {
        let mut change = self.change.lock();
        if change.is_served {
            return Ok(true);
        }
        let index = usize::try_from(partition).unwrap_or(usize::MAX);
        if let Some(caught_up) = change.caught_up.get_mut(index) {
            *caught_up = Some(saved);
        }
        let Some(least) = change.caught_up.iter().copied().min().flatten() else {
            return Ok(false);
        };
        // Nobody who reads goes back by the change.
        if least < self.reached_before(live)? {
            return Ok(false);
        }
        self.consumer.set_version(self.own)?;
        change.is_served = true;
        drop(change);
        crate::trace::switched(&self.consumer.info().name, self.own);
        Ok(true)
    }

    /// How far the version that is served is.
    fn reached_before(&self, live: &Live) -> Result<Sequence, Error> {
        let served = self.consumer.version()?;
        let mut reached = Sequence::ZERO;
        for index in 0..self.consumer.info().partitions {
            // What cannot be read, or is not of this store any more, keeps nobody waiting.
            let loaded = self.consumer.partition_there(served, index).load();
            let position = loaded.ok().and_then(|loaded| loaded.state?.position);
            let next = position.and_then(|position| live.verify(&position).ok());
            reached = reached.max(next.unwrap_or_default());
        }
        Ok(reached)
    }

    /// Looks whether this version still counts, and removes lower ones that nobody is at any more.
    ///
    /// # Errors
    ///
    /// `OtherConsumer` if a higher version is served now; `Corrupt`, `Io`.
    pub(super) fn look(&self) -> Result<(), Error> {
        is_served(&self.consumer, self.own)?;
        let mut change = self.change.lock();
        if change.is_served && change.is_left {
            // What cannot be removed is for the next time.
            change.is_left = !self.remove_lower().unwrap_or(false);
        }
        Ok(())
    }

    /// Says whether all are gone.
    fn remove_lower(&self) -> Result<bool, Error> {
        let mut is_gone = true;
        for version in self.consumer.versions()? {
            if version >= self.own {
                continue;
            }
            match self.is_held(version)? {
                true => is_gone = false,
                false => self.consumer.remove_version(version)?,
            }
        }
        Ok(is_gone)
    }

    fn is_held(&self, version: u32) -> Result<bool, Error> {
        for index in 0..self.consumer.info().partitions {
            if self
                .consumer
                .partition_there(version, index)
                .holder()?
                .is_some()
            {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// Whether a version is the one that is served.
fn is_served(consumer: &Consumer, own: u32) -> Result<bool, Error> {
    let served = consumer.version()?;
    if served > own {
        let name = &consumer.info().name;
        let message = format!(
            "version {served} of {name:?} is served, and this is version {own}; to go back to what it did, give it a \
             higher one"
        );
        return Err(Error::new(ErrorKind::OtherConsumer, message));
    }
    Ok(served == own)
}

/// The version that is served, for who reads what is saved.
///
/// # Errors
///
/// `Rebuilding` if it is a lower one than `own`; `OtherConsumer` if it is a higher one.
pub(super) fn check_served(consumer: &Consumer, own: u32) -> Result<(), Error> {
    match is_served(consumer, own)? {
        true => Ok(()),
        false => Err(rebuilding()),
    }
}
