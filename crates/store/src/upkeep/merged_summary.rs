//! The summary for a merged file: of its segments, from the files that there are. Merges nothing.

use crate::Error;
use crate::engine::Shared;
use crate::engine::merged_files::UsedFile;
use crate::rows::{Summary, footer, merged_file, summary_of};
use std::collections::BTreeSet;
use strandline_segment::SegmentInfo;

/// What the records of segments, which ascend, say beside their rows: as merged files of them alone and footers
/// have it, or frames where those are damaged. A rewriting leaves them as they are. O(files), and O(segments) that are in none.
///
/// # Errors
///
/// `Corrupt` if a segment is damaged and so is what was made of it, `Io`.
pub(super) fn of(shared: &Shared, infos: &[SegmentInfo]) -> Result<Summary, Error> {
    let ends = infos.first().zip(infos.last());
    let Some((first, last)) = ends.map(|(first, last)| (first.id(), last.id())) else {
        return Ok(Summary::default());
    };
    let files: Vec<_> = {
        let files = shared.merged.lock();
        let is_within =
            |file: &&UsedFile| first <= file.name.first && file.name.last <= last && !file.is_gone;
        files.used.iter().filter(is_within).cloned().collect()
    };
    let mut summary = Summary::default();
    let mut told = BTreeSet::new();
    for file in &files {
        let path = shared.dir.join(file.name.to_string());
        // One that is damaged is not needed.
        if let Ok(own) = merged_file::summary(&*shared.options.fs, &path) {
            summary.add(&own);
            told.extend(file.segments.iter().map(|segment| segment.id));
        }
    }
    for info in infos.iter().filter(|info| !told.contains(&info.id())) {
        summary.add(&of_segment(shared, info)?);
    }
    Ok(summary)
}

/// The summary of a segment, as its footer has it, or its frames.
fn of_segment(shared: &Shared, info: &SegmentInfo) -> Result<Summary, Error> {
    let segment = shared.writer()?.lock().log.sealed_segment(info.id())?;
    if let Ok(Some(footer)) = segment.footer(shared.options.log.maps_reads())
        && let Ok(head) = footer::head(footer.as_ref())
        && let Ok(own) = head.summary(footer.as_ref())
    {
        return Ok(own);
    }
    summary_of(&shared.log.view(), info)
}
