//! `Existing`: what becomes of what is in the way of a restore.

/// What becomes of a store that is where a backup is to be restored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Existing {
    /// The restore is refused.
    Refuse,
    /// It is moved aside, under a name of its own, and kept.
    MoveAside,
}
