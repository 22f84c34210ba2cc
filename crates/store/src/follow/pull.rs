//! `Pull`: the step of a reader from where it is towards a watermark. The only place where a reader's position
//! moves.

use std::ops::Range;
use strandline_core::Sequence;

/// How many sequences are looked through in one step at most, so that one that finds nothing ends too.
const STEP: u64 = 1 << 20;

/// What a reader reads: items with sequences, of which those below a watermark are all there and stay as they are.
pub(super) trait Pulled {
    type Error;

    /// Below it everything can be read, and nothing is added.
    fn watermark(&self) -> Sequence;

    /// Hands what there is within `span` on, in order, and gives the sequence after the last one if it stopped
    /// before the others; else all of the span was handed on.
    fn read(&mut self, span: Range<Sequence>) -> Result<Option<Sequence>, Self::Error>;
}

/// How far a reader has come: everything below was handed on, or is not wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pull {
    next: Sequence,
}

impl Pull {
    pub(super) const fn new(next: Sequence) -> Self {
        Self { next }
    }

    pub(super) const fn next(&self) -> Sequence {
        self.next
    }

    /// Goes on towards the watermark; false if it is there.
    ///
    /// The watermark is loaded once, before anything is read: what comes later is for a later step, and is not
    /// passed over in this one. On an error nothing moves.
    pub(super) fn step<P: Pulled>(&mut self, pulled: &mut P) -> Result<bool, P::Error> {
        let watermark = pulled.watermark();
        if watermark <= self.next {
            return Ok(false);
        }
        let reach = self.next.checked_add(STEP).unwrap_or(watermark);
        let end = watermark.min(reach);
        self.next = pulled.read(self.next..end)?.unwrap_or(end);
        Ok(true)
    }
}
