//! `read_log`: the entries of a log, in their order.

use super::entry::{LogEnd, LogEntry, LogRecord, LogRun};
use super::names::NamesRead;
use crate::maintenance::progress::{Meter, OnProgress};
use crate::read::end_and_snapshot;
use crate::rows::decoded;
use crate::{Error, ErrorKind, Store};
use strandline_core::record::{RecordPayload, StoredRecord};
use strandline_segment::{LogOrigin, Manifest};

/// What the log of a store says of itself before its first commit.
///
/// # Errors
///
/// [`ErrorKind::Corrupt`] or [`ErrorKind::Io`] if its MANIFEST cannot be read.
pub fn log_origin(store: &Store) -> Result<LogOrigin, Error> {
    let shared = store.shared();
    let snapshot = store.snapshot();
    let first = snapshot.reader.log.infos().next().map(|info| info.start());
    let manifest = Manifest::read(&*shared.options.fs, &shared.dir)?;
    let manifest = manifest.filter(|manifest| *manifest.identity() == shared.identity);
    match (first, manifest) {
        (Some(first), Some(manifest)) => Ok(LogOrigin {
            identity: shared.identity,
            epoch: store.epoch(),
            base_log_hash: first.log_hash,
            unrecorded_before: manifest.unrecorded_before(),
            has_runs: snapshot
                .reader
                .log
                .infos()
                .any(|info| info.header().has_runs),
        }),
        _ => Err(Error::new(
            ErrorKind::Corrupt,
            "the MANIFEST is gone, or is that of another store",
        )),
    }
}

/// Tells each entry of the log of a store, in the order in which they were written, with everything that the hashes
/// cover: also the places of events that were removed, and the records of removals. Gives where the log ends.
///
/// What was written when it begins is told, and nothing that comes later. An event that is redacted meanwhile is told
/// without its payload, if that was not told before. Ends with the first error of `visit`.
///
/// Cost: reads the whole log once, and checks its checksums; makes no hash. Memory: the names of all entities, and
/// a frame.
///
/// # Errors
///
/// [`ErrorKind::Corrupt`] if the log is damaged, [`ErrorKind::Io`], [`ErrorKind::Cancelled`], and those of `visit`.
pub fn read_log(
    store: &Store,
    visit: &mut dyn FnMut(LogEntry<'_>) -> Result<(), Error>,
    on_progress: OnProgress<'_>,
) -> Result<LogEnd, Error> {
    store.shared().check_process()?;
    let anew = store.anew_if_replaced()?;
    let store = anew.as_ref().unwrap_or(store);
    let shared = store.shared();
    let (until, snapshot) = end_and_snapshot(shared);
    let mut meter = Meter::events(Some(snapshot.len()), on_progress);
    let mut names = NamesRead::default();
    let scanned = snapshot.reader.log.scan(until, None, |frame| {
        let log_hash = frame.header().log_hash;
        if let Some(body) = frame.note() {
            return visit(LogEntry::Note { body, log_hash });
        }
        let run = frame.run().zip(frame.said_of_run());
        let last = match run {
            Some((sequences, said)) => {
                let kept = frame.records().count();
                visit(LogEntry::Run(LogRun {
                    sequences,
                    kept,
                    said,
                    log_hash,
                }))?;
                usize::MAX
            }
            None => frame.len().saturating_sub(1),
        };
        for (number, at) in frame.records().enumerate() {
            let mut record = names.whole(&at, decoded(&at)?)?;
            if let StoredRecord::Event(event) = &mut record
                && shared.redacted.any()
                && shared.redacted.has(at.sequence)
            {
                let hash = event.payload.hash();
                event.payload = RecordPayload::Redacted { hash };
            }
            visit(LogEntry::Record(LogRecord {
                sequence: at.sequence,
                hash: at.digest,
                record,
                log_hash: (number == last).then_some(log_hash),
            }))?;
        }
        meter.add(frame.len() as u64)
    });
    scanned.map_err(Error::from)?;
    meter.finish()?;
    Ok(LogEnd {
        sequence: until.sequence,
        log_hash: until.log_hash,
    })
}
