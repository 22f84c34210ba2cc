//! What a footer begins with, read back: see [`footer`](super::footer), which writes it.

use super::summary::Summary;
use crate::{Error, ErrorKind};
use std::ops::Range;
use strandline_core::codec::{DecodeError, Reader};
use strandline_core::{Hlc, Salt};

const FIXED_BYTES: usize = 8 + 4 + 4;
/// What comes to that where there is a summary.
const SUMMARY_BYTES: usize = 4 + 4;
const CHECKSUM_BYTES: usize = 8;
/// Set in the length of the list of removed heads where there is a summary.
pub(super) const SUMMARY: u32 = 1 << 31;

/// What a footer says first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FooterHead {
    /// The newest clock reading.
    pub(crate) newest: Hlc,
    /// Where the summary is; nowhere if there is none.
    pub(crate) summary: Range<usize>,
    /// Where the list of removed heads is, behind which the block begins.
    pub(crate) heads: Range<usize>,
}

impl FooterHead {
    /// The summary in the footer that this is the head of.
    ///
    /// # Errors
    ///
    /// `Corrupt` if it is damaged.
    pub(crate) fn summary(&self, footer: &[u8]) -> Result<Summary, Error> {
        let list = footer.get(self.summary.clone()).unwrap_or_default();
        Summary::decode(list).map_err(malformed)
    }
}

fn malformed(error: DecodeError) -> Error {
    Error::new(ErrorKind::Corrupt, "the footer is malformed").with_source(error)
}

/// Reads what a footer says first.
///
/// # Errors
///
/// `Corrupt` if it is damaged.
pub(crate) fn head(footer: &[u8]) -> Result<FooterHead, Error> {
    let mut reader = Reader::new(footer);
    reader.bytes("head", FIXED_BYTES - 4).map_err(malformed)?;
    let sort = reader.u32("length of the heads").map_err(malformed)?;
    let bytes = match sort & SUMMARY {
        0 => FIXED_BYTES,
        _ => FIXED_BYTES + SUMMARY_BYTES,
    };
    let mut reader = Reader::new(footer);
    let covered = reader.bytes("head", bytes).map_err(malformed)?;
    let checksum = reader.u64("checksum of the head").map_err(malformed)?;
    if Salt::NONE.checksum(0, covered).0 != checksum {
        return Err(malformed(reader.invalid("head", "its checksum is wrong")));
    }
    let mut reader = Reader::new(covered);
    let wall_ms = reader.u64("wall_ms").map_err(malformed)?;
    let counter = reader.u32("HLC counter").map_err(malformed)?;
    let heads = reader.u32("length of the heads").map_err(malformed)? & !SUMMARY;
    let (mut summary, mut zeros) = (0, 0);
    if sort & SUMMARY != 0 {
        summary = reader.u32("length of the summary").map_err(malformed)?;
        zeros = reader.u32("zeros").map_err(malformed)?;
    }
    if zeros != 0 || (summary == 0) != (sort & SUMMARY == 0) {
        return Err(malformed(
            reader.invalid("length of the summary", "cannot be"),
        ));
    }
    let after = |start: usize, bytes: u32| {
        start..start.saturating_add(usize::try_from(bytes).unwrap_or(usize::MAX))
    };
    let summary = after(bytes + CHECKSUM_BYTES, summary);
    let heads = after(summary.end, heads);
    let newest = Hlc::new(wall_ms, counter)
        .map_err(|_| malformed(reader.invalid("wall_ms", "needs more than 48 bits")))?;
    if heads.end > footer.len() {
        return Err(malformed(
            reader.invalid("length of the heads", "is past the end"),
        ));
    }
    Ok(FooterHead {
        newest,
        summary,
        heads,
    })
}
