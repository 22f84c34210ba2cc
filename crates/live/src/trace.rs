//! What is told of consumers as events of `tracing`, with the feature of that name. Without it, nothing.
//!
//! Called under no lock of this crate. A subscriber that panics is caught: it ends no worker. Knows no other room.

use std::fmt::Display;
use std::sync::Arc;
use std::time::Duration;

/// Emits an event: its level, its message, and its fields.
macro_rules! tell {
    ($level:ident, $message:literal, $($field:ident = $value:expr),+ $(,)?) => {{
        #[cfg(feature = "tracing")]
        {
            let told = || tracing::$level!($($field = $value),+, $message);
            // What a subscriber throws is for nobody here.
            let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(told));
        }
        #[cfg(not(feature = "tracing"))]
        let _ = ($(&$value,)+);
    }};
}

/// What nobody needs any more could not be removed.
pub(crate) fn not_removed(file: &str) {
    tell!(warn, "cannot remove a file that is not needed", file = file);
}

/// A partition of a consumer, that something is told of.
#[derive(Debug, Clone, Default)]
pub(crate) struct Told {
    consumer: Arc<str>,
    partition: u32,
}

/// An event that was not handled.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Failed<'a> {
    pub(crate) key: &'a str,
    pub(crate) sequence: u64,
    /// How often it was tried.
    pub(crate) tries: u32,
    pub(crate) reason: &'a str,
}

impl Told {
    pub(crate) fn new(consumer: &str, partition: u32) -> Self {
        Self {
            consumer: consumer.into(),
            partition,
        }
    }

    /// A worker holds the partition from now on.
    pub(crate) fn claimed(&self, token: u32) {
        let (consumer, partition) = (&*self.consumer, self.partition);
        tell!(
            info,
            "claimed",
            consumer = consumer,
            partition = partition,
            token = token
        );
    }

    /// Every event before a sequence counts as handled, durably.
    pub(crate) fn saved(&self, sequence: u64) {
        let (consumer, partition) = (&*self.consumer, self.partition);
        tell!(
            debug,
            "saved",
            consumer = consumer,
            partition = partition,
            sequence = sequence
        );
    }

    /// Everything that there is was looked at.
    pub(crate) fn caught_up(&self, sequence: u64) {
        let (consumer, partition) = (&*self.consumer, self.partition);
        tell!(
            info,
            "caught up",
            consumer = consumer,
            partition = partition,
            sequence = sequence
        );
    }

    /// It has not been at the end for a while.
    pub(crate) fn fell_behind(&self, sequence: u64, behind: u64) {
        let (consumer, partition) = (&*self.consumer, self.partition);
        tell!(
            info,
            "fell behind",
            consumer = consumer,
            partition = partition,
            sequence = sequence,
            behind = behind,
        );
    }

    /// A try failed, and there is another one.
    pub(crate) fn retrying(&self, failed: Failed<'_>, delay: Duration) {
        let (consumer, partition) = (&*self.consumer, self.partition);
        let delay_ms = u64::try_from(delay.as_millis()).unwrap_or(u64::MAX);
        tell!(
            info,
            "retrying",
            consumer = consumer,
            partition = partition,
            key = failed.key,
            sequence = failed.sequence,
            tries = failed.tries,
            reason = failed.reason,
            delay_ms = delay_ms,
        );
    }

    /// The events of a key are not handled until somebody decides.
    pub(crate) fn parked(&self, failed: Failed<'_>) {
        let (consumer, partition) = (&*self.consumer, self.partition);
        tell!(
            warn,
            "parked",
            consumer = consumer,
            partition = partition,
            key = failed.key,
            sequence = failed.sequence,
            tries = failed.tries,
            reason = failed.reason,
        );
    }

    /// A handler was called and does not return.
    pub(crate) fn stalled(&self, sequence: u64, since: Duration) {
        let (consumer, partition) = (&*self.consumer, self.partition);
        let since_ms = u64::try_from(since.as_millis()).unwrap_or(u64::MAX);
        tell!(
            warn,
            "stalled",
            consumer = consumer,
            partition = partition,
            sequence = sequence,
            since_ms = since_ms,
        );
    }

    /// What somebody asked for is done.
    pub(crate) fn answered(&self, request: &str) {
        let (consumer, partition) = (&*self.consumer, self.partition);
        tell!(
            info,
            "did what was asked",
            consumer = consumer,
            partition = partition,
            request = request,
        );
    }

    /// Another worker has the partition.
    pub(crate) fn fenced(&self, error: &impl Display) {
        let (consumer, partition) = (&*self.consumer, self.partition);
        let error = error.to_string();
        tell!(
            warn,
            "fenced",
            consumer = consumer,
            partition = partition,
            error = error
        );
    }

    /// The worker has ended as it was asked to.
    pub(crate) fn stopped(&self) {
        let (consumer, partition) = (&*self.consumer, self.partition);
        tell!(info, "stopped", consumer = consumer, partition = partition);
    }

    /// The worker has ended.
    pub(crate) fn failed(&self, error: &impl Display) {
        let (consumer, partition) = (&*self.consumer, self.partition);
        let error = error.to_string();
        tell!(
            error,
            "stopped with an error",
            consumer = consumer,
            partition = partition,
            error = error,
        );
    }

    /// A state is made anew; it cannot be read until it is.
    pub(crate) fn rebuilding(&self, version: u32) {
        let (consumer, partition) = (&*self.consumer, self.partition);
        tell!(
            info,
            "rebuilding",
            consumer = consumer,
            partition = partition,
            version = version
        );
    }
}

/// Another version of a projection is the one that is served.
pub(crate) fn switched(consumer: &str, version: u32) {
    tell!(info, "switched", consumer = consumer, version = version);
}
