//! The writing side: whoever holds the commit lock is the single writer.
//!
//! Holds what the lock protects ([`Writer`]) and the steps under it: a commit, a note, a rotation. Does
//! not hold what is done before the lock, on the caller's thread, nor the wait after it. Knows
//! `group_sync`, `rows`, `model` and `trace`.

mod asked;
mod assigned;
mod cells;
mod chain;
mod commit;
mod condition;
#[cfg(all(test, strandline_loom))]
#[allow(clippy::expect_used, reason = "a model fails by panicking")]
mod condition_model;
mod confirm;
mod context;
mod ends;
mod entities;
mod expected;
mod failure;
mod head_cache;
mod kinds;
mod lock;
mod made_kinds;
mod name_tables;
mod note;
mod note_counts;
mod prepared;
mod repeat;
mod rewritten;
mod rotate;
mod state;
mod times;
mod tracking;

pub(crate) use asked::Asked;
pub(crate) use condition::look_ahead;
pub(crate) use context::Context;
pub(crate) use failure::no_segment_has_room;
pub(crate) use kinds::KindsWritten;
pub(crate) use lock::{CommitLock, Committing};
pub(crate) use prepared::Prepared;
pub(crate) use rotate::rotate_span;
pub(crate) use state::Writer;
