//! Finding names in a block: by its table of fingerprints where it has one, else in their order; one
//! name, or many at once; and coordinates by their names. What is listed under a name is read elsewhere.
//!
//! A lookup waits for memory, not for the processor: so many at once go in steps, each for all of them
//! before the next, and none waits for another.

use super::column::Column;
use super::format::{Section, TableShape, name_hash};
use super::open::Block;
use crate::model::NameSort;
use crate::search::partition_near;
use strandline_core::Coordinate;

/// So many are asked for before they are looked at: their lines fit into the cache next to the processor.
pub(super) const TOGETHER: usize = 256;

/// A name that is looked up in several blocks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct HashedName<'n> {
    pub(crate) name: &'n str,
    hash: u64,
}

impl<'n> HashedName<'n> {
    pub(crate) fn new(name: &'n str) -> Self {
        Self {
            name,
            hash: name_hash(name),
        }
    }

    /// A name whose hash was asked for before.
    pub(crate) const fn hashed(name: &'n str, hash: u64) -> Self {
        Self { name, hash }
    }

    pub(crate) const fn hash(&self) -> u64 {
        self.hash
    }
}

impl Block {
    /// The table of a section, if there is one.
    pub(super) fn table(&self, section: Section) -> Option<(TableShape, Column<'_>)> {
        if self.header.place(section).bytes == 0 {
            return None;
        }
        let entries = self.header.counts.entries(section)?;
        Some((TableShape::of(entries), self.column(section)))
    }

    fn name_table(&self, sort: NameSort) -> Option<(TableShape, Column<'_>)> {
        self.table(Section::table_of(sort)?)
    }

    /// Brings into the cache of the processor what looking an entity up begins with, and waits for nothing:
    /// who asks many blocks one after the other for a name waits for their memory together then.
    #[inline]
    pub(crate) fn ask_for_entity(&self, wanted: &HashedName<'_>) {
        if let Some(entries) = self.header.counts.entries(Section::EntityTable) {
            self.ask_for_home(Section::EntityTable, TableShape::of(entries), wanted.hash);
        }
    }

    /// As [`ask_for_entity`](Self::ask_for_entity), of any table.
    #[inline]
    pub(super) fn ask_for_home(&self, section: Section, shape: TableShape, hash: u64) {
        let home = usize::try_from(shape.home(hash)).unwrap_or(usize::MAX);
        // What is there is looked at again once it is checked.
        std::hint::black_box(self.raw_numbers(section).get(home));
    }

    /// The place of a name. Expected O(1) with a table, O(log names) without.
    pub(crate) fn place_of(&self, sort: NameSort, name: &str) -> Option<u32> {
        self.place_of_hashed(sort, &HashedName::new(name))
    }

    /// As [`place_of`](Self::place_of), of a name that is looked up in several blocks.
    pub(crate) fn place_of_hashed(&self, sort: NameSort, wanted: &HashedName<'_>) -> Option<u32> {
        let Some((shape, mut table)) = self.name_table(sort) else {
            return self.names(sort).find(wanted.name);
        };
        let mut places = shape.candidates(wanted.hash, |at| table.get(at));
        places.find(|place| {
            let mut names = self.names(sort);
            let range = names.range(*place);
            names.is_at(range, wanted.name)
        })
    }

    /// The place of each of these names that there is, with where it stands among them: ascending, and each
    /// once.
    pub(crate) fn find_names(
        &self,
        sort: NameSort,
        wanted: &[HashedName<'_>],
    ) -> Vec<(usize, u32)> {
        let Some((shape, mut table)) = self.name_table(sort) else {
            let names = self.names(sort);
            let found = wanted.iter().enumerate();
            let found = found.filter_map(|(at, wanted)| Some((at, names.find(wanted.name)?)));
            return found.collect();
        };
        let mut found = Vec::new();
        let section = Section::table_of(sort).unwrap_or(Section::EntityTable);
        let mut at = 0;
        for wanted in wanted.chunks(TOGETHER) {
            for wanted in wanted {
                self.ask_for_home(section, shape, wanted.hash);
            }
            for wanted in wanted {
                let places = shape.candidates(wanted.hash, |at| table.get(at));
                found.extend(places.map(|place| (at, place)));
                at += 1;
            }
        }
        if found.is_empty() {
            return found;
        }
        let mut names = self.names(sort);
        let ranges: Vec<_> = found.iter().map(|(_, place)| names.range(*place)).collect();
        let mut ranges = ranges.into_iter();
        found.retain(|(at, _)| {
            let both = wanted.get(*at).zip(ranges.next());
            both.is_some_and(|(wanted, range)| names.is_at(range, wanted.name))
        });
        // A table that lies may have a place twice, or two of the same name.
        found.dedup_by_key(|(at, _)| *at);
        found
    }

    /// The place of a coordinate in the order of entities, then scopes. Expected O(1) where the block
    /// has a table of names, O(log coordinates) else; O(log scopes) of the block more.
    #[must_use]
    pub fn find_coordinate(&self, coordinate: &Coordinate) -> Option<u32> {
        let wanted = (
            self.place_of(NameSort::Entity, coordinate.entity())?,
            self.place_of(NameSort::Scope, coordinate.scope())?,
        );
        let count = self.header.counts.coordinates;
        // Those of an entity stand together: so its newest row leads to them, past the search.
        let newest = self.head(wanted.0, &(0..self.rows()));
        let near = newest.map_or(0, |newest| self.coordinate_number(newest.row));
        let at = partition_near(count, near, |at| self.places_of(at) < wanted);
        (at < count && self.places_of(at) == wanted).then_some(at)
    }
}

#[cfg(test)]
#[cfg(not(strandline_loom))]
mod tests {
    use super::super::builder::BlockBuilder;
    use super::super::format::id_hash;
    use super::*;
    use crate::block::heads::BlockHead;
    use crate::model::{Head, IndexLayout, Row};
    use proptest::prelude::*;
    use std::sync::{Arc, OnceLock};
    use strandline_core::{Coordinate, EventId, EventKind, Hash, Sequence};

    /// Names that nobody chose, or those that all belong in the first slot of a table of up to so many:
    /// then there is none.
    const CHOSEN: u32 = 1 << 25;
    const COUNT: usize = 330;

    fn names(are_chosen: bool) -> &'static [String] {
        static NAMES: [OnceLock<Vec<String>>; 2] = [const { OnceLock::new() }; 2];
        let is_one = |name: &String| !are_chosen || name_hash(name) >> 32 < CHOSEN.into();
        NAMES[usize::from(are_chosen)].get_or_init(|| {
            let names = (0..).map(|number: u32| format!("n:{number}"));
            names.filter(is_one).take(COUNT).collect()
        })
    }

    fn ids(are_chosen: bool) -> &'static [EventId] {
        static IDS: [OnceLock<Vec<EventId>>; 2] = [const { OnceLock::new() }; 2];
        let is_one = |id: &EventId| !are_chosen || id_hash(*id) >> 32 < CHOSEN.into();
        IDS[usize::from(are_chosen)].get_or_init(|| {
            let ids = (1..).map(|number: u128| {
                let id = number.wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835);
                EventId::from_u128(id)
            });
            ids.filter(is_one).take(COUNT).collect()
        })
    }

    struct Event {
        entity: usize,
        id: EventId,
        tag: usize,
    }

    fn head_of(events: &[Event], row: usize) -> BlockHead {
        let entity = events[row].entity;
        let is_newest = events[row + 1..].iter().all(|later| later.entity != entity);
        let number = u64::try_from(row).unwrap();
        let hash = Hash::of(&number.to_le_bytes());
        BlockHead {
            row: u32::try_from(row).unwrap(),
            head: Head {
                sequence: Sequence::new(number * 2),
                clock: u32::try_from(row).unwrap(),
                position: number * 10,
                hash: is_newest.then_some(hash),
            },
        }
    }

    fn block_of(events: &[Event], names: &[String]) -> Arc<Block> {
        let mut builder = BlockBuilder::default();
        for (row, event) in events.iter().enumerate() {
            let BlockHead { head, .. } = head_of(events, row);
            let scope = format!("s{}", row % 3);
            let coordinate = Coordinate::new(names[event.entity].clone(), scope).unwrap();
            let row = Row {
                sequence: head.sequence,
                id: event.id,
                coordinate: builder.intern(&coordinate).unwrap(),
                kind: EventKind::new(1, 1),
                wall_ms: 0,
                clock: head.clock,
                position: head.position,
                correlation: event.id,
                causation: None,
                hash: Some(Hash::of(&(head.position / 10).to_le_bytes())),
            };
            builder.push(&row, &[&names[event.tag]]).unwrap();
        }
        let bytes = builder.build(IndexLayout::Postings, Vec::new()).unwrap();
        Arc::new(Block::from_vec(bytes).unwrap())
    }

    fn is_in_order(block: &Block, names: &[String]) {
        for sort in [NameSort::Entity, NameSort::Scope, NameSort::Tag] {
            let wanted: Vec<_> = names.iter().map(|name| HashedName::new(name)).collect();
            let mut found = block.find_names(sort, &wanted).into_iter().peekable();
            for (at, name) in names.iter().enumerate() {
                let expected = block.names(sort).find(name);
                assert_eq!(block.place_of(sort, name), expected, "{name}");
                let own = found.next_if(|(own, _)| *own == at);
                assert_eq!(own.map(|(_, place)| place), expected, "{name} of many");
            }
            assert_eq!(found.next(), None);
        }
    }

    proptest! {
        #[test]
        fn what_is_found_by_a_table_is_what_is_found_in_order(
            chosen in prop_oneof![
                Just(vec![]),
                proptest::collection::vec((0..300_usize, 0..300_usize), 1..300),
            ],
            (chosen_names, chosen_ids) in (any::<bool>(), any::<bool>()),
            (start, end) in (0..300_u32, 0..300_u32),
        ) {
            let (names, wanted) = (names(chosen_names), ids(chosen_ids));
            let events: Vec<_> = chosen
                .iter()
                .zip(wanted)
                .map(|((entity, tag), id)| Event {
                    entity: *entity,
                    id: *id,
                    tag: *tag,
                })
                .collect();
            let block = block_of(&events, names);
            is_in_order(&block, names);

            let end = end.min(block.rows());
            let rows = start.min(end)..end;
            let within = rows.start as usize..rows.end as usize;
            let expected: Vec<_> = within.clone().zip(rows.clone()).collect();
            prop_assert_eq!(block.find_all(wanted, &rows), expected);
            for (row, id) in (0..).zip(wanted) {
                let row = Some(row).filter(|row| *row < rows.end);
                prop_assert_eq!(block.find(*id, rows.end), row);
            }

            let places: Vec<_> = (0..block.header.counts.entities).collect();
            let heads = block.heads(&places, &rows);
            for (place, head) in places.iter().zip(heads) {
                let name = block.names(NameSort::Entity).get(*place);
                let mut newest_first = within.clone().rev();
                let newest = newest_first.find(|row| names[events[*row].entity] == name);
                prop_assert_eq!(head, newest.map(|row| head_of(&events, row)));
                prop_assert_eq!(block.head(*place, &rows), head);
            }
            for place in 0..block.coordinate_count() {
                let coordinate = block.coordinate(place).unwrap();
                prop_assert_eq!(block.find_coordinate(&coordinate), Some(place));
                let other = Coordinate::new(coordinate.entity(), "none").unwrap();
                prop_assert_eq!(block.find_coordinate(&other), None);
            }
        }
    }

    #[test]
    fn names_and_ids_chosen_to_collide_are_found_in_order() {
        let ids = ids(true).iter().enumerate();
        let events: Vec<_> = ids
            .map(|(at, id)| Event {
                entity: at,
                id: *id,
                tag: at,
            })
            .collect();
        let block = block_of(&events, names(true));
        let bytes = |section| block.header.place(section).bytes;
        assert_eq!(bytes(Section::EntityTable), 0);
        assert_eq!(bytes(Section::TagTable), 0);
        assert_eq!(bytes(Section::IdTable), 0);
        assert_ne!(bytes(Section::IdOrder), 0);
        is_in_order(&block, names(true));
        for (row, event) in (0..).zip(&events) {
            assert_eq!(block.find(event.id, u32::MAX), Some(row));
        }
    }
}
