//! What the store counts for the facade `metrics`, with the feature of that name: the table of `docs/metrics.md`.
//!
//! Holds the handles, which are made once, at opening, and what is told through them. A recorder is called under no
//! lock, as a subscriber of `tracing` is, and what it throws is caught. Without the feature each of these is empty, and
//! costs nothing. Does not hold what watermarks and sizes are. Knows `trace` and `model`.

mod calls;

#[cfg(feature = "metrics")]
mod handles;
#[cfg(feature = "metrics")]
mod recorded;
#[cfg(feature = "metrics")]
mod report;
#[cfg(feature = "metrics")]
mod table;

#[cfg(not(feature = "metrics"))]
mod silent;

pub(crate) use calls::{Read, Run};
#[cfg(feature = "metrics")]
pub(crate) use recorded::{Metrics, Reading};
#[cfg(not(feature = "metrics"))]
pub(crate) use silent::{Metrics, Reading};
