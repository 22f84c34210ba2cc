//! `Marks`: events that are chosen, segment by segment, and what is to become of each. Chooses none itself.

use crate::Sequence;
use std::collections::BTreeMap;
use std::ops::Range;
use strandline_core::record::RemovalChange;
use strandline_segment::{LogView, SegmentId};

/// Chosen sequences, each to be removed or redacted.
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
    removed: Bits,
    redacted: Bits,
}

/// A bit for each sequence, in words that are there if one of their bits is set, as sequences may have gaps
/// of any length.
#[derive(Debug, Default)]
struct Bits {
    /// By sequence / 64.
    words: BTreeMap<u64, u64>,
    count: u64,
}

impl Bits {
    fn set(&mut self, sequence: u64) {
        let word = self.words.entry(sequence / 64).or_default();
        let bit = 1 << (sequence % 64);
        self.count += u64::from(*word & bit == 0);
        *word |= bit;
    }

    fn has(&self, sequence: u64) -> bool {
        let word = self.words.get(&(sequence / 64));
        word.is_some_and(|word| word & (1 << (sequence % 64)) != 0)
    }
}

impl Marks {
    /// No event of a log that ends at `visible`.
    pub(super) fn none_of(log: &LogView, visible: Sequence) -> Self {
        let segments = log.infos().map(|info| {
            let end = info.end().map_or(visible, |end| end.sequence);
            MarkedSegment {
                id: info.id(),
                sequences: info.start().sequence.get()..end.get(),
                removed: Bits::default(),
                redacted: Bits::default(),
            }
        });
        Self {
            segments: segments.collect(),
        }
    }

    /// Chooses an event. One that is to be removed is removed, whatever else it was chosen for.
    pub(super) fn add(&mut self, sequence: Sequence, change: RemovalChange) {
        let sequence = sequence.get();
        let at = |segment: &MarkedSegment| segment.sequences.end <= sequence;
        let at = self.segments.partition_point(at);
        let Some(segment) = self.segments.get_mut(at) else {
            return;
        };
        if !segment.sequences.contains(&sequence) || segment.removed.has(sequence) {
            return;
        }
        match change {
            RemovalChange::Removed => segment.removed.set(sequence),
            RemovalChange::Redacted => segment.redacted.set(sequence),
        }
    }

    /// Whether an event is chosen.
    pub(super) fn has(&self, sequence: Sequence) -> bool {
        let at = |segment: &MarkedSegment| segment.sequences.end <= sequence.get();
        let segment = self.segments.get(self.segments.partition_point(at));
        segment.is_some_and(|segment| segment.change(sequence).is_some())
    }

    /// How many events are chosen for a change.
    pub(super) fn count(&self, change: RemovalChange) -> u64 {
        let count = |segment: &MarkedSegment| match change {
            RemovalChange::Removed => segment.removed.count,
            RemovalChange::Redacted => segment.redacted.count,
        };
        self.segments.iter().map(count).sum()
    }

    /// Bytes of the frames of the segments with chosen events.
    pub(super) fn frame_bytes(&self, log: &LogView) -> u64 {
        log.frame_bytes_of(self.segments().map(|one| one.id))
    }

    /// The segments with chosen events, oldest first.
    pub(super) fn segments(&self) -> impl Iterator<Item = &MarkedSegment> {
        self.segments
            .iter()
            .filter(|one| one.is_removed_from() || one.redacted.count > 0)
    }
}

impl MarkedSegment {
    /// What is to become of an event, if it is chosen.
    pub(super) fn change(&self, sequence: Sequence) -> Option<RemovalChange> {
        let sequence = sequence.get();
        if self.removed.has(sequence) {
            return Some(RemovalChange::Removed);
        }
        self.redacted
            .has(sequence)
            .then_some(RemovalChange::Redacted)
    }

    /// Whether an event of the segment is to be removed.
    pub(super) const fn is_removed_from(&self) -> bool {
        self.removed.count > 0
    }
}
