//! `Walk`: the frames of a segment from a place on, past whatever is damaged, each piece once.
//!
//! Says what stands there and decides nothing. Linear in the bytes: what follows damage is searched for
//! once, in the same pass.

use super::stretch::{Found, Stretch};
use super::window::{Forgives, Window};
use crate::error::{LogError, ScanError};
use crate::files::SegmentFile;
use crate::format::{
    COMMIT_BYTES_MAX, FRAME_ALIGNMENT, FRAME_HEADER_BYTES, Frame, FrameHeader, FrameRecord,
    LogPosition, MAGIC, RUN_IN_OTHERS, RecordPosition,
};
use strandline_core::{Hash, Sequence};

/// What stands at a place of a segment.
#[derive(Debug)]
#[non_exhaustive]
pub enum Piece<'a> {
    /// What is wrong with a file itself, before the pieces that stand in it all the same. Told of the files of a
    /// [`LogView`](crate::LogView) alone; of another one the [`Examiner`](crate::Examiner) says it.
    WrongFile {
        /// What that is.
        problem: &'a LogError,
    },
    /// A frame all of whose checksums are right.
    Frame {
        /// The frame.
        frame: Frame<'a>,
        /// Whether it continues the log hash and the sequence of the frame before it; `None` where
        /// that is not known.
        follows: Option<bool>,
    },
    /// The header of a frame whose records are not all right; its records come after it. None of a note or a
    /// run.
    BrokenFrame {
        /// Offset in the file, in bytes.
        offset: u32,
        /// Its header, which is right.
        header: FrameHeader,
        /// What is wrong.
        reason: &'static str,
    },
    /// A record whose checksum is right, of a frame that is not whole. Where the frame's header is
    /// damaged too, its sequence is what would follow.
    Record(FrameRecord<'a>),
    /// Records that are not right, of a frame whose header says that they were there.
    BrokenRecords {
        /// Sequence of the first of them.
        sequence: Sequence,
        /// How many; more than one where the first hides where the others begin.
        count: u64,
        /// Where the first begins.
        position: RecordPosition,
        /// What is wrong with the first.
        reason: &'static str,
    },
    /// Bytes that are none of these.
    Damaged {
        /// Offset in the file, in bytes.
        offset: u64,
        /// How many.
        bytes: u64,
        /// What is wrong.
        reason: &'static str,
    },
    /// Bytes that the file system does not read. They were taken for zeros, so what stands there was told as
    /// damaged if it was anything else. Comes after all other pieces of its segment.
    Unreadable {
        /// Offset in the file, in bytes.
        offset: u64,
        /// How many.
        bytes: u64,
    },
    /// Zeros up to the end: space that was set aside. Of [`Examiner::pieces_from`](crate::Examiner::pieces_from) up to
    /// what is next.
    Zeros {
        /// Offset in the file, in bytes.
        offset: u64,
        /// How many.
        bytes: u64,
    },
}

/// What was said of the frames as a whole.
#[derive(Debug, Clone)]
pub struct Examined {
    /// Where the frames end, as far as was found.
    pub end: LogPosition,
    /// Whether every byte was accounted for and every frame follows the one before it.
    pub is_whole: bool,
}

/// Goes through the frames of a segment.
#[derive(Debug)]
pub(crate) struct Walk<'a> {
    window: Window<'a>,
    position: LogPosition,
    /// Whether the log up to the position is known, so that what follows can be held against it.
    is_known: bool,
    /// Where the frames end, or the file of a segment that is not sealed.
    limit: u64,
    /// Whether frames must reach the limit.
    is_sealed: bool,
    /// The sequence after the frames that do.
    end_sequence: Option<Sequence>,
    /// After so many bytes without a frame these are told, and it goes on after them.
    stretch_bytes: u64,
    is_whole: bool,
}

/// What is at the position.
enum Next {
    Frame(FrameHeader),
    /// Up to there, and why it is no frame.
    Damage(u64, &'static str),
    /// Nothing but zeros, up to there.
    Zeros(u64),
}

impl<'a> Walk<'a> {
    /// From a place between two frames that is known, up to an offset.
    pub(crate) const fn new(file: &'a SegmentFile, start: LogPosition, limit: u64) -> Self {
        Self {
            window: Window::new(file, limit),
            position: start,
            is_known: true,
            limit,
            is_sealed: false,
            end_sequence: None,
            stretch_bytes: u64::MAX,
            is_whole: true,
        }
    }

    /// Says that frames reach the limit, so that zeros before it are damage, and an end too; and the sequence
    /// after them, if it is known.
    pub(crate) const fn sealed(mut self, end: Option<Sequence>) -> Self {
        self.is_sealed = true;
        self.end_sequence = end;
        self
    }

    /// Says that nothing is known of the log before the place.
    pub(crate) const fn unconnected(mut self) -> Self {
        self.is_known = false;
        self
    }

    /// Tells what is no frame in stretches of so many bytes, so that whoever is told can end the search for the next one.
    pub(crate) const fn in_stretches_of(mut self, bytes: u64) -> Self {
        self.stretch_bytes = bytes;
        self
    }

    /// Goes on past what cannot be read, where that is forgiven, and tells it as a piece of its own, after all others.
    pub(crate) const fn patient(mut self, forgives: Forgives) -> Self {
        self.window.be_patient(forgives);
        self
    }

    /// Hands every piece to `visit`, in order.
    pub(crate) fn run<E>(
        mut self,
        mut visit: impl FnMut(Piece<'_>) -> Result<(), E>,
    ) -> Result<Examined, ScanError<E>> {
        let length = self.window.segment.len()?;
        self.window.until = self.limit.min(length);
        while u64::from(self.position.offset) < self.window.until {
            match self.look()? {
                Next::Frame(header) => self.frame(header, &mut visit)?,
                Next::Damage(end, reason) => self.damaged(end, reason, &mut visit)?,
                Next::Zeros(end) => {
                    let offset = u64::from(self.position.offset);
                    let bytes = end - offset;
                    visit(Piece::Zeros { offset, bytes }).map_err(ScanError::Visit)?;
                    if end >= self.window.until {
                        break;
                    }
                    self.position.offset = u32::try_from(end).unwrap_or(u32::MAX);
                    self.is_known = false;
                }
            }
        }
        let offset = u64::from(self.position.offset).max(self.window.until);
        if self.is_sealed && offset < self.limit {
            self.is_whole = false;
            let piece = Piece::Damaged {
                offset,
                bytes: self.limit - offset,
                reason: "the file is cut short",
            };
            visit(piece).map_err(ScanError::Visit)?;
        }
        for unreadable in self.window.take_unreadable() {
            self.is_whole = false;
            let piece = Piece::Unreadable {
                offset: unreadable.start,
                bytes: unreadable.end - unreadable.start,
            };
            visit(piece).map_err(ScanError::Visit)?;
        }
        Ok(Examined {
            end: self.position,
            is_whole: self.is_whole,
        })
    }

    /// Hands the pieces of the frame at the position to `visit`, whose header is known.
    pub(crate) fn run_one<E>(
        self,
        header: FrameHeader,
        visit: &mut impl FnMut(Piece<'_>) -> Result<(), E>,
    ) -> Result<(), ScanError<E>> {
        self.unconnected().frame(header, visit)
    }

    fn look(&mut self) -> Result<Next, LogError> {
        let offset = u64::from(self.position.offset);
        let left = self.window.until.saturating_sub(offset);
        let salt = self.window.segment.salt;
        let has_runs = self.window.segment.has_runs;
        let bytes = self.window.bytes(offset, FRAME_HEADER_BYTES)?;
        if bytes.iter().all(|byte| *byte == 0) {
            let end = self.stretch_end(offset);
            if !self.is_sealed && self.is_zeros(offset, end)? {
                return Ok(Next::Zeros(end));
            }
            let reason = "there are zeros where frames should be";
            return Ok(Next::Damage(self.next_header(offset)?, reason));
        }
        let reason = match FrameHeader::decode(salt, self.position.offset, bytes) {
            Ok(header) if header.is_run && !has_runs => RUN_IN_OTHERS,
            Ok(header)
                if u64::from(header.frame_bytes) <= left
                    && header.frame_bytes <= COMMIT_BYTES_MAX
                    && header.frame_bytes as usize >= FRAME_HEADER_BYTES =>
            {
                return Ok(Next::Frame(header));
            }
            Ok(_) => "a frame is longer than what is left",
            Err(reason) => reason,
        };
        Ok(Next::Damage(self.next_header(offset)?, reason))
    }

    /// Visits the frame at the position, whose header is right, and goes past it.
    fn frame<E>(
        &mut self,
        header: FrameHeader,
        visit: &mut impl FnMut(Piece<'_>) -> Result<(), E>,
    ) -> Result<(), ScanError<E>> {
        let before = self.position;
        let start = LogPosition {
            sequence: header.first_sequence,
            ..before
        };
        let salt = self.window.segment.salt;
        let bytes = self
            .window
            .bytes(start.offset.into(), header.frame_bytes as usize)?;
        let frame = Frame::unchecked(header, start, salt, bytes);
        match frame.check_contents() {
            Ok(mut hasher) => {
                let follows = self.is_known.then(|| {
                    header.first_sequence >= before.sequence
                        && (!header.is_note || header.first_sequence == before.sequence)
                        && frame.follows(&before.log_hash, &mut hasher)
                });
                self.is_whole &= follows != Some(false);
                visit(Piece::Frame { frame, follows }).map_err(ScanError::Visit)?;
            }
            Err(reason) => {
                self.is_whole = false;
                let piece = Piece::BrokenFrame {
                    offset: start.offset,
                    header,
                    reason,
                };
                visit(piece).map_err(ScanError::Visit)?;
                // Of a run nothing but what it says of itself tells which sequences its records have.
                if !header.is_note && !header.is_run {
                    records(&frame, Some(u64::from(header.records)), true, visit)?;
                }
            }
        }
        self.position = Frame::unchecked(header, start, salt, &[]).end();
        // What a right header says of the log hash is held against what follows.
        self.is_known = true;
        Ok(())
    }

    /// Visits a stretch without a right header, in which records may be, and goes past it.
    fn damaged<E>(
        &mut self,
        end: u64,
        reason: &'static str,
        visit: &mut impl FnMut(Piece<'_>) -> Result<(), E>,
    ) -> Result<(), ScanError<E>> {
        let start = self.position;
        let offset = u64::from(start.offset);
        let bytes = end - offset;
        let piece = Piece::Damaged {
            offset,
            bytes,
            reason,
        };
        visit(piece).map_err(ScanError::Visit)?;
        let length = usize::try_from(bytes.min(u64::from(COMMIT_BYTES_MAX))).unwrap_or(0);
        if self.is_known {
            let count = self.events_before(end)?;
            let salt = self.window.segment.salt;
            let stretch = self.window.bytes(offset, length)?;
            let header = FrameHeader {
                frame_bytes: u32::try_from(stretch.len()).unwrap_or(u32::MAX),
                first_sequence: start.sequence,
                durable_through: Sequence::ZERO,
                records: u16::MAX,
                is_note: false,
                is_run: false,
                records_checksum: 0,
                log_hash: Hash::ZERO,
            };
            let frame = Frame::unchecked(header, start, salt, stretch);
            records(&frame, count, false, &mut |piece| match piece {
                // Without a header nothing says that a record was there.
                Piece::BrokenRecords { .. } => Ok(()),
                other => visit(other),
            })?;
        }
        self.position.offset = u32::try_from(end).unwrap_or(u32::MAX);
        self.is_known = false;
        self.is_whole = false;
        Ok(())
    }

    /// How many events are missing up to `end`, where a frame header is right, or the frames end.
    fn events_before(&mut self, end: u64) -> Result<Option<u64>, LogError> {
        let from = self.position.sequence;
        let salt = self.window.segment.salt;
        let next = if end >= self.limit {
            self.end_sequence
        } else {
            let place = u32::try_from(end).unwrap_or(u32::MAX);
            let bytes = self.window.bytes(end, FRAME_HEADER_BYTES)?;
            let header = FrameHeader::decode(salt, place, bytes);
            header.ok().map(|header| header.first_sequence)
        };
        let after = next.and_then(|next| next.get().checked_sub(from.get()));
        Ok(after.filter(|count| *count <= u64::from(COMMIT_BYTES_MAX)))
    }

    /// Where the stretch ends at most that begins at `offset`.
    fn stretch_end(&self, offset: u64) -> u64 {
        let end = offset.saturating_add(self.stretch_bytes);
        end.min(self.window.until)
    }

    /// Whether nothing but zeros is between two offsets.
    fn is_zeros(&mut self, mut offset: u64, end: u64) -> Result<bool, LogError> {
        while offset < end {
            let piece = self.window.rest(offset, FRAME_HEADER_BYTES)?;
            let left = usize::try_from(end - offset).unwrap_or(usize::MAX);
            if piece.iter().take(left).any(|byte| *byte != 0) {
                return Ok(false);
            }
            if piece.is_empty() {
                break;
            }
            offset += piece.len() as u64;
        }
        Ok(true)
    }

    /// Offset of the next frame header after `offset` that is right, or where the stretch ends.
    fn next_header(&mut self, offset: u64) -> Result<u64, LogError> {
        let step = u64::from(FRAME_ALIGNMENT);
        let salt = self.window.segment.salt;
        let end = self.stretch_end(offset);
        let mut offset = offset + step;
        while offset < end {
            let piece = self.window.rest(offset, FRAME_HEADER_BYTES)?;
            let searched = (piece.len() + 1).saturating_sub(FRAME_HEADER_BYTES).max(1);
            for at in (0..searched).step_by(FRAME_ALIGNMENT as usize) {
                let rest = piece.get(at..).unwrap_or_default();
                let Ok(place) = u32::try_from(offset + at as u64) else {
                    break;
                };
                if u64::from(place) >= end {
                    return Ok(end);
                }
                if rest.starts_with(&MAGIC) && FrameHeader::decode(salt, place, rest).is_ok() {
                    return Ok(u64::from(place));
                }
            }
            offset += (searched as u64).next_multiple_of(step);
        }
        Ok(end)
    }
}

/// Visits the records of a frame, or of bytes whose header is not right, those that are right and those that
/// are not.
fn records<E>(
    frame: &Frame<'_>,
    count: Option<u64>,
    is_framed: bool,
    visit: &mut impl FnMut(Piece<'_>) -> Result<(), E>,
) -> Result<(), ScanError<E>> {
    let mut stretch = Stretch::new(frame, count, is_framed);
    while let Some(found) = stretch.next() {
        let (sequence, position) = match &found {
            Found::Record { number, offset, .. } | Found::Broken { number, offset, .. } => {
                let place = u32::try_from(*offset).ok();
                let place = place.and_then(|place| frame.start().offset.checked_add(place));
                (frame.first_sequence().checked_add(*number), place)
            }
        };
        let (Some(sequence), Some(offset)) = (sequence, position) else {
            break;
        };
        let position = RecordPosition {
            segment: frame.start().segment,
            offset,
        };
        let piece = match found {
            Found::Record { record, .. } => Piece::Record(FrameRecord {
                sequence,
                position,
                digest: record.digest,
                body: record.body,
            }),
            Found::Broken { count, reason, .. } => Piece::BrokenRecords {
                sequence,
                count,
                position,
                reason,
            },
        };
        visit(piece).map_err(ScanError::Visit)?;
    }
    Ok(())
}
