//! The index block of a sealed segment, made anew from its frames.

use super::replay::Replay;
use crate::Error;
use strandline_index::{IndexLayout, channel_with};
use strandline_segment::SealedFrames;

/// The bytes of the block that the footer of a segment should hold. O(events of the segment).
///
/// # Errors
///
/// `Corrupt` if the frames are damaged, `Io` if they cannot be read.
pub(crate) fn rebuilt_block(frames: &SealedFrames, layout: IndexLayout) -> Result<Vec<u8>, Error> {
    let (mut index, reader) = channel_with(layout);
    let mut replay = Replay::new(&mut index);
    if let Err(error) = frames.visit(|frame| replay.frame(frame)) {
        replay.abort();
        return Err(error.into());
    }
    replay.commit(frames.end());
    let sequences = frames.info().start().sequence..frames.end().sequence;
    Ok(reader.snapshot().export(sequences)?)
}
