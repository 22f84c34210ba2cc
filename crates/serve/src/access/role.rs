//! `Role`: what the holder of a token may do.

/// What the holder of a token may do. The protocol has no call that asks for more than to append.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Role {
    /// `Read`, `Subscribe`, `Head` and `GetTrackingInfo`.
    Read,
    /// All of that, and `Append`. It reads too, since what a condition finds is told to whoever appends.
    Append,
}

impl Role {
    /// The role of this name, as a file of tokens has it.
    pub(super) fn named(name: &str) -> Option<Self> {
        match name {
            "read" => Some(Self::Read),
            "append" => Some(Self::Append),
            _ => None,
        }
    }
}
