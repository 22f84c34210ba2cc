//! `Held`: an entity whose events wait; and how it is saved: among what is parked, or with what the reactor keeps of
//! its own.

use super::partition_by::PartitionBy;
use crate::model::cut;
use crate::{Error, ErrorKind, Parked, PartitionState, REASON_BYTES_MAX};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use strandline_core::Sequence;

/// An entity, or a correlation, with an event that was not handled, and so with all that follow it.
///
/// What follows is not kept: it is what the log has of the entity from `from` on, below the position that is
/// saved with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Held {
    pub(super) key: String,
    /// The first event that was not handled is here or after.
    pub(super) from: u64,
    /// How many wait; fewer if some were removed from the log since.
    pub(super) count: u64,
    /// How often the first one was tried.
    pub(super) tries: u32,
    pub(super) waits: Waits,
    /// Why the last try failed, or why it was parked.
    pub(super) reason: String,
    /// When, in milliseconds since 1970.
    pub(super) at_ms: u64,
    /// Whether it was parked, and is being replayed.
    pub(super) is_replayed: bool,
}

/// For what the events of an entity wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(super) enum Waits {
    /// For the next try of the first.
    Retry,
    /// For their turn, one after the other.
    Turn,
    /// For somebody who says that they are to be replayed, or discarded.
    Request,
}

impl Held {
    /// As it is told and saved, if it is parked, or was and is being replayed.
    pub(super) fn parked(&self) -> Option<Parked> {
        let is_parked = self.waits == Waits::Request;
        let first = Sequence::new(self.from);
        (is_parked || self.is_replayed).then(|| Parked {
            tries: self.tries,
            count: self.count,
            replay: !is_parked,
            ..Parked::new(self.key.clone(), first, self.reason.clone(), self.at_ms)
        })
    }

    fn of(parked: &Parked) -> Self {
        Self {
            key: parked.key.clone(),
            from: parked.first.get(),
            count: parked.count,
            // A replay has all tries, also one that was begun before.
            tries: match parked.replay {
                true => 0,
                false => parked.tries,
            },
            waits: match parked.replay {
                true => Waits::Turn,
                false => Waits::Request,
            },
            reason: parked.reason.clone(),
            at_ms: parked.at_ms,
            is_replayed: parked.replay,
        }
    }
}

/// What a reactor keeps beside what every consumer does.
#[derive(Debug, Serialize, Deserialize)]
struct Own {
    by: PartitionBy,
    /// What is held and is not parked.
    waiting: Vec<Held>,
}

/// Notes in a state what is held.
///
/// # Errors
///
/// `InvalidInput` if it cannot be written, which it can.
pub(super) fn save(
    state: &mut PartitionState,
    by: PartitionBy,
    held: Vec<Held>,
) -> Result<(), Error> {
    state.parked = held.iter().filter_map(Held::parked).collect();
    let waiting = held.into_iter().filter(|held| held.parked().is_none());
    let own = Own {
        by,
        waiting: waiting.collect(),
    };
    let bytes = serde_json::to_vec(&own).map_err(|error| {
        Error::new(ErrorKind::InvalidInput, "the state cannot be saved").with_source(error)
    })?;
    state.state = Some(bytes);
    Ok(())
}

/// What is held as a state says.
///
/// # Errors
///
/// `Corrupt` if it cannot be read; `OtherConsumer` if the events were told apart by something else.
pub(super) fn load(state: &PartitionState, by: PartitionBy) -> Result<Vec<Held>, Error> {
    let mut held: BTreeMap<String, Held> = BTreeMap::new();
    if let Some(bytes) = &state.state {
        let own: Own = serde_json::from_slice(bytes).map_err(|error| {
            let message = "what the reactor kept of entities that wait cannot be read";
            Error::new(ErrorKind::Corrupt, message).with_source(error)
        })?;
        if own.by != by {
            let message = format!(
                "the reactor has told events apart by their {}, and what waits is kept so; give it another name to \
                 do otherwise",
                own.by
            );
            return Err(Error::new(ErrorKind::OtherConsumer, message));
        }
        held.extend(own.waiting.into_iter().map(|held| (held.key.clone(), held)));
    }
    for parked in &state.parked {
        let mut parked = Held::of(parked);
        // Parked by somebody while nobody worked, and it waited already.
        if let Some(waiting) = held.remove(&parked.key) {
            parked.from = parked.from.min(waiting.from);
            parked.count = parked.count.saturating_add(waiting.count);
            parked.tries = waiting.tries;
        }
        held.insert(parked.key.clone(), parked);
    }
    Ok(held.into_values().collect())
}

/// A reason as it is kept.
pub(super) fn shortened(reason: String) -> String {
    cut(reason, REASON_BYTES_MAX)
}
