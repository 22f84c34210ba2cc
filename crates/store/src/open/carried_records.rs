//! `CarriedRecords`: the bodies of records that begin the next segment.
//!
//! A segment is to be readable without the one before. So the first record of each coordinate has its
//! names, coordinates are numbered anew, and the first record of each entity has the hash before it.

use crate::Error;
use crate::rows::checkpoint::Restored;
use crate::rows::{Replay, SegmentNames, decoded, malformed};
use std::collections::HashMap;
use strandline_core::record::{RecordView, RemovedRecord, StoredRecord};
use strandline_core::{Coordinate, EventHasher, Hash, Sequence};
use strandline_index::{IndexLayout, Snapshot, channel_with};
use strandline_segment::{CarriedBodies, FrameRecord, LogView, RecordPosition};

/// What the records that stay have said, and the names that were given in the next segment.
#[derive(Debug, Default)]
pub(super) struct CarriedRecords {
    /// What a checkpoint says of the records before those that are told.
    known: Option<Known>,
    /// By local number in the segment before, as far as it came up.
    named: HashMap<u32, Named>,
    /// The next local number there.
    next_named: u32,
    entities: HashMap<Box<str>, usize>,
    /// Of each entity of the segment before, its chain.
    chains: Vec<Chain>,
    /// How many coordinates the next segment has named.
    next_local: u32,
    hasher: EventHasher,
}

#[derive(Debug)]
struct Known {
    rows: Snapshot,
    names: SegmentNames,
    log: LogView,
}

#[derive(Debug)]
struct Named {
    coordinate: Coordinate,
    /// Place of its entity's chain.
    chain: usize,
    /// Its number in the next segment, once it is named there.
    local: Option<u32>,
}

#[derive(Debug, Default)]
struct Chain {
    /// Hash of the last record so far; none before the first that is told.
    head: Option<Hash>,
    /// Whether the next segment has a record of the entity.
    is_carried: bool,
}

impl CarriedRecords {
    /// Is to be told of the records after a checkpoint of the segment that begins at `start`.
    ///
    /// # Errors
    ///
    /// `Corrupt` if a part of the checkpoint is missing, or does not fit the others.
    pub(super) fn after(restored: &Restored, start: Sequence, log: LogView) -> Result<Self, Error> {
        let (block, names) = restored.rows(start)?;
        let (mut index, reader) = channel_with(IndexLayout::default());
        let mut replay = Replay::new(&mut index);
        replay.block(block, None)?;
        replay.commit(restored.position);
        Ok(Self {
            next_named: names.next_local(),
            known: Some(Known {
                rows: reader.snapshot(),
                names,
                log,
            }),
            ..Self::default()
        })
    }

    /// Notes the name in a record, if it has one, and gives its coordinate.
    fn note(
        &mut self,
        at: &FrameRecord<'_>,
        local: u32,
        coordinate: Option<Coordinate>,
    ) -> Result<(&mut Named, &mut Vec<Chain>), Error> {
        let unnamed = || malformed(at, "has a coordinate that its segment has not named");
        let coordinate = match coordinate {
            Some(_) if local != self.next_named => {
                return Err(malformed(at, "names its coordinate out of turn"));
            }
            Some(coordinate) => {
                self.next_named += 1;
                Some(coordinate)
            }
            None if self.named.contains_key(&local) => None,
            None => {
                let known = self.known.as_ref();
                let known = known.and_then(|known| known.names.base_coordinate(local));
                Some(known.ok_or_else(unnamed)?)
            }
        };
        if let Some(coordinate) = coordinate {
            let chain = self.chain_of(at, coordinate.entity())?;
            let named = Named {
                coordinate,
                chain,
                local: None,
            };
            self.named.insert(local, named);
        }
        let named = self.named.get_mut(&local).ok_or_else(unnamed)?;
        Ok((named, &mut self.chains))
    }

    /// The place of an entity's chain.
    fn chain_of(&mut self, at: &FrameRecord<'_>, entity: &str) -> Result<usize, Error> {
        if let Some(chain) = self.entities.get(entity) {
            return Ok(*chain);
        }
        let head = match &self.known {
            Some(known) => known.head(at, entity)?,
            None => None,
        };
        let chain = self.chains.len();
        self.entities.insert(entity.into(), chain);
        self.chains.push(Chain {
            head,
            is_carried: false,
        });
        Ok(chain)
    }
}

impl Known {
    /// Hash of an entity's last record before the checkpoint, if the segment has one: of the record
    /// itself, and not what the checkpoint says of it.
    fn head(&self, at: &FrameRecord<'_>, entity: &str) -> Result<Option<Hash>, Error> {
        let Some(row) = self.rows.latest(entity) else {
            return Ok(None);
        };
        let stored = self.log.read(RecordPosition::from_bits(row.position()))?;
        let record = RecordView::parse(&stored.body);
        let record = record
            .map_err(|error| malformed(at, "follows one that is malformed").with_source(error))?;
        let coordinate = self.names.base_coordinate(record.local_coordinate());
        let is_own = coordinate.is_some_and(|coordinate| coordinate.entity() == entity);
        match is_own && record.clock() == row.clock() && record.id() == row.id() {
            true => Ok(Some(stored.digest)),
            false => Err(malformed(at, "does not follow what the checkpoint says")),
        }
    }
}

impl CarriedBodies for CarriedRecords {
    type Error = Error;

    fn stays(&mut self, at: &FrameRecord<'_>) -> Result<(), Error> {
        // There are many of them, so nothing is decoded that is not needed.
        let (local, coordinate) = if RemovedRecord::is_one(at.body) {
            let record = decoded(at)?;
            (record.local_coordinate(), record.coordinate().cloned())
        } else {
            let record = RecordView::parse(at.body);
            let record =
                record.map_err(|error| malformed(at, "is malformed").with_source(error))?;
            (record.local_coordinate(), record.coordinate())
        };
        let (named, chains) = self.note(at, local, coordinate)?;
        if let Some(chain) = chains.get_mut(named.chain) {
            chain.head = Some(at.digest);
        }
        Ok(())
    }

    fn carried(&mut self, at: &FrameRecord<'_>, out: &mut Vec<u8>) -> Result<(), Error> {
        let record = decoded(at)?;
        let coordinate = record.coordinate().cloned();
        let next_local = self.next_local;
        let is_known = self.known.is_some();
        let mut hasher = std::mem::take(&mut self.hasher);
        let (named, chains) = self.note(at, record.local_coordinate(), coordinate)?;
        let names = named.local.is_none().then(|| named.coordinate.clone());
        let local = *named.local.get_or_insert(next_local);
        let mut previous = None;
        if let Some(chain) = chains.get_mut(named.chain) {
            // If none of it was before, its first one has the hash.
            let head = chain.head.or_else(|| record.previous());
            if is_known
                && let StoredRecord::Event(event) = &record
                && event.hash_after(
                    &head.unwrap_or(Hash::ZERO),
                    &named.coordinate,
                    at.sequence,
                    &mut hasher,
                ) != at.digest
            {
                // A name that a checkpoint gives is in the log from now on.
                return Err(malformed(at, "is not what the checkpoint says"));
            }
            chain.head = Some(at.digest);
            if !std::mem::replace(&mut chain.is_carried, true) {
                previous = head;
            }
        }
        self.hasher = hasher;
        self.next_local += u32::from(names.is_some());
        record.encode_elsewhere(local, names, previous, out);
        Ok(())
    }
}
