//! What a store keeps as the footer of a sealed segment: the newest clock reading, and the index
//! block of the segment's rows.
//!
//! | field | bytes |
//! |---|---|
//! | wall_ms of the newest reading | 8 |
//! | its counter | 4 |
//! | index block | the rest |

use crate::{Error, ErrorKind};
use strandline_core::Hlc;
use strandline_core::codec::{DecodeError, Reader, Writer};
use strandline_index::Snapshot;
use strandline_segment::SegmentInfo;

/// The footer of a sealed segment, all of whose rows are visible since rotation synced them.
pub(crate) fn encode(snapshot: &Snapshot, segment: &SegmentInfo, newest: Option<Hlc>) -> Vec<u8> {
    let newest = newest.unwrap_or_default();
    let mut out = Vec::new();
    let mut writer = Writer::new(&mut out);
    writer.u64(newest.wall_ms());
    writer.u32(newest.counter());
    let first = segment.start().sequence;
    let end = segment.end().map_or(first, |end| end.sequence);
    writer.bytes(&snapshot.export(first..end));
    out
}

/// The newest clock reading and the block.
pub(crate) fn decode(bytes: &[u8]) -> Result<(Option<Hlc>, &[u8]), Error> {
    let malformed = |error: DecodeError| {
        Error::new(ErrorKind::Corrupt, "the footer is malformed").with_source(error)
    };
    let mut reader = Reader::new(bytes);
    let wall_ms = reader.u64("wall_ms").map_err(malformed)?;
    let counter = reader.u32("HLC counter").map_err(malformed)?;
    let newest = Hlc::new(wall_ms, counter)
        .map_err(|_| malformed(reader.invalid("wall_ms", "needs more than 48 bits")))?;
    Ok((Some(newest), reader.rest()))
}
