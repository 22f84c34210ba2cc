//! `Names`: the names of a snapshot in order, each with how many events it has, but not which.

use super::snapshot::Snapshot;
use crate::model::NameSort;
use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;

/// Names in order, each with how many events of the snapshot it has; never one that has none.
///
/// Merges the sorted names of all parts, 256 of each at a time, and holds no lock in between.
pub struct Names<'s> {
    snapshot: &'s Snapshot,
    sort: NameSort,
    prefix: Box<str>,
    /// Of each part, the names that were read and not given yet.
    parts: Vec<Pending>,
}

#[derive(Default)]
struct Pending {
    names: VecDeque<(Arc<str>, u64)>,
    last: Option<Arc<str>>,
    finished: bool,
}

impl Snapshot {
    /// The entities whose names start with `prefix`, in order, each with how many events it has.
    #[must_use]
    pub fn entities(&self, prefix: &str) -> Names<'_> {
        Names::new(self, NameSort::Entity, prefix)
    }

    /// The scopes whose names start with `prefix`, in order, each with how many events it has.
    #[must_use]
    pub fn scopes(&self, prefix: &str) -> Names<'_> {
        Names::new(self, NameSort::Scope, prefix)
    }

    /// The tags that start with `prefix`, in order, each with how many events it has.
    #[must_use]
    pub fn tags(&self, prefix: &str) -> Names<'_> {
        Names::new(self, NameSort::Tag, prefix)
    }
}

impl<'s> Names<'s> {
    fn new(snapshot: &'s Snapshot, sort: NameSort, prefix: &str) -> Self {
        Self {
            snapshot,
            sort,
            prefix: prefix.into(),
            parts: (0..snapshot.part_count())
                .map(|_| Pending::default())
                .collect(),
        }
    }

    /// Goes on after `name`, which need not be one of the names: a page that continues another.
    #[must_use]
    pub fn after(mut self, name: &str) -> Self {
        for pending in &mut self.parts {
            *pending = Pending {
                last: Some(name.into()),
                ..Pending::default()
            };
        }
        self
    }

    fn fill(&mut self) {
        for (at, pending) in self.parts.iter_mut().enumerate() {
            if !pending.names.is_empty() || pending.finished {
                continue;
            }
            let bound = self.snapshot.bound_of(at);
            let part = self.snapshot.part(at);
            let (names, may_follow) =
                part.names(self.sort, &self.prefix, pending.last.as_deref(), bound);
            pending.finished = !may_follow;
            if let Some((last, _)) = names.last() {
                pending.last = Some(last.clone());
            }
            pending.names.extend(names);
        }
    }
}

impl Iterator for Names<'_> {
    type Item = (String, u64);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            self.fill();
            let fronts = self.parts.iter().filter_map(|part| part.names.front());
            let least = fronts.map(|(name, _)| name).min()?.clone();
            let mut sum = 0;
            for part in &mut self.parts {
                if part.names.front().is_some_and(|(name, _)| *name == least) {
                    sum += part.names.pop_front().map_or(0, |(_, count)| count);
                }
            }
            if sum > 0 {
                return Some((least.to_string(), sum));
            }
        }
    }
}

impl fmt::Debug for Names<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Names")
            .field("prefix", &self.prefix)
            .finish_non_exhaustive()
    }
}
