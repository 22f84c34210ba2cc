//! `Inode`: a file's bytes on the medium, its bytes in the cache, and what lies between.

use super::loss::{Choice, Fill};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What a disk writes whole or not at all.
pub(super) const SECTOR_BYTES: usize = 512;

/// What a file system gives to a file at once: ext4's block, as long as a page.
const BLOCK_BYTES: usize = 4096;
const BLOCK_SECTORS: usize = BLOCK_BYTES / SECTOR_BYTES;

#[derive(Debug, Clone, Default)]
pub(super) struct Inode {
    durable: Arc<Vec<u8>>,
    cache: Arc<Vec<u8>>,
    /// What was done since the last sync, oldest first.
    pending: Vec<Pending>,
    /// Whether the cache has what the medium has not and no sync will write: a sync has failed.
    diverged: bool,
    /// Blocks that nothing reaches any more, not even what is written to them again, though every
    /// sync says so: a sync of them has failed. A truncation that frees them gives others.
    marked: BTreeSet<usize>,
    /// Blocks of which a failed sync has lost something, those that are marked among them.
    lost: BTreeSet<usize>,
}

#[derive(Debug, Clone)]
struct Pending {
    stamp: u64,
    change: Change,
}

#[derive(Debug, Clone)]
enum Change {
    /// A sector as it is after a write, zeros past the end of the file.
    Sector {
        index: usize,
        bytes: Arc<[u8; SECTOR_BYTES]>,
    },
    Length(usize),
}

impl Inode {
    pub(super) fn bytes(&self) -> &[u8] {
        &self.cache
    }

    /// Whether a write there would be of a block of which a failed sync has lost something.
    pub(super) fn has_lost(&self, offset: usize, bytes: usize) -> bool {
        let end = offset.saturating_add(bytes);
        let blocks = offset / BLOCK_BYTES..end.div_ceil(BLOCK_BYTES);
        bytes > 0 && self.lost.range(blocks).next().is_some()
    }

    pub(super) fn is_dirty(&self) -> bool {
        !self.pending.is_empty()
    }

    /// Stamps of what may be lost, oldest first.
    pub(super) fn stamps(&self) -> impl Iterator<Item = u64> {
        self.pending.iter().map(|pending| pending.stamp)
    }

    pub(super) fn write(&mut self, bytes: &[u8], offset: usize, stamp: &mut u64) {
        if bytes.is_empty() {
            return;
        }
        let end = offset.saturating_add(bytes.len());
        let cache = Arc::make_mut(&mut self.cache);
        let grows = cache.len() < end;
        if grows {
            cache.resize(end, 0);
        }
        if let Some(to) = cache.get_mut(offset..end) {
            to.copy_from_slice(bytes);
        }
        for index in offset / SECTOR_BYTES..end.div_ceil(SECTOR_BYTES) {
            if self.marked.contains(&(index / BLOCK_SECTORS)) {
                continue;
            }
            let bytes = Arc::new(sector(&self.cache, index));
            self.push(stamp, Change::Sector { index, bytes });
        }
        // Once more where a failed sync may have lost the length: the blocks of a page that is
        // written again are allocated again.
        if grows || self.diverged {
            self.push(stamp, Change::Length(self.cache.len()));
        }
    }

    pub(super) fn set_len(&mut self, length: usize, stamp: &mut u64) {
        if self.cache.len() != length {
            Arc::make_mut(&mut self.cache).resize(length, 0);
            self.push(stamp, Change::Length(length));
            let blocks = length.div_ceil(BLOCK_BYTES);
            self.marked.retain(|block| *block < blocks);
            self.lost.retain(|block| *block < blocks);
        }
    }

    fn push(&mut self, stamp: &mut u64, change: Change) {
        self.pending.push(Pending {
            stamp: *stamp,
            change,
        });
        *stamp += 1;
    }

    pub(super) fn sync(&mut self) {
        self.durable = if self.diverged {
            Arc::new(self.after_crash(&mut Choice::all()))
        } else {
            self.cache.clone()
        };
        self.pending.clear();
    }

    /// A sync that fails as ext4 has it: the blocks that did not arrive stay marked as never written,
    /// and a later sync is taken for good all the same, also if they are written again before it.
    pub(super) fn fail_sync_for_good(&mut self, choice: &mut Choice) {
        let before = std::mem::take(&mut self.lost);
        self.fail_sync(choice);
        self.marked.extend(&self.lost);
        self.lost.extend(before);
    }

    /// A sync that fails as Linux has it: some of the pages arrived, all are clean from now on, and
    /// reads go on giving what the medium may not have.
    pub(super) fn fail_sync(&mut self, choice: &mut Choice) {
        let sectors = self
            .pending
            .iter()
            .filter_map(|pending| match pending.change {
                Change::Sector { index, .. } => Some(index),
                Change::Length(_) => None,
            });
        let sectors: BTreeSet<_> = sectors.collect();
        choice.lose(self.stamps().last());
        self.durable = Arc::new(self.after_crash(choice));
        self.diverged = true;
        self.pending.clear();
        let is_lost = |index: &usize| sector(&self.durable, *index) != sector(&self.cache, *index);
        let lost = sectors.into_iter().filter(is_lost);
        self.lost.extend(lost.map(|index| index / BLOCK_SECTORS));
    }

    /// The middle of a sync: some of what is pending is on the medium.
    pub(super) fn sync_partly(&mut self, choice: &mut Choice) {
        self.durable = Arc::new(self.after_crash(choice));
    }

    pub(super) fn crashed(&self, choice: &mut Choice) -> Self {
        let bytes = if self.pending.is_empty() {
            self.durable.clone()
        } else {
            Arc::new(self.after_crash(choice))
        };
        Self {
            durable: bytes.clone(),
            cache: bytes,
            pending: Vec::new(),
            diverged: false,
            marked: BTreeSet::new(),
            lost: BTreeSet::new(),
        }
    }

    /// What a power cut leaves.
    fn after_crash(&self, choice: &mut Choice) -> Vec<u8> {
        let mut blocks = Vec::clone(&self.durable);
        let mut length = blocks.len();
        // Sectors of which a write was lost, with their content had it not been.
        let mut lost = BTreeMap::new();
        for pending in &self.pending {
            let kept = match pending.change {
                Change::Sector { .. } => choice.keeps_sector(pending.stamp),
                Change::Length(_) => choice.keeps(pending.stamp),
            };
            match &pending.change {
                Change::Sector { index, bytes } if kept => {
                    put(&mut blocks, *index, bytes);
                    lost.remove(index);
                }
                Change::Sector { index, bytes } => {
                    lost.insert(*index, bytes.clone());
                }
                Change::Length(to) if kept => {
                    length = *to;
                    if let Some(cut) = blocks.get_mut(length..) {
                        cut.fill(0);
                    }
                }
                Change::Length(_) => {}
            }
        }
        for (index, wanted) in lost {
            self.tear(&mut blocks, index, &wanted, choice);
        }
        blocks.resize(length, 0);
        blocks
    }

    /// Fills a sector whose write was lost, in those bytes that the write would have changed.
    fn tear(
        &self,
        blocks: &mut Vec<u8>,
        index: usize,
        wanted: &[u8; SECTOR_BYTES],
        choice: &mut Choice,
    ) {
        let fill = choice.fill();
        if fill == Fill::Old {
            return;
        }
        let mut torn = sector(blocks, index);
        let start = index * SECTOR_BYTES;
        for (at, (byte, wanted)) in torn.iter_mut().zip(wanted).enumerate() {
            let is_new = start + at >= self.durable.len();
            if *byte != *wanted || is_new {
                *byte = match fill {
                    Fill::Random => choice.byte(),
                    Fill::Zeros | Fill::Old => 0,
                };
            }
        }
        put(blocks, index, &torn);
    }
}

/// The sector as it is in `bytes`, zeros past their end.
fn sector(bytes: &[u8], index: usize) -> [u8; SECTOR_BYTES] {
    let mut sector = [0; SECTOR_BYTES];
    let from = bytes.get(index * SECTOR_BYTES..).unwrap_or_default();
    for (to, from) in sector.iter_mut().zip(from) {
        *to = *from;
    }
    sector
}

fn put(blocks: &mut Vec<u8>, index: usize, bytes: &[u8; SECTOR_BYTES]) {
    let start = index * SECTOR_BYTES;
    let end = start + SECTOR_BYTES;
    if blocks.len() < end {
        blocks.resize(end, 0);
    }
    if let Some(to) = blocks.get_mut(start..end) {
        to.copy_from_slice(bytes);
    }
}
