//! Rolling rows back that were never visible, so that no structure knows them. What was visible stays.

use super::index_writer::IndexWriter;
use super::live_writer::LiveWriter;
use crate::live::ascending;
use crate::live::chunk::CHUNK_ROWS;
use crate::live::list::ListHead;
use crate::model::IndexLayout;
use std::collections::BTreeMap;
use std::sync::Arc;
use strandline_core::sync::atomic::Ordering;
use strandline_core::{EventId, Hash, Sequence};

/// What a rollback restores.
pub(super) struct Undo {
    /// How many rows the growing part had.
    rows: u32,
    /// How many rows the sealed parts had.
    sealed_rows: u64,
    last: Option<Sequence>,
    greatest: Option<EventId>,
    /// Hashes of heads that later rows replaced, by the number of their entity.
    hashes: BTreeMap<u32, Hash>,
    /// The part that grew, if it was ended since.
    ended: Option<LiveWriter>,
}

impl Undo {
    pub(super) fn new(writer: &IndexWriter) -> Self {
        Self {
            rows: writer.live.rows,
            sealed_rows: writer.shared.parts().sealed_rows(),
            last: writer.last,
            greatest: writer.greatest,
            hashes: BTreeMap::new(),
            ended: None,
        }
    }

    /// Notes the head of an entity that a row was pushed upon.
    pub(super) fn note(&mut self, entity: u32, before: Option<ListHead>) {
        if let Some(ListHead {
            row,
            hash: Some(hash),
            ..
        }) = before
            && self.ended.is_none()
            && row < self.rows
        {
            self.hashes.entry(entity).or_insert(hash);
        }
    }

    /// Keeps the part that grew when this was made; later ones are dropped as a whole.
    pub(super) fn keep(&mut self, ended: LiveWriter) {
        if self.ended.is_none() {
            self.ended = Some(ended);
        }
    }
}

impl IndexWriter {
    /// Drops the rows inserted since `undo` was made. None of them may have been visible.
    /// O(rows dropped + slots of the table of ids).
    pub(super) fn roll_back(&mut self, undo: &mut Undo) {
        if let Some(ended) = undo.ended.take() {
            self.live = ended;
        }
        let live = self.live.live.clone();
        self.shared.change_parts(|parts| {
            // Not by their number: a block may have taken the place of several meanwhile.
            let kept = undo.sealed_rows;
            parts.sealed.retain(|sealed| sealed.rows_before < kept);
            parts.live = live;
        });
        self.live.roll_back(undo);
        self.last = undo.last;
        self.greatest = undo.greatest;
    }
}

impl LiveWriter {
    fn roll_back(&mut self, undo: &Undo) {
        let kept = undo.rows;
        if self.rows == kept {
            return;
        }
        let clock_of = |row| self.cell(row).clock();
        for row in kept..self.rows {
            let cell = self.cell(row);
            if let Some(link) = cell.link() {
                self.live.linked.write().remove(row, &link);
            }
            if let Some(place) = self.live.coordinates.place(cell.coordinate()) {
                if let Some(rows) = self.live.entities.rows(place.entity) {
                    let hash = undo.hashes.get(&place.entity).copied();
                    rows.truncate(kept, hash, clock_of);
                }
                if let Some(rows) = self.live.scopes.rows(place.scope) {
                    rows.truncate(kept, None, clock_of);
                }
            }
            if self.live.layout == IndexLayout::Postings
                && let Some(kind) = self.kinds.get(&cell.kind())
            {
                kind.rows.truncate(kept, None, clock_of);
            }
        }
        self.truncate_tags(kept);
        self.drop_cells(kept);
    }

    /// Drops what is in columns, runs and the table of ids from row `kept` on.
    fn drop_cells(&mut self, kept: u32) {
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
        let mut growth = self.live.growth.write();
        growth.ids = self.ids.clone();
        Arc::make_mut(&mut growth.chunks).truncate(chunks);
        Arc::make_mut(&mut growth.runs).retain(|run| run.first_row < kept);
        // Relaxed, and under the lock of `growth`: partner of the load of a snapshot.
        self.live.rows.0.store(kept, Ordering::Relaxed);
    }
}
