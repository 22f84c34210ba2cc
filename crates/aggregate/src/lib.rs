//! Aggregates and decisions over a Strandline store: load, decide, append, and try again where another writer was
//! faster.
//!
//! A caller writes two functions without effects, and this crate runs them:
//!
//! - [`Aggregate`] is one kind of entity: `decide` says which events a command leads to, `evolve` applies one.
//!   [`Repository`] loads it, as it is or was, and executes commands on it.
//! - [`Decision`] is a command whose decision rests on several entities, found by a query. [`Decisions`] executes it.
//! - [`CommandId`] makes a command idempotent, also through a crash.
//! - [`Snapshots`] spare a load the events before a saved state; [`Repository::with_cache`] keeps states in memory.
//! - With the feature `seal`, `Repository::sealed` and `Decisions::sealed` seal events, and saved states with them.
//! - [`given`], [`given_nothing`] and [`given_for`] test both without a store.
//!
//! Nothing here is the truth but the log: what a decision rests on is read from it, and the append says on which
//! version of it; of two writers that exclude each other one alone succeeds, and the other decides anew. Functions
//! block, as those of the store do; no thread and no runtime is started.

#![forbid(unsafe_code)]

mod decisions;
mod given;
mod repository;

mod attempt;
mod kept;

mod sealing;

mod model;

pub use decisions::Decisions;
pub use given::{Given, GivenFor, Then, given, given_for, given_nothing};
pub use model::{
    Aggregate, CommandId, CommandIdTaken, Decided, Decision, ExecuteError, ExecuteOptions,
    Executed, Gone, Loaded, Retry, SnapshotCounts, Snapshots,
};
pub use repository::Repository;

/// The programs of the README, compiled.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
