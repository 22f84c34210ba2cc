//! The state of an aggregate, made of its snapshot and the events after it.
//!
//! A snapshot counts only if the stream has the event that it is of: not after a restore, or where the end of the
//! log was lost, or in another store. Otherwise all events are applied. Writes nothing.

use super::snapshots::SnapshotHead;
use crate::files::Kept;
use crate::model::{Fault, Reading, store_failed};
use cqrs_es::Aggregate;
use cqrs_es::persist::PersistenceError;
use serde_json::{Value, json};
use strandline::{Coordinate, EventRef, Events, Hash, Region, Snapshot};

/// What the events of an aggregate come to.
#[derive(Debug)]
pub(super) enum Fold<A> {
    /// There are none.
    NoEvents,
    /// This.
    State(Folded<A>),
    /// One of them is not what the aggregate takes: it is to be upcast, by upcasters that are not known here.
    NotTaken {
        /// Of the snapshot before it.
        number: u64,
    },
}

/// The state after an event.
#[derive(Debug)]
pub(super) struct Folded<A> {
    pub(super) state: A,
    pub(super) clock: u32,
    pub(super) hash: Hash,
    pub(super) number: u64,
}

/// Applies the events of an aggregate that its snapshot has not, or all of them. O(1) events are read beside those.
///
/// # Errors
///
/// If the store cannot be read.
pub(super) fn fold<A: Aggregate>(
    now: &Snapshot,
    reading: &Reading,
    coordinate: &Coordinate,
    kept: Option<Kept<SnapshotHead>>,
) -> Result<Fold<A>, PersistenceError> {
    let from = |clock: u32| Region::all().entity(coordinate.entity()).clock(clock..);
    if let Some(Kept { head, state }) = kept
        && let Ok(state) = serde_json::from_slice::<A>(&state)
    {
        let mut events = now.query(from(head.clock));
        let first = events.next_ref().transpose().map_err(store_failed)?;
        if first.is_some_and(|event| event.clock() == head.clock && event.hash() == head.hash) {
            let folded = Folded {
                state,
                clock: head.clock,
                hash: head.hash,
                number: head.number,
            };
            return apply(events, reading, coordinate, Some(folded));
        }
    }
    apply(now.query(from(0)), reading, coordinate, None)
}

fn apply<A: Aggregate>(
    mut events: Events<'_>,
    reading: &Reading,
    coordinate: &Coordinate,
    mut folded: Option<Folded<A>>,
) -> Result<Fold<A>, PersistenceError> {
    while let Some(event) = events.next_ref() {
        let event = event.map_err(store_failed)?;
        let Some(taken) = taken::<A>(&event, reading, coordinate)? else {
            let number = folded.map_or(0, |folded| folded.number);
            return Ok(Fold::NotTaken { number });
        };
        let mut state = folded.take().unwrap_or_else(|| Folded {
            state: A::default(),
            clock: 0,
            hash: Hash::ZERO,
            number: 0,
        });
        state.state.apply(taken);
        (state.clock, state.hash) = (event.clock(), event.hash());
        folded = Some(state);
    }
    Ok(folded.map_or(Fold::NoEvents, Fold::State))
}

/// The event as the aggregate takes it; none if it does not.
fn taken<A: Aggregate>(
    event: &EventRef<'_>,
    reading: &Reading,
    coordinate: &Coordinate,
) -> Result<Option<A::Event>, PersistenceError> {
    match reading.event(event, coordinate.scope()) {
        Ok(event) => Ok(serde_json::from_value(reading.upcast(event).payload).ok()),
        Err(PersistenceError::DeserializationError(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

/// A value that is no state of the aggregate. A framework that is given one as a snapshot makes the state anew of all
/// events, with its own upcasters.
///
/// # Errors
///
/// `DeserializationError` if every value that is tried is one.
pub(super) fn no_state_of<A: Aggregate>() -> Result<Value, PersistenceError> {
    let values = [Value::Null, json!(false), json!(""), json!([[]]), json!({})];
    let is_none = |value: &Value| serde_json::from_value::<A>(value.clone()).is_err();
    values.into_iter().find(is_none).ok_or_else(|| {
        let message = format!(
            "events of {:?} have to be upcast: give the upcasters to the repository too",
            A::TYPE
        );
        PersistenceError::DeserializationError(Box::new(Fault(message)))
    })
}
