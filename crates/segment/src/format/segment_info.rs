//! `SegmentInfo`: a segment as a manifest lists it, and the search for one in a list.

use super::header::SegmentHeader;
use super::position::{LogPosition, SegmentId};

/// A segment of the log: what identifies it, where it begins, and where it ends once sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SegmentInfo {
    pub(crate) header: SegmentHeader,
    pub(crate) end: Option<LogPosition>,
}

impl SegmentInfo {
    /// Its number.
    #[must_use]
    pub const fn id(&self) -> SegmentId {
        self.header.id
    }

    /// Its header.
    #[must_use]
    pub const fn header(&self) -> &SegmentHeader {
        &self.header
    }

    /// Where its first frame begins.
    #[must_use]
    pub const fn start(&self) -> LogPosition {
        self.header.start()
    }

    /// Where its frames end; none while it is active.
    #[must_use]
    pub const fn end(&self) -> Option<LogPosition> {
        self.end
    }

    /// Whether it is sealed.
    #[must_use]
    pub const fn is_sealed(&self) -> bool {
        self.end.is_some()
    }

    /// The name of its file.
    #[must_use]
    pub fn file_name(&self) -> String {
        self.header.file_name()
    }

    /// Where a segment stands in a list that ascends, whose entries each have the info that `info` gives.
    pub(crate) fn find<T>(list: &[T], id: SegmentId, info: impl Fn(&T) -> &Self) -> Option<usize> {
        list.binary_search_by_key(&id, |entry| info(entry).id())
            .ok()
    }
}
