//! `Error`: what can fail.

use crate::Position;
use std::error::Error as StdError;

/// Why something failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Events that the decision depends on were appended since it was made: load the state again, and decide again.
    /// Nothing was written.
    #[error("events that this depends on were appended since it was decided: decide again")]
    Concurrency,
    /// The version is of another store, or of one before a restore: the store has no such event yet. Nothing was
    /// written.
    #[error(
        "the state is of position {version}, and the store ends at {end}: it is of another store, or of this one \
         before it was restored"
    )]
    AheadOfStore {
        /// Of the state that the decision was made from.
        version: Position,
        /// Of the last event in the store.
        end: Position,
    },
    /// An event cannot be decoded.
    #[error("event {position} cannot be decoded")]
    Deserialization {
        /// Of the event.
        position: Position,
        /// What its serializer says.
        #[source]
        source: disintegrate_serde::Error,
    },
    /// An event is none of those that were asked for, though its name is.
    #[error("event {position} is not one of the query's")]
    QueryEventMapping {
        /// Of the event.
        position: Position,
        /// What the conversion says.
        #[source]
        source: Box<dyn StdError + Send + Sync>,
    },
    /// The payload of an event was removed on request.
    #[error("event {position} is redacted; `skip_redacted` reads on without it")]
    Redacted {
        /// Of the event.
        position: Position,
    },
    /// A name, a tag or an identifier that the store does not take.
    #[error("{what} cannot be kept: {source}")]
    Name {
        /// Which one.
        what: String,
        /// Why.
        #[source]
        source: strandline::NameError,
    },
    /// The store.
    #[error(transparent)]
    Store(#[from] strandline::Error),
    /// Positions of listeners.
    #[error(transparent)]
    Live(#[from] strandline_live::Error),
}
