//! `Signal`: what wakes a worker: events that have come, or somebody who wants something of it.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;
use strandline::Passed;
use strandline_core::sync::{Condvar, Mutex};

/// Wakes a worker, also one that is about to sleep.
#[derive(Debug, Default)]
pub(crate) struct Signal {
    is_given: Mutex<bool>,
    given: Condvar,
}

impl Signal {
    pub(crate) fn give(&self) {
        *self.is_given.lock() = true;
        self.given.notify_all();
    }

    /// Waits until the signal is given, or for a while; false if it was not.
    pub(crate) fn wait(&self, most: Duration) -> bool {
        let mut is_given = self.is_given.lock();
        if !*is_given {
            // Who wakes for nothing looks for events that are not there.
            let _ = self.given.wait_for(&mut is_given, most);
        }
        std::mem::take(&mut *is_given)
    }

    /// Waits until events have come, the signal is given, or for a while; false if none of both.
    ///
    /// # Errors
    ///
    /// As the wait for events.
    pub(crate) fn wait_past(
        self: &Arc<Self>,
        mut passed: Passed,
        most: Duration,
    ) -> Result<bool, strandline::Error> {
        let waker = Waker::from(Arc::clone(self));
        if let Poll::Ready(passed) = Pin::new(&mut passed).poll(&mut Context::from_waker(&waker)) {
            return passed.map(|_| true);
        }
        Ok(self.wait(most))
    }
}

impl Wake for Signal {
    fn wake(self: Arc<Self>) {
        self.give();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.give();
    }
}
