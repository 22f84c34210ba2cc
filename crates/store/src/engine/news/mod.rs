//! Who waits until a watermark passes a sequence, and is woken when it does.
//!
//! Holds [`News`]: the two watermarks, of what is visible and of what is durable, with those who wait for
//! each ([`Waiters`](waiters)), threads and tasks; and the thread that looks for news of another process's
//! appends ([`Lookout`]). Does not hold what makes a watermark move, which is the group sync's, the
//! writer's and the follower's business. Knows `model` and `trace`.

mod awaited;
mod lookout;
mod over;
mod sleeper;
mod waiters;
mod watermarks;

#[cfg(all(test, strandline_loom))]
#[allow(clippy::expect_used, reason = "a model fails by panicking")]
mod model;

pub(crate) use awaited::Awaited;
pub(crate) use lookout::{Look, Lookout};
pub(crate) use over::Over;
pub(crate) use watermarks::{Mark, News};
