//! `MergedRecords`: the bodies of records whose segments become one.
//!
//! A segment names a coordinate with the first record that uses it, numbers coordinates in that order, and has
//! the hash before an entity's first record. So what the later segments say of that again is left out, and
//! coordinates are numbered anew. Of names of kinds those of removed events are left out that were said before:
//! an event's is in its hash. No body gets longer.

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
    /// Of its coordinates, by their numbers there, the numbers in the new one, and their entities.
    named: Vec<(u32, usize)>,
    /// Numbers in the new one.
    coordinates: HashMap<Coordinate, u32>,
    entities: HashMap<Box<str>, usize>,
    /// Hash of the last record of each entity.
    heads: Vec<Option<Hash>>,
    kinds: KindNames,
}

impl MergedRecords {
    /// Appends the body that a record has in the new segment, oldest first.
    ///
    /// # Errors
    ///
    /// `Corrupt` if it does not say what it should in its segment, or does not follow the records before.
    pub(super) fn body(&mut self, at: &FrameRecord<'_>, out: &mut Vec<u8>) -> Result<(), Error> {
        if self.segment != Some(at.position.segment) {
            self.segment = Some(at.position.segment);
            self.named.clear();
        }
        let mut record = decoded(at)?;
        if let Some((kind, name)) = record.kind_name()
            && !self.kinds.note(kind, name, at.sequence)
            && self.kinds.is(kind, name)
            && let StoredRecord::Removed(removed) = &mut record
        {
            removed.kind_name = None;
        }
        let name = match record.coordinate() {
            Some(coordinate) => self.name(at, record.local_coordinate(), coordinate)?,
            None => None,
        };
        let named = usize::try_from(record.local_coordinate())
            .ok()
            .and_then(|local| self.named.get(local));
        let (local, entity) = *named
            .ok_or_else(|| malformed(at, "has a coordinate that its segment has not named"))?;
        let mut previous = record.previous();
        if let Some(head) = self.heads.get_mut(entity)
            && let Some(before) = head.replace(at.digest)
        {
            if previous.is_some_and(|previous| previous != before) {
                return Err(malformed(at, "does not follow the one before it"));
            }
            previous = None;
        }
        record.encode_elsewhere(local, name, previous, out);
        Ok(())
    }

    /// Notes the name in a record, and gives it back if it is to be in the new segment too.
    fn name(
        &mut self,
        at: &FrameRecord<'_>,
        local: u32,
        coordinate: &Coordinate,
    ) -> Result<Option<Coordinate>, Error> {
        if usize::try_from(local) != Ok(self.named.len()) {
            return Err(malformed(at, "names its coordinate out of turn"));
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
        if let Some(known) = self.coordinates.get(coordinate) {
            self.named.push((*known, entity));
            return Ok(None);
        }
        let next = u32::try_from(self.coordinates.len())
            .map_err(|_| malformed(at, "is of more coordinates than a segment has"))?;
        self.coordinates.insert(coordinate.clone(), next);
        self.named.push((next, entity));
        Ok(Some(coordinate.clone()))
    }
}
