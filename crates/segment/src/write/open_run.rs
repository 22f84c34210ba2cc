//! `OpenRun`: adjacent commits that become one frame, as all of their records are gone, while they are gone through.
//! Writes nothing.

use crate::format::{
    Frame, LogPosition, RUN_KEPT_MAX, RUN_SEQUENCES_MAX, encode_run, run_head_bytes,
};
use std::ops::Range;
use strandline_core::{Hash, Sequence};

/// Bytes of the kept records of a run, from which on it takes no more commits.
const KEPT_BYTES_MAX: usize = 1 << 20;

/// The commits so far.
#[derive(Debug)]
pub(super) struct OpenRun {
    start: LogPosition,
    first: Sequence,
    end: LogPosition,
    /// Of each record that is kept its sequence, less the first one, its digest and its body.
    kept: Vec<(u32, Hash, Range<usize>)>,
    bodies: Vec<u8>,
}

impl OpenRun {
    /// Begins with a frame, of which nothing is kept yet.
    pub(super) fn begin(frame: &Frame<'_>) -> Self {
        Self {
            start: frame.start(),
            first: frame.first_sequence(),
            end: frame.end(),
            kept: Vec::new(),
            bodies: Vec::new(),
        }
    }

    /// Whether a frame follows it and has room in it.
    pub(super) fn fits(&self, frame: &Frame<'_>) -> bool {
        let sequences = frame.end().sequence.get().saturating_sub(self.first.get());
        let kept = match frame.run_head() {
            Some(head) => head.kept_count(),
            None => frame.len(),
        };
        let follows = frame.first_sequence() == self.end.sequence
            && frame.start().log_hash == self.end.log_hash;
        follows
            && sequences <= u64::from(RUN_SEQUENCES_MAX)
            && self.kept.len().saturating_add(kept) <= RUN_KEPT_MAX
            && self.bodies.len() < KEPT_BYTES_MAX
    }

    /// Takes a frame that fits.
    pub(super) fn extend(&mut self, frame: &Frame<'_>) {
        self.end = frame.end();
    }

    /// Keeps a record, if `body` appends its body and says so.
    pub(super) fn record<E>(
        &mut self,
        sequence: Sequence,
        digest: &Hash,
        body: impl FnOnce(&mut Vec<u8>) -> Result<bool, E>,
    ) -> Result<(), E> {
        let from = self.bodies.len();
        if !body(&mut self.bodies)? {
            self.bodies.truncate(from);
            return Ok(());
        }
        let place = sequence.get().saturating_sub(self.first.get());
        let place = u32::try_from(place).unwrap_or(u32::MAX);
        self.kept.push((place, *digest, from..self.bodies.len()));
        Ok(())
    }

    /// Its first sequence.
    pub(super) const fn first(&self) -> Sequence {
        self.first
    }

    /// Where the log goes on after it.
    pub(super) const fn end(&self) -> LogPosition {
        self.end
    }

    /// The sequences that it has.
    pub(super) const fn sequences(&self) -> Range<Sequence> {
        self.first..self.end.sequence
    }

    /// The records that are kept.
    pub(super) fn kept(&self) -> impl Iterator<Item = (&Hash, &[u8])> {
        let body = |range: &Range<usize>| self.bodies.get(range.clone()).unwrap_or_default();
        let kept = self.kept.iter();
        kept.map(move |(_, digest, range)| (digest, body(range)))
    }

    /// Appends what it says of itself; `said` is of the layer above.
    pub(super) fn encode_head(&self, said: &[u8], out: &mut Vec<u8>) {
        let sequences = self.end.sequence.get().saturating_sub(self.first.get());
        let sequences = u32::try_from(sequences).unwrap_or(u32::MAX);
        let kept: Vec<_> = self.kept.iter().map(|(place, ..)| *place).collect();
        out.reserve(run_head_bytes(kept.len()).saturating_add(said.len()));
        encode_run(sequences, &self.start.log_hash, &kept, said, out);
    }
}
