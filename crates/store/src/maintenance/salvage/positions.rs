//! `Positions`: positions in sources that the target of a salvage is to have, until a commit takes them. A commit
//! takes one, and events that were removed or are lost had some too, so they wait.

use crate::Store;
use std::collections::{HashMap, VecDeque};

/// How many are told that no commit took.
const TOLD: usize = 16;

/// Positions in sources that no commit has taken.
#[derive(Default)]
pub(super) struct Positions {
    by_source: HashMap<Box<str>, u64>,
    /// The sources in the order in which they began to wait.
    waiting: VecDeque<Box<str>>,
}

impl Positions {
    /// Has a source be at a position, if it is not further already.
    pub(super) fn note(&mut self, source: &str, position: u64) {
        match self.by_source.get_mut(source) {
            Some(known) => *known = position.max(*known),
            None => {
                self.by_source.insert(source.into(), position);
                self.waiting.push_back(source.into());
            }
        }
    }

    /// Takes the one that has waited longest of those that the target has not.
    pub(super) fn next(&mut self, target: &Store) -> Option<(Box<str>, u64)> {
        while let Some(source) = self.waiting.pop_front() {
            let Some(position) = self.by_source.remove(&source) else {
                continue;
            };
            let known = target.shared().sources.newest(&source);
            if known.is_none_or(|known| known.position < position) {
                return Some((source, position));
            }
        }
        None
    }

    /// What is to be told of those that no commit took.
    pub(super) fn left(mut self, target: &Store) -> Vec<String> {
        let mut notices = Vec::new();
        while let Some((source, position)) = self.next(target) {
            if notices.len() < TOLD {
                notices.push(format!(
                    "source {source:?} was at position {position}, and there is no commit left that could \
                     say so"
                ));
            }
        }
        notices
    }
}
