//! Writing the columns of a block, each from the rows of all pieces: runs, ids, coordinates, kinds,
//! times, clocks, positions, links and heads. Names and lists by key are written elsewhere.

use super::sections::Sections;
use super::sorted::Sorted;
use super::source::{Piece, Source, count, rows};
use super::tables::id_table;
use crate::block::format::{FENCE_ROWS, Header, Section};
use crate::model::Link;
use strandline_core::{EventId, Hash};

pub(super) fn write_runs<S: Source>(
    pieces: &[Piece<'_, S>],
    out: &mut Sections,
    header: &mut Header,
) {
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
    header.counts.runs = count(runs.len());
    out.numbers(
        Section::RunSequences,
        runs.iter().map(|(sequence, _)| *sequence),
    );
    out.numbers(
        Section::RunRows,
        runs.iter().map(|(_, row)| u64::from(*row)),
    );
}

/// How the row with an id is found.
pub(super) enum Ids {
    /// They ascend with the rows.
    Ascend,
    /// By a table, which is to be written yet.
    Table(Vec<u8>),
    /// In their order, which was written: they were chosen to collide.
    Order,
}

/// Writes the ids.
pub(super) fn write_ids<S: Source>(
    pieces: &[Piece<'_, S>],
    out: &mut Sections,
    header: &mut Header,
) -> Ids {
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
    if ascends {
        return Ids::Ascend;
    }
    if let Some(slots) = id_table(pieces, out.pass_entries) {
        return Ids::Table(slots);
    }
    let ids: Vec<_> = ids().collect();
    let mut order: Vec<u32> = (0..count(ids.len())).collect();
    order.sort_by_key(|row| ids.get(*row as usize));
    out.numbers(Section::IdOrder, order.iter().map(|row| u64::from(*row)));
    Ids::Order
}

/// Sets one of so many ids apart, of ids that ascend.
pub(super) fn write_fences<S: Source>(pieces: &[Piece<'_, S>], out: &mut Sections) {
    let ids = rows(pieces).map(|(part, row)| part.id(row));
    out.raw(Section::IdFences, |bytes| {
        for id in ids.step_by(FENCE_ROWS as usize) {
            bytes.extend_from_slice(&id.as_u128().to_le_bytes());
        }
    });
}

pub(super) fn write_columns<S: Source>(
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

pub(super) fn write_links<S: Source>(
    pieces: &[Piece<'_, S>],
    out: &mut Sections,
    header: &mut Header,
) {
    let links: Vec<(u32, Link)> = (0..)
        .zip(rows(pieces))
        .filter_map(|(at, (part, row))| Some((at, part.link(row)?)))
        .collect();
    header.counts.links = count(links.len());
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
    header.counts.caused = count(order.len());
    out.numbers(
        Section::ByCausation,
        order.iter().map(|place| u64::from(*place)),
    );
}

/// Writes the hashes of the last rows of entities, where they are known, and gives their clocks.
pub(super) fn write_heads<S: Source>(
    pieces: &[Piece<'_, S>],
    names: &Sorted,
    out: &mut Sections,
) -> Vec<u32> {
    let entities = names.row_places().map(|(entity, _)| entity as usize);
    let mut last_rows = vec![u32::MAX; names.entities().len()];
    for (at, entity) in (0..).zip(entities.clone()) {
        if let Some(last) = last_rows.get_mut(entity) {
            *last = at;
        }
    }
    let mut heads = vec![(None, 0); last_rows.len()];
    // In the order of rows, not of entities: rows that follow each other lie beside each other.
    for ((at, entity), (part, row)) in (0..).zip(entities).zip(rows(pieces)) {
        if last_rows.get(entity) == Some(&at)
            && let Some(head) = heads.get_mut(entity)
        {
            *head = (part.hash_if_last(row), part.clock(row));
        }
    }
    let known = heads.iter().map(|(hash, _)| u64::from(hash.is_some()));
    out.numbers(Section::HeadKnown, known);
    out.raw(Section::HeadHashes, |bytes| {
        for (hash, _) in &heads {
            let hash = hash.unwrap_or(Hash::ZERO);
            bytes.extend_from_slice(hash.as_bytes());
        }
    });
    heads.into_iter().map(|(_, clock)| clock).collect()
}
