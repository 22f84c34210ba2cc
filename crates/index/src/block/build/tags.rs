//! Writing the tags of a block: their names, and the rows of each. No other names.

use super::sections::{Sections, ends_of};
use super::source::{Piece, Source, count, numbered};
use crate::block::format::{Header, Section};
use crate::model::{BlockError, NameSort};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Writes the tags of the rows, counts them in the header, and gives them in order.
///
/// # Errors
///
/// `TooManyRows` if the rows of all tags together have no number of 32 bits.
pub(super) fn write_tags<S: Source>(
    pieces: &[Piece<'_, S>],
    out: &mut Sections,
    header: &mut Header,
) -> Result<Vec<Arc<str>>, BlockError> {
    let mut by_tag: BTreeMap<Arc<str>, Vec<u32>> = BTreeMap::new();
    let mut before = 0;
    for piece in pieces {
        for (name, rows) in piece.part.tags_within(&piece.rows) {
            let own = by_tag.entry(name).or_default();
            own.extend(rows.iter().map(|row| before + row - piece.rows.start));
        }
        before += piece.rows.end - piece.rows.start;
    }
    header.counts.tags = count(by_tag.len());
    header.counts.tagged = numbered(by_tag.values().map(Vec::len))?;
    let names = by_tag.keys().map(|name| &**name);
    out.names(Section::names_of(NameSort::Tag), names);
    let (ends, rows) = Section::rows_of(NameSort::Tag);
    out.numbers(ends, ends_of(by_tag.values().map(Vec::len)));
    let listed = by_tag.values().flatten();
    out.numbers(rows, listed.map(|row| u64::from(*row)));
    Ok(by_tag.into_keys().collect())
}
