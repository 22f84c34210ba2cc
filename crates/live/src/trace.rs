//! What is told of consumers as events of `tracing`, with the feature of that name. Without it, nothing.
//!
//! Called under no lock. Knows no other room.

#[cfg(feature = "tracing")]
mod told {
    use tracing::warn;

    /// What nobody needs any more could not be removed.
    pub(crate) fn not_removed(file: &str) {
        warn!(file, "cannot remove a file that is not needed");
    }
}

#[cfg(not(feature = "tracing"))]
mod told {
    pub(crate) const fn not_removed(_: &str) {}
}

pub(crate) use told::*;
