//! What a store keeps as the footer of a sealed segment: the newest clock reading, and the index
//! block of the segment's rows.
//!
//! | field | bytes |
//! |---|---|
//! | wall_ms of the newest reading | 8 |
//! | its counter | 4 |
//! | zeros | 4 |
//! | checksum of the bytes before, with no salt, at offset 0 | 8 |
//! | index block | the rest |
//!
//! The block has checksums of its own, section by section, so that it is checked where it is used.

use crate::open::rebuilt_block;
use crate::{Error, ErrorKind};
use std::sync::Arc;
use strandline_core::codec::{DecodeError, Reader, Writer};
use strandline_core::{Hlc, Salt};
use strandline_index::{Block, BlockError, RebuildBlock, Snapshot};
use strandline_segment::{Footer, SealedFrames, SegmentInfo};

const HLC_BYTES: usize = 8 + 4 + 4;
const PREFIX_BYTES: usize = HLC_BYTES + 8;

/// The footer of a sealed segment, all of whose rows are visible since rotation synced them.
///
/// # Errors
///
/// If a block cannot number the rows.
pub(crate) fn encode(
    snapshot: &Snapshot,
    segment: &SegmentInfo,
    newest: Option<Hlc>,
) -> Result<Vec<u8>, BlockError> {
    let newest = newest.unwrap_or_default();
    let first = segment.start().sequence;
    let end = segment.end().map_or(first, |end| end.sequence);
    let mut out = Vec::new();
    let mut writer = Writer::new(&mut out);
    writer.u64(newest.wall_ms());
    writer.u32(newest.counter());
    writer.u32(0);
    let checksum = Salt::NONE.checksum(0, &out);
    Writer::new(&mut out).u64(checksum.0);
    snapshot.export_after(out, first..end)
}

/// The bytes of the block in a footer.
struct BlockInFooter(Footer);

impl AsRef<[u8]> for BlockInFooter {
    fn as_ref(&self) -> &[u8] {
        self.0.as_ref().get(PREFIX_BYTES..).unwrap_or_default()
    }
}

/// The newest clock reading and the block of a sealed segment, from its footer. What is damaged in
/// the block is made anew from the frames when it is used.
///
/// # Errors
///
/// `Corrupt` if the reading or the head of the block is damaged, or the block is of other rows.
pub(crate) fn open(footer: Footer, frames: SealedFrames) -> Result<(Hlc, Block), Error> {
    let newest = newest(footer.as_ref())?;
    let sequences = frames.info().start().sequence..frames.end().sequence;
    let rebuild: RebuildBlock = Box::new(move |layout| {
        let info = frames.info().id();
        tracing::warn!(segment = info.get(), "rebuilding a damaged index block");
        rebuilt_block(&frames, layout).map_err(Into::into)
    });
    let block = Block::open(Arc::new(BlockInFooter(footer)), Some(rebuild))?;
    let held = u64::from(block.rows());
    let all = sequences.end.get() - sequences.start.get().min(sequences.end.get());
    if held != all || (held > 0 && block.sequences() != sequences) {
        return Err(Error::new(
            ErrorKind::Corrupt,
            "the footer holds the rows of another segment",
        ));
    }
    Ok((newest, block))
}

fn newest(footer: &[u8]) -> Result<Hlc, Error> {
    let malformed = |error: DecodeError| {
        Error::new(ErrorKind::Corrupt, "the footer is malformed").with_source(error)
    };
    let mut reader = Reader::new(footer);
    let covered = reader.bytes("HLC", HLC_BYTES).map_err(malformed)?;
    let checksum = reader.u64("checksum of the HLC").map_err(malformed)?;
    if Salt::NONE.checksum(0, covered).0 != checksum {
        return Err(malformed(reader.invalid("HLC", "its checksum is wrong")));
    }
    let mut reader = Reader::new(covered);
    let wall_ms = reader.u64("wall_ms").map_err(malformed)?;
    let counter = reader.u32("HLC counter").map_err(malformed)?;
    Hlc::new(wall_ms, counter)
        .map_err(|_| malformed(reader.invalid("wall_ms", "needs more than 48 bits")))
}
