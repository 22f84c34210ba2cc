//! `redo`: what the log says is gone, and is there, is taken away again. Chooses nothing that no record names.

use super::marks::Marks;
use super::quarantine::Quarantine;
use super::redact::remove_remains;
use super::segments::{Asked, rewrite};
use crate::maintenance::notes::notes_from;
use crate::maintenance::progress::{Meter, OnProgress};
use crate::rows::removals::Removal;
use crate::trace;
use crate::{Error, ErrorKind, Sequence, Store};
use strandline_core::record::{RecordPayload, RemovalChange, Runs, StoredRecord};
use tracing::Level;

/// What is there of events of which a record says that it is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Redone {
    /// Events that are there and were removed.
    pub events: u64,
    /// Payloads that are there and were redacted.
    pub payloads: u64,
    /// Segments that they are in.
    pub segments: usize,
}

impl Redone {
    /// Whether all that is said to be gone is gone.
    #[must_use]
    pub const fn is_nothing(&self) -> bool {
        self.segments == 0
    }
}

/// Takes away again what records of the log say was removed or redacted, and is there: an older generation of its
/// segment was put back, by a copy of files, or by who took the log over between a redaction and the copy of what it
/// rewrote. Does nothing where there is none of it.
///
/// The records that are there explain it, so no other is written, and [`Store::verify`] has nothing to say afterwards.
/// Of a removal that was begun and is not said to be done nothing is taken: it was interrupted.
///
/// `from` says which records are looked at: those in segments that end at this sequence or after it, as far as the
/// log was not known before; [`Sequence::ZERO`] for all. Segments are rewritten as by
/// [`compact`](crate::maintenance::compact()), with the same safety, and payloads go out of older snapshots and out of
/// `quarantine/` as by [`redact`](crate::maintenance::redact()).
///
/// Cost: reads the segments from that one on, those before it back to where the removals begin that end there, and those
/// that had what they took; writes those that have it.
///
/// # Errors
///
/// As [`redact`](crate::maintenance::redact()).
pub fn redo(store: &Store, from: Sequence, on_progress: OnProgress<'_>) -> Result<Redone, Error> {
    let _span = trace::span(Level::INFO, || tracing::info_span!("redo"));
    let shared = store.shared();
    let mut rewriting = shared.begin_rewriting()?;
    // What explains it is durable before anything is gone.
    store.sync()?;
    let mut meter = Meter::bytes(None, on_progress);
    let marks = there(store, from, &mut meter)?;
    let found = found(&marks);
    if found.is_nothing() {
        meter.finish()?;
        return Ok(found);
    }
    let mut quarantine = Quarantine::read(&*shared.options.fs, &shared.dir)?;
    let asked = Asked {
        rule: None,
        shows_at_once: true,
        folds: false,
    };
    let done = rewrite(
        store,
        &marks,
        &asked,
        &mut meter,
        &mut quarantine,
        &mut rewriting,
    )?;
    if found.payloads > 0 {
        remove_remains(store)?;
    }
    trace::tell(Level::WARN, move || {
        tracing::warn!(
            events = done.events,
            payloads = done.headers,
            segments = done.segments,
            "what was gone before was there again, and was taken away"
        );
    });
    // It is done: nothing can be stopped any more.
    let _ = meter.finish();
    Ok(found)
}

/// What [`redo`] would take away, which may be asked of a store that is only read.
///
/// # Errors
///
/// [`ErrorKind::Corrupt`] if the log or a record is damaged, [`ErrorKind::Io`], [`ErrorKind::Cancelled`].
pub fn put_back(
    store: &Store,
    from: Sequence,
    on_progress: OnProgress<'_>,
) -> Result<Redone, Error> {
    let mut meter = Meter::bytes(None, on_progress);
    let marks = there(store, from, &mut meter)?;
    meter.finish()?;
    Ok(found(&marks))
}

fn found(marks: &Marks) -> Redone {
    Redone {
        events: marks.count(RemovalChange::Removed),
        payloads: marks.count(RemovalChange::Redacted),
        segments: marks.segments().count(),
    }
}

/// The events that are there, or their payloads, though a record says that they are gone.
fn there(store: &Store, from: Sequence, meter: &mut Meter<'_>) -> Result<Marks, Error> {
    let shared = store.shared();
    let (until, snapshot) = crate::read::end_and_snapshot(shared);
    let log = &snapshot.reader.log;
    let mut marks = Marks::none_of(log, snapshot.visible());
    let is_enough = |one: &Removal| one.is_whole() || !one.is_done;
    let (_, all) = notes_from(log, until, from, is_enough, meter)?;
    let counts = |one: &&Removal| one.is_done && one.counts_in(&shared.identity);
    let of = |change: RemovalChange| {
        let all = all.iter().filter(counts);
        let runs = all
            .filter(|one| one.change == change)
            .flat_map(|one| one.runs().as_slice().to_vec());
        Runs::of(runs.collect())
    };
    let removed = of(RemovalChange::Removed);
    let redacted = of(RemovalChange::Redacted);
    let either = removed.with(&redacted);
    for info in log.infos() {
        let end = info.end().unwrap_or(until);
        if !either.touches(info.start().sequence, end.sequence) {
            continue;
        }
        let scanned = log.scan(end, Some(info.start()), |frame| {
            meter.add(frame.len() as u64)?;
            for record in frame.records() {
                let sequence = record.sequence;
                let change = match removed.has(sequence) {
                    true => RemovalChange::Removed,
                    false if redacted.has(sequence) => RemovalChange::Redacted,
                    false => continue,
                };
                let is_there = match StoredRecord::decode(record.body) {
                    Ok(StoredRecord::Removed(_)) => false,
                    Ok(StoredRecord::Event(event)) => {
                        let is_redacted = matches!(event.payload, RecordPayload::Redacted { .. });
                        change == RemovalChange::Removed || !is_redacted
                    }
                    Err(error) => {
                        let message = format!("the record of sequence {sequence} is malformed");
                        return Err(Error::new(ErrorKind::Corrupt, message).with_source(error));
                    }
                };
                if is_there {
                    marks.add(sequence, change);
                }
            }
            Ok(())
        });
        scanned.map_err(Error::from)?;
    }
    Ok(marks)
}
