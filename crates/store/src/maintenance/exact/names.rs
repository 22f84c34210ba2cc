//! `NamesRead` and `NamesWritten`: what the records of a segment say once, for those that follow it.

use crate::Error;
use crate::rows::malformed;
use std::collections::HashMap;
use strandline_core::record::StoredRecord;
use strandline_core::{Coordinate, Hash};
use strandline_segment::{FrameRecord, SegmentId};

/// What the records that were read have said. Memory: the coordinates of a segment, and all entities.
#[derive(Debug, Default)]
pub(super) struct NamesRead {
    segment: Option<SegmentId>,
    /// Coordinates by their numbers in the segment.
    named: Vec<Coordinate>,
    /// Hash and clock of the last record of each entity.
    heads: HashMap<Box<str>, (Hash, u32)>,
}

impl NamesRead {
    /// The same record with its coordinate, and the hash before it.
    ///
    /// # Errors
    ///
    /// `Corrupt` if it does not say what it should in its segment.
    pub(super) fn whole<'a>(
        &mut self,
        at: &FrameRecord<'_>,
        record: StoredRecord<'a>,
    ) -> Result<StoredRecord<'a>, Error> {
        if self.segment != Some(at.position.segment) {
            self.segment = Some(at.position.segment);
            self.named.clear();
        }
        let local = usize::try_from(record.local_coordinate()).unwrap_or(usize::MAX);
        if let Some(coordinate) = record.coordinate() {
            if local != self.named.len() {
                return Err(malformed(at, "names its coordinate out of turn"));
            }
            self.named.push(coordinate.clone());
        }
        let coordinate = self.named.get(local).cloned();
        let coordinate = coordinate
            .ok_or_else(|| malformed(at, "has a coordinate that its segment has not named"))?;
        let clock = record.clock();
        let next = (at.digest, clock);
        let (before, expected) = match self.heads.get_mut(coordinate.entity()) {
            Some(head) => {
                let (hash, clock) = std::mem::replace(head, next);
                (hash, clock.checked_add(1))
            }
            None => {
                self.heads.insert(coordinate.entity().into(), next);
                (Hash::ZERO, Some(0))
            }
        };
        // Those between are in a run.
        let is_gap = expected.is_some_and(|expected| clock > expected);
        let previous = match record.previous() {
            Some(own) if is_gap => own,
            _ => before,
        };
        if record.previous().is_some_and(|own| own != previous) {
            return Err(malformed(at, "does not follow the one before it"));
        }
        Ok(with(record, 0, Some(coordinate), Some(previous)))
    }
}

/// What the records that were written to a segment have said.
#[derive(Debug, Default)]
pub(super) struct NamesWritten {
    coordinates: HashMap<Coordinate, u32>,
    /// The clock of the last record of each entity.
    entities: HashMap<Box<str>, u32>,
}

impl NamesWritten {
    /// The same record as it stands in the segment, if it has its coordinate.
    pub(super) fn in_segment<'a>(&mut self, record: StoredRecord<'a>) -> Option<StoredRecord<'a>> {
        let coordinate = record.coordinate()?.clone();
        let clock = record.clock();
        let before = match self.entities.get_mut(coordinate.entity()) {
            Some(before) => Some(std::mem::replace(before, clock)),
            None => {
                self.entities.insert(coordinate.entity().into(), clock);
                None
            }
        };
        // That before it is in another segment, or in a run.
        let is_alone = before.is_none_or(|before| before.checked_add(1) != Some(clock));
        let previous = record.previous().filter(|_| is_alone);
        if let Some(local) = self.coordinates.get(&coordinate) {
            return Some(with(record, *local, None, previous));
        }
        let local = u32::try_from(self.coordinates.len()).ok()?;
        self.coordinates.insert(coordinate.clone(), local);
        Some(with(record, local, Some(coordinate), previous))
    }
}

/// A record with other parts that its segment decides.
fn with(
    record: StoredRecord<'_>,
    local_coordinate: u32,
    coordinate: Option<Coordinate>,
    previous: Option<Hash>,
) -> StoredRecord<'_> {
    use strandline_core::record::{Record, RemovedRecord};
    match record {
        StoredRecord::Event(record) => StoredRecord::Event(Record {
            local_coordinate,
            coordinate,
            previous,
            ..record
        }),
        StoredRecord::Removed(removed) => StoredRecord::Removed(RemovedRecord {
            local_coordinate,
            coordinate,
            previous,
            ..removed
        }),
    }
}
