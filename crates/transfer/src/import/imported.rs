//! `Imported`: what an import came to.

/// What an import came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Imported {
    /// Lines that were read, empty ones too.
    pub lines: u64,
    /// Events that were appended.
    pub events: u64,
    /// Events that were in the store already, with the same content.
    pub repeated: u64,
    /// Events whose time was earlier than the newest one of the store: they have that now, as the times
    /// of a store never go back. That is the newest one that the store has given or observed, whether
    /// its event is there or was removed.
    pub moved_times: u64,
    /// Events that had been exported without their payload, and were passed over.
    pub redacted: u64,
    /// Removals of the other store whose records were kept. They explain nothing that is missing here.
    pub removals: u64,
}
