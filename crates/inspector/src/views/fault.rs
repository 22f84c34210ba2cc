//! `Fault`: why a request has no answer.

use crate::asked::Wrong;
use crate::site::Closed;
use strandline::Error;

/// Why a request has no answer.
#[derive(Debug)]
pub(crate) enum Fault {
    /// It asks for something that cannot be.
    Wrong(Wrong),
    /// What it asks for is not there.
    NotThere(String),
    /// The store does not open.
    Closed(Closed),
    /// What it asks for cannot be read.
    Store(String),
    /// Too much is asked at once.
    Busy,
}

impl From<Wrong> for Fault {
    fn from(wrong: Wrong) -> Self {
        Self::Wrong(wrong)
    }
}

impl From<Closed> for Fault {
    fn from(closed: Closed) -> Self {
        Self::Closed(closed)
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Self::Store(error.to_string())
    }
}
