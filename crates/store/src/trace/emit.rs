//! Emitting events here and now: what a subscriber throws is caught. Where an event may be emitted is
//! decided above.

use super::caught::caught;
use strandline_core::sync::thread;
use tracing::Level;
use tracing::level_filters::LevelFilter;

/// Emits an event.
pub(crate) type Event = Box<dyn FnOnce() + Send>;

#[cfg(not(strandline_loom))]
mod panics {
    use strandline_core::sync::atomic::{AtomicU64, Ordering};

    /// Relaxed: it counts, and orders nothing. One for all stores, as a subscriber is.
    static CAUGHT: AtomicU64 = AtomicU64::new(0);

    pub(crate) fn add() {
        CAUGHT.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn count() -> u64 {
        CAUGHT.load(Ordering::Relaxed)
    }
}

/// loom has no atomics that are there before a model.
#[cfg(strandline_loom)]
mod panics {
    pub(crate) const fn add() {}

    pub(crate) const fn count() -> u64 {
        0
    }
}

pub(super) use panics::add as count_panic;
pub(crate) use panics::count as panics_caught;

/// Whether somebody may want to know of something of this level.
#[inline]
pub(crate) fn wants(level: Level) -> bool {
    level <= LevelFilter::current()
}

/// Runs code of a caller here and now.
#[cfg(feature = "metrics")]
#[inline]
pub(crate) fn guarded(run: impl FnOnce()) {
    if caught(run).is_err() {
        count_panic();
    }
}

/// Emits an event here and now.
pub(super) fn emit(event: Event) {
    if caught(event).is_err() {
        count_panic();
    }
}

/// Emits an event from where locks are held that nobody here knows of, on a thread of its own: for what
/// is rare.
pub(crate) fn tell_aside(level: Level, event: impl FnOnce() + Send + 'static) {
    if wants(level) {
        let emits = thread::Builder::new().name("strandline-tell".to_owned());
        // Where the system has no thread to give, it stays untold.
        let _ = emits.spawn(move || emit(Box::new(event)));
    }
}
