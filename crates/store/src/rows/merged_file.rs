//! A merged file of the index, opened: its head checked, its list and its block before their first use.
//! What its bytes are is in [`merged`](super::merged).

use super::merged::{BlockInMerged, MergedBytes, MergedHead};
use super::removed::RemovedHeads;
use super::source::{LogSlot, MergedSource};
use super::summary::Summary;
use crate::model::IndexFileName;
use crate::{Error, ErrorKind};
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use strandline_core::fs::{EntryKind, Fs, OpenMode};
use strandline_index::{Block, RebuildBlock};
use strandline_segment::LogIdentity;

/// The bytes of a merged file behind what it begins with, as they stand there.
#[derive(Debug, Clone)]
pub(crate) struct Stored {
    bytes: MergedBytes,
    summary: Range<usize>,
    heads: Range<usize>,
    block: Range<usize>,
}

impl Stored {
    /// The summary.
    pub(crate) fn summary(&self) -> &[u8] {
        self.bytes
            .as_ref()
            .get(self.summary.clone())
            .unwrap_or_default()
    }

    /// The list of removed heads.
    pub(crate) fn heads(&self) -> &[u8] {
        self.bytes
            .as_ref()
            .get(self.heads.clone())
            .unwrap_or_default()
    }

    /// The block.
    pub(crate) fn block(&self) -> &[u8] {
        self.bytes
            .as_ref()
            .get(self.block.clone())
            .unwrap_or_default()
    }
}

/// What a merged file has.
pub(crate) struct OpenedMerged {
    pub(crate) head: MergedHead,
    /// What the records of its segments say beside their rows.
    pub(crate) summary: Summary,
    /// The heads of its segments.
    pub(crate) heads: RemovedHeads,
    pub(crate) block: Block,
    /// Length of the file in bytes.
    pub(crate) bytes: u64,
    stored: MergedBytes,
}

impl OpenedMerged {
    /// The bytes behind what it begins with.
    pub(crate) fn stored(&self) -> Stored {
        Stored {
            bytes: self.stored.clone(),
            summary: self.head.summary.clone(),
            heads: self.head.heads.clone(),
            block: self.head.block.clone(),
        }
    }
}

/// What stands in the place of a merged file that is no file. It is nothing of the store's, and stays.
pub(crate) const fn no_merged_file(kind: EntryKind) -> &'static str {
    match kind {
        EntryKind::Directory => "a directory in the place of a merged file of the index",
        EntryKind::File | EntryKind::Other => {
            "a symbolic link, or no file, in the place of a merged file of the index"
        }
    }
}

/// Opens a merged file. What is damaged in its block and in its list is made anew from its segments when
/// it is used. O(segments of it). Where the file is a copy of one that is elsewhere, a damaged one is read anew from
/// there first, here and when it is used.
///
/// # Errors
///
/// `Corrupt` if its head, its summary or the head of its block is damaged, or it is of another log; `Io`.
pub(crate) fn open(
    (fs, dir): (&Arc<dyn Fs>, &Path),
    name: IndexFileName,
    identity: &LogIdentity,
    mapped: bool,
    log: &LogSlot,
) -> Result<OpenedMerged, Error> {
    let path = dir.join(name.to_string());
    let once = || open_once((fs, dir), name, identity, mapped, log);
    match once() {
        Err(error) if error.kind() == ErrorKind::Corrupt && fs.discard_copy(&path) => once(),
        opened => opened,
    }
}

fn open_once(
    (fs, dir): (&Arc<dyn Fs>, &Path),
    name: IndexFileName,
    identity: &LogIdentity,
    mapped: bool,
    log: &LogSlot,
) -> Result<OpenedMerged, Error> {
    let path = dir.join(name.to_string());
    let file = fs
        .open(&path, OpenMode::Read)
        .map_err(|error| Error::io("open", &path, error))?;
    let bytes = MergedBytes::of(&*file, mapped).map_err(|error| Error::io("read", &path, error))?;
    let head = MergedHead::decode(bytes.as_ref())?;
    let ends = head.segments.first().zip(head.segments.last());
    let is_named = ends.is_some_and(|(first, last)| (first.id, last.id) == (name.first, name.last));
    if head.identity != *identity || !is_named {
        let message = "it is of another log, or of other segments than its name says";
        return Err(Error::new(ErrorKind::Corrupt, message));
    }
    let summary = summary_in(&head, bytes.as_ref())?;
    let source = Arc::new(MergedSource {
        fs: fs.clone(),
        dir: dir.to_path_buf(),
        log: log.clone(),
        name,
        mapped,
        segments: head.segments.clone(),
    });
    let of_block = source.clone();
    let rebuild: RebuildBlock = Box::new(move |layout| Ok(of_block.block(layout)?));
    let block = BlockInMerged {
        bytes: bytes.clone(),
        range: head.block.clone(),
    };
    let block = Block::open(Arc::new(block), Some(rebuild))?;
    if !holds_rows_of(&block, &head) {
        let message = "its block holds other rows than those of its segments";
        return Err(Error::new(ErrorKind::Corrupt, message));
    }
    Ok(OpenedMerged {
        bytes: bytes.as_ref().len() as u64,
        stored: bytes.clone(),
        summary,
        heads: RemovedHeads::in_merged(bytes, head.heads.clone(), source),
        head,
        block,
    })
}

/// The summary in the bytes of a file.
fn summary_in(head: &MergedHead, bytes: &[u8]) -> Result<Summary, Error> {
    let list = bytes.get(head.summary.clone()).unwrap_or_default();
    Summary::decode(list).map_err(|error| {
        let message = "its summary is damaged";
        Error::new(ErrorKind::Corrupt, message).with_source(error)
    })
}

/// The summary in a merged file, of which no more is read than that and what it begins with.
///
/// # Errors
///
/// `Corrupt` if that is damaged, `Io`.
pub(crate) fn summary(fs: &dyn Fs, path: &Path) -> Result<Summary, Error> {
    let file = fs
        .open(path, OpenMode::Read)
        .map_err(|error| Error::io("open", path, error))?;
    let (head, _) = MergedHead::read(&*file)?;
    let mut bytes = vec![0; head.summary.len()];
    let read = file.read_up_to(&mut bytes, head.summary.start as u64);
    let read = read.map_err(|error| Error::io("read", path, error))?;
    bytes.truncate(read);
    let head = MergedHead {
        summary: 0..head.summary.len(),
        ..head
    };
    summary_in(&head, &bytes)
}

/// Whether a block can be of the segments: has as many rows as they, within their sequences.
fn holds_rows_of(block: &Block, head: &MergedHead) -> bool {
    let Some((first, last)) = head.segments.first().zip(head.segments.last()) else {
        return false;
    };
    let own = block.sequences();
    let is_within = own.start >= first.first && own.end <= last.end;
    u64::from(block.rows()) == head.rows() && (block.rows() == 0 || is_within)
}
