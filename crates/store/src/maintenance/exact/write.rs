//! `write_log`: a store made of the entries of a log, in the place of nothing.

use super::entry::LogEnd;
use super::writing::LogWriting;
use crate::maintenance::progress::{Meter, OnProgress};
use crate::maintenance::restore::make_in_vacant;
use crate::maintenance::verify::{Kept, verify};
use crate::{Error, ErrorKind, Sequence, StoreOptions};
use std::path::Path;
use strandline_core::{Hash, recorded_log_base};
use strandline_segment::{LogOrigin, ScanError, UncheckedLog};

/// Makes a store in `dir`, where nothing is or an empty directory, of the entries that `feed` gives, which gives where
/// the log ends too. It is a copy of the log that they are of, as a [`backup`](crate::maintenance::backup()) is: the
/// same identity, hashes, sequences, commits and notes, and the same [epoch](crate::Store::epoch) until it is opened to
/// write. So receipts, heads and positions that were kept of that log hold for it.
///
/// Nothing is in `dir` before all of it was written, synced, compared with its hashes, and verified as a whole. Whoever
/// made the entries can have made the hashes too: what they prove is known by who has kept a head or a receipt.
///
/// Segments are cut by the limits of `options`, and have footers. Cost: hashes all of it, writes it once and reads it
/// twice. Memory: the names of entities, a commit, and the rows of a segment.
///
/// # Errors
///
/// [`ErrorKind::InvalidInput`] if a store or something else is in `dir`; of an entry, see [`LogWriting::take`].
/// [`ErrorKind::Corrupt`] if what was made does not verify: an id twice, say. [`ErrorKind::Io`],
/// [`ErrorKind::Cancelled`], and what `feed` returns. Nothing is in `dir` then.
pub fn write_log(
    options: &StoreOptions,
    dir: &Path,
    origin: &LogOrigin,
    feed: &mut dyn FnMut(&mut LogWriting<'_>) -> Result<LogEnd, Error>,
    on_progress: OnProgress<'_>,
) -> Result<LogEnd, Error> {
    options.check()?;
    check_origin(origin)?;
    make_in_vacant(&options.fs, dir, &mut |dir| {
        let random = options.random()?;
        let log = options.log.clone();
        let log = UncheckedLog::create_as(options.fs.clone(), dir, log, &random, origin)?;
        let scanned = log.scan(None, Sequence::ZERO, |_| Ok::<_, Error>(()));
        let scanned = scanned.map_err(|error| match error {
            ScanError::Log(error) => error.into(),
            ScanError::Visit(error) => error,
        })?;
        let (writer, _, _) = scanned.into_writer(&random)?;
        let writer = match origin.has_runs {
            true => writer.with_runs(),
            false => writer,
        };
        let meter = Meter::events(None, &mut *on_progress);
        let mut writing = LogWriting::new(writer, random, options, origin, meter);
        let end = feed(&mut writing)?;
        writing.finish(origin, &end)?;
        check(options, dir, &end, &mut *on_progress)?;
        Ok(end)
    })
}

/// Checks that a log can begin so.
pub(super) fn check_origin(origin: &LogOrigin) -> Result<(), Error> {
    let is_recorded = origin.base_log_hash == recorded_log_base(&origin.identity);
    if is_recorded || origin.base_log_hash == Hash::ZERO {
        return Ok(());
    }
    let message = format!(
        "no log of this identity begins with the hash {}",
        origin.base_log_hash
    );
    Err(Error::new(ErrorKind::InvalidInput, message))
}

/// Verifies what was made.
fn check(
    options: &StoreOptions,
    dir: &Path,
    end: &LogEnd,
    on_progress: OnProgress<'_>,
) -> Result<(), Error> {
    let store = options.clone().read_only().open(dir)?;
    let verified = verify(&store, &Kept::default(), on_progress)?;
    let problem = verified.report.problems.first().map(ToString::to_string);
    let (until, _) = crate::read::end_and_snapshot(store.shared());
    let is_whole = (until.sequence, until.log_hash) == (end.sequence, end.log_hash);
    let problem = problem.or_else(|| (!is_whole).then(|| "it ends elsewhere".to_owned()));
    match problem {
        None => Ok(()),
        Some(problem) => Err(Error::new(
            ErrorKind::Corrupt,
            format!("what was written is no log that verifies: {problem}"),
        )),
    }
}
