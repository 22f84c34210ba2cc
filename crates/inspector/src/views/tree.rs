//! `tree`: the events that belong to one, as a tree of what caused what.

use super::context::Context;
use super::event::id;
use super::events::{read, table};
use super::fault::Fault;
use super::row::EventRow;
use super::same::Same;
use super::view::View;
use crate::asked::Asked;
use crate::text::Table;
use serde::Serialize;
use std::collections::{HashMap, HashSet};
use strandline::{EventId, Region, RowView};

/// What may be asked.
pub(crate) const TREE: &[&str] = &["id", "sequence"];

/// How many events a tree has.
const EVENTS_MAX: usize = 500;

/// An event in a tree.
#[derive(Debug, Serialize)]
pub(crate) struct Node {
    /// How many events led to it, of those that are shown.
    pub(crate) depth: usize,
    /// Whether it is the event that was asked for.
    pub(crate) is_asked: bool,
    /// Whether what caused it is not in the tree.
    pub(crate) is_cause_elsewhere: bool,
    pub(crate) event: EventRow,
}

/// The events that belong to one.
#[derive(Debug, Serialize)]
pub(crate) struct Tree {
    pub(crate) correlation: String,
    /// Each before those that it caused.
    pub(crate) nodes: Vec<Node>,
    /// Whether there are more than are given.
    pub(crate) is_cut: bool,
    pub(crate) same: Same,
}

/// The tree that the event belongs to which is asked for.
///
/// # Errors
///
/// [`Fault`].
pub(crate) fn tree(context: &Context, asked: &Asked) -> Result<Tree, Fault> {
    let opened = context.opened()?;
    let now = opened.store.snapshot();
    let own = id(&now, asked)?;
    let row = now.causes(own).next();
    // An id that no event has may be one to which others belong.
    let correlation = row.map_or(own, |row| row.correlation());
    let found = now.rows(Region::all().correlation(correlation));
    let mut rows: Vec<RowView<'_>> = found.take(EVENTS_MAX + 1).collect();
    let is_cut = rows.len() > EVENTS_MAX;
    rows.truncate(EVENTS_MAX);
    if rows.is_empty() {
        return Err(Fault::NotThere(format!(
            "no event has the id {own}, and none belongs to it"
        )));
    }
    let order = order(&rows);
    let sorted: Vec<_> = order
        .iter()
        .filter_map(|(at, _)| rows.get(*at).copied())
        .collect();
    let events = read(context, &now, &sorted);
    let ids: HashSet<_> = rows.iter().map(|row| row.id()).collect();
    let nodes = order
        .iter()
        .zip(&sorted)
        .zip(events)
        .map(|(((_, depth), row), event)| Node {
            depth: *depth,
            is_asked: row.id() == own,
            is_cause_elsewhere: row.causation().is_some_and(|cause| !ids.contains(&cause)),
            event,
        });
    let text = correlation.to_string();
    let rust = format!(
        "let query = Region::all().correlation(\"{text}\".parse()?);\nlet events = store.snapshot().query(query);"
    );
    Ok(Tree {
        nodes: nodes.collect(),
        is_cut,
        same: Same::new("query", &context.dir, ["--correlation", &text], rust),
        correlation: text,
    })
}

/// The rows in the order of a tree, with how deep each is. What caused an event is before it in the store, so there is no
/// circle; one that a forged store has is cut where it closes.
fn order(rows: &[RowView<'_>]) -> Vec<(usize, usize)> {
    let places: HashMap<EventId, usize> = rows
        .iter()
        .enumerate()
        .map(|(at, row)| (row.id(), at))
        .collect();
    let mut caused = vec![Vec::new(); rows.len()];
    let mut roots = Vec::new();
    for (at, row) in rows.iter().enumerate() {
        let cause = row
            .causation()
            .and_then(|cause| places.get(&cause))
            .filter(|cause| **cause < at);
        match cause.and_then(|cause| caused.get_mut(*cause)) {
            Some(own) => own.push(at),
            None => roots.push(at),
        }
    }
    let mut order = Vec::with_capacity(rows.len());
    let mut waiting: Vec<_> = roots.into_iter().rev().map(|root| (root, 0)).collect();
    while let Some((at, depth)) = waiting.pop() {
        order.push((at, depth));
        let own = caused.get(at).into_iter().flatten().rev();
        waiting.extend(own.map(|at| (*at, depth + 1)));
    }
    order
}

impl View for Tree {
    fn title(&self) -> String {
        "Correlation".to_owned()
    }

    fn table(&self) -> Table {
        let events: Vec<_> = self.nodes.iter().map(|node| node.event.clone()).collect();
        table(&events)
    }

    fn same(&self) -> Same {
        self.same.clone()
    }
}
