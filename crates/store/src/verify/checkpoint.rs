//! The checkpoint on the disk, to be held against the frames of its segment. Compares no rows.

use super::problem::Problem;
use super::rows::SegmentRows;
use crate::engine::Shared;
use crate::rows::checkpoint::{self, Restored};
use crate::{Error, ErrorKind};
use strandline_core::Hlc;
use strandline_index::Block;
use strandline_segment::{LogPosition, SegmentInfo};

/// A checkpoint that is whole, by its checksums.
#[derive(Debug)]
pub(super) struct StoredCheckpoint {
    pub(super) file: String,
    pub(super) restored: Restored,
}

/// The newest checkpoint, and what is wrong with those that cannot be used. Told before the log's end
/// is asked for, so that it is not behind the checkpoint.
///
/// # Errors
///
/// `Io` if they cannot be listed.
pub(super) fn newest(shared: &Shared) -> Result<(Option<StoredCheckpoint>, Vec<Problem>), Error> {
    let newest =
        strandline_checkpoint::newest(&*shared.options.fs, &shared.dir).map_err(|error| {
            Error::new(ErrorKind::Io, "the checkpoints cannot be listed").with_source(error)
        })?;
    let discarded = newest.discarded.into_iter();
    let mut problems: Vec<_> = discarded
        .map(|discarded| {
            Problem::of_index_file(&discarded.file_name, &discarded.reason.to_string())
        })
        .collect();
    let Some(found) = newest.checkpoint else {
        return Ok((None, problems));
    };
    let file = strandline_checkpoint::file_name(found.number());
    match checkpoint::restore(found, &shared.identity) {
        Ok(restored) => Ok((Some(StoredCheckpoint { file, restored }), problems)),
        Err(error) => {
            problems.push(Problem::of_index_file(&file, &error.to_string()));
            Ok((None, problems))
        }
    }
}

impl StoredCheckpoint {
    pub(super) const fn position(&self) -> LogPosition {
        self.restored.position
    }

    /// The problem of a position that is not where a commit ends.
    pub(super) fn misplaced(&self) -> Problem {
        Problem::of_index_file(
            &self.file,
            "its position is not where a commit of the log ends",
        )
    }
}

/// Whether a position is in a segment of these: it was there, or in one that was merged into it.
pub(super) fn is_in(position: &LogPosition, info: &SegmentInfo, infos: &[SegmentInfo]) -> bool {
    let after = infos.partition_point(|info| info.id() <= position.segment);
    let before = after.checked_sub(1).and_then(|at| infos.get(at));
    let is_in = |held: &SegmentInfo| held.id() == position.segment || held.is_sealed();
    before.is_some_and(|before| before.id() == info.id() && is_in(before))
}

/// Whether a place between commits is the one of a checkpoint. Of a segment that was rewritten since,
/// the sequence alone is left.
pub(super) fn is_at(position: &LogPosition, place: &LogPosition, info: &SegmentInfo) -> bool {
    if info.header().rewritings() > 0 {
        position.sequence == place.sequence
    } else {
        position == place
    }
}

/// Whether the numbers of a segment's coordinates are told as they are: by local number, the place of
/// each among those of the block.
pub(super) fn has_names(found: &[u8], rows: &SegmentRows, expected: &Block) -> bool {
    let (found, rest) = found.as_chunks::<4>();
    let places = rows.names.iter().map(|named| {
        let place = expected.find_coordinate(&named.coordinate)?;
        Some(place.to_le_bytes())
    });
    rest.is_empty()
        && found.len() == rows.names.len()
        && places
            .zip(found)
            .all(|(place, found)| place == Some(*found))
}

/// Whether a later event has a clock reading that is not after one that was claimed before it.
pub(super) fn contradicts(claimed: Hlc, next: Option<Hlc>) -> bool {
    next.is_some_and(|next| next <= claimed)
}
