//! What may be deleted.

use crate::object::{Key, Term};
use std::collections::BTreeSet;

/// Which objects the writer of a term may delete, told of each of its states once that is acknowledged.
///
/// An acknowledged state is found by every later writer, and by every reader that begins after it. So what comes
/// before it and is not listed by it is needed by nobody but readers that have not caught up: how long they are given is
/// for the caller, who deletes what [`Sweeper::may_delete`] says of a listing. Listings are what is swept by, not
/// memory, so that a PUT that is done after its object was deleted is found the next time.
///
/// - Objects of terms never, of any term.
/// - States and chunks that the acknowledged state has overtaken, if it does not list them.
/// - Data of earlier terms that it does not list; no later state will.
/// - Data of its own term that an earlier state listed, and no other: what no state lists yet may be for the next.
///   What was listed and is no more may never be listed again, as a deletion of it may be under way. What a writer has put
///   and never listed is left for the next term.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Sweeper {
    term: Term,
    state: Option<u64>,
    listed: BTreeSet<Key>,
    /// Data of this term that were listed and are no more.
    retired: BTreeSet<Key>,
}

/// A state lists an object whose deletion an earlier state has allowed. It must not be put.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the state lists {0}, whose deletion an earlier state has allowed")]
pub struct Relisted(pub Key);

impl Sweeper {
    /// Of a term none of whose states is known to be acknowledged: nothing may be deleted.
    #[must_use]
    pub const fn new(term: Term) -> Self {
        Self {
            term,
            state: None,
            listed: BTreeSet::new(),
            retired: BTreeSet::new(),
        }
    }

    /// Whether a state that lists these objects may be put.
    ///
    /// # Errors
    ///
    /// [`Relisted`] if one of them may be deleted already.
    pub fn check<'a>(&self, listed: impl IntoIterator<Item = &'a Key>) -> Result<(), Relisted> {
        match listed.into_iter().find(|key| self.may_delete(key)) {
            Some(key) => Err(Relisted(key.clone())),
            None => Ok(()),
        }
    }

    /// The state of this number, which lists these objects, is acknowledged: it was there before a check for a later
    /// term that found none was begun.
    pub fn acknowledged(&mut self, number: u64, listed: impl IntoIterator<Item = Key>) {
        if self.state.is_some_and(|state| state >= number) {
            return;
        }
        let listed: BTreeSet<Key> = listed.into_iter().collect();
        let before = std::mem::replace(&mut self.listed, listed);
        let is_retired = |key: &Key| matches!(key, Key::Data { term, .. } if *term == self.term);
        let retired = before.into_iter().filter(is_retired);
        let retired = retired.filter(|key| !self.listed.contains(key));
        self.retired.extend(retired);
        self.state = Some(number);
    }

    /// Whether this object may be deleted, as soon as readers have had their time.
    #[must_use]
    pub fn may_delete(&self, key: &Key) -> bool {
        let Some(acknowledged) = self.state else {
            return false;
        };
        if self.listed.contains(key) || key.term() > self.term {
            return false;
        }
        let is_earlier = key.term() < self.term;
        match key {
            Key::Term(_) => false,
            Key::Chunk { number, .. } | Key::State { number, .. } => {
                is_earlier || *number < acknowledged
            }
            Key::Data { .. } => is_earlier || self.retired.contains(key),
        }
    }
}
