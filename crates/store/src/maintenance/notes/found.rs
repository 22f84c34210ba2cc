//! The records of removals in the end of a log. Compares them with nothing.

use crate::maintenance::progress::Meter;
use crate::rows::removals::{Ledger, Removal};
use crate::{Error, ErrorKind, Sequence};
use strandline_core::record::RemovalNote;
use strandline_segment::{LogPosition, LogView, SegmentInfo};

/// A note of a removal, and where its frame begins.
#[derive(Debug)]
pub(in crate::maintenance) struct FoundNote {
    pub(in crate::maintenance) at: LogPosition,
    pub(in crate::maintenance) body: Vec<u8>,
}

/// The notes of removals in segments that end at `from` or after it, and in those before as far as it takes until
/// `is_enough` holds for each removal in them; and what they say. Both in the order of the log.
///
/// Cost: reads these segments.
///
/// # Errors
///
/// `Corrupt` if the log is damaged, or notes contradict each other; `Io`, `Cancelled`.
pub(in crate::maintenance) fn notes_from(
    log: &LogView,
    until: LogPosition,
    from: Sequence,
    is_enough: impl Fn(&Removal) -> bool,
    meter: &mut Meter<'_>,
) -> Result<(Vec<FoundNote>, Vec<Removal>), Error> {
    let infos: Vec<&SegmentInfo> = log.infos().collect();
    // Of each segment, the newest first.
    let mut notes: Vec<Vec<FoundNote>> = Vec::new();
    let mut left = infos.into_iter().rev().peekable();
    while let Some(info) = left.next() {
        notes.push(notes_of(log, info, until, meter)?);
        let is_wanted = |next: &&SegmentInfo| next.end().is_none_or(|end| end.sequence >= from);
        if left.peek().is_some_and(is_wanted) {
            continue;
        }
        let mut ledger = Ledger::of_own();
        let mut taken = notes
            .iter()
            .rev()
            .flatten()
            .map(|note| ledger.note(&note.body));
        let taken = taken.try_for_each(|taken| taken);
        let is_whole = taken.is_ok() && ledger.all().iter().all(&is_enough);
        // What is not whole may have begun before.
        if is_whole || left.peek().is_none() {
            taken.map_err(|message| Error::new(ErrorKind::Corrupt, message))?;
            let notes = notes.into_iter().rev().flatten().collect();
            return Ok((notes, ledger.into_all()));
        }
    }
    Ok((Vec::new(), Vec::new()))
}

fn notes_of(
    log: &LogView,
    info: &SegmentInfo,
    until: LogPosition,
    meter: &mut Meter<'_>,
) -> Result<Vec<FoundNote>, Error> {
    let mut notes = Vec::new();
    let until = info.end().unwrap_or(until);
    let scanned = log.scan(until, Some(info.start()), |frame| {
        if let Some(note) = frame.note().filter(|note| RemovalNote::is_one(note)) {
            notes.push(FoundNote {
                at: frame.start(),
                body: note.to_vec(),
            });
        }
        meter.add(frame.len() as u64)
    });
    scanned.map_err(Error::from)?;
    Ok(notes)
}
