//! What a store is made of while it is open: its log, index, writer and lock, in one place ([`Shared`]).
//!
//! Holds the parts and what keeps them consistent with each other, with the directory ([`Ours`]) and with
//! another process's log ([`Follower`]), and what its caches may hold ([`Caches`]); `writer`, what the commit lock protects and the steps under it;
//! below that `group_sync`, which knows until when what was written is durable, and no writer. Does not hold
//! what is done before the lock or after it: each verb is in a room above. Knows `rows`, `model` and `trace`.

mod caches;
mod follower;
mod footers_written;
pub(crate) mod group_sync;
pub(crate) mod merge_at_work;
mod merge_failures;
pub(crate) mod merged_files;
pub(crate) mod merged_runs;
pub(crate) mod news;
mod ours;
mod parker;
pub(crate) mod push;
mod redactions;
mod rewriting;
mod shared;
pub(crate) mod writer;

pub(crate) use caches::Caches;
pub(crate) use follower::Follower;
pub(crate) use merged_files::MergedFiles;
pub(crate) use ours::Ours;
pub(crate) use redactions::Redactions;
pub(crate) use rewriting::Rewriting;
pub(crate) use shared::Shared;
