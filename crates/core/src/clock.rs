//! The `Clock` seam: the only place where the system clock is read.
//!
//! Gives no time to an event: that is `HlcClock`'s to do. Knows `sync` alone.

use crate::sync::atomic::{AtomicU64, Ordering};
use std::fmt::Debug;
use std::time::{Duration, Instant, SystemTime};

/// Where time comes from. Asked on the caller's thread, under no lock of a store's.
pub trait Clock: Send + Sync + Debug {
    /// Milliseconds since 1970, UTC. May go back.
    fn now_ms(&self) -> u64;

    /// Time since some fixed moment. Never goes back.
    fn elapsed(&self) -> Duration;
}

/// The clock of the operating system.
#[derive(Debug)]
pub struct SystemClock {
    started: Instant,
}

impl Default for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the seam")]
    fn default() -> Self {
        Self {
            started: Instant::now(),
        }
    }
}

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the seam")]
    fn now_ms(&self) -> u64 {
        SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .map_or(0, |since| {
                u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
            })
    }

    fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }
}

/// A clock that stands still until it is told to move, for tests.
#[derive(Debug, Default)]
pub struct ManualClock {
    now_ms: AtomicU64,
}

impl ManualClock {
    /// A clock that says `now_ms`, milliseconds since 1970.
    #[must_use]
    pub fn new(now_ms: u64) -> Self {
        Self {
            now_ms: AtomicU64::new(now_ms),
        }
    }

    /// Moves the clock to `now_ms`, forward or back.
    pub fn set(&self, now_ms: u64) {
        // Relaxed: the reading orders nothing else.
        self.now_ms.store(now_ms, Ordering::Relaxed);
    }
}

impl Clock for ManualClock {
    fn now_ms(&self) -> u64 {
        self.now_ms.load(Ordering::Relaxed)
    }

    fn elapsed(&self) -> Duration {
        Duration::from_millis(self.now_ms())
    }
}
