//! A store made of a bucket, as its log is now or was at some point.
//!
//! Fetches into a directory of its own beside the target; verifying that and putting it into its place is what
//! `strandline::maintenance` does with a backup. Writes nothing to the bucket.

mod cut;
mod fetched;

use crate::bucket::Bucket;
use crate::follow::{Copy, FollowError, survey, take_along};
use cut::cut;
use fetched::Fetched;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use strandline::maintenance::{self, Existing, LaterRemovals, OnProgress, Restored};
use strandline::{Sequence, Store, StoreOptions};
use strandline_core::fs::Fs;

/// How often it is begun anew if the bucket is swept meanwhile.
const TRIES: u32 = 8;

/// How far the log is restored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Until {
    /// All that the bucket has: what the next writer would take along at least.
    End,
    /// The events below this sequence. A batch is restored as a whole or not at all.
    Sequence(Sequence),
    /// The events whose time, in milliseconds since 1970, is not later.
    TimeMs(u64),
}

/// Makes a store in `dir` of the log in a bucket, up to a point.
///
/// The log is fetched into `dir.fetched`, linked from there into its place, verified as a whole there, and shown in one
/// step, in a new [epoch](strandline::Store::epoch), as [`strandline::maintenance::restore_linked`] does: what may be in
/// `dir`, and what becomes of it, is said there. Where it cannot be linked, as into an empty directory of another file
/// system, it is copied, and takes twice the room for a while. Merged files of the index are not fetched: they are made
/// anew. A call that was interrupted
/// after all that the newest state has was fetched goes on with that, and fetches it anew otherwise; a directory of that
/// name that is not such a one is left alone. The bucket is as it was: to write to it from here, take it over.
///
/// What was removed or redacted since the point is gone from the store too. The records of that stand after the point, so
/// the store gets records of its own after its last commit, with the same rules and times and of the events that it has.
///
/// # Errors
///
/// [`FollowError::Empty`] if the bucket has no log; [`FollowError::NotReached`] if it ends before the sequence;
/// [`FollowError::OtherLog`] or [`FollowError::Diverged`] if `dir.fetched` is left of the restore of another log:
/// remove it then. [`FollowError::Bucket`], [`FollowError::Object`], [`FollowError::Log`], [`FollowError::Io`]; and
/// [`FollowError::Store`] as there.
pub fn restore(
    bucket: &Bucket,
    fs: &Arc<dyn Fs>,
    dir: &Path,
    until: Until,
    existing: Existing,
    on_progress: OnProgress<'_>,
) -> Result<Restored, FollowError> {
    bucket.check_apart(dir)?;
    let place = Fetched::claim(fs, dir)?;
    let fetched = place.path();
    let (from, end) = fetch_all(bucket, fs, fetched)?;
    let wanted = match until {
        Until::End => end,
        Until::Sequence(sequence) => sequence,
        Until::TimeMs(time) => reading(fs, fetched)?.snapshot().sequence_at(time),
    };
    if wanted > end {
        return Err(FollowError::NotReached { end: end.get() });
    }
    let whole = redone(fs, &place, from..end, on_progress)?;
    let whole = whole.as_deref().unwrap_or(fetched);
    let restored = match wanted == end {
        true => maintenance::restore_linked(fs, whole, dir, existing, on_progress)?,
        false => {
            let shorter = place.clear_shorter()?;
            cut(fs, whole, &shorter, wanted)?;
            record(fs, whole, &shorter, on_progress)?;
            maintenance::restore_linked(fs, &shorter, dir, existing, on_progress)?
        }
    };
    place.remove()?;
    Ok(restored)
}

/// Makes a log without what its records say is gone and what was fetched has, if there is any of it: what was rewritten
/// comes with a state, and the records with the chunks before that. No state has a record without it, so only those
/// after the state that was fetched are looked at.
fn redone(
    fs: &Arc<dyn Fs>,
    place: &Fetched,
    Range { start: from, end }: Range<Sequence>,
    on_progress: OnProgress<'_>,
) -> Result<Option<PathBuf>, FollowError> {
    let fetched = place.path();
    let put_back = maintenance::put_back(&reading(fs, fetched)?, from, on_progress)?;
    if put_back.is_nothing() {
        return Ok(None);
    }
    let whole = place.clear_whole()?;
    cut(fs, fetched, &whole, end)?;
    let store = StoreOptions::new().fs(fs.clone()).open(&whole)?;
    maintenance::redo(&store, from, on_progress)?;
    store.close()?;
    Ok(Some(whole))
}

/// Has a log that ends earlier say what the whole one says later of what is gone from it. If nothing is it stays as it
/// was cut.
fn record(
    fs: &Arc<dyn Fs>,
    whole: &Path,
    shorter: &Path,
    on_progress: OnProgress<'_>,
) -> Result<(), FollowError> {
    let (of, to) = (reading(fs, whole)?, reading(fs, shorter)?);
    let later = LaterRemovals::find(&of, &to, on_progress)?;
    drop((of, to));
    if !later.is_empty() {
        let store = StoreOptions::new().fs(fs.clone()).open(shorter)?;
        later.write(&store)?;
        store.close()?;
    }
    Ok(())
}

/// Fetches all that the terms of a bucket have left into a directory, and says where the state and the
/// whole of it end.
fn fetch_all(
    bucket: &Bucket,
    fs: &Arc<dyn Fs>,
    dir: &Path,
) -> Result<(Sequence, Sequence), FollowError> {
    let mut copy = Copy::open(bucket.clone(), fs.clone(), dir, None)?.without_merged();
    let mut tries_left = TRIES;
    loop {
        let taken = survey(bucket)?.ok_or(FollowError::Empty)?;
        match take_along(bucket, &mut copy, &taken) {
            Err(error) if error.is_gone() && tries_left > 0 => tries_left -= 1,
            Err(error) => return Err(error),
            Ok(from) => {
                copy.sync()?;
                let end = copy.end().ok_or(FollowError::Empty)?;
                return Ok((from, end.sequence));
            }
        }
    }
}

fn reading(fs: &Arc<dyn Fs>, dir: &Path) -> Result<Store, FollowError> {
    let options = StoreOptions::new().fs(fs.clone()).read_only();
    Ok(options.open(dir)?)
}
