//! The chunks and states of a term, and what of them is acknowledged.

use super::{Answer, Confirmed, Outcome, Request, after};
use crate::object::{Key, Term};
use std::collections::BTreeMap;

/// What the writer of a term that has begun ships.
///
/// Chunks have numbers from 0 in the order in which they are offered. Several are put at a time. A chunk is
/// *confirmed* once it is certain that it is there, and *acknowledged* once a check for a later term, begun after all
/// chunks up to it were confirmed, found none: whoever takes a later term then looks for chunks after this one was
/// there. One check serves all that was confirmed when it began.
///
/// A check that finds a later term, and an object of this term that another has written, end it: see
/// [`Shipper::fenced`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Shipper<C> {
    term: Term,
    window: Window,
    /// Number of the next chunk.
    next: u64,
    /// Chunks from the first that is not confirmed.
    chunks: BTreeMap<u64, Asked<C>>,
    state: Option<(u64, Asked<C>)>,
    confirmed: Covered,
    acknowledged: Covered,
    /// What the checks that are out will acknowledge.
    checks: Vec<Covered>,
    fenced: Option<Fenced<C>>,
}

/// How much is asked of the bucket at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Window {
    /// Chunks that are not confirmed; at least 1.
    pub chunks: usize,
    /// Checks for a later term that are out; at least 1.
    pub checks: usize,
}

/// Which request an answer is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Ask {
    /// That of the chunk of this number.
    Chunk(u64),
    /// That of the state of this number.
    State(u64),
    /// The check for a later term that was begun when this was confirmed.
    Check {
        /// The chunks below this number.
        chunks: u64,
        /// The states up to this number.
        state: u64,
    },
}

/// Why a term is over.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Fenced<C> {
    /// The object that says so: that of the next term, or one of this term with a content that is not ours.
    pub key: Key,
    /// What is in it.
    pub content: C,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Asked<C> {
    put: Confirmed<C>,
    /// A request is out.
    out: bool,
}

/// Chunks below a number, and states up to one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Covered {
    chunks: u64,
    state: u64,
}

impl<C: Clone + Eq> Shipper<C> {
    /// Of a term that has begun: its state 0 is acknowledged.
    #[must_use]
    pub const fn new(term: Term, window: Window) -> Self {
        let begun = Covered {
            chunks: 0,
            state: 0,
        };
        Self {
            term,
            window,
            next: 0,
            chunks: BTreeMap::new(),
            state: None,
            confirmed: begun,
            acknowledged: begun,
            checks: Vec::new(),
            fenced: None,
        }
    }

    /// The term.
    #[must_use]
    pub const fn term(&self) -> Term {
        self.term
    }

    /// The number that the next chunk that is offered gets.
    #[must_use]
    pub const fn next_number(&self) -> u64 {
        self.next
    }

    /// Whether there is room for a chunk.
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.fenced.is_none() && self.chunks.len() < self.window.chunks.max(1)
    }

    /// Takes a chunk to ship and says its number; `None` where there is no room or the term is over.
    pub fn offer(&mut self, content: C) -> Option<u64> {
        if !self.has_room() {
            return None;
        }
        let number = self.next;
        self.next = number.saturating_add(1);
        let key = Key::Chunk {
            term: self.term,
            number,
        };
        self.chunks.insert(number, Asked::new(key, content));
        Some(number)
    }

    /// Takes a state to ship that covers the chunks below `number`, and says whether it did.
    ///
    /// It does not where another state is not confirmed yet, where the last one has a number as high, where a chunk
    /// below `number` is not confirmed, and where the term is over. All objects that the state lists must be there.
    pub fn offer_state(&mut self, number: u64, content: C) -> bool {
        let is_due = self.confirmed.state < number && number <= self.confirmed.chunks;
        if self.fenced.is_some() || self.state.is_some() || !is_due {
            return false;
        }
        let key = Key::State {
            term: self.term,
            number,
        };
        self.state = Some((number, Asked::new(key, content)));
        true
    }

    /// The requests to make now. Each is given out once, until [`Shipper::answer`] is told what came of it.
    pub fn requests(&mut self) -> Vec<(Ask, Request<C>)> {
        let mut requests = Vec::new();
        if self.fenced.is_some() {
            return requests;
        }
        for (number, chunk) in &mut self.chunks {
            requests.extend(chunk.ask().map(|request| (Ask::Chunk(*number), request)));
        }
        if let Some((number, state)) = &mut self.state {
            requests.extend(state.ask().map(|request| (Ask::State(*number), request)));
        }
        requests.extend(self.check());
        requests
    }

    /// A check, where there is something that it would acknowledge beyond those that are out.
    fn check(&mut self) -> Option<(Ask, Request<C>)> {
        let best = self.checks.last().copied().unwrap_or(self.acknowledged);
        if best == self.confirmed || self.checks.len() >= self.window.checks.max(1) {
            return None;
        }
        self.checks.push(self.confirmed);
        let Covered { chunks, state } = self.confirmed;
        let key = Key::Term(after(self.term));
        Some((Ask::Check { chunks, state }, Request::Get { key }))
    }

    /// Takes the answer to a request.
    pub fn answer(&mut self, ask: Ask, answer: Answer<C>) {
        match ask {
            Ask::Chunk(number) => {
                if let Some(chunk) = self.chunks.get_mut(&number) {
                    self.fenced = chunk.answer(answer).or(self.fenced.take());
                }
                self.confirm();
            }
            Ask::State(number) => {
                if let Some((of, state)) = &mut self.state
                    && *of == number
                {
                    self.fenced = state.answer(answer).or(self.fenced.take());
                }
                self.confirm();
            }
            Ask::Check { chunks, state } => self.checked(Covered { chunks, state }, answer),
        }
    }

    /// The key of a chunk or state that is not confirmed yet.
    #[must_use]
    pub fn key(&self, ask: Ask) -> Option<Key> {
        let asked = match ask {
            Ask::Chunk(number) => self.chunks.get(&number),
            Ask::State(number) => {
                let state = self.state.as_ref();
                state
                    .filter(|(of, _)| *of == number)
                    .map(|(_, asked)| asked)
            }
            Ask::Check { .. } => None,
        };
        asked.map(|asked| asked.put.key().clone())
    }

    /// Notes what is confirmed without a hole.
    fn confirm(&mut self) {
        while let Some(chunk) = self.chunks.get(&self.confirmed.chunks)
            && chunk.put.outcome() == Outcome::Ours
        {
            self.chunks.remove(&self.confirmed.chunks);
            self.confirmed.chunks = self.confirmed.chunks.saturating_add(1);
        }
        if let Some((number, state)) = &self.state
            && state.put.outcome() == Outcome::Ours
        {
            self.confirmed.state = *number;
            self.state = None;
        }
    }

    fn checked(&mut self, covered: Covered, answer: Answer<C>) {
        let Some(place) = self.checks.iter().position(|check| *check == covered) else {
            return;
        };
        self.checks.remove(place);
        match answer {
            // A check that is answered after a later one has nothing to add.
            Answer::Absent => {
                let acknowledged = &mut self.acknowledged;
                acknowledged.chunks = acknowledged.chunks.max(covered.chunks);
                acknowledged.state = acknowledged.state.max(covered.state);
            }
            Answer::Found(content) => {
                let key = Key::Term(after(self.term));
                self.fenced = Some(Fenced { key, content });
            }
            _ => {}
        }
    }

    /// The chunks below this number are acknowledged.
    #[must_use]
    pub const fn acknowledged(&self) -> u64 {
        self.acknowledged.chunks
    }

    /// The newest state that is acknowledged: what it does not list may be deleted.
    #[must_use]
    pub const fn acknowledged_state(&self) -> u64 {
        self.acknowledged.state
    }

    /// The chunks below this number are in the bucket.
    #[must_use]
    pub const fn confirmed(&self) -> u64 {
        self.confirmed.chunks
    }

    /// Why the term is over, if it is: nothing more is acknowledged or asked.
    #[must_use]
    pub const fn fenced(&self) -> Option<&Fenced<C>> {
        self.fenced.as_ref()
    }
}

impl<C: Clone + Eq> Asked<C> {
    const fn new(key: Key, content: C) -> Self {
        Self {
            put: Confirmed::new(key, content),
            out: false,
        }
    }

    fn ask(&mut self) -> Option<Request<C>> {
        if self.out {
            return None;
        }
        let request = self.put.request()?;
        self.out = true;
        Some(request)
    }

    fn answer(&mut self, answer: Answer<C>) -> Option<Fenced<C>> {
        if !self.out {
            return None;
        }
        self.out = false;
        self.put.answer(answer);
        match self.put.outcome() {
            Outcome::Open | Outcome::Ours => None,
            Outcome::Other(content) => Some(Fenced {
                key: self.put.key().clone(),
                content: content.clone(),
            }),
        }
    }
}
