//! `Choice`: the events that rules do not keep, what each rule comes to, and when it is worth to ask again.

use super::marks::Marks;
use super::retention::Retention;
use super::retention_rule::{RetentionRule, RuleKeep};
use super::rule_effect::RuleEffect;
use crate::{Error, Query, Region, Snapshot};
use std::collections::HashMap;
use std::time::Duration;
use strandline_core::record::RemovalChange;

/// What rules come to, in a store as it is.
pub(super) struct Choice {
    pub(super) marks: Marks,
    /// Of each of several rules, in their order.
    pub(super) effects: Vec<RuleEffect>,
    /// The time, in milliseconds since 1970, at which the first event that is kept now is too old; none if age
    /// decides about nothing.
    pub(super) due_ms: Option<u64>,
}

impl Choice {
    /// How many events go, or their payloads.
    pub(super) fn count(&self) -> u64 {
        let removed = self.marks.count(RemovalChange::Removed);
        removed + self.marks.count(RemovalChange::Redacted)
    }
}

/// What is kept of the events that one rule decides about.
struct Kept {
    newest: u32,
    /// Those of this time or later.
    since_ms: u64,
    /// How old they get; none if that decides about none.
    age_ms: Option<u64>,
    headers: bool,
}

impl Kept {
    fn of(newest: Option<u32>, since_ms: Option<u64>, age: Option<Duration>, now_ms: u64) -> Self {
        let age_ms = age.map(|age| u64::try_from(age.as_millis()).unwrap_or(u64::MAX));
        let of_age = age_ms.map_or(u64::MAX, |age| now_ms.saturating_sub(age));
        Self {
            newest: newest.unwrap_or(0),
            since_ms: since_ms.unwrap_or(u64::MAX).min(of_age),
            age_ms,
            headers: false,
        }
    }
}

impl Retention {
    /// The events that are not kept. O(events that rules are of) in the index, with a bit of memory for each where there
    /// are several rules.
    pub(super) fn choose(&self, snapshot: &Snapshot, now_ms: u64) -> Result<Choice, Error> {
        let none = || Marks::none_of(&snapshot.reader.log, snapshot.visible());
        let mut choosing = Choosing {
            snapshot,
            headers: self.headers(snapshot),
            decided: (!self.rules.is_empty()).then(none),
            choice: Choice {
                marks: none(),
                effects: Vec::new(),
                due_ms: None,
            },
        };
        for entity in &self.dropped {
            choosing.drop(Region::all().entity(entity));
        }
        for prefix in &self.dropped_prefixes {
            choosing.drop(Region::all().entity_prefix(prefix));
        }
        for (index, rule) in self.rules.iter().enumerate() {
            let effect = choosing.follow(rule, index, now_ms)?;
            choosing.choice.effects.push(effect);
        }
        if self.has_default() {
            let region = match &self.within {
                Some(prefix) => Region::all().entity_prefix(prefix),
                None => Region::all(),
            };
            let kept = Kept::of(self.newest, self.since_ms, self.age, now_ms);
            choosing.decide(region.into(), Some(&kept), &mut RuleEffect::default())?;
        }
        match snapshot.damage() {
            None => Ok(choosing.choice),
            // Events would be kept, or not, because of what cannot be read.
            Some(damage) => Err(damage),
        }
    }

    /// The events whose headers are kept. O(events of these kinds and tags).
    fn headers(&self, snapshot: &Snapshot) -> Marks {
        let mut headers = Marks::none_of(&snapshot.reader.log, snapshot.visible());
        let mut add = |region: Region| {
            let rows = snapshot.rows(&region);
            rows.for_each(|row| headers.add(row.sequence(), RemovalChange::Redacted));
        };
        for kinds in &self.headers_of {
            add(Region::all().kind(*kinds));
        }
        for name in &self.headers_named {
            add(Region::all().kind_named(name));
        }
        for prefix in &self.headers_tagged {
            for (tag, _) in snapshot.tags(prefix) {
                add(Region::all().tag(&*tag));
            }
        }
        headers
    }
}

/// Events that are being chosen.
struct Choosing<'a> {
    snapshot: &'a Snapshot,
    headers: Marks,
    /// Those that something has decided about; none where one thing alone does.
    decided: Option<Marks>,
    choice: Choice,
}

impl Choosing<'_> {
    fn drop(&mut self, region: Region) {
        for row in self.snapshot.rows(&region) {
            self.choice
                .marks
                .add(row.sequence(), RemovalChange::Removed);
            if let Some(decided) = &mut self.decided {
                decided.add(row.sequence(), RemovalChange::Removed);
            }
        }
    }

    fn follow(
        &mut self,
        rule: &RetentionRule,
        index: usize,
        now_ms: u64,
    ) -> Result<RuleEffect, Error> {
        let mut effect = RuleEffect {
            name: rule.name(index),
            ..RuleEffect::default()
        };
        let kept = match rule.keep {
            RuleKeep::All => None,
            RuleKeep::None => Some(Kept::of(None, None, None, now_ms)),
            RuleKeep::Some { newest, age } => Some(Kept::of(newest, None, age, now_ms)),
        };
        let kept = kept.map(|kept| Kept {
            headers: rule.keeps_headers,
            ..kept
        });
        self.decide(rule.query.clone(), kept.as_ref(), &mut effect)?;
        Ok(effect)
    }

    /// Decides about those of the events about which nothing has; without `kept` all are kept.
    fn decide(
        &mut self,
        query: Query,
        kept: Option<&Kept>,
        effect: &mut RuleEffect,
    ) -> Result<(), Error> {
        let mut seen: HashMap<Box<str>, u32> = HashMap::new();
        for row in self.snapshot.rows(query).rev() {
            let sequence = row.sequence();
            effect.matching += 1;
            if let Some(decided) = &mut self.decided {
                if decided.has(sequence) {
                    continue;
                }
                decided.add(sequence, RemovalChange::Removed);
            }
            effect.decided += 1;
            let Some(kept) = kept else {
                continue;
            };
            let is_among_newest = kept.newest > 0 && {
                let coordinate = row.coordinate();
                let entity = coordinate.entity();
                let seen = match seen.get_mut(entity) {
                    Some(seen) => seen,
                    None => seen.entry(entity.into()).or_default(),
                };
                *seen = seen.saturating_add(1);
                *seen <= kept.newest
            };
            let wall_ms = row.wall_ms();
            if wall_ms >= kept.since_ms {
                // The one after which it is too old.
                let due = kept
                    .age_ms
                    .map(|age| wall_ms.saturating_add(age).saturating_add(1));
                let first = [self.choice.due_ms, due].into_iter().flatten().min();
                self.choice.due_ms = first;
                continue;
            }
            if is_among_newest {
                continue;
            }
            if !kept.headers && !self.headers.has(sequence) {
                self.choice.marks.add(sequence, RemovalChange::Removed);
                effect.events += 1;
                continue;
            }
            // What is done once is not done again by each compaction.
            let is_done = self
                .snapshot
                .get_with(row.id(), |event| event.is_redacted())?;
            if is_done == Some(false) {
                self.choice.marks.add(sequence, RemovalChange::Redacted);
                effect.headers += 1;
            }
        }
        Ok(())
    }
}
