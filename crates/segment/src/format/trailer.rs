//! The trailer of a footer: the last [`TRAILER_BYTES`] of a sealed segment's file, after the bytes of the
//! caller's that stand after the last frame.
//!
//! | field | bytes |
//! |---|---|
//! | log hash at the segment's end | 32 |
//! | length of the footer | 8 |
//! | checksum of the footer, salted with the segment, at the footer's offset | 8 |
//! | magic `STRNDFTR` | 8 |
//! | checksum of the trailer before, salted with the segment, at the trailer's offset | 8 |
//!
//! So a footer can be found without being read, and whoever has checksums of its own in it can check
//! it piece by piece.
//!
//! What stands after the last frame and is no footer of this segment at this end is nothing: space
//! that was set aside, or what was written and never durable.

use super::position::{LogPosition, SegmentId};
use strandline_core::codec::{DecodeError, Reader, Writer};
use strandline_core::{Checksum, Hash, Salt, Sequence};

/// Length of the trailer.
pub const TRAILER_BYTES: usize = 64;
/// What stands before the trailer's checksum.
pub(crate) const TRAILER_MAGIC: &[u8; 8] = b"STRNDFTR";
/// Most bytes of a footer, trailer included: 1 GiB.
pub const FOOTER_BYTES_MAX: u64 = 1 << 30;

/// The trailer after this footer of a segment that ends at `end`.
pub(crate) fn encode_trailer(salt: Salt, end: LogPosition, footer: &[u8]) -> Vec<u8> {
    let offset = u64::from(end.offset);
    let mut trailer = Vec::with_capacity(TRAILER_BYTES);
    let mut out = Writer::new(&mut trailer);
    out.bytes(end.log_hash.as_bytes());
    out.u64(footer.len() as u64);
    out.u64(salt.checksum(offset, footer).0);
    out.bytes(TRAILER_MAGIC);
    let place = offset.saturating_add(footer.len() as u64);
    let checksum = salt.checksum(place, &trailer);
    Writer::new(&mut trailer).u64(checksum.0);
    trailer
}

/// The checksum of the footer of this length, if the bytes after it are a trailer of this
/// segment at this end.
///
/// Others are none: zeros are space that was set aside for frames, and what else may stand there are
/// frames that were never durable, after which the segment was not written on, or the footer of
/// another end.
pub(crate) fn decode_trailer(
    salt: Salt,
    end: &LogPosition,
    footer_bytes: u64,
    trailer: &[u8],
) -> Option<Checksum> {
    let place = u64::from(end.offset) + footer_bytes;
    let (covered, checksum) = trailer.split_last_chunk()?;
    if salt.checksum(place, covered).0 != u64::from_le_bytes(*checksum) {
        return None;
    }
    let mut reader = Reader::new(covered);
    let mut read = || {
        Ok::<_, DecodeError>((
            reader.array::<32>("log hash")?,
            reader.u64("length")?,
            reader.u64("checksum")?,
            reader.array::<8>("magic")?,
        ))
    };
    match read() {
        Ok((hash, length, checksum, magic))
            if hash == *end.log_hash.as_bytes()
                && length == footer_bytes
                && magic == *TRAILER_MAGIC =>
        {
            Some(Checksum(checksum))
        }
        _ => None,
    }
}

/// Where the frames of a segment end, as the trailer at `at` says, if it is one. Not checked.
pub(crate) fn claimed_end(segment: SegmentId, trailer: &[u8], at: u64) -> Option<LogPosition> {
    let mut reader = Reader::new(trailer);
    let log_hash = Hash::from_bytes(reader.array("log hash").ok()?);
    let length = reader.u64("length").ok()?;
    reader.u64("checksum").ok()?;
    let magic: [u8; 8] = reader.array("magic").ok()?;
    let offset = u32::try_from(at.checked_sub(length)?).ok()?;
    (magic == *TRAILER_MAGIC).then_some(LogPosition {
        segment,
        offset,
        last_frame: 0,
        sequence: Sequence::ZERO,
        log_hash,
    })
}
