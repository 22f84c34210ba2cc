//! Building the bytes of a block, from whatever is a [`Source`] of rows: live rows, other blocks, or
//! rows given one by one. Pieces of several sources follow each other in one block.
//!
//! `source` says what is asked of rows; `sorted` puts their names, which `texts` holds, and kinds in order;
//! `columns` and `tags` write what each row has; `tables` where names and ids are found; `sections` lays all
//! of it down. Opens and reads no block. Knows `format`, and of the rooms of the crate `model` and `search`
//! alone.

mod columns;
mod sections;
mod sorted;
mod source;
mod tables;
mod tags;
mod texts;

pub(crate) use source::{Piece, Source};

use super::format::{PASS_ENTRIES, Section};
use crate::model::{BlockError, IndexLayout};
use columns::{Ids, write_columns, write_fences, write_heads, write_ids, write_links, write_runs};
use sections::Sections;
use sorted::Sorted;
use source::numbered;
use tables::write_names;
use tags::write_tags;

/// The rows of all pieces as a block, after bytes that are not its own.
pub(crate) fn build<S: Source>(
    pieces: &[Piece<'_, S>],
    layout: IndexLayout,
    out: Vec<u8>,
) -> Result<Vec<u8>, BlockError> {
    build_by(pieces, layout, out, PASS_ENTRIES)
}

/// As [`build`], with so many entries of a table sorted at a time.
pub(super) fn build_by<S: Source>(
    pieces: &[Piece<'_, S>],
    layout: IndexLayout,
    out: Vec<u8>,
    pass_entries: u32,
) -> Result<Vec<u8>, BlockError> {
    numbered(pieces.iter().map(|piece| piece.rows.len()))?;
    let names = Sorted::of(pieces);
    let mut out = Sections::after(out, names.row_coordinates.len());
    out.pass_entries = pass_entries;
    let mut header = names.header(pieces, layout);
    names.write(&mut out);
    write_runs(pieces, &mut out, &mut header);
    let ids = write_ids(pieces, &mut out, &mut header);
    write_columns(pieces, &names, &mut out, &mut header);
    names.write_lists(layout, &mut out);
    write_links(pieces, &mut out, &mut header);
    let head_clocks = write_heads(pieces, &names, &mut out);
    if layout == IndexLayout::Tiles {
        out.raw(Section::Tiles, |bytes| names.tiles(bytes));
    }
    let tags = write_tags(pieces, &mut out, &mut header)?;
    write_names(&mut out, Section::EntityTable, names.entities());
    write_names(&mut out, Section::TagTable, tags.iter().map(|tag| &**tag));
    match ids {
        Ids::Ascend => write_fences(pieces, &mut out),
        Ids::Table(slots) => {
            let rows = names.row_coordinates.len();
            out.table(Section::IdTable, rows, &slots);
        }
        Ids::Order => {}
    }
    let clocks = head_clocks.iter().map(|clock| u64::from(*clock));
    out.numbers(Section::HeadClocks, clocks);
    Ok(out.finish(header))
}
