//! `redact`: payloads are removed for good.

use super::marks::Marks;
use super::missing::Missing;
use super::progress::{Meter, OnProgress};
use super::quarantine::Quarantine;
use super::rewrite::{Asked, Observer, rewrite};
use crate::trace;
use crate::{Error, ErrorKind, EventId, Region, Snapshot, Store};
use std::collections::BTreeSet;
use std::fmt;
use strandline_core::record::{Record, RecordPayload, RemovalChange};
use strandline_segment::{SegmentId, SegmentInfo, remove_leftovers};
use tracing::Level;

/// Whose payloads are to be removed.
///
/// ```
/// use strandline::maintenance::{Redaction, redact};
/// use strandline::{Coordinate, ErrorKind, Event, EventKind, Store};
/// use std::ops::ControlFlow;
///
/// let dir = tempfile::tempdir()?;
/// let store = Store::open(dir.path().join("users.strand"))?;
/// let user = Coordinate::new("user:7", "eu")?;
/// store.append(&user, Event::bytes(EventKind::new(1, 1), *b"Jane Doe"))?;
/// let chosen = Redaction::new().entity("user:7");
/// let done = redact(&store, &chosen, &mut |_| ControlFlow::Continue(()))?;
/// assert_eq!(done.events, 1);
/// let event = store.snapshot().latest("user:7")?.ok_or("it is still there")?;
/// assert_eq!(event.payload().unwrap_err().kind(), ErrorKind::Redacted);
/// assert!(store.verify()?.is_intact());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Redaction {
    ids: Vec<EventId>,
    entities: Vec<String>,
    prefixes: Vec<String>,
}

impl Redaction {
    /// Nobody's.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The payload of an event.
    #[must_use]
    pub fn event(mut self, id: EventId) -> Self {
        self.ids.push(id);
        self
    }

    /// The payloads of all events that an entity has now.
    #[must_use]
    pub fn entity(mut self, entity: impl Into<String>) -> Self {
        self.entities.push(entity.into());
        self
    }

    /// The payloads of all events that the entities have now whose names start with `prefix`.
    #[must_use]
    pub fn entities(mut self, prefix: impl Into<String>) -> Self {
        self.prefixes.push(prefix.into());
        self
    }

    fn check(&self) -> Result<(), Error> {
        let invalid = |message: &str| Err(Error::new(ErrorKind::InvalidInput, message));
        if self.ids.is_empty() && self.entities.is_empty() && self.prefixes.is_empty() {
            return invalid("no event and no entity was named, so there is nothing to redact");
        }
        if self.prefixes.iter().any(String::is_empty) {
            return invalid("an empty prefix would redact every event; name what to redact");
        }
        Ok(())
    }

    fn chosen(&self, snapshot: &Snapshot) -> Result<Chosen, Error> {
        let mut chosen = Chosen {
            marks: Marks::none_of(&snapshot.reader.log, snapshot.visible()),
            missing: Missing::default(),
            already: BTreeSet::new(),
        };
        chosen
            .missing
            .look_for(snapshot, &self.entities, &self.prefixes);
        for id in &self.ids {
            let found = snapshot.get_with(*id, |event| (event.sequence(), event.is_redacted()))?;
            match found {
                Some((_, true)) => drop(chosen.already.insert(*id)),
                Some((sequence, false)) => chosen.marks.add(sequence),
                None => chosen.missing.events.push(*id),
            }
        }
        let entities = self.entities.iter().map(|name| Region::all().entity(name));
        let prefixes = self.prefixes.iter();
        let prefixes = prefixes.map(|prefix| Region::all().entity_prefix(prefix));
        for region in entities.chain(prefixes) {
            let mut events = snapshot.query(&region);
            while let Some(event) = events.next_ref() {
                let event = event?;
                if event.is_redacted() {
                    chosen.already.insert(event.id());
                } else {
                    chosen.marks.add(event.sequence());
                }
            }
        }
        Ok(chosen)
    }
}

/// What was chosen as one line, as the log records it: ids and names, which stay.
impl fmt::Display for Redaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ids = self.ids.iter().map(|id| format!("event {id}"));
        let entities = self.entities.iter().map(|name| format!("entity {name}"));
        let prefixes = self.prefixes.iter();
        let prefixes = prefixes.map(|prefix| format!("all of {prefix}"));
        for (number, chosen) in ids.chain(entities).chain(prefixes).enumerate() {
            f.write_str(if number == 0 { "" } else { ", " })?;
            f.write_str(&chosen)?;
        }
        Ok(())
    }
}

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

struct Chosen {
    marks: Marks,
    missing: Missing,
    already: BTreeSet<EventId>,
}

/// What a redaction did.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Redacted {
    /// Events whose payload was removed.
    pub events: u64,
    /// Events among those chosen whose payload had been removed before.
    pub already: u64,
    /// Who was named and is nobody; all others' payloads were removed.
    pub missing: Missing,
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
/// was removed is [`ErrorKind::Redacted`]. Names, tags, times and links are no payload and stay.
///
/// Of what was named some may be nobody's: [`Redacted::missing`] says so, and the rest is redacted. Whoever
/// means to have removed something looks there.
///
/// The log records, in its own chain, which events were redacted, when and by whose choice: see
/// [`removals`](super::removals()).
///
/// The segments concerned are rewritten as by [`compact`](super::compact), with the same safety. Files
/// in `quarantine/` that hold the id, the random bytes or the payload of a removed one are removed. So
/// is whatever an opening or a failed call has left after the frames of any segment, or in files that are
/// none of the log's.
/// Backups, exports and what the disk keeps of removed files are not in reach; the next
/// [`backup`](super::backup()) to the same target removes the old segments there.
///
/// Cost: reading the chosen events, reading and writing the segments that they are in, and opening the
/// file of each sealed segment.
///
/// # Errors
///
/// [`ErrorKind::Io`] also if the payloads are gone from the log and may be left in what failed calls have
/// left: call again, with the same choice. [`ErrorKind::InvalidInput`] if nothing was chosen, or the quarantine is too large to be searched;
/// [`ErrorKind::TooLarge`] if a segment is so full of short events that it would be over 4 GiB, which
/// can be only where a version wrote it that left no room; others as [`compact`](super::compact).
pub fn redact(
    store: &Store,
    redaction: &Redaction,
    on_progress: OnProgress<'_>,
) -> Result<Redacted, Error> {
    redaction.check()?;
    let _span = trace::span(Level::INFO, || tracing::info_span!("redact"));
    let shared = store.shared();
    let mut rewriting = shared.begin_rewriting()?;
    let snapshot = store.snapshot();
    let Chosen {
        marks,
        missing,
        already,
    } = redaction.chosen(&snapshot)?;
    let segments = marks.segments().map(|one| one.id);
    let bytes = snapshot.reader.log.frame_bytes_of(segments);
    drop(snapshot);
    let mut quarantine = Quarantine::read(&*shared.options.fs, &shared.dir)?;
    // An earlier call may have been interrupted.
    already.iter().for_each(|id| quarantine.search_id(*id));
    let mut meter = Meter::bytes(Some(bytes), on_progress);
    let asked = Asked {
        change: RemovalChange::Redacted,
        rule: redaction.to_string(),
    };
    let done = rewrite(
        store,
        &marks,
        &asked,
        &mut meter,
        &mut quarantine,
        &mut rewriting,
    )?;
    remove_remains(store)?;
    let (quarantine_removed, quarantine_kept) = quarantine.names();
    trace::tell(Level::INFO, move || {
        tracing::info!(events = done.events, segments = done.segments, "redacted");
    });
    // It is done: nothing can be stopped any more.
    let _ = meter.finish();
    Ok(Redacted {
        events: done.events,
        already: already.len() as u64,
        missing,
        segments: done.segments,
        quarantine_removed,
        quarantine_kept,
    })
}

/// Removes what files of the store may hold of events that were redacted, though the log has it no more:
/// frames after the end at which an opening sealed a segment, where the writing of its footer failed,
/// and files that were being made when something failed.
fn remove_remains(store: &Store) -> Result<(), Error> {
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
