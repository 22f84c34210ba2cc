//! `Marks`: events that are chosen, segment by segment. Chooses none itself.

use crate::Sequence;
use std::collections::BTreeMap;
use std::ops::Range;
use strandline_segment::{LogView, SegmentId};

/// Chosen sequences: a bit for each, in words that are there if one of their bits is set, as sequences may
/// have gaps of any length.
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
    /// By sequence / 64.
    words: BTreeMap<u64, u64>,
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
                words: BTreeMap::new(),
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
        if !segment.sequences.contains(&sequence) {
            return;
        }
        let word = segment.words.entry(sequence / 64).or_default();
        let bit = 1 << (sequence % 64);
        segment.count += u64::from(*word & bit == 0);
        *word |= bit;
    }

    /// How many events are chosen.
    pub(super) fn count(&self) -> u64 {
        self.segments.iter().map(|segment| segment.count).sum()
    }

    /// Bytes of the frames of the segments with chosen events.
    pub(super) fn frame_bytes(&self, log: &LogView) -> u64 {
        log.frame_bytes_of(self.segments().map(|one| one.id))
    }

    /// The segments with chosen events, oldest first.
    pub(super) fn segments(&self) -> impl Iterator<Item = &MarkedSegment> {
        self.segments.iter().filter(|segment| segment.count > 0)
    }
}

impl MarkedSegment {
    /// Whether an event is chosen.
    pub(super) fn has(&self, sequence: Sequence) -> bool {
        let sequence = sequence.get();
        let word = self.words.get(&(sequence / 64));
        word.is_some_and(|word| word & (1 << (sequence % 64)) != 0)
    }
}
