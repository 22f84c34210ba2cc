//! Merging rows of several blocks into one block, in memory that does not grow with the rows.
//!
//! The bytes are those that `build` makes of the same rows. Every section is written from start to end,
//! of what the blocks have in order: names, lists of rows, orders by id are merged, columns follow each
//! other. A [`MergeSink`] takes them.
//!
//! What is kept meanwhile:
//!
//! - of each name and coordinate of the merged block, a bit for each block that is merged;
//! - of one block at a time, 4 bytes a coordinate; of all blocks, 4 bytes a scope;
//! - of a block of which not all rows are merged, a bit for each name and coordinate;
//! - until a table is written, its slots, if it has no more than 4 million entries; while it is made, 16
//!   bytes for each of 4 million entries, twice that at most;
//! - 8 bytes for each 4 KiB that were written;
//! - where the layout is that of postings, 4 bytes a row of blocks that have another one; and where the
//!   merged block has an order by id, 4 bytes a row of blocks that have none though their ids do not
//!   ascend.
//!
//! So blocks of more than 4 million rows take 150 MiB at most beside their names, whatever their rows are.
//!
//! `part` says which rows; `input` is one block as it is merged, of which `used` says which names it has
//! and `by_key` which rows those have; `ordered` and `members` merge; `names`, `lists`, `columns`, `links`
//! and `tables` write, through `out`, into a `sink`. Knows `format` and blocks that are open, and of the rooms
//! of the crate `search` and `model` alone.

mod by_key;
mod columns;
mod input;
mod links;
mod lists;
mod members;
mod names;
mod ordered;
mod out;
mod part;
#[cfg(test)]
#[cfg(not(strandline_loom))]
mod passes;
mod sink;
mod tables;
mod used;

pub use out::MergeProgress;
pub use part::MergePart;
pub use sink::{ComparingSink, MergeError, MergeSink};

use super::format::{Header, Section};
use crate::model::{BlockError, IndexLayout, NameSort};
use input::Input;
use names::Names;
use out::Out;
use std::ops::{ControlFlow, Range};
use strandline_core::Sequence;

/// Most blocks that are merged at once.
const PARTS_MAX: usize = 64;

/// What a merge has written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MergedBlock {
    /// From the first sequence to that after the last.
    pub sequences: Range<Sequence>,
    /// How many rows there are.
    pub rows: u32,
    /// Length of the block in bytes.
    pub bytes: u64,
}

/// Writes rows of several blocks as one block in `layout`: byte for byte what
/// [`Snapshot::export`](crate::Snapshot::export) would make of them. O(rows) and O(names × log blocks).
///
/// Sequences ascend from part to part, and there are at most 64. Memory is bounded: a bit for each name
/// and block, 4 bytes for each coordinate of one block and each scope of all, 8 bytes for each 4 KiB
/// written. Blocks of a layout without lists take 4 bytes a row more, if `layout` has them.
///
/// `go_on` is called after each MiB, or million numbers that were looked at: by it the caller paces the
/// merge, and cancels it.
///
/// ```
/// use std::ops::ControlFlow;
/// use std::sync::Arc;
/// use strandline_core::Sequence;
/// use strandline_index::{Block, IndexLayout, MergePart, channel, merge};
///
/// let (writer, reader) = channel();
/// let bytes = reader.snapshot().export(Sequence::ZERO..Sequence::new(10))?;
/// let block = Arc::new(Block::from_vec(bytes.clone())?);
/// let part = MergePart { rows: 0..block.rows(), block };
/// let mut merged = Vec::new();
/// let mut go_on = |_| ControlFlow::Continue(());
/// merge(&[part], IndexLayout::Postings, &mut merged, &mut go_on)?;
/// assert_eq!(merged, bytes);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// [`MergeError`]; what the sink has then is no block.
pub fn merge(
    parts: &[MergePart],
    layout: IndexLayout,
    sink: &mut dyn MergeSink,
    go_on: &mut dyn FnMut(MergeProgress) -> ControlFlow<()>,
) -> Result<MergedBlock, MergeError> {
    merge_by(Out::new(sink, go_on, Header::empty(layout))?, parts, layout)
}

/// As [`merge`], into what was begun.
fn merge_by(
    mut out: Out<'_>,
    parts: &[MergePart],
    layout: IndexLayout,
) -> Result<MergedBlock, MergeError> {
    let inputs = inputs(parts, &mut out)?;
    let merged = write(&inputs, layout, &mut out);
    // Numbers that are lost read as zeros: the cause is told, not what came of it.
    let damage = inputs.iter().find_map(|input| input.block.damage());
    if let Some(damage) = damage {
        return Err(damage.clone().into());
    }
    merged?;
    let header = &out.header;
    let (sequences, rows) = (header.first..header.end, header.counts.rows);
    Ok(MergedBlock {
        sequences,
        rows,
        bytes: out.finish()?,
    })
}

/// What has rows to be merged.
fn inputs<'p>(parts: &'p [MergePart], out: &mut Out<'_>) -> Result<Vec<Input<'p>>, MergeError> {
    let mut inputs: Vec<Input<'p>> = Vec::new();
    let mut rows = 0_u64;
    let mut ends: Option<(Sequence, Sequence)> = None;
    for part in parts {
        let end = part.rows.end.min(part.block.rows());
        let own = part.rows.start.min(end)..end;
        if own.is_empty() {
            continue;
        }
        let first = part.block.sequence_of(own.start);
        let last = part.block.sequence_of(end - 1);
        if inputs.len() == PARTS_MAX || ends.is_some_and(|(_, end)| first < end) {
            return Err(MergeError::Parts);
        }
        let after = Sequence::new(last.get().saturating_add(1));
        ends = Some((ends.map_or(first, |(first, _)| first), after));
        let before = rows;
        rows += own.len() as u64;
        let too_many = |_| BlockError::TooManyRows { rows };
        out.header.counts.rows = u32::try_from(rows).map_err(too_many)?;
        let before = u32::try_from(before).map_err(too_many)?;
        inputs.push(Input::of(part, own, before, out)?);
    }
    (out.header.first, out.header.end) = ends.unwrap_or((Sequence::ZERO, Sequence::ZERO));
    Ok(inputs)
}

/// Writes every section, in order.
fn write(inputs: &[Input<'_>], layout: IndexLayout, out: &mut Out<'_>) -> Result<(), MergeError> {
    let names = Names::of(inputs, out)?;
    names.write(inputs, out)?;
    columns::write_runs(inputs, out)?;
    let ascends = columns::write_ids(inputs, out)?;
    let rows = out.header.counts.rows;
    let hashes = tables::id_hashes(inputs);
    let table = match ascends {
        true => None,
        false => tables::table(rows, &hashes, out)?,
    };
    if ascends || table.is_some() {
        out.leave_out(Section::IdOrder)?;
    } else {
        columns::write_order(inputs, out)?;
    }
    columns::write_columns(inputs, &names, out)?;
    lists::write_lists(inputs, &names, out)?;
    links::write_links(inputs, out)?;
    columns::write_heads(inputs, &names, out)?;
    if layout == IndexLayout::Tiles {
        columns::write_tiles(inputs, &names, out)?;
    } else {
        out.leave_out(Section::Tiles)?;
    }
    let tags = lists::write_tags(inputs, out)?;
    let (entities, section) = (&names.entities, Section::EntityTable);
    tables::write_names(inputs, entities, NameSort::Entity, section, out)?;
    tables::write_names(inputs, &tags, NameSort::Tag, Section::TagTable, out)?;
    match table {
        Some(table) => tables::write(Section::IdTable, rows, table, &hashes, out)?,
        None => out.leave_out(Section::IdTable)?,
    }
    if ascends {
        columns::write_fences(inputs, out)?;
    } else {
        out.leave_out(Section::IdFences)?;
    }
    columns::write_head_clocks(inputs, &names, out)
}
