//! `PartQuery`: a region turned into the key to start from in a part, and the checks that remain. Walks no
//! rows.

use super::filter::Filter;
use super::plan::{PartPlan, PlanKey};
use super::source::{Keyed, Source};
use super::tags::{TagLists, TagNames};
use crate::model::{IndexLayout, TileMask};
use crate::part::{List, Part};
use std::ops::Range;
use std::sync::Arc;
use strandline_core::{EntityFilter, KindRange, Region};

/// What looking up one more name of a prefix costs, in candidate rows.
const NAME_COST: u64 = 4;
/// What one more list in a merge costs, in candidate rows.
const LIST_COST: u64 = 8;

/// Candidates are looked for in so many lists without a thought.
const CHECKED_MAX: usize = 16;

/// A region, ready to be walked in one part.
pub(super) struct PartQuery {
    pub(super) source: Source,
    pub(super) filter: Filter,
    /// The rows that the range of sequences leaves.
    pub(super) rows: Range<u32>,
    /// How many rows the lists have together, or the range; one in two lists counts twice.
    pub(super) candidates: u64,
    key: PlanKey,
}

/// A way to go, and what it costs.
struct Choice {
    key: PlanKey,
    source: Source,
    candidates: u64,
    cost: u64,
}

impl PartQuery {
    /// Chooses the cheapest key for `region` among the first `bound` rows of `part`.
    pub(super) fn compile(part: &Part, bound: u32, region: &Region, tags: &TagNames) -> Self {
        Self::compile_since(part, bound, region, tags, 0)
    }

    /// As [`compile`](Self::compile), without the rows before the sequence `since`.
    pub(super) fn compile_since(
        part: &Part,
        bound: u32,
        region: &Region,
        tags: &TagNames,
        since: u64,
    ) -> Self {
        let rows = rows_of(part, bound, region, since);
        let (tags, choice) = if never(part, region, &rows) {
            (TagLists::default(), None)
        } else {
            let tags = tags.lists(part, region);
            let choice = choose(part, region, &tags, &rows);
            let choice = choice.map(|choice| choice.or_any_tag(&tags, &rows));
            (tags, choice)
        };
        let choice = choice.unwrap_or_else(|| Choice {
            key: PlanKey::Nothing,
            source: Source::Lists(Vec::new()),
            candidates: 0,
            cost: 0,
        });
        Self {
            filter: filter_of(region, tags, choice.key),
            key: choice.key,
            source: choice.source,
            candidates: choice.candidates,
            rows,
        }
    }

    /// Queries of one part to be asked together: those that have candidates. All that go by nothing but
    /// lists become one that goes by the lists of all.
    pub(super) fn together(queries: impl Iterator<Item = Self>) -> Vec<Self> {
        let mut others = Vec::new();
        let mut of_lists: Option<Self> = None;
        for query in queries.filter(|query| query.candidates > 0) {
            match &mut of_lists {
                Some(first) if query.is_of_lists() => first.add(query),
                None if query.is_of_lists() => of_lists = Some(query),
                _ => others.push(query),
            }
        }
        others.extend(of_lists);
        others
    }

    fn is_of_lists(&self) -> bool {
        self.filter.is_empty() && matches!(self.source, Source::Lists(_))
    }

    /// The rows of another query too, where both go by lists alone.
    fn add(&mut self, other: Self) {
        let regions = match self.key {
            PlanKey::Union { regions } => regions + 1,
            _ => 2,
        };
        self.key = PlanKey::Union { regions };
        self.candidates += other.candidates;
        self.rows.start = self.rows.start.min(other.rows.start);
        self.rows.end = self.rows.end.max(other.rows.end);
        if let (Source::Lists(own), Source::Lists(lists)) = (&mut self.source, other.source) {
            own.extend(lists);
        }
    }

    pub(super) const fn plan(&self) -> PartPlan {
        PartPlan {
            key: self.key,
            candidates: self.candidates,
            exact: self.is_exact(),
        }
    }

    /// Whether every candidate matches, and is one alone.
    pub(super) const fn is_exact(&self) -> bool {
        // A row may have several of the tags that are asked for, or be in several regions.
        self.filter.is_empty() && !matches!(self.key, PlanKey::AnyTag | PlanKey::Union { .. })
    }
}

/// The rows whose sequences `region` takes, from `since` on.
fn rows_of(part: &Part, bound: u32, region: &Region, since: u64) -> Range<u32> {
    let span = region.sequence_span();
    if span.is_empty() {
        return 0..0;
    }
    let end = match span.last.checked_add(1) {
        Some(after) => part.first_row_from(after, bound),
        None => bound,
    };
    part.first_row_from(span.first.max(since), bound).min(end)..end
}

/// Whether no row can match, by what is known without a key.
fn never(part: &Part, region: &Region, rows: &Range<u32>) -> bool {
    let times = region.wall_ms_span();
    rows.is_empty()
        || region.clock_span().is_empty()
        || times.is_empty()
        || !part.may_have_times(times.first, times.last)
        || !may_have_kinds(part, region)
}

fn may_have_kinds(part: &Part, region: &Region) -> bool {
    let kinds = region.kind_set();
    let mut ranges = kinds.ranges().iter();
    kinds.is_all() || ranges.any(|range| part.may_have_kinds(*range))
}

/// The cheapest way, or `None` if some key has no rows.
fn choose(part: &Part, region: &Region, tags: &TagLists, rows: &Range<u32>) -> Option<Choice> {
    let mut best = scan(part, region, rows)?;
    let mut consider = |choice: Choice| {
        if choice.cost <= best.cost {
            best = choice;
        }
    };
    if part.layout() == IndexLayout::Postings {
        if !region.kind_set().is_all() {
            kinds_of(part, region, rows)?
                .into_iter()
                .for_each(&mut consider);
        }
        if let Some(scope) = region.scope_filter() {
            let keyed = keyed(part.scope(scope)?, rows)?;
            consider(Choice::of_list(PlanKey::Scope, keyed));
        }
    }
    if let Some(correlation) = region.correlation_filter() {
        let found = part.correlated(correlation, rows.end);
        consider(Choice::of_list(
            PlanKey::Correlation,
            found_rows(found, rows)?,
        ));
    }
    if let Some(cause) = region.causation_filter() {
        let found = part.caused_by(cause, rows.end);
        consider(Choice::of_list(
            PlanKey::Causation,
            found_rows(found, rows)?,
        ));
    }
    for list in tags.all.as_ref()? {
        consider(Choice::of_list(PlanKey::Tag, keyed(list.clone(), rows)?));
    }
    if region.any_tag_filter().is_some() {
        consider(any_tag(tags, rows)?);
    }
    match region.entity_filter() {
        EntityFilter::Exact(entity) => {
            let keyed = keyed(part.entity(entity)?, rows)?;
            let keyed = narrowed(part, region, keyed)?;
            consider(Choice::of_list(PlanKey::Entity, keyed));
        }
        EntityFilter::Prefix(prefix) if !prefix.is_empty() => {
            if let Some(choice) = entities_of(part, region, prefix, rows, best.cost) {
                best = choice;
            }
        }
        _ => {}
    }
    (best.candidates > 0).then_some(best)
}

/// The scan of the columns, or of the tiles that may match; none if the part does not know the
/// scope.
fn scan(part: &Part, region: &Region, rows: &Range<u32>) -> Option<Choice> {
    let candidates = u64::from(rows.end - rows.start);
    let mut wanted = TileMask::ANY;
    if let Some(scope) = region.scope_filter() {
        wanted.scopes = TileMask::bit(part.scope_number(scope)?);
    }
    let has_tiles = part.layout() == IndexLayout::Tiles;
    if has_tiles && !region.kind_set().is_all() {
        let ranges = region.kind_set().ranges().iter();
        wanted.kinds = ranges.fold(0, |bits, range| bits | part.kind_bits(*range));
    }
    let tiled = has_tiles && wanted != TileMask::ANY;
    Some(Choice {
        key: if tiled { PlanKey::Tiles } else { PlanKey::Scan },
        source: Source::Scan(if tiled { wanted } else { TileMask::ANY }),
        candidates,
        cost: candidates,
    })
}

impl Choice {
    /// This one, or to go by the tags of which one is wanted, where to look for each candidate in each of
    /// their lists would cost more.
    fn or_any_tag(self, tags: &TagLists, rows: &Range<u32>) -> Self {
        if self.key == PlanKey::AnyTag || tags.any.len() <= CHECKED_MAX {
            return self;
        }
        let checks = self.candidates.saturating_mul(tags.any.len() as u64);
        let any = any_tag(tags, rows).filter(|any| any.cost < checks);
        any.unwrap_or(self)
    }

    fn of_list(key: PlanKey, keyed: Keyed) -> Self {
        let candidates = keyed.positions.len() as u64;
        Self {
            key,
            source: Source::Lists(vec![keyed]),
            candidates,
            cost: candidates,
        }
    }

    fn of_lists(key: impl Fn(usize) -> PlanKey, lists: Vec<Keyed>) -> Self {
        let candidates = lists.iter().map(|keyed| keyed.positions.len() as u64).sum();
        Self {
            key: key(lists.len()),
            cost: merge_cost(lists.len(), candidates),
            source: Source::Lists(lists),
            candidates,
        }
    }
}

/// What merging costs, in rows of a scan: two steps for each row, and a look at each list for each
/// window.
fn merge_cost(lists: usize, candidates: u64) -> u64 {
    match lists {
        0 | 1 => candidates,
        _ => candidates * 2 + lists as u64 * LIST_COST,
    }
}

/// The part of `list` within `rows`, or `None` if that is empty.
fn keyed(list: List, rows: &Range<u32>) -> Option<Keyed> {
    let positions = list.positions(rows);
    (!positions.is_empty()).then_some(Keyed { list, positions })
}

fn found_rows(found: Vec<u32>, rows: &Range<u32>) -> Option<Keyed> {
    keyed(List::Found(Arc::from(found)), rows)
}

/// The rows that have one of the tags, merged as they are asked for; none if no row has.
fn any_tag(tags: &TagLists, rows: &Range<u32>) -> Option<Choice> {
    let lists = tags.any.iter().cloned();
    let lists: Vec<_> = lists.filter_map(|list| keyed(list, rows)).collect();
    (!lists.is_empty()).then(|| Choice::of_lists(|_| PlanKey::AnyTag, lists))
}

/// The rows of the kinds that a region takes, unless to look at their lists would cost more than a scan, or
/// `None` if there are none.
fn kinds_of(part: &Part, region: &Region, rows: &Range<u32>) -> Option<Option<Choice>> {
    let lists = |range: &KindRange| part.kinds(*range);
    let ranges = region.kind_set().ranges();
    if let [range] = ranges
        && range.first == range.last
    {
        let only = lists(range).into_iter().next()?;
        return Some(Some(Choice::of_list(PlanKey::Kind, keyed(only, rows)?)));
    }
    let lists: Vec<_> = ranges.iter().flat_map(lists).collect();
    if lists.len() > 1 && lists.len() as u64 * LIST_COST > u64::from(rows.end - rows.start) {
        return Some(None);
    }
    let lists = lists.into_iter().filter_map(|list| keyed(list, rows));
    let key = |kinds| match ranges {
        [range] if is_category(*range) => PlanKey::Category { kinds },
        _ => PlanKey::Kinds { kinds },
    };
    Some(Some(Choice::of_lists(key, lists.collect())))
}

fn is_category(KindRange { first, last }: KindRange) -> bool {
    first.type_in_category() == 0 && first.bits() | 0x0FFF == last.bits()
}

/// The part of an entity's rows with clocks that `region` takes, or `None` if that is empty.
///
/// Clocks ascend along an entity's rows, so the ends are searched for.
fn narrowed(part: &Part, region: &Region, keyed: Keyed) -> Option<Keyed> {
    let span = region.clock_span();
    let Keyed {
        list,
        mut positions,
    } = keyed;
    if span.first > 0 {
        positions.start = list.partition(&positions, |row| part.clock(row) < span.first);
    }
    if span.last < u32::MAX {
        positions.end = list.partition(&positions, |row| part.clock(row) <= span.last);
    }
    (!positions.is_empty()).then_some(Keyed { list, positions })
}

/// The rows of every entity with a prefix, or `None` as soon as that costs more than `limit`.
fn entities_of(
    part: &Part,
    region: &Region,
    prefix: &str,
    rows: &Range<u32>,
    limit: u64,
) -> Option<Choice> {
    if part.prefixed(prefix) * NAME_COST > limit {
        return None;
    }
    let mut lists = Vec::new();
    let (mut names, mut candidates) = (0, 0);
    let mut last: Option<Arc<str>> = None;
    loop {
        let (piece, after) = part.entities(prefix, last.as_deref());
        let Some(after) = after else { break };
        for list in piece {
            names += 1;
            let keyed = keyed(list, rows).and_then(|keyed| narrowed(part, region, keyed));
            if let Some(keyed) = keyed {
                candidates += keyed.positions.len() as u64;
                lists.push(keyed);
            }
        }
        last = Some(after);
        // Names that were looked at cost nothing further, but to go on looking must not cost more
        // than the other way would.
        if merge_cost(lists.len(), candidates).max(names * NAME_COST) > limit {
            return None;
        }
    }
    let choice = Choice::of_lists(|entities| PlanKey::EntityPrefix { entities }, lists);
    (choice.cost <= limit).then_some(choice)
}

/// The checks that rows found by `key` still need.
fn filter_of(region: &Region, tags: TagLists, key: PlanKey) -> Filter {
    let mut filter = Filter::new(region);
    let mut entity = match region.entity_filter() {
        EntityFilter::Any => false,
        EntityFilter::Prefix(prefix) => !prefix.is_empty(),
        _ => true,
    };
    let mut scope = region.scope_filter().is_some();
    match key {
        PlanKey::Nothing => return Filter::none(),
        PlanKey::Entity | PlanKey::EntityPrefix { .. } => (entity, filter.clock) = (false, false),
        PlanKey::Scope => scope = false,
        PlanKey::Kind | PlanKey::Category { .. } | PlanKey::Kinds { .. } => filter.kind = false,
        PlanKey::Correlation => filter.correlation = None,
        PlanKey::Causation => filter.causation = None,
        PlanKey::Tag | PlanKey::AnyTag | PlanKey::Scan | PlanKey::Tiles | PlanKey::Union { .. } => {
        }
    }
    // The list of the only tag is the key itself.
    if key != PlanKey::Tag || region.tag_filter().len() > 1 {
        filter.tags = tags.all.unwrap_or_default();
    }
    if key != PlanKey::AnyTag {
        // Of none of them no row was a candidate.
        filter.any_tags = tags.any;
    }
    if entity || scope {
        filter.check_names(region);
    }
    filter
}
