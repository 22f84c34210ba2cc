//! `Live`: the handle, and what can be done with consumers through it, a file for each group.
//!
//! Runs nothing by itself: what reads events is above, or is the caller's. Knows all other rooms.

mod ask;
mod live;
#[cfg(feature = "metrics")]
mod metrics;
mod position;
mod status;
mod wait;

pub use ask::Asked;
pub(crate) use live::LEASE;
pub use live::Live;
pub use position::NamedPosition;
pub(crate) use position::{VERSION, held};
