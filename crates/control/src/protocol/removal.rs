//! What a log records of a removal, and who was named and is nobody, as they are said: with the names that the program
//! `strandline` prints as JSON.

use serde::{Deserialize, Serialize};
use strandline::maintenance::{Missing, Removal, RemovalChange};
use strandline::{EventId, Hash, Hex, Sequence};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Change {
    Removed,
    Redacted,
}

/// A removal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RemovalTold {
    change: Change,
    wall_ms: u64,
    rule: String,
    events: u64,
    sequences: Vec<[Sequence; 2]>,
    digest: Hash,
    done: bool,
    foreign: bool,
    log: String,
    id: String,
}

impl From<&Removal> for RemovalTold {
    fn from(removal: &Removal) -> Self {
        let runs = removal.sequences.iter();
        Self {
            change: match removal.change {
                RemovalChange::Removed => Change::Removed,
                RemovalChange::Redacted => Change::Redacted,
            },
            wall_ms: removal.wall_ms,
            rule: removal.rule.clone(),
            events: removal.events,
            sequences: runs.map(|run| [run.start, run.end]).collect(),
            digest: removal.digest,
            done: removal.is_done,
            foreign: removal.is_foreign,
            log: Hex(removal.log).to_string(),
            id: Hex(removal.id).to_string(),
        }
    }
}

impl RemovalTold {
    /// The removal that was said; why it is none, if it is not.
    pub(crate) fn removal(self) -> Result<Removal, String> {
        let id_of = |text: &str| {
            let id = text.parse::<Hex<16>>();
            id.map(|Hex(id)| id)
                .map_err(|error| format!("{text:?} is no id of a removal: {error}"))
        };
        let mut removal = Removal::new(match self.change {
            Change::Removed => RemovalChange::Removed,
            Change::Redacted => RemovalChange::Redacted,
        });
        removal.wall_ms = self.wall_ms;
        removal.rule = self.rule;
        removal.events = self.events;
        let runs = self.sequences.into_iter();
        removal.sequences = runs.map(|[start, end]| start..end).collect();
        removal.digest = self.digest;
        removal.is_done = self.done;
        removal.is_foreign = self.foreign;
        removal.log = id_of(&self.log)?;
        removal.id = id_of(&self.id)?;
        Ok(removal)
    }
}

/// Who was named and is nobody.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct MissingTold {
    events: Vec<EventId>,
    entities: Vec<String>,
    prefixes: Vec<String>,
    kinds: Vec<String>,
    tags: Vec<String>,
    queries: Vec<String>,
    rules: Vec<String>,
}

impl From<&Missing> for MissingTold {
    fn from(missing: &Missing) -> Self {
        Self {
            events: missing.events.clone(),
            entities: missing.entities.clone(),
            prefixes: missing.prefixes.clone(),
            kinds: missing.kinds.clone(),
            tags: missing.tags.clone(),
            queries: missing.queries.clone(),
            rules: missing.rules.clone(),
        }
    }
}

impl From<MissingTold> for Missing {
    fn from(told: MissingTold) -> Self {
        let mut missing = Self::default();
        missing.events = told.events;
        missing.entities = told.entities;
        missing.prefixes = told.prefixes;
        missing.kinds = told.kinds;
        missing.tags = told.tags;
        missing.queries = told.queries;
        missing.rules = told.rules;
        missing
    }
}
