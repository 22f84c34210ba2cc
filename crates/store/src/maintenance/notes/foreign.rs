//! `ForeignNotes`: removals in another log, kept as what they are: they explain nothing that is missing here.

use crate::{Error, ErrorKind, Store};
use std::collections::HashSet;
use strandline_core::record::{REMOVAL_NOTE_BYTES_MAX, RemovalNote, RemovalStage, Runs};
use strandline_segment::{LogIdentity, ScanError};

/// How many notes are written at once.
const BATCH: usize = 64;

/// What tells a note from others, wherever it came from: log, id, and part; none for the last one.
type Key = (LogIdentity, [u8; 16], Option<u32>);

/// Records of removals in other logs on their way into a store, each once. They stay what they are: they
/// explain nothing that is missing in the store.
#[derive(Debug)]
pub struct ForeignNotes<'a> {
    store: &'a Store,
    /// Those that the store has or gets; not known before the first is asked for.
    known: Option<HashSet<Key>>,
    pending: Vec<Vec<u8>>,
}

impl<'a> ForeignNotes<'a> {
    /// None yet, of those that are to come into this store.
    #[must_use]
    pub const fn new(store: &'a Store) -> Self {
        Self {
            store,
            known: None,
            pending: Vec::new(),
        }
    }

    /// Takes a note, unless the store has it. Gives how many removals begin with it that the store did not
    /// know of: 1 or 0. Reads the log of the store when it is first called.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`] if no log could have the note; [`ErrorKind::Corrupt`] or
    /// [`ErrorKind::Io`] from reading the store's own.
    pub fn take(&mut self, note: &RemovalNote) -> Result<u64, Error> {
        if !is_sound(note) {
            let message = "the record of a removal is not as a log has it";
            return Err(Error::new(ErrorKind::InvalidInput, message));
        }
        self.take_of_log(note)
    }

    /// As [`take`](Self::take), of a note that a log has.
    pub(in crate::maintenance) fn take_of_log(&mut self, note: &RemovalNote) -> Result<u64, Error> {
        let known = match &mut self.known {
            Some(known) => known,
            None => self.known.insert(known(self.store)?),
        };
        if !known.insert(key(note)) {
            return Ok(0);
        }
        let note = RemovalNote {
            is_foreign: true,
            ..note.clone()
        };
        let mut body = Vec::new();
        note.encode(&mut body);
        self.pending.push(body);
        let begins = matches!(&note.stage, RemovalStage::Begun(part) if part.part == 0);
        Ok(u64::from(begins))
    }

    /// Whether as many wait to be written as should at most.
    #[must_use]
    pub fn are_many(&self) -> bool {
        self.pending.len() >= BATCH
    }

    /// Writes what was taken, and returns when that is durable.
    ///
    /// # Errors
    ///
    /// As [`Store::sync`], and [`ErrorKind::NotWritten`].
    pub fn write(&mut self) -> Result<(), Error> {
        if self.pending.is_empty() {
            return Ok(());
        }
        self.store
            .write_notes(&std::mem::take(&mut self.pending))
            .map(drop)
    }

    /// Forgets what was taken, and not that it was: for a trial, which writes nothing.
    pub fn forget(&mut self) {
        self.pending.clear();
    }
}

/// Whether a note that somebody wrote reads back as it is.
fn is_sound(note: &RemovalNote) -> bool {
    if let RemovalStage::Begun(part) = &note.stage
        && Runs::of(part.runs.clone()).as_slice() != part.runs
    {
        return false;
    }
    let mut body = Vec::new();
    note.encode(&mut body);
    body.len() <= REMOVAL_NOTE_BYTES_MAX && RemovalNote::decode(&body).as_ref() == Ok(note)
}

fn known(store: &Store) -> Result<HashSet<Key>, Error> {
    let mut known = HashSet::new();
    let log = store.snapshot().reader.log;
    let scanned = log.scan_written(|frame| {
        if let Some(body) = frame.note()
            && let Ok(note) = RemovalNote::decode(body)
        {
            known.insert(key(&note));
        }
        Ok::<_, Error>(())
    });
    scanned.map_err(|error| match error {
        ScanError::Log(error) => {
            Error::new(ErrorKind::Corrupt, "the store's own records cannot be read")
                .with_source(error)
        }
        ScanError::Visit(error) => error,
    })?;
    Ok(known)
}

fn key(note: &RemovalNote) -> Key {
    let part = match &note.stage {
        RemovalStage::Begun(part) => Some(part.part),
        RemovalStage::Done => None,
    };
    (note.log, note.id, part)
}
