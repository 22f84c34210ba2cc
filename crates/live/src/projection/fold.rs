//! `Fold`: a projection of either kind, as one partition of it sees it; and its state in bytes.

use super::definition::{ApplyError, EntityProjection, Projection};
use crate::{Error, ErrorKind};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::collections::HashMap;
use std::sync::Arc;
use strandline::{EventRef, OpenPayload, Query, Sequence};

/// What is folded, and into what.
pub(super) trait Fold: Send + Sync + 'static {
    const VERSION: u32;
    type State: Default + Serialize + DeserializeOwned + Send + Sync + 'static;

    fn query(&self) -> Query;
    fn apply(&self, state: &mut Self::State, event: &EventRef<'_>) -> Result<(), ApplyError>;
}

/// What opens sealed payloads before events are applied, if anything does.
pub(super) type Opener = Option<Arc<dyn OpenPayload>>;

/// Has an event applied, opened if it is sealed and there is what opens it.
fn opened(
    opener: &Opener,
    event: &EventRef<'_>,
    apply: impl FnOnce(&EventRef<'_>) -> Result<(), ApplyError>,
) -> Result<(), ApplyError> {
    match opener {
        Some(opener) if event.is_sealed() => {
            let opened = opener.open_payload(event.into_owned())?;
            apply(&event.read_as(&opened))
        }
        _ => apply(event),
    }
}

/// A projection with one state.
pub(super) struct Whole<P>(pub(super) P, pub(super) Opener);

impl<P: Projection> Fold for Whole<P> {
    const VERSION: u32 = P::VERSION;
    type State = P::State;

    fn query(&self) -> Query {
        self.0.query()
    }

    fn apply(&self, state: &mut P::State, event: &EventRef<'_>) -> Result<(), ApplyError> {
        opened(&self.1, event, |event| self.0.apply(state, event))
    }
}

/// A projection with a state for each entity.
pub(super) struct ByEntity<P>(pub(super) P, pub(super) Opener);

impl<P: EntityProjection> Fold for ByEntity<P> {
    const VERSION: u32 = P::VERSION;
    type State = HashMap<String, P::State>;

    fn query(&self) -> Query {
        self.0.query()
    }

    fn apply(&self, states: &mut Self::State, event: &EventRef<'_>) -> Result<(), ApplyError> {
        opened(&self.1, event, |event| {
            apply_to_entity(&self.0, states, event)
        })
    }
}

/// Applies an event to the state of its entity.
pub(super) fn apply_to_entity<P: EntityProjection>(
    projection: &P,
    states: &mut HashMap<String, P::State>,
    event: &EventRef<'_>,
) -> Result<(), ApplyError> {
    let coordinate = event.coordinate();
    let entity = coordinate.entity();
    // Looked up twice where it is new, and not with a name of its own each time.
    if let Some(state) = states.get_mut(entity) {
        return projection.apply(state, event);
    }
    let state = states.entry(entity.to_owned()).or_default();
    projection.apply(state, event)
}

/// The error of an event that was not applied.
pub(super) fn not_applied(sequence: Sequence, error: ApplyError) -> Error {
    let message = format!("the projection cannot apply event {sequence}");
    Error::new(ErrorKind::Faulted, message).with_source(error)
}

/// A state as bytes.
pub(super) fn encode<S: Serialize>(state: &S) -> Result<Vec<u8>, Error> {
    rmp_serde::to_vec_named(state).map_err(|error| {
        let message = "the state of the projection cannot be written";
        Error::new(ErrorKind::InvalidInput, message).with_source(error)
    })
}

/// A state from bytes that were saved.
pub(super) fn decode<S: DeserializeOwned>(bytes: &[u8]) -> Result<S, Error> {
    rmp_serde::from_slice(bytes).map_err(|error| {
        let message = "the saved state of the projection is none of its type; if that has changed, raise VERSION, and \
                       the state is made anew";
        Error::new(ErrorKind::Corrupt, message).with_source(error)
    })
}
