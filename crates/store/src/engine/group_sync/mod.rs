//! Until when what was written is durable: one sync serves everyone who waits for it.
//!
//! Holds [`GroupSync`] with those who wait (threads, tickets, and tasks that wait for a place), the thread
//! that syncs for tasks ([`SyncDriver`]), and why writing stopped ([`Poison`]). Does not hold what is
//! written, nor the commit lock. Knows `model` and `trace`.

mod close;
mod driver;
mod in_flight;
mod lead;
mod levels;
mod on_panic;
mod pending;
mod places;
mod poison;
mod replicas;
mod room;
mod sleepers;
mod sync;
mod target;
mod tasks;
mod wakers;

#[cfg(all(test, not(strandline_loom)))]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests;

#[cfg(all(test, strandline_loom))]
#[allow(clippy::expect_used, reason = "a model fails by panicking")]
mod calls_model;

#[cfg(all(test, strandline_loom))]
#[allow(clippy::expect_used, reason = "a model fails by panicking")]
mod close_model;

#[cfg(all(test, strandline_loom))]
#[allow(clippy::expect_used, reason = "a model fails by panicking")]
pub(crate) mod model;

#[cfg(all(test, strandline_loom))]
#[allow(clippy::expect_used, reason = "a model fails by panicking")]
mod replica_model;

#[cfg(all(test, strandline_loom))]
#[allow(clippy::expect_used, reason = "a model fails by panicking")]
mod ticket_model;

pub(crate) use close::close;
pub(crate) use driver::{SyncDriver, join};
pub(crate) use levels::Reach;
pub(crate) use on_panic::PoisonOnPanic;
pub(crate) use pending::Pending;
pub(crate) use poison::{Cause, Poison, fate_unknown};
pub(crate) use room::{Attempt, Room};
pub(crate) use sync::GroupSync;
