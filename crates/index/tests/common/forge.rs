//! Where things are in the bytes of a block, and making its checksums right again.

#![allow(dead_code, reason = "not every test needs all of it")]

use std::ops::Range;
use strandline_core::Salt;

/// Length of a block's header before its table of sections, of an entry there, and their number.
pub(crate) const FIXED_BYTES: usize = 112;
pub(crate) const SECTION_BYTES: usize = 32;
pub(crate) const SECTIONS: usize = 41;
/// Where the checksum of the header is, and where that ends.
pub(crate) const CHECKSUM_AT: usize = FIXED_BYTES + SECTIONS * SECTION_BYTES;
pub(crate) const HEADER_BYTES: usize = CHECKSUM_AT + 8;
/// Length of what a checksum covers.
pub(crate) const PIECE_BYTES: usize = 1 << 12;
/// The section of checksums: the last.
pub(crate) const PIECE_CHECKSUMS: usize = SECTIONS - 1;

/// Where the sections are, up to the first that is past the end.
pub(crate) fn sections(block: &[u8]) -> Vec<Range<usize>> {
    let mut start = HEADER_BYTES;
    let mut all = Vec::new();
    for at in 0..SECTIONS {
        let entry = FIXED_BYTES + at * SECTION_BYTES;
        let bytes = u64::from_le_bytes(block[entry..entry + 8].try_into().unwrap());
        let end = start.saturating_add(usize::try_from(bytes).unwrap_or(usize::MAX));
        if end > block.len() {
            break;
        }
        all.push(start..end);
        start = end;
    }
    all
}

/// Makes every checksum right again.
pub(crate) fn forge(block: &mut [u8]) {
    let sections = sections(block);
    let mut to = sections
        .get(PIECE_CHECKSUMS)
        .map_or(block.len(), |last| last.start);
    for (at, range) in sections.iter().enumerate() {
        let own = to;
        if at < PIECE_CHECKSUMS {
            for start in range.clone().step_by(PIECE_BYTES) {
                let piece = (start - range.start) / PIECE_BYTES;
                let end = range.end.min(start + PIECE_BYTES);
                let place = (at as u64) << 32 | piece as u64;
                let checksum = Salt::NONE.checksum(place, &block[start..end]);
                if let Some(to) = block.get_mut(to..to + 8) {
                    to.copy_from_slice(&checksum.0.to_le_bytes());
                }
                to += 8;
            }
        }
        let covered = match at {
            PIECE_CHECKSUMS => range.clone(),
            _ => own.min(block.len())..to.min(block.len()),
        };
        let checksum = Salt::NONE.checksum(at as u64, &block[covered]);
        let entry = FIXED_BYTES + at * SECTION_BYTES + 8;
        block[entry..entry + 8].copy_from_slice(&checksum.0.to_le_bytes());
    }
    let checksum = Salt::NONE.checksum(0, &block[..CHECKSUM_AT]);
    block[CHECKSUM_AT..HEADER_BYTES].copy_from_slice(&checksum.0.to_le_bytes());
}
