//! `rebuild`: footers and checkpoint from the log alone.

use super::progress::{Meter, OnProgress};
use crate::model::IndexFileName;
use crate::{Error, Sequence, StoreOptions};
use std::path::Path;

/// What was rebuilt.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Rebuilt {
    /// Events that were read from the log.
    pub events: u64,
    /// Footers of sealed segments that were missing, damaged, or said something else than the frames,
    /// and were written.
    pub footers: usize,
    /// Footers that were as they should be, byte for byte, and were left.
    pub footers_sound: usize,
    /// A sentence for each footer that could not be written; its segment is read by its frames, which
    /// takes longer.
    pub footers_failed: Vec<String>,
    /// Merged files of the index that were removed, damaged or not: their rows are in the footers, and the
    /// background merges these anew once the store is opened to write.
    pub merged_removed: usize,
    /// The checkpoint has the events with sequences below this one.
    pub sequence: Sequence,
    /// What opening the log found and did.
    pub notices: Vec<String>,
}

/// Reads the whole log of the store in `dir`, and writes anew the footer of every sealed segment that
/// is not what the frames give, in the layout of `options`, and a checkpoint, whatever state those are
/// in. Merged files of the index are removed, good ones too. The log is repaired as by any opening.
///
/// What [`verify`](crate::maintenance::verify()) finds wrong with indexes is mended after it.
///
/// A footer that is there stays in its file, which others may have: the segment gets a new file, so there
/// must be room for the longest segment.
///
/// A checkpoint that is whole still counts as proof of what was durable. Interrupted, it leaves
/// footers that are whole or noticed, and can be called again. Progress is told before and after.
///
/// ```
/// use strandline::maintenance::{rebuild, unwatched};
/// use strandline::{Coordinate, Event, EventKind, Store, StoreOptions};
///
/// let dir = tempfile::tempdir()?;
/// let path = dir.path().join("orders.strand");
/// let store = Store::open(&path)?;
/// let order = Coordinate::new("order:1042", "eu/payments")?;
/// store.append(&order, Event::bytes(EventKind::new(1, 1), *b"placed"))?;
/// store.close()?;
///
/// let done = rebuild(StoreOptions::new(), &path, &mut unwatched)?;
/// assert_eq!(done.events, 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// As [`StoreOptions::open`] and [`Store::checkpoint`](crate::Store::checkpoint), and
/// [`ErrorKind::Cancelled`](crate::ErrorKind::Cancelled).
pub fn rebuild(
    options: StoreOptions,
    dir: &Path,
    on_progress: OnProgress<'_>,
) -> Result<Rebuilt, Error> {
    let mut meter = Meter::events(None, on_progress);
    meter.report()?;
    let store = options.must_exist().log_alone().open(dir)?;
    let report = store.open_report();
    meter.add(report.events_from_log)?;
    let fs = store.shared().options.fs.clone();
    let (events, notices) = (report.events_from_log, report.notices.clone());
    let removed = report.removed.iter();
    let merged_removed = removed.filter(|name| IndexFileName::parse(name).is_some());
    let merged_removed = merged_removed.count();
    let sequence = store.checkpoint()?;
    let shared = store.shared().clone();
    // Waits for the footers, which are written meanwhile.
    store.close()?;
    let footers = std::mem::take(&mut *shared.footers.lock());
    let rebuilt = Rebuilt {
        events,
        footers: footers.count,
        footers_sound: footers.sound,
        footers_failed: footers.failed,
        merged_removed,
        sequence,
        notices,
    };
    // Those before it are of no more use than it is.
    strandline_checkpoint::prune(&*fs, &shared.dir, 1)?;
    meter.finish()?;
    Ok(rebuilt)
}
