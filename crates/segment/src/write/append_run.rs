//! Writing runs one by one, into a copy of a log that has them.

use super::sync_handle::SyncHandle;
use super::writer::{Appended, LogWriter};
use crate::error::{AppendError, LogError};
use crate::format::{CommitBuffer, encode_run};
use std::ops::Range;
use strandline_core::{Hash, Sequence};

impl LogWriter {
    /// Says that segments of this log may have runs, the active one too: it is a copy of one that has some. They are of
    /// a format that earlier programs refuse.
    #[must_use]
    pub const fn with_runs(mut self) -> Self {
        self.has_runs = true;
        self
    }

    /// Writes a run: what another log has in the place of commits with these sequences, all of whose records are gone but
    /// for those that are `kept`, each with its sequence, digest and body. `said` is what the layer above says of it, and
    /// `log_hash` the hash of the log after it.
    ///
    /// # Errors
    ///
    /// As [`append`](Self::append); [`AppendError::NotWritten`] if the segment may have none, or the run is none.
    pub fn append_run(
        &mut self,
        sequences: Range<Sequence>,
        kept: &[(Sequence, Hash, Vec<u8>)],
        said: &[u8],
        log_hash: Hash,
    ) -> Result<Appended, AppendError> {
        let (first, end) = (sequences.start, sequences.end);
        let place = |sequence: &Sequence| sequence.get().checked_sub(first.get());
        let places = kept.iter().map(|(sequence, ..)| {
            let place = place(sequence).filter(|_| sequences.contains(sequence));
            u32::try_from(place?).ok()
        });
        let places: Option<Vec<u32>> = places.collect();
        let count = place(&end).and_then(|count| u32::try_from(count).ok());
        let (Some(places), Some(count), true) = (places, count, self.active.has_runs) else {
            let reason = "a run cannot be written there";
            let offset = self.position.offset.into();
            let error = LogError::corrupt(self.active.name(), offset, reason);
            return Err(AppendError::NotWritten(error));
        };
        let mut own = Vec::new();
        encode_run(count, &self.position.log_hash, &places, said, &mut own);
        let mut run = CommitBuffer::default();
        run.set_run(&own, end, log_hash);
        for (_, digest, body) in kept {
            run.push(digest, |out| out.extend_from_slice(body));
        }
        self.append_undone_by(&mut run, first, Sequence::ZERO, SyncHandle::sync)
    }
}
