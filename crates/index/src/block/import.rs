//! Inserting a block: what can be refused first, then columns and lists in bulk.

use super::parse::Block;
use crate::columns::Values;
use crate::rollback::Undo;
use crate::{BlockError, CoordinateId, IndexError, IndexWriter};
use std::collections::BTreeMap;
use strandline_core::{EventId, EventKind, Sequence};

impl IndexWriter {
    /// Adds every row of a block, and returns how many; nothing on an error.
    pub(crate) fn import_block(
        &mut self,
        bytes: &[u8],
        undo: &mut Undo,
    ) -> Result<u64, BlockError> {
        let block = Block::parse(bytes)?;
        let Some(run) = block.runs.first() else {
            return Ok(0);
        };
        let rows = self.rows_after(block.rows as usize)?;
        self.check_sequence(Sequence::new(run.first_sequence))?;
        self.check_clocks(&block)?;
        self.insert_ids(&block)?;
        let places = match self.intern_all(&block) {
            Ok(places) => places,
            Err(error) => {
                self.drop_cells(self.rows);
                return Err(error.into());
            }
        };
        self.fill_columns(&block, &places);
        self.extend_lists(&block, &places, undo);
        let mut next = self.last.map(|last| last.get() + 1);
        for (at, run) in block.runs.iter().enumerate() {
            self.add_run_after(next, run.first_sequence, self.rows + run.first_row);
            let end = block
                .runs
                .get(at + 1)
                .map_or(block.rows, |run| run.first_row);
            next = Some(run.first_sequence + u64::from(end - run.first_row));
        }
        self.set_rows(rows, Sequence::new(block.last_sequence));
        self.set_head_hashes(&block, &places);
        Ok(u64::from(block.rows))
    }

    /// Checks the first clock of each entity of the block against the newest in the index.
    fn check_clocks(&self, block: &Block<'_>) -> Result<(), IndexError> {
        if self.rows == 0 {
            return Ok(());
        }
        let mut entities: Vec<_> = block
            .entities
            .iter()
            .map(|coordinate| self.lookup_entity(coordinate.entity()))
            .collect();
        for (place, clock) in block.places.iter().zip(block.clocks) {
            let entity = block.entity_at(*place).and_then(|at| entities.get_mut(at));
            // Only the first is compared: the block's own clocks ascend.
            if let Some(entity) = entity.and_then(Option::take) {
                self.check_clock(entity, u32::from_le_bytes(*clock))?;
            }
        }
        Ok(())
    }

    /// Fills the column of ids and the table, whose next rows these are; on a duplicate takes them
    /// out again.
    fn insert_ids(&mut self, block: &Block<'_>) -> Result<(), IndexError> {
        for (row, id) in (self.rows..).zip(block.ids) {
            let id = EventId::from_u128(u128::from_le_bytes(*id));
            if let Some(row) = self.find_among(row, id) {
                self.drop_cells(self.rows);
                return Err(IndexError::DuplicateId { id, row });
            }
            self.grow(row + 1);
            self.set_id(row, id);
        }
        Ok(())
    }

    fn intern_all(&mut self, block: &Block<'_>) -> Result<Vec<CoordinateId>, IndexError> {
        block
            .coordinates
            .iter()
            .map(|coordinate| self.intern(coordinate))
            .collect()
    }

    fn fill_columns(&self, block: &Block<'_>, places: &[CoordinateId]) {
        let numbers = block.clocks.iter().zip(block.positions);
        let facts = block.kinds.iter().zip(block.times);
        let rows = block.places.iter().zip(facts).zip(numbers);
        let mut links = block.links.iter().peekable();
        for (local, ((place, (kind, wall_ms)), (clock, position))) in (0..).zip(rows) {
            let Some(coordinate) = place_of(places, *place) else {
                continue;
            };
            let link = links.next_if(|(row, _)| *row == local);
            let values = Values {
                coordinate,
                kind: EventKind::from_bits(u16::from_le_bytes(*kind)),
                wall_ms: u64::from_le_bytes(*wall_ms),
                clock: u32::from_le_bytes(*clock),
                position: u64::from_le_bytes(*position),
            };
            self.cell(self.rows + local)
                .set(&values, link.map(|(_, link)| *link));
        }
    }

    /// Appends the rows to the lists of their keys, each list once.
    fn extend_lists(&mut self, block: &Block<'_>, places: &[CoordinateId], undo: &mut Undo) {
        let first = self.rows;
        let keys: Vec<_> = places
            .iter()
            .filter_map(|place| self.places.get(place.position()).copied())
            .collect();
        let of_rows = || {
            let numbers = block.places.iter();
            numbers.map(|place| u32::from_le_bytes(*place) as usize)
        };

        let entities: Vec<_> = keys.iter().map(|place| place.entity).collect();
        for (entity, rows) in grouped(&entities, of_rows(), first) {
            if let Some(list) = self.entities.get(entity.position()) {
                let clock = rows.last().map_or(0, |row| self.cell(*row).clock());
                undo.note(entity, list.extend(&rows, clock));
            }
        }
        let scopes: Vec<_> = keys.iter().map(|place| place.scope).collect();
        for (scope, rows) in grouped(&scopes, of_rows(), first) {
            if let Some(list) = self.scopes.get(scope.position()) {
                list.extend(&rows, 0);
            }
        }
        let kinds_of_rows = || block.kinds.iter().map(|kind| u16::from_le_bytes(*kind));
        let mut kinds = Vec::new();
        let mut number_of = vec![None; 1 << u16::BITS];
        for kind in kinds_of_rows() {
            if let Some(number @ None) = number_of.get_mut(usize::from(kind)) {
                *number = Some(kinds.len());
                kinds.push(EventKind::from_bits(kind));
            }
        }
        let numbers = kinds_of_rows()
            .map(|kind| number_of.get(usize::from(kind)).copied().flatten())
            .map(Option::unwrap_or_default);
        for (kind, rows) in grouped(&kinds, numbers, first) {
            self.kind_rows(kind).extend(&rows, 0);
        }
    }

    fn set_head_hashes(&self, block: &Block<'_>, places: &[CoordinateId]) {
        for (row, hash) in &block.heads {
            let place = block.places.get(*row as usize);
            let coordinate = place.and_then(|place| place_of(places, *place));
            let place = coordinate.and_then(|coordinate| self.places.get(coordinate.position()));
            if let Some(list) = place.and_then(|place| self.entities.get(place.entity.position())) {
                list.set_hash(*hash);
            }
        }
    }
}

/// The coordinate of a row by its number in the block.
fn place_of(places: &[CoordinateId], place: [u8; 4]) -> Option<CoordinateId> {
    places.get(u32::from_le_bytes(place) as usize).copied()
}

/// The rows from `first` on by key, where each row has the place of its key in `keys`, which may
/// hold a key twice.
fn grouped<K: Copy + Ord>(
    keys: &[K],
    of_rows: impl Iterator<Item = usize>,
    first: u32,
) -> Vec<(K, Vec<u32>)> {
    let mut group_of_key = BTreeMap::new();
    let mut groups: Vec<(K, Vec<u32>)> = Vec::new();
    let group_of: Vec<_> = keys
        .iter()
        .map(|key| {
            *group_of_key.entry(*key).or_insert_with(|| {
                groups.push((*key, Vec::new()));
                groups.len() - 1
            })
        })
        .collect();
    for (row, key) in (first..).zip(of_rows) {
        if let Some((_, rows)) = group_of.get(key).and_then(|at| groups.get_mut(*at)) {
            rows.push(row);
        }
    }
    groups
}
