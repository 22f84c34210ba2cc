//! `Marks`: events that are chosen, segment by segment.

use crate::Sequence;
use std::ops::Range;
use strandline_segment::{LogView, SegmentId};

/// Chosen sequences: a bit for each event of a segment that has one.
#[derive(Debug)]
pub(super) struct Marks {
    /// Ascending.
    segments: Vec<MarkedSegment>,
}

/// The chosen events of a segment.
#[derive(Debug)]
pub(super) struct MarkedSegment {
    pub(super) id: SegmentId,
    sequences: Range<u64>,
    /// Empty if there are none.
    bits: Vec<u64>,
    pub(super) count: u64,
}

impl Marks {
    /// No event of a log that ends at `visible`.
    pub(super) fn none_of(log: &LogView, visible: Sequence) -> Self {
        let segments = log.infos().map(|info| {
            let end = info.end().map_or(visible, |end| end.sequence);
            MarkedSegment {
                id: info.id(),
                sequences: info.start().sequence.get()..end.get(),
                bits: Vec::new(),
                count: 0,
            }
        });
        Self {
            segments: segments.collect(),
        }
    }

    /// Chooses an event.
    pub(super) fn add(&mut self, sequence: Sequence) {
        let sequence = sequence.get();
        let at = |segment: &MarkedSegment| segment.sequences.end <= sequence;
        let at = self.segments.partition_point(at);
        let Some(segment) = self.segments.get_mut(at) else {
            return;
        };
        let Some((word, bit)) = segment.place(sequence) else {
            return;
        };
        if segment.bits.is_empty() {
            let events = segment.sequences.end - segment.sequences.start;
            let words = usize::try_from(events.div_ceil(64)).unwrap_or(0);
            segment.bits.resize(words, 0);
        }
        if let Some(word) = segment.bits.get_mut(word) {
            segment.count += u64::from(*word & bit == 0);
            *word |= bit;
        }
    }

    /// How many events are chosen.
    pub(super) fn count(&self) -> u64 {
        self.segments.iter().map(|segment| segment.count).sum()
    }

    /// The segments with chosen events, oldest first.
    pub(super) fn segments(&self) -> impl Iterator<Item = &MarkedSegment> {
        self.segments.iter().filter(|segment| segment.count > 0)
    }
}

impl MarkedSegment {
    /// Whether an event is chosen.
    pub(super) fn has(&self, sequence: Sequence) -> bool {
        let place = self.place(sequence.get());
        place.is_some_and(|(word, bit)| self.bits.get(word).is_some_and(|word| word & bit != 0))
    }

    fn place(&self, sequence: u64) -> Option<(usize, u64)> {
        let at = sequence.checked_sub(self.sequences.start)?;
        let word = usize::try_from(at / 64).ok()?;
        (sequence < self.sequences.end).then_some((word, 1 << (at % 64)))
    }
}
