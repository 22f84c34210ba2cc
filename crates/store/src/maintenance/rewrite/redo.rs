//! `redo`: what the log says is gone, and is there, is taken away again. Chooses nothing that no record names.

use super::marks::Marks;
use super::quarantine::Quarantine;
use super::redact::remove_remains;
use super::segments::{Asked, rewrite};
use crate::maintenance::progress::{Meter, OnProgress};
use crate::rows::removals::{Ledger, Removal};
use crate::trace;
use crate::{Error, ErrorKind, Sequence, Store};
use strandline_core::record::{RecordPayload, RemovalChange, RemovalNote, Runs, StoredRecord};
use strandline_segment::{LogPosition, LogView, SegmentInfo};
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
    let all = removals_from(log, until, from, meter)?;
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

/// The removals with a note in a segment that ends at `from` or after it, whole if they are done.
fn removals_from(
    log: &LogView,
    until: LogPosition,
    from: Sequence,
    meter: &mut Meter<'_>,
) -> Result<Vec<Removal>, Error> {
    let infos: Vec<&SegmentInfo> = log.infos().collect();
    // Of each segment, the newest first.
    let mut notes: Vec<Vec<Vec<u8>>> = Vec::new();
    let mut left = infos.into_iter().rev().peekable();
    while let Some(info) = left.next() {
        notes.push(notes_of(log, info, until, meter)?);
        let is_wanted = |next: &&SegmentInfo| next.end().is_none_or(|end| end.sequence >= from);
        if left.peek().is_some_and(is_wanted) {
            continue;
        }
        let mut ledger = Ledger::of_own();
        let mut taken = notes.iter().rev().flatten().map(|note| ledger.note(note));
        let taken = taken.try_for_each(|taken| taken);
        let is_whole = taken.is_ok()
            && ledger
                .all()
                .iter()
                .all(|one| one.is_whole() || !one.is_done);
        match (is_whole, left.peek()) {
            // It may have begun before.
            (false, Some(_)) => {}
            (true, _) => return Ok(ledger.into_all()),
            (false, None) => {
                taken.map_err(|message| Error::new(ErrorKind::Corrupt, message))?;
                return Ok(ledger.into_all());
            }
        }
    }
    Ok(Vec::new())
}

fn notes_of(
    log: &LogView,
    info: &SegmentInfo,
    until: LogPosition,
    meter: &mut Meter<'_>,
) -> Result<Vec<Vec<u8>>, Error> {
    let mut notes = Vec::new();
    let until = info.end().unwrap_or(until);
    let scanned = log.scan(until, Some(info.start()), |frame| {
        if let Some(note) = frame.note().filter(|note| RemovalNote::is_one(note)) {
            notes.push(note.to_vec());
        }
        meter.add(frame.len() as u64)
    });
    scanned.map_err(Error::from)?;
    Ok(notes)
}
