//! `Direction`: from which end rows are walked. Walks none.

/// Which way rows are walked.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Direction {
    Forward,
    Backward,
}
