//! `Table`: records of keys and their secrets, by id and by subject. What a secret is, is its owner's.

use super::record::KeyRecord;
use crate::subject::{Per, Subject};
use std::collections::HashMap;
use strandline::SealKeyId;

/// Records in the order in which keys were made, each with a secret of the form `S`, and both ways to find one.
#[derive(Debug, Clone)]
pub(crate) struct Table<S> {
    entries: Vec<(KeyRecord, S)>,
    by_id: HashMap<SealKeyId, usize>,
    /// The place of the newest key of each.
    entities: HashMap<Box<str>, usize>,
    scopes: HashMap<Box<str>, usize>,
}

impl<S> Table<S> {
    pub(crate) fn new() -> Self {
        Self {
            entries: Vec::new(),
            by_id: HashMap::new(),
            entities: HashMap::new(),
            scopes: HashMap::new(),
        }
    }

    /// Adds a key, which is the one of its subject from now on. `false` if its id is taken.
    #[must_use]
    pub(crate) fn add(&mut self, record: KeyRecord, secret: S) -> bool {
        if self.by_id.contains_key(&record.id) {
            return false;
        }
        let place = self.entries.len();
        self.by_id.insert(record.id, place);
        let named = match record.per {
            Per::Entity => &mut self.entities,
            Per::Scope => &mut self.scopes,
        };
        named.insert(record.name.clone(), place);
        self.entries.push((record, secret));
        true
    }

    /// The key of an id, or its remains.
    pub(crate) fn by_id(&self, id: SealKeyId) -> Option<&(KeyRecord, S)> {
        self.entries.get(*self.by_id.get(&id)?)
    }

    /// The newest key of a subject, or its remains.
    pub(crate) fn newest(&self, subject: Subject<'_>) -> Option<&(KeyRecord, S)> {
        let named = match subject {
            Subject::Entity(_) => &self.entities,
            Subject::Scope(_) => &self.scopes,
        };
        self.entries.get(*named.get(subject.name())?)
    }

    /// Marks the keys of a subject as forgotten, their secrets replaced by what `remains` gives for each. `false` if
    /// there is none that was not.
    pub(crate) fn forget(
        &mut self,
        subject: Subject<'_>,
        now_ms: u64,
        mut remains: impl FnMut(&KeyRecord) -> S,
    ) -> bool {
        let mut any = false;
        for (record, secret) in &mut self.entries {
            if record.forgotten_ms.is_none() && record.subject() == subject {
                record.forgotten_ms = Some(now_ms);
                *secret = remains(record);
                any = true;
            }
        }
        any
    }

    /// Each key or its remains, in the order in which they were made.
    pub(crate) fn iter(&self) -> impl ExactSizeIterator<Item = &(KeyRecord, S)> {
        self.entries.iter()
    }

    /// Each record with its secret, to be replaced.
    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = (&KeyRecord, &mut S)> {
        self.entries
            .iter_mut()
            .map(|(record, secret)| (&*record, secret))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_key_counts_and_all_are_forgotten() {
        let mut table = Table::new();
        let (entity, scope) = (Subject::Entity("a"), Subject::Scope("a"));
        let id = |n| SealKeyId::from_bytes([n; 16]);
        assert!(table.add(KeyRecord::new(id(1), entity, 10), 1));
        assert!(table.add(KeyRecord::new(id(2), scope, 11), 2));
        assert!(table.add(KeyRecord::new(id(3), entity, 12), 3));
        assert!(!table.add(KeyRecord::new(id(2), entity, 13), 4), "taken");
        assert_eq!(table.newest(entity).unwrap().1, 3);
        assert_eq!(table.newest(scope).unwrap().1, 2);
        assert!(table.newest(Subject::Entity("b")).is_none());
        assert!(table.forget(entity, 20, |_| 0));
        assert!(!table.forget(entity, 21, |_| 0));
        let of = |n| {
            table
                .by_id(id(n))
                .map(|(record, secret)| (record.forgotten_ms, *secret))
        };
        assert_eq!(of(1), Some((Some(20), 0)));
        assert_eq!(of(2), Some((None, 2)));
        assert_eq!(of(3), Some((Some(20), 0)));
        assert_eq!(of(4), None);
    }
}
