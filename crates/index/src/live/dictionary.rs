//! `Dictionary`: names of one sort, by hash and in order, each with its rows.
//!
//! Only the writer adds names, and none is ever removed.

use super::chunk::NAMES_MAX;
use super::list::RowList;
use crate::model::{IndexError, PIECE_NAMES};
use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;
use strandline_core::sync::{Map, RwLock};

/// A name's number, and its rows.
#[derive(Clone)]
pub(crate) struct Entry {
    pub(crate) number: u32,
    pub(crate) rows: Arc<RowList>,
}

/// Names with their entries.
pub(crate) struct Dictionary {
    by_name: Map<Arc<str>, Entry>,
    ordered: RwLock<BTreeMap<Arc<str>, Entry>>,
}

impl Dictionary {
    pub(crate) fn new() -> Self {
        Self {
            by_name: Map::new(),
            ordered: RwLock::new(BTreeMap::new()),
        }
    }

    /// The entry of `name`. Expected O(1).
    pub(crate) fn get(&self, name: &str) -> Option<Entry> {
        self.by_name.read(name, Entry::clone)
    }

    /// Adds `name`, which is not there, as the `count`th. O(log names). Only the writer calls it.
    ///
    /// # Errors
    ///
    /// [`IndexError::NamesExhausted`].
    pub(crate) fn add(&self, name: Arc<str>, count: usize) -> Result<Entry, IndexError> {
        let number = u32::try_from(count)
            .ok()
            .filter(|number| *number < NAMES_MAX)
            .ok_or(IndexError::NamesExhausted)?;
        let entry = Entry {
            number,
            rows: Arc::new(RowList::new()),
        };
        self.ordered.write().insert(name.clone(), entry.clone());
        self.by_name.update(name, || entry.clone(), |_| ());
        Ok(entry)
    }

    /// Up to 256 names that start with `prefix`, in order, from the one after `after` on.
    pub(crate) fn piece(&self, prefix: &str, after: Option<&str>) -> Vec<(Arc<str>, Entry)> {
        // A name before the prefix leaves nothing out.
        let after = after.filter(|after| *after >= prefix);
        let from = after.map_or(Bound::Included(prefix), Bound::Excluded);
        self.ordered
            .read()
            .range::<str, _>((from, Bound::Unbounded))
            .take_while(|(name, _)| name.starts_with(prefix))
            .take(PIECE_NAMES as usize)
            .map(|(name, entry)| (name.clone(), entry.clone()))
            .collect()
    }
}
