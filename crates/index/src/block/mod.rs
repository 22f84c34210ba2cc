//! Blocks: rows as bytes that stand alone.
//!
//! All numbers are little-endian. A block is, in this order:
//!
//! | part | bytes |
//! |---|---|
//! | magic `STBK`, version (u16), zero (u16) | 8 |
//! | counts of coordinates, rows, runs, links, heads (u32 each) | 20 |
//! | coordinates in order of first use: entity, scope, each with its length before it (u16) | |
//! | runs: first sequence (u64), first row (u32) | 12 each |
//! | ids | 16 a row |
//! | coordinates, as their place in the block's list (u32) | 4 a row |
//! | kinds (u16) | 2 a row |
//! | times in milliseconds (u64) | 8 a row |
//! | clocks (u32) | 4 a row |
//! | positions (u64) | 8 a row |
//! | links: row (u32), whether there is a causation (u8), correlation, causation or zero | 37 each |
//! | heads: row (u32), hash | 36 each |
//! | checksum of everything before, with no salt, at offset 0 (u64) | 8 |
//!
//! Rows count from 0 in the block. Sequences, rows of links and rows of heads strictly ascend.

mod export;
mod import;
mod parse;

pub(crate) use export::export;

/// `STBK`.
const MAGIC: u32 = u32::from_le_bytes(*b"STBK");
const VERSION: u16 = 1;

const CHECKSUM_BYTES: usize = 8;
const RUN_BYTES: usize = 12;
const LINK_BYTES: usize = 4 + 1 + 16 + 16;
const HEAD_BYTES: usize = 4 + strandline_core::Hash::BYTES;
/// Two names of one byte, each with its length.
const COORDINATE_BYTES_MIN: usize = 6;
/// Of one row in all columns.
const ROW_BYTES: usize = 16 + 4 + 2 + 8 + 4 + 8;
