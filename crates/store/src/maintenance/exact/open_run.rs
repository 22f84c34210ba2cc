//! `OpenRun`: a run among the entries of a log, until the records are there that are kept of it.

use super::chains::{Chains, invalid};
use super::entry::{LogRecord, LogRun};
use crate::rows::RunSaid;
use crate::{Error, Sequence};
use std::ops::Range;
use strandline_core::Hash;
use strandline_core::record::StoredRecord;
use strandline_segment::{RUN_KEPT_MAX, RUN_SEQUENCES_MAX};

/// What a run is, as far as it was told.
#[derive(Debug)]
pub(super) struct OpenRun {
    pub(super) sequences: Range<Sequence>,
    pub(super) said: Vec<u8>,
    pub(super) log_hash: Hash,
    newest: strandline_core::Hlc,
    left: usize,
    last: Option<Sequence>,
}

impl OpenRun {
    /// Begins with what is said of it, which follows `next`.
    pub(super) fn begin(
        run: &LogRun<'_>,
        next: Sequence,
        chains: &mut Chains,
    ) -> Result<Self, Error> {
        if !chains.has_runs() {
            let message = "it is a run, and the log does not say at its beginning that it has runs";
            return Err(invalid(message.to_owned()));
        }
        let (start, end) = (run.sequences.start, run.sequences.end);
        let events = end
            .get()
            .checked_sub(start.get())
            .filter(|events| *events > 0);
        let events = events.filter(|events| *events <= u64::from(RUN_SEQUENCES_MAX));
        let events = events.filter(|events| run.kept as u64 <= *events && run.kept <= RUN_KEPT_MAX);
        let Some(events) = events.filter(|_| start >= next) else {
            let message = "its sequences do not follow those before, or are more than a run has, or fewer than are kept";
            return Err(invalid(message.to_owned()));
        };
        let said = RunSaid::decode(run.said, &run.sequences)
            .map_err(|error| invalid(format!("what is said of a run is malformed: {error}")))?;
        chains.fold(events.saturating_sub(run.kept as u64));
        Ok(Self {
            sequences: run.sequences.clone(),
            said: run.said.to_vec(),
            log_hash: run.log_hash,
            newest: said.newest,
            left: run.kept,
            last: None,
        })
    }

    /// Checks the next record that is kept.
    pub(super) fn keep(&mut self, entry: &LogRecord<'_>) -> Result<(), Error> {
        let is_next = self.last.is_none_or(|last| entry.sequence > last);
        let is_own = is_next && self.sequences.contains(&entry.sequence) && self.left > 0;
        let is_removed = matches!(entry.record, StoredRecord::Removed(_));
        if !is_own || !is_removed || entry.log_hash.is_some() {
            return Err(invalid(
                "it is no place of an event that is kept in the run before it".to_owned(),
            ));
        }
        self.last = Some(entry.sequence);
        self.left = self.left.saturating_sub(1);
        Ok(())
    }

    /// Whether all of it is there; then its times are those that the next ones follow.
    pub(super) fn is_whole(&self, chains: &mut Chains) -> bool {
        if self.left == 0 {
            chains.observe(self.newest);
        }
        self.left == 0
    }
}

#[cfg(test)]
#[cfg(not(strandline_loom))]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use crate::rows::said_bytes;
    use strandline_core::Epoch;
    use strandline_segment::LogOrigin;

    #[test]
    fn a_run_is_refused_of_a_log_that_does_not_say_that_it_has_runs() {
        let said = vec![0; said_bytes(0..64)];
        let run = LogRun {
            sequences: Sequence::ZERO..Sequence::new(64),
            kept: 0,
            said: &said,
            log_hash: Hash::ZERO,
        };
        let begun = |has_runs| {
            let origin = LogOrigin {
                identity: [5; 16],
                epoch: Epoch::from_bytes([6; 16]),
                base_log_hash: Hash::ZERO,
                unrecorded_before: None,
                has_runs,
            };
            OpenRun::begin(&run, Sequence::ZERO, &mut Chains::of(&origin))
        };
        begun(true).unwrap();
        let error = begun(false).unwrap_err();
        assert_eq!(error.kind(), crate::ErrorKind::InvalidInput);
        assert!(error.to_string().contains("that it has runs"), "{error}");
    }
}
