//! One object, put until it is certain what is under its key.

use super::{Answer, Request};
use crate::object::Key;

/// A PUT that goes on until it is known whether the object under the key is the one that was put.
///
/// - Only `Created` says by itself that it is. "Already exists" may speak of an earlier try whose answer was lost, and
///   a 409 of a try that is still under way, so both are followed by a GET that compares.
/// - A GET that finds nothing after an unclear PUT does not say that the PUT has failed: it may be done later. The same
///   content is put again, and no other under this key, ever.
///
/// One request is out at a time.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Confirmed<C> {
    key: Key,
    content: C,
    stage: Stage<C>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Stage<C> {
    Put,
    Compare,
    Ours,
    Other(C),
}

/// What is known of the object under the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome<'a, C> {
    /// Nothing yet: there is a request to make.
    Open,
    /// It is there with the content that was put.
    Ours,
    /// It is there with this other content.
    Other(&'a C),
}

impl<C: Clone + Eq> Confirmed<C> {
    /// Puts `content` under `key`, beginning with the next [`Confirmed::request`].
    #[must_use]
    pub const fn new(key: Key, content: C) -> Self {
        let stage = Stage::Put;
        Self {
            key,
            content,
            stage,
        }
    }

    /// The key.
    #[must_use]
    pub const fn key(&self) -> &Key {
        &self.key
    }

    /// What is put.
    #[must_use]
    pub const fn content(&self) -> &C {
        &self.content
    }

    /// What to ask next; `None` once it is certain.
    #[must_use]
    pub fn request(&self) -> Option<Request<C>> {
        let key = self.key.clone();
        match &self.stage {
            Stage::Put => Some(Request::Put {
                key,
                content: self.content.clone(),
            }),
            Stage::Compare => Some(Request::Get { key }),
            Stage::Ours | Stage::Other(_) => None,
        }
    }

    /// Takes the answer to the last request.
    pub fn answer(&mut self, answer: Answer<C>) {
        self.stage = match (&self.stage, answer) {
            (Stage::Put, Answer::Created) => Stage::Ours,
            (Stage::Put, _) => Stage::Compare,
            (Stage::Compare, Answer::Found(found)) if found == self.content => Stage::Ours,
            (Stage::Compare, Answer::Found(found)) => Stage::Other(found),
            (Stage::Compare, Answer::Absent) => Stage::Put,
            (stage, _) => stage.clone(),
        };
    }

    /// What is known.
    #[must_use]
    pub const fn outcome(&self) -> Outcome<'_, C> {
        match &self.stage {
            Stage::Put | Stage::Compare => Outcome::Open,
            Stage::Ours => Outcome::Ours,
            Stage::Other(found) => Outcome::Other(found),
        }
    }
}
