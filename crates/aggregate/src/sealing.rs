//! `Sealing`: events and saved states that are sealed, as far as the other rooms have to know. Knows `strandline-seal` with
//! the feature `seal` alone; without it nothing is sealed.

use strandline::{Coordinate, Error, Event, EventRef, SealKeyId};

/// What seals the events of a repository and opens its states.
pub(crate) trait Sealing: Send + Sync {
    /// The event with its payload sealed, to be appended there.
    fn seal(&self, coordinate: &Coordinate, event: Event) -> Result<Event, Error>;

    /// A state sealed with the key of its entity or scope.
    fn seal_state(
        &self,
        coordinate: &Coordinate,
        of: &[u8],
        state: &[u8],
    ) -> Result<Vec<u8>, Error>;

    /// The state that was sealed, and its key.
    fn open_state(
        &self,
        coordinate: &Coordinate,
        of: &[u8],
        sealed: &[u8],
    ) -> Result<(SealKeyId, Vec<u8>), Error>;

    /// Whether a key was forgotten.
    fn is_forgotten(&self, key: SealKeyId) -> Result<bool, Error>;
}

/// The key that an event is sealed with, if it is.
pub(crate) fn key_of(event: &EventRef<'_>) -> Option<SealKeyId> {
    let seal = event.extensions().seal().ok().flatten();
    seal.map(|seal| seal.key)
}

/// Events sealed as they are appended, each for where it goes.
pub(crate) fn sealed(
    sealing: Option<&dyn Sealing>,
    events: Vec<(Coordinate, Event)>,
) -> Result<Vec<(Coordinate, Event)>, Error> {
    let Some(sealing) = sealing else {
        return Ok(events);
    };
    let events = events.into_iter();
    events
        .map(|(coordinate, event)| {
            // A caller's `to_event` may have sealed it.
            let event = match event.is_sealed() {
                true => event,
                false => sealing.seal(&coordinate, event)?,
            };
            Ok((coordinate, event))
        })
        .collect()
}

#[cfg(feature = "seal")]
pub(crate) use with_keys::Keys;

#[cfg(feature = "seal")]
mod with_keys {
    use super::{Coordinate, Error, Event, SealKeyId, Sealing};
    use std::sync::Arc;
    use strandline_seal::{Opener, Sealer};

    /// A sealer and an opener of the same keys.
    pub(crate) struct Keys {
        pub(crate) sealer: Arc<Sealer>,
        pub(crate) opener: Opener,
    }

    impl Sealing for Keys {
        fn seal(&self, coordinate: &Coordinate, event: Event) -> Result<Event, Error> {
            self.sealer.seal(coordinate, event)
        }

        fn seal_state(
            &self,
            coordinate: &Coordinate,
            of: &[u8],
            state: &[u8],
        ) -> Result<Vec<u8>, Error> {
            self.sealer.seal_state(coordinate, of, state)
        }

        fn open_state(
            &self,
            coordinate: &Coordinate,
            of: &[u8],
            sealed: &[u8],
        ) -> Result<(SealKeyId, Vec<u8>), Error> {
            self.opener.open_state(coordinate, of, sealed)
        }

        fn is_forgotten(&self, key: SealKeyId) -> Result<bool, Error> {
            self.opener.is_forgotten(key)
        }
    }
}
