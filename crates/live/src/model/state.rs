//! `PartitionState`: all that is saved of one partition, in one file.

use super::parked::{Parked, REASON_BYTES_MAX, cut};
use super::request::Request;
use serde::{Deserialize, Serialize};
use strandline::SavedPosition;
use strandline_core::Sequence;

/// What a partition has done since it was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Counters {
    /// Events that were handled or applied.
    pub handled: u64,
    /// Tries that failed.
    pub failed: u64,
    /// Times that an entity was parked.
    pub parked: u64,
    /// Parked events that were handled in a replay.
    pub replayed: u64,
    /// Parked entities that were given up.
    pub discarded: u64,
}

/// What a partition failed by last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastError {
    /// What was said of it.
    pub message: String,
    /// When, in milliseconds since 1970.
    pub at_ms: u64,
    /// At which event, where it was one.
    pub sequence: Option<Sequence>,
    /// Whether the worker stopped for it, and has not been started again since.
    pub stopped: bool,
}

impl LastError {
    /// An error, with a message that is cut to [`REASON_BYTES_MAX`].
    #[must_use]
    pub fn new(message: impl Into<String>, at_ms: u64) -> Self {
        Self {
            message: cut(message.into(), REASON_BYTES_MAX),
            at_ms,
            sequence: None,
            stopped: false,
        }
    }
}

/// All that is saved of one partition of a consumer, in one file.
///
/// Every event before the position was handled, or is parked.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct PartitionState {
    /// Where to go on; at the beginning, or where the consumer was said to begin, if there is none.
    pub position: Option<SavedPosition>,
    /// Where the first event is that waits for another try, or behind one that does, if there is one before the position.
    pub waits_from: Option<Sequence>,
    /// What is parked, each key once.
    pub parked: Vec<Parked>,
    /// What was done.
    pub counters: Counters,
    /// What it failed by last.
    pub last_error: Option<LastError>,
    /// When it was saved, in milliseconds since 1970. A save sets it.
    pub saved_at_ms: u64,
    /// When the position moved last, in milliseconds since 1970. A save sets it.
    pub moved_at_ms: u64,
    /// What the consumer keeps with its position: the state of a projection.
    pub state: Option<Vec<u8>>,
    /// Which requests were applied whose files may still be there.
    pub(crate) answered: Vec<String>,
}

impl PartitionState {
    /// The sequence of the next event: every one before it was handled or is parked.
    #[must_use]
    pub fn sequence(&self) -> Sequence {
        let position = self.position.as_ref();
        position.map_or(Sequence::ZERO, SavedPosition::sequence)
    }

    /// Every event before this sequence was handled or is parked: as [`sequence`](Self::sequence), where nothing waits
    /// for another try.
    #[must_use]
    pub fn settled(&self) -> Sequence {
        let next = self.sequence();
        self.waits_from
            .map_or(next, |waits_from| waits_from.min(next))
    }

    /// What is parked with a key.
    #[must_use]
    pub fn parked(&self, key: &str) -> Option<&Parked> {
        self.parked.iter().find(|parked| parked.key == key)
    }

    /// Does what is asked, as far as that is a change of the state; for who has nothing in memory beside it. Asked
    /// twice it is done once.
    pub fn apply(&mut self, request: &Request, now_ms: u64) {
        match request {
            Request::Park { key, reason } => {
                let mut parked = self.parked.iter_mut();
                if let Some(parked) = parked.find(|parked| parked.replay && parked.key == *key) {
                    // It was to be replayed, and is not any more.
                    let again = Parked::new(key.clone(), parked.first, reason.clone(), now_ms);
                    let (count, tries) = (parked.count, parked.tries);
                    *parked = Parked {
                        count,
                        tries,
                        ..again
                    };
                    self.counters.parked = self.counters.parked.saturating_add(1);
                }
                if self.parked(key).is_none() {
                    let parked = Parked::new(key.clone(), self.sequence(), reason.clone(), now_ms);
                    self.parked.push(parked);
                    self.counters.parked = self.counters.parked.saturating_add(1);
                }
            }
            Request::Replay { key } => {
                let is_meant =
                    |parked: &&mut Parked| key.as_ref().is_none_or(|key| *key == parked.key);
                let parked = self.parked.iter_mut().filter(is_meant);
                // How often it was tried stays until somebody begins: the first event is still the one that failed.
                parked.for_each(|parked| parked.replay = true);
            }
            Request::Skip { key } => {
                // One that was parked before any was tried has no first event that is known.
                let is_meant = |parked: &&mut Parked| *key == parked.key && parked.tries > 0;
                for parked in self.parked.iter_mut().filter(is_meant) {
                    let first = parked.first;
                    parked.first = first.checked_add(1).unwrap_or(first);
                    parked.count = parked.count.saturating_sub(1);
                    (parked.replay, parked.tries) = (true, 0);
                }
            }
            Request::Discard { key } => {
                let before = self.parked.len();
                self.parked.retain(|parked| parked.key != *key);
                if self.parked.len() < before {
                    self.counters.discarded = self.counters.discarded.saturating_add(1);
                }
            }
            Request::Reset { to } => self.reset(*to),
        }
    }

    /// Goes back to the position up to which the events are known to be those that were seen, or to the beginning, and
    /// forgets what is parked from there on: its sequences are of other events.
    pub(crate) fn rewind(&mut self, known: Option<SavedPosition>) {
        self.position = known;
        self.state = None;
        self.waits_from = None;
        let next = self.sequence();
        self.parked.retain(|parked| parked.first < next);
    }

    /// Goes on from another position, and forgets the state that was kept with the old one. What is parked stays so if
    /// its first event is before that; else its events come again anyway.
    pub fn reset(&mut self, to: Option<SavedPosition>) {
        let before = self.sequence();
        self.position = to;
        self.state = None;
        self.waits_from = None;
        let next = self.sequence();
        let further = next.get().saturating_sub(before.get());
        self.parked.retain(|parked| parked.first < next);
        for parked in &mut self.parked {
            // All that it has up to there is parked: it is not known how many, but never more.
            parked.count = parked.count.saturating_add(further);
        }
        self.last_error = None;
    }
}
