//! `Found`: what a listing of a bucket has, by kind. Reads no object.

use super::amounts::{Amount, ObjectAmounts};
use crate::bucket::{Bucket, BucketError, Listed};
use crate::object::{Key, State, Term};
use std::collections::{BTreeMap, BTreeSet};

/// A listing, by kind.
#[derive(Default)]
pub(crate) struct Found {
    pub(super) terms: BTreeSet<Term>,
    pub(crate) states: BTreeMap<(Term, u64), Listed>,
    pub(crate) chunks: BTreeMap<(Term, u64), Listed>,
    pub(crate) data: BTreeMap<Key, u64>,
    pub(crate) amounts: ObjectAmounts,
}

impl Found {
    pub(crate) fn list(bucket: &Bucket) -> Result<Self, BucketError> {
        let mut found = Self::default();
        for listed in bucket.list("", None)? {
            let key = listed.key.parse::<Key>().ok();
            found.amounts.of(key.as_ref()).add(listed.length);
            match key {
                Some(Key::Term(term)) => {
                    found.terms.insert(term);
                }
                Some(Key::State { term, number }) => {
                    found.states.insert((term, number), listed);
                }
                Some(Key::Chunk { term, number }) => {
                    found.chunks.insert((term, number), listed);
                }
                Some(key @ Key::Data { .. }) => {
                    found.data.insert(key, listed.length);
                }
                None => {}
            }
        }
        Ok(found)
    }

    pub(crate) fn newest_state(&self) -> Option<(Term, u64)> {
        self.states.last_key_value().map(|(place, _)| *place)
    }

    pub(super) fn has_state(&self, term: Term) -> bool {
        let mut states = self.states.range((term, 0)..=(term, u64::MAX));
        states.next().is_some()
    }

    /// The chunks of a term from `number` on, up to the first that is not there.
    pub(crate) fn chunks_from(
        &self,
        term: Term,
        number: u64,
    ) -> impl Iterator<Item = (u64, &Listed)> {
        let after = self.chunks.range((term, number)..=(term, u64::MAX));
        let numbered = after.zip(number..);
        let whole = numbered.take_while(|(((_, found), _), wanted)| found == wanted);
        whole.map(|(((_, found), listed), _)| (*found, listed))
    }

    /// What the state does not need, of that which is not after it.
    pub(super) fn superseded(&self, state: &State) -> Amount {
        let parts = state.files.iter().flat_map(|file| &file.parts);
        let needed: BTreeSet<_> = parts.map(|part| &part.key).collect();
        let place = (state.term, state.number);
        let mut amount = Amount::default();
        for listed in self.states.range(..place).map(|(_, listed)| listed) {
            amount.add(listed.length);
        }
        for ((term, number), listed) in self.chunks.range(..place) {
            let key = Key::Chunk {
                term: *term,
                number: *number,
            };
            if !needed.contains(&key) {
                amount.add(listed.length);
            }
        }
        // What is put for a later state is put before that.
        let data = self.data.iter().filter(|(key, _)| key.term() < state.term);
        for (_, length) in data.filter(|(key, _)| !needed.contains(key)) {
            amount.add(*length);
        }
        amount
    }
}
