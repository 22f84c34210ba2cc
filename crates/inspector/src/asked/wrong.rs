//! `Wrong`: a request that cannot be answered as it is.

/// What is wrong with a request, and what would be right.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Wrong(pub(crate) String);

impl Wrong {
    /// What is wrong with something that was asked by a name.
    pub(crate) fn of(name: &str, reason: impl std::fmt::Display) -> Self {
        Self(format!("{name}: {reason}"))
    }
}
