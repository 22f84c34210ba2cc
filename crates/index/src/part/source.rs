//! A part as a [`Source`] of rows for a block. Builds nothing.

use super::list::List;
use super::rows::Part;
use crate::block::Source;
use crate::model::{Link, NameSort};
use std::ops::Range;
use std::sync::Arc;
use strandline_core::{EventId, EventKind, Hash, Sequence};

impl Source for Part {
    fn id(&self, row: u32) -> EventId {
        self.id(row)
    }

    fn kind(&self, row: u32) -> EventKind {
        self.kind(row)
    }

    fn wall_ms(&self, row: u32) -> u64 {
        self.wall_ms(row)
    }

    fn clock(&self, row: u32) -> u32 {
        self.clock(row)
    }

    fn position(&self, row: u32) -> u64 {
        self.position(row)
    }

    fn link(&self, row: u32) -> Option<Link> {
        self.link(row)
    }

    fn sequence_of(&self, row: u32) -> Sequence {
        self.sequence_of(row)
    }

    fn run_end(&self, row: u32) -> u32 {
        self.run_end(row)
    }

    fn coordinate_number(&self, row: u32) -> u32 {
        self.coordinate_number(row)
    }

    fn coordinate_count(&self) -> usize {
        self.coordinate_count()
    }

    fn with_names<T>(&self, number: u32, read: impl FnOnce(&str, &str) -> T) -> Option<T> {
        match self {
            Self::Live(_) => self.with_names(number, read),
            // One with names that are not allowed is of a damaged block.
            Self::Block(_) => {
                let coordinate = self.coordinate(number)?;
                Some(read(coordinate.entity(), coordinate.scope()))
            }
        }
    }

    fn hash_if_last(&self, row: u32) -> Option<Hash> {
        let coordinate = self.coordinate_number(row);
        match self {
            Self::Live(live) => {
                let entity = live.live.coordinates.place(coordinate)?.entity;
                let head = live.live.entities.rows(entity)?.head()?;
                head.hash.filter(|_| head.row == row)
            }
            Self::Block(view) => {
                let entity = view.block.entity_of(coordinate);
                let list = List::Block(view.block.rows_of(NameSort::Entity, entity));
                let last = list.last_below(view.block.rows())?;
                let hash = view.block.head_hash(entity);
                hash.filter(|_| last == view.in_block(row))
            }
        }
    }

    fn tags_within(&self, rows: &Range<u32>) -> Vec<(Arc<str>, Vec<u32>)> {
        let tags = self.tags().into_iter().filter_map(|(name, list)| {
            let mut own = Vec::new();
            list.copy(&list.positions(rows), &mut own);
            // In a block whose numbers are not true they need not ascend, and what is found by that is any.
            own.retain(|row| rows.contains(row));
            (!own.is_empty()).then_some((name, own))
        });
        tags.collect()
    }
}
