//! Pushing events to subscribers: one thread of the store reads for all, and waits for none of them.
//!
//! Holds [`Hub`], the thread with what wakes it ([`Bell`](bell)) and when it rests ([`Pace`](pace)); how many batches of
//! a subscriber wait ([`Room`](room)); who is given what next ([`Rounds`](rounds)), and whom what has come is for
//! ([`Sieve`](sieve)), which is no thread's business; and what is given ([`Pushed`]). Does not hold how events are read ([`Batches`], which a room above implements), nor how a
//! watermark is waited for, which is `news`. Knows `news` and `model`.

mod bell;
mod feed;
mod hub;
mod member;
mod pace;
mod pushed;
mod resting;
mod room;
mod rounds;
mod sieve;
mod topic;

#[cfg(all(test, strandline_loom))]
#[allow(clippy::expect_used, reason = "a model fails by panicking")]
mod model;
#[cfg(test)]
#[allow(clippy::expect_used, reason = "a test fails by panicking")]
mod one_by_one;

pub(crate) use feed::Batches;
pub(crate) use hub::Hub;
pub(crate) use member::Seat;
pub use pushed::{Lagged, Pushed, PushedEvents};
pub(crate) use topic::FeedKey;
