//! Rolling rows back that were never visible, so that no structure knows them.

use crate::ascending;
use crate::columns::CHUNK_ROWS;
use crate::list::ListHead;
use crate::runs::sequence_of;
use crate::{EntityId, IndexWriter};
use std::collections::BTreeMap;
use std::sync::Arc;
use strandline_core::Hash;
use strandline_core::sync::atomic::Ordering;

/// What a rollback restores: the row count, and the head hashes that later rows replaced.
pub(crate) struct Undo {
    rows: u32,
    hashes: BTreeMap<EntityId, Hash>,
}

impl Undo {
    pub(crate) const fn new(rows: u32) -> Self {
        Self {
            rows,
            hashes: BTreeMap::new(),
        }
    }

    /// How many rows there were.
    pub(crate) const fn rows(&self) -> u32 {
        self.rows
    }

    /// Notes the head of an entity that a row was pushed upon.
    pub(crate) fn note(&mut self, entity: EntityId, before: Option<ListHead>) {
        if let Some(ListHead {
            row,
            hash: Some(hash),
            ..
        }) = before
            && row < self.rows
        {
            self.hashes.entry(entity).or_insert(hash);
        }
    }
}

impl IndexWriter {
    /// Drops the rows inserted since `undo` was made. None of them may have been visible.
    /// O(slots of the table of ids).
    pub(crate) fn roll_back(&mut self, undo: &Undo) {
        let kept = undo.rows;
        let clock_of = |row| self.cell(row).clock();
        for row in kept..self.rows {
            let cell = self.cell(row);
            if let Some(place) = self.places.get(cell.coordinate().position()) {
                if let Some(entity) = self.entities.get(place.entity.position()) {
                    entity.truncate(kept, undo.hashes.get(&place.entity).copied(), clock_of);
                }
                if let Some(scope) = self.scopes.get(place.scope.position()) {
                    scope.truncate(kept, None, clock_of);
                }
            }
            if let Some(kind) = self.kinds.get(&cell.kind()) {
                kind.truncate(kept, None, clock_of);
            }
        }
        self.drop_cells(kept);
    }

    /// Drops what is in columns, runs and the table of ids from row `kept` on.
    pub(crate) fn drop_cells(&mut self, kept: u32) {
        if !self.ids.is_empty() {
            self.ids = Arc::new(self.ids.truncated(kept));
        }
        let chunks = (kept as usize).div_ceil(CHUNK_ROWS);
        self.chunks.truncate(chunks);
        let slot = kept as usize % CHUNK_ROWS;
        if let Some(chunk) = self.chunks.last()
            && slot > 0
        {
            chunk.truncate_links(slot);
        }
        self.rows = kept;
        self.greatest = ascending::greatest(&self.chunks, kept);
        let mut parts = self.shared.parts.write();
        parts.ids = self.ids.clone();
        Arc::make_mut(&mut parts.chunks).truncate(chunks);
        Arc::make_mut(&mut parts.runs).retain(|run| run.first_row < kept);
        self.last = kept
            .checked_sub(1)
            .map(|last| sequence_of(&parts.runs, last));
        // Relaxed, and under the lock of `parts`: partner of the load of a snapshot.
        self.shared.rows.0.store(kept, Ordering::Relaxed);
    }
}
