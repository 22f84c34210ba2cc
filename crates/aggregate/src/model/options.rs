//! `ExecuteOptions`: how one command is executed.

use super::command_id::CommandId;
use super::retry::Retry;
use strandline::{Attributes, Durability, EventHeader, EventId};

/// How one command is executed, and what its events have beside what is decided.
#[derive(Debug, Clone, Default)]
#[must_use]
pub struct ExecuteOptions {
    pub(crate) command_id: Option<CommandId>,
    pub(crate) correlation: Option<EventId>,
    pub(crate) causation: Option<EventId>,
    pub(crate) attributes: Attributes,
    pub(crate) durability: Option<Durability>,
    pub(crate) retry: Retry,
}

impl ExecuteOptions {
    /// The defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes the command idempotent: executed again under this id, it gives the first receipts, and is not decided
    /// again. Default: none.
    pub fn command_id(mut self, id: CommandId) -> Self {
        self.command_id = Some(id);
        self
    }

    /// What the events belong to. Default: each to itself.
    pub const fn correlated_with(mut self, correlation: EventId) -> Self {
        self.correlation = Some(correlation);
        self
    }

    /// Which event caused these. Default: none.
    pub const fn caused_by(mut self, cause: EventId) -> Self {
        self.causation = Some(cause);
        self
    }

    /// The command is the answer to an event: these are caused by it and belong to what it belongs to.
    pub const fn because_of(self, event: &EventHeader) -> Self {
        self.correlated_with(event.correlation).caused_by(event.id)
    }

    /// What each of the events has beside its payload: who asked for it, say. Default: nothing.
    pub fn attributes(mut self, attributes: Attributes) -> Self {
        self.attributes = attributes;
        self
    }

    /// Durability of the append. Default: that of the store.
    pub const fn durability(mut self, durability: Durability) -> Self {
        self.durability = Some(durability);
        self
    }

    /// How often it is decided again because another writer was faster. Default: [`Retry::default`].
    pub const fn retry(mut self, retry: Retry) -> Self {
        self.retry = retry;
        self
    }
}
