//! Writing the tables of a block: from the hash of a name or an id to its place. What is at the places
//! is written elsewhere.

use super::sections::Sections;
use super::source::{Piece, Source, count, rows};
use crate::block::format::{Packer, Section, TableShape, id_hash, name_hash, write_table};
use std::convert::Infallible;

/// The table of the ids of all rows; none if they were chosen to collide.
pub(super) fn id_table<S: Source>(pieces: &[Piece<'_, S>], pass_entries: u32) -> Option<Vec<u8>> {
    let hashes = rows(pieces).map(|(part, row)| id_hash(part.id(row)));
    table(&hashes.collect::<Vec<_>>(), pass_entries)
}

/// Writes the table of sorted names, unless they were chosen to collide.
pub(super) fn write_names<'n>(
    out: &mut Sections,
    section: Section,
    names: impl Iterator<Item = &'n str>,
) {
    let hashes: Vec<_> = names.map(name_hash).collect();
    if let Some(slots) = table(&hashes, out.pass_entries) {
        out.table(section, hashes.len(), &slots);
    }
}

/// The slots of a table of entries with these hashes, by place.
fn table(hashes: &[u64], pass_entries: u32) -> Option<Vec<u8>> {
    let entries = count(hashes.len());
    let mut slots = Vec::new();
    let mut packer = Packer::new(&mut slots, TableShape::of(entries).width());
    let hashes = || hashes.iter().copied();
    write_table(entries, pass_entries, hashes, |slot| {
        packer.push(slot);
        Ok::<(), Infallible>(())
    })
    .ok()?;
    packer.finish();
    Some(slots)
}
