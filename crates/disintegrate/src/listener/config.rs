//! `ListenerConfig`: what a listener is called like.

use std::time::Duration;

/// After how many events the position is saved, if nobody said otherwise.
const SAVE_EVERY: usize = 256;

/// What to do about an event whose handler failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RetryAction {
    /// End the listener.
    Abort,
    /// Try again after a while.
    Wait {
        /// How long.
        duration: Duration,
    },
}

/// Decides what becomes of an event whose handler failed: a closure of the error, and how often the event was tried.
pub trait Retry<H> {
    /// What to do. `attempts` is 1 after the first try.
    fn retry(&self, error: &H, attempts: usize) -> RetryAction;
}

impl<H, F: Fn(&H, usize) -> RetryAction> Retry<H> for F {
    fn retry(&self, error: &H, attempts: usize) -> RetryAction {
        self(error, attempts)
    }
}

/// Ends the listener at the first failure.
#[derive(Debug, Clone, Copy, Default)]
pub struct AbortRetry;

impl<H> Retry<H> for AbortRetry {
    fn retry(&self, _: &H, _: usize) -> RetryAction {
        RetryAction::Abort
    }
}

/// How a listener is called.
#[derive(Debug, Clone)]
#[must_use]
pub struct ListenerConfig<R = AbortRetry> {
    pub(super) retry: R,
    pub(super) save_every: usize,
}

impl ListenerConfig {
    /// Ends at the first failure, and saves its position after 256 events.
    pub const fn new() -> Self {
        Self {
            retry: AbortRetry,
            save_every: SAVE_EVERY,
        }
    }
}

impl Default for ListenerConfig {
    fn default() -> Self {
        Self::new()
    }
}

impl<R> ListenerConfig<R> {
    /// Asks this what to do where a handler failed.
    pub fn with_retry<N>(self, retry: N) -> ListenerConfig<N> {
        ListenerConfig {
            retry,
            save_every: self.save_every,
        }
    }

    /// Saves the position after so many events, and where none waits: at 1, after each, which waits for the disk each
    /// time.
    pub const fn save_every(mut self, events: usize) -> Self {
        self.save_every = events;
        self
    }
}
