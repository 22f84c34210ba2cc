//! `Signal`: what wakes a worker: events that have come, or somebody who wants something of it.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;
use strandline::Passed;
use strandline_core::sync::{Condvar, Mutex};

/// Wakes a worker, also one that is about to sleep.
#[derive(Debug, Default)]
pub(super) struct Signal {
    is_given: Mutex<bool>,
    given: Condvar,
}

impl Signal {
    pub(super) fn give(&self) {
        *self.is_given.lock() = true;
        self.given.notify_all();
    }

    /// Waits until events have come, the signal was given, or for a while.
    ///
    /// # Errors
    ///
    /// As the wait.
    pub(super) fn wait(
        self: &Arc<Self>,
        passed: Passed,
        most: Duration,
    ) -> Result<(), strandline::Error> {
        let waker = Waker::from(Arc::clone(self));
        let mut passed = passed;
        if let Poll::Ready(passed) = Pin::new(&mut passed).poll(&mut Context::from_waker(&waker)) {
            return passed.map(drop);
        }
        let mut is_given = self.is_given.lock();
        if !*is_given {
            // Who wakes for nothing looks for events that are not there.
            let _ = self.given.wait_for(&mut is_given, most);
        }
        *is_given = false;
        Ok(())
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
