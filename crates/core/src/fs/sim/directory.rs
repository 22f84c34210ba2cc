//! `Directory`: its entries on the medium, those that are seen, and what lies between.

use super::loss::Choice;
use std::collections::{BTreeMap, BTreeSet};

/// Number of a file or directory; directories and files share the numbers.
pub(super) type NodeId = usize;

#[derive(Debug, Clone, Default)]
pub(super) struct Directory {
    durable: BTreeMap<String, NodeId>,
    pub(super) entries: BTreeMap<String, NodeId>,
    pending: Vec<Pending>,
}

#[derive(Debug, Clone)]
struct Pending {
    stamp: u64,
    change: Change,
}

#[derive(Debug, Clone)]
enum Change {
    Link(String, NodeId),
    /// Taken away; lost with the link of that stamp in another directory, if there is one.
    Unlink(String, Option<u64>),
    Rename {
        from: String,
        to: String,
        node: NodeId,
    },
    Exchange {
        one: (String, NodeId),
        other: (String, NodeId),
    },
}

impl Directory {
    pub(super) fn stamps(&self) -> impl Iterator<Item = u64> {
        self.pending.iter().map(|pending| pending.stamp)
    }

    pub(super) fn link(&mut self, name: &str, node: NodeId, stamp: &mut u64) {
        self.entries.insert(name.to_owned(), node);
        self.push(Change::Link(name.to_owned(), node), stamp);
    }

    pub(super) fn unlink(&mut self, name: &str, with: Option<u64>, stamp: &mut u64) {
        self.entries.remove(name);
        self.push(Change::Unlink(name.to_owned(), with), stamp);
    }

    pub(super) fn rename(&mut self, from: &str, to: &str, stamp: &mut u64) {
        if let Some(node) = self.entries.remove(from) {
            self.entries.insert(to.to_owned(), node);
            let (from, to) = (from.to_owned(), to.to_owned());
            self.push(Change::Rename { from, to, node }, stamp);
        }
    }

    pub(super) fn exchange(&mut self, one: &str, other: &str, stamp: &mut u64) {
        let nodes = (self.entries.get(one), self.entries.get(other));
        if let (Some(&first), Some(&second)) = nodes {
            self.entries.insert(one.to_owned(), second);
            self.entries.insert(other.to_owned(), first);
            let one = (one.to_owned(), second);
            let other = (other.to_owned(), first);
            self.push(Change::Exchange { one, other }, stamp);
        }
    }

    fn push(&mut self, change: Change, stamp: &mut u64) {
        self.pending.push(Pending {
            stamp: *stamp,
            change,
        });
        *stamp += 1;
    }

    pub(super) fn sync(&mut self) {
        self.durable = self.entries.clone();
        self.pending.clear();
    }

    /// Which pending changes a power cut loses, by stamp.
    pub(super) fn lost(&self, choice: &mut Choice) -> BTreeSet<u64> {
        self.stamps()
            .filter(|stamp| !choice.keeps(*stamp))
            .collect()
    }

    /// What a power cut leaves, given the stamps that are lost anywhere.
    pub(super) fn crashed(&self, lost: &BTreeSet<u64>) -> Self {
        let mut entries = self.durable.clone();
        for pending in &self.pending {
            if lost.contains(&pending.stamp) {
                continue;
            }
            match &pending.change {
                Change::Link(name, node) => {
                    entries.insert(name.clone(), *node);
                }
                Change::Unlink(_, Some(link)) if lost.contains(link) => {}
                Change::Unlink(name, _) => {
                    entries.remove(name);
                }
                Change::Rename { from, to, node } => {
                    entries.remove(from);
                    entries.insert(to.clone(), *node);
                }
                Change::Exchange { one, other } => {
                    entries.insert(one.0.clone(), one.1);
                    entries.insert(other.0.clone(), other.1);
                }
            }
        }
        Self {
            durable: entries.clone(),
            entries,
            pending: Vec::new(),
        }
    }
}
