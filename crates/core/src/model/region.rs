//! `Region`: which events a query takes, along every dimension of the index.

use super::event::EventHeader;
use super::hlc::wall_ms_of;
use super::id::{EventId, Sequence};
use super::kind::{EventKind, KindFilter};
use super::kind_set::KindSet;
use std::ops::{Bound, RangeBounds};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// An inclusive range of numbers; empty where `first > last`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Span<T> {
    /// First number inside.
    pub first: T,
    /// Last number inside.
    pub last: T,
}

macro_rules! span {
    ($($number:ident)*) => {$(
        impl Span<$number> {
            /// Every number.
            pub const ALL: Self = Self { first: 0, last: $number::MAX };
            /// No number.
            pub const NONE: Self = Self { first: 1, last: 0 };

            /// The span of a standard range.
            pub fn from_range(range: impl RangeBounds<$number>) -> Self {
                let first = match range.start_bound() {
                    Bound::Included(first) => Some(*first),
                    Bound::Excluded(before) => before.checked_add(1),
                    Bound::Unbounded => Some(0),
                };
                let last = match range.end_bound() {
                    Bound::Included(last) => Some(*last),
                    Bound::Excluded(after) => after.checked_sub(1),
                    Bound::Unbounded => Some($number::MAX),
                };
                match (first, last) {
                    (Some(first), Some(last)) => Self { first, last },
                    _ => Self::NONE,
                }
            }

            /// The numbers that are in both.
            #[must_use]
            pub fn and(self, other: Self) -> Self {
                Self {
                    first: self.first.max(other.first),
                    last: self.last.min(other.last),
                }
            }

            /// Whether `number` is inside.
            #[must_use]
            pub const fn contains(&self, number: $number) -> bool {
                self.first <= number && number <= self.last
            }

            /// Whether every number is inside.
            #[must_use]
            pub const fn is_all(&self) -> bool {
                self.first == 0 && self.last == $number::MAX
            }

            /// Whether no number is inside.
            #[must_use]
            pub const fn is_empty(&self) -> bool {
                self.first > self.last
            }
        }
    )*};
}

span! { u32 u64 }

/// Which entities a region takes.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum EntityFilter {
    /// Every entity.
    #[default]
    Any,
    /// One entity.
    Exact(String),
    /// Every entity whose name starts so.
    Prefix(String),
}

/// Which events a query takes: the events that pass every filter that was set.
///
/// A name that no event can have (an empty one, say), an empty range or one that ends before it begins, and
/// an empty list match nothing. An empty prefix is one of every name.
///
/// ```
/// # use strandline_core::{EventKind, Region};
/// const ORDER_PAID: EventKind = EventKind::new(0x1, 0x002);
/// let paid = Region::all().entity_prefix("order:").scope("eu/payments").kind(ORDER_PAID);
/// let recent = paid.clone().clock(10..).sequence(..5_000);
/// assert_ne!(paid, recent);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Region {
    entity: EntityFilter,
    scope: Option<String>,
    kinds: KindSet,
    kinds_left_out: KindSet,
    /// Those of `kinds` that are not left out.
    kinds_taken: KindSet,
    /// Names that stand for kinds, in the place of `kinds`; of none nothing is asked.
    kind_names: Vec<String>,
    clock: Span<u32>,
    sequence: Span<u64>,
    wall_ms: Span<u64>,
    correlation: Option<EventId>,
    causation: Option<EventId>,
    tags: Vec<String>,
    /// There if one of several is wanted; nobody has one of none.
    any_tags: Option<Vec<String>>,
}

impl Default for Region {
    fn default() -> Self {
        Self::all()
    }
}

impl Region {
    /// Every event.
    #[must_use]
    pub const fn all() -> Self {
        Self {
            entity: EntityFilter::Any,
            scope: None,
            kinds: KindSet::ALL,
            kinds_left_out: KindSet::NONE,
            kinds_taken: KindSet::ALL,
            kind_names: Vec::new(),
            clock: Span::<u32>::ALL,
            sequence: Span::<u64>::ALL,
            wall_ms: Span::<u64>::ALL,
            correlation: None,
            causation: None,
            tags: Vec::new(),
            any_tags: None,
        }
    }

    /// Only events of this entity. Replaces an entity or prefix set before.
    #[must_use]
    pub fn entity(mut self, entity: impl Into<String>) -> Self {
        self.entity = EntityFilter::Exact(entity.into());
        self
    }

    /// Only events of entities whose name starts with `prefix`. Replaces an entity or prefix set
    /// before.
    #[must_use]
    pub fn entity_prefix(mut self, prefix: impl Into<String>) -> Self {
        self.entity = EntityFilter::Prefix(prefix.into());
        self
    }

    /// Only events of this scope.
    #[must_use]
    pub fn scope(mut self, scope: impl Into<String>) -> Self {
        self.scope = Some(scope.into());
        self
    }

    /// Only events of this kind, or of the kinds that a filter takes. Replaces kinds set before.
    #[must_use]
    pub fn kind(self, kind: impl Into<KindFilter>) -> Self {
        self.of_kinds(kind.into().into())
    }

    /// Only events of one of these kinds, or of the kinds that one of these filters takes. Replaces kinds set
    /// before. Of an empty list no event is one, so that nothing matches.
    ///
    /// ```
    /// # use strandline_core::{EventKind, KindFilter, Region};
    /// let (placed, paid) = (EventKind::new(0x1, 0x001), EventKind::new(0x1, 0x002));
    /// let either = Region::all().kinds([placed, paid]);
    /// let all_but = Region::all().kinds([KindFilter::Category(0x1)]).not_kinds([paid]);
    /// assert!(either.kind_set().contains(paid) && !all_but.kind_set().contains(paid));
    /// ```
    #[must_use]
    pub fn kinds(self, kinds: impl IntoIterator<Item = impl Into<KindFilter>>) -> Self {
        self.of_kinds(KindSet::of(kinds))
    }

    /// Only events of the kind with this name, in the store that is asked: where no kind has it, none. Replaces
    /// kinds set before.
    ///
    /// ```
    /// # use strandline_core::{EventKind, Region};
    /// let mut placed = Region::all().kind_named("order.placed");
    /// let kind = EventKind::new(0x1, 0x001);
    /// assert!(!placed.kind_set().contains(kind), "nobody knows the name yet");
    /// placed.resolve_kinds(|name| (name == "order.placed").then_some(kind));
    /// assert_eq!(placed, Region::all().kind(kind));
    /// ```
    #[must_use]
    pub fn kind_named(self, name: impl Into<String>) -> Self {
        self.kinds_named([name])
    }

    /// Only events of the kinds with these names, as [`kind_named`](Self::kind_named).
    #[must_use]
    pub fn kinds_named(self, names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        let mut region = self.of_kinds(KindSet::NONE);
        region.kind_names = names.into_iter().map(Into::into).collect();
        region
    }

    /// Takes the kinds that names stand for, which `kind_of` knows, in their place. What asks for events of
    /// a store does it.
    pub fn resolve_kinds(&mut self, kind_of: impl FnMut(&str) -> Option<EventKind>) {
        if self.kind_names.is_empty() {
            return;
        }
        let names = std::mem::take(&mut self.kind_names);
        let kinds = names.iter().map(String::as_str).filter_map(kind_of);
        self.kinds = KindSet::of(kinds);
        self.kinds_taken = self.kinds.without(&self.kinds_left_out);
    }

    /// The names of kinds that are asked for, while it is not known which they are.
    #[must_use]
    pub fn kind_names(&self) -> &[String] {
        &self.kind_names
    }

    fn of_kinds(mut self, kinds: KindSet) -> Self {
        self.kind_names = Vec::new();
        self.kinds_taken = kinds.without(&self.kinds_left_out);
        self.kinds = kinds;
        self
    }

    /// No events of these kinds, or of the kinds that one of these filters takes, though the others are
    /// asked for. Replaces kinds left out before; of an empty list none are.
    #[must_use]
    pub fn not_kinds(mut self, kinds: impl IntoIterator<Item = impl Into<KindFilter>>) -> Self {
        self.kinds_left_out = KindSet::of(kinds);
        self.kinds_taken = self.kinds.without(&self.kinds_left_out);
        self
    }

    /// Only events of this category (0 to 15).
    #[must_use]
    pub fn category(self, category: u8) -> Self {
        self.kind(KindFilter::Category(category))
    }

    /// Only events at these places of their entity's stream.
    #[must_use]
    pub fn clock(mut self, range: impl RangeBounds<u32>) -> Self {
        self.clock = Span::<u32>::from_range(range);
        self
    }

    /// Only events with these sequences: `n..` is from *n* on, *n* included.
    #[must_use]
    pub fn sequence(mut self, range: impl RangeBounds<u64>) -> Self {
        self.sequence = Span::<u64>::from_range(range);
        self
    }

    /// Only events after this one in the commit order: a page that continues another.
    #[must_use]
    pub fn after(self, sequence: Sequence) -> Self {
        let after = (Bound::Excluded(sequence.get()), Bound::Unbounded);
        self.within(Span::<u64>::from_range(after))
    }

    /// Only events before this one in the commit order: a page that continues another from the newest on.
    #[must_use]
    pub fn before(self, sequence: Sequence) -> Self {
        self.within(Span::<u64>::from_range(..sequence.get()))
    }

    /// Only events with sequences in this span too.
    pub(super) fn within(mut self, span: Span<u64>) -> Self {
        self.sequence = self.sequence.and(span);
        self
    }

    /// Only events of this time, in milliseconds since 1970.
    #[must_use]
    pub fn wall_ms(mut self, range: impl RangeBounds<u64>) -> Self {
        self.wall_ms = Span::<u64>::from_range(range);
        self
    }

    /// Only events of this time. Events have their time to the millisecond, so that is what decides: one in
    /// whose millisecond the range begins is in it, and one in whose millisecond it ends before its end too.
    ///
    /// ```
    /// use std::time::{Duration, UNIX_EPOCH};
    /// # use strandline_core::Region;
    ///
    /// let at = UNIX_EPOCH + Duration::from_micros(5_500);
    /// assert_eq!(Region::all().time(at..), Region::all().wall_ms(5..));
    /// assert_eq!(Region::all().time(..at), Region::all().wall_ms(..6));
    /// ```
    #[must_use]
    pub fn time(self, range: impl RangeBounds<SystemTime>) -> Self {
        let first = match range.start_bound() {
            Bound::Included(first) => Bound::Included(wall_ms_of(*first)),
            Bound::Excluded(before) => Bound::Excluded(wall_ms_of(*before)),
            Bound::Unbounded => Bound::Unbounded,
        };
        let last = match range.end_bound() {
            Bound::Included(last) => Bound::Included(wall_ms_of(*last)),
            Bound::Excluded(end) => match wall_ms_of(*end) {
                ms if UNIX_EPOCH + Duration::from_millis(ms) < *end => Bound::Included(ms),
                ms => Bound::Excluded(ms),
            },
            Bound::Unbounded => Bound::Unbounded,
        };
        self.wall_ms((first, last))
    }

    /// Only events that belong to this one: the event itself, if it belongs to nothing else, and
    /// those appended as correlated to it.
    #[must_use]
    pub const fn correlation(mut self, id: EventId) -> Self {
        self.correlation = Some(id);
        self
    }

    /// Only events that this one caused.
    #[must_use]
    pub const fn caused_by(mut self, id: EventId) -> Self {
        self.causation = Some(id);
        self
    }

    /// Only events that have this tag, beside those asked for before.
    #[must_use]
    pub fn tag(mut self, tag: impl Into<String>) -> Self {
        self.tags.push(tag.into());
        self
    }

    /// Only events that have at least one of these tags, beside those that [`tag`](Self::tag) asks for.
    /// Replaces those set before. Of an empty list no event has one, so that nothing matches.
    ///
    /// A query looks each of them up in each segment that it touches, some 0.1 µs each time.
    #[must_use]
    pub fn any_tag(mut self, tags: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.any_tags = Some(tags.into_iter().map(Into::into).collect());
        self
    }

    /// The entity filter.
    #[must_use]
    pub const fn entity_filter(&self) -> &EntityFilter {
        &self.entity
    }

    /// The scope, if one was set.
    #[must_use]
    pub fn scope_filter(&self) -> Option<&str> {
        self.scope.as_deref()
    }

    /// The kinds that are asked for, without those that are left out.
    #[must_use]
    pub const fn kind_set(&self) -> &KindSet {
        &self.kinds_taken
    }

    /// The range of clocks.
    #[must_use]
    pub const fn clock_span(&self) -> Span<u32> {
        self.clock
    }

    /// The range of sequences.
    #[must_use]
    pub const fn sequence_span(&self) -> Span<u64> {
        self.sequence
    }

    /// The range of times.
    #[must_use]
    pub const fn wall_ms_span(&self) -> Span<u64> {
        self.wall_ms
    }

    /// The event that events must belong to, if one was set.
    #[must_use]
    pub const fn correlation_filter(&self) -> Option<EventId> {
        self.correlation
    }

    /// The event that must have caused events, if one was set.
    #[must_use]
    pub const fn causation_filter(&self) -> Option<EventId> {
        self.causation
    }

    /// The tags that events must have, all of them.
    #[must_use]
    pub fn tag_filter(&self) -> &[String] {
        &self.tags
    }

    /// The tags of which events must have one, if that was set. Of an empty list no event has one.
    #[must_use]
    pub fn any_tag_filter(&self) -> Option<&[String]> {
        self.any_tags.as_deref()
    }

    /// Whether the numbers of an event pass: its kind, clock, sequence and time.
    #[must_use]
    pub fn matches_numbers(
        &self,
        kind: EventKind,
        clock: u32,
        sequence: Sequence,
        wall_ms: u64,
    ) -> bool {
        self.kinds_taken.contains(kind)
            && self.clock.contains(clock)
            && self.sequence.contains(sequence.get())
            && self.wall_ms.contains(wall_ms)
    }

    /// Whether the names of an event pass.
    #[must_use]
    pub fn matches_names(&self, entity: &str, scope: &str) -> bool {
        let entity_passes = match &self.entity {
            EntityFilter::Any => true,
            EntityFilter::Exact(exact) => exact == entity,
            EntityFilter::Prefix(prefix) => entity.starts_with(prefix.as_str()),
        };
        entity_passes && self.scope.as_deref().is_none_or(|own| own == scope)
    }

    /// Whether the links of an event pass.
    #[must_use]
    pub fn matches_links(&self, correlation: EventId, causation: Option<EventId>) -> bool {
        self.correlation.is_none_or(|wanted| wanted == correlation)
            && self
                .causation
                .is_none_or(|wanted| causation == Some(wanted))
    }

    /// Whether the tags of an event pass.
    #[must_use]
    pub fn matches_tags<'a>(&self, tags: impl Iterator<Item = &'a str> + Clone) -> bool {
        let has = |wanted: &String| tags.clone().any(|tag| tag == wanted);
        let any = self.any_tags.as_ref();
        self.tags.iter().all(has) && any.is_none_or(|any| any.iter().any(has))
    }

    /// Whether an event is in the region: what every query must agree with.
    #[must_use]
    pub fn matches(&self, event: &EventHeader) -> bool {
        self.matches_numbers(event.kind, event.clock, event.sequence, event.hlc.wall_ms())
            && self.matches_names(event.coordinate.entity(), event.coordinate.scope())
            && self.matches_links(event.correlation, event.causation)
            && self.matches_tags(event.tags().collect::<Vec<_>>().into_iter())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_follow_standard_ranges() {
        assert_eq!(Span::<u32>::from_range(..), Span::<u32>::ALL);
        assert_eq!(Span::<u32>::from_range(3..5), Span { first: 3, last: 4 });
        assert_eq!(Span::<u32>::from_range(3..=5), Span { first: 3, last: 5 });
        assert!(Span::<u32>::from_range(..0).is_empty());
        let after_the_last = (Bound::Excluded(u64::MAX), Bound::Unbounded);
        assert!(Span::<u64>::from_range(after_the_last).is_empty());
        assert!(Span::<u64>::from_range(5..5).is_empty());
        let reversed = (Bound::Included(9), Bound::Excluded(3));
        assert!(Span::<u64>::from_range(reversed).is_empty());
        assert_eq!(Span::<u64>::from_range(..=u64::MAX), Span::<u64>::ALL);
    }

    #[test]
    fn after_excludes_the_position_itself() {
        let region = Region::all().sequence(2..8).after(Sequence::new(4));
        assert_eq!(region.sequence_span(), Span { first: 5, last: 7 });
        assert!(
            Region::all()
                .after(Sequence::new(u64::MAX))
                .sequence_span()
                .is_empty()
        );
    }
}
