//! Checkpoints: what they hold, how one is made beside appends, and how one is read back.

use crate::store::Shared;
use crate::{Error, ErrorKind};
use serde::{Deserialize, Serialize};
use strandline_checkpoint::{Checkpoint, CheckpointWriter, prune};
use strandline_core::codec::Reader;
use strandline_core::{Hlc, Sequence};
use strandline_segment::{LogIdentity, LogPosition};

/// How many checkpoints are kept: the newest, and the one before in case it is damaged.
pub(crate) const KEPT: usize = 2;
const STATE: &str = "state";
const ROWS: &str = "rows";
const NAMES: &str = "segment-names";

/// What a checkpoint says beside its rows.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct StoredState {
    identity: LogIdentity,
    /// Encoded position: the log before it is in the checkpoint.
    position: Vec<u8>,
    /// Next sequence of the allocator.
    allocated: u64,
    hlc: Option<Hlc>,
}

/// A checkpoint that was read and fits the store.
#[derive(Debug)]
pub(crate) struct Restored<'a> {
    pub(crate) position: LogPosition,
    pub(crate) allocated: Sequence,
    pub(crate) hlc: Option<Hlc>,
    /// The index block of everything before the position.
    pub(crate) rows: &'a [u8],
    /// Coordinates of the active segment in the order of their local numbers. Coordinates are
    /// numbered by first use, so a number means the same in the index that the rows are read into.
    pub(crate) names: Vec<u32>,
}

/// Reads back what [`save`] wrote.
///
/// # Errors
///
/// `Corrupt` if a part is missing or malformed, `LogBehindCheckpoint` if it is of another store.
pub(crate) fn restore<'a>(
    checkpoint: &'a Checkpoint,
    identity: &LogIdentity,
) -> Result<Restored<'a>, Error> {
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
    let rows = checkpoint.section(ROWS).ok_or_else(malformed)?;
    let (names, rest) = checkpoint
        .section(NAMES)
        .ok_or_else(malformed)?
        .as_chunks::<4>();
    if !rest.is_empty() {
        return Err(malformed());
    }
    Ok(Restored {
        position,
        allocated: Sequence::new(state.allocated),
        hlc: state.hlc,
        rows,
        names: names.iter().map(|name| u32::from_le_bytes(*name)).collect(),
    })
}

/// The error of a checkpoint whose parts do not fit together.
pub(crate) fn malformed() -> Error {
    Error::new(ErrorKind::Corrupt, "a checkpoint lacks one of its parts")
}

/// Saves a checkpoint of everything written until now, beside appends.
///
/// Appends wait only while the position is noted. The log below it is synced first: a checkpoint
/// never says more than what is durable.
pub(crate) fn save(shared: &Shared) -> Result<Sequence, Error> {
    let mut saved = shared.checkpointed.lock();
    let (position, hlc, coordinates) = {
        let writer = shared.writer()?.lock();
        let coordinates: Vec<_> = writer.names.coordinates().collect();
        (writer.log.position(), writer.hlc.last(), coordinates)
    };
    if *saved == Some(position) {
        return Ok(position.sequence);
    }
    shared.wait_durable(position.sequence)?;
    let snapshot = shared.index.snapshot();
    let rows = snapshot.export(Sequence::ZERO..position.sequence);
    let names = coordinates.iter().flat_map(|id| id.get().to_le_bytes());
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
        .section(NAMES, names.collect())?
        .section(ROWS, rows)?
        .publish(&*shared.options.fs, &shared.dir, position.sequence.get())?;
    prune(&*shared.options.fs, &shared.dir, KEPT)?;
    *saved = Some(position);
    tracing::info!(
        sequence = position.sequence.get(),
        bytes,
        "saved a checkpoint"
    );
    Ok(position.sequence)
}
