//! `Defect`: a rule of the store that is broken on purpose.

/// A rule that is broken on purpose, which the harness must notice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Defect {
    /// Directories are never synced.
    NoDirectorySync,
    /// Files are never synced.
    NoFileSync,
    /// The new contents of a file are not synced before they are renamed into place.
    NoSyncBeforeRename,
    /// A sync that failed is tried again, and believed.
    RetriedSync,
    /// A sync that failed counts as one that succeeded.
    FailedSyncBelieved,
    /// What is cut off or set aside is thrown away.
    NoQuarantine,
    /// What is set aside is not synced before the original is cut off.
    QuarantineNotSynced,
    /// A batch is written as several commits.
    SplitBatch,
    /// A write that was cut short counts as whole.
    ShortWriteBelieved,
    /// An append is acknowledged as synced when it is only written.
    AcknowledgedBeforeSync,
    /// What goes into a new file of a segment goes into the blocks of the old one.
    BlocksReused,
}

impl Defect {
    /// Every defect, with its name.
    pub const ALL: &'static [(&'static str, Self)] = &[
        ("no directory sync", Self::NoDirectorySync),
        ("no file sync", Self::NoFileSync),
        ("no sync before a rename", Self::NoSyncBeforeRename),
        ("retried sync", Self::RetriedSync),
        (
            "durable advanced after a failed sync",
            Self::FailedSyncBelieved,
        ),
        ("truncation without quarantine", Self::NoQuarantine),
        ("quarantine not synced", Self::QuarantineNotSynced),
        ("split batch", Self::SplitBatch),
        ("short write believed", Self::ShortWriteBelieved),
        ("acknowledged before sync", Self::AcknowledgedBeforeSync),
        ("blocks reused", Self::BlocksReused),
    ];
}
