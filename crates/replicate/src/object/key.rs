//! `Key` and `Prefix`: what the objects of a bucket are called, as values and as text, both ways.
//!
//! All below the prefix of the bucket, which this does not know. Numbers are written with 20 digits, so that a
//! listing has them in order.
//!
//! | key | object |
//! |---|---|
//! | `terms/<term>` | who reigns |
//! | `log/<term>/<number>` | a chunk |
//! | `state/<term>/<number>` | the state that covers the chunks of the term below the number |
//! | `data/<term>/<file name>-<16 digits of the content's hash>` | a file, or chunks joined |

use super::name::FileName;
use std::fmt;
use std::str::FromStr;
use strandline_core::Hash;

/// The number of a term: the reign of one writer. From 1 on, without gaps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Term(u64);

impl Term {
    /// The first term of a bucket.
    pub const FIRST: Self = Self(1);

    /// The term with this number; none has number 0.
    #[must_use]
    pub const fn new(number: u64) -> Option<Self> {
        match number {
            0 => None,
            number => Some(Self(number)),
        }
    }

    /// Its number.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The term after this one, or `None` past the end of 64 bits.
    #[must_use]
    pub const fn next(self) -> Option<Self> {
        match self.0.checked_add(1) {
            Some(number) => Some(Self(number)),
            None => None,
        }
    }

    /// The term before this one, unless this is the first.
    #[must_use]
    pub const fn previous(self) -> Option<Self> {
        Self::new(self.0.saturating_sub(1))
    }
}

impl fmt::Display for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What an object is called below the prefix of its bucket. Printed and parsed by [`Display`](fmt::Display) and
/// [`FromStr`].
///
/// ```
/// use strandline_replicate::{Key, Term};
///
/// let key = Key::Chunk { term: Term::FIRST, number: 7 };
/// assert_eq!(key.to_string(), "log/00000000000000000001/00000000000000000007");
/// assert_eq!(key.to_string().parse(), Ok(key));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Key {
    /// Who reigns in a term. Made once, never deleted.
    Term(Term),
    /// A chunk of a term's log.
    Chunk {
        /// The term.
        term: Term,
        /// From 0 on, without gaps up to what counts.
        number: u64,
    },
    /// The state that covers the chunks of its term below `number`.
    State {
        /// The term.
        term: Term,
        /// How many chunks of the term it covers.
        number: u64,
    },
    /// Bytes of a file, named by their content.
    Data {
        /// The term in which it was put.
        term: Term,
        /// The file that it is of, or what it joins.
        name: FileName,
        /// The first 8 bytes of the content's BLAKE3 hash, as a big-endian number.
        content: u64,
    },
}

impl Key {
    /// The key of bytes of a file, whose BLAKE3 hash is `content`.
    #[must_use]
    pub fn data(term: Term, name: FileName, content: &Hash) -> Self {
        let (front, _) = content
            .as_bytes()
            .split_first_chunk()
            .unwrap_or((&[0; 8], &[]));
        Self::Data {
            term,
            name,
            content: u64::from_be_bytes(*front),
        }
    }

    /// The term that it is of.
    #[must_use]
    pub const fn term(&self) -> Term {
        match self {
            Self::Term(term)
            | Self::Chunk { term, .. }
            | Self::State { term, .. }
            | Self::Data { term, .. } => *term,
        }
    }

    /// The prefix under which it is listed.
    #[must_use]
    pub const fn prefix(&self) -> Prefix {
        match self {
            Self::Term(_) => Prefix::Terms,
            Self::Chunk { term, .. } => Prefix::Log(*term),
            Self::State { term, .. } => Prefix::States(*term),
            Self::Data { term, .. } => Prefix::Data(*term),
        }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.prefix().fmt(f)?;
        match self {
            Self::Term(term) => write!(f, "{:020}", term.0),
            Self::Chunk { number, .. } | Self::State { number, .. } => write!(f, "{number:020}"),
            Self::Data { name, content, .. } => write!(f, "{name}-{content:016x}"),
        }
    }
}

/// A text that is the key of no object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it is the key of no object of a bucket")]
pub struct KeyError;

impl FromStr for Key {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        let (room, rest) = text.split_once('/').ok_or(KeyError)?;
        if room == "terms" {
            return Ok(Self::Term(term(rest)?));
        }
        let (of, rest) = rest.split_once('/').ok_or(KeyError)?;
        let term = term(of)?;
        match room {
            "log" => Ok(Self::Chunk {
                term,
                number: number(rest)?,
            }),
            "state" => Ok(Self::State {
                term,
                number: number(rest)?,
            }),
            "data" => {
                let (name, content) = rest.rsplit_once('-').ok_or(KeyError)?;
                Ok(Self::Data {
                    term,
                    name: name.parse().map_err(|_| KeyError)?,
                    content: content_of(content)?,
                })
            }
            _ => Err(KeyError),
        }
    }
}

/// Under what keys are listed. Printed with a slash at its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Prefix {
    /// All terms.
    Terms,
    /// The chunks of a term.
    Log(Term),
    /// The states of a term.
    States(Term),
    /// The files put in a term.
    Data(Term),
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Terms => f.write_str("terms/"),
            Self::Log(term) => write!(f, "log/{:020}/", term.0),
            Self::States(term) => write!(f, "state/{:020}/", term.0),
            Self::Data(term) => write!(f, "data/{:020}/", term.0),
        }
    }
}

fn term(text: &str) -> Result<Term, KeyError> {
    Term::new(number(text)?).ok_or(KeyError)
}

/// A number of exactly 20 digits, so that each has one text.
fn number(text: &str) -> Result<u64, KeyError> {
    if text.len() != 20 || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(KeyError);
    }
    text.parse().map_err(|_| KeyError)
}

fn content_of(text: &str) -> Result<u64, KeyError> {
    let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    if text.len() != 16 || !text.bytes().all(is_digit) {
        return Err(KeyError);
    }
    u64::from_str_radix(text, 16).map_err(|_| KeyError)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn keys() -> impl Strategy<Value = Key> {
        let term = || (1..=u64::MAX).prop_map(|number| Term::new(number).unwrap());
        let name = "[a-z0-9][a-z0-9.-]{0,60}".prop_map(|name| name.parse().unwrap());
        prop_oneof![
            term().prop_map(Key::Term),
            (term(), any::<u64>()).prop_map(|(term, number)| Key::Chunk { term, number }),
            (term(), any::<u64>()).prop_map(|(term, number)| Key::State { term, number }),
            (term(), name, any::<u64>()).prop_map(|(term, name, content)| Key::Data {
                term,
                name,
                content
            }),
        ]
    }

    proptest! {
        #[test]
        fn a_key_is_read_as_it_was_printed(key in keys()) {
            let text = key.to_string();
            prop_assert!(text.starts_with(&key.prefix().to_string()));
            prop_assert_eq!(text.parse::<Key>(), Ok(key));
        }

        #[test]
        fn a_text_that_is_read_is_printed_again(text in "(terms|log|state|data)/[0-9a-f/.-]{0,50}") {
            if let Ok(key) = text.parse::<Key>() {
                prop_assert_eq!(key.to_string(), text);
            }
        }

        #[test]
        fn keys_of_one_kind_are_in_the_order_of_their_texts(left in any::<u64>(), right in any::<u64>()) {
            let of = |number| Key::Chunk { term: Term::FIRST, number }.to_string();
            prop_assert_eq!(left.cmp(&right), of(left).cmp(&of(right)));
        }
    }

    #[test]
    fn texts_that_are_no_keys_are_refused() {
        for text in [
            "",
            "terms/",
            "terms/1",
            "terms/00000000000000000000",
            "terms/+0000000000000000001",
            "terms/99999999999999999999",
            "log/00000000000000000001",
            "log/00000000000000000001/7",
            "log/00000000000000000001/00000000000000000007/",
            "data/00000000000000000001/x",
            "data/00000000000000000001/x-0123456789ABCDEF",
            "data/00000000000000000001/../x-0123456789abcdef",
            "data/00000000000000000001/.-0123456789abcdef",
            "other/00000000000000000001/00000000000000000007",
        ] {
            assert_eq!(text.parse::<Key>(), Err(KeyError), "{text}");
        }
    }
}
