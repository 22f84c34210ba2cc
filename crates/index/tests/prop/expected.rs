//! Blocks against those that are built of a list of events, without an index.

use crate::events::Event;
use crate::forge::{
    FIXED_BYTES, HEADER_BYTES, PIECE_CHECKSUMS, SECTION_BYTES, SECTIONS, forge, sections,
};
use crate::run::{coordinate, row};
use std::sync::Arc;
use strandline_core::Hash;
use strandline_index::{Block, BlockBuilder, BlockError, IndexLayout};

/// The block of these events, with the hash of every one.
pub(crate) fn expected(layout: IndexLayout, events: &[Event]) -> Block {
    let mut builder = BlockBuilder::default();
    for event in events {
        let coordinate = builder.intern(&coordinate(event)).unwrap();
        let mut row = row(event, coordinate);
        // Whoever reads a log knows all of them.
        row.hash = row.hash.or(Some(Hash::of(b"not known to the index")));
        builder.push(&row, &event.tags).unwrap();
    }
    Block::from_vec(builder.build(layout, Vec::new()).unwrap()).unwrap()
}

/// A block of bytes whose checksums are made right.
pub(crate) fn forged(mut bytes: Vec<u8>) -> Result<Block, BlockError> {
    forge(&mut bytes);
    Block::open(Arc::new(bytes), None)
}

/// Whether a byte of a block is of a checksum.
pub(crate) fn is_checksum(block: &[u8], at: usize) -> bool {
    match at.checked_sub(FIXED_BYTES) {
        None => false,
        Some(at) if at < SECTION_BYTES * SECTIONS => (8..16).contains(&(at % SECTION_BYTES)),
        Some(_) if at < HEADER_BYTES => true,
        Some(_) => sections(block)[PIECE_CHECKSUMS].contains(&at),
    }
}
