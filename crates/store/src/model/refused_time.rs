//! `RefusedTime`: why a time from elsewhere was not taken.

use std::fmt;
use strandline_core::Hlc;

/// A time that was supplied and not taken: [`Error::refused_time`](crate::Error::refused_time).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum RefusedTime {
    /// It is further ahead of this machine's clock than
    /// [`StoreOptions::clock_drift_max`](crate::StoreOptions::clock_drift_max) allows. As the
    /// store's clock never goes back, every event after it would have such a time too.
    Ahead {
        /// The time.
        supplied: Hlc,
        /// This machine's clock, in milliseconds since 1970.
        now_ms: u64,
        /// How far it may be ahead, in milliseconds.
        drift_ms_max: u64,
    },
    /// It is before that of an event which is there already, or earlier in the same batch.
    Behind {
        /// The time.
        supplied: Hlc,
        /// The newest time that was given.
        last: Hlc,
    },
}

impl fmt::Display for RefusedTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ahead {
                supplied,
                now_ms,
                drift_ms_max,
            } => write!(
                f,
                "the time {supplied} is more than {drift_ms_max} ms ahead of this machine's clock, \
                 {now_ms} ms (StoreOptions::clock_drift_max)"
            ),
            Self::Behind { supplied, last } => write!(
                f,
                "the time {supplied} is before {last}, which was given already; times of events \
                 never go back"
            ),
        }
    }
}
