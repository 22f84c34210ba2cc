//! `Ledger`: the removals that the notes of a log tell of. Looks at no event.

use std::collections::{BTreeSet, HashMap};
use std::ops::Range;
use strandline_core::record::{RemovalChange, RemovalNote, RemovalPart, RemovalStage, Runs};
use strandline_core::{Hash, Sequence};
use strandline_segment::LogIdentity;

/// A compaction or redaction, as the log that it happened in says it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Removal {
    /// Whether events were removed, or their payloads.
    pub change: RemovalChange,
    /// When it began, in milliseconds since 1970.
    pub wall_ms: u64,
    /// What was asked for, as text, of at most 4,096 bytes.
    pub rule: String,
    /// How many events it took.
    pub events: u64,
    /// Their sequences, as runs that ascend. Of a removal in another log, its sequences.
    pub sequences: Vec<Range<Sequence>>,
    /// Digest of their sequences and hashes; `docs/format.md` has its formula.
    pub digest: Hash,
    /// Whether the log says that it was done. If not, it was interrupted or failed, and all of its events
    /// are gone or none.
    pub is_done: bool,
    /// Whether it happened in another log, whose record came by an import or a salvage. It explains
    /// nothing that is missing here.
    pub is_foreign: bool,
    /// Identity of the log that it happened in.
    pub log: LogIdentity,
    /// An id that no other removal has.
    pub id: [u8; 16],
    /// Removals of events before this sequence have no record in that log.
    pub(crate) unrecorded_before: Sequence,
    /// Parts that were found, and how many there are.
    pub(crate) parts: (BTreeSet<u32>, u32),
}

impl Removal {
    /// One of which nothing is known yet but what became of the events: for who was told of it by somebody who has the
    /// log, and sets the fields to what was said.
    #[must_use]
    pub fn new(change: RemovalChange) -> Self {
        Self {
            change,
            wall_ms: 0,
            rule: String::new(),
            events: 0,
            sequences: Vec::new(),
            digest: Hash::default(),
            is_done: false,
            is_foreign: false,
            log: LogIdentity::default(),
            id: [0; 16],
            unrecorded_before: Sequence::ZERO,
            parts: (BTreeSet::new(), 0),
        }
    }
}

/// The removals of a log, in the order in which they began.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    /// Whether removals in other logs are left out.
    is_of_own: bool,
    all: Vec<Removal>,
    by_id: HashMap<(bool, LogIdentity, [u8; 16]), usize>,
}

impl Ledger {
    /// Of the removals in the log itself: those of others explain nothing in it, and whoever imported
    /// them decides how many there are.
    pub(crate) fn of_own() -> Self {
        Self {
            is_of_own: true,
            ..Self::default()
        }
    }

    /// Takes a note; one that is of no removal says nothing here.
    ///
    /// # Errors
    ///
    /// What is wrong with it.
    pub(crate) fn note(&mut self, body: &[u8]) -> Result<(), String> {
        if !RemovalNote::is_one(body) {
            return Ok(());
        }
        let note = RemovalNote::decode(body)
            .map_err(|error| format!("the record of a removal is malformed: {error}"))?;
        if self.is_of_own && note.is_foreign {
            return Ok(());
        }
        let key = (note.is_foreign, note.log, note.id);
        let known = self.by_id.get(&key).copied();
        let known = known.and_then(|at| self.all.get_mut(at));
        match (&note.stage, known) {
            (RemovalStage::Done, Some(known)) => {
                known.is_done = true;
                Ok(())
            }
            // Of another log it is what was saved.
            (RemovalStage::Done, None) if note.is_foreign => Ok(()),
            (RemovalStage::Done, None) => {
                Err("a record says that a removal is done which no record begins".to_owned())
            }
            (RemovalStage::Begun(part), Some(known)) => known.take(part).or_else(|error| {
                // Somebody made the lines that were imported.
                if note.is_foreign { Ok(()) } else { Err(error) }
            }),
            (RemovalStage::Begun(part), None) => {
                let mut removal = Removal {
                    change: note.change,
                    wall_ms: note.wall_ms,
                    rule: String::new(),
                    events: part.events,
                    sequences: Vec::new(),
                    digest: part.digest,
                    is_done: false,
                    is_foreign: note.is_foreign,
                    log: note.log,
                    id: note.id,
                    unrecorded_before: part.unrecorded_before,
                    parts: (BTreeSet::new(), part.parts),
                };
                let taken = removal.take(part);
                self.by_id.insert(key, self.all.len());
                self.all.push(removal);
                taken
            }
        }
    }

    /// The removals.
    pub(crate) fn all(&self) -> &[Removal] {
        &self.all
    }

    /// The removals.
    pub(crate) fn into_all(self) -> Vec<Removal> {
        self.all
    }
}

impl Removal {
    /// What begins with a note of this log, whose parts are together in one.
    pub(crate) fn of_own(note: &RemovalNote, part: &RemovalPart) -> Self {
        let sequence = |run: &Range<u64>| Sequence::new(run.start)..Sequence::new(run.end);
        Self {
            change: note.change,
            wall_ms: note.wall_ms,
            rule: part.rule.clone(),
            events: part.events,
            sequences: part.runs.iter().map(sequence).collect(),
            digest: part.digest,
            is_done: false,
            is_foreign: false,
            log: note.log,
            id: note.id,
            unrecorded_before: part.unrecorded_before,
            parts: (BTreeSet::from([0]), 1),
        }
    }

    fn take(&mut self, part: &RemovalPart) -> Result<(), String> {
        let (known, parts) = &mut self.parts;
        let same = part.events == self.events
            && part.digest == self.digest
            && part.parts == *parts
            && part.unrecorded_before == self.unrecorded_before;
        if !same {
            return Err("two parts of the record of a removal contradict each other".to_owned());
        }
        if !known.insert(part.part) {
            return Ok(());
        }
        if part.part == 0 {
            self.rule.clone_from(&part.rule);
        }
        let sequence = |run: &Range<u64>| Sequence::new(run.start)..Sequence::new(run.end);
        self.sequences.extend(part.runs.iter().map(sequence));
        Ok(())
    }

    /// The sequences, as a set.
    pub(crate) fn runs(&self) -> Runs {
        let run = |run: &Range<Sequence>| run.start.get()..run.end.get();
        Runs::of(self.sequences.iter().map(run).collect())
    }

    /// Whether all parts of it were found. They were durable before anything changed.
    pub(crate) fn is_whole(&self) -> bool {
        let (known, parts) = &self.parts;
        u32::try_from(known.len()) == Ok(*parts)
    }

    /// Whether it happened in this log, and all of its record is there.
    pub(crate) fn counts_in(&self, log: &LogIdentity) -> bool {
        !self.is_foreign && self.log == *log && self.is_whole()
    }
}
