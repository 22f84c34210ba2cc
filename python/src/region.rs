//! What is asked for: `Region`, queries of them, and `Condition`.

use crate::convert::{Id, Kind, Time, Whole};
use crate::error::invalid;
use pyo3::prelude::*;
use std::ops::Bound;
use strandline::{AppendCondition, EventKind, KindFilter, Query, Region, Sequence};

/// Which events: all that match every filter that is given.
#[pyclass(name = "Region", module = "strandline", frozen)]
#[derive(Clone)]
pub(crate) struct PyRegion(pub(crate) Region);

#[pymethods]
impl PyRegion {
    #[new]
    #[pyo3(signature = (*, entity=None, entity_prefix=None, scope=None, kind=None, kinds=None,
        not_kinds=None, category=None, tags=None, any_tag=None, after=None, before=None,
        since=None, until=None, correlation=None, causation=None))]
    #[expect(
        clippy::too_many_arguments,
        reason = "each is a keyword of its own in Python"
    )]
    fn new(
        py: Python<'_>,
        entity: Option<String>,
        entity_prefix: Option<String>,
        scope: Option<String>,
        kind: Option<Kind>,
        kinds: Option<Vec<Kind>>,
        not_kinds: Option<Vec<Whole<u16>>>,
        category: Option<Whole<u8>>,
        tags: Option<Vec<String>>,
        any_tag: Option<Vec<String>>,
        after: Option<Whole<u64>>,
        before: Option<Whole<u64>>,
        since: Option<Time>,
        until: Option<Time>,
        correlation: Option<Id>,
        causation: Option<Id>,
    ) -> PyResult<Self> {
        let mut region = Region::all();
        region = match (entity, entity_prefix) {
            (Some(_), Some(_)) => {
                return Err(invalid(py, "entity and entity_prefix exclude each other"));
            }
            (Some(entity), None) => region.entity(entity),
            (None, Some(prefix)) => region.entity_prefix(prefix),
            (None, None) => region,
        };
        region = match (kind, kinds, category) {
            (None, None, None) => region,
            (Some(kind), None, None) => of_kinds(py, region, vec![kind])?,
            (None, Some(kinds), None) => of_kinds(py, region, kinds)?,
            (None, None, Some(category)) => region.category(category.0),
            _ => return Err(invalid(py, "kind, kinds and category exclude each other")),
        };
        if let Some(kinds) = not_kinds {
            region = region.not_kinds(kinds.iter().map(|bits| EventKind::from_bits(bits.0)));
        }
        if let Some(scope) = scope {
            region = region.scope(scope);
        }
        for tag in tags.unwrap_or_default() {
            region = region.tag(tag);
        }
        if let Some(tags) = any_tag {
            region = region.any_tag(tags);
        }
        if let Some(after) = after {
            region = region.after(Sequence::new(after.0));
        }
        if let Some(before) = before {
            region = region.before(Sequence::new(before.0));
        }
        if since.is_some() || until.is_some() {
            let from = since.map_or(Bound::Unbounded, |time| Bound::Included(time.0));
            let to = until.map_or(Bound::Unbounded, |time| Bound::Excluded(time.0));
            region = region.wall_ms((from, to));
        }
        if let Some(id) = correlation {
            region = region.correlation(id.0);
        }
        if let Some(id) = causation {
            region = region.caused_by(id.0);
        }
        Ok(Self(region))
    }

    fn __repr__(&self) -> String {
        format!("{:?}", self.0)
    }

    fn __eq__(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

/// Kinds by their numbers, or by their names.
fn of_kinds(py: Python<'_>, region: Region, kinds: Vec<Kind>) -> PyResult<Region> {
    let (mut numbers, mut names) = (Vec::new(), Vec::new());
    for kind in kinds {
        match kind {
            Kind::Number(kind) => numbers.push(KindFilter::Exact(kind)),
            Kind::Name(name) => names.push(name),
        }
    }
    match (numbers.is_empty(), names.is_empty()) {
        (_, true) => Ok(region.kinds(numbers)),
        (true, false) => Ok(region.kinds_named(names)),
        (false, false) => Err(invalid(
            py,
            "kinds are all numbers or all names: two regions ask for both",
        )),
    }
}

/// What a query asks for: nothing said is everything, a region, or several, each event once.
#[derive(FromPyObject)]
pub(crate) enum Asked<'py> {
    One(PyRef<'py, PyRegion>),
    Any(Vec<PyRef<'py, PyRegion>>),
}

impl Asked<'_> {
    pub(crate) fn query(asked: Option<Self>) -> Query {
        match asked {
            None => Region::all().into(),
            Some(Self::One(region)) => Query::from(&region.0),
            Some(Self::Any(regions)) => {
                Query::any_of(regions.iter().map(|region| region.0.clone()))
            }
        }
    }
}

/// What must not have happened since the caller looked, for an append.
#[pyclass(name = "Condition", module = "strandline", frozen)]
pub(crate) struct PyCondition(pub(crate) AppendCondition);

#[pymethods]
impl PyCondition {
    #[new]
    fn new(since: Whole<u64>, none_in: Asked<'_>) -> Self {
        let condition = AppendCondition::since(Sequence::new(since.0));
        Self(condition.none_in(Asked::query(Some(none_in))))
    }

    fn __repr__(&self) -> String {
        format!(
            "Condition(since={}, regions={})",
            self.0.first().get(),
            self.0.regions().len()
        )
    }
}
