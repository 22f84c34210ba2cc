//! `RedactionPlan`: what a redaction would come to.

use super::missing::Missing;
use super::redaction::{Chosen, Redaction};
#[cfg(doc)]
use crate::ErrorKind;
use crate::{Error, EventId, Store};
use std::collections::HashSet;
use std::ops::RangeInclusive;
use strandline_core::record::RemovalChange;

/// How many ids are given.
const FIRST_IDS: usize = 10;

/// What a redaction would remove.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct RedactionPlan {
    /// Events whose payload would be removed.
    pub events: u64,
    /// Events among those chosen whose payload is gone already.
    pub already: u64,
    /// How many entities have the events.
    pub entities: u64,
    /// Time of the first of the events and of the last one, in milliseconds since 1970; none if there are none.
    pub wall_ms: Option<RangeInclusive<u64>>,
    /// Ids of some of the events, 10 at most: those that were chosen first.
    pub first_ids: Vec<EventId>,
    /// Segments that would be rewritten.
    pub segments: usize,
    /// Who was named and is nobody. If nothing is to be redacted then, all else says nothing.
    pub missing: Missing,
    /// What the log would record as the rule.
    pub rule: String,
}

impl RedactionPlan {
    /// What [`redact`](crate::maintenance::redact()) would do with a store as it is now, which may be open to
    /// read only. Changes nothing.
    ///
    /// Cost: reading the chosen events. Memory: a bit for each, and the names of their entities.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`] for a redaction that [`redact`](crate::maintenance::redact()) refuses,
    /// [`ErrorKind::Corrupt`] or [`ErrorKind::Io`] from reading.
    pub fn of(store: &Store, redaction: &Redaction) -> Result<Self, Error> {
        redaction.check()?;
        let mut plan = Self {
            rule: redaction.to_string(),
            ..Self::default()
        };
        let mut entities: HashSet<Box<str>> = HashSet::new();
        let Chosen {
            marks,
            missing,
            already,
        } = redaction.chosen(&store.snapshot(), &mut |event| {
            let coordinate = event.coordinate();
            let entity = coordinate.entity();
            if !entities.contains(entity) {
                entities.insert(entity.into());
            }
            let at = event.hlc().wall_ms();
            plan.wall_ms = Some(match &plan.wall_ms {
                Some(known) => at.min(*known.start())..=at.max(*known.end()),
                None => at..=at,
            });
            if plan.first_ids.len() < FIRST_IDS {
                plan.first_ids.push(event.id());
            }
        })?;
        if redaction.is_refused_by(&missing) {
            return Ok(Self {
                missing,
                rule: plan.rule,
                ..Self::default()
            });
        }
        Ok(Self {
            events: marks.count(RemovalChange::Redacted),
            already: already.len() as u64,
            entities: entities.len() as u64,
            segments: marks.segments().count(),
            missing,
            ..plan
        })
    }
}
