//! `Place`: where in a value another one stands, and what is refused or noted of it there. Writes nothing.

use super::doubts::Doubts;
use super::keys::Keys;
use super::refusal::Reason;
use super::state::State;
use serde::ser::Error;
use std::fmt::Display;

/// Where a value stands, as far as it matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Plain,
    /// In a `Some`, with nothing between that is written.
    Some,
    Key,
}

impl Place {
    #[inline]
    pub(super) fn null<E: Error>(self, state: &State) -> Result<(), E> {
        if self != Self::Some {
            return Ok(());
        }
        let count = |doubts: &mut Doubts| doubts.some_null += 1;
        state.doubt(Reason::SomeNull, count)
    }

    #[inline]
    pub(super) fn text(self, state: &State, text: &[u8]) {
        if self == Self::Key {
            state.key.set(Some(Keys::hash(text)));
        }
    }

    /// A number or truth value, which is a text where it is a key of JSON.
    #[inline]
    pub(super) fn word(self, state: &State, word: impl Display) {
        if self == Self::Key {
            self.key_word(state, &word.to_string());
        }
    }

    #[cold]
    fn key_word(self, state: &State, word: &str) {
        self.text(state, word.as_bytes());
        if state.format.is_json {
            state.note(|doubts| doubts.number_keys += 1);
        }
    }
}
