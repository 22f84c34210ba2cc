//! What an opening of a store reads first, of which file. Reads nothing.

use std::ops::Range;
use strandline_segment::{FRAME_HEADER_BYTES, Manifest, SEGMENT_HEADER_BYTES, SegmentInfo};

/// Of so many of the newest sealed segments an opening looks at the header: as many as
/// [`LogOptions::newest_opened`](strandline_segment::LogOptions::newest_opened) is, or a few more.
const NEWEST: usize = 8;

/// Ranges of segment files that an opening reads.
#[derive(Debug, Default)]
pub(super) struct FirstReads {
    /// Short ones: headers and last frames, of the newest segments and of those whose footers are read.
    pub(super) looks: Vec<(String, Range<u64>)>,
    /// Whole footers, of those that no merged file stands for, by its name.
    pub(super) footers: Vec<(String, Range<u64>)>,
}

/// What an opening reads of segment files. O(segments + merged files).
pub(super) fn first_reads(manifest: &Manifest, merged: &[String]) -> FirstReads {
    let merged: Vec<_> = merged.iter().filter_map(|name| segments_of(name)).collect();
    let segments = manifest.segments();
    let newest = segments.len().saturating_sub(NEWEST + 1);
    let mut reads = FirstReads::default();
    for (at, info) in segments.iter().enumerate() {
        let number = info.id().get();
        let is_merged = merged.iter().any(|segments| segments.contains(&number));
        if is_merged && at < newest {
            continue;
        }
        let name = info.file_name();
        let looks = &mut reads.looks;
        looks.push((name.clone(), 0..u64::from(SEGMENT_HEADER_BYTES)));
        looks.extend(last_frame(info).map(|range| (name.clone(), range)));
        if let Some(end) = info.end().filter(|_| !is_merged) {
            reads.footers.push((name, end.offset.into()..u64::MAX));
        }
    }
    reads
}

/// The header of the last frame of a sealed segment.
fn last_frame(info: &SegmentInfo) -> Option<Range<u64>> {
    let start = u64::from(info.end()?.last_frame);
    let bytes = u64::try_from(FRAME_HEADER_BYTES).unwrap_or(u64::MAX);
    Some(start..start.saturating_add(bytes))
}

/// The numbers of the segments in the name of a merged file; none if it is no such name.
fn segments_of(name: &str) -> Option<Range<u32>> {
    let numbers = name.strip_prefix("index-")?.strip_suffix(".idx")?;
    let mut numbers = numbers.split('-').map(str::parse::<u32>);
    let (first, last) = (numbers.next()?.ok()?, numbers.next()?.ok()?);
    Some(first..last.saturating_add(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_merged_file_is_named_by_its_segments() {
        let name = "index-0000000009-0000000016-0000000002.idx";
        assert_eq!(segments_of(name), Some(9..17));
        for other in ["index-a-b.idx", "index-1.idx", "segment-0000000001.log"] {
            assert_eq!(segments_of(other), None);
        }
    }
}
