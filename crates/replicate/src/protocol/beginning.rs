//! A term taken and begun.

use super::{Answer, Confirmed, Listing, Outcome, Request, Survey, Taken, after};
use crate::object::{Key, Term};

/// A start, a restart or a takeover: from a listing of the terms to a term that has begun.
///
/// Ask for the [`Step`], do it, tell what came of it by [`Beginning::answer`], [`Beginning::take`] or
/// [`Beginning::compose`], and ask again. A request is made again until its answer is clear.
///
/// The order is what makes it safe. The log of the earlier terms is looked for only once the new term's object is
/// there, so that whatever they acknowledge later they find it. And the term has begun only once its first state is
/// there and no later term was there after that, so that every later term finds the state.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Beginning<C> {
    stage: Stage<C>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Stage<C> {
    Terms(Term),
    Reigning(Term),
    Name(Term, Option<C>),
    Take(Term, Confirmed<C>),
    Survey(Term, Survey),
    Compose(Term, Option<Taken>),
    State(Term, Option<Taken>, Confirmed<C>),
    Check(Term, Option<Taken>),
    Begun(Term, Option<Taken>),
    Lost(Key, C),
}

/// What is to be done next.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Step<C> {
    /// Ask the bucket, then [`Beginning::answer`].
    Ask(Request<C>),
    /// Decide whether to take `term`. If so, [`Beginning::take`]; if the reigning writer is another and no takeover
    /// was asked for, drop the machine: nothing was written.
    Name {
        /// The term that can be taken.
        term: Term,
        /// The object of the term before it; `None` in an empty bucket.
        reigning: Option<C>,
    },
    /// The term is ours. Make its first state from what was left, then [`Beginning::compose`].
    ///
    /// If an object of it is not there, a later term has begun and swept: drop the machine and begin again.
    Compose {
        /// The term.
        term: Term,
        /// What the terms before it have left; `None` for nothing.
        taken: Option<Taken>,
    },
    /// The term has begun: its chunks go from 0, its state 0 is acknowledged.
    Begun {
        /// The term.
        term: Term,
        /// What it has taken along.
        taken: Option<Taken>,
    },
    /// Another has taken the term or a later one, or has written as if the term were its own.
    Lost {
        /// Under which key that was seen.
        key: Key,
        /// What is there.
        content: C,
    },
}

impl<C: Clone + Eq> Beginning<C> {
    /// Begins with a listing of the terms.
    #[must_use]
    pub const fn new() -> Self {
        let stage = Stage::Terms(Term::FIRST);
        Self { stage }
    }

    /// What is to be done next.
    #[must_use]
    pub fn step(&self) -> Step<C> {
        let put = |confirmed: &Confirmed<C>| match confirmed.request() {
            Some(request) => Step::Ask(request),
            None => Step::Ask(Request::Get {
                key: confirmed.key().clone(),
            }),
        };
        match &self.stage {
            Stage::Terms(from) => Step::Ask(Request::List(Listing::Terms { from: *from })),
            Stage::Reigning(term) => Step::Ask(Request::Get {
                key: Key::Term(*term),
            }),
            Stage::Name(term, reigning) => Step::Name {
                term: *term,
                reigning: reigning.clone(),
            },
            Stage::Take(_, confirmed) | Stage::State(_, _, confirmed) => put(confirmed),
            Stage::Survey(term, survey) => match survey.request() {
                Some(request) => Step::Ask(request),
                None => Step::Compose {
                    term: *term,
                    taken: survey.taken().flatten(),
                },
            },
            Stage::Compose(term, taken) => Step::Compose {
                term: *term,
                taken: *taken,
            },
            Stage::Check(term, _) => Step::Ask(Request::Get {
                key: Key::Term(after(*term)),
            }),
            Stage::Begun(term, taken) => Step::Begun {
                term: *term,
                taken: *taken,
            },
            Stage::Lost(key, content) => Step::Lost {
                key: key.clone(),
                content: content.clone(),
            },
        }
    }

    /// Takes the answer to the request of the last step.
    pub fn answer(&mut self, answer: Answer<C>) {
        self.stage = match (self.stage.clone(), answer) {
            (Stage::Terms(_), Answer::Listed(numbers)) => {
                match numbers.into_iter().max().and_then(Term::new) {
                    Some(newest) => Stage::Reigning(newest),
                    None => Stage::Name(Term::FIRST, None),
                }
            }
            (Stage::Reigning(term), Answer::Found(content)) => {
                Stage::Name(after(term), Some(content))
            }
            (Stage::Take(term, mut confirmed), answer) => {
                confirmed.answer(answer);
                match confirmed.outcome() {
                    Outcome::Open => Stage::Take(term, confirmed),
                    Outcome::Ours => Stage::Survey(term, Survey::new(term.previous())),
                    Outcome::Other(content) => Stage::Lost(Key::Term(term), content.clone()),
                }
            }
            (Stage::Survey(term, mut survey), answer) => {
                survey.answer(answer);
                match survey.taken() {
                    None => Stage::Survey(term, survey),
                    Some(taken) => Stage::Compose(term, taken),
                }
            }
            (Stage::State(term, taken, mut confirmed), answer) => {
                confirmed.answer(answer);
                match confirmed.outcome() {
                    Outcome::Open => Stage::State(term, taken, confirmed),
                    Outcome::Ours => Stage::Check(term, taken),
                    Outcome::Other(content) => {
                        Stage::Lost(confirmed.key().clone(), content.clone())
                    }
                }
            }
            (Stage::Check(term, taken), Answer::Absent) => Stage::Begun(term, taken),
            (Stage::Check(term, _), Answer::Found(content)) => {
                Stage::Lost(Key::Term(after(term)), content)
            }
            (stage, _) => stage,
        };
    }

    /// Takes the term of [`Step::Name`]. No two tries may have the same content, of one process or of two: it has
    /// random bytes of its own.
    pub fn take(&mut self, content: C) {
        if let Stage::Name(term, _) = self.stage {
            self.stage = Stage::Take(term, Confirmed::new(Key::Term(term), content));
        }
    }

    /// Begins the term of [`Step::Compose`] with its first state.
    pub fn compose(&mut self, content: C) {
        if let Stage::Compose(term, taken) = self.stage {
            let key = Key::State { term, number: 0 };
            self.stage = Stage::State(term, taken, Confirmed::new(key, content));
        }
    }
}

impl<C: Clone + Eq> Default for Beginning<C> {
    fn default() -> Self {
        Self::new()
    }
}
