//! Reading live: the events of a query as they come, from the first to the newest and on from there.
//!
//! Holds [`Cursor`] with where it begins ([`Start`]) and up to where it reads ([`Delivery`]), and its step
//! from a watermark to the next one ([`Pull`](pull::Pull)), which is the same for what is there and for what comes.
//! Does not hold how a watermark is waited for, which is the engine's, nor how rows become events. Knows `read`,
//! `engine` and `model`.

mod cursor;
mod delivery;
mod filter;
mod pull;
mod reading;
mod source;
mod start;
#[cfg(feature = "stream")]
mod stream;
mod subscription;

#[cfg(all(test, strandline_loom))]
#[allow(clippy::expect_used, reason = "a model fails by panicking")]
mod model;

pub use cursor::Cursor;
pub use delivery::Delivery;
pub use start::Start;
#[cfg(feature = "stream")]
pub use stream::CursorStream;
pub use subscription::{SUBSCRIPTION_CAPACITY_MAX, Subscription, SubscriptionIter};
