//! What people ask of consumers: to park, replay, discard, or go on elsewhere.

use super::live::Live;
use crate::consumer::Partition;
use crate::{Error, Request, partition_of};
use strandline::SavedPosition;

/// What was asked, and is done by whoever holds the partitions.
#[derive(Debug)]
pub struct Asked {
    /// The partitions where it is not done yet, and the names of the requests.
    waiting: Vec<(Partition, String)>,
}

impl Live {
    /// Asks that no more events with this key are handled until it is replayed or discarded.
    ///
    /// # Errors
    ///
    /// `NotFound`, `Io`.
    pub fn park(&self, name: &str, key: &str, reason: &str) -> Result<Asked, Error> {
        let request = Request::Park {
            key: key.to_owned(),
            reason: reason.to_owned(),
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

    /// Asks that a consumer goes on elsewhere: at its beginning, if no position is given.
    ///
    /// # Errors
    ///
    /// `NotFound`, `Io`.
    pub fn reset(&self, name: &str, to: Option<SavedPosition>) -> Result<Asked, Error> {
        self.ask(name, None, &Request::Reset { to })
    }

    fn ask(&self, name: &str, key: Option<&str>, request: &Request) -> Result<Asked, Error> {
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
        Ok(Asked { waiting })
    }
}

impl Asked {
    /// Whether all of it is done.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.waiting.is_empty()
    }
}
