//! What a listing of a bucket lacks, by what else it has. Reads no object.

use super::found::Found;
use super::lack::{Lack, needed_bytes};
use crate::bucket::Listed;
use crate::object::{Chunk, Key, State, Term};
use std::collections::BTreeSet;

impl Found {
    /// What of the objects that a state lists is not as the state says, and the first chunk that is not there of those
    /// before one that is.
    pub(super) fn lacking(&self, state: &State) -> Vec<Lack> {
        let needed = needed_bytes(&state.files).into_iter();
        let mut lacking: Vec<_> = needed
            .filter_map(|(key, needed)| Lack::of(key, needed, self.length(key)))
            .collect();
        let (term, from) = (state.term, state.number);
        let last = self
            .chunks_from(term, from)
            .map(|(number, _)| number)
            .last();
        let whole = last.map_or(from, |last| last.saturating_add(1));
        // Who was ended by a later term may have left some of what it had under way.
        let reigns = self.terms.last() == Some(&term);
        let mut later = self.chunks.range((term, whole)..=(term, u64::MAX));
        if reigns && later.next().is_some() {
            let number = whole;
            lacking.push(Lack::missing(Key::Chunk { term, number }));
        }
        lacking
    }

    /// The state that the newest chunk tells of, if neither that nor a later one is there.
    pub(super) fn lacking_state(&self, newest: Option<&Chunk>) -> Option<Lack> {
        let (term, number) = newest.map(|chunk| (chunk.term, chunk.state))?;
        let is_there = self
            .newest_state()
            .is_some_and(|state| state >= (term, number));
        (!is_there).then(|| Lack::missing(Key::State { term, number }))
    }

    /// The objects of terms above the newest one that has its own: only who has taken a term puts something in it. None
    /// where no term is there at all.
    pub(super) fn lacking_terms(&self) -> Vec<Lack> {
        let Some(newest) = self.terms.last() else {
            return Vec::new();
        };
        let chunks = self.chunks.keys().map(|(term, _)| *term);
        let states = self.states.keys().map(|(term, _)| *term);
        let data = self.data.keys().map(Key::term);
        let all = chunks.chain(states).chain(data);
        let above: BTreeSet<Term> = all.filter(|term| term > newest).collect();
        let lacks = above.into_iter().map(|term| Lack::missing(Key::Term(term)));
        lacks.collect()
    }

    /// How long an object is that was listed.
    fn length(&self, key: &Key) -> Option<u64> {
        let length = |listed: &Listed| listed.length;
        match key {
            Key::Data { .. } => self.data.get(key).copied(),
            Key::Chunk { term, number } => self.chunks.get(&(*term, *number)).map(length),
            Key::State { term, number } => self.states.get(&(*term, *number)).map(length),
            Key::Term(_) => None,
        }
    }
}
