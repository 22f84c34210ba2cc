//! What can be chosen of a projection, and what it tells of its progress.

use super::fold::Opener;
use super::pace::Pace;
use crate::handle::LEASE;
use crate::{Error, ErrorKind};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use strandline::Sequence;

/// How a worker works.
#[derive(Debug, Clone, Copy)]
pub(super) struct Settings {
    pub(super) pace: Pace,
    /// For how long a partition is held without being renewed.
    pub(super) lease: Duration,
    pub(super) partitions: u32,
}

/// How often a state is saved, by default, and after how many events.
const SAVE_INTERVAL: Duration = Duration::from_secs(1);
const SAVE_EVENTS: u64 = 1_000_000;

/// How far a partition of a projection is: what [`on_progress`](crate::ProjectionBuilder::on_progress) is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct ProjectionProgress {
    /// The partition, from 0.
    pub partition: u32,
    /// Every event before this sequence is in the state.
    pub sequence: Sequence,
    /// Where the store ends.
    pub head: Sequence,
    /// Whether it is a new version, which is not served yet.
    pub is_rebuilding: bool,
}

type OnProgress = Arc<dyn Fn(&ProjectionProgress) + Send + Sync>;

/// What can be chosen.
#[derive(Clone)]
pub(super) struct Options {
    pub(super) settings: Settings,
    pub(super) on_progress: Option<OnProgress>,
    pub(super) opener: Opener,
    /// Whether states that are made of opened payloads may be saved.
    pub(super) saves_opened: bool,
}

impl Options {
    pub(super) fn new() -> Self {
        Self {
            settings: Settings {
                pace: Pace {
                    interval: SAVE_INTERVAL,
                    events: SAVE_EVENTS,
                },
                lease: LEASE,
                partitions: 1,
            },
            on_progress: None,
            opener: None,
            saves_opened: false,
        }
    }

    /// What opens sealed payloads, once it was said what that means for the states.
    pub(super) fn checked_opener(&self) -> Result<Opener, Error> {
        if self.opener.is_some() && !self.saves_opened {
            let message = "the states of a projection that opens sealed payloads are saved as they are, readable without \
                           a key, and stay when one is forgotten: say saves_opened(), and reset the projection after \
                           a key was forgotten";
            return Err(Error::new(ErrorKind::InvalidInput, message));
        }
        Ok(self.opener.clone())
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}
