//! `Refusal`: why a value is not written, and where in it the reason is.

use super::format::{Format, LEVELS_MAX};
use std::error::Error;
use std::fmt;

/// Why a value would not come back as it is, or cannot be written at all.
#[derive(Debug)]
pub(crate) struct Refusal {
    format: &'static str,
    /// Steps from the value to the place, the outermost first.
    path: Vec<Step>,
    reason: Reason,
}

/// A step from a value into what it holds.
#[derive(Debug, Clone)]
pub(super) enum Step {
    Field(&'static str),
    Key(String),
    Item(usize),
    /// The value of a key that was written before it.
    Value,
}

#[derive(Debug)]
pub(super) enum Reason {
    /// What the number is.
    NotFinite(&'static str),
    TooDeep,
    SomeNull,
    EqualKeys,
    /// What the type or the format says.
    Other(Box<dyn Error + Send + Sync>),
    Undecodable(Box<dyn Error + Send + Sync>),
    Differs,
}

impl Refusal {
    pub(super) fn new(format: &Format, mut inner_first: Vec<Step>, reason: Reason) -> Self {
        inner_first.reverse();
        Self {
            format: format.name,
            path: inner_first,
            reason,
        }
    }

    pub(super) fn undecodable(format: &Format, error: impl Error + Send + Sync + 'static) -> Self {
        Self::new(format, Vec::new(), Reason::Undecodable(Box::new(error)))
    }

    pub(super) fn differs(format: &Format) -> Self {
        Self::new(format, Vec::new(), Reason::Differs)
    }

    /// Where the reason is: `readings[3].value`, or `the value`.
    fn place(&self) -> String {
        /// Most steps that are named at each end of a path.
        const STEPS_NAMED: usize = 8;
        let mut place = String::new();
        let passed = self.path.len().saturating_sub(STEPS_NAMED);
        for (number, step) in self.path.iter().enumerate() {
            if number >= STEPS_NAMED && number < passed {
                if number == STEPS_NAMED {
                    place.push('…');
                }
                continue;
            }
            match step {
                Step::Field(name) if place.is_empty() => place.push_str(name),
                Step::Field(name) => place += &format!(".{name}"),
                Step::Key(key) => place += &format!("[{key}]"),
                Step::Item(item) => place += &format!("[{item}]"),
                Step::Value => place.push_str("[…]"),
            }
        }
        match place.is_empty() {
            true => "the value".to_owned(),
            false => format!("`{place}`"),
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (format, place) = (self.format, self.place());
        match &self.reason {
            Reason::NotFinite(number) => {
                write!(
                    f,
                    "{place} is {number}, which {format} has no number for; it would become null"
                )
            }
            Reason::TooDeep => write!(
                f,
                "{place} is more than {LEVELS_MAX} levels deep, more than is read from {format}"
            ),
            Reason::SomeNull => write!(
                f,
                "{place} is an option that holds what {format} writes as null, and would be read as none"
            ),
            Reason::EqualKeys => {
                write!(
                    f,
                    "{place} is a map that has a key twice, and would lose one"
                )
            }
            Reason::Other(error) if self.path.is_empty() => write!(f, "{error}"),
            Reason::Other(error) => write!(f, "{place}: {error}"),
            Reason::Undecodable(error) => {
                write!(f, "its type could not be read back from {format}: {error}")
            }
            Reason::Differs => write!(f, "it would be read back from {format} as another value"),
        }
    }
}

impl Error for Refusal {}
