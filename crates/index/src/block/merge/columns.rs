//! The columns of a merged block, and what is known of each entity's last row. Names and lists by key
//! are written elsewhere.

use super::input::Input;
use super::names::Names;
use super::ordered::Ordered;
use super::out::Out;
use super::sink::MergeError;
use crate::block::column::id_at;
use crate::block::format::{FENCE_ROWS, Section};
use crate::model::{TILE_ROWS, TileMask};
use strandline_core::{EventId, Hash};

/// Length of an id.
const ID_BYTES: usize = 16;

/// The first sequence and the first row of each run of sequences without a gap.
fn runs<'r>(inputs: &'r [Input<'_>]) -> impl Iterator<Item = (u64, u64)> + 'r {
    let mut next = None;
    let runs = inputs.iter().flat_map(|input| {
        let mut row = input.rows.start;
        std::iter::from_fn(move || {
            if row >= input.rows.end {
                return None;
            }
            let first = row;
            // One row at least, whatever a block says.
            let end = input.block.run_end(row).max(row.saturating_add(1));
            row = end.min(input.rows.end);
            let sequence = input.block.sequence_of(first).get();
            Some((sequence, input.merged(first), u64::from(row - first)))
        })
    });
    runs.filter_map(move |(sequence, row, rows)| {
        let goes_on = next == Some(sequence);
        next = Some(sequence.saturating_add(rows));
        (!goes_on).then_some((sequence, row))
    })
}

pub(super) fn write_runs(inputs: &[Input<'_>], out: &mut Out<'_>) -> Result<(), MergeError> {
    let count = u32::try_from(runs(inputs).count());
    out.header.counts.runs = count.unwrap_or(u32::MAX);
    out.numbers(Section::RunSequences, || {
        runs(inputs).map(|(sequence, _)| sequence)
    })?;
    out.numbers(Section::RunRows, || runs(inputs).map(|(_, row)| row))
}

/// The ids of the rows of an input.
pub(super) fn ids<'b>(input: &Input<'b>) -> impl Iterator<Item = EventId> + use<'b> {
    let ids = input.bytes(Section::Ids, &input.rows, ID_BYTES);
    (0..input.rows.len()).map(move |at| id_at(ids, at))
}

/// Writes the ids, and says whether they ascend.
pub(super) fn write_ids(inputs: &[Input<'_>], out: &mut Out<'_>) -> Result<bool, MergeError> {
    let mut greatest: Option<EventId> = None;
    let mut least: Option<EventId> = None;
    let mut ascends = true;
    for input in inputs {
        for id in ids(input) {
            ascends &= greatest < Some(id);
            greatest = greatest.max(Some(id));
            least = Some(least.map_or(id, |least| least.min(id)));
        }
        out.bytes(input.bytes(Section::Ids, &input.rows, ID_BYTES))?;
    }
    if let Some((least, greatest)) = least.zip(greatest) {
        out.header.ids = (least, greatest);
    }
    out.end_bytes(Section::Ids)?;
    Ok(ascends)
}

/// Writes the rows by ascending id.
pub(super) fn write_order(inputs: &[Input<'_>], out: &mut Out<'_>) -> Result<(), MergeError> {
    let lists = inputs.iter().map(|input| {
        let (start, before) = (input.rows.start, input.before);
        let rows = input.by_id();
        rows.map(move |(id, row)| (id, u64::from(row - start) + u64::from(before)))
    });
    let rows = Ordered::new(lists.collect()).map(|((_, row), _)| row);
    out.numbers_within(Section::IdOrder, all_rows(out), rows)
}

/// Sets one of so many ids apart, of ids that ascend.
pub(super) fn write_fences(inputs: &[Input<'_>], out: &mut Out<'_>) -> Result<(), MergeError> {
    for id in inputs.iter().flat_map(ids).step_by(FENCE_ROWS as usize) {
        out.bytes(&id.as_u128().to_le_bytes())?;
    }
    out.end_bytes(Section::IdFences)
}

/// The least and the greatest row.
pub(super) fn all_rows(out: &Out<'_>) -> (u64, u64) {
    (0, u64::from(out.header.counts.rows.saturating_sub(1)))
}

pub(super) fn write_columns(
    inputs: &[Input<'_>],
    names: &Names,
    out: &mut Out<'_>,
) -> Result<(), MergeError> {
    let last = |count: u32| (0, u64::from(count.saturating_sub(1)));
    let coordinates = inputs.iter().enumerate().flat_map(|(at, input)| {
        let count = input.block.header.counts.coordinates;
        // Of one input at a time.
        let map = names.coordinates.map_of(at, &input.coordinates, count);
        input.column(Section::Coordinates).map(mapped(map))
    });
    let bounds = last(out.header.counts.coordinates);
    out.numbers_within(Section::Coordinates, bounds, coordinates)?;
    let kinds = inputs.iter().flat_map(|input| {
        let map = names.kind_map(input);
        input.column(Section::RowKinds).map(mapped(map))
    });
    let bounds = last(out.header.counts.kinds);
    out.numbers_within(Section::RowKinds, bounds, kinds)?;
    let column = |section| move || inputs.iter().flat_map(move |input| input.column(section));
    let times = column(Section::Times);
    out.header.times = times().fold((u64::MAX, 0), |(least, most), time| {
        (least.min(time), most.max(time))
    });
    if inputs.is_empty() {
        out.header.times = (0, 0);
    }
    let bounds = out.header.times;
    out.numbers_within(Section::Times, bounds, times())?;
    out.numbers(Section::Clocks, column(Section::Clocks))?;
    out.numbers(Section::Positions, column(Section::Positions))
}

/// A place as it is among all.
fn mapped(map: Vec<u32>) -> impl FnMut(u64) -> u64 {
    move |place| {
        let place = usize::try_from(place).unwrap_or(usize::MAX);
        map.get(place).copied().map_or(0, u64::from)
    }
}

/// Writes what is known of the hashes of last rows.
pub(super) fn write_heads(
    inputs: &[Input<'_>],
    names: &Names,
    out: &mut Out<'_>,
) -> Result<(), MergeError> {
    let lists: Vec<_> = inputs.iter().map(Input::by_entity).collect();
    let hashes = || {
        let walk = names
            .entities
            .walk(inputs.iter().map(|input| &input.entities));
        walk.filter(|member| member.is_last).map(|member| {
            let (_, is_last) = lists.get(member.source)?.last(member.place)?;
            let hash = inputs.get(member.source)?.block.head_hash(member.place);
            hash.filter(|_| is_last)
        })
    };
    out.numbers(Section::HeadKnown, || {
        hashes().map(|hash| u64::from(hash.is_some()))
    })?;
    for hash in hashes() {
        out.bytes(hash.unwrap_or(Hash::ZERO).as_bytes())?;
    }
    out.end_bytes(Section::HeadHashes)
}

/// Writes the clocks of last rows.
pub(super) fn write_head_clocks(
    inputs: &[Input<'_>],
    names: &Names,
    out: &mut Out<'_>,
) -> Result<(), MergeError> {
    let section = Section::HeadClocks;
    let of_inputs: Vec<_> = inputs
        .iter()
        .map(|input| {
            let kept = input.block.header.has(section);
            let kept = kept.then(|| input.block.numbers(section));
            (
                kept,
                input.by_entity(),
                input.block.numbers(Section::Clocks),
            )
        })
        .collect();
    let clock = |source: usize, entity: u32| {
        let (kept, lists, clocks) = of_inputs.get(source)?;
        let (row, is_last) = lists.last(entity)?;
        match kept {
            Some(kept) if is_last => kept.get(entity as usize),
            _ => clocks.get(row as usize),
        }
    };
    out.numbers(section, || {
        let walk = names
            .entities
            .walk(inputs.iter().map(|input| &input.entities));
        let last = walk.filter(|member| member.is_last);
        last.map(|member| clock(member.source, member.place).unwrap_or_default())
    })
}

/// Writes the summaries of tiles.
pub(super) fn write_tiles(
    inputs: &[Input<'_>],
    names: &Names,
    out: &mut Out<'_>,
) -> Result<(), MergeError> {
    let mut mask = TileMask {
        kinds: 0,
        scopes: 0,
    };
    let mut rows = 0_u32;
    for (input, scope_map) in inputs.iter().zip(&names.scope_maps) {
        let mut kind = mapped(names.kind_map(input));
        let scopes = input.block.numbers(Section::CoordinateScopes);
        let kinds = input.column(Section::RowKinds);
        for (coordinate, own) in input.column(Section::Coordinates).zip(kinds) {
            let coordinate = usize::try_from(coordinate).unwrap_or(usize::MAX);
            let scope = scope_map.get(scopes.get_u32(coordinate) as usize);
            let kind = u32::try_from(kind(own)).unwrap_or_default();
            mask.kinds |= TileMask::bit(kind);
            mask.scopes |= TileMask::bit(scope.copied().unwrap_or_default());
            rows += 1;
            if rows.is_multiple_of(TILE_ROWS) || rows == out.header.counts.rows {
                out.bytes(&mask.kinds.to_le_bytes())?;
                out.bytes(&mask.scopes.to_le_bytes())?;
                (mask.kinds, mask.scopes) = (0, 0);
            }
        }
    }
    out.end_bytes(Section::Tiles)
}
