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
    Terms,
    Reigning(Term),
    Name(Term, Option<C>),
    Claim(Claim<C>),
    Lost(Key, C),
}

/// What has become of a term that is to be ours.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Claim<C> {
    term: Term,
    object: Confirmed<C>,
    survey: Survey,
    state: Option<Confirmed<C>>,
    is_checked: bool,
}

/// What comes next of a claim.
enum Turn<C> {
    Object(Request<C>),
    Survey(Request<C>),
    Compose,
    State(Request<C>),
    Check,
    Begun,
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
        let stage = Stage::Terms;
        Self { stage }
    }

    /// What is to be done next.
    #[must_use]
    pub fn step(&self) -> Step<C> {
        match &self.stage {
            Stage::Terms => Step::Ask(Request::List(Listing::Terms { from: Term::FIRST })),
            Stage::Reigning(term) => Step::Ask(Request::Get {
                key: Key::Term(*term),
            }),
            Stage::Name(term, reigning) => Step::Name {
                term: *term,
                reigning: reigning.clone(),
            },
            Stage::Claim(claim) => claim.step(),
            Stage::Lost(key, content) => Step::Lost {
                key: key.clone(),
                content: content.clone(),
            },
        }
    }

    /// Takes the answer to the request of the last step.
    pub fn answer(&mut self, answer: Answer<C>) {
        match (&mut self.stage, answer) {
            (Stage::Terms, Answer::Listed(numbers)) => {
                self.stage = match numbers.into_iter().max().and_then(Term::new) {
                    Some(newest) => Stage::Reigning(newest),
                    None => Stage::Name(Term::FIRST, None),
                };
            }
            (Stage::Reigning(term), Answer::Found(content)) => {
                self.stage = Stage::Name(after(*term), Some(content));
            }
            // It was listed, and is deleted since, by somebody who clears the bucket.
            (Stage::Reigning(_), Answer::Absent) => self.stage = Stage::Terms,
            (Stage::Claim(claim), answer) => {
                if let Some((key, content)) = claim.answer(answer) {
                    self.stage = Stage::Lost(key, content);
                }
            }
            _ => {}
        }
    }

    /// Takes the term of [`Step::Name`]. No two tries may have the same content, of one process or of two: it has
    /// random bytes of its own.
    pub fn take(&mut self, content: C) {
        if let Stage::Name(term, _) = self.stage {
            self.stage = Stage::Claim(Claim {
                term,
                object: Confirmed::new(Key::Term(term), content),
                survey: Survey::new(term.previous()),
                state: None,
                is_checked: false,
            });
        }
    }

    /// Begins the term of [`Step::Compose`] with its first state.
    pub fn compose(&mut self, content: C) {
        if let Stage::Claim(claim) = &mut self.stage
            && matches!(claim.turn(), Turn::Compose)
        {
            let key = Key::State {
                term: claim.term,
                number: 0,
            };
            claim.state = Some(Confirmed::new(key, content));
        }
    }
}

impl<C: Clone + Eq> Claim<C> {
    /// The order of a beginning.
    fn turn(&self) -> Turn<C> {
        if let Some(request) = self.object.request() {
            return Turn::Object(request);
        }
        if let Some(request) = self.survey.request() {
            return Turn::Survey(request);
        }
        let Some(state) = &self.state else {
            return Turn::Compose;
        };
        if let Some(request) = state.request() {
            return Turn::State(request);
        }
        if !self.is_checked {
            return Turn::Check;
        }
        Turn::Begun
    }

    fn step(&self) -> Step<C> {
        let taken = self.survey.taken().flatten();
        let term = self.term;
        match self.turn() {
            Turn::Object(request) | Turn::Survey(request) | Turn::State(request) => {
                Step::Ask(request)
            }
            Turn::Compose => Step::Compose { term, taken },
            Turn::Check => Step::Ask(Request::Get {
                key: Key::Term(after(term)),
            }),
            Turn::Begun => Step::Begun { term, taken },
        }
    }

    /// Takes an answer, and says what another has put if that is the end of it.
    fn answer(&mut self, answer: Answer<C>) -> Option<(Key, C)> {
        match self.turn() {
            Turn::Object(_) => {
                self.object.answer(answer);
                others(&self.object)
            }
            Turn::Survey(_) => {
                self.survey.answer(answer);
                None
            }
            Turn::State(_) => {
                let state = self.state.as_mut()?;
                state.answer(answer);
                others(state)
            }
            Turn::Check => match answer {
                Answer::Absent => {
                    self.is_checked = true;
                    None
                }
                Answer::Found(content) => Some((Key::Term(after(self.term)), content)),
                _ => None,
            },
            Turn::Compose | Turn::Begun => None,
        }
    }
}

/// What another has put under the key.
fn others<C: Clone + Eq>(put: &Confirmed<C>) -> Option<(Key, C)> {
    match put.outcome() {
        Outcome::Open | Outcome::Ours => None,
        Outcome::Other(content) => Some((put.key().clone(), content.clone())),
    }
}

impl<C: Clone + Eq> Default for Beginning<C> {
    fn default() -> Self {
        Self::new()
    }
}
