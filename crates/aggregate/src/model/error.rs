//! `ExecuteError`: why a command led to nothing.

use super::command_id::CommandId;
use std::fmt;
use strandline::EventId;

/// Why a command led to nothing. `E` is why an aggregate or a decision refuses one.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExecuteError<E> {
    /// The command was refused. Nothing was appended.
    #[error(transparent)]
    Rejected(E),
    /// Other writers were faster each time. Nothing was appended, and the command may be executed again.
    #[error("other writers were faster in {tries} tries: {source}")]
    Conflict {
        /// How often it was decided.
        tries: u32,
        /// What was in the way of the last try.
        source: strandline::Error,
    },
    /// The id of the command was used for another one. Nothing was appended.
    #[error(transparent)]
    CommandIdTaken(#[from] CommandIdTaken),
    /// The store failed. [`Error::class`](strandline::Error::class) says what that means for the events: where it is
    /// `Unknown`, execute the command again under its id once the store is open again.
    #[error(transparent)]
    Store(#[from] strandline::Error),
}

impl<E> ExecuteError<E> {
    /// Why the command was refused, if it was.
    #[must_use]
    pub fn into_rejection(self) -> Option<E> {
        match self {
            Self::Rejected(error) => Some(error),
            _ => None,
        }
    }
}

/// The id of a command that was used for another one.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct CommandIdTaken {
    /// The id.
    pub command_id: CommandId,
    /// An event of the other command.
    pub event: EventId,
    /// The entity of that event.
    pub entity: String,
}

impl fmt::Display for CommandIdTaken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { event, entity, .. } = self;
        write!(
            f,
            "the id of the command was used for another one, which led to event {event} of {entity}; each command has \
             an id of its own"
        )
    }
}

impl std::error::Error for CommandIdTaken {}
