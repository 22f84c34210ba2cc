//! `LaterRemovals`: what a log says of removals after the place where a copy of it ends, for that copy.
//!
//! A log is cut after a commit, and what was removed from before the cut later is gone there too: without a record of
//! it, nothing tells it from what somebody took away. So the records come along, for the events that the copy has.

use super::found::{FoundNote, notes_from};
use super::recorder::{Recorder, Taken, Told};
use crate::maintenance::progress::{Meter, OnProgress};
use crate::read::end_and_snapshot;
use crate::rows::removals::{Ledger, Members, Removal};
use crate::{Error, ErrorKind, Sequence, Store};
use std::ops::Range;
use strandline_core::record::{RecordPayload, RemovalNote, RemovedRecord, Runs, StoredRecord};
use strandline_segment::{LogPosition, LogView};

/// The records of removals that a log has after the place where a shorter copy of it ends, as far as they are of events
/// that the copy has.
///
/// The copy has all frames of the log up to there, as they are now. A removal that had begun before that goes on there
/// as it did in the log. Any other is recorded with a record of its own, which has the rule and the time of the one in
/// the log, and of its events those that the copy has.
///
/// If the last segment of the copy has removed events, it is sealed too: one that goes on has a row for each sequence.
#[derive(Debug)]
#[must_use = "the copy has not got them yet"]
pub struct LaterRemovals {
    /// Where the copy ends.
    end: LogPosition,
    /// In the order in which they began.
    all: Vec<Later>,
    /// Whether the last segment of the copy has removed events.
    is_to_seal: bool,
}

/// What is to be written of one removal.
#[derive(Debug)]
enum Later {
    /// Notes that the copy lacks, as they are.
    Rest(Vec<Vec<u8>>),
    /// A record of some of its events.
    Anew(Box<Anew>),
}

#[derive(Debug)]
struct Anew {
    told: Told,
    taken: Taken,
    is_done: bool,
}

impl LaterRemovals {
    /// Looks for them in the log of `whole`, for its copy `shorter`; both may be open to read only.
    ///
    /// Cost: reads the segments of the log from the one in which the copy ends, those before it back to where
    /// removals begin that are in them, and of the copy what is from the first removed event on.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`] if `shorter` is no copy of what `whole` begins with; [`ErrorKind::Corrupt`] if a log
    /// or a record is damaged; [`ErrorKind::Io`], [`ErrorKind::Cancelled`].
    pub fn find(
        whole: &Store,
        shorter: &Store,
        on_progress: OnProgress<'_>,
    ) -> Result<Self, Error> {
        let mut meter = Meter::bytes(None, on_progress);
        let (whole, shorter) = (whole.shared(), shorter.shared());
        let (until, all_of_it) = end_and_snapshot(whole);
        let (end, some_of_it) = end_and_snapshot(shorter);
        let (log, copy) = (&all_of_it.reader.log, &some_of_it.reader.log);
        if whole.identity != shorter.identity || !has_place((log, until), end, &mut meter)? {
            let message = "what is to have the records of a log is no copy of its beginning";
            return Err(Error::new(ErrorKind::InvalidInput, message));
        }
        let is_enough = Removal::is_whole;
        let (notes, removals) = notes_from(log, until, end.sequence, is_enough, &mut meter)?;
        let is_before =
            |note: &&FoundNote| (note.at.segment, note.at.offset) < (end.segment, end.offset);
        let mut before = Ledger::of_own();
        for note in notes.iter().filter(is_before) {
            let taken = before.note(&note.body);
            taken.map_err(|message| Error::new(ErrorKind::Corrupt, message))?;
        }
        let mut all = Vec::new();
        let mut some = Vec::new();
        for removal in removals.iter().filter(|one| one.counts_in(&whole.identity)) {
            let is_own = |body: &[u8]| {
                RemovalNote::decode(body)
                    .is_ok_and(|note| !note.is_foreign && note.id == removal.id)
            };
            let lacking = notes.iter().filter(|note| !is_before(note));
            let lacking: Vec<_> = lacking
                .filter(|note| is_own(&note.body))
                .map(|note| note.body.clone())
                .collect();
            if lacking.is_empty() {
                continue;
            }
            if before.all().iter().any(|one| one.id == removal.id) {
                all.push(Later::Rest(lacking));
                continue;
            }
            let events = removal.runs().within(&Runs::below(end.sequence));
            if !events.is_empty() {
                some.push((all.len(), events));
                all.push(Later::Anew(Box::new(Anew {
                    told: Told::of(removal),
                    taken: Taken::default(),
                    is_done: removal.is_done,
                })));
            }
        }
        let is_to_seal = has_removed(copy, end, &mut meter)?;
        let mut later = Self {
            end,
            all,
            is_to_seal,
        };
        later.take_events(copy, &some, &mut meter)?;
        meter.finish()?;
        Ok(later)
    }

    /// Notes the events of removals, each with its number; those that were interrupted and took nothing are left out.
    fn take_events(
        &mut self,
        copy: &LogView,
        some: &[(usize, Runs)],
        meter: &mut Meter<'_>,
    ) -> Result<(), Error> {
        let runs = some.iter().flat_map(|(of, events)| {
            let runs = events.as_slice().iter();
            runs.map(|run: &Range<u64>| (run.clone(), *of))
        });
        let mut members = Members::of(runs);
        let Some(first) = members.next() else {
            return Ok(());
        };
        let starts = copy.infos().map(|info| info.start());
        let start = starts.take_while(|start| start.sequence <= first).last();
        let mut took_nothing = Vec::new();
        let scanned = copy.scan(self.end, start, |frame| {
            meter.add(frame.len() as u64)?;
            if let Some(run) = frame.run() {
                for sequence in run.start.get()..run.end.get() {
                    let sequence = Sequence::new(sequence);
                    for of in members.with(sequence) {
                        if let Some(Later::Anew(anew)) = self.all.get_mut(of) {
                            anew.taken.add_folded(sequence);
                        }
                    }
                }
                return Ok(());
            }
            for record in frame.records() {
                for of in members.with(record.sequence) {
                    let Some(Later::Anew(anew)) = self.all.get_mut(of) else {
                        continue;
                    };
                    anew.taken.add(record.sequence, &record.digest);
                    if !anew.is_done && is_there(record.sequence, record.body)? {
                        took_nothing.push(of);
                    }
                }
            }
            Ok(())
        });
        scanned.map_err(Error::from)?;
        let mut number = 0..;
        self.all
            .retain(|_| number.next().is_none_or(|of| !took_nothing.contains(&of)));
        Ok(())
    }

    /// Whether there is nothing to be done: the copy is as it should be.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.all.is_empty() && !self.is_to_seal
    }

    /// Writes them into the copy, which was opened to write since and has nothing after its end, and returns when they
    /// are durable. If this fails some may be there.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`] if the copy ends elsewhere; those of [`Store::sync`].
    pub fn write(self, shorter: &Store) -> Result<(), Error> {
        if !end_and_snapshot(shorter.shared())
            .0
            .is_same_place(&self.end)
        {
            let message =
                "the copy that is to have the records of a log was written to, or is another";
            return Err(Error::new(ErrorKind::InvalidInput, message));
        }
        if self.is_to_seal {
            shorter.seal_segment(self.end.segment)?;
        }
        for later in self.all {
            match later {
                Later::Rest(notes) => {
                    shorter.write_notes(&notes)?;
                }
                Later::Anew(anew) => {
                    let Anew {
                        told,
                        taken,
                        is_done,
                    } = *anew;
                    let (recorder, _) = Recorder::begin(shorter, told, &taken)?;
                    if is_done {
                        recorder.done(shorter)?;
                    }
                }
            }
        }
        Ok(())
    }
}

/// Whether a log has a place, of which nothing is known.
fn has_place(
    (log, until): (&LogView, LogPosition),
    place: LogPosition,
    meter: &mut Meter<'_>,
) -> Result<bool, Error> {
    let Some(info) = log.info(place.segment) else {
        return Ok(false);
    };
    let mut is_there = info.start().is_same_place(&place);
    let until = info.end().unwrap_or(until);
    let scanned = log.scan(until, Some(info.start()), |frame| {
        is_there |= frame.end().is_same_place(&place);
        meter.add(frame.len() as u64)
    });
    scanned.map_err(Error::from)?;
    Ok(is_there)
}

/// Whether the segment in which a log ends has removed events. Reads it only if it was rewritten.
fn has_removed(log: &LogView, end: LogPosition, meter: &mut Meter<'_>) -> Result<bool, Error> {
    let info = log.info(end.segment);
    let Some(info) = info.filter(|info| info.header().rewritings() > 0) else {
        return Ok(false);
    };
    let mut has_removed = false;
    let scanned = log.scan(end, Some(info.start()), |frame| {
        has_removed |= frame.run().is_some();
        has_removed |= frame.records().any(|at| RemovedRecord::is_one(at.body));
        meter.add(frame.len() as u64)
    });
    scanned.map_err(Error::from)?;
    Ok(has_removed)
}

/// Whether a record has a payload.
fn is_there(sequence: Sequence, body: &[u8]) -> Result<bool, Error> {
    match StoredRecord::decode(body) {
        Ok(StoredRecord::Removed(_)) => Ok(false),
        Ok(StoredRecord::Event(event)) => {
            Ok(!matches!(event.payload, RecordPayload::Redacted { .. }))
        }
        Err(error) => {
            let message = format!("the record of sequence {sequence} is malformed");
            Err(Error::new(ErrorKind::Corrupt, message).with_source(error))
        }
    }
}

#[cfg(test)]
#[cfg(not(strandline_loom))]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use crate::maintenance::{Redaction, redact, removals};
    use crate::{Coordinate, Event, EventKind, StoreOptions};
    use std::ops::ControlFlow;
    use std::path::Path;
    use strandline_core::Hash;
    use strandline_core::fs::{Fs, OsFs, read_file, replace_file};
    use strandline_core::record::RemovalChange;

    fn append(store: &Store, entity: &str) {
        let of = Coordinate::new(entity, "eu").unwrap();
        let event = Event::bytes(EventKind::new(1, 1), entity.as_bytes().to_vec());
        store.append(&of, event).unwrap();
    }

    /// The log as it is now: what a copy that is cut here has.
    fn copy(store: &Store, to: &Path) -> Store {
        store.sync().unwrap();
        OsFs.create_dir_all(to).unwrap();
        for entry in OsFs.list_names(store.dir()).unwrap() {
            let bytes = read_file(&OsFs, &store.dir().join(&entry.name), 1 << 30).unwrap();
            replace_file(&OsFs, &to.join(&entry.name), &bytes).unwrap();
        }
        StoreOptions::new().open(to).unwrap()
    }

    fn find(whole: &Store, shorter: &Store) -> LaterRemovals {
        LaterRemovals::find(whole, shorter, &mut |_| ControlFlow::Continue(())).unwrap()
    }

    fn redact_entity(store: &Store, entity: &str) {
        let go_on = &mut |_| ControlFlow::Continue(());
        redact(store, &Redaction::new().entity(entity), go_on).unwrap();
    }

    fn begun(store: &Store, sequence: u64) -> Recorder {
        let mut taken = Taken::default();
        taken.add(Sequence::new(sequence), &Hash::of(b"an event"));
        let told = Told::now(store, RemovalChange::Redacted, "a test");
        Recorder::begin(store, told, &taken).unwrap().0
    }

    #[test]
    fn what_had_begun_before_the_end_of_the_copy_goes_on_as_it_did() {
        let dir = tempfile::tempdir().unwrap();
        let whole = Store::open(dir.path().join("whole")).unwrap();
        append(&whole, "a");
        let recorder = begun(&whole, 0);
        append(&whole, "b");
        let shorter = copy(&whole, &dir.path().join("shorter"));
        append(&whole, "c");
        let _ = recorder.done(&whole).unwrap();
        let later = find(&whole, &shorter);
        assert!(matches!(later.all.as_slice(), [Later::Rest(notes)] if notes.len() == 1));
        later.write(&shorter).unwrap();
        let go_on = &mut |_| ControlFlow::Continue(());
        let (expected, found) = (removals(&whole, go_on), removals(&shorter, go_on));
        let found = found.unwrap();
        assert_eq!(found, expected.unwrap());
        assert!(found.first().is_some_and(|one| one.is_done));
        // Now it has all of it.
        assert!(find(&shorter, &shorter).is_empty());
    }

    #[test]
    fn what_was_interrupted_comes_along_only_if_it_took_its_events() {
        let dir = tempfile::tempdir().unwrap();
        let whole = Store::open(dir.path().join("whole")).unwrap();
        append(&whole, "a");
        append(&whole, "b");
        redact_entity(&whole, "b");
        let shorter = copy(&whole, &dir.path().join("shorter"));
        for sequence in [0, 1] {
            drop(begun(&whole, sequence));
        }
        let later = find(&whole, &shorter);
        let [Later::Anew(anew)] = later.all.as_slice() else {
            panic!("{later:?}");
        };
        assert!(!anew.is_done && anew.taken.has(Sequence::new(1)));
        later.write(&shorter).unwrap();
        let report = shorter.verify().unwrap();
        assert!(report.problems.is_empty(), "{report:?}");
        assert_eq!((report.removals, report.interrupted), (2, 1));
    }

    #[test]
    fn a_log_that_is_no_beginning_gets_no_records() {
        let dir = tempfile::tempdir().unwrap();
        let whole = Store::open(dir.path().join("whole")).unwrap();
        append(&whole, "a");
        let shorter = copy(&whole, &dir.path().join("shorter"));
        append(&whole, "b");
        append(&whole, "b");
        redact_entity(&whole, "a");
        let go_on = &mut |_| ControlFlow::Continue(());
        let found = find(&whole, &shorter);
        append(&shorter, "c");
        let refused = found.write(&shorter).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::InvalidInput);
        for other in [shorter, Store::open(dir.path().join("other")).unwrap()] {
            let refused = LaterRemovals::find(&whole, &other, go_on).unwrap_err();
            assert_eq!(refused.kind(), ErrorKind::InvalidInput);
        }
    }
}
