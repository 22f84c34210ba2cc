//! `rebuild`: footers and checkpoint from the log alone.

use super::progress::{Meter, OnProgress};
use crate::{Error, Sequence, StoreOptions};
use std::path::Path;

/// What was rebuilt.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Rebuilt {
    /// Events that were read from the log.
    pub events: u64,
    /// Sealed segments, whose footers were written.
    pub footers: usize,
    /// The checkpoint has the events with sequences below this one.
    pub sequence: Sequence,
    /// What opening the log found and did.
    pub notices: Vec<String>,
}

/// Reads the whole log of the store in `dir`, and writes the footer of every sealed segment and a
/// checkpoint anew, whatever state those are in. The log is repaired as by any opening.
///
/// A checkpoint that is whole still counts as proof of what was durable. Interrupted, it leaves
/// footers that are whole or noticed, and can be called again. Progress is told before and after.
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
    let rebuilt = Rebuilt {
        events: report.events_from_log,
        footers: store.shared().log.view().segments().saturating_sub(1),
        sequence: store.checkpoint()?,
        notices: report.notices.clone(),
    };
    // Waits for the footers, which are written meanwhile.
    store.close()?;
    // Those before it are of no more use than it is.
    strandline_checkpoint::prune(&*fs, dir, 1)?;
    meter.finish()?;
    Ok(rebuilt)
}
