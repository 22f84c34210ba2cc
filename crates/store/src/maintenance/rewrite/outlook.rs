//! `Outlook`: when rules that were followed are worth to be followed again. Follows none.

use super::retention::Retention;
use super::retention_rule::{RetentionRule, RuleKeep};
use crate::{Region, Sequence, Snapshot};

/// What is known of a store in which rules were followed.
#[derive(Debug, Clone, Copy)]
pub(in crate::maintenance) struct Outlook {
    /// Its visible bound.
    visible: Sequence,
    /// The time at which the first event that was kept is too old, in milliseconds since 1970; none if none gets it.
    due_ms: Option<u64>,
    /// Where events go for nothing but their age: the shortest time that one is kept for.
    by_age_alone_ms: Option<u64>,
}

impl Outlook {
    pub(super) fn of(rules: &Retention, snapshot: &Snapshot, due_ms: Option<u64>) -> Self {
        Self {
            visible: snapshot.visible(),
            due_ms,
            by_age_alone_ms: rules.by_age_alone_ms(),
        }
    }

    /// Whether nothing can have to go in the store as it is now. Reads one row at most.
    #[cfg_attr(
        strandline_loom,
        expect(dead_code, reason = "no model follows rules again and again")
    )]
    pub(in crate::maintenance) fn is_nothing(&self, now: &Snapshot, now_ms: u64) -> bool {
        if self.due_ms.is_some_and(|due_ms| due_ms <= now_ms) {
            return false;
        }
        let added = Region::all().sequence(self.visible.get()..);
        let Some(first) = now.rows(added).next() else {
            return true;
        };
        // Times never go back in the commit order, so all others are younger.
        let age_ms = self.by_age_alone_ms;
        age_ms.is_some_and(|age_ms| first.wall_ms().saturating_add(age_ms) >= now_ms)
    }
}

impl Retention {
    /// Where events go for nothing but their age, whatever comes after them: the shortest time that one is kept for.
    fn by_age_alone_ms(&self) -> Option<u64> {
        let is_other = |rule: &RetentionRule| match rule.keep {
            RuleKeep::All => false,
            RuleKeep::None => true,
            RuleKeep::Some { newest, .. } => newest.is_some(),
        };
        let drops = !(self.dropped.is_empty() && self.dropped_prefixes.is_empty());
        let other = self.newest.is_some() || self.since_ms.is_some();
        if drops || other || self.rules.iter().any(is_other) {
            return None;
        }
        let ages = self.rules.iter().filter_map(|rule| match rule.keep {
            RuleKeep::Some { age, .. } => age,
            RuleKeep::All | RuleKeep::None => None,
        });
        let shortest = ages.chain(self.age).min()?;
        Some(u64::try_from(shortest.as_millis()).unwrap_or(u64::MAX))
    }
}
