//! `MemoryKeys`: keys that are gone with the process, for tests and for what is to last no longer. Writes nothing.

use crate::crypto::{Key, secret_of};
use crate::keys::{Found, KeyRecord, KeyStore, Table, was_forgotten};
use crate::subject::Subject;
use std::sync::Arc;
use strandline::{Clock, Error, ErrorKind, SealKeyId, SystemClock};
use strandline_core::Random;
use strandline_core::sync::RwLock;

/// Keys in memory alone: with the process they are gone, and with them what they sealed.
///
/// An example is in the documentation of the crate.
#[derive(Debug)]
pub struct MemoryKeys {
    random: Random,
    clock: Arc<dyn Clock>,
    table: RwLock<Table<Option<Arc<Key>>>>,
}

impl MemoryKeys {
    /// No keys yet.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Io`] if the operating system gives no random bytes.
    pub fn new() -> Result<Self, Error> {
        Self::with_clock(Arc::new(SystemClock::default()))
    }

    /// No keys yet, and a clock that says when they are made and forgotten.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new).
    pub fn with_clock(clock: Arc<dyn Clock>) -> Result<Self, Error> {
        let random = Random::from_os().map_err(|error| {
            Error::new(ErrorKind::Io, "there are no random bytes to make keys of")
                .with_source(error)
        })?;
        Ok(Self {
            random,
            clock,
            table: RwLock::new(Table::new()),
        })
    }

    /// What is known of each key, in the order in which they were made. Linear in their number.
    #[must_use]
    pub fn records(&self) -> Vec<KeyRecord> {
        let table = self.table.read();
        table.iter().map(|(record, _)| record.clone()).collect()
    }
}

impl KeyStore for MemoryKeys {
    fn current(&self, subject: Subject<'_>) -> Result<Option<Arc<Key>>, Error> {
        match self.table.read().newest(subject) {
            None => Ok(None),
            Some((_, Some(key))) => Ok(Some(key.clone())),
            Some((_, None)) => Err(was_forgotten(subject)),
        }
    }

    fn create(&self, subject: Subject<'_>) -> Result<Arc<Key>, Error> {
        let mut table = self.table.write();
        if let Some((_, Some(key))) = table.newest(subject) {
            return Ok(key.clone());
        }
        let id = SealKeyId::from_bytes(self.random.nonce().0);
        let key = Arc::new(Key::new(id, *secret_of(&self.random)));
        let record = KeyRecord::new(id, subject, self.clock.now_ms());
        match table.add(record, Some(key.clone())) {
            true => Ok(key),
            // Two draws of 128 bits are equal only where what draws is broken.
            false => Err(Error::new(ErrorKind::Io, "an id of a key was drawn twice")),
        }
    }

    fn find(&self, id: SealKeyId) -> Result<Found, Error> {
        Ok(match self.table.read().by_id(id) {
            None => Found::Unknown,
            Some((_, Some(key))) => Found::Key(key.clone()),
            Some((record, None)) => Found::Forgotten {
                at_ms: record.forgotten_ms.unwrap_or_default(),
            },
        })
    }

    fn forget(&self, subject: Subject<'_>) -> Result<bool, Error> {
        let now_ms = self.clock.now_ms();
        Ok(self.table.write().forget(subject, now_ms, |_| None))
    }
}
