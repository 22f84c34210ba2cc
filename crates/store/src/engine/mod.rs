//! What a store is made of while it is open: its log, index, writer and lock, in one place ([`Shared`]).
//!
//! Holds the parts and what keeps them consistent with each other, with the directory ([`Ours`]) and with
//! another process's log ([`Follower`]). Does not hold what is done with them: each verb is in a room
//! above. Knows `writer` and what is below it.

mod follower;
mod footers_written;
mod ours;
mod redactions;
mod rewriting;
mod shared;

pub(crate) use follower::Follower;
pub(crate) use ours::Ours;
pub(crate) use redactions::Redactions;
pub(crate) use rewriting::Rewriting;
pub(crate) use shared::Shared;
