//! `Budget`: how long an answer may take. What is not done by then is not done, and the answer says so.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use strandline::Clock;

/// The time that one request may take for what grows with the store.
#[derive(Clone)]
pub(crate) struct Budget {
    clock: Arc<dyn Clock>,
    end: Duration,
}

impl fmt::Debug for Budget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Budget")
            .field("end", &self.end)
            .finish_non_exhaustive()
    }
}

impl Budget {
    /// So much time from now on.
    pub(crate) fn new(clock: &Arc<dyn Clock>, time: Duration) -> Self {
        Self {
            clock: clock.clone(),
            end: clock.elapsed().saturating_add(time),
        }
    }

    /// Whether the time is over.
    pub(crate) fn is_spent(&self) -> bool {
        self.left().is_zero()
    }

    /// How much of it is left.
    pub(crate) fn left(&self) -> Duration {
        self.end.saturating_sub(self.clock.elapsed())
    }
}
