//! `Block`, opened: its header. Its sections are checked before their first use, and read, elsewhere.

use super::coordinates::KeptCoordinates;
use super::format::{Header, Packed, Section};
use super::known::KnownPieces;
use crate::model::{BlockError, IndexLayout};
use std::error::Error;
use std::fmt;
use std::ops::Range;
use std::sync::{Arc, OnceLock};
use strandline_core::sync::atomic::AtomicU32;
use strandline_core::{EventId, EventKind, Sequence};

/// Bytes of a block, wherever they are: a vector, or a mapped file.
pub type BlockBytes = Arc<dyn AsRef<[u8]> + Send + Sync>;

/// Makes the bytes of a block anew, in the layout that it has, from what it was made of, when some
/// are found damaged.
pub type RebuildBlock =
    Box<dyn Fn(IndexLayout) -> Result<BlockBytes, Box<dyn Error + Send + Sync>> + Send + Sync>;

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
    /// For each section, whether all of it is intact, once that is known. One that is not is never
    /// read again: what was made anew has it.
    pub(super) intact: [OnceLock<bool>; Section::COUNT],
    /// For each section of several pieces, which of them are known to be intact.
    pub(super) pieces: OnceLock<Box<KnownPieces>>,
    pub(super) rebuild: Option<RebuildBlock>,
    pub(super) rebuilt: OnceLock<Option<Box<Self>>>,
    pub(super) damage: OnceLock<BlockError>,
    is_trusted: bool,
    /// There once it is known of all that says of a row whose it is whether it is intact.
    pub(super) named: OnceLock<()>,
    /// How many rows were looked at until then, and the coordinate of the last whose names were.
    pub(super) looks: AtomicU32,
    pub(super) last_named: AtomicU32,
    /// Coordinates that were asked for.
    pub(super) coordinates: KeptCoordinates,
    pub(super) kinds: OnceLock<Box<[EventKind]>>,
    /// One of so many ids, ascending, so that a search looks at few pages of the rest. Filled by the
    /// first search.
    pub(super) fences: OnceLock<Box<[EventId]>>,
}

impl Block {
    /// A block whose header is checked now, and each piece of 4 KiB of a section before its first use.
    ///
    /// `rebuild` is called once if a piece is found damaged, must give a block of the same rows, and
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
            pieces: OnceLock::new(),
            rebuild,
            rebuilt: OnceLock::new(),
            damage: OnceLock::new(),
            is_trusted: false,
            named: OnceLock::new(),
            looks: AtomicU32::new(0),
            last_named: AtomicU32::new(u32::MAX),
            coordinates: KeptCoordinates::default(),
            kinds: OnceLock::new(),
            fences: OnceLock::new(),
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

    /// Whether something of it was found damaged since it was opened, and made anew or not: what was made anew is
    /// in memory as long as the block is.
    #[must_use]
    pub fn was_damaged(&self) -> bool {
        self.rebuilt.get().is_some()
    }

    pub(crate) const fn greatest_id(&self) -> EventId {
        self.header.ids.1
    }

    /// How kinds and scopes are found in it.
    #[must_use]
    pub const fn layout(&self) -> IndexLayout {
        self.header.layout
    }

    /// Says that this process made the block, from rows that it had in memory or from blocks that are
    /// trusted: what it says of events needs no look at the log then.
    #[must_use]
    pub fn trusted(mut self) -> Self {
        self.is_trusted = true;
        self
    }

    /// Whether [`trusted`](Self::trusted) was said of it, and nothing of it was made anew since: from what, is
    /// not known here.
    #[must_use]
    pub fn is_trusted(&self) -> bool {
        self.is_trusted && self.rebuilt.get().is_none()
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
