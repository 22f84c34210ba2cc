//! The tags of a block: their names, and the rows of each.

use super::Section;
use super::build::{Sections, count, numbered};
use super::format::Header;
use super::source::{Piece, Source};
use crate::BlockError;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Writes the tags of the rows, and counts them in the header.
///
/// # Errors
///
/// `TooManyRows` if the rows of all tags together have no number of 32 bits.
pub(super) fn write_tags<S: Source>(
    pieces: &[Piece<'_, S>],
    out: &mut Sections,
    header: &mut Header,
) -> Result<(), BlockError> {
    let mut by_tag: BTreeMap<Arc<str>, Vec<u32>> = BTreeMap::new();
    let mut before = 0;
    for piece in pieces {
        for (name, rows) in piece.part.tags_within(&piece.rows) {
            let own = by_tag.entry(name).or_default();
            own.extend(rows.iter().map(|row| before + row - piece.rows.start));
        }
        before += piece.rows.end - piece.rows.start;
    }
    header.tags = count(by_tag.len());
    header.tagged = numbered(by_tag.values().map(Vec::len))?;
    let ends = |lengths: &mut dyn Iterator<Item = usize>| -> Vec<u64> {
        lengths
            .scan(0, |end, length| {
                *end += length as u64;
                Some(*end)
            })
            .collect()
    };
    let name_ends = ends(&mut by_tag.keys().map(|name| name.len()));
    out.numbers(Section::TagEnds, name_ends.into_iter());
    out.raw(Section::TagNames, |bytes| {
        for name in by_tag.keys() {
            bytes.extend_from_slice(name.as_bytes());
        }
    });
    let row_ends = ends(&mut by_tag.values().map(Vec::len));
    out.numbers(Section::TagRowEnds, row_ends.into_iter());
    let rows = by_tag.values().flatten();
    out.numbers(Section::TagRows, rows.map(|row| u64::from(*row)));
    Ok(())
}
