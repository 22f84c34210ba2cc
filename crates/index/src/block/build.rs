//! Building the bytes of a block from rows of a snapshot.

use super::format::{ALIGNMENT, HEADER_BYTES, Header, Place, Section};
use super::packed::pack;
use super::sorted::Sorted;
use super::source::{Piece, Source};
use super::tags::write_tags;
use crate::layout::IndexLayout;
use crate::live::chunk::Link;
use crate::{BlockError, Snapshot};
use std::ops::Range;
use strandline_core::{EventId, Hash, Salt, Sequence};

/// The rows of `snapshot` with these sequences as a block.
pub(crate) fn build(
    snapshot: &Snapshot,
    sequences: &Range<Sequence>,
    layout: IndexLayout,
    out: Vec<u8>,
) -> Result<Vec<u8>, BlockError> {
    let pieces: Vec<_> = snapshot
        .bounded_parts()
        .map(|(part, bound)| {
            let start = part.first_row_from(sequences.start.get(), bound);
            let end = part.first_row_from(sequences.end.get(), bound).max(start);
            Piece {
                part,
                rows: start..end,
            }
        })
        .filter(|piece| !piece.rows.is_empty())
        .collect();
    build_of(&pieces, layout, out)
}

/// The rows of all pieces as a block, after bytes that are not its own.
pub(super) fn build_of<S: Source>(
    pieces: &[Piece<'_, S>],
    layout: IndexLayout,
    out: Vec<u8>,
) -> Result<Vec<u8>, BlockError> {
    numbered(pieces.iter().map(|piece| piece.rows.len()))?;
    let names = Sorted::of(pieces);
    let mut out = Sections::after(out, names.row_coordinates.len());
    let mut header = names.header(pieces, layout);
    names.write(&mut out);
    write_runs(pieces, &mut out, &mut header);
    write_ids(pieces, &mut out, &mut header);
    write_columns(pieces, &names, &mut out, &mut header);
    names.write_lists(layout, &mut out);
    write_links(pieces, &mut out, &mut header);
    write_heads(pieces, &names, &mut out);
    if layout == IndexLayout::Tiles {
        out.raw(Section::Tiles, |bytes| names.tiles(bytes));
    }
    write_tags(pieces, &mut out, &mut header)?;
    Ok(out.finish(header))
}

/// How many there are together, if a block can number them.
pub(super) fn numbered(lengths: impl Iterator<Item = usize>) -> Result<u32, BlockError> {
    let rows = lengths.fold(0, |sum: u64, length| sum.saturating_add(length as u64));
    u32::try_from(rows).map_err(|_| BlockError::TooManyRows { rows })
}

/// Each row of all pieces.
pub(super) fn rows<'p, S: Source>(
    pieces: &'p [Piece<'p, S>],
) -> impl Iterator<Item = (&'p S, u32)> + Clone {
    pieces
        .iter()
        .flat_map(|piece| piece.rows.clone().map(|row| (piece.part, row)))
}

/// Bytes of a row in most blocks, at most.
const ROW_BYTES: usize = 40;

/// A block as it grows, after bytes that are not its own.
pub(super) struct Sections {
    bytes: Vec<u8>,
    /// Where the block begins.
    start: usize,
    places: [Place; Section::COUNT],
}

impl Sections {
    /// A block of `rows` rows that begins where `bytes` end.
    fn after(mut bytes: Vec<u8>, rows: usize) -> Self {
        let start = bytes.len();
        bytes.reserve_exact(HEADER_BYTES + rows * ROW_BYTES);
        bytes.resize(start + HEADER_BYTES, 0);
        Self {
            bytes,
            start,
            places: [Place::NONE; Section::COUNT],
        }
    }

    fn note(&mut self, section: Section, start: usize, base: u64, width: u8) {
        let length = (self.bytes.len() - self.start).next_multiple_of(ALIGNMENT);
        self.bytes.resize(self.start + length, 0);
        let bytes = self.bytes.get(start..).unwrap_or_default();
        let place = Place {
            start,
            bytes: bytes.len(),
            checksum: Salt::NONE.checksum(section.at() as u64, bytes),
            base,
            width,
        };
        if let Some(own) = self.places.get_mut(section.at()) {
            *own = place;
        }
    }

    pub(super) fn numbers(&mut self, section: Section, numbers: impl Iterator<Item = u64> + Clone) {
        let start = self.bytes.len();
        let (base, width) = pack(&mut self.bytes, numbers);
        self.note(section, start, base, width);
    }

    pub(super) fn raw(&mut self, section: Section, write: impl FnOnce(&mut Vec<u8>)) {
        let start = self.bytes.len();
        write(&mut self.bytes);
        self.note(section, start, 0, 0);
    }

    /// Sections were written in their order; those that were not have no bytes.
    fn finish(mut self, mut header: Header) -> Vec<u8> {
        for section in Section::ALL {
            if let Some(place) = self.places.get_mut(section.at())
                && place.bytes == 0
            {
                place.checksum = Salt::NONE.checksum(section.at() as u64, &[]);
            }
        }
        header.places = self.places;
        let place = self.bytes.get_mut(self.start..self.start + HEADER_BYTES);
        if let Some(place) = place {
            place.copy_from_slice(&header.encode());
        }
        self.bytes
    }
}

/// Rows by key, ascending for each, where `of_rows` gives each row's key.
pub(super) fn write_list(
    out: &mut Sections,
    (ends, list): (Section, Section),
    keys: usize,
    of_rows: impl Iterator<Item = u32> + Clone,
) {
    let mut counts = vec![0_u32; keys];
    for key in of_rows.clone() {
        if let Some(count) = counts.get_mut(key as usize) {
            *count += 1;
        }
    }
    let mut next = 0;
    for count in &mut counts {
        (*count, next) = (next, next + *count);
    }
    let mut by_key = vec![0_u32; next as usize];
    for (row, key) in (0..).zip(of_rows) {
        if let Some(next) = counts.get_mut(key as usize) {
            if let Some(slot) = by_key.get_mut(*next as usize) {
                *slot = row;
            }
            *next += 1;
        }
    }
    out.numbers(ends, counts.iter().map(|end| u64::from(*end)));
    out.numbers(list, by_key.iter().map(|row| u64::from(*row)));
}

fn write_runs<S: Source>(pieces: &[Piece<'_, S>], out: &mut Sections, header: &mut Header) {
    let mut runs: Vec<(u64, u32)> = Vec::new();
    let mut before = 0;
    let mut next = None;
    for piece in pieces {
        let mut row = piece.rows.start;
        while row < piece.rows.end {
            let sequence = piece.part.sequence_of(row).get();
            if next != Some(sequence) {
                runs.push((sequence, before + row - piece.rows.start));
            }
            let end = piece.part.run_end(row).min(piece.rows.end);
            next = Some(sequence + u64::from(end - row));
            row = end;
        }
        before += piece.rows.end - piece.rows.start;
    }
    header.runs = count(runs.len());
    out.numbers(
        Section::RunSequences,
        runs.iter().map(|(sequence, _)| *sequence),
    );
    out.numbers(
        Section::RunRows,
        runs.iter().map(|(_, row)| u64::from(*row)),
    );
}

fn write_ids<S: Source>(pieces: &[Piece<'_, S>], out: &mut Sections, header: &mut Header) {
    let ids = || rows(pieces).map(|(part, row)| part.id(row));
    let mut least = None;
    let mut greatest = None;
    let mut ascends = true;
    for id in ids() {
        ascends &= greatest < Some(id);
        greatest = greatest.max(Some(id));
        least = Some(least.map_or(id, |least: EventId| least.min(id)));
    }
    if let (Some(least), Some(greatest)) = (least, greatest) {
        header.ids = (least, greatest);
    }
    out.raw(Section::Ids, |bytes| {
        for id in ids() {
            bytes.extend_from_slice(&id.as_u128().to_le_bytes());
        }
    });
    if !ascends {
        let ids: Vec<_> = ids().collect();
        let mut order: Vec<u32> = (0..count(ids.len())).collect();
        order.sort_unstable_by_key(|row| ids.get(*row as usize));
        out.numbers(Section::IdOrder, order.iter().map(|row| u64::from(*row)));
    }
}

fn write_columns<S: Source>(
    pieces: &[Piece<'_, S>],
    names: &Sorted,
    out: &mut Sections,
    header: &mut Header,
) {
    let coordinates = names.row_coordinates.iter();
    out.numbers(
        Section::Coordinates,
        coordinates.map(|place| u64::from(*place)),
    );
    let kinds = names.row_kinds.iter().map(|kind| u64::from(*kind));
    out.numbers(Section::RowKinds, kinds);
    let times = || rows(pieces).map(|(part, row)| part.wall_ms(row));
    let least = times().min().unwrap_or_default();
    header.times = (least, times().max().unwrap_or_default());
    out.numbers(Section::Times, times());
    let clocks = rows(pieces).map(|(part, row)| u64::from(part.clock(row)));
    out.numbers(Section::Clocks, clocks);
    let positions = rows(pieces).map(|(part, row)| part.position(row));
    out.numbers(Section::Positions, positions);
}

fn write_links<S: Source>(pieces: &[Piece<'_, S>], out: &mut Sections, header: &mut Header) {
    let links: Vec<(u32, Link)> = (0..)
        .zip(rows(pieces))
        .filter_map(|(at, (part, row))| Some((at, part.link(row)?)))
        .collect();
    header.links = count(links.len());
    out.numbers(
        Section::LinkRows,
        links.iter().map(|(row, _)| u64::from(*row)),
    );
    let id = |bytes: &mut Vec<u8>, id: Option<EventId>| {
        let id = id.map_or(0, |id| id.as_u128());
        bytes.extend_from_slice(&id.to_le_bytes());
    };
    out.raw(Section::Correlations, |bytes| {
        links
            .iter()
            .for_each(|(_, link)| id(bytes, Some(link.correlation)));
    });
    out.raw(Section::Causations, |bytes| {
        links.iter().for_each(|(_, link)| id(bytes, link.causation));
    });
    out.numbers(
        Section::Caused,
        links
            .iter()
            .map(|(_, link)| u64::from(link.causation.is_some())),
    );
    let mut order: Vec<u32> = (0..count(links.len())).collect();
    let link = |place: &u32| links.get(*place as usize).map(|(_, link)| link);
    order.sort_by_key(|place| link(place).map(|link| link.correlation));
    out.numbers(
        Section::ByCorrelation,
        order.iter().map(|place| u64::from(*place)),
    );
    let cause = |place: &u32| link(place).and_then(|link| link.causation);
    order.sort_unstable();
    order.retain(|place| cause(place).is_some());
    order.sort_by_key(cause);
    header.caused = count(order.len());
    out.numbers(
        Section::ByCausation,
        order.iter().map(|place| u64::from(*place)),
    );
}

/// The hashes of the last rows of entities, where they are known.
fn write_heads<S: Source>(pieces: &[Piece<'_, S>], names: &Sorted, out: &mut Sections) {
    let mut last_rows = vec![None; names.entities.len()];
    for ((part, row), (entity, _)) in rows(pieces).zip(names.row_places()) {
        if let Some(last) = last_rows.get_mut(entity as usize) {
            *last = Some((part, row));
        }
    }
    let hashes: Vec<Option<Hash>> = names
        .entities
        .iter()
        .zip(last_rows)
        .map(|(coordinate, last)| {
            let (part, row) = last?;
            part.hash_if_last(coordinate.entity(), row)
        })
        .collect();
    let known = hashes.iter().map(|hash| u64::from(hash.is_some()));
    out.numbers(Section::HeadKnown, known);
    out.raw(Section::HeadHashes, |bytes| {
        for hash in &hashes {
            let hash = hash.unwrap_or(Hash::ZERO);
            bytes.extend_from_slice(hash.as_bytes());
        }
    });
}

/// Every count is at most that of rows, of which there are as many as 32 bits can say.
pub(super) fn count(items: usize) -> u32 {
    u32::try_from(items).unwrap_or(u32::MAX)
}

#[cfg(test)]
#[cfg(not(strandline_loom))]
mod tests {
    use super::*;

    #[test]
    fn more_rows_than_a_block_can_number_are_refused() {
        let most = u32::MAX as usize;
        assert_eq!(numbered([most - 1, 1].into_iter()), Ok(u32::MAX));
        let error = numbered([most, 1].into_iter()).unwrap_err();
        assert_eq!(error, BlockError::TooManyRows { rows: 1 << 32 });
        assert!(error.to_string().contains("4294967296"));
    }
}
