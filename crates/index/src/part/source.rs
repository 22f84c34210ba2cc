//! A part as a [`Source`] of rows for a block. Builds nothing.

use super::rows::Part;
use crate::block::Source;
use crate::model::Link;
use std::ops::Range;
use std::sync::Arc;
use strandline_core::{Coordinate, EventId, EventKind, Hash, Sequence};

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

    fn coordinate(&self, number: u32) -> Option<Coordinate> {
        self.coordinate(number)
    }

    fn hash_if_last(&self, entity: &str, row: u32) -> Option<Hash> {
        self.hash_if_last(entity, row)
    }

    fn tags_within(&self, rows: &Range<u32>) -> Vec<(Arc<str>, Vec<u32>)> {
        let tags = self.tags().into_iter().filter_map(|(name, list)| {
            let mut own = Vec::new();
            list.copy(&list.positions(rows), &mut own);
            (!own.is_empty()).then_some((name, own))
        });
        tags.collect()
    }
}
