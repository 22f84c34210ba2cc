//! `OpenReport`: what opening found and did, so that nothing happens in silence.

use std::fmt;
use std::time::Duration;
use strandline_core::Sequence;

/// What the index was built from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum OpenPath {
    /// There was no store; one was made.
    Created,
    /// A checkpoint, and the log after it.
    Checkpoint,
    /// The footers of sealed segments, and the log after them.
    Footers,
    /// The whole log.
    Scan,
}

/// What opening found and did.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct OpenReport {
    /// What the index was built from.
    pub path: OpenPath,
    /// Events taken from a checkpoint.
    pub events_from_checkpoint: u64,
    /// Events taken from footers.
    pub events_from_footers: u64,
    /// Sealed segments without a good footer, whose frames were read; opening to write has their
    /// footers written in the background.
    pub footers_missing: u64,
    /// Events read from the log.
    pub events_from_log: u64,
    /// Events with sequences below this one were proven durable before anything was repaired.
    pub proven_durable: Sequence,
    /// Everything that was damaged, left over or out of place, and what was done about it; empty
    /// after a clean close.
    pub notices: Vec<String>,
    /// Whether the end of the log was torn and cut off; a notice says what and where to. A store
    /// that is opened to read only cuts nothing off, and beside a writer that was interrupted in
    /// the middle of a commit it cannot tell that commit from a torn one.
    pub torn_tail: bool,
    /// Time that opening took.
    pub duration: Duration,
}

impl OpenReport {
    pub(crate) const fn new(path: OpenPath) -> Self {
        Self {
            path,
            events_from_checkpoint: 0,
            events_from_footers: 0,
            footers_missing: 0,
            events_from_log: 0,
            proven_durable: Sequence::ZERO,
            notices: Vec::new(),
            torn_tail: false,
            duration: Duration::ZERO,
        }
    }

    /// Whether nothing was damaged, left over or out of place.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.notices.is_empty()
    }
}

impl fmt::Display for OpenReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = match self.path {
            OpenPath::Created => "made a new store",
            OpenPath::Checkpoint => "from a checkpoint",
            OpenPath::Footers => "from footers",
            OpenPath::Scan => "from the log alone",
        };
        write!(
            f,
            "opened {path} in {:.1} ms: {} events from the checkpoint, {} from footers, {} from \
             the log",
            self.duration.as_secs_f64() * 1e3,
            self.events_from_checkpoint,
            self.events_from_footers,
            self.events_from_log
        )?;
        match self.footers_missing {
            0 => {}
            1 => f.write_str("; 1 segment had no footer")?,
            missing => write!(f, "; {missing} segments had no footer")?,
        }
        self.notices
            .iter()
            .try_for_each(|notice| write!(f, "\n  {notice}"))
    }
}
