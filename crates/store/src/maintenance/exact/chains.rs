//! `Chains`: whether entries of a log prove to be what they say, each by itself and after those before it. Writes nothing.

use super::entry::LogEnd;
use crate::{Error, ErrorKind, Sequence};
use std::collections::HashMap;
use strandline_core::record::StoredRecord;
use strandline_core::{EventHasher, Hash, Hlc};
use strandline_segment::{COMMIT_BYTES_MAX, COMMIT_RECORDS_MAX, LogOrigin};

/// The chains of the entities of a log, as far as it was told.
#[derive(Debug, Default)]
pub(super) struct Chains {
    /// The hash of each entity's last event, and its clock.
    heads: HashMap<Box<str>, (Hash, u32)>,
    newest: Hlc,
    hasher: EventHasher,
    /// How many events are in runs so far, without a record, and were in no stream yet.
    folded: u64,
    /// Whether the log said at its beginning that it has runs.
    has_runs: bool,
}

impl Chains {
    /// Those of a log that begins so.
    pub(super) fn of(origin: &LogOrigin) -> Self {
        Self {
            has_runs: origin.has_runs,
            ..Self::default()
        }
    }

    /// Whether a run may be in the log.
    pub(super) const fn has_runs(&self) -> bool {
        self.has_runs
    }

    /// The newest time of what was checked.
    pub(super) const fn newest(&self) -> Hlc {
        self.newest
    }

    /// Takes events that are in a run, without a record.
    pub(super) const fn fold(&mut self, events: u64) {
        self.folded = self.folded.saturating_add(events);
    }

    /// Takes the newest time of a run.
    pub(super) fn observe(&mut self, newest: Hlc) {
        self.newest = self.newest.max(newest);
    }

    /// Checks that a record follows that of its entity before it, and that its hash is that of its content.
    pub(super) fn check(
        &mut self,
        record: &StoredRecord<'_>,
        sequence: Sequence,
        hash: &Hash,
    ) -> Result<(), Error> {
        let (Some(coordinate), Some(previous)) = (record.coordinate(), record.previous()) else {
            let message = "it has no coordinate, or not the hash before it";
            return Err(invalid(message.to_owned()));
        };
        let entity = coordinate.entity();
        let head = self.heads.get(entity);
        let (before, clock) = match head {
            Some((before, clock)) => (*before, clock.checked_add(1)),
            None => (Hash::ZERO, Some(0)),
        };
        let missing = clock.and_then(|next| record.clock().checked_sub(next));
        let missing = missing.filter(|missing| *missing > 0).map(u64::from);
        let left = missing.and_then(|missing| self.folded.checked_sub(missing));
        let is_gap = left.is_some();
        if let Some(left) = left {
            self.folded = left;
        }
        if previous != before && !is_gap {
            return Err(invalid(format!(
                "the hash before it is {previous}, and that of the event before it of {entity:?} is {before}"
            )));
        }
        if Some(record.clock()) != clock && !is_gap {
            let message = format!(
                "its clock is {}, which does not follow that of the event before it",
                record.clock()
            );
            return Err(invalid(message));
        }
        let hlc = match record {
            StoredRecord::Event(event) => {
                let computed = event.hash_after(&previous, coordinate, sequence, &mut self.hasher);
                if computed != *hash {
                    return Err(invalid(format!(
                        "its hash is {hash}, and that of its content is {computed}"
                    )));
                }
                event.hlc
            }
            StoredRecord::Removed(removed) => removed.hlc,
        };
        if hlc < self.newest {
            let message = format!("its time {hlc} is before that of an earlier one");
            return Err(invalid(message));
        }
        self.newest = hlc;
        self.heads.insert(entity.into(), (*hash, record.clock()));
        Ok(())
    }
}

/// Checks that a record has the sequence that follows: a commit may leave some out before its first one alone. `first` is
/// that of the commit of which so many are `waiting`, or the one before which nothing is.
pub(super) fn check_sequence(
    sequence: Sequence,
    first: Sequence,
    waiting: usize,
) -> Result<(), Error> {
    let next = first.checked_add(waiting as u64).ok_or_else(exhausted)?;
    let follows = match waiting {
        0 => sequence >= next,
        _ => sequence == next,
    };
    match follows {
        true => Ok(()),
        false => Err(invalid(format!(
            "its sequence is {sequence}, and the next one is {next}"
        ))),
    }
}

/// Checks that a commit can be as long: records of so many bytes, with all their names.
pub(super) fn check_commit(body_bytes: usize, records: usize) -> Result<(), Error> {
    if body_bytes <= 2 * COMMIT_BYTES_MAX as usize && records <= COMMIT_RECORDS_MAX {
        return Ok(());
    }
    let message = format!(
        "its commit has more than {COMMIT_BYTES_MAX} bytes, or {COMMIT_RECORDS_MAX} events"
    );
    Err(Error::new(ErrorKind::TooLarge, message))
}

/// Checks that a log ends where it is said to.
pub(super) fn check_end(own: &LogEnd, said: &LogEnd) -> Result<(), Error> {
    match own == said {
        true => Ok(()),
        false => Err(invalid(format!(
            "the log ends at {} with the hash {}, and should at {} with {}",
            own.sequence, own.log_hash, said.sequence, said.log_hash
        ))),
    }
}

/// Compares the hash of the log after an entry with what it is said to be.
pub(super) fn compare(said: &Hash, own: &Hash) -> Result<(), Error> {
    match said == own {
        true => Ok(()),
        false => Err(invalid(format!(
            "the hash of the log is {own} after it, and {said} is said to be"
        ))),
    }
}

pub(super) fn invalid(message: String) -> Error {
    Error::new(ErrorKind::InvalidInput, message)
}

pub(super) fn within_a_commit() -> Error {
    invalid("the commit before it has no end".to_owned())
}

pub(super) fn exhausted() -> Error {
    let message = "it is past the last number that there is";
    Error::new(ErrorKind::Exhausted, message)
}
