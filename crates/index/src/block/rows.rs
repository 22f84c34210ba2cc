//! The columns of a block, row by row, and its coordinates and heads. Lists by key are not here.
//!
//! A row that a damaged block does not have reads as zeros; [`Block::damage`] says so then.

use super::column::Column;
use super::format::Section;
use super::open::Block;
use crate::model::{BlockError, CacheShare, Link, NameSort, TileMask};
use crate::search::partition;
use std::ops::Range;
use std::sync::Arc;
use strandline_core::sync::atomic::Ordering;
use strandline_core::{Coordinate, EventId, EventKind, Hash, KindRange, KindSet, Sequence};

/// What says of a row which event it is, and whose.
const SAY_WHOSE: [Section; 8] = [
    Section::Ids,
    Section::Coordinates,
    Section::CoordinateEntities,
    Section::CoordinateScopes,
    Section::EntityEnds,
    Section::EntityNames,
    Section::ScopeEnds,
    Section::ScopeNames,
];

/// Which sequences rows have.
const RUNS: [Section; 2] = [Section::RunSequences, Section::RunRows];

/// Once in so many rows that are looked at, more is checked of what says of a row which it is: by then the looks
/// have cost as much, and once all of it is known a row costs two loads.
const LOOKS: u32 = 64;

impl Block {
    /// The id of a row.
    #[inline]
    pub(crate) fn id(&self, row: u32) -> EventId {
        self.id_in(Section::Ids, row as usize)
    }

    /// The coordinate of a row, by its place.
    #[inline]
    pub(crate) fn coordinate_number(&self, row: u32) -> u32 {
        self.number_u32(Section::Coordinates, row as usize)
    }

    /// The kind of a row.
    #[inline]
    pub(crate) fn kind(&self, row: u32) -> EventKind {
        let place = self.number_u32(Section::RowKinds, row as usize);
        let kind = self.kinds().get(place as usize);
        kind.copied().unwrap_or(EventKind::from_bits(0))
    }

    /// The places of the kinds from `first` to `last`, both included.
    pub(crate) fn kinds_within(&self, first: EventKind, last: EventKind) -> Range<u32> {
        let kinds = self.numbers(Section::Kinds);
        let count = self.header.counts.kinds;
        let below = |bits: u32| partition(count, |at| kinds.get_u32(at) < bits);
        let start = below(u32::from(first.bits()));
        start..below(u32::from(last.bits()) + 1).max(start)
    }

    /// Whether any event's time is within the span.
    pub(crate) fn meets_times(&self, first: u64, last: u64) -> bool {
        let (least, greatest) = self.header.times;
        first <= greatest && least <= last
    }

    /// Keeps the rows, which count from row `base`, whose kind is one of a set.
    pub(crate) fn retain_kinds(&self, rows: &mut Vec<u32>, base: u32, wanted: &KindSet) {
        let places = |range: &KindRange| self.kinds_within(range.first, range.last);
        let mut kinds = self.column(Section::RowKinds);
        let base = base as usize;
        if let [range] = wanted.ranges() {
            let places = places(range);
            rows.retain(|row| places.contains(&kinds.get_u32(base + *row as usize)));
            return;
        }
        let places: Vec<_> = wanted.ranges().iter().map(places).collect();
        rows.retain(|row| {
            let place = kinds.get_u32(base + *row as usize);
            let at = places.partition_point(|places| places.end <= place);
            places.get(at).is_some_and(|places| places.contains(&place))
        });
    }

    /// The kinds, ascending: read once, as they are few and asked for with each row.
    #[inline]
    fn kinds(&self) -> &[EventKind] {
        self.kinds.get_or_init(|| {
            let kinds = self.numbers(Section::Kinds);
            let bits = (0..self.header.counts.kinds).map(|place| kinds.get_u32(place as usize));
            bits.map(|bits| EventKind::from_bits(u16::try_from(bits).unwrap_or_default()))
                .collect()
        })
    }

    /// The time of a row.
    #[inline]
    pub(crate) fn wall_ms(&self, row: u32) -> u64 {
        self.number(Section::Times, row as usize)
            .unwrap_or_default()
    }

    /// The clock of a row.
    #[inline]
    pub(crate) fn clock(&self, row: u32) -> u32 {
        self.number_u32(Section::Clocks, row as usize)
    }

    /// The position of a row.
    #[inline]
    pub(crate) fn position(&self, row: u32) -> u64 {
        self.number(Section::Positions, row as usize)
            .unwrap_or_default()
    }

    /// The links of a row; `None` where they are the default. O(log links).
    pub(crate) fn link(&self, row: u32) -> Option<Link> {
        if self.header.counts.links == 0 {
            return None;
        }
        let mut rows = self.column(Section::LinkRows);
        let at = partition(self.header.counts.links, |at| rows.get_u32(at) < row);
        (at < self.header.counts.links && rows.get_u32(at as usize) == row)
            .then(|| self.link_at(at))
    }

    /// The links of the linked row at a place.
    fn link_at(&self, place: u32) -> Link {
        let place = place as usize;
        let caused = self.number_u32(Section::Caused, place) == 1;
        Link {
            correlation: self.id_in(Section::Correlations, place),
            causation: caused.then(|| self.id_in(Section::Causations, place)),
        }
    }

    /// How many coordinates there are: entities and scopes, as they occur together.
    #[must_use]
    pub const fn coordinate_count(&self) -> u32 {
        self.header.counts.coordinates
    }

    /// Entity and scope of the coordinate at a place, each by its place.
    pub(super) fn places_of(&self, coordinate: u32) -> (u32, u32) {
        let at = coordinate as usize;
        (
            self.number_u32(Section::CoordinateEntities, at),
            self.number_u32(Section::CoordinateScopes, at),
        )
    }

    /// The entity of the coordinate at a place, by its place.
    pub(crate) fn entity_of(&self, coordinate: u32) -> u32 {
        self.number_u32(Section::CoordinateEntities, coordinate as usize)
    }

    /// The names of the coordinate at a place: entity and scope.
    pub(crate) fn names_at(&self, coordinate: u32) -> (&str, &str) {
        let (entity, scope) = self.places_of(coordinate);
        (
            self.names(NameSort::Entity).get(entity),
            self.names(NameSort::Scope).get(scope),
        )
    }

    /// The coordinate at a place in the order of entities, then scopes; none past the end, or if the
    /// block is damaged. One reference count, but for the first time; of more than 16,384
    /// coordinates that are asked for, and beyond what all blocks of an index may keep
    /// ([`channel_within`](crate::channel_within)), some are made anew each time.
    #[must_use]
    pub fn coordinate(&self, place: u32) -> Option<Coordinate> {
        let count = self.header.counts.coordinates;
        if place >= count {
            return None;
        }
        self.coordinates.get(place, count, || {
            let (entity, scope) = self.names_at(place);
            Coordinate::new(entity, scope).ok()
        })
    }

    /// Keeps coordinates within what `share` has from now on, if none was kept yet.
    pub(crate) fn keep_within(&self, share: &Arc<CacheShare>) {
        self.coordinates.draw_from(share);
    }

    /// Whether the coordinate at a place is kept: its names were looked at then.
    fn is_kept(&self, place: u32) -> bool {
        self.coordinates.has(place)
    }

    /// The hash of the last row of the entity at a place, if it is known.
    pub(crate) fn head_hash(&self, entity: u32) -> Option<Hash> {
        let at = entity as usize;
        if self.number_u32(Section::HeadKnown, at) != 1 {
            return None;
        }
        let hash = self.bytes_at(Section::HeadHashes).item(at);
        let hash = hash.map(Hash::from_bytes);
        // Zeros stand where no hash was known: of the two sections one may be of a block that was
        // made anew, from frames that say all.
        hash.filter(|hash| *hash != Hash::ZERO)
    }

    /// What a tile has.
    pub(crate) fn tile(&self, tile: u32) -> TileMask {
        let mask: Option<[u8; 16]> = self.bytes_at(Section::Tiles).item(tile as usize);
        let Some(mask) = mask else {
            return TileMask::ANY;
        };
        let (words, _) = mask.as_chunks::<8>();
        let word = |at| {
            words
                .get(at)
                .map_or(u64::MAX, |word| u64::from_le_bytes(*word))
        };
        TileMask {
            kinds: word(0),
            scopes: word(1),
        }
    }

    /// Whether no sequence is missing, so that the header alone says which is a row's.
    #[inline]
    const fn is_dense(&self) -> bool {
        let Range { start, end } = self.sequences();
        end.get() - start.get() == self.header.counts.rows as u64
    }

    /// The sequence of a row. O(log gaps in the sequences).
    #[inline]
    pub(crate) fn sequence_of(&self, row: u32) -> Sequence {
        if self.is_dense() {
            return Sequence::new(self.header.first.get() + u64::from(row));
        }
        self.sequence_among_gaps(row)
    }

    fn sequence_among_gaps(&self, row: u32) -> Sequence {
        let (mut sequences, mut rows) = self.runs();
        let after = partition(self.header.counts.runs, |at| rows.get_u32(at) <= row);
        let at = after.saturating_sub(1) as usize;
        let offset = row.saturating_sub(rows.get_u32(at));
        let Range { start, end } = self.sequences();
        let first = sequences.get(at).unwrap_or(start.get());
        let sequence = first.saturating_add(u64::from(offset));
        // What the header says holds, whatever is in a section.
        let last = end.get().saturating_sub(1).max(start.get());
        Sequence::new(sequence.clamp(start.get(), last))
    }

    /// The first of `bound` rows whose sequence is `sequence` or later; `bound` if there is none.
    /// O(log gaps in the sequences).
    pub(crate) fn first_row_from(&self, sequence: u64, bound: u32) -> u32 {
        if self.is_dense() {
            let row = sequence.saturating_sub(self.header.first.get());
            return u32::try_from(row).map_or(bound, |row| row.min(bound));
        }
        let (mut sequences, mut rows) = self.runs();
        let runs = self.header.counts.runs;
        let after = partition(runs, |at| sequences.get(at).unwrap_or(u64::MAX) <= sequence);
        let Some(at) = after.checked_sub(1) else {
            return 0;
        };
        let end = if after < runs {
            rows.get_u32(after as usize).min(bound)
        } else {
            bound
        };
        let first = sequences.get(at as usize).unwrap_or_default();
        let row =
            u64::from(rows.get_u32(at as usize)).saturating_add(sequence - first.min(sequence));
        u32::try_from(row).map_or(end, |row| row.min(end))
    }

    /// The first row after `row` whose sequence does not follow from those before it.
    pub(crate) fn run_end(&self, row: u32) -> u32 {
        if self.is_dense() {
            return self.header.counts.rows;
        }
        let (_, mut rows) = self.runs();
        let after = partition(self.header.counts.runs, |at| rows.get_u32(at) <= row);
        if after < self.header.counts.runs {
            rows.get_u32(after as usize).max(row.saturating_add(1))
        } else {
            self.header.counts.rows
        }
    }

    fn runs(&self) -> (Column<'_>, Column<'_>) {
        (
            self.column(Section::RunSequences),
            self.column(Section::RunRows),
        )
    }

    /// What was found damaged and could not be made anew, once all that says which event a row is, and
    /// whose, was looked at.
    #[inline]
    pub(crate) fn damage_to_row(&self, row: u32) -> Option<&BlockError> {
        if self.named.get().is_none() {
            self.look_at(row);
        }
        self.damage()
    }

    #[inline(never)]
    fn look_at(&self, row: u32) {
        // Relaxed: a count.
        if self.looks.fetch_add(1, Ordering::Relaxed) % LOOKS == LOOKS - 1 {
            let mut sections = SAY_WHOSE.into_iter().chain(RUNS);
            if let Some(section) = sections.find(|section| !self.is_known(*section)) {
                self.check_ahead(section);
            }
        }
        self.sequence_of(row);
        self.id(row);
        let coordinate = self.coordinate_number(row);
        // In a stream the next row is mostly of the same. Whoever sees that its names were looked at sees what
        // damage that found, too.
        if self.last_named.load(Ordering::Acquire) != coordinate && !self.is_kept(coordinate) {
            self.names_at(coordinate);
            self.last_named.store(coordinate, Ordering::Release);
        }
        let is_known = |section: &Section| self.is_known(*section);
        if SAY_WHOSE.iter().all(is_known) && (self.is_dense() || RUNS.iter().all(is_known)) {
            let _ = self.named.set(());
        }
    }
}
