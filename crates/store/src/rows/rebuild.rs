//! The rows of a sealed segment, made anew from its frames: its index block, and where streams end in it.

use super::heads::HeadMap;
use super::replay::{Committed, Replay};
use crate::{Error, ErrorKind};
use std::ops::Range;
use strandline_core::Sequence;
use strandline_index::{IndexLayout, Snapshot, channel_with};
use strandline_segment::{Frame, LogPosition, LogView, SealedFrames, SegmentInfo};

/// The bytes of the block that the footer of a segment should hold. O(events of the segment).
///
/// # Errors
///
/// `Corrupt` if the frames are damaged, `Io` if they cannot be read.
pub(super) fn rebuilt_block(frames: &SealedFrames, layout: IndexLayout) -> Result<Vec<u8>, Error> {
    let (snapshot, _) = replayed_with(frames, layout, |_| Ok(()))?;
    Ok(snapshot.export(sequences(frames))?)
}

/// Where streams end in a segment whose newest event was removed. O(events of the segment).
///
/// # Errors
///
/// As [`rebuilt_block`].
pub(super) fn removed_heads_of(frames: &SealedFrames) -> Result<HeadMap, Error> {
    let replayed = replayed_with(frames, IndexLayout::default(), |_| Ok(()));
    replayed.map(|(_, committed)| committed.removed)
}

/// The rows of a segment, and what its frames say beside them; each is handed to `visit`, too.
pub(super) fn replayed_with(
    frames: &SealedFrames,
    layout: IndexLayout,
    mut visit: impl FnMut(&Frame<'_>) -> Result<(), Error>,
) -> Result<(Snapshot, Committed), Error> {
    replayed_by(frames.end(), layout, |replay| {
        let mut both = |frame: &Frame<'_>| {
            replay.frame(frame)?;
            visit(frame)
        };
        frames.visit(&mut both).map_err(Error::from)
    })
}

/// As [`replayed_with`], of a sealed segment of a log.
pub(super) fn replayed_in(
    log: &LogView,
    info: &SegmentInfo,
    layout: IndexLayout,
) -> Result<(Snapshot, Committed), Error> {
    let active = || Error::new(ErrorKind::Corrupt, "the segment is not sealed");
    let end = info.end().ok_or_else(active)?;
    replayed_by(end, layout, |replay| {
        let scanned = log.scan(end, Some(info.start()), |frame| replay.frame(frame));
        scanned.map(drop).map_err(Error::from)
    })
}

fn replayed_by(
    end: LogPosition,
    layout: IndexLayout,
    visit: impl FnOnce(&mut Replay<'_>) -> Result<(), Error>,
) -> Result<(Snapshot, Committed), Error> {
    let (mut index, reader) = channel_with(layout);
    let mut replay = Replay::new(&mut index);
    visit(&mut replay)?;
    let committed = replay.commit(end);
    Ok((reader.snapshot(), committed))
}

/// The sequences that a segment has.
pub(super) fn sequences(frames: &SealedFrames) -> Range<Sequence> {
    frames.info().start().sequence..frames.end().sequence
}
