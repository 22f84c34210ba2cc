//! Verification: the whole log against its checksums and its chains, and every index against the log.
//!
//! `verifier` goes through the log. It has the pieces checked by `log`, what was made of a segment by `index` on
//! another thread, merged files by `merged`, the newest checkpoint by `checkpoint`, and what is missing by `removals`. Below these are
//! what the frames give (`rows`, `chains`, `hashing`), what is wrong (`damage`, `problem`), and the report.
//!
//! Holds no reading of a store that does not open, and nothing that was kept elsewhere: both are in
//! `maintenance`. Changes nothing. Knows `read` and `engine`, and of what is below them `rows` (footers,
//! checkpoints, what the notes say of removals) and `model`.

mod chains;
mod checkpoint;
mod damage;
mod hashing;
mod index;
mod log;
mod merged;
mod problem;
mod removals;
mod report;
mod rows;
mod verifier;

pub(crate) use log::{LogCheck, claimed_end, events_in};
pub use problem::{PROBLEMS_MAX, Problem, ProblemKind};
pub use report::VerifyReport;

use crate::Error;
use crate::engine::Shared;
use index::Indexes;
use merged::Merged;
use strandline_core::record::Record;
use strandline_core::sync::KeepsWakeUp;
use strandline_segment::{FrameRecord, LogPosition};
use verifier::Verifier;

/// Reads the log up to its present end, and on other threads meanwhile hashes its events and compares
/// what footers, checkpoint and index say with what the frames do. If there are records of removals,
/// what they tell of is read once more. Memory: one hash and clock for each entity, 16 bytes for each run
/// of events that were removed, redacted or damaged, a few pieces of the log, and for each of two segments
/// 42 bytes an event and its index.
///
/// Reads past what is damaged. What is missing is not held against the records of removals then, some of
/// which may be damaged too, and the indexes of a damaged segment are not compared.
///
/// `on_events` is told how many more events were read, and can end it.
pub(crate) fn verify(
    shared: &Shared,
    on_events: &mut dyn FnMut(u64) -> Result<(), Error>,
) -> Result<VerifyReport, Error> {
    // What another store has in its files says nothing about this one.
    shared.check_course()?;
    let _kept = KeepsWakeUp::default();
    // Before the end of the log, which is not behind the checkpoint then.
    let (stored, discarded) = checkpoint::newest(shared)?;
    let (until, snapshot) = crate::read::end_and_snapshot(shared);
    let no_thread = |error| Error::io("start a thread to verify", &shared.dir, error);
    let index = snapshot.index.clone();
    // The index in use knows an event whose entity a damaged record named.
    let lookup = Box::new(move |at: &FrameRecord<'_>, record: &Record<'_>| {
        let row = index.row_at(at.sequence)?;
        let is_same = row.id() == record.id && row.position() == at.position.to_bits();
        is_same.then(|| row.coordinate())
    });
    let check = LogCheck::start(lookup, until.log_hash).map_err(no_thread)?;
    let log = snapshot.reader.log.clone();
    let merged = Merged::of(shared, &log, &snapshot.index)?;
    let files = merged.files.clone();
    let indexes = Indexes::start(shared, snapshot.clone(), files).map_err(no_thread)?;
    // Beside a writer the end that is known here may be behind, also by notes alone, which have no sequence.
    let place = |position: LogPosition| (position.segment, position.offset);
    let is_known = |position: LogPosition| {
        position.sequence <= until.sequence && place(position) <= place(until)
    };
    let stored = stored.filter(|stored| is_known(stored.position()));
    let infos = log.infos().copied().collect();
    let parts = (check, indexes, merged);
    let mut verifier = Verifier::new(shared, snapshot.index, infos, parts, stored);
    let read = log.pieces(&*shared.options.fs, until, |info, piece| {
        verifier.piece(info, &piece);
        on_events(events_in(&piece))
    });
    read.map_err(Error::from)?;
    let gone = std::mem::take(&mut verifier.log.gone);
    let is_whole = !verifier.log.damage.any;
    let mut report = verifier.finish(&until, discarded)?;
    report.log_hash = until.log_hash;
    if is_whole {
        gone.judge(shared, &log, until, &mut report, on_events)?;
        report.problems.truncate(PROBLEMS_MAX);
    }
    Ok(report)
}
