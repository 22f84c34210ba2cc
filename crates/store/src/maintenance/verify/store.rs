//! `verify`: [`Store::verify`], and the store against what was kept of it elsewhere. Holds no
//! checks of its own.

use super::kept::{Kept, Verified};
use crate::maintenance::damaged::all_left_over;
use crate::maintenance::progress::{Meter, OnProgress};
use crate::meter::Run;
use crate::{Error, ErrorKind, Sequence, Store};
use strandline_core::Hash;
use strandline_segment::ScanError;

/// Verifies a store, and compares it with what was kept of it elsewhere.
///
/// A head that is not the store's present one is looked for in the whole log, once that was verified.
///
/// ```
/// use strandline::maintenance::{Kept, unwatched, verify};
/// use strandline::{Coordinate, Event, EventKind, Store};
///
/// let dir = tempfile::tempdir()?;
/// let path = dir.path().join("orders.strand");
/// let store = Store::open(&path)?;
/// let order = Coordinate::new("order:1042", "eu/payments")?;
/// let receipt = store.append(&order, Event::bytes(EventKind::new(1, 1), *b"placed"))?;
///
/// // What was kept elsewhere: the receipt here, and the log hash of an earlier verification.
/// let mut kept = Kept::default();
/// kept.receipts.push(receipt);
/// kept.head = Some(store.verify()?.log_hash);
/// let verified = verify(&store, &kept, &mut unwatched)?;
/// assert!(verified.is_intact());
/// assert_eq!(verified.head_at.map(|at| at.get()), Some(1));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// As [`Store::verify`], and [`ErrorKind::Cancelled`]. What is wrong is no error: it is in the
/// report.
pub fn verify(store: &Store, kept: &Kept, on_progress: OnProgress<'_>) -> Result<Verified, Error> {
    store.shared().check_process()?;
    let anew = store.anew_if_replaced()?;
    let store = anew.as_ref().unwrap_or(store);
    let snapshot = store.snapshot();
    let readings = if kept.head.is_some() { 2 } else { 1 };
    let mut meter = Meter::events(Some(snapshot.len() * readings), on_progress);
    meter.report()?;
    store.wait_for_background();
    let run = store.shared().metrics.running(Run::Verify);
    let report = crate::verify::verify(store.shared(), &mut |events| meter.add(events))?;
    let mut verified = Verified {
        report,
        head_at: None,
        mismatches: Vec::new(),
        notices: store.open_report().notices.clone(),
    };
    run.done();
    let (fs, dir) = (&*store.shared().options.fs, &store.shared().dir);
    verified.notices.extend(all_left_over(fs, dir));
    if let Some(head) = kept.head {
        verified.head_at = find_head(store, head, &mut meter)?;
        if verified.head_at.is_none() {
            verified.mismatches.push(format!(
                "no commit of the store has the log hash {head}: what was before it is not what \
                 it was, or the store ends before it, or a compaction removed the commit and those \
                 beside it, of which no log hash is left"
            ));
        }
    }
    for receipt in &kept.receipts {
        match snapshot.verify_receipt(receipt) {
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::Io && !error.is_of_failing_disk() => {
                return Err(error);
            }
            Err(error) => verified.mismatches.push(error.to_string()),
        }
    }
    meter.finish()?;
    Ok(verified)
}

/// The end of the commit that a log hash is of. Nothing before the first commit has one.
fn find_head(store: &Store, head: Hash, meter: &mut Meter<'_>) -> Result<Option<Sequence>, Error> {
    let shared = store.shared();
    let (until, snapshot) = crate::read::end_and_snapshot(shared);
    if until.log_hash == head {
        return Ok(Some(until.sequence));
    }
    let mut found = None;
    let scanned = snapshot.reader.log.scan(until, None, |frame| {
        if frame.header().log_hash == head {
            found = Some(frame.end().sequence);
        }
        meter.add(frame.len() as u64)
    });
    match scanned {
        // Damage is in the report already.
        Ok(_) | Err(ScanError::Log(_)) => Ok(found),
        Err(ScanError::Visit(error)) => Err(error),
    }
}
