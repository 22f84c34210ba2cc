//! `Error`: one opaque type that says what kind of failure it was.

use std::fmt;
use std::path::Path;
use strandline::RefusedPosition;
use strandline_checkpoint::CheckpointError;

/// What went wrong, as far as a caller can act on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// An argument breaks a rule. Change it and call again.
    InvalidInput,
    /// There is no consumer of this name.
    NotFound,
    /// The consumer is of another kind, or was made with another number of partitions. The message says what to do.
    OtherConsumer,
    /// Another worker holds the partition, in this process or another one, and lives.
    Held,
    /// Another worker has taken the partition over, since this one did not renew its lease in time. Nothing that this
    /// one does counts any more: stop it.
    Fenced,
    /// Nobody works on the consumer, or on one of its partitions, so nothing will come.
    NotRunning,
    /// The consumer has stopped with an error, which the message says.
    Faulted,
    /// The consumer is being built anew, and what it shows is of before.
    Rebuilding,
    /// The saved position is not of this store as it is; [`Error::refused_position`] says why and from where one may
    /// go on, and [`Live::reset`](crate::Live::reset) goes on there.
    ForeignPosition,
    /// More is parked than a consumer may have: something is wrong with all of it and not with one entity.
    TooManyParked,
    /// A file of the consumer is not what was written. The message names it.
    Corrupt,
    /// A file of the consumer was written by a later version.
    UnsupportedVersion,
    /// A counter is at its last value.
    Exhausted,
    /// The file system refused. Safe to try again.
    Io,
    /// The store refused; [`Error::store_error`] says what.
    Store,
}

/// Why a call failed.
///
/// [`kind`](Self::kind) tells programs what to do, the message tells people.
pub struct Error(Box<Repr>);

struct Repr {
    kind: ErrorKind,
    message: String,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    /// An error of its own, of a program that stands on this crate.
    #[must_use]
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self(Box::new(Repr {
            kind,
            message: message.into(),
            source: None,
        }))
    }

    /// What went wrong.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The error of the store that this one comes from.
    #[must_use]
    pub fn store_error(&self) -> Option<&strandline::Error> {
        self.0.source.as_deref()?.downcast_ref()
    }

    /// What the file system said, where that is what the call failed by.
    #[must_use]
    pub fn io_kind(&self) -> Option<std::io::ErrorKind> {
        let source = self.0.source.as_deref()?;
        if let Some(error) = source.downcast_ref::<std::io::Error>() {
            return Some(error.kind());
        }
        match source.downcast_ref::<CheckpointError>() {
            Some(CheckpointError::Io { source, .. }) => Some(source.kind()),
            Some(_) => None,
            None => self.store_error()?.io_kind(),
        }
    }

    /// Why a saved position was not taken and from where one may go on, for [`ErrorKind::ForeignPosition`].
    #[must_use]
    pub fn refused_position(&self) -> Option<&RefusedPosition> {
        self.store_error()?.refused_position()
    }

    /// The same with what it comes from, which is shown after the message.
    #[must_use]
    pub fn with_source(
        mut self,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        self.0.source = Some(source.into());
        self
    }

    pub(crate) fn io(what: &str, path: &Path, error: std::io::Error) -> Self {
        Self::new(ErrorKind::Io, format!("cannot {what} {}", path.display())).with_source(error)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)?;
        match &self.0.source {
            Some(source) => write!(f, ": {source}"),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {self}", self.0.kind)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        // `Display` shows the source already, so a chain starts below it.
        self.0.source.as_deref().and_then(std::error::Error::source)
    }
}

impl From<strandline::Error> for Error {
    fn from(error: strandline::Error) -> Self {
        let (kind, message) = match error.kind() {
            strandline::ErrorKind::ForeignPosition => (
                ErrorKind::ForeignPosition,
                "the consumer cannot go on from where it was; look at what it made of the events that are gone, then \
                 reset it: to the point that the message says, which repeats events and leaves none out, or to the \
                 beginning",
            ),
            _ => (ErrorKind::Store, "the store refused"),
        };
        Self::new(kind, message).with_source(error)
    }
}
