//! What a footer begins with, read back: see [`footer`](super::footer), which writes it.

use super::summary::Summary;
use crate::{Error, ErrorKind};
use std::ops::Range;
use strandline_core::codec::{DecodeError, Reader};
use strandline_core::{Hlc, Salt};

const FIXED_BYTES: usize = 8 + 4 + 4;
/// What comes to that where there is a summary or a tree section.
const LONG_BYTES: usize = 4 + 4;
const CHECKSUM_BYTES: usize = 8;
/// Set in the length of the list of removed heads where there is a summary or a tree section.
pub(super) const LONG: u32 = 1 << 31;

/// What a footer says first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FooterHead {
    /// The newest clock reading.
    pub(crate) newest: Hlc,
    /// Where the summary is; nowhere if there is none.
    pub(crate) summary: Range<usize>,
    /// Where the list of removed heads is.
    pub(crate) heads: Range<usize>,
    /// Where the index block is.
    pub(crate) block: Range<usize>,
    /// Where the tree section is; nothing at the end if there is none.
    pub(crate) tree: Range<usize>,
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
    let bytes = match sort & LONG {
        0 => FIXED_BYTES,
        _ => FIXED_BYTES + LONG_BYTES,
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
    let heads = reader.u32("length of the heads").map_err(malformed)? & !LONG;
    let (mut summary, mut tree) = (0, 0);
    if sort & LONG != 0 {
        summary = reader.u32("length of the summary").map_err(malformed)?;
        tree = reader.u32("length of the tree").map_err(malformed)?;
        if summary == 0 && tree == 0 {
            let error = reader.invalid("length of the summary", "is 0, as that of the tree");
            return Err(malformed(error));
        }
    }
    let after = |start: usize, bytes: u32| {
        start..start.saturating_add(usize::try_from(bytes).unwrap_or(usize::MAX))
    };
    let summary = after(bytes + CHECKSUM_BYTES, summary);
    let heads = after(summary.end, heads);
    let newest = Hlc::new(wall_ms, counter)
        .map_err(|_| malformed(reader.invalid("wall_ms", "needs more than 48 bits")))?;
    let tree = usize::try_from(tree).unwrap_or(usize::MAX);
    let block_end = footer.len().checked_sub(tree);
    let Some(block_end) = block_end.filter(|end| heads.end <= *end) else {
        return Err(malformed(
            reader.invalid("length of the heads", "is past the end"),
        ));
    };
    Ok(FooterHead {
        newest,
        summary,
        block: heads.end..block_end,
        heads,
        tree: block_end..footer.len(),
    })
}
