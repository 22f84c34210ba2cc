//! `Sealer`: payloads encrypted before they are appended. Appends nothing, and keeps no key.

use crate::crypto::{Bound, Key, seal, seal_state};
use crate::keys::KeyStore;
use crate::subject::{Per, Subject};
use std::sync::Arc;
use strandline::{Batch, Coordinate, Error, ErrorKind, Event};
use strandline_core::{Process, Random};

/// Encrypts payloads of events before they are appended, each under the key of its entity or scope.
///
/// What it makes is an [`Event`] like any other: it is appended alone, in a batch, submitted, with conditions and
/// expectations. Shared by threads without a lock of its own. A payload becomes 16 bytes longer and its header 47,
/// and the limit of payloads is that of what is stored.
///
/// The same event with an id of the caller's is sealed to the same bytes again, as long as its key is the same, so it
/// stays a repeat. Once its key was forgotten it is not, under another key: the id is a conflict then.
#[derive(Debug)]
pub struct Sealer {
    keys: Arc<dyn KeyStore>,
    per: Per,
    random: Random,
    process: Process,
}

impl Sealer {
    /// Seals with the keys of a store of keys, one for each entity or scope.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Io`] if the operating system gives no random bytes.
    pub fn new(keys: Arc<dyn KeyStore>, per: Per) -> Result<Self, Error> {
        Ok(Self {
            keys,
            per,
            random: random()?,
            process: Process::current(),
        })
    }

    /// The event with its payload encrypted, to be appended at `coordinate` and nowhere else. The key of the
    /// coordinate's entity or scope is made if there never was one.
    ///
    /// What says its kind, version, encoding and id is to be said before.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Forgotten`] if the key was forgotten and no other was made ([`KeyStore::create`]);
    /// [`ErrorKind::InvalidInput`] if the event is sealed already; why keys cannot be asked for or made.
    pub fn seal(&self, coordinate: &Coordinate, event: Event) -> Result<Event, Error> {
        if event.is_sealed() {
            let message = "the payload of the event is sealed already";
            return Err(Error::new(ErrorKind::InvalidInput, message));
        }
        let key = self.key(coordinate)?;
        let bound = Bound {
            coordinate,
            kind: event.kind(),
            encoding: event.encoding(),
            version: event.version(),
            id: event.id(),
        };
        let sealed = match self.process.is_current() {
            true => seal(&key, &bound, event.payload(), &self.random),
            // A fork of this process has the same source, and uses it no further.
            false => seal(&key, &bound, event.payload(), &random()?),
        };
        let Some((seal, ciphertext)) = sealed else {
            let message = "the payload is too long to be encrypted";
            return Err(Error::new(ErrorKind::TooLarge, message));
        };
        Ok(event.sealed(seal, ciphertext))
    }

    /// Adds an event to a batch, with its payload encrypted.
    ///
    /// # Errors
    ///
    /// As [`seal`](Self::seal).
    pub fn add(
        &self,
        batch: &mut Batch,
        coordinate: &Coordinate,
        event: Event,
    ) -> Result<(), Error> {
        batch.add(coordinate, self.seal(coordinate, event)?);
        Ok(())
    }

    /// What a program has made of the events of `coordinate`, encrypted with the key of its entity or scope: for what is
    /// kept beside the log and is to go with the key, such as the saved state of an aggregate.
    /// [`Opener::open_state`](crate::Opener::open_state) opens it, for the same coordinate and the same `of` alone: what it is a state of, and of
    /// which version, in bytes of the caller's. It has 57 bytes more than `state`.
    ///
    /// # Errors
    ///
    /// As [`seal`](Self::seal).
    pub fn seal_state(
        &self,
        coordinate: &Coordinate,
        of: &[u8],
        state: &[u8],
    ) -> Result<Vec<u8>, Error> {
        let key = self.key(coordinate)?;
        let drawn = match self.process.is_current() {
            true => self.random.bytes(),
            false => random()?.bytes(),
        };
        let sealed = seal_state(&key, coordinate, of, state, drawn);
        sealed
            .ok_or_else(|| Error::new(ErrorKind::TooLarge, "the state is too long to be encrypted"))
    }

    fn key(&self, coordinate: &Coordinate) -> Result<Arc<Key>, Error> {
        let subject = Subject::of(self.per, coordinate);
        match self.keys.current(subject)? {
            Some(key) => Ok(key),
            None => self.keys.create(subject),
        }
    }
}

fn random() -> Result<Random, Error> {
    Random::from_os().map_err(|error| {
        Error::new(ErrorKind::Io, "there are no random bytes to make salts of").with_source(error)
    })
}
