//! Saving a checkpoint, beside appends. What it says is in [`checkpoint`](crate::rows::checkpoint).

use crate::Error;
use crate::engine::Shared;
use crate::engine::group_sync::Reach;
use crate::meter::Run;
use crate::rows::checkpoint::{self, KEPT};
use crate::trace;
use std::sync::Arc;
use strandline_checkpoint::prune;
use strandline_core::Sequence;
use strandline_index::Block;
use tracing::Level;

/// Saves a checkpoint of everything written until now, beside appends.
///
/// Appends wait only while the position is noted. The log below it is synced first: a checkpoint
/// never says more than what is durable.
pub(super) fn save(shared: &Shared) -> Result<Sequence, Error> {
    let run = shared.metrics.running(Run::Checkpoint);
    let saved = save_now(shared)?;
    run.done();
    Ok(saved)
}

fn save_now(shared: &Shared) -> Result<Sequence, Error> {
    let _span = trace::span(Level::INFO, || tracing::info_span!("checkpoint"));
    let _held = trace::hold();
    shared.check_ours()?;
    let mut saved = shared.checkpointed.lock();
    let (start, position, hlc, names, summary, coordinates, notes) = {
        let writer = shared.writer()?.lock();
        (
            writer.log.segment_start(),
            writer.log.position(),
            writer.hlc.last(),
            writer.names.clone(),
            writer.summary(),
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
    shared.wait_for(Reach::Synced, position.sequence)?;
    let mut snapshot = shared.index.snapshot();
    if snapshot.visible() < position.sequence {
        // What is to be replicated first is on the disk, which is all that a checkpoint says.
        snapshot = shared.writer()?.lock().index.inserted();
    }
    let rows = Arc::new(snapshot.export(start.sequence..position.sequence)?);
    let block = Block::open(rows.clone(), None)?;
    let places = match checkpoint::places(&names, &coordinates, &block) {
        // The segment was sealed meanwhile, and a compaction has removed events of it.
        Err(_) if shared.writer()?.lock().log.segment_start() != start => {
            drop(saved);
            return save_now(shared);
        }
        places => places?,
    };
    drop(block);
    let rows = Arc::unwrap_or_clone(rows);
    let bytes = rows.len();
    checkpoint::encode(shared.identity, &position, hlc, places, &summary, rows)?.publish(
        &*shared.options.fs,
        &shared.dir,
        position.sequence.get(),
    )?;
    prune(&*shared.options.fs, &shared.dir, KEPT)?;
    *saved = Some(position);
    let sequence = position.sequence.get();
    trace::tell(Level::INFO, move || {
        tracing::info!(sequence, bytes, "saved a checkpoint");
    });
    Ok(position.sequence)
}
