//! `Opener`: payloads decrypted after they were read. Reads no store, and keeps no key.

use crate::crypto::{Bound, SealedState, open};
use crate::keys::{Found, KeyStore};
use std::sync::Arc;
use strandline::{Coordinate, Error, ErrorKind, OpenPayload, SealKeyId, StoredEvent};

/// Decrypts payloads of events that were read.
///
/// A [`Registry`](strandline::Registry) takes one ([`opening`](strandline::Registry::opening)), and opens what it
/// decodes by itself. Others open each event: `snapshot.query(region).map(|event| opener.open(event?))`.
#[derive(Debug, Clone)]
pub struct Opener {
    keys: Arc<dyn KeyStore>,
}

impl Opener {
    /// Opens with the keys of a store of keys.
    #[must_use]
    pub const fn new(keys: Arc<dyn KeyStore>) -> Self {
        Self { keys }
    }

    /// The event with its payload as it was before it was sealed. One that is not sealed, or was redacted, as it is.
    /// One whose key was forgotten has no payload ([`StoredEvent::is_forgotten`]): to read it is an
    /// [`ErrorKind::Forgotten`], as a redacted one's is an [`ErrorKind::Redacted`].
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Sealed`] if this store of keys knows nothing of its key; [`ErrorKind::Corrupt`] if the payload is
    /// not what was sealed, or not in this event; [`ErrorKind::UnsupportedVersion`] if a later version sealed it; why
    /// keys cannot be asked for.
    pub fn open(&self, event: StoredEvent) -> Result<StoredEvent, Error> {
        if !event.is_sealed() || event.is_redacted() {
            return Ok(event);
        }
        let id = event.id;
        let seal = event.extensions.seal().map_err(|error| {
            let message = format!("how event {id} is sealed is not known to this program");
            Error::new(ErrorKind::UnsupportedVersion, message).with_source(error)
        })?;
        let Some(seal) = seal else {
            let message = format!("event {id} is sealed, and nothing says how");
            return Err(Error::new(ErrorKind::Corrupt, message));
        };
        let key = match self.keys.find(seal.key)? {
            Found::Key(key) => key,
            Found::Forgotten { .. } => return Ok(event.forgotten()),
            Found::Unknown => {
                let message = format!(
                    "event {id} is sealed with key {}, of which this store of keys knows nothing",
                    seal.key
                );
                return Err(Error::new(ErrorKind::Sealed, message));
            }
        };
        let bound = Bound {
            coordinate: &event.coordinate,
            kind: event.kind,
            encoding: seal.encoding,
            version: event.version(),
            id: seal.is_bound_to_id.then_some(id),
        };
        match open(&key, &bound, &seal, event.payload()?) {
            Some(payload) => Ok(event.opened(seal.encoding, payload)),
            None => {
                let message = format!(
                    "the payload of event {id} is not what was sealed with key {} for such an event",
                    seal.key
                );
                Err(Error::new(ErrorKind::Corrupt, message))
            }
        }
    }

    /// What [`Sealer::seal_state`](crate::Sealer::seal_state) has sealed, and with which key.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Forgotten`] if the key was forgotten; [`ErrorKind::Sealed`] if this store of keys knows nothing of
    /// it; [`ErrorKind::Corrupt`] if it is not what was sealed for this coordinate and `of`; why keys cannot be asked for.
    pub fn open_state(
        &self,
        coordinate: &Coordinate,
        of: &[u8],
        sealed: &[u8],
    ) -> Result<(SealKeyId, Vec<u8>), Error> {
        let entity = coordinate.entity();
        let refused = || {
            let message = format!("the state of {entity:?} is not what was sealed as that");
            Error::new(ErrorKind::Corrupt, message)
        };
        let sealed = SealedState::parse(sealed).ok_or_else(refused)?;
        match self.keys.find(sealed.key)? {
            Found::Key(key) => {
                let state = sealed.open(&key, coordinate, of).ok_or_else(refused)?;
                Ok((sealed.key, state))
            }
            Found::Forgotten { .. } => {
                let message =
                    format!("the state of {entity:?} was sealed with a key that was forgotten");
                Err(Error::new(ErrorKind::Forgotten, message))
            }
            Found::Unknown => {
                let message = format!("the state of {entity:?} is sealed with key {}", sealed.key);
                Err(Error::new(ErrorKind::Sealed, message))
            }
        }
    }

    /// Whether a key was forgotten: for who keeps in memory what was read with it.
    ///
    /// # Errors
    ///
    /// Why keys cannot be asked for.
    pub fn is_forgotten(&self, key: SealKeyId) -> Result<bool, Error> {
        Ok(matches!(self.keys.find(key)?, Found::Forgotten { .. }))
    }
}

impl OpenPayload for Opener {
    fn open_payload(&self, event: StoredEvent) -> Result<StoredEvent, Error> {
        self.open(event)
    }
}
