//! `Query`: a region turned into the key to start from and the checks that remain.

use super::filter::Filter;
use super::plan::{Plan, PlanKey};
use crate::Snapshot;
use crate::list::RowList;
use std::ops::Range;
use std::sync::Arc;
use strandline_core::{EntityFilter, EventKind, KindFilter, Region};

/// What looking up one more name of a prefix costs, in candidate rows.
const NAME_COST: u64 = 4;
/// What one more list in a merge costs, in candidate rows.
const LIST_COST: u64 = 8;

/// A region, ready to be walked.
pub(crate) struct Query {
    pub(crate) source: Source,
    pub(crate) filter: Filter,
    /// The rows that the range of sequences leaves.
    pub(crate) rows: Range<u32>,
    pub(crate) plan: Plan,
}

/// Where candidate rows come from.
pub(crate) enum Source {
    /// Every row in the range.
    Scan,
    /// The rows of some keys.
    Lists(Vec<Keyed>),
}

/// Part of the rows of a key.
#[derive(Clone)]
pub(crate) struct Keyed {
    pub(crate) list: Arc<RowList>,
    pub(crate) positions: Range<usize>,
}

/// A way to go, and what it costs.
struct Choice {
    key: PlanKey,
    source: Source,
    candidates: u64,
    cost: u64,
}

impl Query {
    /// Chooses the cheapest key for `region`.
    pub(crate) fn compile(snapshot: &Snapshot, region: &Region) -> Self {
        let rows = rows_of(snapshot, region);
        let never =
            rows.is_empty() || region.clock_span().is_empty() || region.wall_ms_span().is_empty();
        let choice = if never {
            None
        } else {
            choose(snapshot, region, &rows)
        };
        let choice = choice.unwrap_or_else(|| Choice {
            key: PlanKey::Nothing,
            source: Source::Lists(Vec::new()),
            candidates: 0,
            cost: 0,
        });
        let filter = filter_of(region, choice.key);
        let plan = Plan {
            key: choice.key,
            candidates: choice.candidates,
            exact: filter.is_empty(),
        };
        Self {
            source: choice.source,
            filter,
            rows,
            plan,
        }
    }
}

/// The rows whose sequences `region` takes.
fn rows_of(snapshot: &Snapshot, region: &Region) -> Range<u32> {
    let span = region.sequence_span();
    if span.is_empty() {
        return 0..0;
    }
    let end = match span.last.checked_add(1) {
        Some(after) => snapshot.first_row_from(after),
        None => snapshot.rows(),
    };
    snapshot.first_row_from(span.first).min(end)..end
}

/// The cheapest way, or `None` if some key has no rows.
fn choose(snapshot: &Snapshot, region: &Region, rows: &Range<u32>) -> Option<Choice> {
    let candidates = u64::from(rows.end - rows.start);
    let mut best = Choice {
        key: PlanKey::Scan,
        source: Source::Scan,
        candidates,
        cost: candidates,
    };
    let mut consider = |choice: Choice| {
        if choice.cost <= best.cost {
            best = choice;
        }
    };
    let shared = &snapshot.shared;
    match region.kind_filter() {
        KindFilter::Any => {}
        KindFilter::Exact(kind) => {
            let list = shared.kinds.read().get(&kind).cloned()?;
            consider(Choice::of_list(PlanKey::Kind, keyed(list, rows)?));
        }
        KindFilter::Category(category) => consider(Choice::of_lists(
            |kinds| PlanKey::Category { kinds },
            kinds_of(snapshot, category, rows),
        )),
    }
    if let Some(scope) = region.scope_filter() {
        let list = shared.scopes.get(scope)?.rows;
        consider(Choice::of_list(PlanKey::Scope, keyed(list, rows)?));
    }
    match region.entity_filter() {
        EntityFilter::Exact(entity) => {
            let list = shared.entities.get(entity)?.rows;
            let keyed = narrowed(snapshot, region, keyed(list, rows)?)?;
            consider(Choice::of_list(PlanKey::Entity, keyed));
        }
        EntityFilter::Prefix(prefix) if !prefix.is_empty() => {
            if let Some(choice) = entities_of(snapshot, region, prefix, rows, best.cost) {
                best = choice;
            }
        }
        _ => {}
    }
    (best.candidates > 0).then_some(best)
}

impl Choice {
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

/// What merging costs, in rows of a scan: a heap of the lists, and a step in it for each row.
fn merge_cost(lists: usize, candidates: u64) -> u64 {
    match lists {
        0 | 1 => candidates,
        _ => candidates * (2 + u64::from(lists.ilog2())) + lists as u64 * LIST_COST,
    }
}

/// The part of `list` within `rows`, or `None` if that is empty.
fn keyed(list: Arc<RowList>, rows: &Range<u32>) -> Option<Keyed> {
    let positions = list.positions(rows);
    (!positions.is_empty()).then_some(Keyed { list, positions })
}

/// The part of an entity's rows with clocks that `region` takes, or `None` if that is empty.
///
/// Clocks ascend along an entity's rows, so the ends are searched for.
fn narrowed(snapshot: &Snapshot, region: &Region, keyed: Keyed) -> Option<Keyed> {
    let span = region.clock_span();
    let Keyed {
        list,
        mut positions,
    } = keyed;
    if span.first > 0 {
        positions.start = list.partition(&positions, |row| snapshot.cell(row).clock() < span.first);
    }
    if span.last < u32::MAX {
        positions.end = list.partition(&positions, |row| snapshot.cell(row).clock() <= span.last);
    }
    (!positions.is_empty()).then_some(Keyed { list, positions })
}

/// The rows of every kind of a category.
fn kinds_of(snapshot: &Snapshot, category: u8, rows: &Range<u32>) -> Vec<Keyed> {
    let first = EventKind::from_bits(u16::from(category & 0xF) << 12);
    let lists: Vec<_> = snapshot
        .shared
        .kinds
        .read()
        .range(first..)
        .take_while(|(kind, _)| kind.category() == category)
        .map(|(_, list)| list.clone())
        .collect();
    lists
        .into_iter()
        .filter_map(|list| keyed(list, rows))
        .collect()
}

/// The rows of every entity with a prefix, or `None` as soon as that costs more than `limit`.
fn entities_of(
    snapshot: &Snapshot,
    region: &Region,
    prefix: &str,
    rows: &Range<u32>,
    limit: u64,
) -> Option<Choice> {
    let mut lists = Vec::new();
    let (mut names, mut candidates) = (0, 0);
    let mut last: Option<Arc<str>> = None;
    loop {
        let piece = snapshot.shared.entities.piece(prefix, last.as_deref());
        if piece.is_empty() {
            break;
        }
        for (name, entry) in piece {
            names += 1;
            let part = keyed(entry.rows, rows).and_then(|part| narrowed(snapshot, region, part));
            if let Some(part) = part {
                candidates += part.positions.len() as u64;
                lists.push(part);
            }
            last = Some(name);
        }
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
fn filter_of(region: &Region, key: PlanKey) -> Filter {
    let mut filter = Filter::new(region);
    let mut entity = match region.entity_filter() {
        EntityFilter::Any => false,
        EntityFilter::Prefix(prefix) => !prefix.is_empty(),
        _ => true,
    };
    let mut scope = region.scope_filter().is_some();
    match key {
        PlanKey::Nothing => {
            (entity, scope) = (false, false);
            (filter.kind, filter.clock, filter.wall_ms) = (false, false, false);
        }
        PlanKey::Entity | PlanKey::EntityPrefix { .. } => (entity, filter.clock) = (false, false),
        PlanKey::Scope => scope = false,
        PlanKey::Kind | PlanKey::Category { .. } => filter.kind = false,
        PlanKey::Scan => {}
    }
    if entity || scope {
        filter.check_names(region);
    }
    filter
}
