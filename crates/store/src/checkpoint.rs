//! Checkpoints: what they hold, how one is made beside appends, and how one is read back.
//!
//! A checkpoint holds the rows of the active segment alone: those of sealed segments are in their
//! footers. So its size is bounded by that of a segment, whatever the store holds.

use crate::store::Shared;
use crate::trace;
use crate::writer::SegmentNames;
use crate::{Error, ErrorKind};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use strandline_checkpoint::{Checkpoint, CheckpointWriter, prune};
use strandline_core::codec::Reader;
use strandline_core::{Coordinate, Hlc, Sequence};
use strandline_index::Block;
use strandline_segment::{LogIdentity, LogPosition};
use tracing::Level;

/// How many checkpoints are kept: the newest. If it is damaged, the active segment is read instead.
pub(crate) const KEPT: usize = 1;
const STATE: &str = "state";
const ROWS: &str = "rows";
const NAMES: &str = "segment-names";

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

/// Reads back the state that [`save`] wrote.
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
    /// Its number, and what it says as it stands there: by local number, the place of each of the
    /// segment's coordinates among those of the block; and the block.
    ///
    /// # Errors
    ///
    /// `Corrupt` if one of them is missing or no block.
    pub(crate) fn stored(&self) -> Result<(u64, &[u8], Block), Error> {
        let names = self.checkpoint.section(NAMES).ok_or_else(malformed)?;
        let rows = self.checkpoint.shared_section(ROWS).ok_or_else(malformed)?;
        let block = Block::open(Arc::new(rows), None)?;
        Ok((self.checkpoint.number(), names, block))
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

/// The error of a checkpoint whose parts do not fit together.
fn malformed() -> Error {
    Error::new(
        ErrorKind::Corrupt,
        "a checkpoint lacks one of its parts, or they do not fit together",
    )
}

/// Saves a checkpoint of everything written until now, beside appends.
///
/// Appends wait only while the position is noted. The log below it is synced first: a checkpoint
/// never says more than what is durable.
pub(crate) fn save(shared: &Shared) -> Result<Sequence, Error> {
    let _span = trace::span(Level::INFO, || tracing::info_span!("checkpoint"));
    let _held = trace::hold();
    shared.check_ours()?;
    let mut saved = shared.checkpointed.lock();
    let (start, position, hlc, names, coordinates, notes) = {
        let writer = shared.writer()?.lock();
        (
            writer.log.segment_start(),
            writer.log.position(),
            writer.hlc.last(),
            writer.names.clone(),
            writer.index.coordinates(),
            writer.notes,
        )
    };
    if *saved == Some(position) {
        return Ok(position.sequence);
    }
    if notes.wait_for_sync() {
        // The last of them may stand after every event.
        shared.flush()?;
    }
    shared.wait_durable(position.sequence)?;
    let snapshot = shared.index.snapshot();
    let rows = Arc::new(snapshot.export(start.sequence..position.sequence)?);
    let block = Block::open(rows.clone(), None)?;
    let places = (0..names.next_local())
        .map(|local| {
            let coordinate: Option<Coordinate> = names
                .coordinate(local)
                .and_then(|id| coordinates.get(id))
                .or_else(|| names.base_coordinate(local));
            let place = coordinate.and_then(|coordinate| block.find_coordinate(&coordinate));
            place.map(u32::to_le_bytes).ok_or_else(malformed)
        })
        .collect::<Result<Vec<_>, _>>();
    let places = match places {
        // The segment was sealed meanwhile, and a compaction has removed events of it.
        Err(_) if shared.writer()?.lock().log.segment_start() != start => {
            drop(saved);
            return save(shared);
        }
        places => places?,
    };
    drop(block);
    let rows = Arc::unwrap_or_clone(rows);
    let mut encoded = Vec::new();
    position.encode(&mut encoded);
    let bytes = rows.len();
    CheckpointWriter::new()
        .metadata(
            STATE,
            &StoredState {
                identity: shared.identity,
                position: encoded,
                allocated: position.sequence.get(),
                hlc,
            },
        )?
        .section(NAMES, places.concat())?
        .section(ROWS, rows)?
        .publish(&*shared.options.fs, &shared.dir, position.sequence.get())?;
    prune(&*shared.options.fs, &shared.dir, KEPT)?;
    *saved = Some(position);
    let sequence = position.sequence.get();
    trace::tell(Level::INFO, move || {
        tracing::info!(sequence, bytes, "saved a checkpoint");
    });
    Ok(position.sequence)
}
