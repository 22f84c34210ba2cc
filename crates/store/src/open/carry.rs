//! Carrying the end of the log into another file, where it is not proven durable and its segment is long.

use super::carried_records::CarriedRecords;
use super::found::Found;
use crate::Error;
use crate::rows::checkpoint::Restored;
use strandline_core::{Random, Sequence};
use strandline_segment::{ScanError, ScannedLog, SegmentInfo, UncheckedLog};

/// Reads the log after a checkpoint, and carries what of it is not proven durable into another file.
pub(super) fn carry_after(
    log: UncheckedLog,
    restored: &Restored,
    random: &Random,
) -> Result<Found, Error> {
    let start = log.segments().last().map(SegmentInfo::start);
    let scanned = log.scan(Some(restored.position), restored.allocated, |_| {
        Ok::<_, Error>(())
    })?;
    if !scanned.has_long_proven_part()? {
        return Ok(Found::default());
    }
    let known = start.map(|start| (restored, start.sequence));
    carry(scanned, known, random)
}

/// Carries the end of the log into another file, after which the log is to be read again. `known` is the
/// checkpoint from which it was scanned, and where its segment begins.
pub(super) fn carry(
    mut scanned: ScannedLog,
    known: Option<(&Restored, Sequence)>,
    random: &Random,
) -> Result<Found, Error> {
    let mut found = Found {
        proven_durable: Some(scanned.proven_durable()),
        torn_tail: scanned.torn_tail().cloned(),
        ..Found::default()
    };
    let mut carried = None;
    if let Some((restored, start)) = known
        && let Ok(mut bodies) = CarriedRecords::after(restored, start, scanned.view())
    {
        carried = match scanned.carry_tail(Some(restored.position), random, &mut bodies) {
            // Where the checkpoint says something else, the frames are asked.
            Err(ScanError::Visit(_)) => None,
            done => Some(done?),
        };
    }
    let carried = match carried {
        Some(carried) => carried,
        None => scanned.carry_tail(None, random, &mut CarriedRecords::default())?,
    };
    found.repairs = match carried {
        Some(repairs) => Some(repairs),
        // With names added the frames would not fit.
        None => Some(scanned.into_writer(random)?.2),
    };
    Ok(found)
}
