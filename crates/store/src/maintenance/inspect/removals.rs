//! `removals`: what a log says of its events that were removed or redacted. Compares it with nothing.

use crate::maintenance::progress::{Meter, OnProgress};
use crate::rows::removals::Ledger;
use crate::{Error, ErrorKind, Snapshot, Store};

pub use crate::rows::removals::Removal;
pub use strandline_core::record::{RemovalChange, RemovalNote};

/// The compactions and redactions of a store, oldest first, and those of other stores whose records were
/// imported.
///
/// ```
/// use strandline::maintenance::{Redaction, redact, removals};
/// use strandline::{Coordinate, Event, EventKind, Store};
/// use std::ops::ControlFlow;
///
/// let dir = tempfile::tempdir()?;
/// let store = Store::open(dir.path().join("users.strand"))?;
/// let user = Coordinate::new("user:7", "eu")?;
/// store.append(&user, Event::bytes(EventKind::new(1, 1), *b"Jane Doe"))?;
/// redact(&store, &Redaction::new().entity("user:7"), &mut |_| ControlFlow::Continue(()))?;
/// let all = removals(&store, &mut |_| ControlFlow::Continue(()))?;
/// assert_eq!((all[0].events, all[0].rule.as_str()), (1, "entity user:7"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// In a store opened to read only, of which another process has rewritten a segment that was not looked into
/// before, they are those of the store opened anew, as with [`Store::verify`].
///
/// Cost: reads the whole log once, and checks its checksums. Memory: the runs of their sequences.
///
/// # Errors
///
/// [`ErrorKind::Corrupt`] if the log or a record is damaged, [`ErrorKind::Io`],
/// [`ErrorKind::Cancelled`].
pub fn removals(store: &Store, on_progress: OnProgress<'_>) -> Result<Vec<Removal>, Error> {
    store.shared().check_process()?;
    let anew = store.anew_if_replaced()?;
    let store = anew.as_ref().unwrap_or(store);
    let (until, snapshot) = crate::read::end_and_snapshot(store.shared());
    let mut meter = Meter::events(Some(snapshot.len()), on_progress);
    let mut ledger = Ledger::default();
    let scanned = snapshot.reader.log.scan(until, None, |frame| {
        if let Some(note) = frame.note() {
            let malformed = |message| Error::new(ErrorKind::Corrupt, message);
            ledger.note(note).map_err(malformed)?;
        }
        meter.add(frame.len() as u64)
    });
    scanned.map_err(Error::from)?;
    meter.finish()?;
    Ok(ledger.into_all())
}

/// Tells of each record of a removal in the log of a snapshot, in the order in which they were written: what
/// [`removals`] puts together, one by one, for whoever carries them into another store, where
/// [`ForeignNotes`](crate::maintenance::ForeignNotes) takes them.
///
/// What is written after the snapshot was taken may be told too. Records that are malformed or of a later
/// version are passed over; what is told ends with the first error of `visit`.
///
/// Cost: reads the whole log once, and checks its checksums.
///
/// # Errors
///
/// [`ErrorKind::Corrupt`] if the log is damaged, [`ErrorKind::Io`], and those of `visit`.
pub fn removal_notes(
    snapshot: &Snapshot,
    visit: &mut dyn FnMut(&RemovalNote) -> Result<(), Error>,
) -> Result<(), Error> {
    let scanned =
        snapshot
            .reader
            .log
            .scan_written(|frame| match frame.note().map(RemovalNote::decode) {
                Some(Ok(note)) => visit(&note),
                _ => Ok(()),
            });
    scanned.map_err(Error::from)
}
