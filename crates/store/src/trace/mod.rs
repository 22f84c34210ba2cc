//! Code of callers that the store calls: their `tracing` subscriber, their
//! recorder of metrics, and the wakers of their tasks.
//!
//! A subscriber is called under no lock, on no thread of the store's that others depend on, and what it
//! throws is caught. Nothing else in this crate calls one. Without one, each of these costs a load and a
//! branch.
//!
//! Holds when and on which thread such code runs, and nothing of what is told. Knows no other room.

mod calls;
mod caught;
mod emit;
mod tell;

#[cfg(feature = "metrics")]
pub(crate) use emit::guarded;
#[cfg(feature = "metrics")]
pub(crate) use tell::{is_free, tell_later};

pub(crate) use calls::Calls;
pub(crate) use emit::{panics_caught, tell_aside, wants};
pub(crate) use tell::{Held, Span, hand_over, hold, is_stores_own, span, tell};
