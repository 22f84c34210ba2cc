//! `salvage`: what can still be proved of a damaged store, into a new one.

mod salvager;
mod save;
mod target;

use super::damaged::DamagedStore;
use super::places::{check_apart, check_apart_on};
use super::progress::{Meter, OnProgress};
use crate::{Error, ErrorKind, EventId, Sequence, Store, StoreOptions};
use salvager::Salvager;
use std::ops::Range;
use std::path::Path;
use strandline_core::fs::Fs;

/// Something that could not be saved.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Loss {
    /// File.
    pub file: String,
    /// Offset in it, in bytes, where one can be named.
    pub offset: Option<u64>,
    /// How many bytes, where that is known.
    pub bytes: Option<u64>,
    /// The event, or the first of several, where it is known.
    pub sequence: Option<Sequence>,
    /// How many events, as far as the file tells; 0 where it does not.
    pub events: u64,
    /// Id of the event, where it is known.
    pub id: Option<EventId>,
    /// What is wrong.
    pub reason: String,
    /// Whether nothing is wrong but that the event's payload was redacted.
    pub is_redacted: bool,
}

/// What was saved, and what was lost.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Salvaged {
    /// Events that were saved.
    pub events: u64,
    /// Of these, events whose chain could not be followed from the event before, which is lost:
    /// their checksums are right, and that is all that is known.
    pub unchained: u64,
    /// Events that had been stored twice, or were in the target already.
    pub repeated: u64,
    /// Events that a compaction had removed before.
    pub removed: u64,
    /// Compactions and redactions of the old store whose records were saved.
    pub removals: u64,
    /// Commits that were saved as several, since the target takes none as large.
    pub split: u64,
    /// Events whose time was before that of one which is in the target, and was moved to it.
    pub moved_times: u64,
    /// Events below this sequence were durable, by whatever in the old store shows it.
    pub durable_before: Sequence,
    /// The file that shows it.
    pub proven_by: Option<String>,
    /// Whether a manifest or a checkpoint was whole, so that an end that is gone shows.
    pub is_proven: bool,
    /// How many events are lost, as far as anything shows that they were there: neither saved, nor removed
    /// by a compaction, nor redacted.
    pub lost: u64,
    /// Of these, events that were durable.
    pub lost_durable: u64,
    /// What was lost, in the order of the log.
    pub losses: Vec<Loss>,
    /// Sequences of the old store that nothing was found of, up to the last that anything shows.
    pub missing: Vec<Range<u64>>,
    /// Names of the segment files that were not read, as another file of the same segment counts, no
    /// segment's file is called so, or the segment is of another store.
    pub passed_over: Vec<String>,
    /// What else was found wrong, and cost no event.
    pub notices: Vec<String>,
}

impl Salvaged {
    /// Whether everything is saved that the old store shows to have been there, but for what was redacted.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.lost == 0 && self.losses.iter().all(|loss| loss.is_redacted)
    }
}

/// Saves every event of the store in `dir` whose bytes are what was written into `target`, an empty
/// store. Reads `dir` as it is and changes nothing in it.
///
/// An event is saved if its record's checksum is right, its coordinate is known, and its hash is
/// that of its content after the event before it, if that one was saved. It keeps its id, time,
/// kind, links and payload; sequences, clocks and hashes are new, as the chains are. A coordinate whose
/// naming record is lost is taken from the footer or the checkpoint, if they have the event at this place.
/// The records of its
/// removals are kept with the identity of the old log, and explain nothing that is missing in the new one.
///
/// The events of a commit that is whole are saved as one commit; where `target` takes none as large, as
/// several, which [`Salvaged::split`] counts. An event that `target` takes in no way is told as a loss, and
/// the rest is saved. Payloads may be as long as the format allows, whatever
/// [`StoreOptions::payload_bytes_max`] says.
///
/// What is lost is counted against the highest sequence that anything in `dir` shows durable: a checkpoint,
/// the MANIFEST, the beginning of a later segment, or a frame.
///
/// Interrupted, it can be called again with the same target. A target that holds other events is refused.
///
/// A crash in a compaction or a redaction can leave two generations of a segment. One is read: that
/// which the MANIFEST lists; without that the newest whose footer is whole, or else the oldest.
///
/// # Errors
///
/// [`ErrorKind::NotFound`] if there is nothing of a store in `dir`, [`ErrorKind::InvalidInput`] if `target`
/// is the same store, lies in its directory or around it, or holds events that are not in `dir`; then nothing
/// was written. [`ErrorKind::Io`], [`ErrorKind::Cancelled`], and what an append to the target returns that
/// is not about the event. Damage is no error: it is in the report.
pub fn salvage(
    fs: &dyn Fs,
    dir: &Path,
    target: &Store,
    on_progress: OnProgress<'_>,
) -> Result<Salvaged, Error> {
    let source = DamagedStore::find(fs, dir)?;
    let shared = target.shared();
    check_apart_on((fs, dir), (&*shared.options.fs, &shared.dir))?;
    save_into(source, target, Meter::events(None, on_progress))
}

/// Saves what is left of the store in `dir` into a new store in the directory `target`, which
/// [`salvage`] says more of. Its limits are those of `options`, raised so far that what the old store held
/// fits; `options` says which file system.
///
/// `target` is missing or empty, or holds what an interrupted call left there: everything is checked
/// before anything is made.
///
/// # Errors
///
/// As [`salvage`] and [`StoreOptions::open`]; [`ErrorKind::InvalidInput`] if `target` is something else
/// than a directory, or holds anything else.
pub fn salvage_into(
    options: StoreOptions,
    dir: &Path,
    target: &Path,
    on_progress: OnProgress<'_>,
) -> Result<Salvaged, Error> {
    let fs = options.fs.clone();
    let source = DamagedStore::find(&*fs, dir)?;
    check_apart(&*fs, dir, target)?;
    target::check(&fs, &source, target)?;
    let options = target::roomy(options, &source)?;
    let store = options.open(target)?;
    let salvaged = save_into(source, &store, Meter::events(None, on_progress))?;
    store.close()?;
    Ok(salvaged)
}

fn same_store(target: &Path) -> Error {
    let message = format!(
        "{} is the store that is to be saved, or a copy of it; name a directory for a new one",
        target.display()
    );
    Error::new(ErrorKind::InvalidInput, message)
}

/// Saves what there is.
fn save_into(
    source: DamagedStore<'_>,
    target: &Store,
    mut meter: Meter<'_>,
) -> Result<Salvaged, Error> {
    let mut salvager = Salvager::new(target)?;
    for info in source.absent() {
        salvager.absent(info);
    }
    for name in &source.files.chosen {
        salvager.file(&source, name, &mut meter)?;
    }
    let salvaged = salvager.finish(source)?;
    meter.finish()?;
    Ok(salvaged)
}
