//! Reading a block as hostile bytes: lengths before memory, numbers before use.

use super::{
    CHECKSUM_BYTES, COORDINATE_BYTES_MIN, HEAD_BYTES, LINK_BYTES, MAGIC, RUN_BYTES, VERSION,
};
use crate::BlockError;
use crate::columns::Link;
use crate::gate::BOUND_MAX;
use crate::runs::Run;
use std::collections::HashMap;
use strandline_core::codec::{DecodeError, DecodeProblem, Reader};
use strandline_core::{Checksum, Coordinate, EventId, Hash, Salt};

/// A block that is sound in itself; whether its rows can follow those of an index is another
/// question.
pub(super) struct Block<'a> {
    pub(super) coordinates: Vec<Coordinate>,
    /// For each coordinate, the number of its entity in the block.
    pub(super) entity_of: Vec<usize>,
    /// For each entity, a coordinate of it.
    pub(super) entities: Vec<Coordinate>,
    pub(super) rows: u32,
    /// There is one at least if there is a row.
    pub(super) runs: Vec<Run>,
    pub(super) last_sequence: u64,
    pub(super) ids: &'a [[u8; 16]],
    pub(super) places: &'a [[u8; 4]],
    pub(super) kinds: &'a [[u8; 2]],
    pub(super) times: &'a [[u8; 8]],
    pub(super) clocks: &'a [[u8; 4]],
    pub(super) positions: &'a [[u8; 8]],
    pub(super) links: Vec<(u32, Link)>,
    pub(super) heads: Vec<(u32, Hash)>,
}

impl<'a> Block<'a> {
    /// Checks everything that can be checked of a block alone. O(bytes).
    pub(super) fn parse(bytes: &'a [u8]) -> Result<Self, BlockError> {
        let mut reader = Reader::new(checked(bytes)?);
        reader.u64("magic and version")?;
        let coordinate_count = reader.u32("count of coordinates")?;
        let rows = reader.u32("count of rows")?;
        let run_count = reader.u32("count of runs")?;
        let link_count = reader.u32("count of links")?;
        let head_count = reader.u32("count of heads")?;
        let coordinates = coordinates(&mut reader, coordinate_count)?;
        let (entity_of, entities) = entities(&coordinates);
        let (runs, last_sequence) = runs(&mut reader, run_count, rows)?;
        let mut block = Self {
            coordinates,
            entity_of,
            entities,
            rows,
            runs,
            last_sequence,
            ids: column(&mut reader, "ids", rows)?,
            places: column(&mut reader, "coordinates of rows", rows)?,
            kinds: column(&mut reader, "kinds", rows)?,
            times: column(&mut reader, "times", rows)?,
            clocks: column(&mut reader, "clocks", rows)?,
            positions: column(&mut reader, "positions", rows)?,
            links: Vec::new(),
            heads: Vec::new(),
        };
        let last_rows = block.check_rows(&reader)?;
        block.links = links(&mut reader, link_count, rows)?;
        block.heads = block.read_heads(&mut reader, head_count, &last_rows)?;
        reader.finish("block")?;
        Ok(block)
    }

    /// The entity of a row, as numbered in the block.
    pub(super) fn entity_at(&self, place: [u8; 4]) -> Option<usize> {
        let place = u32::from_le_bytes(place) as usize;
        self.entity_of.get(place).copied()
    }

    /// Checks that coordinates are numbered by first use and that clocks ascend along each entity,
    /// and returns the last row of each entity.
    fn check_rows(&self, reader: &Reader<'_>) -> Result<Vec<u32>, BlockError> {
        let mut newest: Vec<Option<(u32, u32)>> = vec![None; self.entities.len()];
        let mut used = 0;
        for (row, (place, clock)) in (0..).zip(self.places.iter().zip(self.clocks)) {
            let number = u32::from_le_bytes(*place);
            let clock = u32::from_le_bytes(*clock);
            let entity = self.entity_at(*place).and_then(|at| newest.get_mut(at));
            let entity = entity.filter(|_| number <= used).ok_or_else(|| {
                reader.invalid("coordinates of rows", "not numbered in order of first use")
            })?;
            used += u32::from(number == used);
            if entity.is_some_and(|(_, before)| clock <= before) {
                return Err(reader
                    .invalid("clocks", "not ascending along an entity")
                    .into());
            }
            *entity = Some((row, clock));
        }
        if used as usize != self.coordinates.len() {
            return Err(reader
                .invalid("coordinates of rows", "a coordinate is never used")
                .into());
        }
        Ok(newest
            .into_iter()
            .map(|newest| newest.map_or(0, |(row, _)| row))
            .collect())
    }

    fn read_heads(
        &self,
        reader: &mut Reader<'_>,
        count: u32,
        last_rows: &[u32],
    ) -> Result<Vec<(u32, Hash)>, BlockError> {
        let bytes = part(reader, "heads", count, HEAD_BYTES)?;
        let mut heads: Vec<(u32, Hash)> = Vec::with_capacity(count as usize);
        let mut inner = Reader::new(bytes);
        while inner.left() > 0 {
            let row = inner.u32("row of a head")?;
            let hash = Hash::from_bytes(inner.array("hash of a head")?);
            let place = self.places.get(row as usize).copied();
            let entity = place.and_then(|place| self.entity_at(place));
            let last = entity.and_then(|entity| last_rows.get(entity));
            if last != Some(&row) || heads.last().is_some_and(|(before, _)| row <= *before) {
                return Err(reader
                    .invalid("heads", "not the last rows of entities, ascending")
                    .into());
            }
            heads.push((row, hash));
        }
        Ok(heads)
    }
}

/// The block without its checksum, once that, the magic and the version are right.
fn checked(bytes: &[u8]) -> Result<&[u8], BlockError> {
    let mut reader = Reader::new(bytes);
    let magic = reader.u32("magic")?;
    if magic != MAGIC {
        return Err(BlockError::NotABlock { found: magic });
    }
    let version = reader.u16("version")?;
    if version != VERSION {
        return Err(BlockError::UnsupportedVersion { found: version });
    }
    if reader.u16("flags")? != 0 {
        return Err(reader.invalid("flags", "not zero").into());
    }
    let Some((body, checksum)) = bytes.split_last_chunk::<CHECKSUM_BYTES>() else {
        return Err(reader.invalid("checksum", "missing").into());
    };
    let found = Checksum(u64::from_le_bytes(*checksum));
    let expected = Salt::NONE.checksum(0, body);
    if found != expected {
        return Err(BlockError::ChecksumMismatch { expected, found });
    }
    Ok(body)
}

/// `count` items of `item_bytes` each.
fn part<'a>(
    reader: &mut Reader<'a>,
    what: &'static str,
    count: u32,
    item_bytes: usize,
) -> Result<&'a [u8], DecodeError> {
    let bytes = (count as usize).checked_mul(item_bytes);
    reader.bytes(what, bytes.unwrap_or(usize::MAX))
}

fn column<'a, const N: usize>(
    reader: &mut Reader<'a>,
    what: &'static str,
    rows: u32,
) -> Result<&'a [[u8; N]], DecodeError> {
    let (cells, _) = part(reader, what, rows, N)?.as_chunks();
    Ok(cells)
}

fn coordinates(reader: &mut Reader<'_>, count: u32) -> Result<Vec<Coordinate>, BlockError> {
    let needed = (count as usize).saturating_mul(COORDINATE_BYTES_MIN);
    if needed > reader.left() {
        let problem = DecodeProblem::Truncated {
            needed,
            left: reader.left(),
        };
        return Err(BlockError::Malformed(DecodeError {
            offset: reader.offset(),
            what: "coordinates",
            problem,
        }));
    }
    let mut coordinates = Vec::with_capacity(count as usize);
    for _ in 0..count {
        let entity = name(reader, "entity")?;
        let scope = name(reader, "scope")?;
        coordinates.push(Coordinate::new(entity, scope)?);
    }
    Ok(coordinates)
}

fn name<'a>(reader: &mut Reader<'a>, what: &'static str) -> Result<&'a str, DecodeError> {
    let bytes = reader.short_bytes(what)?;
    std::str::from_utf8(bytes).map_err(|_| reader.invalid(what, "not UTF-8"))
}

/// The number of each coordinate's entity, and a coordinate of each entity.
fn entities(coordinates: &[Coordinate]) -> (Vec<usize>, Vec<Coordinate>) {
    let mut numbers: HashMap<&str, usize> = HashMap::new();
    let mut entities = Vec::new();
    let entity_of = coordinates
        .iter()
        .map(|coordinate| {
            *numbers.entry(coordinate.entity()).or_insert_with(|| {
                entities.push(coordinate.clone());
                entities.len() - 1
            })
        })
        .collect();
    (entity_of, entities)
}

/// The runs, and the sequence of the last row.
fn runs(reader: &mut Reader<'_>, count: u32, rows: u32) -> Result<(Vec<Run>, u64), BlockError> {
    let bytes = part(reader, "runs", count, RUN_BYTES)?;
    let mut inner = Reader::new(bytes);
    let mut runs: Vec<Run> = Vec::with_capacity(count as usize);
    while inner.left() > 0 {
        runs.push(Run {
            first_sequence: inner.u64("first sequence of a run")?,
            first_row: inner.u32("first row of a run")?,
        });
    }
    let starts_at_0 = runs.first().is_none_or(|run| run.first_row == 0);
    if !starts_at_0 || runs.is_empty() != (rows == 0) {
        return Err(reader.invalid("runs", "not from the first row on").into());
    }
    let mut last_sequence = 0;
    for (at, run) in runs.iter().enumerate() {
        let next = runs.get(at + 1);
        let end_row = next.map_or(rows, |next| next.first_row);
        let end = end_row
            .checked_sub(run.first_row)
            .filter(|rows| *rows > 0)
            .and_then(|rows| run.first_sequence.checked_add(u64::from(rows)))
            .filter(|end| *end <= next.map_or(BOUND_MAX, |next| next.first_sequence));
        let Some(end) = end else {
            return Err(reader.invalid("runs", "not ascending").into());
        };
        last_sequence = end - 1;
    }
    Ok((runs, last_sequence))
}

fn links(reader: &mut Reader<'_>, count: u32, rows: u32) -> Result<Vec<(u32, Link)>, BlockError> {
    let bytes = part(reader, "links", count, LINK_BYTES)?;
    let mut inner = Reader::new(bytes);
    let mut links: Vec<(u32, Link)> = Vec::with_capacity(count as usize);
    while inner.left() > 0 {
        let row = inner.u32("row of a link")?;
        let caused = inner.u8("causation of a link")?;
        let correlation = EventId::from_u128(inner.u128("correlation")?);
        let causation = EventId::from_u128(inner.u128("causation")?);
        if row >= rows || links.last().is_some_and(|(before, _)| row <= *before) || caused > 1 {
            return Err(reader.invalid("links", "not of rows, ascending").into());
        }
        let causation = (caused == 1).then_some(causation);
        let link = Link {
            correlation,
            causation,
        };
        links.push((row, link));
    }
    Ok(links)
}
