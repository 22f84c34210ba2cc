//! `Delivery`: which watermark a cursor reads up to.

use crate::engine::news::Mark;

/// When a [`Cursor`](crate::Cursor) gives an event.
///
/// The default is [`Visible`](Self::Visible): a cursor then sees what every other reader of the store sees, as
/// soon as it does. Where every append asks for [`Durability::Synced`](crate::Durability::Synced), the default,
/// there is no difference, for nothing is visible before it is durable. Where some ask for
/// [`Durability::Written`](crate::Durability::Written), whoever acts on an event outside of the store, or keeps
/// a position past it, chooses [`Durable`](Self::Durable): a power cut can take an event that was only visible,
/// and what was made of it stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Delivery {
    /// Once it is visible.
    #[default]
    Visible,
    /// Once it is on the disk. In a store opened to read only, once a later commit says that it was: the newest
    /// ones are given when others follow them, or when the writer closes the store and it is opened again.
    Durable,
}

impl Delivery {
    pub(super) const fn mark(self) -> Mark {
        match self {
            Self::Visible => Mark::Visible,
            Self::Durable => Mark::Durable,
        }
    }
}
