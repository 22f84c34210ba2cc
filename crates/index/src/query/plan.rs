//! `Plan`: how a query goes about its region, for people and tests.

use std::fmt;

/// Which key drives a query.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum PlanKey {
    /// No event can match.
    Nothing,
    /// The rows of one entity.
    Entity,
    /// The rows of the entities with a prefix, merged in sequence order.
    EntityPrefix {
        /// How many entities have candidate rows.
        entities: usize,
    },
    /// The rows of one scope.
    Scope,
    /// The rows of one kind.
    Kind,
    /// The rows of the kinds of a category, merged in sequence order.
    Category {
        /// How many kinds have candidate rows.
        kinds: usize,
    },
    /// Every row in the range of sequences.
    Scan,
}

/// How a query goes about its region: the key that drives it, and how many rows that leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plan {
    pub(crate) key: PlanKey,
    pub(crate) candidates: u64,
    pub(crate) exact: bool,
}

impl Plan {
    /// The key that drives the query.
    #[must_use]
    pub const fn key(&self) -> PlanKey {
        self.key
    }

    /// How many rows the key leaves, as an upper bound of how many match.
    #[must_use]
    pub const fn candidates(&self) -> u64 {
        self.candidates
    }

    /// Whether every candidate matches, so that nothing is filtered and counting is cheap.
    #[must_use]
    pub const fn is_exact(&self) -> bool {
        self.exact
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.key {
            PlanKey::Nothing => return f.write_str("nothing can match"),
            PlanKey::Entity => f.write_str("rows of one entity")?,
            PlanKey::EntityPrefix { entities } => write!(f, "rows of {entities} entities, merged")?,
            PlanKey::Scope => f.write_str("rows of one scope")?,
            PlanKey::Kind => f.write_str("rows of one kind")?,
            PlanKey::Category { kinds } => write!(f, "rows of {kinds} kinds, merged")?,
            PlanKey::Scan => f.write_str("scan of the columns")?,
        }
        let filtered = if self.exact { "" } else { ", filtered" };
        write!(f, ": {} candidates{filtered}", self.candidates)
    }
}
