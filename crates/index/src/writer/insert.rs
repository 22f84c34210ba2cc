//! Inserting a row: everything that can be refused first, then every structure, the row count last.
//! Makes nothing visible.

use super::index_writer::IndexWriter;
use super::live_writer::{LiveWriter, Place};
use super::rollback::Undo;
use super::tags::push_row;
use crate::live::by_id::{IdTable, fingerprint};
use crate::live::chunk::{CHUNK_ROWS, Chunk};
use crate::live::dictionary::Entry;
use crate::live::list::{ListHead, RowList};
use crate::model::{BOUND_MAX, IndexError, IndexLayout, Row};
use crate::search::Run;
use std::sync::Arc;
use strandline_core::sync::atomic::Ordering;
use strandline_core::{EventId, EventKind, Sequence};

impl IndexWriter {
    /// Checks that `rows` more rows have room. O(1).
    ///
    /// # Errors
    ///
    /// [`IndexError::RowsExhausted`] if row numbers would not fit in 32 bits; there is room again
    /// after a [`seal`](Self::seal).
    pub fn check_room(&self, rows: usize) -> Result<(), IndexError> {
        self.live.rows_after(rows).map(|_| ())
    }

    /// Adds a row whose sequence was reserved. Nobody but the writer sees it before it is
    /// published. Expected O(1); for an id that is not above all others as
    /// [`Snapshot::get`](crate::Snapshot::get), and O(such ids) where their table doubles; for the
    /// first row of an entity after a seal as [`sealed_head`](Self::sealed_head).
    ///
    /// # Errors
    ///
    /// [`IndexError`] if the sequence was not reserved, is not after that of the last row, or is
    /// visible already; if the coordinate was not interned since the last seal; if the id is taken;
    /// if the clock is not after that of the entity's newest row (gaps are allowed); or if there is
    /// no room. Nothing has changed then.
    pub fn insert(&mut self, row: &Row) -> Result<(), IndexError> {
        self.check_reserved(row.sequence)?;
        self.insert_stored(row, &[], None)
    }

    /// Adds a row that has tags, as [`insert`](Self::insert). O(log names) for a tag that no row has
    /// had since the last seal.
    ///
    /// # Errors
    ///
    /// As [`insert`](Self::insert), and [`IndexError::NamesExhausted`].
    pub fn insert_tagged(&mut self, row: &Row, tags: &[&str]) -> Result<(), IndexError> {
        self.check_reserved(row.sequence)?;
        self.insert_stored(row, tags, None)
    }

    /// Adds a row as [`insert_tagged`](Self::insert_tagged), without looking at sealed rows: the caller
    /// did so, since it looked up heads and ids of many rows [at once](Self::sealed_heads).
    ///
    /// `sealed_clock` is that of the newest event of the row's entity among the sealed rows, if there
    /// is any, as it was looked up since the last seal. Expected O(1).
    ///
    /// # Errors
    ///
    /// As [`insert_tagged`](Self::insert_tagged), but that an id is only found taken if a row since the
    /// last seal has it.
    pub fn insert_known(
        &mut self,
        row: &Row,
        tags: &[&str],
        sealed_clock: Option<u32>,
    ) -> Result<(), IndexError> {
        self.check_reserved(row.sequence)?;
        let place = self.check_place(row)?;
        if let Some(taken) = self.live.find(row.id) {
            return Err(IndexError::DuplicateId {
                id: row.id,
                sequence: self.live.sequence_of(taken),
            });
        }
        let head = self.live_clock(place).or(sealed_clock);
        check_clock(head, row.clock)?;
        self.add(row, place, tags, None)
    }

    fn check_reserved(&self, sequence: Sequence) -> Result<(), IndexError> {
        let allocated = self.gate().allocated();
        if sequence < allocated {
            return Ok(());
        }
        Err(IndexError::SequenceNotReserved {
            sequence,
            allocated,
        })
    }

    /// Adds a row with any later sequence, and notes in `undo` what a rollback needs.
    pub(super) fn insert_stored(
        &mut self,
        row: &Row,
        tags: &[&str],
        undo: Option<&mut Undo>,
    ) -> Result<(), IndexError> {
        let place = self.check_place(row)?;
        if let Some(sequence) = self.sequence_of_id(row.id) {
            return Err(IndexError::DuplicateId {
                id: row.id,
                sequence,
            });
        }
        let head = self.live_clock(place).or_else(|| {
            let entity = self.live.entities.get(place.entity.position())?;
            Some(self.sealed_head(&entity.name)?.clock)
        });
        check_clock(head, row.clock)?;
        self.add(row, place, tags, undo)
    }

    /// The place of a row that has room, and whose sequence and coordinate can be taken.
    fn check_place(&self, row: &Row) -> Result<Place, IndexError> {
        self.live.rows_after(1)?;
        self.check_sequence(row.sequence)?;
        self.live
            .place(row.coordinate)
            .ok_or(IndexError::UnknownCoordinate {
                coordinate: row.coordinate.get(),
            })
    }

    /// Adds a row that was checked.
    fn add(
        &mut self,
        row: &Row,
        place: Place,
        tags: &[&str],
        undo: Option<&mut Undo>,
    ) -> Result<(), IndexError> {
        if !tags.is_empty() {
            let lists = self.live.tag_lists(tags)?;
            push_row(&lists, self.live.rows);
        }
        let next = self.last.map(|last| last.get() + 1);
        self.live.insert(row, place, next, undo);
        self.last = Some(row.sequence);
        self.greatest = self.greatest.max(Some(row.id));
        Ok(())
    }

    /// The least sequence that a row can have now: after every row, and not visible.
    pub(super) fn least(&self) -> Sequence {
        let after_last = self.last.map_or(0, |last| last.get() + 1);
        Sequence::new(after_last).max(self.gate().visible())
    }

    pub(super) fn check_sequence(&self, sequence: Sequence) -> Result<(), IndexError> {
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

    /// The clock of the newest event of an entity since the last seal.
    fn live_clock(&self, place: Place) -> Option<u32> {
        let entity = self.live.entities.get(place.entity.position())?;
        entity.rows.last_clock()
    }
}

fn check_clock(head: Option<u32>, clock: u32) -> Result<(), IndexError> {
    match head {
        Some(head) if clock <= head => Err(IndexError::ClockNotAfterHead { clock, head }),
        _ => Ok(()),
    }
}

impl LiveWriter {
    /// How many rows there are after `rows` more: at most 2^32 - 1, so that the last row number is
    /// never given.
    pub(super) fn rows_after(&self, rows: usize) -> Result<u32, IndexError> {
        u32::try_from(rows)
            .ok()
            .and_then(|rows| self.rows.checked_add(rows))
            .ok_or(IndexError::RowsExhausted {
                requested: rows,
                rows: self.rows,
            })
    }

    /// Adds a row that was checked; `next` is the sequence that continues the rows before it.
    fn insert(&mut self, row: &Row, place: Place, next: Option<u64>, undo: Option<&mut Undo>) {
        let number = self.rows;
        let count = number + 1;
        self.grow(count);
        self.set_id(number, row.id);
        let link = row.link();
        if let Some(link) = &link {
            self.live.linked.write().insert(number, link);
        }
        let kind_number = match self.live.layout {
            IndexLayout::Columns => 0,
            IndexLayout::Tiles => self.kind(row.kind).number,
            IndexLayout::Postings => {
                let kind = self.kind(row.kind);
                kind.rows.push_row(number);
                kind.number
            }
        };
        let values = row.values(place.scope, kind_number);
        self.cell(number).set(&values, link);
        self.add_run_after(next, row.sequence.get(), number);
        if let Some(entity) = self.entities.get(place.entity.position()) {
            if let Some(undo) = undo {
                undo.note(place.entity, entity.rows.head());
            }
            entity.rows.push(ListHead {
                row: number,
                clock: row.clock,
                hash: row.hash,
            });
        }
        if self.live.layout == IndexLayout::Postings
            && let Some(scope) = self.scopes.get(place.scope as usize)
        {
            scope.rows.push_row(number);
        }
        self.rows = count;
        // Relaxed: ordered by the gate for rows that are visible, and by the lock of `growth` for
        // the run they belong to.
        self.live.rows.0.store(count, Ordering::Relaxed);
    }

    /// Makes room in the columns for `rows` rows, of which all but the last have their ids.
    fn grow(&mut self, rows: u32) {
        if self.chunks.len() * CHUNK_ROWS < rows as usize {
            let chunk = Chunk::new(self.greatest, self.live.layout);
            self.chunks.push(chunk.clone());
            let mut growth = self.live.growth.write();
            Arc::make_mut(&mut growth.chunks).push(chunk);
        }
    }

    /// Gives `row`, the one after all that have an id, its id, which no other row has.
    fn set_id(&mut self, row: u32, id: EventId) {
        let ascends = self.greatest < Some(id);
        if ascends {
            self.greatest = Some(id);
        } else {
            if let Some(ids) = IdTable::grown(&self.ids) {
                self.ids = Arc::new(ids);
                self.live.growth.write().ids = self.ids.clone();
            }
            self.ids.insert(fingerprint(&self.live.hasher, id), row);
        }
        self.cell(row).set_id(id, ascends);
    }

    /// Begins a run at `row`, unless it continues the rows before it, of which there are some.
    fn add_run_after(&self, next: Option<u64>, first_sequence: u64, row: u32) {
        if row == 0 || next != Some(first_sequence) {
            let mut growth = self.live.growth.write();
            Arc::make_mut(&mut growth.runs).push(Run {
                first_sequence,
                first_row: row,
            });
        }
    }

    /// The number and the rows of `kind`.
    fn kind(&mut self, kind: EventKind) -> &Entry {
        let (live, count) = (&self.live, self.kinds.len());
        self.kinds.entry(kind).or_insert_with(|| {
            let entry = Entry {
                // There are 2^16 kinds.
                number: u32::try_from(count).unwrap_or_default(),
                rows: Arc::new(RowList::new()),
            };
            live.kinds.write().insert(kind, entry.clone());
            entry
        })
    }
}
