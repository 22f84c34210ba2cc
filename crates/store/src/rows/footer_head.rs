//! What a footer begins with, read back: see [`footer`](super::footer), which writes it.

use crate::{Error, ErrorKind};
use std::ops::Range;
use strandline_core::codec::{DecodeError, Reader};
use strandline_core::{Hlc, Salt};

const HEAD_BYTES: usize = 8 + 4 + 4;
const PREFIX_BYTES: usize = HEAD_BYTES + 8;

/// The newest reading, and where the list of removed heads is.
pub(crate) fn head(footer: &[u8]) -> Result<(Hlc, Range<usize>), Error> {
    let malformed = |error: DecodeError| {
        Error::new(ErrorKind::Corrupt, "the footer is malformed").with_source(error)
    };
    let mut reader = Reader::new(footer);
    let covered = reader.bytes("head", HEAD_BYTES).map_err(malformed)?;
    let checksum = reader.u64("checksum of the head").map_err(malformed)?;
    if Salt::NONE.checksum(0, covered).0 != checksum {
        return Err(malformed(reader.invalid("head", "its checksum is wrong")));
    }
    let mut reader = Reader::new(covered);
    let wall_ms = reader.u64("wall_ms").map_err(malformed)?;
    let counter = reader.u32("HLC counter").map_err(malformed)?;
    let heads = reader.u32("length of the heads").map_err(malformed)?;
    let heads = usize::try_from(heads).unwrap_or(usize::MAX);
    let heads = PREFIX_BYTES..PREFIX_BYTES.saturating_add(heads);
    let newest = Hlc::new(wall_ms, counter)
        .map_err(|_| malformed(reader.invalid("wall_ms", "needs more than 48 bits")))?;
    if heads.end > footer.len() {
        return Err(malformed(
            reader.invalid("length of the heads", "is past the end"),
        ));
    }
    Ok((newest, heads))
}
