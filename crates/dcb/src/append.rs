//! Appending through the trait: events, condition and position in a source, in one commit of the store.

use crate::error::of_store;
use crate::event::{Places, check_tracking, given};
use crate::position::position_of;
use crate::query::query_of;
use strandline::{AppendCondition, AppendOptions, Batch, Error, ErrorKind, Receipt, Store};
use strandline_core::{Coordinate, PayloadEncoding, Sequence};
use umadb_dcb::{DcbAppendCondition, DcbError, DcbEvent, DcbResult, TrackingInfo};

/// Appends, and gives the position of the last event; 0 if there are no events, of which nothing is asked.
///
/// # Errors
///
/// `InvalidArgument` also for a position in a source without events: the store keeps it with an event, and to forget
/// it would have its input gone through again.
pub(crate) fn append(
    store: &Store,
    places: (&Places, PayloadEncoding),
    events: Vec<DcbEvent>,
    condition: Option<&DcbAppendCondition>,
    tracking: Option<&TrackingInfo>,
) -> DcbResult<u64> {
    let Some(events) = prepared(store, places, events, tracking)? else {
        return Ok(0);
    };
    let required = condition.map(condition_of);
    let receipts = commit(store, events, options(required.as_ref(), tracking));
    position(store, receipts, condition)
}

/// As [`append`], for a task: what waits, waits without a thread.
pub(crate) async fn append_async(
    store: &Store,
    places: (&Places, PayloadEncoding),
    events: Vec<DcbEvent>,
    condition: Option<&DcbAppendCondition>,
    tracking: Option<&TrackingInfo>,
) -> DcbResult<u64> {
    let Some(events) = prepared(store, places, events, tracking)? else {
        return Ok(0);
    };
    let required = condition.map(condition_of);
    let receipts = submit(store, events, options(required.as_ref(), tracking)).await;
    position(store, receipts, condition)
}

type Prepared = Vec<(Coordinate, strandline::Event)>;

/// The events as the store appends them; none if there are none.
fn prepared(
    store: &Store,
    places: (&Places, PayloadEncoding),
    events: Vec<DcbEvent>,
    tracking: Option<&TrackingInfo>,
) -> DcbResult<Option<Prepared>> {
    if events.is_empty() {
        return match tracking {
            None => Ok(None),
            Some(_) => Err(DcbError::InvalidArgument(
                "a position in a source is kept with events, and there are none".to_owned(),
            )),
        };
    }
    if let Some(tracking) = tracking {
        check_tracking(tracking)?;
    }
    let numbered = events.into_iter().enumerate();
    let events: DcbResult<Vec<_>> = numbered
        .map(|(place, event)| {
            let not_first = tracking.filter(|_| place > 0);
            given(store, event, places, not_first)
        })
        .collect();
    events.map(Some)
}

fn options<'a>(
    required: Option<&'a AppendCondition>,
    tracking: Option<&'a TrackingInfo>,
) -> AppendOptions<'a> {
    let mut options = AppendOptions::new();
    if let Some(required) = required {
        options = options.condition(required);
    }
    if let Some(TrackingInfo { source, position }) = tracking {
        options = options.tracking(source, *position);
    }
    options
}

/// The position of the last event, or why there is none.
fn position(
    store: &Store,
    receipts: Result<Vec<Receipt>, Error>,
    condition: Option<&DcbAppendCondition>,
) -> DcbResult<u64> {
    let receipts = receipts.map_err(|error| refusal(store, &error, condition))?;
    // Of events that were appended before the last one need not be the latest.
    let last = receipts.iter().map(|receipt| receipt.sequence).max();
    Ok(last.map_or(0, position_of))
}

fn commit(
    store: &Store,
    mut events: Prepared,
    options: AppendOptions<'_>,
) -> Result<Vec<Receipt>, Error> {
    match events.pop() {
        Some((coordinate, event)) if events.is_empty() => {
            let receipt = store.append_with(&coordinate, event, options)?;
            Ok(vec![receipt])
        }
        last => {
            events.extend(last);
            store.append_slice(&events, options)
        }
    }
}

async fn submit(
    store: &Store,
    mut events: Prepared,
    options: AppendOptions<'_>,
) -> Result<Vec<Receipt>, Error> {
    match events.pop() {
        Some((coordinate, event)) if events.is_empty() => {
            let ticket = store.submit_async_with(&coordinate, event, options).await?;
            Ok(vec![ticket.await?])
        }
        last => {
            events.extend(last);
            let mut batch = Batch::new();
            for (coordinate, event) in events {
                batch = batch.push(&coordinate, event);
            }
            let ticket = store.submit_batch_async_with(batch, options).await?;
            ticket.await
        }
    }
}

/// No event may match that has a position after the given one, or any if none is given.
fn condition_of(condition: &DcbAppendCondition) -> AppendCondition {
    // The position after which is the sequence from which on.
    let since = Sequence::new(condition.after.unwrap_or(0));
    AppendCondition::since(since).none_in(query_of(&condition.fail_if_events_match))
}

/// Why nothing was written, in the words that users of the trait know where they have some.
fn refusal(store: &Store, error: &Error, condition: Option<&DcbAppendCondition>) -> DcbError {
    match (error.kind(), condition) {
        (ErrorKind::ConditionFailed, Some(condition)) => {
            let matched = matched(store, error).unwrap_or_else(|| error.to_string());
            DcbError::IntegrityError(format!("condition: {condition:?} matched: {matched}"))
        }
        (ErrorKind::TrackingConflict, _) => match error.tracking_conflict() {
            Some(conflict) => DcbError::IntegrityError(format!(
                "non-increasing tracking position for source '{}': {} <= {}",
                conflict.last.source, conflict.given, conflict.last.position
            )),
            None => of_store(error),
        },
        _ => of_store(error),
    }
}

/// The event that a condition excludes, without its data, which may be long and is no part of why.
fn matched(store: &Store, error: &Error) -> Option<String> {
    let conflict = error.condition_conflict()?;
    let found = store.snapshot().get_with(conflict.id, |event| {
        let extensions = event.extensions();
        let tags: Vec<_> = extensions.tags().collect();
        let name = event.kind_name();
        let event_type = crate::kinds::type_of(event.kind(), name.as_deref());
        let position = position_of(event.sequence());
        format!("event {position}, type {event_type:?}, tags {tags:?}")
    });
    found.ok().flatten()
}
