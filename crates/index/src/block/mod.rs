//! Blocks: the immutable rows of a sealed part, used straight from bytes.
//!
//! Numbers are little-endian. A block is a header and the sections that [`format::Section`] lists,
//! in that order, each a multiple of 8 bytes, zeros at its end. The header is
//!
//! | field | bytes |
//! |---|---|
//! | magic `STBK`, version (u16), layout (u8), zero (u8) | 8 |
//! | counts of rows, entities, scopes, coordinates, kinds, runs, links, links with a causation, tags, rows by tag (u32 each) | 40 |
//! | first sequence; the sequence after the last | 16 |
//! | least and greatest id | 32 |
//! | least and greatest time | 16 |
//! | for each section: length in bytes (u64), checksum (u64), base (u64), width (u8), zeros (7) | 32 each |
//! | checksum of everything before, with no salt, at offset 0 | 8 |
//!
//! A section of numbers holds them at `width` bits each (0 to 57, or 64), less `base`, the first in
//! the lowest bits of the first byte, and zeros after the last, so that 8 bytes can be read from the
//! byte in which any begins.
//!
//! A section is checked by pieces of 4 KiB, the last one shorter. The last section has the checksum
//! (u64) of each piece of each section before, in their order: with no salt, at the section's number
//! times 2^32 plus the piece's. The checksum of a section in the header is that of its own list of
//! those, with no salt, at the section's number; that of the last section is that of its bytes.
//!
//! This is version 4. A block of version 3 has no tables of fingerprints nor what comes after them,
//! and the checksum of a section is that of its bytes, at its number. It is read, and not written.
//!
//! A table of fingerprints of `n` names or ids has `n + n / 2` homes, rounded down, and 64 slots after
//! the last: numbers of 12 bits and as many as `n` has, with base 0. A hash is XXH3 with 64 bits, without
//! a seed, of the bytes of the name, or the 16 of the id; its home is its upper half times the homes,
//! over 2^32. Entries stand in the order of their hashes, then places, each in the first free slot from
//! its home on: the lowest 12 bits of the hash, and above them the place, counted from 1; 0 is no entry.
//! If one would be 64 slots or more from its home, the table is left out; in place of one of ids, the
//! order of ids is there. There is neither where ids ascend. A table is not believed: what it leads to
//! is compared.
//!
//! Rows count from 0. Names are sorted, as bytes; coordinates are sorted by entity, then scope; an
//! entity, scope, coordinate or kind is meant by its place in its sorted list.
//!
//! `format` is those bytes; `build` makes them of rows, and [`BlockBuilder`] is rows for it that are
//! given one by one; `open` is a block in use, of which `checked` checks each piece before its first use, and
//! `known` says which were;
//! through `column` and `names` `rows` and `lists` read it row by row and key by key, `places` finds names,
//! `find` ids and links, `heads` the newest rows of entities, and `compare` holds it against another; `merge`
//! makes one block of several; `coordinates` are those that were asked for. Knows the rooms `search` and `model`, and neither parts nor snapshots.

mod build;
mod builder;
mod checked;
mod column;
mod compare;
mod coordinates;
mod find;
mod format;
mod heads;
mod known;
mod lists;
mod merge;
mod names;
mod open;
mod places;
mod rows;

pub use builder::BlockBuilder;
pub use compare::BlockDifference;
pub use merge::{
    ComparingSink, MergeError, MergePart, MergeProgress, MergeSink, MergedBlock, merge,
};
pub use open::{Block, BlockBytes, RebuildBlock};

pub(crate) use build::{Piece, Source, build};
pub(crate) use lists::BlockList;
pub(crate) use places::HashedName;
