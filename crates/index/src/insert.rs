//! Inserting a row: everything that can be refused first, then every structure, the row count last.

use crate::by_id::{IdTable, fingerprint};
use crate::columns::{CHUNK_ROWS, Chunk};
use crate::gate::BOUND_MAX;
use crate::list::{ListHead, RowList};
use crate::rollback::Undo;
use crate::runs::Run;
use crate::{EntityId, IndexError, IndexWriter, Row, RowNumber};
use std::sync::Arc;
use strandline_core::sync::atomic::Ordering;
use strandline_core::{EventId, EventKind, Sequence};

impl IndexWriter {
    /// Checks that `rows` more rows have room. O(1).
    ///
    /// # Errors
    ///
    /// [`IndexError::RowsExhausted`] if row numbers would not fit in 32 bits.
    pub fn check_room(&self, rows: usize) -> Result<(), IndexError> {
        self.rows_after(rows).map(|_| ())
    }

    /// Adds a row whose sequence was reserved. Nobody but the writer sees it before it is
    /// published. Expected O(1); for an id that is not above all others O(log rows), and
    /// O(such ids) where their table doubles.
    ///
    /// # Errors
    ///
    /// [`IndexError`] if the sequence was not reserved, is not after that of the last row, or is
    /// visible already; if the coordinate is not of this index; if the id is taken; if the clock is
    /// not after that of the entity's newest row (gaps are allowed); or if there is no room.
    /// Nothing has changed then.
    pub fn insert(&mut self, row: &Row) -> Result<RowNumber, IndexError> {
        let allocated = self.gate().allocated();
        if row.sequence >= allocated {
            return Err(IndexError::SequenceNotReserved {
                sequence: row.sequence,
                allocated,
            });
        }
        self.insert_stored(row, None)
    }

    /// Adds a row with any later sequence, and notes in `undo` what a rollback needs.
    pub(crate) fn insert_stored(
        &mut self,
        row: &Row,
        undo: Option<&mut Undo>,
    ) -> Result<RowNumber, IndexError> {
        self.rows_after(1)?;
        self.check_sequence(row.sequence)?;
        let place = self.places.get(row.coordinate.position()).copied().ok_or(
            IndexError::UnknownCoordinate {
                coordinate: row.coordinate.get(),
            },
        )?;
        if let Some(other) = self.find(row.id) {
            return Err(IndexError::DuplicateId {
                id: row.id,
                row: other.get(),
            });
        }
        self.check_clock(place.entity, row.clock)?;

        let number = self.rows;
        let count = number + 1;
        self.grow(count);
        self.set_id(number, row.id);
        let cell = self.cell(number);
        cell.set(&row.values(), row.link());
        let next = self.last.map(|last| last.get() + 1);
        self.add_run_after(next, row.sequence.get(), number);
        if let Some(entity) = self.entities.get(place.entity.position()) {
            let before = entity.push(ListHead {
                row: number,
                clock: row.clock,
                hash: row.hash,
            });
            if let Some(undo) = undo {
                undo.note(place.entity, before);
            }
        }
        if let Some(scope) = self.scopes.get(place.scope.position()) {
            scope.push_row(number);
        }
        self.kind_rows(row.kind).push_row(number);
        self.set_rows(count, row.sequence);
        Ok(RowNumber::new(number))
    }

    /// How many rows there are after `rows` more: at most 2^32 - 1, so that the last row number is
    /// never given.
    pub(crate) fn rows_after(&self, rows: usize) -> Result<u32, IndexError> {
        u32::try_from(rows)
            .ok()
            .and_then(|rows| self.rows.checked_add(rows))
            .ok_or(IndexError::RowsExhausted {
                requested: rows,
                rows: self.rows,
            })
    }

    /// The least sequence that a row can have now: after every row, and not visible.
    pub(crate) fn least(&self) -> Sequence {
        let after_last = self.last.map_or(0, |last| last.get() + 1);
        Sequence::new(after_last).max(self.gate().visible())
    }

    pub(crate) fn check_sequence(&self, sequence: Sequence) -> Result<(), IndexError> {
        let least = self.least();
        if sequence < least {
            return Err(IndexError::SequenceOutOfOrder { sequence, least });
        }
        if sequence.get() >= BOUND_MAX {
            return Err(IndexError::SequencesExhausted {
                requested: 1,
                allocated: sequence,
            });
        }
        Ok(())
    }

    pub(crate) fn check_clock(&self, entity: EntityId, clock: u32) -> Result<(), IndexError> {
        let rows = self.entities.get(entity.position());
        match rows.and_then(|rows| rows.head()) {
            Some(ListHead { clock: head, .. }) if clock <= head => {
                Err(IndexError::ClockNotAfterHead { clock, head })
            }
            _ => Ok(()),
        }
    }

    /// Makes room in the columns for `rows` rows, of which all but the last have their ids.
    pub(crate) fn grow(&mut self, rows: u32) {
        if self.chunks.len() * CHUNK_ROWS < rows as usize {
            let chunk = Chunk::new(self.greatest);
            self.chunks.push(chunk.clone());
            let mut parts = self.shared.parts.write();
            Arc::make_mut(&mut parts.chunks).push(chunk);
        }
    }

    /// Gives `row`, the one after all that have an id, its id, which no other row has.
    pub(crate) fn set_id(&mut self, row: u32, id: EventId) {
        let ascends = self.greatest < Some(id);
        if ascends {
            self.greatest = Some(id);
        } else {
            if let Some(ids) = IdTable::grown(&self.ids) {
                self.ids = Arc::new(ids);
                self.shared.parts.write().ids = self.ids.clone();
            }
            self.ids.insert(fingerprint(&self.shared.hasher, id), row);
        }
        self.cell(row).set_id(id, ascends);
    }

    /// Begins a run at `row`, unless its sequence is `next`, which continues the rows before it.
    pub(crate) fn add_run_after(&self, next: Option<u64>, first_sequence: u64, row: u32) {
        if next != Some(first_sequence) {
            let mut parts = self.shared.parts.write();
            Arc::make_mut(&mut parts.runs).push(Run {
                first_sequence,
                first_row: row,
            });
        }
    }

    /// The rows of `kind`.
    pub(crate) fn kind_rows(&mut self, kind: EventKind) -> &RowList {
        let shared = &self.shared;
        self.kinds.entry(kind).or_insert_with(|| {
            let rows = Arc::new(RowList::new());
            shared.kinds.write().insert(kind, rows.clone());
            rows
        })
    }

    /// Counts rows that are in every structure, the last of which has the sequence `last`.
    pub(crate) fn set_rows(&mut self, rows: u32, last: Sequence) {
        self.rows = rows;
        self.last = Some(last);
        // Relaxed: ordered by the gate for rows that are visible, and by the lock of `parts` for
        // the run they belong to.
        self.shared.rows.0.store(rows, Ordering::Relaxed);
    }
}
