//! What a store keeps as the footer of a sealed segment: the newest clock reading, a summary of what the
//! segment's records say beside their rows, where streams end whose newest event was removed, the index
//! block of the rows, and the nodes of the tree over the log that lie in the segment.
//!
//! | field | bytes |
//! |---|---|
//! | wall_ms of the newest reading | 8 |
//! | its counter | 4 |
//! | length of the list of removed heads; the highest bit is set if there is a summary or a tree section | 4 |
//! | if so: length of the summary, length of the tree section | 4 + 4 |
//! | checksum of the bytes before, with no salt, at offset 0 | 8 |
//! | summary, see there: [`summary`](super::summary) | any |
//! | list of removed heads, see [`heads`](super::heads) | any |
//! | index block | any |
//! | tree section, see [`tree_section`](super::tree_section) | the rest |
//!
//! Summary, list, block and section have checksums of their own, so that each is checked where it is used. Footers of
//! stores that were written before there were tree sections have none.

pub(crate) use super::footer_head::head;
use super::footer_head::{FooterHead, LONG};
use super::heads::{self, HeadMap};
use super::rebuild::{rebuilt_block, replayed_with, sequences};
use super::removed::RemovedHeads;
use super::segment_tree::SegmentTree;
use super::summary::Summary;
use super::tree_section;
use crate::trace;
use crate::{Error, ErrorKind};
use std::ops::Range;
use std::sync::Arc;
use strandline_core::codec::Writer;
use strandline_core::{Hlc, Salt};
use strandline_index::{Block, IndexLayout, RebuildBlock};
use strandline_segment::{Footer, SealedFrames};
use tracing::Level;

/// What a footer has before its block, which is to be added, and after that the tree section, which has so
/// many bytes.
pub(crate) fn begin(
    newest: Option<Hlc>,
    heads: &HeadMap,
    summary: &Summary,
    tree_bytes: usize,
) -> Vec<u8> {
    let newest = newest.unwrap_or_default();
    let (heads, summary) = (heads::encode(heads), summary.encode());
    // A footer has at most 1 GiB.
    let short = |length: usize| u32::try_from(length).unwrap_or(u32::MAX);
    let mut out = Vec::new();
    let mut writer = Writer::new(&mut out);
    writer.u64(newest.wall_ms());
    writer.u32(newest.counter());
    if summary.is_empty() && tree_bytes == 0 {
        writer.u32(short(heads.len()));
    } else {
        writer.u32(short(heads.len()) | LONG);
        writer.u32(short(summary.len()));
        writer.u32(short(tree_bytes));
    }
    let checksum = Salt::NONE.checksum(0, &out);
    Writer::new(&mut out).u64(checksum.0);
    out.extend_from_slice(&summary);
    out.extend_from_slice(&heads);
    out
}

/// The bytes of the footer that a segment should have, whose newest clock reading is `newest` or one
/// in its frames. O(events of the segment).
///
/// # Errors
///
/// As [`rebuilt_block`].
pub(crate) fn rebuilt_footer(
    frames: &SealedFrames,
    layout: IndexLayout,
    newest: Option<Hlc>,
) -> Result<Vec<u8>, Error> {
    let mut tree = SegmentTree::of(frames.info());
    let (snapshot, committed) = replayed_with(frames, layout, |frame| tree.frame(frame))?;
    let tree = tree_section::encode(&tree);
    let newest = newest.max(committed.hlc.last());
    let begun = begin(newest, &committed.removed, &committed.summary, tree.len());
    let mut footer = snapshot.export_after(begun, sequences(frames))?;
    footer.extend_from_slice(&tree);
    Ok(footer)
}

/// The tree section that the footer of a segment should have. O(bytes of the segment).
///
/// # Errors
///
/// `Corrupt` if the frames are damaged, `Io` if they cannot be read.
pub(crate) fn tree_of(frames: &SealedFrames) -> Result<Vec<u8>, Error> {
    let mut tree = SegmentTree::of(frames.info());
    frames
        .visit(|frame| tree.frame(frame))
        .map_err(Error::from)?;
    Ok(tree_section::encode(&tree))
}

/// The bytes of the block in a footer.
struct BlockInFooter {
    footer: Footer,
    block: Range<usize>,
}

impl AsRef<[u8]> for BlockInFooter {
    fn as_ref(&self) -> &[u8] {
        let block = self.footer.as_ref().get(self.block.clone());
        block.unwrap_or_default()
    }
}

/// What a footer has.
pub(crate) struct Opened {
    pub(crate) newest: Hlc,
    pub(crate) summary: Summary,
    pub(crate) heads: Option<RemovedHeads>,
    pub(crate) block: Block,
}

/// Opens the footer of a sealed segment. What is damaged in the block and in the list is made anew
/// from the frames when it is used.
///
/// # Errors
///
/// `Corrupt` if the head of the footer, the summary or the head of the block is damaged, or the block is of
/// other rows.
pub(crate) fn open(footer: Footer, frames: SealedFrames) -> Result<Opened, Error> {
    let head = head(footer.as_ref())?;
    let summary = head.summary(footer.as_ref())?;
    let FooterHead {
        newest,
        heads,
        block,
        ..
    } = head;
    let (of_heads, of_block) = (frames.clone(), frames.clone());
    let rebuild: RebuildBlock = Box::new(move |layout| {
        let info = of_block.info().id();
        let segment = info.get();
        // Whoever reads the block first may hold any lock, and others wait for it.
        trace::tell_aside(Level::WARN, move || {
            tracing::warn!(segment, "rebuilding a damaged index block");
        });
        let bytes = rebuilt_block(&of_block, layout)?;
        Ok(Arc::new(bytes))
    });
    let bytes = BlockInFooter {
        footer: footer.clone(),
        block,
    };
    let block = Block::open(Arc::new(bytes), Some(rebuild))?;
    if !holds_rows_of(&block, &frames) {
        return Err(Error::new(
            ErrorKind::Corrupt,
            "the footer holds the rows of another segment",
        ));
    }
    Ok(Opened {
        newest,
        summary,
        heads: RemovedHeads::in_footer(footer, heads, of_heads),
        block,
    })
}

/// What a footer has, as it stands there.
pub(crate) struct Stored<'f> {
    pub(crate) newest: Hlc,
    /// The bytes of its summary.
    pub(crate) summary: &'f [u8],
    /// The bytes of its list of removed heads.
    pub(crate) heads: &'f [u8],
    /// Its block, of which nothing is made anew.
    pub(crate) block: Block,
    /// The bytes of its tree section.
    pub(crate) tree: &'f [u8],
}

/// What a footer has, as it stands there.
///
/// # Errors
///
/// As [`open`], whatever rows the block has and whatever summary and list say.
pub(crate) fn stored(footer: &Footer) -> Result<Stored<'_>, Error> {
    let head = head(footer.as_ref())?;
    let bytes = BlockInFooter {
        footer: footer.clone(),
        block: head.block,
    };
    let block = Block::open(Arc::new(bytes), None)?;
    let part = |range| footer.as_ref().get(range).unwrap_or_default();
    Ok(Stored {
        newest: head.newest,
        summary: part(head.summary),
        heads: part(head.heads),
        block,
        tree: part(head.tree),
    })
}

/// Whether a footer is the expected one, but for hashes of heads that it need not know. O(bytes).
pub(crate) fn is_as_expected(found: &Footer, expected: &[u8]) -> bool {
    if found.as_ref() == expected {
        return true;
    }
    let parts = |footer: &[u8]| {
        let head = head(footer).ok()?;
        let block = footer.get(head.block.clone())?.to_vec();
        let beside = [
            footer.get(..head.block.start)?.to_vec(),
            footer.get(head.tree)?.to_vec(),
        ];
        Some((beside, Block::open(Arc::new(block), None).ok()?))
    };
    match (parts(found.as_ref()), parts(expected)) {
        (Some((beside, own)), Some((other_beside, other))) => {
            let is_same_layout = own.layout() == other.layout();
            beside == other_beside && is_same_layout && own.differences(&other).is_empty()
        }
        _ => false,
    }
}

/// Whether a block can be of a segment: has all of its rows, or some if it was rewritten.
fn holds_rows_of(block: &Block, frames: &SealedFrames) -> bool {
    let sequences = frames.info().start().sequence..frames.end().sequence;
    let all = sequences.end.get().saturating_sub(sequences.start.get());
    let held = u64::from(block.rows());
    let own = block.sequences();
    let is_within = held == 0 || own.start >= sequences.start && own.end <= sequences.end;
    let is_whole = held == all && (held == 0 || own == sequences);
    is_whole || is_within && frames.info().header().rewritings() > 0
}
