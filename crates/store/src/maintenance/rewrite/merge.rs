//! Merging segments that are short by now, after events were removed from them. Which these are, `runs` says.
//!
//! Frames stay as they are, one after the other, and so do sequences and hashes: what is merged is read as
//! before. Where digests are to be forgotten, commits of which nothing is left become runs, and runs that follow each
//! other one. It takes nothing, so the log has no record of it.

use super::fold_plan::FoldPlan;
use super::folded_records::{FoldedRecords, Unchanged};
use super::merged_records::MergedRecords;
use super::runs::{Short, runs};
use super::segments::{check_merged, newest_of, switch, useless_merged, with_footer};
use crate::engine::{Rewriting, Shared};
use crate::rows::newest_reading;
use crate::{Error, Region, Snapshot, Store};
use crate::{ErrorKind, trace};
use std::ops::RangeInclusive;
use strandline_core::Hlc;
use strandline_segment::{LogError, LogOptions, SegmentId};
use tracing::Level;

/// How often a segment is rewritten at most: what a copy adds to a generation stands above that.
const REWRITINGS_MOST: u32 = (1 << 16) - 1;

/// Merges adjacent segments that are short, and gives how many are no more. What fails is traced, and no error
/// unless the store can no longer be written to: nothing has changed then. A segment that is damaged keeps no
/// others from it.
///
/// # Errors
///
/// `Unknown` if the manifest could not be replaced.
pub(super) fn merge_small(
    store: &Store,
    rewriting: &mut Rewriting,
    folds: bool,
) -> Result<usize, Error> {
    let shared = store.shared();
    let all = short(&store.snapshot());
    let mut waits = true;
    let mut merged = 0;
    let mut done = None;
    let told = |(first, last): (SegmentId, SegmentId), error: Error| {
        let (first, last) = (first.get(), last.get());
        trace::tell(Level::WARN, move || {
            tracing::warn!(first, last, %error, "cannot merge segments that are short");
        });
    };
    while let Some(run) = next_run(&all, done, rewriting, &shared.options.log) {
        if std::mem::take(&mut waits) {
            // Footers of these segments are written by then, and nobody writes to their files.
            store.wait_for_background();
        }
        match merge(shared, &run, folds, rewriting) {
            Ok(count) => {
                merged += count;
                done = Some(*run.end());
            }
            Err(error) if error.kind() == ErrorKind::Unknown => return Err(error),
            Err(error) => {
                let is_damaged = error.kind() == ErrorKind::Corrupt;
                if is_damaged {
                    rewriting.bar(damaged_in(&run, &error));
                }
                told((*run.start(), *run.end()), error);
                if !is_damaged {
                    break;
                }
            }
        }
    }
    // Files of the index that were made of such segments alone are of no use any more.
    if let (true, Some(last)) = (merged > 0, done)
        && let Err(error) = rewriting.remove(&*shared.options.fs, useless_merged(shared))
    {
        told((SegmentId::FIRST, last), error);
    }
    Ok(merged)
}

/// The first run of segments after `done` that has none which is barred.
fn next_run(
    all: &[Short],
    done: Option<SegmentId>,
    rewriting: &Rewriting,
    options: &LogOptions,
) -> Option<RangeInclusive<SegmentId>> {
    let mut between = all.split(|one| rewriting.is_barred(one.id));
    between.find_map(|some| {
        let mut runs = runs(some, options).into_iter();
        runs.find(|run| Some(*run.start()) > done)
    })
}

/// The segment of a run that is damaged; all of them where that cannot be told.
fn damaged_in(run: &RangeInclusive<SegmentId>, error: &Error) -> RangeInclusive<SegmentId> {
    let file = error.of_log().and_then(LogError::file);
    let named = file.and_then(SegmentId::parse_file_name).map(|(id, _)| id);
    named
        .filter(|id| run.contains(id))
        .map_or_else(|| run.clone(), |id| id..=id)
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

/// The newest clock reading up to the end of a segment.
fn reading_at(shared: &Shared, segment: SegmentId) -> Result<Option<Hlc>, Error> {
    let view = shared.log.view();
    let place = (&*shared.options.fs, shared.dir.as_path());
    let info = view.info(segment);
    info.map(|info| newest_reading(place, &view, info))
        .transpose()
}

/// Makes one segment of several, in a new file, and switches log and index to that. Gives how many are no more.
fn merge(
    shared: &Shared,
    run: &RangeInclusive<SegmentId>,
    folds: bool,
    rewriting: &mut Rewriting,
) -> Result<usize, Error> {
    let (first, last) = (run.start().get(), run.end().get());
    let _span = trace::span(Level::INFO, || tracing::info_span!("merge", first, last));
    let begun = {
        let writer = shared.writer()?.lock();
        writer.log.merge(run.clone(), &shared.random)?
    };
    let newest = match newest_of(&begun) {
        Some(newest) => Some(newest),
        // Notes alone say none, and segments before these may.
        None => reading_at(shared, *run.end())?,
    };
    let plan = match folds {
        true => FoldPlan::of(&begun, |_| false)?,
        false => FoldPlan::default(),
    };
    let segment = match plan.is_empty() {
        true => {
            let mut records = MergedRecords::default();
            begun.write(|record, out| records.body(record, out))?
        }
        false => begun.write_folding(&mut FoldedRecords::new(&plan, Unchanged))?,
    };
    drop(plan);
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
