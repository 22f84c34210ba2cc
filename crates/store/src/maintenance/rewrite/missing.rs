//! `Missing`: who was named to a removal, and is nobody.

use super::retention_rule::RetentionRule;
use super::rule::region_text;
use crate::{EventId, Query, Region, Sequence, Snapshot};
use strandline_core::KindFilter;

/// What was named to a [`compact`](crate::maintenance::compact()) or [`redact`](crate::maintenance::redact())
/// and is not there. What else was named was done.
///
/// An entity whose events a compaction removed is nobody too. Names are compared byte by byte: in another
/// form of Unicode a name is another one.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Missing {
    /// Ids that no event has.
    pub events: Vec<EventId>,
    /// Names of entities that have no event.
    pub entities: Vec<String>,
    /// Prefixes with which no name of an entity begins that has an event.
    pub prefixes: Vec<String>,
    /// Kinds whose headers were to be kept and of which there is no event, so that nothing was kept for them, by
    /// their names, or else by their numbers; and names in rules that no kind has.
    pub kinds: Vec<String>,
    /// Prefixes with which no tag of an event begins, whose headers were to be kept.
    pub tags: Vec<String>,
    /// Regions of queries that have no event, as text.
    pub queries: Vec<String>,
    /// Rules that were to keep all of their events, and are of none.
    pub rules: Vec<String>,
}

impl Missing {
    /// Whether everyone who was named is there.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        let is_anybody =
            self.events.is_empty() && self.entities.is_empty() && self.queries.is_empty();
        let has_headers = self.kinds.is_empty() && self.tags.is_empty();
        is_anybody && self.prefixes.is_empty() && has_headers && self.rules.is_empty()
    }

    /// Notes those of the kinds of which there is no event. O(kinds × parts).
    pub(super) fn look_for_kinds(
        &mut self,
        snapshot: &Snapshot,
        kinds: &[KindFilter],
        names: &[String],
    ) {
        let is_absent = |region: Region| snapshot.rows(&region).next().is_none();
        for kind in kinds {
            if !is_absent(Region::all().kind(*kind)) {
                continue;
            }
            self.kinds.push(match kind {
                KindFilter::Any => "any".to_owned(),
                KindFilter::Category(category) => format!("category {category}"),
                KindFilter::Exact(kind) => match snapshot.kind_name(*kind) {
                    Some(name) => name.to_string(),
                    None => kind.to_string(),
                },
            });
        }
        let absent = |name: &&String| is_absent(Region::all().kind_named(*name));
        self.kinds.extend(names.iter().filter(absent).cloned());
    }

    /// Notes those of the rules that were to keep all of their events and are of none, and the names in rules that no
    /// kind has: what such a rule was to keep is left to the rules after it. O(rules × parts).
    pub(super) fn look_for_rules(&mut self, snapshot: &Snapshot, rules: &[RetentionRule]) {
        for (index, rule) in rules.iter().enumerate() {
            let names = rule.query.regions().iter().flat_map(Region::kind_names);
            for name in names {
                if snapshot.kind_named(name).is_none() && !self.kinds.contains(name) {
                    self.kinds.push(name.clone());
                }
            }
            if rule.keeps_all() && snapshot.rows(&rule.query).next().is_none() {
                self.rules.push(rule.name(index));
            }
        }
    }

    /// Notes those of the regions of a query that have no event. O(regions × parts).
    pub(super) fn look_for_query(&mut self, snapshot: &Snapshot, query: &Query) {
        let regions = query.regions().iter();
        let absent = regions.filter(|region| snapshot.rows(*region).next().is_none());
        self.queries.extend(absent.map(region_text));
    }

    /// Notes those of the prefixes with which no tag begins.
    pub(super) fn look_for_tags(&mut self, snapshot: &Snapshot, prefixes: &[String]) {
        let absent = |prefix: &&String| snapshot.tags(prefix).next().is_none();
        self.tags.extend(prefixes.iter().filter(absent).cloned());
    }

    /// Notes those of the names whose region has no event.
    pub(super) fn look_for(
        &mut self,
        snapshot: &Snapshot,
        entities: &[String],
        prefixes: &[String],
    ) {
        let is_nobody =
            |region: &Region| snapshot.index.first_since(region, Sequence::ZERO).is_none();
        let of_entity = |name: &&String| is_nobody(&Region::all().entity(*name));
        let of_prefix = |prefix: &&String| is_nobody(&Region::all().entity_prefix(*prefix));
        self.entities
            .extend(entities.iter().filter(of_entity).cloned());
        self.prefixes
            .extend(prefixes.iter().filter(of_prefix).cloned());
    }
}
