//! What a load and an execution give.

use super::aggregate::Aggregate;
use std::sync::Arc;
use strandline::{Coordinate, Receipt};

/// An aggregate as it is, or was.
#[derive(Debug)]
#[non_exhaustive]
pub struct Loaded<A> {
    /// The state. Shared with the cache, if there is one.
    pub state: Arc<A>,
    /// Clock of the newest event that is in the state; none if there is no event. What
    /// [`ExpectedVersion::of`](strandline::ExpectedVersion::of) takes.
    pub version: Option<u32>,
}

impl<A> Clone for Loaded<A> {
    fn clone(&self) -> Self {
        Self {
            state: self.state.clone(),
            version: self.version,
        }
    }
}

/// What became of a command.
#[derive(Debug)]
#[non_exhaustive]
pub struct Executed<A: Aggregate> {
    /// What was decided; of a command that was executed before, at that time. Empty if nothing was to be done.
    pub events: Vec<A::Event>,
    /// The receipts of these events, in their order.
    pub receipts: Vec<Receipt>,
    /// The state after that; of a command that was executed before, the state of now.
    pub state: Arc<A>,
    /// Clock of the newest event that is in the state; none if there is no event.
    pub version: Option<u32>,
    /// Whether the command was executed before under the same id, so that nothing was decided; or was decided, and all
    /// its events were there, under ids that they have of their own.
    pub repeated: bool,
    /// How often it was decided; 0 if it was executed before.
    pub tries: u32,
}

impl<A: Aggregate> Executed<A> {
    /// Whether nothing was appended, because nothing was to be done.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.events.is_empty()
    }
}

/// What became of a decision. `E` is the type of its events.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Decided<E> {
    /// What was decided, and of which entities; of a command that was executed before, at that time. Empty if nothing
    /// was to be done.
    pub events: Vec<(Coordinate, E)>,
    /// The receipts of these events, in their order.
    pub receipts: Vec<Receipt>,
    /// Whether the command was executed before under the same id, so that nothing was decided; or was decided, and all
    /// its events were there, under ids that they have of their own.
    pub repeated: bool,
    /// How often it was decided; 0 if it was executed before.
    pub tries: u32,
}
