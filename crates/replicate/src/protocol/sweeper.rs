//! What may be deleted.

use crate::object::{Key, Tail, Term};
use std::collections::BTreeSet;
use std::sync::Arc;

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
/// - Data of its own term that joins bytes of a file, if all of these and more are in another such object, or in the whole
///   file, that is listed or was: parts are only ever joined to larger ones.
///
/// By the last rule it need not remember which parts were joined. Memory is in proportion to what is listed, and to
/// the files that were rewritten in the term; a clone shares both.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Sweeper {
    term: Term,
    state: Option<u64>,
    listed: Arc<BTreeSet<Key>>,
    /// Data of this term that were listed and are no more, but for what others cover.
    retired: Arc<BTreeSet<Key>>,
}

/// A state lists an object whose deletion an earlier state has allowed. It must not be put.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the state lists {0}, whose deletion an earlier state has allowed")]
pub struct Relisted(pub Key);

impl Sweeper {
    /// Of a term none of whose states is known to be acknowledged: nothing may be deleted.
    #[must_use]
    pub fn new(term: Term) -> Self {
        Self {
            term,
            state: None,
            listed: Arc::default(),
            retired: Arc::default(),
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
        let before = std::mem::replace(&mut self.listed, Arc::new(listed));
        let is_own = |key: &&Key| matches!(key, Key::Data { term, .. } if *term == self.term);
        let gone = before.iter().filter(is_own);
        let gone = gone.filter(|key| !self.listed.contains(key) && !self.is_retired(key));
        let gone: Vec<Key> = gone.cloned().collect();
        if !gone.is_empty() {
            Arc::make_mut(&mut self.retired).extend(gone);
        }
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
            Key::Data { .. } => is_earlier || self.is_retired(key),
        }
    }

    /// Whether data of this term were listed, or could have been, and never will be again.
    fn is_retired(&self, key: &Key) -> bool {
        if self.retired.contains(key) {
            return true;
        }
        let tail = Tail::of(key);
        tail.is_some_and(|tail| tail.is_covered(&self.listed) || tail.is_covered(&self.retired))
    }

    /// How many keys it remembers.
    #[cfg(test)]
    pub(super) fn remembered(&self) -> usize {
        self.listed.len().saturating_add(self.retired.len())
    }
}
