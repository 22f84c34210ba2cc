//! `Read`, `Run`: which call is counted. Not that it is.

/// A way to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Read {
    Get,
    Latest,
    Stream,
    Query,
    Rows,
}

/// A work of maintenance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Run {
    Backup,
    Checkpoint,
    Compact,
    Merge,
    Redact,
    Verify,
}

#[cfg(feature = "metrics")]
impl Read {
    pub(super) const ALL: [Self; 5] = [
        Self::Get,
        Self::Latest,
        Self::Stream,
        Self::Query,
        Self::Rows,
    ];

    /// The value of the label `call`.
    pub(super) const fn label(self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::Latest => "latest",
            Self::Stream => "stream",
            Self::Query => "query",
            Self::Rows => "rows",
        }
    }
}

#[cfg(feature = "metrics")]
impl Run {
    pub(super) const ALL: [Self; 6] = [
        Self::Backup,
        Self::Checkpoint,
        Self::Compact,
        Self::Merge,
        Self::Redact,
        Self::Verify,
    ];

    /// The value of the label `run`.
    pub(super) const fn label(self) -> &'static str {
        match self {
            Self::Backup => "backup",
            Self::Checkpoint => "checkpoint",
            Self::Compact => "compact",
            Self::Merge => "merge",
            Self::Redact => "redact",
            Self::Verify => "verify",
        }
    }
}
