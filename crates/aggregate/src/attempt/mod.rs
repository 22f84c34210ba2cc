//! One try of a command, whatever it decides on: whether it was executed before, its events with all that belongs to
//! them, the append, and how long to wait for the next try.
//!
//! Decides nothing and holds no state. Knows `model` and the store.

mod answer;
mod append;
mod retries;

pub(crate) use answer::answer;
pub(crate) use append::{Appended, append};
pub(crate) use retries::Retries;
