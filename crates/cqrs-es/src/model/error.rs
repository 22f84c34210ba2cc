//! Errors of a store and of files, as `cqrs-es` knows them.
//!
//! The box of each has what it comes from, so that it can be taken apart again.

use cqrs_es::persist::PersistenceError;
use std::error::Error;
use std::fmt;
use strandline::ErrorKind;

/// Something that this crate says by itself.
#[derive(Debug)]
pub(crate) struct Fault(pub(crate) String);

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Error for Fault {}

/// Why a file of a view or a snapshot is not taken.
#[derive(Debug)]
struct Damaged {
    what: String,
    source: Box<dyn Error + Send + Sync>,
}

impl fmt::Display for Damaged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.what, self.source)
    }
}

impl Error for Damaged {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        // `Display` shows the source already, so a chain starts below it.
        self.source.source()
    }
}

/// The error of bytes that are not what they are read as.
pub(crate) fn damaged(
    what: impl Into<String>,
    source: impl Into<Box<dyn Error + Send + Sync>>,
) -> PersistenceError {
    let (what, source) = (what.into(), source.into());
    PersistenceError::DeserializationError(Box::new(Damaged { what, source }))
}

/// The error of what the store does not take, or cannot do.
pub(crate) fn unknown(error: impl Into<Box<dyn Error + Send + Sync>>) -> PersistenceError {
    PersistenceError::UnknownError(error.into())
}

/// What an error of the store means to the framework.
pub(crate) fn store_failed(error: strandline::Error) -> PersistenceError {
    match error.kind() {
        ErrorKind::WrongExpectedVersion => PersistenceError::OptimisticLockError,
        ErrorKind::Payload | ErrorKind::Redacted | ErrorKind::Sealed | ErrorKind::Forgotten => {
            PersistenceError::DeserializationError(Box::new(error))
        }
        ErrorKind::Busy
        | ErrorKind::Closed
        | ErrorKind::Fenced
        | ErrorKind::Io
        | ErrorKind::Locked
        | ErrorKind::LockLost
        | ErrorKind::NotFound
        | ErrorKind::NotReplicated
        | ErrorKind::NotWritten
        | ErrorKind::Poisoned
        | ErrorKind::ReadOnly
        | ErrorKind::Unknown => PersistenceError::ConnectionError(Box::new(error)),
        _ => PersistenceError::UnknownError(Box::new(error)),
    }
}
