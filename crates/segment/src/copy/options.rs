//! `CopyOptions` and `CopiedLog`: how a log is copied, and what was. Plain values.

use crate::format::LogPosition;

/// What was copied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct CopiedLog {
    /// Where the copy ends.
    pub end: LogPosition,
    /// Segments that were copied.
    pub copied: usize,
    /// Segments that share their bytes with the original.
    pub linked: usize,
    /// Segments that an earlier copy had brought.
    pub kept: usize,
    /// Bytes that were written.
    pub bytes: u64,
}

/// How a log is copied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CopyMode {
    /// Sealed segments are linked where the file system can, and copied where not.
    Link,
    /// Everything is copied, also what an earlier copy had linked, so that no file is shared.
    Copy,
    /// Frames are copied, and no footers, which may be wrong.
    FramesAlone,
}

/// How a copy is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub struct CopyOptions {
    pub(super) mode: CopyMode,
    pub(super) known: Option<LogPosition>,
    pub(super) check_all: bool,
}

impl CopyOptions {
    /// A copy that is not checked further than while it is made, onto a target of which nothing more is
    /// known than what is found there.
    pub const fn new(mode: CopyMode) -> Self {
        Self {
            mode,
            known: None,
            check_all: false,
        }
    }

    /// A position that an earlier copy at the target is known to have had, if one is.
    pub const fn known(mut self, position: Option<LogPosition>) -> Self {
        self.known = position;
        self
    }

    /// Checks every frame of segments that are linked or kept too. Kept ones that are damaged are
    /// brought anew.
    pub const fn check_all(mut self) -> Self {
        self.check_all = true;
        self
    }
}
