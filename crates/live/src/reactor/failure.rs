//! `Failure`: why a handler did not handle an event; `Context`: what it is told beside the event.

use std::any::Any;
use std::error::Error as StdError;
use std::fmt;

/// Why a handler did not handle an event, and whether it is to be tried again.
///
/// Every error becomes one that is tried again, so `?` does what is wanted nearly always.
///
/// ```
/// use strandline_live::Failure;
///
/// fn send(to: &str) -> Result<(), Failure> {
///     if !to.contains('@') {
///         return Err(Failure::park("no address"));
///     }
///     let _: u16 = "25".parse()?;
///     Ok(())
/// }
/// assert!(send("a@b").is_ok());
/// assert!(send("ab").is_err_and(|failure| failure.is_parked()));
/// ```
pub struct Failure {
    error: Box<dyn StdError + Send + Sync>,
    is_parked: bool,
}

impl Failure {
    /// The event is tried again, after a while and so often as the reactor was told to.
    #[must_use]
    pub fn retry(error: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self {
            error: error.into(),
            is_parked: false,
        }
    }

    /// To try it again is of no use: it is parked at once.
    #[must_use]
    pub fn park(error: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self {
            error: error.into(),
            is_parked: true,
        }
    }

    /// Whether the event is parked at once.
    #[must_use]
    pub const fn is_parked(&self) -> bool {
        self.is_parked
    }

    /// What was caught of a handler that panicked.
    pub(super) fn panicked(caught: &(dyn Any + Send)) -> Self {
        let message = caught
            .downcast_ref::<&str>()
            .copied()
            .or_else(|| caught.downcast_ref::<String>().map(String::as_str));
        Self::retry(match message {
            Some(message) => format!("the handler panicked: {message}"),
            None => "the handler panicked".to_owned(),
        })
    }
}

impl<E: Into<Box<dyn StdError + Send + Sync>>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::retry(error)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.error)?;
        let mut source = self.error.source();
        while let Some(error) = source {
            write!(f, ": {error}")?;
            source = error.source();
        }
        Ok(())
    }
}

impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let wanted = if self.is_parked { "park" } else { "retry" };
        write!(f, "{wanted}: {self}")
    }
}

/// What a handler is told beside the event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Context<'a> {
    /// The name of the reactor.
    pub reactor: &'a str,
    /// The partition that the event is in.
    pub partition: u32,
    /// Which try it is, from 1. A try that was cut off by a crash is not counted, nor are those since the last save.
    pub tries: u32,
    /// Whether the event is parked if it fails once more.
    pub is_last_try: bool,
}
