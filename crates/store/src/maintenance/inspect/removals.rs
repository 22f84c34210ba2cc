//! `removals`: what a log says of its events that were removed or redacted. Compares it with nothing.

use crate::maintenance::progress::{Meter, OnProgress};
use crate::removals::Ledger;
use crate::{Error, ErrorKind, Store};

pub use crate::removals::Removal;
pub use strandline_core::record::RemovalChange;

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
/// Cost: reads the whole log once, and checks its checksums. Memory: the runs of their sequences.
///
/// # Errors
///
/// [`ErrorKind::Corrupt`] if the log or a record is damaged, [`ErrorKind::Io`],
/// [`ErrorKind::Cancelled`].
pub fn removals(store: &Store, on_progress: OnProgress<'_>) -> Result<Vec<Removal>, Error> {
    store.shared().check_process()?;
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
