//! Merged files of the index, and merged blocks in use, held against what the frames of their segments give.
//!
//! Of each segment, the rows that a file has are merged alone, which makes the block of that segment, and it
//! is compared as a footer's is. What a block has beside the rows of its segments, its tables, is a function of
//! them: a block that is merged with nothing gives itself, byte for byte. So no more than one segment's block is
//! in memory, however many a file spans.

use super::rows::{SUMMARY_DIFFERS, SegmentRows};
use crate::Error;
use crate::engine::Shared;
use crate::model::IndexFileName;
use crate::rows::heads::{self, MergedHeads};
use crate::rows::merged::{MergedHead, MergedSegment};
use crate::rows::merged_file::{self, no_merged_file};
use crate::rows::{Summary, retain_newest};
use std::ops::{ControlFlow, Range};
use std::sync::Arc;
use strandline_core::Sequence;
use strandline_core::fs::EntryKind;
use strandline_index::{Block, ComparingSink, MergeError, MergePart, Snapshot, merge};
use strandline_segment::{LogView, SegmentInfo};

/// A merged file as it stands in the directory.
#[derive(Debug)]
pub(super) struct StoredMerged {
    pub(super) file: String,
    pub(super) head: MergedHead,
    pub(super) block: Arc<Block>,
    /// The bytes of summary, list and block, as they stand there.
    bytes: merged_file::Stored,
    /// Whether each of its segments is what it was made of.
    pub(super) is_current: bool,
}

/// Rows of a merged block that are to be those of one segment.
#[derive(Debug, Clone)]
pub(super) struct MergedRows {
    pub(super) file: String,
    pub(super) block: Arc<Block>,
    pub(super) rows: Range<u32>,
    /// How many rows the file says are of the segment, if it is one.
    claimed: Option<u32>,
}

/// The merged files of a store, and the merged blocks that this process uses.
#[derive(Debug, Default)]
pub(super) struct Merged {
    pub(super) files: Vec<Arc<StoredMerged>>,
    in_use: Vec<(Range<Sequence>, MergePart)>,
    /// What cannot be read: a file and why.
    pub(super) unread: Vec<(String, String)>,
}

impl Merged {
    /// What there is: files, and blocks that `index` has, whatever takes their place meanwhile. A file that is
    /// there no more when it is opened was replaced, and says nothing. One that cannot be opened or read is no
    /// more than wrong: all that it has is in the log.
    ///
    /// # Errors
    ///
    /// `Io` if the directory cannot be listed.
    pub(super) fn of(shared: &Shared, view: &LogView, index: &Snapshot) -> Result<Self, Error> {
        let (fs, dir) = (&shared.options.fs, &shared.dir);
        let listed = fs
            .list_names(dir)
            .map_err(|error| Error::io("list", dir, error))?;
        let slot = shared.merged.lock().log.clone();
        let mut merged = Self::default();
        for entry in listed {
            let Some(name) = IndexFileName::parse(&entry.name) else {
                continue;
            };
            if entry.kind != EntryKind::File {
                let reason = format!(
                    "it is {}: remove it, or move it away",
                    no_merged_file(entry.kind)
                );
                merged.unread.push((entry.name, reason));
                continue;
            }
            let mapped = shared.options.log.maps_reads();
            let opened = merged_file::open((fs, dir), name, &shared.identity, mapped, &slot);
            let opened = match opened {
                Ok(opened) => opened,
                Err(error) if error.io_kind() == Some(std::io::ErrorKind::NotFound) => continue,
                Err(error) => {
                    merged.unread.push((entry.name, error.to_string()));
                    continue;
                }
            };
            let is = |segment: &MergedSegment| {
                view.info(segment.id).is_some_and(|info| segment.is(info))
            };
            merged.files.push(Arc::new(StoredMerged {
                file: entry.name,
                is_current: opened.head.segments.iter().all(is),
                bytes: opened.stored(),
                head: opened.head,
                block: Arc::new(opened.block),
            }));
        }
        let parts = index.parts().into_iter();
        merged.in_use = parts
            .filter_map(|part| Some((part.sequences, part.block?)))
            .collect();
        Ok(merged)
    }

    /// Whether a block in use is of rows of several segments, or of some rows of a block: those are held
    /// against each segment by [`of_segment`](Self::of_segment).
    pub(super) fn has(&self, block: &Arc<Block>, infos: &[SegmentInfo]) -> bool {
        let is_part = |(_, part): &(_, MergePart)| {
            Arc::ptr_eq(&part.block, block)
                && (part.rows != (0..block.rows()) || spans_several(block, infos))
        };
        self.in_use.iter().any(is_part)
    }

    /// What files, and blocks in use, have of a segment.
    pub(super) fn of_segment(&self, info: &SegmentInfo, infos: &[SegmentInfo]) -> Vec<MergedRows> {
        let mut all = Vec::new();
        for stored in &self.files {
            let segments = &stored.head.segments;
            let Some(at) = stored.head.find(info) else {
                continue;
            };
            let rows = |segment: &MergedSegment| segment.rows;
            let before: u32 = segments.iter().take(at).map(rows).sum();
            let own = segments.get(at).map_or(0, rows);
            all.push(MergedRows {
                file: stored.file.clone(),
                block: stored.block.clone(),
                rows: before..before.saturating_add(own),
                claimed: Some(own),
            });
        }
        let end = info.end().map(|end| end.sequence);
        let wanted = info.start().sequence..end.unwrap_or_default();
        for (sequences, part) in &self.in_use {
            let is_of = sequences.start < wanted.end && sequences.end > wanted.start;
            if is_of && self.has(&part.block, infos) {
                let own = part.block.rows_within(&wanted);
                let rows = own.start.max(part.rows.start)..own.end.min(part.rows.end);
                all.push(MergedRows {
                    file: info.file_name(),
                    block: part.block.clone(),
                    rows,
                    claimed: None,
                });
            }
        }
        all
    }
}

fn spans_several(block: &Block, infos: &[SegmentInfo]) -> bool {
    let of = |sequence: Sequence| infos.partition_point(|info| info.start().sequence <= sequence);
    let Range { start, end } = block.sequences();
    let last = Sequence::new(end.get().saturating_sub(1));
    block.rows() > 0 && of(start) != of(last)
}

impl MergedRows {
    /// Whether the rows come from a file in the directory.
    pub(super) const fn is_of_file(&self) -> bool {
        self.claimed.is_some()
    }

    /// The block of the rows alone, in the layout that they are kept in, or what is wrong with them.
    ///
    /// # Errors
    ///
    /// A sentence.
    pub(super) fn alone(&self) -> Result<Block, String> {
        let part = MergePart {
            block: self.block.clone(),
            rows: self.rows.clone(),
        };
        let mut bytes = Vec::new();
        let merged = merge(&[part], self.block.layout(), &mut bytes, &mut go_on);
        merged.map_err(|error| error.to_string())?;
        Block::open(Arc::new(bytes), None).map_err(|error| error.to_string())
    }
}

fn go_on(_: strandline_index::MergeProgress) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

impl StoredMerged {
    /// What is wrong with the file as a whole, once its rows were compared: with what a block has beside
    /// rows, and with its lists, where `lists` are those that the frames of all of its segments give.
    pub(super) fn problems(&self, lists: Option<Lists>, index: &Snapshot) -> Vec<String> {
        let mut problems = Vec::new();
        if let Err(error) = self.block.check_all() {
            return vec![format!("its block is damaged: {error}")];
        }
        let part = MergePart {
            block: self.block.clone(),
            rows: 0..self.block.rows(),
        };
        let mut sink = ComparingSink::new(self.bytes.block());
        match merge(&[part], self.block.layout(), &mut sink, &mut go_on) {
            Ok(_) if sink.difference().is_none() => {}
            Ok(_) => {
                let at = sink.difference().unwrap_or_default();
                problems.push(format!(
                    "its block is not what its own rows give, from byte {at} of it on"
                ));
            }
            Err(error @ MergeError::Io(_)) => problems.push(error.to_string()),
            Err(error) => problems.push(format!("its block contradicts itself: {error}")),
        }
        if let Some(lists) = lists.filter(|_| self.is_current) {
            let Lists {
                mut removed,
                summary,
            } = lists;
            if summary.encode() != self.bytes.summary() {
                problems.push(SUMMARY_DIFFERS.to_owned());
            }
            let ends = self.head.segments.first().zip(self.head.segments.last());
            if let Some((first, last)) = ends {
                retain_newest(&mut removed, index, &(first.first..last.end));
            }
            if heads::encode_merged(&removed) != self.bytes.heads() {
                problems.push(
                    "its list of the streams whose newest event was removed differs from what the \
                     frames say"
                        .to_owned(),
                );
            }
        }
        problems
    }
}

/// The lists that the frames of the segments of one file gave so far.
#[derive(Debug, Default)]
pub(super) struct Lists {
    /// Where streams end whose newest event was removed.
    removed: MergedHeads,
    summary: Summary,
}

impl Lists {
    /// Adds those of a segment, all of which was read.
    pub(super) fn add(&mut self, rows: &SegmentRows) {
        for (entity, head) in &rows.removed {
            heads::add_newer(&mut self.removed, entity, rows.info.id(), head);
        }
        self.summary.add(&rows.summary);
    }
}
