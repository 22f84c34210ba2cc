//! Checking the sections of a block, all at once or by pieces before their first use, and the block that
//! has a section where a piece was not intact. What the sections say is read elsewhere.

use super::format::{
    CHECKSUM_BYTES, PIECE_BYTES, Packed, Section, Version, check_names, piece_checksum, pieces_of,
    section_checksum,
};
use super::known::Pieces;
use super::open::Block;
use crate::model::BlockError;
use std::ops::Range;
use std::sync::{Arc, OnceLock};
use strandline_core::{Checksum, Salt};

/// All bytes of a section, however many there are.
const WHOLE: Range<usize> = 0..usize::MAX;

/// How much is checked at once that nobody has asked for: some 4 µs of it.
const AHEAD_BYTES: usize = 64 << 10;

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

    /// Checks every section, and has the block made anew if one is damaged, as whoever reads that would: for
    /// who is about to take away what it is made anew from. O(bytes that nobody has read).
    ///
    /// # Errors
    ///
    /// [`damage`](Self::damage), if it could not be made anew.
    pub fn make_whole(&self) -> Result<(), BlockError> {
        for section in Section::ALL {
            if self.header.has(section) {
                self.section(section);
            }
        }
        self.damage().map_or(Ok(()), |damage| Err(damage.clone()))
    }

    fn check(&self, section: Section) -> Result<(), BlockError> {
        self.check_bytes(section)?;
        if let Some(sort) = section.sort_of_names() {
            let (ends, names) = Section::names_of(sort);
            let count = self.header.counts.names(sort);
            check_names(&self.raw_numbers(ends), self.bytes_of(names), count)?;
        }
        self.note_intact(section);
        Ok(())
    }

    /// Whether all of a section is known to be intact.
    #[inline]
    pub(super) fn is_intact(&self, section: Section) -> bool {
        let intact = self.intact.get(section.at());
        intact.is_some_and(|intact| intact.get() == Some(&true))
    }

    /// Whether the pieces that have these bytes, fewer than a piece has, were found intact: quickly, for who
    /// looks at one place.
    #[inline]
    pub(super) fn has_intact(&self, section: Section, bytes: &Range<usize>) -> bool {
        let Some(known) = self.known_pieces(section) else {
            return false;
        };
        let last = bytes.end.saturating_sub(1) / PIECE_BYTES;
        let is_intact = known.is_intact(bytes.start / PIECE_BYTES) && known.is_intact(last);
        if is_intact && known.is_due() {
            self.check_ahead(section);
        }
        is_intact
    }

    /// What is known of the pieces of a section, if one was looked at.
    #[inline]
    fn known_pieces(&self, section: Section) -> Option<&Pieces> {
        self.pieces.get()?.get(section.at())?.get()?.as_ref()
    }

    /// Whether all of a section is known to be intact, or some of it not to be; also if it has no bytes.
    pub(super) fn is_known(&self, section: Section) -> bool {
        let intact = self.intact.get(section.at());
        intact.is_some_and(|intact| intact.get().is_some()) || self.header.place(section).bytes == 0
    }

    /// The block that has these bytes of a section intact: this one, or the one that was made anew.
    /// With it, which bytes of that section it is known to have intact. None if they are lost.
    pub(super) fn holder(
        &self,
        section: Section,
        bytes: &Range<usize>,
    ) -> Option<(&Self, Range<usize>)> {
        let intact = self.intact.get(section.at())?;
        match intact.get() {
            Some(true) => return Some((self, WHOLE)),
            Some(false) => {}
            None => match self.check_pieces(section, bytes) {
                Ok(checked) => return Some((self, checked)),
                Err(error) => {
                    self.make_anew(&error);
                    let _ = intact.set(false);
                }
            },
        }
        let made = self.rebuilt.get()?.as_deref()?;
        Some((made, WHOLE))
    }

    /// Checks the pieces of a section that have these bytes, and gives which bytes are known to be
    /// intact then.
    fn check_pieces(
        &self,
        section: Section,
        bytes: &Range<usize>,
    ) -> Result<Range<usize>, BlockError> {
        let length = self.header.place(section).bytes;
        let is_one = length <= PIECE_BYTES || self.header.version == Version::Whole;
        if is_one || section == Section::PieceChecksums {
            self.check_bytes(section)?;
            self.note_intact(section);
            return Ok(WHOLE);
        }
        let all = pieces_of(length);
        let sections = self.pieces.get_or_init(|| {
            let none = [const { OnceLock::new() }; Section::COUNT];
            Box::new(none)
        });
        let known = sections.get(section.at()).and_then(|known| {
            let list = || {
                self.check_list(section)
                    .ok()
                    .map(|()| Pieces::new(self.header.pieces_before(section), all))
            };
            known.get_or_init(list).as_ref()
        });
        let Some(known) = known else {
            self.check_list(section)?;
            return Ok(0..0);
        };
        let wanted = bytes.start / PIECE_BYTES..bytes.end.div_ceil(PIECE_BYTES).min(all);
        let checked = self.check_unknown(section, known, wanted.clone())?;
        if checked == 0 && known.is_due() {
            let ahead = known.take_ahead(AHEAD_BYTES / PIECE_BYTES);
            self.check_unknown(section, known, ahead.start.min(all)..ahead.end.min(all))?;
        }
        if wanted.is_empty() {
            return Ok(0..0);
        }
        Ok(wanted.start * PIECE_BYTES..length.min(wanted.end * PIECE_BYTES))
    }

    /// Checks those of these pieces that are not known, and gives how many these were.
    fn check_unknown(
        &self,
        section: Section,
        known: &Pieces,
        pieces: Range<usize>,
    ) -> Result<usize, BlockError> {
        let mut checked = 0;
        for piece in pieces {
            if !known.is_intact(piece) {
                self.check_piece(section, known.first, piece)?;
                checked += 1;
                if known.note(piece) {
                    self.note_intact(section);
                }
            }
        }
        Ok(checked)
    }

    /// Checks of a section some bytes that nobody has asked for: 64 KiB more with each call, up to its end.
    #[inline(never)]
    pub(super) fn check_ahead(&self, section: Section) {
        let start = self
            .known_pieces(section)
            .map_or(0, |known| known.take_ahead(AHEAD_BYTES / PIECE_BYTES).start);
        let start = start.saturating_mul(PIECE_BYTES);
        self.holder(section, &(start..start.saturating_add(AHEAD_BYTES)));
    }

    /// Notes that all of a section is intact.
    pub(super) fn note_intact(&self, section: Section) {
        if let Some(intact) = self.intact.get(section.at()) {
            let _ = intact.set(true);
        }
    }

    /// Checks that all bytes of a section have the checksums that they should have.
    pub(super) fn check_bytes(&self, section: Section) -> Result<(), BlockError> {
        let expected = self.header.place(section).checksum;
        let bytes = self.bytes_of(section);
        match (self.header.version, section) {
            (Version::Whole, _) => agree(expected, Salt::NONE.checksum(section.at() as u64, bytes)),
            (_, Section::PieceChecksums) => agree(expected, section_checksum(section, bytes)),
            _ => {
                self.check_list(section)?;
                let first = self.header.pieces_before(section);
                let mut pieces = 0..pieces_of(bytes.len());
                pieces.try_for_each(|piece| self.check_piece(section, first, piece))
            }
        }
    }

    /// Checks the list of the checksums of a section's pieces.
    fn check_list(&self, section: Section) -> Result<(), BlockError> {
        let list = self.checksums_of(section).as_flattened();
        let expected = self.header.place(section).checksum;
        agree(expected, section_checksum(section, list))
    }

    /// Checks a piece of a section, before which there are `first` pieces of others, against its checksum
    /// in the list.
    fn check_piece(&self, section: Section, first: usize, piece: usize) -> Result<(), BlockError> {
        let expected = self.all_checksums().get(first.saturating_add(piece));
        let expected = Checksum(u64::from_le_bytes(expected.copied().unwrap_or_default()));
        let bytes = self.bytes_of(section).chunks(PIECE_BYTES).nth(piece);
        agree(
            expected,
            piece_checksum(section, piece, bytes.unwrap_or_default()),
        )
    }

    /// The checksums of the pieces of a section, intact or not.
    pub(super) fn checksums_of(&self, section: Section) -> &[[u8; CHECKSUM_BYTES]] {
        let first = self.header.pieces_before(section);
        let pieces = pieces_of(self.header.place(section).bytes);
        let all = self.all_checksums();
        all.get(first..first.saturating_add(pieces))
            .unwrap_or_default()
    }

    /// The checksums of all pieces, intact or not.
    fn all_checksums(&self) -> &[[u8; CHECKSUM_BYTES]] {
        self.bytes_of(Section::PieceChecksums).as_chunks().0
    }

    /// Makes the block anew, once: what was found damaged is `reason`.
    fn make_anew(&self, reason: &BlockError) {
        self.rebuilt.get_or_init(|| {
            let made = self.rebuild.as_ref().map_or_else(
                || Err(reason.to_string()),
                |rebuild| rebuild(self.layout()).map_err(|error| format!("{reason}; {error}")),
            );
            let made = made.and_then(|bytes| {
                let block = Self::open(bytes, None).map_err(|error| error.to_string())?;
                block.check_all().map_err(|error| error.to_string())?;
                let same = block.sequences() == self.sequences()
                    && block.header.counts == self.header.counts
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

    /// All numbers of a section; none if it is lost. O(bytes), the first time.
    #[inline]
    pub(crate) fn numbers(&self, section: Section) -> Packed<'_> {
        if self.is_intact(section) {
            return self.raw_numbers(section);
        }
        self.whole(section)
            .map_or(Packed::none(), |block| block.raw_numbers(section))
    }

    /// All bytes of a section; none if it is lost. O(bytes), the first time.
    pub(super) fn section(&self, section: Section) -> &[u8] {
        self.whole(section)
            .map_or(&[], |block| block.bytes_of(section))
    }

    #[cold]
    fn whole(&self, section: Section) -> Option<&Self> {
        let all = 0..self.header.place(section).bytes;
        self.holder(section, &all).map(|(block, _)| block)
    }
}

fn agree(expected: Checksum, found: Checksum) -> Result<(), BlockError> {
    if found == expected {
        Ok(())
    } else {
        Err(BlockError::ChecksumMismatch { expected, found })
    }
}
