//! The term of another writer ended, before there is a store to go on with. Opens none.

use super::ask::{Patient, Refused, Stop};
use super::backoff::Backoff;
use super::denials::Denials;
use super::error::{ReplicateError, of_file};
use super::options::ReplicateOptions;
use super::owner::OwnerFile;
use super::status::with_sources;
use super::take::{self, TakenTerm, Taker};
use crate::bucket::Bucket;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use strandline_core::fs::Fs;
use strandline_core::{Clock, Random};
use strandline_segment::LogIdentity;

/// Takes the next term of a bucket for a directory in which a store of this log will be, whoever reigns. Waits while
/// the bucket cannot be reached.
///
/// # Errors
///
/// [`ReplicateError::Fenced`] if another one was faster; [`ReplicateError::OtherLog`]; [`ReplicateError::Refused`]; what is
/// damaged in the bucket.
pub(crate) fn take_over(
    bucket: &Bucket,
    fs: &Arc<dyn Fs>,
    dir: &Path,
    identity: LogIdentity,
    options: &ReplicateOptions,
    clock: &dyn Clock,
) -> Result<TakenTerm, ReplicateError> {
    let random = Random::from_os().map_err(of_file(dir))?;
    let seed = Random::from_os().map_err(of_file(dir))?;
    let mut backoff = Backoff::new(options.backoff_first, options.backoff_max, seed);
    let note = |error: &ReplicateError, delay: Duration| {
        let error = with_sources(error);
        tracing::warn!(error, ?delay, "the takeover tries again");
    };
    let mut patient = Patient {
        bucket,
        backoff: &mut backoff,
        stop: &Stop::default(),
        note: &note,
        refused: Refused::default(),
        denials: &mut Some(Denials::new(options.refused_timeout)),
    };
    let taker = Taker {
        identity,
        host: options.host.clone().unwrap_or_else(take::host_name),
        now_ms: clock.now_ms(),
        takes_over: true,
        begins_anew: false,
        random: &random,
    };
    let mut owners = OwnerFile::open(Arc::clone(fs), dir, bucket.name())?;
    take::take(&mut patient, &taker, &mut owners, &|_| Ok(()))
}
