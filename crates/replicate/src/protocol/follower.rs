//! What a reader may show.

use super::{Answer, Listing, Request, after};
use crate::object::{Key, Term};

/// A reader of the bucket: from the newest state on, chunk by chunk, from term to term.
///
/// It shows a chunk only if no later term was there after the chunk was: then every later term has it. It goes to
/// a later term only if that has begun and none was there after it; until then it waits.
///
/// A state that is there does not say by itself that its term has begun: its writer may have come too late, and a
/// term after it may go on from an older log. So a reader does not go to a term that has a successor, even where that
/// has not begun: it waits for the newest.
///
/// Ask for the [`Follower::request`], tell the [`Follower::answer`], do what that tells, and ask again.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Follower<C> {
    /// The term, and the number of the next chunk.
    place: Option<(Term, u64)>,
    stage: Stage<C>,
    /// Whether a chunk that is not there is looked for among those that were deleted.
    doubts: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Stage<C> {
    /// Which terms are there?
    Terms(Term),
    /// Which states has this term, the newest?
    States(Term),
    /// What is in this state?
    Read(Term, u64),
    /// Is the term of this state still the newest?
    Newest(Term, u64, C),
    /// Is the next chunk there?
    Chunk,
    /// Is the term still the newest, now that the next chunk was seen to be there or not?
    Check(Option<C>),
    /// Has the term a state beyond the next chunk, which was not there?
    Beyond,
}

/// What an answer came to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Told<C> {
    /// Nothing yet: ask at once.
    More,
    /// This chunk comes next. Apply it and show it.
    Show {
        /// Its term.
        term: Term,
        /// Its number.
        number: u64,
        /// What is in it.
        content: C,
    },
    /// Go on from this state. The log of whoever has shown something before must be a prefix of the log that the
    /// state covers; if not, what was shown is contradicted: say so and stop.
    ///
    /// Where an object that it lists is not there, it was deleted in the meantime: [`Follower::again`].
    Moved {
        /// Its term.
        term: Term,
        /// Its number.
        number: u64,
        /// What is in it.
        content: C,
    },
    /// There is nothing to show for now: ask again after a while.
    Wait(Waiting),
}

/// What a reader waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Waiting {
    /// Nobody has written to the bucket.
    Empty,
    /// All that is acknowledged in this term is shown.
    Reached(Term),
    /// This term was taken and has not begun.
    Begin(Term),
}

impl<C: Clone + Eq> Follower<C> {
    /// A reader that has nothing: it goes to the newest state.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            place: None,
            stage: Stage::Terms(Term::FIRST),
            doubts: false,
        }
    }

    /// A reader that has shown the chunks of a term below `next`.
    #[must_use]
    pub const fn at(term: Term, next: u64) -> Self {
        Self {
            place: Some((term, next)),
            stage: Stage::Chunk,
            doubts: false,
        }
    }

    /// The term, and the number of its chunk that comes next.
    #[must_use]
    pub const fn place(&self) -> Option<(Term, u64)> {
        self.place
    }

    /// Goes to the newest state, of the same term or a later one: for who finds that an object was deleted.
    pub fn again(&mut self) {
        let from = self.place.map_or(Term::FIRST, |(term, _)| term);
        self.stage = Stage::Terms(from);
    }

    /// Has it look, when the next chunk is not there, whether it was deleted.
    ///
    /// That costs a listing, so a reader does it that has waited for long. Without it a reader that was away while
    /// chunks were swept waits for ever.
    pub const fn doubt(&mut self) {
        self.doubts = true;
    }

    /// What to ask next.
    #[must_use]
    pub fn request(&self) -> Request<C> {
        let (term, number) = self.place.unwrap_or((Term::FIRST, 0));
        match &self.stage {
            Stage::Terms(from) => Request::List(Listing::Terms { from: *from }),
            Stage::States(term) => Request::List(Listing::States { term: *term }),
            Stage::Read(term, number) => Request::Get {
                key: Key::State {
                    term: *term,
                    number: *number,
                },
            },
            Stage::Newest(term, ..) => Request::Get {
                key: Key::Term(after(*term)),
            },
            Stage::Chunk => Request::Get {
                key: Key::Chunk { term, number },
            },
            Stage::Check(_) => Request::Get {
                key: Key::Term(after(term)),
            },
            Stage::Beyond => Request::List(Listing::States { term }),
        }
    }

    /// Takes the answer to the last request.
    pub fn answer(&mut self, answer: Answer<C>) -> Told<C> {
        let (stage, told) = match (self.stage.clone(), answer) {
            (Stage::Terms(from), Answer::Listed(terms)) => {
                match terms.into_iter().max().and_then(Term::new) {
                    Some(term) => (Stage::States(term), Told::More),
                    None => (Stage::Terms(from), Told::Wait(Waiting::Empty)),
                }
            }
            (Stage::States(term), Answer::Listed(states)) => match states.into_iter().max() {
                Some(state) => (Stage::Read(term, state), Told::More),
                None => (Stage::Terms(term), Told::Wait(Waiting::Begin(term))),
            },
            (Stage::Read(term, state), Answer::Found(content)) => {
                (Stage::Newest(term, state, content), Told::More)
            }
            (Stage::Read(term, _), Answer::Absent) => (Stage::Terms(term), Told::More),
            (Stage::Newest(term, number, content), Answer::Absent) => {
                self.move_to(term, number, content)
            }
            (Stage::Newest(term, ..), Answer::Found(_)) => (Stage::Terms(after(term)), Told::More),
            (Stage::Chunk, Answer::Found(content)) => (Stage::Check(Some(content)), Told::More),
            (Stage::Chunk, Answer::Absent) => (Stage::Check(None), Told::More),
            (Stage::Check(found), answer) => self.checked(found, answer),
            (Stage::Beyond, Answer::Listed(states)) => self.looked(states),
            (stage, _) => (stage, Told::More),
        };
        self.stage = stage;
        told
    }

    fn move_to(&mut self, term: Term, number: u64, content: C) -> (Stage<C>, Told<C>) {
        self.place = Some((term, number));
        let moved = Told::Moved {
            term,
            number,
            content,
        };
        (Stage::Chunk, moved)
    }

    /// The next chunk was there or not, and after that the term after this one.
    fn checked(&mut self, found: Option<C>, answer: Answer<C>) -> (Stage<C>, Told<C>) {
        let Some((term, number)) = self.place else {
            return (Stage::Terms(Term::FIRST), Told::More);
        };
        match (answer, found) {
            (Answer::Found(_), _) => (Stage::Terms(after(term)), Told::More),
            (Answer::Absent, Some(content)) => {
                self.place = Some((term, number.saturating_add(1)));
                let show = Told::Show {
                    term,
                    number,
                    content,
                };
                (Stage::Chunk, show)
            }
            (Answer::Absent, None) if self.doubts => (Stage::Beyond, Told::More),
            (Answer::Absent, None) => (Stage::Chunk, Told::Wait(Waiting::Reached(term))),
            (_, found) => (Stage::Check(found), Told::More),
        }
    }

    /// A state beyond a chunk that is not there says that the chunk was deleted, or came in between: the state has it.
    fn looked(&mut self, states: Vec<u64>) -> (Stage<C>, Told<C>) {
        self.doubts = false;
        let Some((term, number)) = self.place else {
            return (Stage::Terms(Term::FIRST), Told::More);
        };
        match states.into_iter().max().filter(|state| *state > number) {
            Some(state) => (Stage::Read(term, state), Told::More),
            None => (Stage::Chunk, Told::Wait(Waiting::Reached(term))),
        }
    }
}

impl<C: Clone + Eq> Default for Follower<C> {
    fn default() -> Self {
        Self::new()
    }
}
