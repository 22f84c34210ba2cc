//! `Writer`: everything that only the holder of the commit lock touches. What is done with it is in the
//! files beside this one.

use super::assigned::Assigned;
use super::entities::Entities;
use super::head_cache::HeadCache;
use super::kinds::KindsWritten;
use super::name_tables::NameTables;
use super::note_counts::NoteCounts;
use crate::engine::caches::Caches;
use crate::rows::{RemovedInSegments, Sealed, SegmentNames, SourcePositions};
use strandline_core::{EventHasher, HlcClock, Random};
use strandline_index::IndexWriter;
use strandline_segment::{CommitBuffer, LogWriter, NextSegment};

/// How much is written at most before a sync of it is asked for.
const SYNC_AHEAD_BYTES: u32 = 16 << 20;

/// Everything that only the holder of the commit lock touches.
#[derive(Debug)]
pub(crate) struct Writer {
    pub(crate) log: LogWriter,
    pub(crate) index: IndexWriter,
    pub(crate) hlc: HlcClock,
    pub(crate) names: SegmentNames,
    /// Where streams end whose newest event was removed.
    pub(crate) removed: RemovedInSegments,
    /// What was written beside events.
    pub(crate) notes: NoteCounts,
    /// Random bits of the next id, stepped for each.
    id_bits: u64,
    /// A segment that was sealed to make room and wants its footer.
    pub(crate) sealed: Option<Sealed>,
    /// Up to where the active segment was written when its sync was last asked for.
    pub(super) sync_asked: u32,
    /// Up to where the active segment was written when a checkpoint was last asked for.
    pub(super) checkpoint_asked: u32,
    /// Whether the next segment was asked for.
    pub(super) next_asked: bool,
    pub(super) hasher: EventHasher,
    pub(super) buffer: CommitBuffer,
    pub(super) assigned: Vec<Assigned>,
    pub(super) entities: Entities,
    pub(super) name_tables: NameTables,
    pub(crate) heads: HeadCache,
    pub(crate) kinds: KindsWritten,
    /// How far sources were gone through, as the records of the active segment say.
    pub(crate) positions: SourcePositions,
}

impl Writer {
    pub(crate) fn new(
        log: LogWriter,
        index: IndexWriter,
        hlc: HlcClock,
        names: SegmentNames,
        kinds: KindsWritten,
        random: &Random,
        caches: &Caches,
    ) -> Self {
        let written = log.position().offset;
        Self {
            log,
            index,
            hlc,
            names,
            removed: RemovedInSegments::default(),
            notes: NoteCounts::default(),
            id_bits: random.number(),
            sealed: None,
            sync_asked: written,
            checkpoint_asked: written,
            next_asked: false,
            hasher: EventHasher::default(),
            buffer: CommitBuffer::default(),
            assigned: Vec::new(),
            entities: Entities::default(),
            name_tables: NameTables::new(caches.names.clone()),
            heads: HeadCache::new(caches.heads.clone()),
            kinds,
            positions: SourcePositions::default(),
        }
    }

    /// Whether so much was written since this last said so that a rotation would sync for long.
    pub(crate) fn should_sync_ahead(&mut self) -> bool {
        let written = self.log.position().offset;
        let should = written.saturating_sub(self.sync_asked) >= SYNC_AHEAD_BYTES;
        if should {
            self.sync_asked = written;
        }
        should
    }

    /// Whether `interval` bytes were written since this last said so, or since the segment was begun.
    pub(crate) fn should_checkpoint(&mut self, interval: Option<u64>) -> bool {
        let written = self.log.position().offset;
        let since = written.saturating_sub(self.checkpoint_asked);
        let should = interval.is_some_and(|interval| u64::from(since) >= interval);
        if should {
            self.checkpoint_asked = written;
        }
        should
    }

    /// The next segment, once, when it should be made ahead.
    pub(crate) fn next_to_prepare(&mut self) -> Option<NextSegment> {
        let is_wanted = !self.next_asked && self.log.wants_next();
        is_wanted.then(|| {
            self.next_asked = true;
            self.log.next_segment()
        })
    }

    /// The next random bits of an id: SplitMix64 (Steele, Lea and Flood, 2014). They tell apart
    /// ids of stores whose clocks agree; within a store the clock does.
    pub(super) fn next_id_bits(&mut self) -> u64 {
        self.id_bits = self.id_bits.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut bits = self.id_bits;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        bits ^ (bits >> 31)
    }
}
