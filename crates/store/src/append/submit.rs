//! Submitting: writing what was prepared, and leaving the wait for its sync to a ticket.

use super::commit::{Full, commit, is_visible, unmet};
use super::prepare::{prepare_batch, prepare_one};
use super::ticket::{Outcome, Ticket};
use crate::engine::group_sync::{Pending, Reach};
use crate::engine::writer::Prepared;
use crate::upkeep::Running;
use crate::{AppendOptions, Batch, Error, ErrorKind, Event, Receipt};
use strandline_core::{Coordinate, Sequence};

/// What a ticket waits for, and the refusal that it gives then, if it was one.
struct Waits {
    reach: Reach,
    end: Sequence,
    refusal: Option<Error>,
}

/// Submits the events of a batch.
pub(crate) fn submit_all(
    running: &Running,
    batch: &Batch,
    options: &AppendOptions<'_>,
    full: Full,
) -> Result<Ticket<Vec<Receipt>>, Error> {
    let metrics = &running.shared.metrics;
    let limit = running.shared.options.payload_bytes_max;
    let prepared = prepare_batch(&running.shared, &batch.events, options, limit)
        .inspect_err(|error| metrics.refused(error))?;
    let mut receipts = Vec::with_capacity(prepared.len());
    let mut give = |receipt| receipts.push(receipt);
    let waits = submit_prepared(running, &prepared, options, full, &mut give)?;
    metrics.wrote(&receipts, &batch.events);
    Ok(ticket(running, waits, || Ok(receipts)))
}

/// Submits an event.
pub(crate) fn submit_one(
    running: &Running,
    coordinate: &Coordinate,
    event: &Event,
    options: &AppendOptions<'_>,
    full: Full,
) -> Result<Ticket, Error> {
    let metrics = &running.shared.metrics;
    let prepared = prepare_one(&running.shared, coordinate, event, options)
        .inspect_err(|error| metrics.refused(error))?;
    let mut given = None;
    let mut give = |receipt| given = Some(receipt);
    let waits = submit_prepared(running, &[prepared], options, full, &mut give)?;
    if let Some(receipt) = &given {
        metrics.wrote_one(receipt, event);
    }
    Ok(ticket(running, waits, || {
        given.ok_or_else(Error::no_receipt)
    }))
}

fn submit_prepared(
    running: &Running,
    prepared: &[Prepared<'_>],
    options: &AppendOptions<'_>,
    full: Full,
    give: &mut dyn FnMut(Receipt),
) -> Result<Waits, Error> {
    // Before anything is written: without the thread, nobody would sync for a task.
    running.start_driver()?;
    let committed = commit(running, prepared, options, full, give);
    if let Err(error) = &committed
        && error.kind() != ErrorKind::Busy
    {
        running.shared.metrics.refused(error);
    }
    let waits = match committed {
        Ok(written) => {
            let (reach, end) = unmet(running, written);
            let refusal = None;
            Waits {
                reach,
                end,
                refusal,
            }
        }
        // It may be tried again.
        Err(error) if error.kind() == ErrorKind::Busy => return Err(error),
        Err(error) if is_visible(&running.shared, error.decided_by()) => return Err(error),
        Err(error) => Waits {
            reach: Reach::Published,
            end: error.decided_by(),
            refusal: Some(error),
        },
    };
    if waits.end > Sequence::ZERO {
        running.ask_driver();
    }
    Ok(waits)
}

fn ticket<R: Outcome>(
    running: &Running,
    waits: Waits,
    outcome: impl FnOnce() -> Result<R, Error>,
) -> Ticket<R> {
    let outcome = waits.refusal.map_or_else(outcome, Err);
    Ticket::new(
        outcome,
        Pending::new(running.shared.group.clone(), waits.reach, waits.end),
    )
}
