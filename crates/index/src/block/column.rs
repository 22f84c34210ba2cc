//! `Column` and `Bytes`: reading a section at any place, of which no more is checked than is read. What
//! the numbers and bytes mean is not here.

use super::format::{Packed, Section};
use super::open::Block;
use std::ops::Range;
use strandline_core::EventId;

/// Numbers of a section, each checked before it is given.
#[derive(Clone)]
pub(crate) struct Column<'a> {
    block: &'a Block,
    section: Section,
    numbers: Packed<'a>,
    /// Which of them are known to be intact, or lost.
    checked: Range<usize>,
}

impl<'a> Column<'a> {
    /// Numbers that were checked, or that need not be intact.
    pub(super) fn unchecked(block: &'a Block, section: Section) -> Self {
        Self {
            block,
            section,
            numbers: block.raw_numbers(section),
            checked: 0..usize::MAX,
        }
    }

    /// The number at `at`; `None` past the end, and if it is lost.
    #[inline]
    pub(crate) fn get(&mut self, at: usize) -> Option<u64> {
        if !self.checked.contains(&at) {
            self.check(at);
        }
        self.numbers.get(at)
    }

    /// As [`Packed::get_u32`].
    #[inline]
    pub(crate) fn get_u32(&mut self, at: usize) -> u32 {
        let number = self.get(at);
        number
            .and_then(|number| u32::try_from(number).ok())
            .unwrap_or(0)
    }

    #[inline(never)]
    fn check(&mut self, at: usize) {
        let Some(bytes) = self.numbers.bytes_at(at) else {
            // None is there, or it takes no byte.
            return;
        };
        match self.block.holder(self.section, &bytes) {
            Some((holder, checked)) => {
                self.numbers = holder.raw_numbers(self.section);
                self.checked = self.numbers.within(&checked);
            }
            None => {
                self.numbers = Packed::none();
                self.checked = 0..usize::MAX;
            }
        }
    }
}

/// Bytes of a section, each checked before it is given.
#[derive(Clone)]
pub(crate) struct Bytes<'a> {
    block: &'a Block,
    section: Section,
    bytes: &'a [u8],
    /// Which of them are known to be intact, or lost.
    checked: Range<usize>,
}

impl<'a> Bytes<'a> {
    /// Bytes that were checked, or that need not be intact.
    pub(super) fn unchecked(block: &'a Block, section: Section) -> Self {
        Self {
            block,
            section,
            bytes: block.bytes_of(section),
            checked: 0..usize::MAX,
        }
    }

    /// The bytes of a range; `None` past the end, and if they are lost.
    #[inline]
    pub(crate) fn get(&mut self, range: Range<usize>) -> Option<&'a [u8]> {
        if range.start < self.checked.start || range.end > self.checked.end {
            self.check(&range);
        }
        self.bytes.get(range)
    }

    /// Item `at` of items of `N` bytes.
    #[inline]
    pub(crate) fn item<const N: usize>(&mut self, at: usize) -> Option<[u8; N]> {
        let start = at.checked_mul(N)?;
        let item = self.get(start..start.checked_add(N)?)?;
        item.first_chunk().copied()
    }

    /// The id at `at` of ids; zeros where there is none.
    #[inline]
    pub(crate) fn id(&mut self, at: usize) -> EventId {
        EventId::from_u128(u128::from_le_bytes(self.item(at).unwrap_or_default()))
    }

    #[inline(never)]
    fn check(&mut self, range: &Range<usize>) {
        match self.block.holder(self.section, range) {
            Some((holder, checked)) => {
                self.bytes = holder.bytes_of(self.section);
                self.checked = checked;
            }
            None => {
                self.bytes = &[];
                self.checked = 0..usize::MAX;
            }
        }
    }
}

impl Block {
    /// The numbers of a section, to be read at many places.
    #[inline]
    pub(crate) fn column(&self, section: Section) -> Column<'_> {
        let mut column = Column::unchecked(self, section);
        if !self.is_intact(section) {
            column.checked = 0..0;
        }
        column
    }

    /// The numbers of a section for whoever reads those at `places` and no others: these are checked now, and
    /// none if one of them is lost. O(bytes that nobody has read).
    pub(crate) fn numbers_at(&self, section: Section, places: &Range<usize>) -> Packed<'_> {
        if self.is_intact(section) || places.is_empty() {
            return self.raw_numbers(section);
        }
        self.checked_numbers(section, places)
    }

    #[inline(never)]
    fn checked_numbers(&self, section: Section, places: &Range<usize>) -> Packed<'_> {
        let numbers = self.raw_numbers(section);
        let first = numbers.bytes_at(places.start);
        let last = numbers.bytes_at(places.end.saturating_sub(1));
        let Some((first, last)) = first.zip(last) else {
            // They take no byte.
            return numbers;
        };
        match self.holder(section, &(first.start..last.end)) {
            Some((holder, _)) => holder.raw_numbers(section),
            None => Packed::none(),
        }
    }

    /// The bytes of a section, to be read at many places.
    #[inline]
    pub(crate) fn bytes_at(&self, section: Section) -> Bytes<'_> {
        let mut bytes = Bytes::unchecked(self, section);
        if !self.is_intact(section) {
            bytes.checked = 0..0;
        }
        bytes
    }

    /// A number of a section; `None` past the end, and if it is lost.
    #[inline]
    pub(crate) fn number(&self, section: Section, at: usize) -> Option<u64> {
        if self.is_intact(section) {
            return self.raw_numbers(section).get(at);
        }
        self.checked_number(section, at)
    }

    #[inline(never)]
    fn checked_number(&self, section: Section, at: usize) -> Option<u64> {
        let numbers = self.raw_numbers(section);
        if let Some(bytes) = numbers.bytes_at(at)
            && self.has_intact(section, &bytes)
        {
            return numbers.get(at);
        }
        self.column(section).get(at)
    }

    /// As [`Packed::get_u32`].
    #[inline]
    pub(crate) fn number_u32(&self, section: Section, at: usize) -> u32 {
        let number = self.number(section, at);
        number
            .and_then(|number| u32::try_from(number).ok())
            .unwrap_or(0)
    }

    /// The id at a place of a section of ids; zeros where there is none.
    #[inline]
    pub(crate) fn id_in(&self, section: Section, at: usize) -> EventId {
        if self.is_intact(section) {
            return id_at(self.bytes_of(section), at);
        }
        self.checked_id(section, at)
    }

    #[inline(never)]
    fn checked_id(&self, section: Section, at: usize) -> EventId {
        let start = at.saturating_mul(ID_BYTES);
        if self.has_intact(section, &(start..start.saturating_add(ID_BYTES))) {
            return id_at(self.bytes_of(section), at);
        }
        self.bytes_at(section).id(at)
    }
}

/// Length of an id.
const ID_BYTES: usize = 16;

/// The 16 bytes at `at` of a section, as an id.
#[inline]
pub(super) fn id_at(section: &[u8], at: usize) -> EventId {
    let (ids, _) = section.as_chunks::<16>();
    let id = ids.get(at).copied().unwrap_or_default();
    EventId::from_u128(u128::from_le_bytes(id))
}
