//! Writing a block.

use super::{MAGIC, ROW_BYTES, VERSION};
use crate::Snapshot;
use crate::columns::{Cell, Link};
use std::collections::BTreeMap;
use std::ops::Range;
use strandline_core::codec::Writer;
use strandline_core::{Coordinate, Hash, Salt};

/// No number in the block was given to a coordinate yet.
const UNUSED: u32 = u32::MAX;

/// What is learnt of the rows before a byte is written.
#[derive(Default)]
struct Contents {
    coordinates: Vec<Coordinate>,
    /// For each row, the coordinate's number in the block.
    numbers: Vec<u32>,
    /// For each coordinate in the block, its last row.
    last_rows: Vec<u32>,
    links: Vec<(u32, Link)>,
}

/// The rows of `snapshot` in `rows` as a block.
pub(crate) fn export(snapshot: &Snapshot, rows: Range<u32>) -> Vec<u8> {
    let contents = contents_of(snapshot, &rows);
    let heads = heads_of(snapshot, &rows, &contents);
    let runs = runs_of(snapshot, &rows);
    let mut out = Vec::with_capacity(rows.len() * ROW_BYTES + contents.coordinates.len() * 32);
    let mut writer = Writer::new(&mut out);
    writer.u32(MAGIC);
    writer.u16(VERSION);
    writer.u16(0);
    writer.u32(count(contents.coordinates.len()));
    writer.u32(rows.end - rows.start);
    writer.u32(count(runs.len()));
    writer.u32(count(contents.links.len()));
    writer.u32(count(heads.len()));
    for coordinate in &contents.coordinates {
        writer.short_bytes(coordinate.entity().as_bytes());
        writer.short_bytes(coordinate.scope().as_bytes());
    }
    for (sequence, row) in runs {
        writer.u64(sequence);
        writer.u32(row);
    }
    columns(&mut writer, snapshot, &rows, &contents.numbers);
    for (row, link) in &contents.links {
        writer.u32(*row);
        writer.u8(u8::from(link.causation.is_some()));
        writer.u128(link.correlation.as_u128());
        writer.u128(link.causation.map_or(0, |id| id.as_u128()));
    }
    for (row, hash) in &heads {
        writer.u32(*row);
        writer.bytes(hash.as_bytes());
    }
    let checksum = Salt::NONE.checksum(0, &out);
    Writer::new(&mut out).u64(checksum.0);
    out
}

fn columns(writer: &mut Writer<'_>, snapshot: &Snapshot, rows: &Range<u32>, numbers: &[u32]) {
    fn each(snapshot: &Snapshot, rows: &Range<u32>, mut write: impl FnMut(Cell<'_>)) {
        for row in rows.clone() {
            write(snapshot.cell(row));
        }
    }
    each(snapshot, rows, |cell| writer.u128(cell.id().as_u128()));
    for number in numbers {
        writer.u32(*number);
    }
    each(snapshot, rows, |cell| writer.u16(cell.kind().bits()));
    each(snapshot, rows, |cell| writer.u64(cell.wall_ms()));
    each(snapshot, rows, |cell| writer.u32(cell.clock()));
    each(snapshot, rows, |cell| writer.u64(cell.position()));
}

fn contents_of(snapshot: &Snapshot, rows: &Range<u32>) -> Contents {
    let mut contents = Contents::default();
    let all = snapshot.shared.coordinates.read().len();
    let mut number_of = vec![UNUSED; all];
    for (local, row) in (0..).zip(rows.clone()) {
        let cell = snapshot.cell(row);
        let at = cell.coordinate().position();
        // Rows are visible, so their coordinates are in the list.
        let Some(number) = number_of.get_mut(at) else {
            continue;
        };
        if *number == UNUSED {
            let coordinates = snapshot.shared.coordinates.read();
            *number = count(contents.coordinates.len());
            contents.coordinates.extend(coordinates.get(at).cloned());
            contents.last_rows.push(local);
        }
        if let Some(last) = contents.last_rows.get_mut(*number as usize) {
            *last = local;
        }
        contents.numbers.push(*number);
        contents.links.extend(cell.link().map(|link| (local, link)));
    }
    contents
}

/// The known hashes of the last rows of entities, by row in the block.
fn heads_of(snapshot: &Snapshot, rows: &Range<u32>, contents: &Contents) -> Vec<(u32, Hash)> {
    let mut last_rows = BTreeMap::new();
    for (coordinate, row) in contents.coordinates.iter().zip(&contents.last_rows) {
        let last = last_rows.entry(coordinate.entity()).or_insert(*row);
        *last = (*last).max(*row);
    }
    let mut heads: Vec<_> = last_rows
        .into_iter()
        .filter_map(|(entity, local)| {
            let head = snapshot.shared.entities.get(entity)?.rows.head()?;
            let hash = head.hash.filter(|_| head.row == rows.start + local)?;
            Some((local, hash))
        })
        .collect();
    heads.sort_unstable_by_key(|(row, _)| *row);
    heads
}

/// First sequence and first row in the block of each run.
fn runs_of(snapshot: &Snapshot, rows: &Range<u32>) -> Vec<(u64, u32)> {
    let mut runs = Vec::new();
    let mut row = rows.start;
    while row < rows.end {
        runs.push((snapshot.sequence_of(row).get(), row - rows.start));
        row = snapshot.run_end(row).min(rows.end);
    }
    runs
}

/// Every count is at most that of rows, which has 32 bits.
fn count(items: usize) -> u32 {
    u32::try_from(items).unwrap_or(u32::MAX)
}
