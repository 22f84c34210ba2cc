//! `Block`, opened: its header at once, its sections before their first use. What the sections say is
//! read elsewhere.

use super::format::{
    CHECKSUM_BYTES, Header, NameList, PIECE_BYTES, Packed, Section, Version, piece_checksum,
    pieces_of, section_checksum,
};
use crate::model::{BlockError, IndexLayout, NameSort};
use std::error::Error;
use std::fmt;
use std::ops::Range;
use std::sync::{Arc, OnceLock};
use strandline_core::{Checksum, Coordinate, EventId, EventKind, Salt, Sequence};

/// Bytes of a block, wherever they are: a vector, or a mapped file.
pub type BlockBytes = Arc<dyn AsRef<[u8]> + Send + Sync>;

/// Makes the bytes of a block anew, in the layout that it has, from what it was made of, when some
/// are found damaged.
pub type RebuildBlock =
    Box<dyn Fn(IndexLayout) -> Result<Vec<u8>, Box<dyn Error + Send + Sync>> + Send + Sync>;

/// The rows of a sealed part of an index, immutable and used straight from bytes.
///
/// [`Snapshot::export`](crate::Snapshot::export) makes the bytes.
/// [`ReplayCursor::attach`](crate::ReplayCursor::attach) adds a block to an index, and
/// [`IndexReader::replace`](crate::IndexReader::replace) puts one in the place of the live rows that
/// it was made of.
///
/// ```
/// use strandline_core::Sequence;
/// use strandline_index::{Block, channel};
///
/// let (writer, reader) = channel();
/// let bytes = reader.snapshot().export(Sequence::ZERO..Sequence::new(10))?;
/// let block = Block::from_vec(bytes)?;
/// assert_eq!(block.rows(), 0);
/// # Ok::<(), strandline_index::BlockError>(())
/// ```
pub struct Block {
    pub(super) bytes: BlockBytes,
    pub(super) header: Header,
    /// For each section, whether it is intact: found out before its first use, and once.
    intact: [OnceLock<bool>; Section::COUNT],
    rebuild: Option<RebuildBlock>,
    rebuilt: OnceLock<Option<Box<Self>>>,
    damage: OnceLock<BlockError>,
    /// Whether the sections that say of a row whose it is were looked at.
    named: OnceLock<()>,
    /// Coordinates that were asked for, each with its place, and at most so many.
    pub(super) coordinates: OnceLock<Box<[KeptCoordinate]>>,
    pub(super) kinds: OnceLock<Box<[EventKind]>>,
    /// One of so many ids, ascending, so that a search looks at few pages of the rest. Filled by the
    /// first search.
    pub(super) fences: OnceLock<Box<[EventId]>>,
}

/// A coordinate with its place.
pub(super) type KeptCoordinate = OnceLock<(u32, Coordinate)>;

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
        let mut sections = Section::ALL.into_iter();
        sections.try_for_each(|section| match self.header.has(section) {
            true => self.check(section),
            false => Ok(()),
        })
    }

    /// How many rows there are.
    #[must_use]
    pub const fn rows(&self) -> u32 {
        self.header.counts.rows
    }

    /// The sequences from that of the first row to that after the last.
    #[must_use]
    pub const fn sequences(&self) -> Range<Sequence> {
        self.header.first..self.header.end
    }

    /// Length in bytes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        (*self.bytes).as_ref().len()
    }

    /// What was found damaged and could not be made anew, if anything was.
    ///
    /// Rows that depend on it are then missing from answers.
    #[must_use]
    pub fn damage(&self) -> Option<&BlockError> {
        self.damage.get()
    }

    pub(crate) const fn greatest_id(&self) -> EventId {
        self.header.ids.1
    }

    /// How kinds and scopes are found in it.
    #[must_use]
    pub const fn layout(&self) -> IndexLayout {
        self.header.layout
    }

    fn check(&self, section: Section) -> Result<(), BlockError> {
        self.check_bytes(section)?;
        match section.sort_of_names() {
            Some(sort) => self.raw_names(sort, self.header.counts.names(sort)).check(),
            None => Ok(()),
        }
    }

    /// Checks that the bytes of a section have the checksums that they should have.
    pub(super) fn check_bytes(&self, section: Section) -> Result<(), BlockError> {
        let expected = self.header.place(section).checksum;
        let agree = |expected: Checksum, found: Checksum| match found == expected {
            true => Ok(()),
            false => Err(BlockError::ChecksumMismatch { expected, found }),
        };
        let bytes = self.bytes_of(section);
        if self.header.version == Version::Whole {
            let found = Salt::NONE.checksum(section.at() as u64, bytes);
            return agree(expected, found);
        }
        if section == Section::PieceChecksums {
            return agree(expected, section_checksum(section, bytes));
        }
        let checksums = self.checksums_of(section);
        agree(
            expected,
            section_checksum(section, checksums.as_flattened()),
        )?;
        for (piece, (bytes, expected)) in bytes.chunks(PIECE_BYTES).zip(checksums).enumerate() {
            let expected = Checksum(u64::from_le_bytes(*expected));
            agree(expected, piece_checksum(section, piece, bytes))?;
        }
        Ok(())
    }

    /// The checksums of the pieces of a section, intact or not.
    pub(super) fn checksums_of(&self, section: Section) -> &[[u8; CHECKSUM_BYTES]] {
        let (all, _) = self.bytes_of(Section::PieceChecksums).as_chunks();
        let first = self.header.pieces_before(section);
        let pieces = pieces_of(self.header.place(section).bytes);
        all.get(first..first + pieces).unwrap_or_default()
    }

    #[inline]
    pub(super) fn bytes_of(&self, section: Section) -> &[u8] {
        let place = self.header.place(section);
        let bytes = (*self.bytes).as_ref();
        bytes
            .get(place.start..place.start + place.bytes)
            .unwrap_or_default()
    }

    /// The numbers of a section as they were given, intact or not.
    #[inline]
    pub(super) fn raw_numbers(&self, section: Section) -> Packed<'_> {
        Packed::new(self.bytes_of(section), self.header.place(section))
    }

    /// The first `count` names of a sort as they were given, intact or not.
    #[inline]
    pub(super) fn raw_names(&self, sort: NameSort, count: u32) -> NameList<'_> {
        let (ends, names) = Section::names_of(sort);
        NameList::new(self.raw_numbers(ends), self.bytes_of(names), count)
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
                let (counts, own) = (&block.header.counts, &self.header.counts);
                let same = block.rows() == self.rows()
                    && block.sequences() == self.sequences()
                    && counts.coordinates == own.coordinates
                    && counts.tags == own.tags
                    && counts.tagged == own.tagged
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
        self.holder(section)
            .map_or(Packed::none(), |block| block.raw_numbers(section))
    }

    /// The names of a sort; none if they are lost.
    pub(crate) fn names(&self, sort: NameSort) -> NameList<'_> {
        self.first_names(sort, self.header.counts.names(sort))
    }

    fn first_names(&self, sort: NameSort, count: u32) -> NameList<'_> {
        // Both from one block: they were checked together.
        let (ends, names) = Section::names_of(sort);
        match self.holder(names) {
            Some(block)
                if block
                    .holder(ends)
                    .is_some_and(|other| std::ptr::eq(other, block)) =>
            {
                block.raw_names(sort, count)
            }
            _ => match self.rebuilt.get().and_then(Option::as_deref) {
                Some(block) => block.first_names(sort, count),
                None => NameList::new(Packed::none(), &[], 0),
            },
        }
    }

    /// What was found damaged and could not be made anew, once all that says of a row which event it
    /// is, and whose, was looked at.
    #[inline]
    pub(crate) fn damage_to_rows(&self) -> Option<&BlockError> {
        self.named.get_or_init(|| {
            for section in [
                Section::RunSequences,
                Section::RunRows,
                Section::Ids,
                Section::Coordinates,
                Section::CoordinateEntities,
                Section::CoordinateScopes,
            ] {
                self.section(section);
            }
            self.names(NameSort::Entity);
            self.names(NameSort::Scope);
        });
        self.damage()
    }
}

impl fmt::Debug for Block {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Block")
            .field("rows", &self.rows())
            .field("sequences", &self.sequences())
            .field("bytes", &self.bytes())
            .finish_non_exhaustive()
    }
}
