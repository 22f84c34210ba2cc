//! The tables of a merged block: from the hash of a name or an id to its place. What is at the places is
//! written elsewhere.

use super::columns::ids;
use super::input::Input;
use super::members::Members;
use super::names::each_name;
use super::out::Out;
use super::sink::MergeError;
use crate::block::format::{
    NoTable, Packer, Section, TableShape, bytes_hash, id_hash, write_table,
};
use crate::model::NameSort;

/// Hashes by place.
type Hashes<'i> = Box<dyn Iterator<Item = u64> + 'i>;

/// A table that can be written.
pub(super) enum Table {
    /// Its slots, of not too many entries.
    Made(Vec<u8>),
    /// Of more entries than are sorted at a time: they are sorted again.
    Passes,
}

/// The hashes of the ids of all rows.
pub(super) fn id_hashes<'i>(inputs: &'i [Input<'_>]) -> impl Fn() -> Hashes<'i> {
    move || Box::new(inputs.iter().flat_map(ids).map(id_hash))
}

/// Writes the table of the names of a sort, unless they were chosen to collide.
pub(super) fn write_names(
    inputs: &[Input<'_>],
    members: &Members,
    sort: NameSort,
    section: Section,
    out: &mut Out<'_>,
) -> Result<(), MergeError> {
    let lists: Vec<_> = inputs.iter().map(|input| input.block.names(sort)).collect();
    let hashes = || -> Hashes<'_> {
        let names = each_name(inputs, members, sort);
        let mut lists = lists.clone();
        Box::new(names.map(move |member| {
            let name = lists
                .get_mut(member.source)
                .map(|list| list.bytes(member.place as usize));
            bytes_hash(name.unwrap_or_default())
        }))
    };
    match table(members.count(), &hashes, out)? {
        Some(table) => write(section, members.count(), table, &hashes, out),
        None => out.leave_out(section),
    }
}

/// The table of entries with these hashes; none if they are too crowded.
pub(super) fn table<'i>(
    entries: u32,
    hashes: &impl Fn() -> Hashes<'i>,
    out: &mut Out<'_>,
) -> Result<Option<Table>, MergeError> {
    let mut slots = Vec::new();
    let pass_entries = out.pass_entries;
    let in_memory = entries <= pass_entries;
    let mut packer = Packer::new(&mut slots, TableShape::of(entries).width());
    let mut count = 0;
    let made = write_table(entries, pass_entries, hashes, |slot| {
        if in_memory {
            packer.push(slot);
        }
        count += 1;
        out.each(count)
    });
    match made {
        Ok(()) if in_memory => {
            packer.finish();
            Ok(Some(Table::Made(slots)))
        }
        Ok(()) => Ok(Some(Table::Passes)),
        Err(NoTable::Crowded) => Ok(None),
        Err(NoTable::Out(error)) => Err(error),
    }
}

/// Writes a table.
pub(super) fn write<'i>(
    section: Section,
    entries: u32,
    table: Table,
    hashes: &impl Fn() -> Hashes<'i>,
    out: &mut Out<'_>,
) -> Result<(), MergeError> {
    let shape = TableShape::of(entries);
    match table {
        _ if entries == 0 => out.leave_out(section),
        Table::Made(slots) => {
            out.bytes(&slots)?;
            out.end(section, (0, shape.width()))
        }
        Table::Passes => {
            let pass_entries = out.pass_entries;
            let mut packing = out.packing(shape.width());
            let made = write_table(entries, pass_entries, hashes, |slot| packing.push(slot));
            match made {
                Ok(()) => packing.finish(section, shape.slots(), 0),
                Err(NoTable::Out(error)) => Err(error),
                Err(NoTable::Crowded) => Err(MergeError::Contradiction {
                    what: "names that are near each other",
                }),
            }
        }
    }
}
