//! `WentOn`: a manifest that goes on to the next segment, in place, and what takes it back.

use super::manifest::Manifest;
use super::position::LogPosition;
use super::segment_info::SegmentInfo;

/// What a manifest had before it went on to the next segment.
#[derive(Debug)]
#[must_use]
pub(crate) struct WentOn {
    number: u64,
    synced: Option<LogPosition>,
}

impl Manifest {
    /// Makes this the manifest after it, in which the active segment ends at `end` and `next` follows. O(1),
    /// and gives what takes it back.
    pub(crate) fn go_on(&mut self, end: LogPosition, next: SegmentInfo) -> WentOn {
        if let Some(last) = self.segments.last_mut() {
            last.end = Some(end);
        }
        self.segments.push(next);
        let went_on = WentOn {
            number: self.number,
            synced: self.synced.take(),
        };
        self.number = self.number.saturating_add(1);
        went_on
    }

    /// Makes this what it was before it [went on](Self::go_on).
    pub(crate) fn take_back(&mut self, went_on: WentOn) {
        self.segments.pop();
        if let Some(last) = self.segments.last_mut() {
            last.end = None;
        }
        self.number = went_on.number;
        self.synced = went_on.synced;
    }
}
