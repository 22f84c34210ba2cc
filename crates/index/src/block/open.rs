//! Opening a block: its header at once, its sections before their first use.

use super::format::Header;
use super::names::NameList;
use super::packed::Packed;
use super::{Block, BlockBytes, RebuildBlock, Section};
use crate::BlockError;
use crate::part::NameSort;
use std::sync::{Arc, OnceLock};
use strandline_core::Salt;

impl Block {
    /// A block whose bytes are all checked. O(bytes).
    ///
    /// The bytes may come from anywhere: every length and number in them is checked before use.
    ///
    /// # Errors
    ///
    /// [`BlockError`] if they are not an intact block.
    pub fn from_vec(bytes: Vec<u8>) -> Result<Self, BlockError> {
        let block = Self::open(Arc::new(bytes), None)?;
        block.check_all()?;
        Ok(block)
    }

    /// A block whose header is checked now, and each other section before its first use.
    ///
    /// `rebuild` is called once if a section is found damaged, must give a block of the same rows, and
    /// must not ask this one. If it fails, or there is none, [`damage`](Self::damage) says so. O(1).
    ///
    /// # Errors
    ///
    /// [`BlockError`] if there is no intact header, or the length is not what it says.
    pub fn open(bytes: BlockBytes, rebuild: Option<RebuildBlock>) -> Result<Self, BlockError> {
        let header = Header::decode((*bytes).as_ref())?;
        Ok(Self {
            bytes,
            header,
            intact: [const { OnceLock::new() }; Section::COUNT],
            rebuild,
            rebuilt: OnceLock::new(),
            damage: OnceLock::new(),
            named: OnceLock::new(),
            coordinates: OnceLock::new(),
            kinds: OnceLock::new(),
            fences: OnceLock::new(),
        })
    }

    /// Checks every section. O(bytes).
    ///
    /// # Errors
    ///
    /// [`BlockError`] of the first that is damaged. Nothing is made anew.
    pub fn check_all(&self) -> Result<(), BlockError> {
        Section::ALL.into_iter().try_for_each(|section| {
            self.check(section)?;
            Ok(())
        })
    }

    fn check(&self, section: Section) -> Result<(), BlockError> {
        let place = self.header.place(section);
        let found = Salt::NONE.checksum(section.at() as u64, self.bytes_of(section));
        if found != place.checksum {
            return Err(BlockError::ChecksumMismatch {
                expected: place.checksum,
                found,
            });
        }
        let ends = match section {
            Section::EntityNames => (Section::EntityEnds, self.header.entities),
            Section::ScopeNames => (Section::ScopeEnds, self.header.scopes),
            Section::TagNames => (Section::TagEnds, self.header.tags),
            _ => return Ok(()),
        };
        let packed = Packed::new(self.bytes_of(ends.0), self.header.place(ends.0));
        NameList::new(packed, self.bytes_of(section), ends.1).check()
    }

    #[inline]
    pub(super) fn bytes_of(&self, section: Section) -> &[u8] {
        let place = self.header.place(section);
        let bytes = (*self.bytes).as_ref();
        bytes
            .get(place.start..place.start + place.bytes)
            .unwrap_or_default()
    }

    /// The block that has `section` intact: this one, or the one that was made anew.
    #[inline]
    fn holder(&self, section: Section) -> Option<&Self> {
        match self.intact.get(section.at())?.get() {
            Some(true) => Some(self),
            _ => self.checked_holder(section),
        }
    }

    #[cold]
    fn checked_holder(&self, section: Section) -> Option<&Self> {
        let intact = self.intact.get(section.at())?.get_or_init(|| {
            let checked = self.check(section);
            if let Err(error) = &checked {
                self.make_anew(error);
            }
            checked.is_ok()
        });
        if *intact {
            Some(self)
        } else {
            self.rebuilt.get()?.as_deref()
        }
    }

    fn make_anew(&self, reason: &BlockError) {
        self.rebuilt.get_or_init(|| {
            let made = self.rebuild.as_ref().map_or_else(
                || Err(reason.to_string()),
                |rebuild| rebuild(self.layout()).map_err(|error| format!("{reason}; {error}")),
            );
            let made = made.and_then(|bytes| {
                let block = Self::from_vec(bytes).map_err(|error| error.to_string())?;
                let same = block.rows() == self.rows()
                    && block.sequences() == self.sequences()
                    && block.header.coordinates == self.header.coordinates
                    && block.header.tags == self.header.tags
                    && block.header.tagged == self.header.tagged
                    && block.header.layout == self.header.layout;
                same.then(|| Box::new(block))
                    .ok_or_else(|| format!("{reason}; what was made anew has other rows"))
            });
            match made {
                Ok(block) => Some(block),
                Err(reason) => {
                    let _ = self.damage.set(BlockError::Lost {
                        reason,
                        first: self.header.first,
                        end: self.header.end,
                    });
                    None
                }
            }
        });
    }

    /// The bytes of a section; none if it is lost.
    #[inline]
    pub(super) fn section(&self, section: Section) -> &[u8] {
        self.holder(section)
            .map_or(&[], |block| block.bytes_of(section))
    }

    /// The numbers of a section; none if it is lost.
    #[inline]
    pub(crate) fn numbers(&self, section: Section) -> Packed<'_> {
        self.holder(section).map_or(Packed::none(), |block| {
            Packed::new(block.bytes_of(section), block.header.place(section))
        })
    }

    /// The names of a sort.
    pub(crate) fn names(&self, sort: NameSort) -> NameList<'_> {
        match sort {
            NameSort::Entity => self.name_list(
                Section::EntityEnds,
                Section::EntityNames,
                self.header.entities,
            ),
            NameSort::Scope => {
                self.name_list(Section::ScopeEnds, Section::ScopeNames, self.header.scopes)
            }
            NameSort::Tag => self.name_list(Section::TagEnds, Section::TagNames, self.header.tags),
        }
    }

    fn name_list(&self, ends: Section, names: Section, count: u32) -> NameList<'_> {
        // Both from one block: they were checked together.
        match self.holder(names) {
            Some(block)
                if block
                    .holder(ends)
                    .is_some_and(|other| std::ptr::eq(other, block)) =>
            {
                let packed = Packed::new(block.bytes_of(ends), block.header.place(ends));
                NameList::new(packed, block.bytes_of(names), count)
            }
            _ => match self.rebuilt.get().and_then(Option::as_deref) {
                Some(block) => block.name_list(ends, names, count),
                None => NameList::new(Packed::none(), &[], 0),
            },
        }
    }
}
