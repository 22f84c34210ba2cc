//! `Input`: the rows of one block that are merged, and which names and kinds are theirs. Writes nothing.

use super::by_key::Lists;
use super::out::Out;
use super::part::MergePart;
use super::sink::MergeError;
use super::used::Used;
use crate::block::format::Section;
use crate::block::open::Block;
use crate::model::{IndexLayout, NameSort};
use crate::search::partition;
use std::ops::Range;
use strandline_core::EventId;

/// Rows between two looks at whether to go on.
const STEP: u32 = 1 << 14;

/// The rows of one block.
pub(super) struct Input<'b> {
    pub(super) block: &'b Block,
    pub(super) rows: Range<u32>,
    /// How many rows the inputs before it have.
    pub(super) before: u32,
    pub(super) coordinates: Used,
    pub(super) entities: Used,
    pub(super) scopes: Used,
    pub(super) kinds: Used,
    pub(super) tags: Used,
    /// Which of the linked rows of the block are its own.
    pub(super) links: Range<u32>,
}

impl<'b> Input<'b> {
    pub(super) fn of(
        part: &'b MergePart,
        rows: Range<u32>,
        before: u32,
        out: &mut Out<'_>,
    ) -> Result<Self, MergeError> {
        let block = &*part.block;
        let counts = &block.header.counts;
        let mut input = Self {
            before,
            coordinates: Used::All(counts.coordinates),
            entities: Used::All(counts.entities),
            scopes: Used::All(counts.scopes),
            kinds: Used::All(counts.kinds),
            tags: Used::All(counts.tags),
            links: 0..counts.links,
            block,
            rows,
        };
        if input.rows.len() < block.rows() as usize {
            input.find_used(out)?;
        }
        Ok(input)
    }

    /// Finds out what the rows have, where they are not all rows of the block.
    fn find_used(&mut self, out: &mut Out<'_>) -> Result<(), MergeError> {
        let counts = &self.block.header.counts;
        self.coordinates = Used::none(counts.coordinates);
        self.entities = Used::none(counts.entities);
        self.scopes = Used::none(counts.scopes);
        self.kinds = Used::none(counts.kinds);
        self.tags = Used::none(counts.tags);
        let of_rows = self.block.numbers(Section::Coordinates);
        let kinds = self.block.numbers(Section::RowKinds);
        for row in self.rows.clone() {
            self.coordinates.insert(of_rows.get_u32(row as usize));
            self.kinds.insert(kinds.get_u32(row as usize));
            if row.is_multiple_of(STEP) {
                out.worked(STEP.into())?;
            }
        }
        let entities = self.block.numbers(Section::CoordinateEntities);
        let scopes = self.block.numbers(Section::CoordinateScopes);
        for coordinate in self.coordinates.places() {
            self.entities.insert(entities.get_u32(coordinate as usize));
            self.scopes.insert(scopes.get_u32(coordinate as usize));
        }
        let lists = self.by_tag();
        for tag in 0..counts.tags {
            if !lists.positions(tag).is_empty() {
                self.tags.insert(tag);
            }
        }
        let linked = self.block.numbers(Section::LinkRows);
        let below = |row: u32| partition(counts.links, |at| linked.get_u32(at) < row);
        let end = below(self.rows.end);
        self.links = below(self.rows.start).min(end)..end;
        Ok(())
    }

    /// Which names of a sort are those of the rows.
    pub(super) const fn used(&self, sort: NameSort) -> &Used {
        match sort {
            NameSort::Entity => &self.entities,
            NameSort::Scope => &self.scopes,
            NameSort::Tag => &self.tags,
        }
    }

    /// The numbers of a section for each of the rows.
    pub(super) fn column(&self, section: Section) -> impl Iterator<Item = u64> + Clone + use<'b> {
        let numbers = self.block.numbers(section);
        let rows = self.rows.start as usize..self.rows.end as usize;
        rows.map(move |row| numbers.get(row).unwrap_or_default())
    }

    /// The bytes of a section that has `size` for each row, those of the rows.
    pub(super) fn bytes(&self, section: Section, of: &Range<u32>, size: usize) -> &'b [u8] {
        let bytes = self.block.section(section);
        bytes
            .get(of.start as usize * size..of.end as usize * size)
            .unwrap_or_default()
    }

    fn lists(&self, sections: (Section, Section), most: u32) -> Lists<'b> {
        Lists::of(self.block, sections, most, self.rows.clone(), self.before)
    }

    /// The lists of the rows by entity.
    pub(super) fn by_entity(&self) -> Lists<'b> {
        self.lists(Section::rows_of(NameSort::Entity), self.block.rows())
    }

    /// The lists of the rows by tag.
    pub(super) fn by_tag(&self) -> Lists<'b> {
        let tagged = self.block.header.counts.tagged;
        self.lists(Section::rows_of(NameSort::Tag), tagged)
    }

    /// The lists of the rows by scope. Takes 4 bytes a row where the layout has none.
    pub(super) fn by_scope(&self) -> Lists<'b> {
        if self.block.layout() == IndexLayout::Postings {
            return self.lists(Section::rows_of(NameSort::Scope), self.block.rows());
        }
        let scopes = self.block.numbers(Section::CoordinateScopes);
        let keys = self.column(Section::Coordinates);
        let keys = keys.map(move |at| scopes.get_u32(usize::try_from(at).unwrap_or(usize::MAX)));
        Lists::made(
            self.block.header.counts.scopes,
            keys,
            self.rows.clone(),
            self.before,
        )
    }

    /// The lists of the rows by kind. Takes 4 bytes a row where the layout has none.
    pub(super) fn by_kind(&self) -> Lists<'b> {
        if self.block.layout() == IndexLayout::Postings {
            let sections = (Section::KindRowEnds, Section::KindRows);
            return self.lists(sections, self.block.rows());
        }
        let keys = self.column(Section::RowKinds);
        let keys = keys.map(|kind| u32::try_from(kind).unwrap_or(u32::MAX));
        Lists::made(
            self.block.header.counts.kinds,
            keys,
            self.rows.clone(),
            self.before,
        )
    }

    /// The number that the row of the block has among all.
    pub(super) const fn merged(&self, row: u32) -> u64 {
        row.saturating_sub(self.rows.start) as u64 + self.before as u64
    }

    /// The rows by ascending id, then row, as the block numbers them.
    ///
    /// Takes 4 bytes a row where ids do not ascend and the block has no order of them.
    pub(super) fn by_id(&self) -> impl Iterator<Item = (EventId, u32)> + use<'b> {
        let block = self.block;
        let own = self.rows.clone();
        let order = block.numbers(Section::IdOrder);
        let is_kept = !block.section(Section::IdOrder).is_empty();
        let mut sorted: Option<Vec<u32>> = None;
        if !is_kept && !self.rows.clone().is_sorted_by_key(|row| block.id(row)) {
            let mut rows: Vec<u32> = self.rows.clone().collect();
            rows.sort_by_key(|row| block.id(*row));
            sorted = Some(rows);
        }
        let places = if is_kept {
            0..block.rows()
        } else {
            own.clone()
        };
        places
            .map(move |place| match &sorted {
                Some(rows) => {
                    let at = place.saturating_sub(own.start) as usize;
                    rows.get(at).copied().unwrap_or_default()
                }
                None if is_kept => order.get_u32(place as usize),
                None => place,
            })
            .filter({
                let own = self.rows.clone();
                move |row| own.contains(row)
            })
            .map(move |row| (block.id(row), row))
    }
}
