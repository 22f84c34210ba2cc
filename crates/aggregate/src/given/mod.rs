//! Tests of aggregates and decisions without a store: given events, when a command comes, then this.
//!
//! Reads and appends nothing. Knows `model` alone.

mod diff;
mod scenario;
mod then;

pub use scenario::{Given, GivenFor, given, given_for, given_nothing};
pub use then::Then;
