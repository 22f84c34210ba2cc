//! Checkpoints: what they hold, and how one is encoded and read back. When one is saved is decided above.
//!
//! A checkpoint holds the rows of the active segment alone: those of sealed segments are in their
//! footers. So its size is bounded by that of a segment, whatever the store holds.

use super::names::SegmentNames;
use super::summary::Summary;
use crate::{Error, ErrorKind};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use strandline_checkpoint::{Checkpoint, CheckpointWriter};
use strandline_core::codec::Reader;
use strandline_core::{Coordinate, Hlc, Sequence};
use strandline_index::{Block, Coordinates};
use strandline_segment::{LogIdentity, LogPosition};

/// How many checkpoints are kept: the newest. If it is damaged, the active segment is read instead.
pub(crate) const KEPT: usize = 1;
const STATE: &str = "state";
const ROWS: &str = "rows";
const NAMES: &str = "segment-names";
/// Named after what was first in it.
const SUMMARY: &str = "kind-names";

/// What a checkpoint says beside its rows.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct StoredState {
    identity: LogIdentity,
    /// Encoded position: the log before it is in the checkpoint or in footers.
    position: Vec<u8>,
    /// Next sequence of the allocator.
    allocated: u64,
    hlc: Option<Hlc>,
}

/// A checkpoint that was read and fits the store.
#[derive(Debug)]
pub(crate) struct Restored {
    checkpoint: Arc<Checkpoint>,
    pub(crate) position: LogPosition,
    pub(crate) allocated: Sequence,
    pub(crate) hlc: Option<Hlc>,
}

/// What a checkpoint says beside its state, as it stands there.
pub(crate) struct Stored<'c> {
    pub(crate) number: u64,
    /// By local number, the place of each of the segment's coordinates among those of the block.
    pub(crate) names: &'c [u8],
    /// The summary of the segment, up to the position.
    pub(crate) summary: &'c [u8],
    pub(crate) block: Block,
}

/// Reads back the state that [`encode`] wrote.
///
/// # Errors
///
/// `Corrupt` if it is missing or malformed, or of another store.
pub(crate) fn restore(checkpoint: Checkpoint, identity: &LogIdentity) -> Result<Restored, Error> {
    let state: StoredState = checkpoint
        .metadata(STATE)
        .map_err(|error| malformed().with_source(error))?;
    if state.identity != *identity {
        return Err(Error::new(
            ErrorKind::Corrupt,
            "a checkpoint belongs to another store",
        ));
    }
    let mut reader = Reader::new(&state.position);
    let position =
        LogPosition::decode(&mut reader).map_err(|error| malformed().with_source(error))?;
    Ok(Restored {
        checkpoint: Arc::new(checkpoint),
        position,
        allocated: Sequence::new(state.allocated),
        hlc: state.hlc,
    })
}

/// The position of a checkpoint, if it is one of this log.
pub(crate) fn position(checkpoint: &Checkpoint, identity: &LogIdentity) -> Option<LogPosition> {
    let state: StoredState = checkpoint.metadata(STATE).ok()?;
    let position = LogPosition::decode(&mut Reader::new(&state.position)).ok()?;
    (state.identity == *identity).then_some(position)
}

impl Restored {
    /// What it says as it stands there.
    ///
    /// # Errors
    ///
    /// `Corrupt` if a part is missing, or the block is none.
    pub(crate) fn stored(&self) -> Result<Stored<'_>, Error> {
        let names = self.checkpoint.section(NAMES).ok_or_else(malformed)?;
        let rows = self.checkpoint.shared_section(ROWS).ok_or_else(malformed)?;
        Ok(Stored {
            number: self.checkpoint.number(),
            names,
            summary: self.checkpoint.section(SUMMARY).unwrap_or_default(),
            block: Block::open(Arc::new(rows), None)?,
        })
    }

    /// What the records of the segment say beside their rows, up to the position.
    ///
    /// # Errors
    ///
    /// `Corrupt` if it is malformed.
    pub(crate) fn summary(&self) -> Result<Summary, Error> {
        // One that was saved before there were summaries has none.
        let list = self.checkpoint.section(SUMMARY).unwrap_or_default();
        Summary::decode(list).map_err(|error| malformed().with_source(error))
    }

    /// The rows of the segment that begins at `start`, up to the position, and the segment's names.
    ///
    /// # Errors
    ///
    /// `Corrupt` if a part is missing, malformed, or does not fit the others.
    pub(crate) fn rows(&self, start: Sequence) -> Result<(Arc<Block>, SegmentNames), Error> {
        let (places, rest) = self
            .checkpoint
            .section(NAMES)
            .ok_or_else(malformed)?
            .as_chunks::<4>();
        let places = places.iter().map(|place| u32::from_le_bytes(*place));
        let rows = self.checkpoint.shared_section(ROWS).ok_or_else(malformed)?;
        let block = Arc::new(Block::open(Arc::new(rows), None)?);
        let sequences = start..self.position.sequence;
        let fits = if block.rows() == 0 {
            sequences.is_empty()
        } else {
            block.sequences() == sequences
        };
        // All of it was checked with the checkpoint; this checks its parts against each other.
        block.check_all()?;
        let names = SegmentNames::of_block(block.clone(), places.collect());
        match names {
            Some(names) if fits && rest.is_empty() => Ok((block, names)),
            _ => Err(malformed()),
        }
    }
}

/// By local number, where each of a segment's coordinates is among those of its block.
///
/// # Errors
///
/// `Corrupt` if the block lacks one.
pub(crate) fn places(
    names: &SegmentNames,
    coordinates: &Coordinates,
    block: &Block,
) -> Result<Vec<[u8; 4]>, Error> {
    (0..names.next_local())
        .map(|local| {
            let coordinate: Option<Coordinate> = names
                .coordinate(local)
                .and_then(|id| coordinates.get(id))
                .or_else(|| names.base_coordinate(local));
            let place = coordinate.and_then(|coordinate| block.find_coordinate(&coordinate));
            place.map(u32::to_le_bytes).ok_or_else(malformed)
        })
        .collect()
}

/// A checkpoint of a log up to a position: the places of the segment's coordinates, what its records
/// say beside their rows, and the rows.
///
/// # Errors
///
/// `Io` if a part is too long.
pub(crate) fn encode(
    identity: LogIdentity,
    position: &LogPosition,
    hlc: Option<Hlc>,
    places: Vec<[u8; 4]>,
    summary: &Summary,
    rows: Vec<u8>,
) -> Result<CheckpointWriter, Error> {
    let mut encoded = Vec::new();
    position.encode(&mut encoded);
    let state = StoredState {
        identity,
        position: encoded,
        allocated: position.sequence.get(),
        hlc,
    };
    let writer = CheckpointWriter::new().metadata(STATE, &state)?;
    let writer = writer.section(NAMES, places.concat())?;
    let writer = match summary.is_empty() {
        true => writer,
        false => writer.section(SUMMARY, summary.encode())?,
    };
    Ok(writer.section(ROWS, rows)?)
}

/// The error of a checkpoint whose parts do not fit together.
fn malformed() -> Error {
    Error::new(
        ErrorKind::Corrupt,
        "a checkpoint lacks one of its parts, or they do not fit together",
    )
}
