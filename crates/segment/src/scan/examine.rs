//! `Examiner`: what stands in a segment file, piece by piece, in a damaged file too.
//!
//! For tools that show a file or save what is left of it. Decides nothing and changes nothing:
//! what recovery makes of damage is in `open`.

use super::pieces::{Examined, Piece, Walk};
use super::window::Forgives;
use crate::error::{At, LogError, ScanError};
use crate::files::{LastFrame, SegmentFile, last_frame, read_footer, read_header};
use crate::format::{
    FRAME_ALIGNMENT, FRAME_HEADER_BYTES, FrameHeader, LogPosition, MAGIC, SegmentHeader,
    SegmentInfo, TRAILER_BYTES, claimed_end,
};
use std::path::Path;
use strandline_core::fs::{Fs, OpenMode};
use strandline_core::{Hash, Sequence};

/// After so many bytes without a frame whoever wants a few pieces is told of them.
const STRETCH_BYTES: u64 = 4 << 20;

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

/// An open segment file that is to be looked at.
#[derive(Debug)]
pub struct Examiner {
    header: SegmentHeader,
    /// What is wrong with the file itself, if something is.
    file_problem: Option<LogError>,
    file: SegmentFile,
    /// Where the frames end and the footer begins.
    limit: u64,
    /// Where they end as the manifest or a footer says.
    sealed_end: Option<u64>,
    /// The sequence there, as the manifest says.
    end_sequence: Option<Sequence>,
    footer: FooterFound,
    forgives: Forgives,
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
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let (header, mut file_problem) = match (read_header(&*file, path, &name), known) {
            (Ok(header), Some(known)) if header != known.header => {
                let reason = "the file is another segment than the one the MANIFEST lists";
                (known.header, Some(LogError::corrupt(name, 0, reason)))
            }
            (Ok(header), _) => (header, None),
            (Err(error), Some(known)) => (known.header, Some(error)),
            (Err(error), None) => return Err(error),
        };
        let file = SegmentFile::new(&header, path.to_path_buf(), file);
        if let Some(end) = known.and_then(SegmentInfo::end)
            && file_problem.is_none()
            // What the disk does not give back is told by who goes through the frames.
            && let Ok(LastFrame::Other(error)) = last_frame(&file, &end)
        {
            file_problem = Some(error);
        }
        let (sealed_end, footer) = find_footer(&file, known.and_then(SegmentInfo::end))?;
        let length = file.len()?;
        Ok(Self {
            header,
            file_problem,
            file,
            limit: sealed_end.unwrap_or(length).min(length),
            sealed_end,
            end_sequence: known.and_then(SegmentInfo::end).map(|end| end.sequence),
            footer,
            forgives: |_| false,
        })
    }

    /// The header that checksums are checked with.
    #[must_use]
    pub const fn header(&self) -> &SegmentHeader {
        &self.header
    }

    /// What is known of the segment without a manifest: where it begins.
    #[must_use]
    pub const fn info(&self) -> SegmentInfo {
        SegmentInfo {
            header: self.header,
            end: None,
        }
    }

    /// What is wrong with the file itself, whatever its frames are: with its header, in whose place that of the
    /// manifest is used, or that it has another last frame than the manifest says.
    #[must_use]
    pub const fn file_problem(&self) -> Option<&LogError> {
        self.file_problem.as_ref()
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
    /// [`LogError::NoFrame`] if none begins there, [`LogError::Corrupt`] if its header is wrong,
    /// [`LogError::Io`], and what `visit` returns.
    pub fn frame_at<E>(
        &self,
        offset: u32,
        mut visit: impl FnMut(Piece<'_>) -> Result<(), E>,
    ) -> Result<(), ScanError<E>> {
        let mut bytes = vec![0; FRAME_HEADER_BYTES];
        self.file.read(&mut bytes, u64::from(offset))?;
        if !bytes.starts_with(&MAGIC) {
            let file = self.file.name().to_owned();
            return Err(LogError::NoFrame { file, offset }.into());
        }
        let header = FrameHeader::decode(self.file.salt, offset, &bytes)
            .map_err(|reason| LogError::corrupt(self.file.name(), u64::from(offset), reason))?;
        let start = LogPosition {
            segment: self.header.id,
            offset,
            last_frame: 0,
            sequence: header.first_sequence,
            log_hash: Hash::ZERO,
        };
        let end = u64::from(offset) + u64::from(header.frame_bytes);
        let walk = Walk::new(&self.file, start, end.min(self.limit));
        walk.run_one(header, &mut visit)
    }

    /// Hands the pieces of the file from `offset` on to `visit`, in order: as [`pieces`](Self::pieces), without the frames
    /// before it. What is no frame there is damaged up to the next one, or zeros. Whether the first frame follows the one
    /// before is not known, unless it is the first of the segment.
    ///
    /// Memory: the largest frame, or 1 MiB. Linear in what is visited: damage and zeros of more than 4 MiB come as
    /// several pieces, so that `visit` can end the search for what is behind them.
    ///
    /// # Errors
    ///
    /// As [`pieces`](Self::pieces).
    pub fn pieces_from<E>(
        &self,
        offset: u32,
        visit: impl FnMut(Piece<'_>) -> Result<(), E>,
    ) -> Result<(), ScanError<E>> {
        let first = self.header.start();
        let is_first = offset <= first.offset;
        let Some(offset) = offset.checked_next_multiple_of(FRAME_ALIGNMENT) else {
            return Ok(());
        };
        let start = LogPosition {
            offset,
            last_frame: 0,
            sequence: Sequence::ZERO,
            log_hash: Hash::ZERO,
            ..first
        };
        let start = if is_first { first } else { start };
        let walk = self.walk(start).in_stretches_of(STRETCH_BYTES);
        let walk = if is_first { walk } else { walk.unconnected() };
        walk.run(visit).map(|_| ())
    }

    /// Goes on past what the file system does not read: it is taken for zeros, and told as
    /// [`Piece::Unreadable`], after all others.
    #[must_use]
    pub const fn patient(self) -> Self {
        self.forgiving(|_| true)
    }

    /// As [`patient`](Self::patient), of some failures alone.
    pub(crate) const fn forgiving(mut self, forgives: Forgives) -> Self {
        self.forgives = forgives;
        self
    }

    /// Hands every piece of the file from the first frame to the last to `visit`, in order.
    ///
    /// Memory: the largest frame, or 1 MiB. Linear in the file.
    ///
    /// # Errors
    ///
    /// [`LogError::Io`] unless it is [`patient`](Self::patient), and what `visit` returns. Damage is no
    /// error: it is a piece.
    pub fn pieces<E>(
        &self,
        visit: impl FnMut(Piece<'_>) -> Result<(), E>,
    ) -> Result<Examined, ScanError<E>> {
        let mut examined = self.walk(self.header.start()).run(visit)?;
        examined.is_whole &= self.file_problem.is_none();
        Ok(examined)
    }

    fn walk(&self, start: LogPosition) -> Walk<'_> {
        let end = self.sealed_end.unwrap_or(self.limit);
        let mut walk = Walk::new(&self.file, start, end);
        if self.sealed_end.is_some() {
            walk = walk.sealed(self.end_sequence);
        }
        walk.patient(self.forgives)
    }
}

/// Where the frames end, and the footer after them. Without a manifest the trailer tells.
fn find_footer(
    file: &SegmentFile,
    end: Option<LogPosition>,
) -> Result<(Option<u64>, FooterFound), LogError> {
    let length = file.len()?;
    let is_listed = end.is_some();
    let end = match end {
        Some(end) => end,
        None => {
            let mut trailer = vec![0; TRAILER_BYTES];
            let Some(at) = length.checked_sub(TRAILER_BYTES as u64) else {
                return Ok((None, FooterFound::None));
            };
            if file.read(&mut trailer, at).is_err() {
                return Ok((None, FooterFound::None));
            }
            match claimed_end(file.id, &trailer, at) {
                Some(end) => end,
                None => return Ok((None, FooterFound::None)),
            }
        }
    };
    let offset = u64::from(end.offset);
    let found = match read_footer(file, end, false) {
        // Bytes that look like a trailer and are none.
        Ok(None) if !is_listed => return Ok((None, FooterFound::None)),
        Ok(None) => FooterFound::None,
        Ok(Some(footer)) if footer.is_intact() => FooterFound::Whole {
            offset,
            bytes: footer.as_ref().to_vec(),
        },
        Ok(Some(_)) => FooterFound::Damaged {
            offset,
            reason: format!("the footer of {} has another checksum", file.name()),
        },
        Err(error) => FooterFound::Damaged {
            offset,
            reason: error.to_string(),
        },
    };
    Ok((Some(offset), found))
}
