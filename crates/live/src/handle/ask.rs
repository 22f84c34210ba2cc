//! What people ask of consumers: to park, replay, discard, or go on elsewhere.

use super::live::LEASE;
use super::live::Live;
use crate::consumer::{Claimant, Claimed, Fate, Partition};
use crate::model::cut;
use crate::progress::Signal;
use crate::{Error, ErrorKind, KEY_BYTES_MAX, REASON_BYTES_MAX, Request, partition_of};
use std::time::Duration;
use strandline::SavedPosition;
use strandline_core::{Clock, SystemClock};

/// How long it is waited before it is looked again what became of a request.
const POLL: Duration = Duration::from_millis(20);

/// What was asked, and is done by whoever holds the partitions; by whoever asked, where nobody does. Keeps the store
/// open.
#[derive(Debug)]
pub struct Asked {
    live: Live,
    /// Whether it is to go on elsewhere, whatever was saved.
    is_reset: bool,
    /// The partitions where it is not done yet, and the names of the requests.
    waiting: Vec<(Partition, String)>,
    /// What had to be mended before it could be asked for.
    mended: Option<String>,
    /// Whether a worker could not read it.
    is_refused: bool,
}

impl Live {
    /// Asks that no more events with this key are handled until it is replayed or discarded. Of the reason
    /// [`REASON_BYTES_MAX`](crate::REASON_BYTES_MAX) bytes are kept.
    ///
    /// # Errors
    ///
    /// `InvalidInput` for a key of more than [`KEY_BYTES_MAX`](crate::KEY_BYTES_MAX) bytes, which no event has;
    /// `NotFound`, `Io`.
    pub fn park(&self, name: &str, key: &str, reason: &str) -> Result<Asked, Error> {
        let request = Request::Park {
            key: key.to_owned(),
            reason: cut(reason.to_owned(), REASON_BYTES_MAX),
        };
        self.ask(name, Some(key), &request)
    }

    /// Asks that what is parked with this key, or all, is handled.
    ///
    /// # Errors
    ///
    /// `NotFound`, `Io`.
    pub fn replay(&self, name: &str, key: Option<&str>) -> Result<Asked, Error> {
        let request = Request::Replay {
            key: key.map(str::to_owned),
        };
        self.ask(name, key, &request)
    }

    /// Asks that the first of what is parked with this key, the event that failed, is given up, and the others are
    /// handled.
    ///
    /// # Errors
    ///
    /// `NotFound`, `Io`.
    pub fn skip(&self, name: &str, key: &str) -> Result<Asked, Error> {
        let request = Request::Skip {
            key: key.to_owned(),
        };
        self.ask(name, Some(key), &request)
    }

    /// Asks that what is parked with this key is given up.
    ///
    /// # Errors
    ///
    /// `NotFound`, `Io`.
    pub fn discard(&self, name: &str, key: &str) -> Result<Asked, Error> {
        let request = Request::Discard {
            key: key.to_owned(),
        };
        self.ask(name, Some(key), &request)
    }

    /// Asks that a consumer goes on elsewhere: at its beginning, if no position is given. Everything before counts as
    /// handled, and nothing from there on.
    ///
    /// What is parked stays so if its first event is before the position. But of a state that is not of this store as
    /// it is, after a restore say, only what is parked before the point up to which the store is known to be the same
    /// stays: later, and in another store, its sequences are those of other events.
    ///
    /// Mends what is damaged: saved states, the directory of a partition that is gone, and the file that says which
    /// version of a projection is served; [`Asked::mended`] tells of that file.
    ///
    /// # Errors
    ///
    /// `ForeignPosition` if the store does not take the position; `NotFound`, `Io`, `Store`.
    pub fn reset(&self, name: &str, to: Option<SavedPosition>) -> Result<Asked, Error> {
        if let Some(to) = &to {
            self.verify(to)?;
        }
        self.ask(name, None, &Request::Reset { to })
    }

    fn ask(&self, name: &str, key: Option<&str>, request: &Request) -> Result<Asked, Error> {
        if let Some(key) = key.filter(|key| key.len() > KEY_BYTES_MAX) {
            let message = format!(
                "no event has a key of {} bytes; the longest have {KEY_BYTES_MAX} (KEY_BYTES_MAX)",
                key.len()
            );
            return Err(Error::new(ErrorKind::InvalidInput, message));
        }
        let consumer = self.consumer(name)?;
        let is_reset = matches!(request, Request::Reset { .. });
        let (version, mended) = match is_reset {
            true => consumer.version_mended()?,
            false => (consumer.version()?, None),
        };
        let partitions = consumer.info().partitions;
        let of_key = key.map(|key| partition_of(key, partitions));
        let meant = (0..partitions).filter(|index| of_key.is_none_or(|of_key| of_key == *index));
        let mut asked = Asked {
            live: self.clone(),
            is_reset,
            mended,
            waiting: Vec::new(),
            is_refused: false,
        };
        for index in meant {
            let requested = match is_reset {
                true => consumer.ask_reset(version, index, request),
                false => {
                    let partition = consumer.partition(version, index);
                    partition.and_then(|partition| {
                        let request = partition.ask(request)?;
                        Ok((partition, request))
                    })
                }
            };
            match requested {
                Ok(requested) => asked.waiting.push(requested),
                Err(error) => return Err(asked.failed(error)),
            }
        }
        match asked.is_done() {
            Ok(_) => Ok(asked),
            Err(error) => Err(asked.failed(error)),
        }
    }

    /// Does what is asked where nobody works on a partition.
    fn do_oneself(&self, partition: &Partition, is_reset: bool) -> Result<(), Error> {
        if partition.holder()?.is_some() {
            return Ok(());
        }
        let mut claimant = Claimant::new(partition.clone(), LEASE);
        if is_reset {
            claimant = claimant.takes_damaged();
        }
        match claimant.try_claim()? {
            Claimed::Taken(mut lease, mut state) => {
                lease.apply_requests(&mut state, |state| self.forget_foreign(state))
            }
            // Who was faster does it.
            Claimed::Held(_) => Ok(()),
        }
    }
}

impl Asked {
    /// What had to be mended before it could be asked for, for people: nothing, mostly. A [reset](Live::reset) writes
    /// anew which version is served, where nothing says that.
    #[must_use]
    pub fn mended(&self) -> Option<&str> {
        self.mended.as_deref()
    }

    /// Whether all of it is done. Where nobody works on the consumer it is done here, as soon as it is asked for, or as
    /// soon as this is called after whoever worked has ended.
    ///
    /// # Errors
    ///
    /// `InvalidInput` if who works on the consumer could not read what was asked: an earlier version of this program.
    /// `Io`; `Corrupt` if nobody works and all that was saved is damaged, which a [reset](Live::reset) mends.
    pub fn is_done(&mut self) -> Result<bool, Error> {
        let mut index = 0;
        while let Some((partition, request)) = self.waiting.get(index) {
            let mut fate = partition.fate(request)?;
            if fate == Fate::Waiting {
                self.live.do_oneself(partition, self.is_reset)?;
                fate = partition.fate(request)?;
            }
            match fate {
                Fate::Waiting => index += 1,
                Fate::Applied | Fate::Refused => drop(self.waiting.remove(index)),
            }
            self.is_refused |= fate == Fate::Refused;
        }
        if self.is_refused {
            let message = "the worker of the consumer does not know what it is asked for; is it of an earlier version?";
            return Err(Error::new(ErrorKind::InvalidInput, message));
        }
        Ok(self.waiting.is_empty())
    }

    /// Takes back what was asked for where an error is told of it, as far as that goes.
    fn failed(self, error: Error) -> Error {
        // Of both errors the first one says what is wrong.
        let _ = self.take_back();
        error
    }

    /// Waits until all of it is done; false if it is not after `timeout`. It stays asked for.
    ///
    /// # Errors
    ///
    /// As [`is_done`](Self::is_done).
    pub fn wait(&mut self, timeout: Duration) -> Result<bool, Error> {
        let (clock, never) = (SystemClock::default(), Signal::default());
        while !self.is_done()? {
            let left = timeout.saturating_sub(clock.elapsed());
            if left.is_zero() {
                return Ok(false);
            }
            never.wait(left.min(POLL));
        }
        Ok(true)
    }

    /// Takes back what is not done yet. Who works on the consumer may do it meanwhile.
    ///
    /// # Errors
    ///
    /// `Io`.
    pub fn take_back(self) -> Result<(), Error> {
        let taken = self.waiting.iter();
        let taken = taken.map(|(partition, request)| partition.take_back(request));
        // All of them, also where one fails.
        taken.fold(Ok(()), Result::and)
    }
}
