//! The names and kinds of the rows that a block is built of, sorted, and the lists of rows by each. Tags
//! are apart.

use super::sections::{Sections, write_list};
use super::source::{Piece, Source, count, rows};
use super::texts::Texts;
use crate::block::format::{Counts, Header, Section};
use crate::model::{IndexLayout, NameSort, TILE_ROWS, TileMask};
use crate::search::sort_by_text;
use strandline_core::{EventKind, Sequence};

/// No number was given to a coordinate yet.
const UNUSED: u32 = u32::MAX;

/// The names and kinds of all rows, sorted, and where each row has its own.
pub(super) struct Sorted {
    /// The names, by numbers that mean nothing beyond this.
    texts: Texts,
    /// Entity and scope of each coordinate, by place.
    places: Vec<(u32, u32)>,
    /// By place: the number of a coordinate that has the entity.
    entities: Vec<u32>,
    /// By place: the number of a coordinate that has the scope.
    scopes: Vec<u32>,
    pub(super) kinds: Vec<EventKind>,
    /// The coordinate of each row, by place.
    pub(super) row_coordinates: Vec<u32>,
    /// The kind of each row, by place.
    pub(super) row_kinds: Vec<u16>,
}

impl Sorted {
    pub(super) fn of<S: Source>(pieces: &[Piece<'_, S>]) -> Self {
        let (texts, mut row_coordinates) = numbered(pieces);
        let mut order: Vec<u32> = (0..count(texts.len())).collect();
        sort_by_text(&mut order, |number| texts.text(number));
        let mut place_of = vec![0; texts.len()];
        let mut coordinates: Vec<u32> = Vec::with_capacity(texts.len());
        let mut entities: Vec<u32> = Vec::new();
        let mut places = Vec::with_capacity(texts.len());
        for number in order {
            let before = coordinates.last().copied();
            if before.is_none_or(|before| texts.text(before) != texts.text(number)) {
                if before.is_none_or(|before| texts.entity(before) != texts.entity(number)) {
                    entities.push(number);
                }
                coordinates.push(number);
                places.push((count(entities.len() - 1), 0));
            }
            // Several pieces may have it.
            set(&mut place_of, number, count(coordinates.len() - 1));
        }
        let mut scopes = Vec::new();
        let mut order: Vec<u32> = (0..count(coordinates.len())).collect();
        let number_at = |place: u32| coordinates.get(place as usize).copied().unwrap_or_default();
        sort_by_text(&mut order, |place| texts.scope(number_at(place)).as_bytes());
        for place in order {
            let number = number_at(place);
            let before = scopes.last().copied();
            if before.is_none_or(|before| texts.scope(before) != texts.scope(number)) {
                scopes.push(number);
            }
            if let Some((_, scope)) = places.get_mut(place as usize) {
                *scope = count(scopes.len() - 1);
            }
        }
        for number in &mut row_coordinates {
            *number = place_of.get(*number as usize).copied().unwrap_or_default();
        }
        let (kinds, row_kinds) = kinds(pieces);
        Self {
            texts,
            places,
            entities,
            scopes,
            kinds,
            row_coordinates,
            row_kinds,
        }
    }

    /// The entities, in order.
    pub(super) fn entities(&self) -> impl ExactSizeIterator<Item = &str> + Clone {
        self.entities
            .iter()
            .map(|number| self.texts.entity(*number))
    }

    /// The scopes, in order.
    fn scopes(&self) -> impl ExactSizeIterator<Item = &str> + Clone {
        self.scopes.iter().map(|number| self.texts.scope(*number))
    }

    pub(super) fn header<S: Source>(&self, pieces: &[Piece<'_, S>], layout: IndexLayout) -> Header {
        let ends = pieces.first().zip(pieces.last());
        let (first, end) = ends.map_or((Sequence::ZERO, Sequence::ZERO), |(first, last)| {
            let end = last.part.sequence_of(last.rows.end.saturating_sub(1));
            let end = Sequence::new(end.get() + 1);
            (first.part.sequence_of(first.rows.start), end)
        });
        Header {
            counts: Counts {
                rows: count(self.row_coordinates.len()),
                entities: count(self.entities.len()),
                scopes: count(self.scopes.len()),
                coordinates: count(self.places.len()),
                kinds: count(self.kinds.len()),
                ..Counts::default()
            },
            first,
            end,
            ..Header::empty(layout)
        }
    }

    pub(super) fn write(&self, out: &mut Sections) {
        out.names(Section::names_of(NameSort::Entity), self.entities());
        out.names(Section::names_of(NameSort::Scope), self.scopes());
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

    pub(super) fn row_places(&self) -> impl Iterator<Item = (u32, u32)> + Clone {
        let places = self.row_coordinates.iter();
        places.map(|place| {
            self.places
                .get(*place as usize)
                .copied()
                .unwrap_or_default()
        })
    }

    pub(super) fn write_lists(&self, layout: IndexLayout, out: &mut Sections) {
        let entities = self.row_places().map(|(entity, _)| entity);
        let sections = Section::rows_of(NameSort::Entity);
        write_list(out, sections, self.entities.len(), entities);
        if layout != IndexLayout::Postings {
            return;
        }
        let scopes = self.row_places().map(|(_, scope)| scope);
        let sections = Section::rows_of(NameSort::Scope);
        write_list(out, sections, self.scopes.len(), scopes);
        let kinds = self.row_kinds.iter().map(|kind| u32::from(*kind));
        let sections = (Section::KindRowEnds, Section::KindRows);
        write_list(out, sections, self.kinds.len(), kinds);
    }

    pub(super) fn tiles(&self, out: &mut Vec<u8>) {
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

fn set(places: &mut [u32], at: u32, place: u32) {
    if let Some(own) = places.get_mut(at as usize) {
        *own = place;
    }
}

/// The coordinates of each piece in order of first use, and the number of each row's.
fn numbered<S: Source>(pieces: &[Piece<'_, S>]) -> (Texts, Vec<u32>) {
    let mut texts = Texts::default();
    let mut of_rows = Vec::with_capacity(pieces.iter().map(|piece| piece.rows.len()).sum());
    for piece in pieces {
        let mut known = vec![UNUSED; piece.part.coordinate_count()];
        for row in piece.rows.clone() {
            let at = piece.part.coordinate_number(row);
            let slot = known.get_mut(at as usize);
            let number = match slot {
                Some(number) if *number != UNUSED => *number,
                slot => {
                    let push = |entity: &str, scope: &str| texts.push(entity, scope);
                    let number = match piece.part.with_names(at, push) {
                        Some(()) => count(texts.len() - 1),
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
    (texts, of_rows)
}

/// The kinds, ascending, and the place of each row's.
fn kinds<S: Source>(pieces: &[Piece<'_, S>]) -> (Vec<EventKind>, Vec<u16>) {
    let kinds = || rows(pieces).map(|(part, row)| part.kind(row));
    let mut used = KindSet::new();
    kinds().for_each(|kind| used.insert(kind));
    used.count();
    (
        used.ascending(),
        kinds().map(|kind| used.place(kind)).collect(),
    )
}

/// Kinds as bits, so that the place of one in order is a count of bits.
struct KindSet {
    words: Vec<u64>,
    /// How many kinds are in the words before each.
    before: Vec<u16>,
}

impl KindSet {
    fn new() -> Self {
        Self {
            words: vec![0; (1 << u16::BITS) / u64::BITS as usize],
            before: Vec::new(),
        }
    }

    /// The word of a kind, and its bit there.
    fn bit(kind: EventKind) -> (usize, u64) {
        let bits = u32::from(kind.bits());
        ((bits / u64::BITS) as usize, 1 << (bits % u64::BITS))
    }

    fn insert(&mut self, kind: EventKind) {
        let (at, bit) = Self::bit(kind);
        if let Some(word) = self.words.get_mut(at) {
            *word |= bit;
        }
    }

    /// Counts what was inserted, once all was.
    fn count(&mut self) {
        self.before = self
            .words
            .iter()
            .scan(0_u16, |sum, word| {
                let before = *sum;
                *sum = sum.wrapping_add(ones(*word));
                Some(before)
            })
            .collect();
    }

    fn place(&self, kind: EventKind) -> u16 {
        let (at, bit) = Self::bit(kind);
        let word = self.words.get(at).copied().unwrap_or_default();
        let before = self.before.get(at).copied().unwrap_or_default();
        before.wrapping_add(ones(word & (bit - 1)))
    }

    fn ascending(&self) -> Vec<EventKind> {
        let mut kinds = Vec::new();
        for (first, word) in (0..=u16::MAX).step_by(u64::BITS as usize).zip(&self.words) {
            let mut word = *word;
            while word != 0 {
                let bits = u16::try_from(word.trailing_zeros()).unwrap_or_default();
                kinds.push(EventKind::from_bits(first + bits));
                word &= word - 1;
            }
        }
        kinds
    }
}

/// How many bits are set: at most 64.
fn ones(word: u64) -> u16 {
    u16::try_from(word.count_ones()).unwrap_or_default()
}
