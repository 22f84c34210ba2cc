//! Merging segments that are short by now, after events were removed from them. Which these are, `runs` says.
//!
//! Frames stay as they are, one after the other, and so do sequences and hashes: what is merged is read as
//! before. It takes nothing, so the log has no record of it.

use super::merged_records::MergedRecords;
use super::runs::{Short, runs};
use super::segments::{check_merged, newest_of, switch, with_footer};
use crate::engine::{Rewriting, Shared};
use crate::{Error, Region, Snapshot, Store};
use crate::{ErrorKind, trace};
use std::ops::RangeInclusive;
use strandline_segment::SegmentId;
use tracing::Level;

/// How often a segment is rewritten at most: what a copy adds to a generation stands above that.
const REWRITINGS_MOST: u32 = (1 << 16) - 1;

/// Merges adjacent segments that are short, and gives how many are no more. What fails is traced, and no error
/// unless the store can no longer be written to: nothing has changed then.
///
/// # Errors
///
/// `Unknown` if the manifest could not be replaced.
pub(super) fn merge_small(store: &Store, rewriting: &mut Rewriting) -> Result<usize, Error> {
    let shared = store.shared();
    let runs = runs(&short(&store.snapshot()), &shared.options.log);
    if !runs.is_empty() {
        // Footers of these segments are written by then, and nobody writes to their files.
        store.wait_for_background();
    }
    let mut merged = 0;
    for run in runs {
        match merge(shared, &run, rewriting) {
            Ok(count) => merged += count,
            Err(error) if error.kind() == ErrorKind::Unknown => return Err(error),
            Err(error) => {
                let (first, last) = (run.start().get(), run.end().get());
                trace::tell(Level::WARN, move || {
                    tracing::warn!(first, last, %error, "cannot merge segments that are short");
                });
                break;
            }
        }
    }
    Ok(merged)
}

/// The sealed segments, oldest first.
fn short(snapshot: &Snapshot) -> Vec<Short> {
    let sealed = snapshot.reader.log.infos().filter_map(|info| {
        let end = info.end()?;
        let sequences = info.start().sequence.get()..end.sequence.get();
        let region = Region::all().sequence(sequences.clone());
        Some(Short {
            id: info.id(),
            bytes: end.offset.into(),
            records: sequences.end.saturating_sub(sequences.start),
            is_empty: snapshot.rows(&region).next().is_none(),
            can_be_first: info.header().rewritings() < REWRITINGS_MOST,
        })
    });
    sealed.collect()
}

/// Makes one segment of several, in a new file, and switches log and index to that. Gives how many are no more.
fn merge(
    shared: &Shared,
    run: &RangeInclusive<SegmentId>,
    rewriting: &mut Rewriting,
) -> Result<usize, Error> {
    let (first, last) = (run.start().get(), run.end().get());
    let _span = trace::span(Level::INFO, || tracing::info_span!("merge", first, last));
    let begun = {
        let writer = shared.writer()?.lock();
        writer.log.merge(run.clone(), &shared.random)?
    };
    let newest = newest_of(&begun);
    let mut records = MergedRecords::default();
    let segment = begun.write(|record, out| records.body(record, out))?;
    drop(records);
    let ready = with_footer(shared, segment, newest)?;
    let replaced: Vec<_> = ready.segment().replaces().collect();
    let merged = replaced.len().saturating_sub(1);
    let bytes = ready.segment().bytes()?;
    check_merged(shared, replaced.into_iter());
    let superseded = switch(shared, vec![ready], &[], None)?;
    trace::tell(Level::INFO, move || {
        tracing::info!(first, last, bytes, "merged segments");
    });
    rewriting.supersede(&*shared.options.fs, superseded, Vec::new())?;
    Ok(merged)
}
