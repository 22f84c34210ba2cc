//! Proofs for those who have no store: keys, proofs of events, and their check.

pub(super) mod check;
pub(super) mod key;
pub(super) mod prove;
