//! Appends that return once their events are visible, and as durable as was asked for.

use super::commit::{Full, Written, commit, unmet};
use super::prepare::{prepare_batch, prepare_one};
use crate::engine::Shared;
use crate::engine::group_sync::Reach;
use crate::engine::writer::Prepared;
use crate::trace::{self, Span};
use crate::upkeep::Running;
use crate::{AppendOptions, Error, Event, Receipt};
use strandline_core::Coordinate;
use tracing::Level;

/// Appends an event.
pub(crate) fn append_one(
    running: &Running,
    coordinate: &Coordinate,
    event: &Event,
    options: AppendOptions<'_>,
) -> Result<Receipt, Error> {
    let done = write_one(running, coordinate, event, options);
    running.shared.metrics.appended(&done, event);
    done
}

/// Appends events together, as a batch, with payloads of at most so many bytes, and leaves them with
/// the caller.
pub(crate) fn append_events(
    running: &Running,
    events: &[(Coordinate, Event)],
    options: AppendOptions<'_>,
    payload_bytes_max: usize,
) -> Result<Vec<Receipt>, Error> {
    let done = write_events(running, events, options, payload_bytes_max);
    running.shared.metrics.appended_all(&done, events);
    done
}

#[inline]
fn write_one(
    running: &Running,
    coordinate: &Coordinate,
    event: &Event,
    options: AppendOptions<'_>,
) -> Result<Receipt, Error> {
    let shared = &running.shared;
    let _span = append_span(shared, 1, &options);
    let prepared = prepare_one(shared, coordinate, event, &options)?;
    let mut given = None;
    let mut give = |receipt| given = Some(receipt);
    let written = write(running, &[prepared], &options, &mut give)?;
    let receipt: Receipt = given.ok_or_else(Error::no_receipt)?;
    let (reach, end) = unmet(running, written);
    let waited = shared.group.wait_for(reach, end);
    waited.map_err(|poison| poison.unknown_of([receipt.id]))?;
    Ok(shared.note_levels(receipt))
}

fn write_events(
    running: &Running,
    events: &[(Coordinate, Event)],
    options: AppendOptions<'_>,
    payload_bytes_max: usize,
) -> Result<Vec<Receipt>, Error> {
    let _span = append_span(&running.shared, events.len(), &options);
    let prepared = prepare_batch(&running.shared, events, &options, payload_bytes_max)?;
    let mut receipts = Vec::with_capacity(prepared.len());
    let written = write(running, &prepared, &options, &mut |receipt| {
        receipts.push(receipt)
    })?;
    let (reach, end) = unmet(running, written);
    let waited = running.shared.group.wait_for(reach, end);
    waited.map_err(|poison| poison.unknown_of(receipts.iter().map(|receipt| receipt.id)))?;
    for receipt in &mut receipts {
        *receipt = running.shared.note_levels(*receipt);
    }
    Ok(receipts)
}

/// The span of an append, entered.
fn append_span(shared: &Shared, events: usize, options: &AppendOptions<'_>) -> Span {
    let durability = options.durability.unwrap_or(shared.options.durability);
    trace::span(Level::DEBUG, || {
        tracing::debug_span!("append", events, ?durability)
    })
}

/// Writes events and gives their receipts, which hold once what this returns was waited for.
fn write(
    running: &Running,
    prepared: &[Prepared<'_>],
    options: &AppendOptions<'_>,
    give: &mut dyn FnMut(Receipt),
) -> Result<Written, Error> {
    commit(running, prepared, options, Full::Never, give).or_else(|error| {
        // Whoever is refused because of an event, and reads, must find it.
        let end = error.decided_by();
        running.shared.wait_for(Reach::Published, end)?;
        Err(error)
    })
}
