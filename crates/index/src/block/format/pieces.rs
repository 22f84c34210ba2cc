//! Pieces of sections: what a checksum covers, so that a look at a few bytes does not read all of a
//! section. Which of them were looked at is not here.

use super::section::Section;
use strandline_core::{Checksum, Salt};

/// Length of a piece of a section; the last may be shorter.
///
/// A page of memory: whoever looks a row up looks at some ten pieces of a block that it never saw before, and
/// reads all of each.
pub(crate) const PIECE_BYTES: usize = 1 << 12;
/// Length of the checksum of one.
pub(crate) const CHECKSUM_BYTES: usize = size_of::<u64>();

/// How many pieces a section of `bytes` bytes has.
pub(crate) const fn pieces_of(bytes: usize) -> usize {
    bytes.div_ceil(PIECE_BYTES)
}

/// The checksum of a piece that has these bytes.
pub(crate) fn piece_checksum(section: Section, piece: usize, bytes: &[u8]) -> Checksum {
    Salt::NONE.checksum((section.at() as u64) << 32 | piece as u64, bytes)
}

/// The checksums of all pieces of a section, as they are kept.
pub(crate) fn piece_checksums(section: Section, bytes: &[u8], out: &mut Vec<u8>) {
    for (piece, bytes) in bytes.chunks(PIECE_BYTES).enumerate() {
        let checksum = piece_checksum(section, piece, bytes);
        out.extend_from_slice(&checksum.0.to_le_bytes());
    }
}

/// The checksum that the header has for a section whose pieces have these checksums.
pub(crate) fn section_checksum(section: Section, checksums: &[u8]) -> Checksum {
    Salt::NONE.checksum(section.at() as u64, checksums)
}
