//! `Source`: rows that a block is built of, wherever they are.

use crate::live::chunk::Link;
use crate::part::Part;
use std::ops::Range;
use std::sync::Arc;
use strandline_core::{Coordinate, EventId, EventKind, Hash, Sequence};

/// Rows of a source.
pub(super) struct Piece<'s, S> {
    pub(super) part: &'s S,
    pub(super) rows: Range<u32>,
}

/// Rows with ascending sequences, numbered from 0; each method is about one that there is.
pub(super) trait Source {
    fn id(&self, row: u32) -> EventId;
    fn kind(&self, row: u32) -> EventKind;
    fn wall_ms(&self, row: u32) -> u64;
    fn clock(&self, row: u32) -> u32;
    fn position(&self, row: u32) -> u64;
    fn link(&self, row: u32) -> Option<Link>;
    fn sequence_of(&self, row: u32) -> Sequence;
    /// The first row after `row` whose sequence does not follow from those before it.
    fn run_end(&self, row: u32) -> u32;
    /// The number of a row's coordinate.
    fn coordinate_number(&self, row: u32) -> u32;
    /// How many coordinates have a number.
    fn coordinate_count(&self) -> usize;
    /// The coordinate with a number; none only in a damaged block.
    fn coordinate(&self, number: u32) -> Option<Coordinate>;
    /// The hash of a row, if that is the last of its entity and the hash is known.
    fn hash_if_last(&self, entity: &str, row: u32) -> Option<Hash>;
    /// The tags that any of these rows have, each with those rows, ascending.
    fn tags_within(&self, rows: &Range<u32>) -> Vec<(Arc<str>, Vec<u32>)>;
}

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
