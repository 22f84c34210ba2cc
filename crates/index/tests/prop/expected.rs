//! Blocks against those that are built of a list of events, without an index.

use crate::events::Event;
use crate::run::{coordinate, row};
use std::sync::Arc;
use strandline_core::{Hash, Salt};
use strandline_index::{Block, BlockBuilder, BlockError, IndexLayout};

/// Length of a block's header before its table of sections, of an entry there, and their number.
const FIXED_BYTES: usize = 112;
const SECTION_BYTES: usize = 32;
const SECTIONS: usize = 35;
const HEADER_BYTES: usize = FIXED_BYTES + SECTION_BYTES * SECTIONS;

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
    let mut start = HEADER_BYTES + 8;
    for section in 0..SECTIONS {
        let entry = FIXED_BYTES + SECTION_BYTES * section;
        let length = u64::from_le_bytes(bytes[entry..entry + 8].try_into().unwrap());
        let Some(covered) = usize::try_from(length)
            .ok()
            .and_then(|length| bytes.get(start..start.checked_add(length)?))
        else {
            break;
        };
        let checksum = Salt::NONE.checksum(section as u64, covered);
        start += covered.len();
        bytes[entry + 8..entry + 16].copy_from_slice(&checksum.0.to_le_bytes());
    }
    let checksum = Salt::NONE.checksum(0, &bytes[..HEADER_BYTES]);
    bytes[HEADER_BYTES..HEADER_BYTES + 8].copy_from_slice(&checksum.0.to_le_bytes());
    Block::open(Arc::new(bytes), None)
}

/// Whether a byte of a block is of a checksum.
pub(crate) fn is_checksum(at: usize) -> bool {
    match at.checked_sub(FIXED_BYTES) {
        None => false,
        Some(at) if at < SECTION_BYTES * SECTIONS => (8..16).contains(&(at % SECTION_BYTES)),
        Some(at) => at < SECTION_BYTES * SECTIONS + 8,
    }
}
