//! Events of disintegrate as events of the store, and back.

use crate::tags::{entity, tags};
use crate::{Error, Position};
use disintegrate::{Event, PersistedEvent};
use disintegrate_serde::Serde;
use std::error::Error as StdError;
use strandline::{Batch, Coordinate, PayloadEncoding, Store, StoredEvent};

/// The scope of events that nobody chose one for.
const SCOPE: &str = "disintegrate";

/// How events are kept.
#[derive(Debug)]
pub(crate) struct Form<E> {
    pub(crate) scope: String,
    pub(crate) entity: fn(&E) -> String,
    pub(crate) encoding: PayloadEncoding,
    pub(crate) skips_redacted: bool,
}

impl<E: Event> Default for Form<E> {
    fn default() -> Self {
        Self {
            scope: SCOPE.to_owned(),
            entity,
            encoding: PayloadEncoding::RAW,
            skips_redacted: false,
        }
    }
}

impl<E> Clone for Form<E> {
    fn clone(&self) -> Self {
        Self {
            scope: self.scope.clone(),
            ..*self
        }
    }
}

impl<E: Event> Form<E> {
    /// Events as a batch of the store.
    pub(crate) fn batch(
        &self,
        store: &Store,
        serde: &impl Serde<E>,
        events: Vec<E>,
    ) -> Result<Batch, Error> {
        let mut batch = Batch::new();
        for event in events {
            let entity = (self.entity)(&event);
            let coordinate =
                Coordinate::new(&entity, &self.scope).map_err(|source| Error::Name {
                    what: format!("the entity {entity:?} in scope {:?}", self.scope),
                    source,
                })?;
            let (kind, ids) = (store.kind(event.name())?, event.domain_ids());
            let payload = serde.serialize(event);
            let made = strandline::Event::encoded(kind, self.encoding, payload);
            batch.add(
                &coordinate,
                tags(&ids).fold(made, strandline::Event::tagged),
            );
        }
        Ok(batch)
    }

    /// An event of the store as one of a query; none where its payload was removed and nobody wants to know.
    pub(crate) fn persisted<Q>(
        &self,
        serde: &impl Serde<E>,
        stored: &StoredEvent,
    ) -> Result<Option<PersistedEvent<Position, Q>>, Error>
    where
        Q: TryFrom<E> + Event,
        <Q as TryFrom<E>>::Error: StdError + Send + Sync + 'static,
    {
        let position = Position::of(stored.sequence);
        if stored.is_redacted() {
            return match self.skips_redacted {
                true => Ok(None),
                false => Err(Error::Redacted { position }),
            };
        }
        let decoded = serde.deserialize(stored.payload()?.to_vec());
        let event = decoded.map_err(|source| Error::Deserialization { position, source })?;
        let event = Q::try_from(event).map_err(|error| Error::QueryEventMapping {
            position,
            source: Box::new(error),
        })?;
        Ok(Some(PersistedEvent::new(position, event)))
    }
}
