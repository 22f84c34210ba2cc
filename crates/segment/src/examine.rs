//! `Examiner`: what stands in a segment file, piece by piece, in a damaged file too.
//!
//! For tools that show a file or save what is left of it. Decides nothing and changes nothing:
//! what recovery makes of damage is in `recover`.

use crate::error::At;
use crate::file::SegmentFile;
use crate::footer::{self, TRAILER_BYTES};
use crate::format::{COMMIT_BYTES_MAX, SEGMENT_HEADER_BYTES, SegmentHeader};
use crate::frame::{FRAME_HEADER_BYTES, Frame, FrameHeader, FrameRecord, MAGIC, RecordRef};
use crate::{FRAME_ALIGNMENT, LogError, LogPosition, RecordPosition, ScanError, SegmentInfo};
use std::path::Path;
use strandline_core::fs::{Fs, OpenMode};
use strandline_core::{Hash, Sequence};

/// How much is looked through at once.
const PIECE_BYTES: usize = 1 << 20;

/// What stands at a place of a segment.
#[derive(Debug)]
#[non_exhaustive]
pub enum Piece<'a> {
    /// A frame all of whose checksums are right.
    Frame {
        /// The frame.
        frame: Frame<'a>,
        /// Whether it continues the log hash and the sequence of the frame before it; `None` where
        /// that is not known.
        follows: Option<bool>,
    },
    /// The header of a frame whose records are not all right; the records that are come after it. None
    /// of a note.
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
    /// Bytes that are none of these.
    Damaged {
        /// Offset in the file, in bytes.
        offset: u64,
        /// How many.
        bytes: u64,
        /// What is wrong.
        reason: &'static str,
    },
    /// Zeros: space that was set aside.
    Zeros {
        /// Offset in the file, in bytes.
        offset: u64,
        /// How many.
        bytes: u64,
    },
}

/// The footer of a segment, as far as there is one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FooterFound {
    /// None; an active segment has none.
    None,
    /// One that is right.
    Whole {
        /// Offset in the file, in bytes.
        offset: u64,
        /// The bytes of the caller's, without the trailer.
        bytes: Vec<u8>,
    },
    /// One that is not.
    Damaged {
        /// Offset in the file, in bytes.
        offset: u64,
        /// What is wrong.
        reason: String,
    },
}

/// What was said of the file as a whole.
#[derive(Debug, Clone)]
pub struct Examined {
    /// Where the frames end, as far as was found.
    pub end: LogPosition,
    /// Whether every byte was accounted for and every frame follows the one before it.
    pub is_whole: bool,
}

/// An open segment file that is to be looked at.
#[derive(Debug)]
pub struct Examiner {
    header: SegmentHeader,
    /// What is wrong with the header in the file, if what the manifest says is used instead.
    header_problem: Option<LogError>,
    file: SegmentFile,
    /// Where the frames end and the footer begins.
    limit: u64,
    footer: FooterFound,
}

impl Examiner {
    /// Opens a segment file. `known` is what the manifest says of it, which stands in for a header
    /// that is damaged.
    ///
    /// # Errors
    ///
    /// [`LogError::Io`] if it cannot be read; what is wrong with its header, if nothing is known.
    pub fn open(fs: &dyn Fs, path: &Path, known: Option<&SegmentInfo>) -> Result<Self, LogError> {
        let file = fs.open(path, OpenMode::Read).at("open", path)?;
        let mut bytes = vec![0; SEGMENT_HEADER_BYTES as usize];
        let read = file.read_up_to(&mut bytes, 0).at("read", path)?;
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let decoded = SegmentHeader::decode(&name, bytes.get(..read).unwrap_or_default());
        let (header, header_problem) = match (decoded, known) {
            (Ok(header), Some(known)) if header != known.header => {
                let reason = "the file is another segment than the one the MANIFEST lists";
                (known.header, Some(LogError::corrupt(name, 0, reason)))
            }
            (Ok(header), _) => (header, None),
            (Err(error), Some(known)) => (known.header, Some(error)),
            (Err(error), None) => return Err(error),
        };
        let file = SegmentFile::new(&header, path.to_path_buf(), file);
        let (limit, footer) = find_footer(&file, known.and_then(SegmentInfo::end))?;
        Ok(Self {
            header,
            header_problem,
            file,
            limit,
            footer,
        })
    }

    /// The header that checksums are checked with.
    #[must_use]
    pub const fn header(&self) -> &SegmentHeader {
        &self.header
    }

    /// What is wrong with the header in the file; the manifest's is used then.
    #[must_use]
    pub const fn header_problem(&self) -> Option<&LogError> {
        self.header_problem.as_ref()
    }

    /// The footer.
    #[must_use]
    pub const fn footer(&self) -> &FooterFound {
        &self.footer
    }

    /// Where the frames end at most: where the footer begins, or the file ends.
    #[must_use]
    pub const fn limit(&self) -> u64 {
        self.limit
    }

    /// The frame at `offset`, which is whole or not.
    ///
    /// # Errors
    ///
    /// [`LogError::Corrupt`] if there is no right frame header, [`LogError::Io`], and what `visit`
    /// returns.
    pub fn frame_at<E>(
        &self,
        offset: u32,
        mut visit: impl FnMut(Piece<'_>) -> Result<(), E>,
    ) -> Result<(), ScanError<E>> {
        let bytes = self.bytes(u64::from(offset), FRAME_HEADER_BYTES)?;
        let header = FrameHeader::decode(self.file.salt, offset, &bytes)
            .map_err(|reason| LogError::corrupt(self.file.name(), u64::from(offset), reason))?;
        let start = LogPosition {
            segment: self.header.id,
            offset,
            last_frame: 0,
            sequence: header.first_sequence,
            log_hash: Hash::ZERO,
        };
        self.frame(start, header, false, &mut visit).map(drop)
    }

    /// Hands every piece of the file from the first frame to the last to `visit`, in order.
    ///
    /// Memory: the largest frame, or 1 MiB. Linear in the file.
    ///
    /// # Errors
    ///
    /// [`LogError::Io`], and what `visit` returns. Damage is no error: it is a piece.
    pub fn pieces<E>(
        &self,
        mut visit: impl FnMut(Piece<'_>) -> Result<(), E>,
    ) -> Result<Examined, ScanError<E>> {
        let mut position = self.header.start();
        let mut known = true;
        let mut whole = self.header_problem.is_none();
        while u64::from(position.offset) < self.limit {
            let offset = u64::from(position.offset);
            let bytes = self.bytes(offset, FRAME_HEADER_BYTES)?;
            if bytes.iter().all(|byte| *byte == 0) {
                let end = self.end_of_zeros(offset)?;
                let bytes = end - offset;
                visit(Piece::Zeros { offset, bytes }).map_err(ScanError::Visit)?;
                if end >= self.limit {
                    break;
                }
                whole = false;
                position.offset = u32::try_from(end).unwrap_or(u32::MAX);
                known = false;
                continue;
            }
            let decoded = FrameHeader::decode(self.file.salt, position.offset, &bytes);
            let fits = |header: &FrameHeader| {
                let left = self.limit.saturating_sub(offset);
                u64::from(header.frame_bytes) <= left
                    && header.frame_bytes <= COMMIT_BYTES_MAX
                    && header.frame_bytes as usize >= FRAME_HEADER_BYTES
            };
            match decoded {
                Ok(header) if fits(&header) => {
                    whole &= self.frame(position, header, known, &mut visit)?;
                    position = Frame::unchecked(header, position, self.file.salt, &[]).end();
                    known = true;
                }
                other => {
                    whole = false;
                    let reason = other.err().unwrap_or("a frame is longer than what is left");
                    let next = self.next_header(offset)?;
                    let presumed = known.then_some(position.sequence);
                    self.damaged(position, next, presumed, reason, &mut visit)?;
                    position.offset = u32::try_from(next).unwrap_or(u32::MAX);
                    known = false;
                }
            }
        }
        Ok(Examined {
            end: position,
            is_whole: whole,
        })
    }

    /// Visits a frame whose header is right. Gives whether all of it is, and follows if that is known.
    fn frame<E>(
        &self,
        mut start: LogPosition,
        header: FrameHeader,
        known: bool,
        visit: &mut impl FnMut(Piece<'_>) -> Result<(), E>,
    ) -> Result<bool, ScanError<E>> {
        let before = start;
        start.sequence = header.first_sequence;
        let bytes = self.bytes(u64::from(start.offset), header.frame_bytes as usize)?;
        let frame = Frame::unchecked(header, start, self.file.salt, &bytes);
        match frame.check_contents() {
            Ok(mut hasher) => {
                let follows = known.then(|| {
                    header.first_sequence >= before.sequence
                        && frame.log_hash_after(&before.log_hash, &mut hasher) == header.log_hash
                });
                visit(Piece::Frame { frame, follows }).map_err(ScanError::Visit)?;
                Ok(follows != Some(false))
            }
            Err(reason) => {
                let offset = start.offset;
                let piece = Piece::BrokenFrame {
                    offset,
                    header,
                    reason,
                };
                visit(piece).map_err(ScanError::Visit)?;
                if !header.is_note {
                    self.records(&frame, usize::from(header.records), visit)?;
                }
                Ok(false)
            }
        }
    }

    /// Visits a stretch without a right header: a frame's records may be in it.
    fn damaged<E>(
        &self,
        start: LogPosition,
        end: u64,
        presumed: Option<Sequence>,
        reason: &'static str,
        visit: &mut impl FnMut(Piece<'_>) -> Result<(), E>,
    ) -> Result<(), ScanError<E>> {
        let offset = u64::from(start.offset);
        let bytes = end - offset;
        let piece = Piece::Damaged {
            offset,
            bytes,
            reason,
        };
        visit(piece).map_err(ScanError::Visit)?;
        let length = bytes.min(u64::from(COMMIT_BYTES_MAX));
        let (Some(sequence), Ok(length)) = (presumed, usize::try_from(length)) else {
            return Ok(());
        };
        let stretch = self.bytes(offset, length)?;
        let header = FrameHeader {
            frame_bytes: u32::try_from(stretch.len()).unwrap_or(u32::MAX),
            first_sequence: sequence,
            durable_through: Sequence::ZERO,
            records: u16::MAX,
            is_note: false,
            records_checksum: 0,
            log_hash: Hash::ZERO,
        };
        let frame = Frame::unchecked(header, start, self.file.salt, &stretch);
        self.records(&frame, usize::from(u16::MAX), visit)
    }

    /// Visits the records of a frame that are right, each on its own.
    fn records<E>(
        &self,
        frame: &Frame<'_>,
        count: usize,
        visit: &mut impl FnMut(Piece<'_>) -> Result<(), E>,
    ) -> Result<(), ScanError<E>> {
        let mut offset = FRAME_HEADER_BYTES;
        for number in 0..count as u64 {
            let bytes = frame.bytes().get(offset..).unwrap_or_default();
            let Some(claimed) = RecordRef::claimed_bytes(bytes) else {
                break;
            };
            if let (Ok((record, _)), Some(sequence), Some(place)) = (
                frame.record_at(offset),
                frame.first_sequence().checked_add(number),
                u32::try_from(offset)
                    .ok()
                    .and_then(|offset| frame.start().offset.checked_add(offset)),
            ) {
                let position = RecordPosition {
                    segment: self.header.id,
                    offset: place,
                };
                let record = FrameRecord {
                    sequence,
                    position,
                    digest: record.digest,
                    body: record.body,
                };
                visit(Piece::Record(record)).map_err(ScanError::Visit)?;
            }
            // A length that is damaged leads astray, and then no checksum is right.
            let Ok(claimed) = usize::try_from(claimed) else {
                break;
            };
            offset = offset.saturating_add(claimed);
        }
        Ok(())
    }

    fn bytes(&self, offset: u64, count: usize) -> Result<Vec<u8>, LogError> {
        let left = usize::try_from(self.limit.saturating_sub(offset)).unwrap_or(usize::MAX);
        let mut bytes = vec![0; count.min(left)];
        self.file.read(&mut bytes, offset)?;
        Ok(bytes)
    }

    /// Where the zeros from `offset` on end: at a multiple of the alignment, or at the limit.
    fn end_of_zeros(&self, mut offset: u64) -> Result<u64, LogError> {
        while offset < self.limit {
            let piece = self.bytes(offset, PIECE_BYTES)?;
            match piece.iter().position(|byte| *byte != 0) {
                Some(at) => {
                    let aligned = at - at % FRAME_ALIGNMENT as usize;
                    return Ok(offset + aligned as u64);
                }
                None if piece.is_empty() => break,
                None => offset += piece.len() as u64,
            }
        }
        Ok(self.limit)
    }

    /// Offset of the next frame header after `offset` that is right, or the limit.
    fn next_header(&self, offset: u64) -> Result<u64, LogError> {
        let step = FRAME_ALIGNMENT as usize;
        let mut offset = offset + step as u64;
        while offset < self.limit {
            let piece = self.bytes(offset, PIECE_BYTES + FRAME_HEADER_BYTES)?;
            for at in (0..piece.len().min(PIECE_BYTES)).step_by(step) {
                let rest = piece.get(at..).unwrap_or_default();
                let Ok(place) = u32::try_from(offset + at as u64) else {
                    break;
                };
                if rest.starts_with(&MAGIC)
                    && FrameHeader::decode(self.file.salt, place, rest).is_ok()
                {
                    return Ok(u64::from(place));
                }
            }
            offset += PIECE_BYTES as u64;
        }
        Ok(self.limit)
    }
}

/// Where the frames end, and the footer after them. Without a manifest the trailer tells.
fn find_footer(
    file: &SegmentFile,
    end: Option<LogPosition>,
) -> Result<(u64, FooterFound), LogError> {
    let length = file.len()?;
    let end = match end {
        Some(end) => end,
        None => {
            let mut trailer = vec![0; TRAILER_BYTES];
            let Some(at) = length.checked_sub(TRAILER_BYTES as u64) else {
                return Ok((length, FooterFound::None));
            };
            file.read(&mut trailer, at)?;
            match footer::claimed_end(file.id, &trailer, at) {
                Some(end) => end,
                None => return Ok((length, FooterFound::None)),
            }
        }
    };
    let offset = u64::from(end.offset).min(length);
    let found = match footer::read(file, end, false) {
        Ok(None) => FooterFound::None,
        Ok(Some(footer)) if footer.is_intact() => FooterFound::Whole {
            offset,
            bytes: footer.as_ref().to_vec(),
        },
        Ok(Some(_)) => FooterFound::Damaged {
            offset,
            reason: format!("the footer of {} has another checksum", file.name()),
        },
        Err(error @ LogError::Io { .. }) => return Err(error),
        Err(error) => FooterFound::Damaged {
            offset,
            reason: error.to_string(),
        },
    };
    Ok((offset, found))
}
