//! `PartitionState` as a file: sections of a checkpoint.

use crate::{Counters, Error, ErrorKind, LastError, Parked, PartitionState};
use serde::{Deserialize, Serialize};
use strandline::SavedPosition;
use strandline_checkpoint::{Checkpoint, CheckpointError, CheckpointWriter};

/// Of the sections.
const FORMAT: u32 = 1;

const FORMAT_SECTION: &str = "format";
const PARTITION_SECTION: &str = "partition";
const PARKED_SECTION: &str = "parked";
const STATE_SECTION: &str = "state";

/// The section `partition`.
#[derive(Serialize, Deserialize)]
struct Section {
    position: Option<SavedPosition>,
    counters: Counters,
    last_error: Option<LastError>,
    saved_at_ms: u64,
    moved_at_ms: u64,
    answered: Vec<String>,
}

pub(super) fn writer(state: &PartitionState) -> Result<CheckpointWriter, Error> {
    let section = Section {
        position: state.position,
        counters: state.counters,
        last_error: state.last_error.clone(),
        saved_at_ms: state.saved_at_ms,
        moved_at_ms: state.moved_at_ms,
        answered: state.answered.clone(),
    };
    let sections = || {
        let writer = CheckpointWriter::new()
            .metadata(FORMAT_SECTION, &FORMAT)?
            .metadata(PARTITION_SECTION, &section)?
            .metadata(PARKED_SECTION, &state.parked)?;
        match &state.state {
            Some(bytes) => writer.section(STATE_SECTION, bytes.clone()),
            None => Ok(writer),
        }
    };
    sections().map_err(|error: CheckpointError| {
        Error::new(ErrorKind::InvalidInput, "the state cannot be saved").with_source(error)
    })
}

pub(super) fn read(checkpoint: &Checkpoint) -> Result<PartitionState, CheckpointError> {
    let found = checkpoint.metadata::<u32>(FORMAT_SECTION)?;
    if found != FORMAT {
        return Err(CheckpointError::VersionUnsupported {
            found,
            supported: FORMAT,
        });
    }
    let section: Section = checkpoint.metadata(PARTITION_SECTION)?;
    let parked: Vec<Parked> = checkpoint.metadata(PARKED_SECTION)?;
    Ok(PartitionState {
        position: section.position,
        parked,
        counters: section.counters,
        last_error: section.last_error,
        saved_at_ms: section.saved_at_ms,
        moved_at_ms: section.moved_at_ms,
        state: checkpoint.section(STATE_SECTION).map(<[u8]>::to_vec),
        answered: section.answered,
    })
}
