//! `MergedRecords`: the bodies of records in a new segment, which has not all of them, or those of several.
//!
//! A segment names a coordinate with the first record that uses it, numbers coordinates in that order, and has
//! the hash before a record where that of its entity before it is not there. So what the records say of that is said
//! anew. Of names of kinds those of removed events are left out that were said before: an event's is in its hash.

use crate::Error;
use crate::rows::{KindNames, decoded, malformed};
use std::collections::HashMap;
use strandline_core::record::StoredRecord;
use strandline_core::{Coordinate, Hash};
use strandline_segment::{FrameRecord, SegmentId};

/// What the records so far have said. Memory: the coordinates and entities of all segments.
#[derive(Debug, Default)]
pub(super) struct MergedRecords {
    /// The segment that the last record came from.
    segment: Option<SegmentId>,
    /// Of its coordinates, by their numbers there, the places in `coordinates`.
    named: Vec<usize>,
    by_name: HashMap<Coordinate, usize>,
    coordinates: Vec<Known>,
    entities: HashMap<Box<str>, usize>,
    /// The last record of each entity.
    heads: Vec<Option<Head>>,
    kinds: KindNames,
    /// How many coordinates were written.
    written: u32,
}

/// A coordinate.
#[derive(Debug)]
struct Known {
    coordinate: Coordinate,
    entity: usize,
    /// Its number in the new segment, if that has a record of it.
    number: Option<u32>,
}

/// The last record of an entity.
#[derive(Debug, Clone, Copy)]
struct Head {
    hash: Hash,
    clock: u32,
    is_written: bool,
}

/// What a record says, for the new segment.
struct Place {
    coordinate: usize,
    /// The hash before it, where that is not there.
    previous: Option<Hash>,
}

impl MergedRecords {
    /// Appends the body that a record has in the new segment, oldest first.
    ///
    /// # Errors
    ///
    /// `Corrupt` if it does not say what it should in its segment, or does not follow the records before.
    pub(super) fn body(&mut self, at: &FrameRecord<'_>, out: &mut Vec<u8>) -> Result<(), Error> {
        let mut record = decoded(at)?;
        self.name_kind(at, &mut record);
        self.write(at, record, out)
    }

    /// Takes the name of its kind from the record of a removed event, if that was said before. Whether it says one
    /// that was not.
    pub(super) fn name_kind(
        &mut self,
        at: &FrameRecord<'_>,
        record: &mut StoredRecord<'_>,
    ) -> bool {
        let Some((kind, name)) = record.kind_name() else {
            return false;
        };
        let is_news = self.kinds.note(kind, name, at.sequence) || !self.kinds.is(kind, name);
        if !is_news && let StoredRecord::Removed(removed) = record {
            removed.kind_name = None;
        }
        is_news
    }

    /// Appends the body of a record, as it is but for what it says of its segment.
    ///
    /// # Errors
    ///
    /// As [`body`](Self::body).
    pub(super) fn write(
        &mut self,
        at: &FrameRecord<'_>,
        record: StoredRecord<'_>,
        out: &mut Vec<u8>,
    ) -> Result<(), Error> {
        let Place {
            coordinate,
            previous,
        } = self.read(at, &record, true)?;
        let next = self.written;
        let named = self
            .coordinates
            .get_mut(coordinate)
            .ok_or_else(|| unnamed(at))?;
        let (number, name) = match named.number {
            Some(number) => (number, None),
            None => {
                self.written = next
                    .checked_add(1)
                    .ok_or_else(|| malformed(at, "is of more coordinates than a segment has"))?;
                named.number = Some(next);
                (next, Some(named.coordinate.clone()))
            }
        };
        record.encode_elsewhere(number, name, previous, out);
        Ok(())
    }

    /// Leaves a record out.
    ///
    /// # Errors
    ///
    /// As [`body`](Self::body).
    pub(super) fn leave_out(
        &mut self,
        at: &FrameRecord<'_>,
        record: &StoredRecord<'_>,
    ) -> Result<(), Error> {
        self.read(at, record, false).map(drop)
    }

    /// Takes the next record.
    fn read(
        &mut self,
        at: &FrameRecord<'_>,
        record: &StoredRecord<'_>,
        is_written: bool,
    ) -> Result<Place, Error> {
        if self.segment != Some(at.position.segment) {
            self.segment = Some(at.position.segment);
            self.named.clear();
        }
        if let Some(coordinate) = record.coordinate() {
            self.name(at, record.local_coordinate(), coordinate)?;
        }
        let local = usize::try_from(record.local_coordinate()).ok();
        let coordinate = *local
            .and_then(|local| self.named.get(local))
            .ok_or_else(|| unnamed(at))?;
        let entity = self.coordinates.get(coordinate).map(|known| known.entity);
        let head = entity.and_then(|entity| self.heads.get_mut(entity));
        let head = head.ok_or_else(|| unnamed(at))?;
        let clock = record.clock();
        let before = head.replace(Head {
            hash: at.digest,
            clock,
            is_written,
        });
        let previous = match before {
            None => record.previous(),
            Some(before) if before.clock.checked_add(1) == Some(clock) => {
                let differs = |previous| previous != before.hash;
                if record.previous().is_some_and(differs) {
                    return Err(malformed(at, "does not follow the one before it"));
                }
                (!before.is_written).then_some(before.hash)
            }
            // Those between are in a run.
            Some(before) if before.clock < clock && record.previous().is_some() => {
                record.previous()
            }
            Some(_) => return Err(malformed(at, "does not follow the one before it")),
        };
        Ok(Place {
            coordinate,
            previous,
        })
    }

    /// Notes the name in a record.
    fn name(
        &mut self,
        at: &FrameRecord<'_>,
        local: u32,
        coordinate: &Coordinate,
    ) -> Result<(), Error> {
        if usize::try_from(local) != Ok(self.named.len()) {
            return Err(malformed(at, "names its coordinate out of turn"));
        }
        if let Some(known) = self.by_name.get(coordinate) {
            self.named.push(*known);
            return Ok(());
        }
        let entity = match self.entities.get(coordinate.entity()) {
            Some(entity) => *entity,
            None => {
                let next = self.heads.len();
                self.entities.insert(coordinate.entity().into(), next);
                self.heads.push(None);
                next
            }
        };
        let next = self.coordinates.len();
        self.coordinates.push(Known {
            coordinate: coordinate.clone(),
            entity,
            number: None,
        });
        self.by_name.insert(coordinate.clone(), next);
        self.named.push(next);
        Ok(())
    }
}

fn unnamed(at: &FrameRecord<'_>) -> Error {
    malformed(at, "has a coordinate that its segment has not named")
}
