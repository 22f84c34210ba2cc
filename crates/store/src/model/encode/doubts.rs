//! `Doubts`: what comes back for some types only, as it was met in a value. Decides nothing about it.

/// What is done where the written form alone does not say whether the value comes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Doubtful {
    /// Refused, where hardly a type would read it back.
    Refuse,
    /// Counted, for whoever can decode the value to see.
    Count,
}

/// What was met while a value was written that comes back for some types only. Counts and a sum, so that
/// the order of what has none does not matter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Doubts {
    /// `Some` of what is written as null.
    pub(super) some_null: u64,
    /// Maps with two entries of one key.
    pub(super) equal_keys: u64,
    /// Keys that are numbers, and become texts.
    pub(super) number_keys: u64,
    /// Sum of the numbers of 128 bits, which no buffer of serde holds.
    pub(super) wide: u128,
    pub(super) wide_count: u64,
}
