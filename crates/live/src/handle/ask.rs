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

/// What was asked, and is done by whoever holds the partitions.
#[derive(Debug)]
pub struct Asked {
    /// The partitions where it is not done yet, and the names of the requests.
    waiting: Vec<(Partition, String)>,
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
        let version = consumer.version()?;
        let partitions = consumer.info().partitions;
        let of_key = key.map(|key| partition_of(key, partitions));
        let meant = (0..partitions).filter(|index| of_key.is_none_or(|of_key| of_key == *index));
        let mut waiting = Vec::new();
        for index in meant {
            let partition = consumer.partition(version, index)?;
            let request = partition.ask(request)?;
            waiting.push((partition, request));
        }
        let mut asked = Asked { waiting };
        for (partition, _) in &asked.waiting {
            self.do_oneself(partition)?;
        }
        asked.is_done()?;
        Ok(asked)
    }

    /// Does what is asked where nobody works on a partition.
    fn do_oneself(&self, partition: &Partition) -> Result<(), Error> {
        if partition.holder()?.is_some() {
            return Ok(());
        }
        let claimed = Claimant::new(partition.clone(), LEASE).try_claim()?;
        // Who was faster does it.
        let Claimed::Taken(mut lease, mut state) = claimed else {
            return Ok(());
        };
        for pending in lease.requests(&state)? {
            state.apply(pending.request(), self.clock().now_ms());
            pending.answer(&mut state);
        }
        lease.save(&mut state)
    }
}

impl Asked {
    /// Whether all of it is done. Where nobody worked on the consumer it is, as soon as it was asked for.
    ///
    /// # Errors
    ///
    /// `InvalidInput` if who works on the consumer could not read what was asked: an earlier version of this program.
    /// `Io`.
    pub fn is_done(&mut self) -> Result<bool, Error> {
        let mut waiting = Vec::new();
        for (partition, request) in std::mem::take(&mut self.waiting) {
            match partition.fate(&request)? {
                Fate::Applied => {}
                Fate::Waiting => waiting.push((partition, request)),
                Fate::Refused => {
                    let message = "the worker of the consumer does not know what it is asked for; is it of an earlier version?";
                    return Err(Error::new(ErrorKind::InvalidInput, message));
                }
            }
        }
        self.waiting = waiting;
        Ok(self.waiting.is_empty())
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
        for (partition, request) in &self.waiting {
            partition.take_back(request)?;
        }
        Ok(())
    }
}
