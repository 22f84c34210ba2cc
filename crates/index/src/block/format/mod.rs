//! The bytes of a block: its header, the table of its sections, and how numbers are kept in
//! them.
//!
//! Each file reads and writes its own bytes, and takes what it reads as hostile. Knows nothing of rows,
//! and of the rooms of the crate `search` and `model` alone.

mod counts;
mod header;
mod names;
mod packed;
mod pieces;
mod section;
mod table;

pub(crate) use counts::Counts;
pub(crate) use header::{FENCE_ROWS, FIXED_BYTES, HEADER_BYTES, Header, SECTION_BYTES, Version};
pub(crate) use names::check_names;
pub(crate) use packed::{Packed, Packer, pack, packed_bytes, width_of};
pub(crate) use pieces::{
    CHECKSUM_BYTES, PIECE_BYTES, piece_checksum, piece_checksums, pieces_of, section_checksum,
};
pub(crate) use section::{ALIGNMENT, Place, Section};
pub(crate) use table::{
    NoTable, PASS_ENTRIES, TableShape, bytes_hash, id_hash, name_hash, write_table,
};
