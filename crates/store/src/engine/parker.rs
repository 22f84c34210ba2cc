//! `Parker`: a thread's sleep until another wakes it.
//!
//! Not `thread::park`: its token is one a thread, and an executor of the caller's that sleeps with it on
//! the same thread would lose a wake-up to the store.

use std::time::Duration;
use strandline_core::sync::{Condvar, Mutex};

/// Lets one thread sleep. Each has its own, so that to wake many none has to wait for another's lock.
#[derive(Debug, Default)]
pub(crate) struct Parker {
    /// Whether the sleep is over, or will be when it begins.
    token: Mutex<bool>,
    given: Condvar,
}

impl Parker {
    /// Returns once [`unpark`](Self::unpark) was called since the last return.
    pub(crate) fn park(&self) {
        let mut token = self.token.lock();
        while !*token {
            self.given.wait(&mut token);
        }
        *token = false;
    }

    /// As [`park`](Self::park), but not for longer than that time. Whether it was unparked.
    pub(crate) fn park_for(&self, time: Duration) -> bool {
        let mut token = self.token.lock();
        if !*token {
            self.given.wait_for(&mut token, time);
        }
        std::mem::take(&mut token)
    }

    pub(crate) fn unpark(&self) {
        *self.token.lock() = true;
        // Without the lock, which the woken thread takes.
        self.given.notify_one();
    }
}
