//! `Parker`: a thread's sleep until another wakes it.
//!
//! Not `thread::park`: its token is one a thread, and an executor of the caller's that sleeps with it on
//! the same thread would lose a wake-up to the store.

use strandline_core::sync::{Condvar, Mutex, thread};

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

    pub(crate) fn unpark(&self) {
        *self.token.lock() = true;
        // Without the lock, which the woken thread takes.
        self.given.notify_one();
    }
}

/// Leaves a wake-up of `thread::park` on this thread when it is dropped: for a stretch of work with channels
/// or scopes of threads, which may take one that was meant for an executor. One too many does no harm:
/// who parks looks again.
#[derive(Debug)]
#[must_use = "it is to be dropped after the work"]
pub(crate) struct KeepsWakeUp(());

impl KeepsWakeUp {
    pub(crate) const fn new() -> Self {
        Self(())
    }
}

impl Drop for KeepsWakeUp {
    fn drop(&mut self) {
        thread::current().unpark();
    }
}
