//! `salvage`: what can still be proved of a damaged store, into a new one.

//!
//! `salvager` walks through the old store and proves each event, `saver` gives what is proven to the new one, and
//! `earlier` knows what that had before. Guesses nothing, and changes nothing in the old store. Knows how a damaged
//! directory is read, how verification checks a log, where directories lie, and the notes of removals; knows
//! no other verb of maintenance.

mod commit;
mod earlier;
mod loss;
mod positions;
mod salvaged;
mod salvager;
mod saver;
mod target;

pub use loss::Loss;
pub use salvaged::Salvaged;

use super::damaged::DamagedStore;
use super::places::{check_apart, check_apart_on};
use super::progress::{Meter, OnProgress};
#[cfg(doc)]
use crate::ErrorKind;
use crate::{Error, Store, StoreOptions};
use salvager::Salvager;
use std::path::Path;
use strandline_core::fs::Fs;

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
/// is the same store, lies in its directory or around it, or holds events that are not in `dir`, or if sealed
/// segments of `dir` are in a bucket; then nothing was written. [`ErrorKind::Io`], [`ErrorKind::Cancelled`], and what an append to the target returns that
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
/// ```
/// use strandline::maintenance::{salvage_into, unwatched};
/// use strandline::{Coordinate, Event, EventKind, Store, StoreOptions};
///
/// let dir = tempfile::tempdir()?;
/// let path = dir.path().join("orders.strand");
/// let store = Store::open(&path)?;
/// let order = Coordinate::new("order:1042", "eu/payments")?;
/// store.append(&order, Event::bytes(EventKind::new(1, 1), *b"placed"))?;
/// store.close()?;
///
/// let saved = dir.path().join("saved.strand");
/// let report = salvage_into(StoreOptions::new(), &path, &saved, &mut unwatched)?;
/// assert_eq!((report.events, report.lost), (1, 0));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
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
