//! What the terms before one's own have left.

use super::{Answer, Listing, Request};
use crate::object::Term;

/// The newest state of the newest term that has begun, and the chunks that go on from it without a hole.
///
/// For whoever has a later term: begun after its term object was there, it finds all that an earlier term has
/// acknowledged. A restore asks the same without a term, and gets what the next writer would take at least.
///
/// A term without a state has not begun and is passed over. It may still write its first state; whoever does so
/// finds a later term, and acknowledges nothing.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Survey {
    stage: Stage,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Stage {
    States(Term),
    Chunks(Term, u64),
    Done(Option<Taken>),
}

/// The log that a term has left.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Taken {
    /// The term.
    pub term: Term,
    /// Number of its newest state.
    pub state: u64,
    /// The chunks from the state's number to below this one follow the state. The chunk of this number is not there.
    pub below: u64,
}

impl Survey {
    /// Of terms up to `newest`; `None` where there is no term.
    #[must_use]
    pub fn new(newest: Option<Term>) -> Self {
        let stage = newest.map_or(Stage::Done(None), Stage::States);
        Self { stage }
    }

    /// What to ask next; `None` once it is done.
    #[must_use]
    pub const fn request<C>(&self) -> Option<Request<C>> {
        match self.stage {
            Stage::States(term) => Some(Request::List(Listing::States { term })),
            Stage::Chunks(term, from) => Some(Request::List(Listing::Chunks { term, from })),
            Stage::Done(_) => None,
        }
    }

    /// Takes the answer to the last request.
    pub fn answer<C>(&mut self, answer: Answer<C>) {
        let Answer::Listed(numbers) = answer else {
            return;
        };
        self.stage = match self.stage {
            Stage::States(term) => match numbers.into_iter().max() {
                Some(state) => Stage::Chunks(term, state),
                None => Self::new(term.previous()).stage,
            },
            Stage::Chunks(term, state) => {
                let below = first_missing(state, numbers);
                let taken = Taken { term, state, below };
                Stage::Done(Some(taken))
            }
            Stage::Done(taken) => Stage::Done(taken),
        };
    }

    /// What was found, once it is done; the inner `None` says that no term has begun.
    #[must_use]
    pub const fn taken(&self) -> Option<Option<Taken>> {
        match self.stage {
            Stage::Done(taken) => Some(taken),
            Stage::States(_) | Stage::Chunks(..) => None,
        }
    }
}

/// The first number from `from` on that is not listed.
fn first_missing(from: u64, mut numbers: Vec<u64>) -> u64 {
    numbers.sort_unstable();
    let mut next = from;
    for number in numbers {
        if number == next {
            next = next.saturating_add(1);
        }
    }
    next
}
