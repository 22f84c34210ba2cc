//! `Marks`: what is expected from which step on, and the store that is watched.

use crate::expect::Expected;
use std::sync::Arc;
use strandline::Store;

/// What is expected, as it changes; and the store that is watched.
#[derive(Debug, Default)]
pub(crate) struct Marks {
    pub(crate) list: Vec<(usize, Expected)>,
    pub(crate) now: Expected,
    pub(crate) watched: Option<Arc<Store>>,
}

impl Marks {
    pub(crate) fn set(&mut self, steps: usize, change: impl FnOnce(&mut Expected)) {
        change(&mut self.now);
        self.list.push((steps, self.now.clone()));
    }

    /// Whatever a reader sees of a store whose appends are all synced may not be lost.
    pub(crate) fn look(&mut self, steps: usize) {
        let Some(store) = &self.watched else { return };
        let seen = store.snapshot().visible().get() as usize;
        if seen > self.now.required {
            self.set(steps, |now| now.required = seen);
        }
    }
}
