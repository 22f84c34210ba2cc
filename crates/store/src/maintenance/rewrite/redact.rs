//! `redact`: payloads are removed for good. Whose these are, a `Redaction` says.

use super::missing::Missing;
use super::quarantine::Quarantine;
use super::redaction::{Chosen, Redaction};
use super::segments::{Asked, Observer, rewrite};
#[cfg(doc)]
use crate::ErrorKind;
use crate::maintenance::progress::{Meter, OnProgress};
use crate::meter::Run;
use crate::rows::removals::Removal;
use crate::trace;
use crate::{Error, Store};
use strandline_core::record::{Record, RecordPayload};
use strandline_segment::{SegmentId, SegmentInfo, remove_leftovers};
use tracing::Level;

impl Observer for Quarantine<'_> {
    fn changes(&mut self, record: &Record<'_>) {
        self.search_id(record.id);
        if let RecordPayload::Stored { nonce, bytes } = &record.payload {
            self.search(&nonce.0);
            self.search(bytes);
        }
    }

    /// Before the payloads are gone from the log, so that an interrupted call is repeated with them.
    fn before_switch(&mut self) -> Result<(), Error> {
        self.remove_found()
    }
}

/// What a redaction did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Redacted {
    /// Events whose payload was removed.
    pub events: u64,
    /// Events among those chosen whose payload had been removed before.
    pub already: u64,
    /// Who was named and is nobody; all others' payloads were removed, unless
    /// [`Redaction::all_or_nothing`] says that none are then.
    pub missing: Missing,
    /// What the log records of it; none if no payload was removed.
    pub record: Option<Removal>,
    /// Segments that were rewritten.
    pub segments: usize,
    /// Files of the quarantine that held something of a removed payload, and were removed.
    pub quarantine_removed: Vec<String>,
    /// Files of the quarantine in which nothing of them was found, and which are there still.
    pub quarantine_kept: Vec<String>,
}

/// Removes payloads for good, while the store is used: from the files of the store, and from what
/// snapshots show that were taken before. The events stay, with everything else that they have.
///
/// The payload's hash takes the payload's place, so chains verify and receipts hold. It was made with
/// random bytes that are removed too, so a short payload cannot be guessed from it. Reading one that
/// was removed is [`ErrorKind::Redacted`]. Names, tags, times, links and the attributes of another system
/// (those of a CloudEvents event, say) are no payload and stay: keep what may have to go out of them.
///
/// Of what was named some may be nobody's: [`Redacted::missing`] says so, and the rest is redacted. Whoever
/// means to have removed something looks there, or asks for [`Redaction::all_or_nothing`]. What a redaction
/// would come to says [`RedactionPlan`](crate::maintenance::RedactionPlan).
///
/// The log records, in its own chain, which events were redacted, when and by whose choice: see
/// [`removals`](crate::maintenance::removals()).
///
/// The segments concerned are rewritten as by [`compact`](crate::maintenance::compact), with the same safety. Files
/// in `quarantine/` that hold the id, the random bytes or the payload of a removed one are removed. So
/// is whatever an opening or a failed call has left after the frames of any segment, or in files that are
/// none of the log's.
/// Backups, exports and what the disk keeps of removed files are not in reach; the next
/// [`backup`](crate::maintenance::backup()) to the same target removes the old segments there.
///
/// Cost: reading the chosen events, reading and writing the segments that they are in, and opening the
/// file of each sealed segment.
///
/// ```
/// use strandline::maintenance::{Redaction, redact, unwatched};
/// use strandline::{Coordinate, Event, EventKind, Store};
///
/// let dir = tempfile::tempdir()?;
/// let path = dir.path().join("orders.strand");
/// let store = Store::open(&path)?;
/// let order = Coordinate::new("order:1042", "eu/payments")?;
/// let receipt = store.append(&order, Event::bytes(EventKind::new(1, 1), *b"placed"))?;
///
/// let redaction = Redaction::new().event(receipt.id);
/// let done = redact(&store, &redaction, &mut unwatched)?;
/// assert_eq!(done.events, 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// [`ErrorKind::Io`] also if the payloads are gone from the log and may be left in what failed calls have
/// left: call again, with the same choice. [`ErrorKind::InvalidInput`] if nothing was chosen, or the
/// quarantine is too large to be searched; [`ErrorKind::TooLarge`] if a segment is so full of short events
/// that it would be over 4 GiB, which can be only where a version wrote it that left no room; others as
/// [`compact`](crate::maintenance::compact).
pub fn redact(
    store: &Store,
    redaction: &Redaction,
    on_progress: OnProgress<'_>,
) -> Result<Redacted, Error> {
    redaction.check()?;
    let shared = store.shared();
    let run = shared.metrics.running(Run::Redact);
    let _span = trace::span(Level::INFO, || tracing::info_span!("redact"));
    let mut rewriting = shared.begin_rewriting()?;
    let snapshot = store.snapshot();
    let Chosen {
        marks,
        missing,
        already,
    } = redaction.chosen(&snapshot, &mut |_| ())?;
    if redaction.is_refused_by(&missing) {
        return Ok(Redacted {
            events: 0,
            already: 0,
            missing,
            record: None,
            segments: 0,
            quarantine_removed: Vec::new(),
            quarantine_kept: Vec::new(),
        });
    }
    let bytes = marks.frame_bytes(&snapshot.reader.log);
    drop(snapshot);
    let mut quarantine = Quarantine::read(&*shared.options.fs, &shared.dir)?;
    // An earlier call may have been interrupted.
    already.keys().for_each(|id| quarantine.search_id(*id));
    let mut meter = Meter::bytes(Some(bytes), on_progress);
    let asked = Asked {
        rule: Some(redaction.to_string()),
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
    // A compaction that keeps headers leaves to older snapshots what they show.
    let already_gone: Vec<_> = already.values().copied().collect();
    shared.redacted.add(&already_gone);
    remove_remains(store)?;
    let (quarantine_removed, quarantine_kept) = quarantine.names();
    let (events, segments) = (done.headers, done.segments);
    trace::tell(Level::INFO, move || {
        tracing::info!(events, segments, "redacted");
    });
    // It is done: nothing can be stopped any more.
    let _ = meter.finish();
    drop(rewriting);
    run.done();
    Ok(Redacted {
        events: done.headers,
        already: already.len() as u64,
        missing,
        record: done.records.into_iter().next(),
        segments: done.segments,
        quarantine_removed,
        quarantine_kept,
    })
}

/// Removes what files of the store may hold of events that were redacted, though the log has it no more:
/// frames after the end at which an opening sealed a segment, where the writing of its footer failed,
/// and files that were being made when something failed.
pub(super) fn remove_remains(store: &Store) -> Result<(), Error> {
    let shared = store.shared();
    let sealed: Vec<SegmentId> = {
        let view = shared.log.view();
        let sealed = view.infos().filter(|info| info.is_sealed());
        sealed.map(SegmentInfo::id).collect()
    };
    // Who writes a footer makes a file too.
    store.wait_for_background();
    let remove = || {
        for id in &sealed {
            let segment = shared.writer()?.lock().log.sealed_segment(*id)?;
            segment.remove_remains()?;
        }
        if let Some(last) = sealed.last() {
            remove_leftovers(&*shared.options.fs, &shared.dir, &shared.log.view(), *last)?;
        }
        Ok::<_, Error>(())
    };
    remove().map_err(|error| {
        let message = "the payloads are gone from the log, and what failed calls have left in other \
                       places may hold them still; call again with the same choice";
        Error::new(error.kind(), message).with_source(error)
    })
}
