//! Building the bytes of a block from rows of a snapshot.

use super::format::{ALIGNMENT, Header, Place, Section};
use super::packed::pack;
use crate::Snapshot;
use crate::layout::{IndexLayout, TILE_ROWS, TileMask};
use crate::live::chunk::Link;
use crate::part::Part;
use std::collections::HashMap;
use std::ops::Range;
use strandline_core::{Coordinate, EventId, EventKind, Hash, Salt, Sequence};

/// No number was given to a coordinate yet.
const UNUSED: u32 = u32::MAX;

/// Rows of a part.
struct Piece<'s> {
    part: &'s Part,
    rows: Range<u32>,
}

/// The rows of `snapshot` with these sequences as a block.
pub(crate) fn build(
    snapshot: &Snapshot,
    sequences: &Range<Sequence>,
    layout: IndexLayout,
) -> Vec<u8> {
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
    let names = Sorted::of(&pieces);
    let mut out = Sections::default();
    let mut header = names.header(&pieces, layout);
    names.write(&mut out);
    write_runs(&pieces, &mut out, &mut header);
    write_ids(&pieces, &mut out, &mut header);
    write_columns(&pieces, &names, &mut out, &mut header);
    names.write_lists(layout, &mut out);
    write_links(&pieces, &mut out, &mut header);
    write_heads(&pieces, &names, &mut out);
    if layout == IndexLayout::Tiles {
        out.raw(Section::Tiles, |bytes| names.tiles(bytes));
    }
    out.finish(header)
}

/// Each row of all pieces.
fn rows<'p>(pieces: &'p [Piece<'p>]) -> impl Iterator<Item = (&'p Part, u32)> + Clone {
    pieces
        .iter()
        .flat_map(|piece| piece.rows.clone().map(|row| (piece.part, row)))
}

/// The body of a block as it grows.
#[derive(Default)]
struct Sections {
    body: Vec<u8>,
    places: [Place; Section::COUNT],
}

impl Sections {
    fn note(&mut self, section: Section, start: usize, base: u64, width: u8) {
        self.body
            .resize(self.body.len().next_multiple_of(ALIGNMENT), 0);
        let bytes = self.body.get(start..).unwrap_or_default();
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

    fn numbers(&mut self, section: Section, numbers: impl Iterator<Item = u64> + Clone) {
        let start = self.body.len();
        let (base, width) = pack(&mut self.body, numbers);
        self.note(section, start, base, width);
    }

    fn raw(&mut self, section: Section, write: impl FnOnce(&mut Vec<u8>)) {
        let start = self.body.len();
        write(&mut self.body);
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
        let mut bytes = header.encode();
        bytes.append(&mut self.body);
        bytes
    }
}

/// The names and kinds of all rows, sorted, and where each row has its own.
struct Sorted {
    coordinates: Vec<Coordinate>,
    /// Entity and scope of each coordinate, by place.
    places: Vec<(u32, u32)>,
    entities: Vec<Coordinate>,
    scopes: Vec<Coordinate>,
    kinds: Vec<EventKind>,
    /// The coordinate of each row, by place.
    row_coordinates: Vec<u32>,
    /// The kind of each row, by place.
    row_kinds: Vec<u16>,
}

impl Sorted {
    fn of(pieces: &[Piece<'_>]) -> Self {
        let (mut coordinates, mut row_coordinates) = numbered(pieces);
        let order = sort_order(&coordinates);
        let mut place_of = vec![0; coordinates.len()];
        for (place, number) in (0..).zip(&order) {
            if let Some(own) = place_of.get_mut(*number as usize) {
                *own = place;
            }
        }
        for number in &mut row_coordinates {
            *number = place_of.get(*number as usize).copied().unwrap_or_default();
        }
        coordinates = order
            .iter()
            .filter_map(|number| coordinates.get(*number as usize).cloned())
            .collect();
        let mut entities = coordinates.clone();
        entities.dedup_by(|a, b| a.entity() == b.entity());
        let mut scopes = coordinates.clone();
        scopes.sort_unstable_by(|a, b| a.scope().cmp(b.scope()));
        scopes.dedup_by(|a, b| a.scope() == b.scope());
        let places = places(&coordinates, &scopes);
        let (kinds, row_kinds) = kinds(pieces);
        Self {
            coordinates,
            places,
            entities,
            scopes,
            kinds,
            row_coordinates,
            row_kinds,
        }
    }

    fn header(&self, pieces: &[Piece<'_>], layout: IndexLayout) -> Header {
        let ends = pieces.first().zip(pieces.last());
        let (first, end) = ends.map_or((Sequence::ZERO, Sequence::ZERO), |(first, last)| {
            let end = last.part.sequence_of(last.rows.end.saturating_sub(1));
            let end = Sequence::new(end.get() + 1);
            (first.part.sequence_of(first.rows.start), end)
        });
        Header {
            layout,
            rows: count(self.row_coordinates.len()),
            entities: count(self.entities.len()),
            scopes: count(self.scopes.len()),
            coordinates: count(self.coordinates.len()),
            kinds: count(self.kinds.len()),
            runs: 0,
            links: 0,
            caused: 0,
            first,
            end,
            ids: (EventId::from_u128(0), EventId::from_u128(0)),
            times: (0, 0),
            places: [Place::default(); Section::COUNT],
        }
    }

    fn write(&self, out: &mut Sections) {
        let write = |out: &mut Sections, ends, names, list: &[&str]| {
            let lengths = list.iter().scan(0, |end, name| {
                *end += name.len() as u64;
                Some(*end)
            });
            out.numbers(ends, lengths);
            out.raw(names, |bytes| {
                for name in list {
                    bytes.extend_from_slice(name.as_bytes());
                }
            });
        };
        let entities: Vec<_> = self.entities.iter().map(Coordinate::entity).collect();
        write(out, Section::EntityEnds, Section::EntityNames, &entities);
        let scopes: Vec<_> = self.scopes.iter().map(Coordinate::scope).collect();
        write(out, Section::ScopeEnds, Section::ScopeNames, &scopes);
        let places = self.places.iter();
        out.numbers(
            Section::CoordinateEntities,
            places.clone().map(|(entity, _)| u64::from(*entity)),
        );
        out.numbers(
            Section::CoordinateScopes,
            places.map(|(_, scope)| u64::from(*scope)),
        );
        let kinds = self.kinds.iter().map(|kind| u64::from(kind.bits()));
        out.numbers(Section::Kinds, kinds);
    }

    fn row_places(&self) -> impl Iterator<Item = (u32, u32)> + Clone {
        let places = self.row_coordinates.iter();
        places.map(|place| {
            self.places
                .get(*place as usize)
                .copied()
                .unwrap_or_default()
        })
    }

    fn write_lists(&self, layout: IndexLayout, out: &mut Sections) {
        let entities = self.row_places().map(|(entity, _)| entity);
        let sections = (Section::EntityRowEnds, Section::EntityRows);
        write_list(out, sections, self.entities.len(), entities);
        if layout != IndexLayout::Postings {
            return;
        }
        let scopes = self.row_places().map(|(_, scope)| scope);
        let sections = (Section::ScopeRowEnds, Section::ScopeRows);
        write_list(out, sections, self.scopes.len(), scopes);
        let kinds = self.row_kinds.iter().map(|kind| u32::from(*kind));
        let sections = (Section::KindRowEnds, Section::KindRows);
        write_list(out, sections, self.kinds.len(), kinds);
    }

    fn tiles(&self, out: &mut Vec<u8>) {
        let scopes: Vec<_> = self.row_places().map(|(_, scope)| scope).collect();
        let tile = TILE_ROWS as usize;
        for (kinds, scopes) in self.row_kinds.chunks(tile).zip(scopes.chunks(tile)) {
            let kinds = kinds
                .iter()
                .fold(0, |word, kind| word | TileMask::bit(u32::from(*kind)));
            let scopes = scopes
                .iter()
                .fold(0, |word, scope| word | TileMask::bit(*scope));
            out.extend_from_slice(&u64::to_le_bytes(kinds));
            out.extend_from_slice(&u64::to_le_bytes(scopes));
        }
    }
}

/// The coordinates in order of first use, and the number of each row's.
fn numbered(pieces: &[Piece<'_>]) -> (Vec<Coordinate>, Vec<u32>) {
    let mut coordinates = Vec::new();
    let mut numbers: HashMap<Coordinate, u32> = HashMap::new();
    let mut of_rows = Vec::with_capacity(pieces.iter().map(|piece| piece.rows.len()).sum());
    for piece in pieces {
        let mut known = vec![UNUSED; piece.part.coordinate_count()];
        for row in piece.rows.clone() {
            let at = piece.part.coordinate_number(row);
            let slot = known.get_mut(at as usize);
            let number = match slot {
                Some(number) if *number != UNUSED => *number,
                slot => {
                    let number = match piece.part.coordinate(at) {
                        Some(coordinate) => {
                            *numbers.entry(coordinate.clone()).or_insert_with(|| {
                                coordinates.push(coordinate);
                                count(coordinates.len() - 1)
                            })
                        }
                        // Of a damaged block.
                        None => 0,
                    };
                    if let Some(slot) = slot {
                        *slot = number;
                    }
                    number
                }
            };
            of_rows.push(number);
        }
    }
    (coordinates, of_rows)
}

/// The numbers of coordinates by entity, then scope.
fn sort_order(coordinates: &[Coordinate]) -> Vec<u32> {
    let names = |number: &u32| {
        let coordinate = coordinates.get(*number as usize);
        coordinate.map(|coordinate| (coordinate.entity(), coordinate.scope()))
    };
    let mut order: Vec<u32> = (0..count(coordinates.len())).collect();
    order.sort_unstable_by(|a, b| names(a).cmp(&names(b)));
    order
}

/// Entity and scope of each of the sorted coordinates, by place.
fn places(coordinates: &[Coordinate], scopes: &[Coordinate]) -> Vec<(u32, u32)> {
    let scope_places: HashMap<_, u32> = scopes.iter().map(Coordinate::scope).zip(0..).collect();
    let mut entity = 0;
    let mut before: Option<&str> = None;
    coordinates
        .iter()
        .map(|coordinate| {
            if before.is_some_and(|before| before != coordinate.entity()) {
                entity += 1;
            }
            before = Some(coordinate.entity());
            let scope = scope_places.get(coordinate.scope());
            (entity, scope.copied().unwrap_or_default())
        })
        .collect()
}

/// The kinds, ascending, and the place of each row's.
fn kinds(pieces: &[Piece<'_>]) -> (Vec<EventKind>, Vec<u16>) {
    let bits: Vec<_> = rows(pieces)
        .map(|(part, row)| part.kind(row).bits())
        .collect();
    let mut used = vec![false; 1 << u16::BITS];
    for bits in &bits {
        if let Some(used) = used.get_mut(usize::from(*bits)) {
            *used = true;
        }
    }
    let kinds: Vec<_> = (0..=u16::MAX)
        .filter(|bits| used.get(usize::from(*bits)) == Some(&true))
        .collect();
    let mut place_of = vec![0_u16; 1 << u16::BITS];
    for (place, bits) in (0..=u16::MAX).zip(&kinds) {
        if let Some(own) = place_of.get_mut(usize::from(*bits)) {
            *own = place;
        }
    }
    let places = bits
        .iter()
        .filter_map(|bits| place_of.get(usize::from(*bits)));
    let places = places.copied().collect();
    (
        kinds.into_iter().map(EventKind::from_bits).collect(),
        places,
    )
}

/// Rows by key, ascending for each, where `of_rows` gives each row's key.
fn write_list(
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

fn write_runs(pieces: &[Piece<'_>], out: &mut Sections, header: &mut Header) {
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

fn write_ids(pieces: &[Piece<'_>], out: &mut Sections, header: &mut Header) {
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

fn write_columns(pieces: &[Piece<'_>], names: &Sorted, out: &mut Sections, header: &mut Header) {
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

fn write_links(pieces: &[Piece<'_>], out: &mut Sections, header: &mut Header) {
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
fn write_heads(pieces: &[Piece<'_>], names: &Sorted, out: &mut Sections) {
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

/// Every count is at most that of rows, which has 32 bits.
fn count(items: usize) -> u32 {
    u32::try_from(items).unwrap_or(u32::MAX)
}
