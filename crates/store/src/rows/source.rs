//! `MergedSource`: what a merged file of the index was made of, from which whatever of it turns out to be
//! damaged is made anew: the footers of its segments, or their frames. Before that it is looked whether only a copy is.

use super::footer_head;
use super::heads::{List, MergedHeads, add_newer};
use super::merged::{BlockInMerged, MergedBytes, MergedHead, MergedSegment};
use super::rebuild::replayed_in;
use super::summary::Summary;
use crate::model::IndexFileName;
use crate::trace;
use crate::{Error, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use strandline_core::fs::{Fs, OpenMode};
use strandline_core::{Hlc, Sequence};
use strandline_index::{Block, BlockBytes, IndexLayout, Snapshot, channel_with};
use strandline_segment::{
    Footer, LogOptions, LogReader, LogView, SegmentId, SegmentInfo, UncheckedLog, footer_on_disk,
};
use tracing::Level;

/// The log, once it was opened: merged files are taken, and asked for names and ids, before.
pub(crate) type LogSlot = Arc<OnceLock<LogReader>>;

/// Where the segments of a merged file are found.
#[derive(Debug)]
pub(crate) struct MergedSource {
    pub(crate) fs: Arc<dyn Fs>,
    pub(crate) dir: PathBuf,
    pub(crate) log: LogSlot,
    pub(crate) name: IndexFileName,
    /// Whether the file is mapped.
    pub(crate) mapped: bool,
    pub(crate) segments: Vec<MergedSegment>,
}

impl MergedSource {
    pub(super) const fn name(&self) -> &IndexFileName {
        &self.name
    }

    /// The segments as they are now. While the log is being opened, they are looked for once more: what is
    /// damaged is met by the frames that are read then, too.
    fn view(&self) -> Result<LogView, Error> {
        if let Some(log) = self.log.get() {
            return Ok(log.view());
        }
        let options = LogOptions::default().newest_opened(0).no_mapped_reads();
        let log = UncheckedLog::open(self.fs.clone(), &self.dir, options)?;
        let gone = || Error::new(ErrorKind::Corrupt, "its log is gone");
        Ok(log.ok_or_else(gone)?.view())
    }

    fn footer(&self, info: &SegmentInfo) -> Option<Footer> {
        let found = footer_on_disk(&*self.fs, &self.dir, info);
        found.ok().flatten().filter(Footer::is_intact)
    }

    /// The newest removed head of each entity, of the segments that are still what they were: the
    /// others have lists of their own. O(footers), or O(events) of segments without a good one.
    ///
    /// # Errors
    ///
    /// `Corrupt` if a segment and its footer are damaged, `Io`.
    pub(super) fn heads(&self) -> Result<MergedHeads, Error> {
        self.heads_of(|_| true)
    }

    /// As [`heads`](Self::heads), of some of the segments.
    ///
    /// # Errors
    ///
    /// As there.
    pub(super) fn heads_of(
        &self,
        is_one: impl Fn(SegmentId) -> bool,
    ) -> Result<MergedHeads, Error> {
        let view = self.view()?;
        let mut heads = MergedHeads::new();
        for segment in self.segments.iter().filter(|segment| is_one(segment.id)) {
            let Some(info) = view.info(segment.id).filter(|info| segment.is(info)) else {
                continue;
            };
            if let Some(footer) = self.footer(info)
                && let Some(list) = list_of(&footer)
            {
                let entries = list.entries();
                entries.for_each(|(entity, _, head)| {
                    add_newer(&mut heads, entity, segment.id, &head);
                });
                continue;
            }
            let (_, committed) = replayed_in(&view, info, IndexLayout::default())?;
            for (entity, head) in &committed.removed {
                add_newer(&mut heads, entity, segment.id, head);
            }
        }
        Ok(heads)
    }

    /// The bytes of the block in a layout: those of the file, if what was found damaged is a copy and the file can be
    /// had; or of all segments, none of which was rewritten since, which takes memory for the block, and for the rows of
    /// one segment at a time.
    ///
    /// # Errors
    ///
    /// `Corrupt` if a segment was rewritten since, or it and its footer are damaged; `Io`.
    pub(super) fn block(&self, layout: IndexLayout) -> Result<BlockBytes, Error> {
        if self.discard_copy()
            && let Some(block) = self.block_read_anew()
        {
            return Ok(block);
        }
        Ok(Arc::new(self.block_merged_anew(layout)?))
    }

    /// Removes the copy of a file that is elsewhere: it was found damaged. Says whether it was one.
    pub(super) fn discard_copy(&self) -> bool {
        let is_one = self.fs.discard_copy(&self.dir.join(self.name.to_string()));
        if is_one {
            let file = self.name.to_string();
            // Whoever reads the block first may hold any lock, and others wait for it.
            trace::tell_aside(Level::WARN, move || {
                tracing::warn!(
                    file,
                    "the copy of a merged index file is damaged and was removed"
                );
            });
        }
        is_one
    }

    /// The block in the file as it is now, all of it checked, if it is still of these segments.
    fn block_read_anew(&self) -> Option<BlockBytes> {
        let path = self.dir.join(self.name.to_string());
        let file = self.fs.open(&path, OpenMode::Read).ok()?;
        let bytes = MergedBytes::of(&*file, self.mapped).ok()?;
        let head = MergedHead::decode(bytes.as_ref()).ok()?;
        let range = head.block;
        let block: BlockBytes = Arc::new(BlockInMerged { bytes, range });
        Block::open(block.clone(), None).ok()?.check_all().ok()?;
        (head.segments == self.segments).then_some(block)
    }

    fn block_merged_anew(&self, layout: IndexLayout) -> Result<Vec<u8>, Error> {
        let file = self.name.to_string();
        // Whoever reads the block first may hold any lock, and others wait for it.
        trace::tell_aside(Level::WARN, move || {
            tracing::warn!(file, "merging a damaged index block anew");
        });
        let view = self.view()?;
        let (mut index, reader) = channel_with(layout);
        let mut cursor = index.replay();
        for segment in &self.segments {
            let info = view.info(segment.id).filter(|info| segment.is(info));
            let info = info.ok_or_else(|| {
                let message = format!("segment {} was rewritten since", segment.id);
                Error::new(ErrorKind::Corrupt, message)
            })?;
            let block = self.block_of(&view, info, segment, layout)?;
            cursor.attach(Arc::new(block))?;
        }
        let end = self.segments.last().map(|last| last.end);
        let first = self.segments.first().map(|first| first.first);
        cursor.commit(end.unwrap_or_default());
        let sequences = first.unwrap_or_default()..end.unwrap_or_default();
        let bytes = reader.snapshot().export(sequences)?;
        Ok(bytes)
    }

    /// The block of one segment, all of it checked.
    fn block_of(
        &self,
        view: &LogView,
        info: &SegmentInfo,
        segment: &MergedSegment,
        layout: IndexLayout,
    ) -> Result<Block, Error> {
        if let Some(footer) = self.footer(info)
            && let Some(block) = block_in(footer)
            && block.rows() == segment.rows
        {
            return Ok(block);
        }
        let (snapshot, _): (Snapshot, _) = replayed_in(view, info, layout)?;
        let bytes = snapshot.export(Sequence::ZERO..segment.end)?;
        Ok(Block::open(Arc::new(bytes), None)?)
    }
}

/// The list of removed heads in a footer, if it is whole and tells of records.
fn list_of(footer: &Footer) -> Option<List<'_>> {
    let head = footer_head::head(footer.as_ref()).ok()?;
    let list = List(footer.as_ref().get(head.heads)?);
    let is_good = list.0.is_empty() || list.check() && list.is_located();
    is_good.then_some(list)
}

/// The block in a footer, if all of it is whole.
fn block_in(footer: Footer) -> Option<Block> {
    let head = footer_head::head(footer.as_ref()).ok()?;
    let bytes = footer.as_ref().get(head.block)?.to_vec();
    Block::from_vec(bytes).ok()
}

/// What the records of a sealed segment say beside their rows, as its frames have it.
///
/// # Errors
///
/// `Corrupt` if they are damaged, `Io`.
pub(crate) fn summary_of(log: &LogView, info: &SegmentInfo) -> Result<Summary, Error> {
    let (_, committed) = replayed_in(log, info, IndexLayout::default())?;
    Ok(committed.summary)
}

/// The newest clock reading up to the end of a sealed segment, as its footer says, or its frames; of one that
/// has no events, removed ones included, and no footer, that of the one before it. O(1) with a footer, else
/// O(events of the segment), or O(segments) and that of the nearest that has any.
///
/// # Errors
///
/// `Corrupt` if both are damaged, `Io`.
pub(crate) fn newest_reading(
    (fs, dir): (&dyn Fs, &Path),
    log: &LogView,
    info: &SegmentInfo,
) -> Result<Hlc, Error> {
    let own = |info: &SegmentInfo| {
        let footer = footer_on_disk(fs, dir, info).ok().flatten();
        let head = footer.and_then(|footer| footer_head::head(footer.as_ref()).ok());
        // A footer says zero where nothing was known.
        match head.filter(|head| head.newest > Hlc::default()) {
            Some(head) => Ok(Some(head.newest)),
            None => {
                let (_, committed) = replayed_in(log, info, IndexLayout::default())?;
                Ok::<_, Error>(committed.hlc.last())
            }
        }
    };
    if let Some(newest) = own(info)? {
        return Ok(newest);
    }
    let before = log.infos().take_while(|other| other.id() < info.id());
    let before: Vec<_> = before.collect();
    for info in before.into_iter().rev() {
        if let Some(newest) = own(info)? {
            return Ok(newest);
        }
    }
    Ok(Hlc::default())
}
