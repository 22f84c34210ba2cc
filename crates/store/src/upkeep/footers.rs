//! Writing the footer of a sealed segment, beside appends.

use crate::engine::Shared;
use crate::rows::footer::{self, Opened};
use crate::rows::{HeadMap, Sealed};
use crate::trace;
use crate::{Error, ErrorKind};
use strandline_segment::{SealedSegment, SegmentInfo, footer_on_disk};
use tracing::Level;

/// Writes the footer of a sealed segment, and puts its block in the place of the live rows.
pub(super) fn write_footer(shared: &Shared, sealed: &Sealed) {
    let _held = trace::hold();
    let info = &sealed.info;
    let number = info.id().get();
    let (segment, removed) = match open_sealed(shared, info) {
        Ok(Some(opened)) => opened,
        // It was rewritten meanwhile, with a footer of its own.
        Ok(None) => return,
        Err(error) => return shared.footers.lock().failed(info.id(), &error),
    };
    let tree = tree_of(&segment);
    let begun = footer::begin(sealed.newest, &removed, &sealed.summary, tree.len());
    let first = info.start().sequence;
    let end = info.end().map_or(first, |end| end.sequence);
    let snapshot = shared.index.snapshot();
    let is_own = snapshot.is_trusted(first..end);
    let exported = snapshot.export_after(begun, first..end);
    drop(snapshot);
    let written = exported.map_err(Error::from).and_then(|mut bytes| {
        bytes.extend_from_slice(&tree);
        let is_sound = has_footer(shared, info, &bytes);
        if !is_sound {
            segment.write_footer(&bytes)?;
        }
        Ok(is_sound)
    });
    let is_sound = match written {
        // A footer saves time at an opening and memory before it, and is rebuilt from the frames.
        Err(error) => return shared.footers.lock().failed(info.id(), &error),
        Ok(is_sound) => is_sound,
    };
    // Until now they were made of frames, and in memory.
    shared.trees.forget(info.id());
    let mapped = shared.options.log.maps_reads();
    let opened = segment
        .footer(mapped)
        .map_err(Error::from)
        .and_then(|footer| match (footer, segment.frames()) {
            (Some(footer), Some(frames)) => footer::open(footer, frames),
            _ => Err(Error::new(ErrorKind::Corrupt, "it is not there")),
        });
    let replaced = opened.and_then(|Opened { block, .. }| {
        if block.rows() == 0 {
            return Ok(());
        }
        // One that was there already may have hashes that nobody here knows.
        let block = match is_own && !is_sound {
            true => block.trusted(),
            false => block,
        };
        // A rewritten segment has rows of its own, whose positions are others.
        let _positions = shared.positions.read();
        if shared.log.view().info(info.id()) == Some(info) {
            return shared.index.replace(block).map_err(Error::from);
        }
        Ok(())
    });
    match replaced {
        Ok(()) => {
            let mut footers = shared.footers.lock();
            match is_sound {
                true => footers.sound += 1,
                false => footers.count += 1,
            }
            drop(footers);
            trace::tell(Level::DEBUG, move || {
                tracing::debug!(segment = number, "wrote the footer of a sealed segment");
            });
        }
        // It was written, and cannot be used.
        Err(error) => shared.footers.lock().failed(info.id(), &error),
    }
}

/// The tree section that the footer of a segment should have: none if its frames cannot be read, without which the
/// footer is of use all the same.
fn tree_of(segment: &SealedSegment) -> Vec<u8> {
    let number = segment.info().id().get();
    let tree = segment.frames().map(|frames| footer::tree_of(&frames));
    match tree {
        Some(Ok(tree)) => tree,
        None => Vec::new(),
        Some(Err(error)) => {
            trace::tell(Level::WARN, move || {
                tracing::warn!(segment = number, %error, "writing a footer without nodes of the tree");
            });
            Vec::new()
        }
    }
}

/// Opens a sealed segment to write its footer, with where streams end in it whose newest event was
/// removed; none if it was rewritten meanwhile, with a footer.
fn open_sealed(
    shared: &Shared,
    info: &SegmentInfo,
) -> Result<Option<(SealedSegment, HeadMap)>, Error> {
    let writer = shared.writer()?.lock();
    let segment = writer.log.sealed_segment(info.id())?;
    let is_same = segment.info() == info;
    Ok(is_same.then(|| (segment, writer.removed.map_of(info.id()))))
}

/// Whether the file of a segment has a footer that says what it should, byte for byte but for hashes
/// that it need not know.
fn has_footer(shared: &Shared, info: &SegmentInfo, expected: &[u8]) -> bool {
    let found = footer_on_disk(&*shared.options.fs, &shared.dir, info);
    found.is_ok_and(|found| {
        found.is_some_and(|found| found.is_intact() && footer::is_as_expected(&found, expected))
    })
}
