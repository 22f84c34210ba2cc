//! `RuleEffect`: what one of several rules comes to.

/// What a [`RetentionRule`](super::RetentionRule) comes to, in a plan or in what was done.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct RuleEffect {
    /// Its name, or `rule` and its place among the rules, from 1 on.
    pub name: String,
    /// Events that it is of.
    pub matching: u64,
    /// Those of them that it decides about: rules before it are not of them.
    pub decided: u64,
    /// Events that go by it.
    pub events: u64,
    /// Events whose payload goes by it, and whose header stays.
    pub headers: u64,
}
