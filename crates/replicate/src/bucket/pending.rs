//! `Pending`: the answer to a request that was started. Knows no request.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use strandline_core::sync::{Condvar, Mutex};

/// How long is waited at most without a look whether it is over.
const LOOK: Duration = Duration::from_millis(20);

/// An answer that is on its way. Dropping it leaves the request under way: what was sent cannot be taken back.
///
/// It is always answered: if the bucket is dropped first, with [`Closed`](super::BucketErrorKind::Closed).
#[must_use]
pub struct Pending<T>(Arc<Shared<T>>);

/// The other end: answers once, at the latest when it is dropped.
pub(super) struct Completion<T> {
    shared: Arc<Shared<T>>,
    closed: Option<Box<dyn FnOnce() -> T + Send>>,
}

struct Shared<T> {
    slot: Mutex<Slot<T>>,
    answered: Condvar,
}

enum Slot<T> {
    Waiting,
    Calls(Box<dyn FnOnce(T) + Send>),
    Answered(T),
    Spent,
}

/// Both ends. `closed` makes the answer of a completion that is dropped without one.
pub(super) fn pending<T>(
    closed: impl FnOnce() -> T + Send + 'static,
) -> (Completion<T>, Pending<T>) {
    let shared = Arc::new(Shared {
        slot: Mutex::new(Slot::Waiting),
        answered: Condvar::new(),
    });
    let completion = Completion {
        shared: Arc::clone(&shared),
        closed: Some(Box::new(closed)),
    };
    (completion, Pending(shared))
}

impl<T> Pending<T> {
    /// Waits for the answer.
    pub fn wait(self) -> T {
        let mut slot = self.0.slot.lock();
        loop {
            match std::mem::replace(&mut *slot, Slot::Spent) {
                Slot::Answered(answer) => return answer,
                before => *slot = before,
            }
            self.0.answered.wait(&mut slot);
        }
    }

    /// Waits for the answer for `timeout` at most.
    ///
    /// # Errors
    ///
    /// Itself, if there is no answer by then.
    pub fn wait_for(self, timeout: Duration) -> Result<T, Self> {
        let mut slot = self.0.slot.lock();
        if matches!(*slot, Slot::Waiting) {
            self.0.answered.wait_while_for(
                &mut slot,
                |slot| matches!(slot, Slot::Waiting),
                timeout,
            );
        }
        match std::mem::replace(&mut *slot, Slot::Spent) {
            Slot::Answered(answer) => Ok(answer),
            before => {
                *slot = before;
                drop(slot);
                Err(self)
            }
        }
    }

    /// Waits for the answer until `is_over` says that nobody wants it any more, which is asked now and then; `None` if
    /// so. What was sent is left under way.
    pub(crate) fn wait_unless(self, is_over: &dyn Fn() -> bool) -> Option<T> {
        let mut pending = self;
        while !is_over() {
            pending = match pending.wait_for(LOOK) {
                Ok(answer) => return Some(answer),
                Err(pending) => pending,
            };
        }
        None
    }

    /// Has `call` called with the answer: at once on this thread if it is there, else on a thread of the bucket,
    /// once. It must not wait, and not make a request of the bucket that blocks: put the answer in a channel.
    pub fn then(self, call: impl FnOnce(T) + Send + 'static) {
        let mut slot = self.0.slot.lock();
        match std::mem::replace(&mut *slot, Slot::Spent) {
            Slot::Answered(answer) => {
                drop(slot);
                call(answer);
            }
            _ => *slot = Slot::Calls(Box::new(call)),
        }
    }
}

impl<T> Completion<T> {
    /// Gives the answer.
    pub(super) fn answer(mut self, answer: T) {
        self.closed = None;
        self.shared.answer(answer);
    }
}

impl<T> Drop for Completion<T> {
    fn drop(&mut self) {
        if let Some(closed) = self.closed.take() {
            self.shared.answer(closed());
        }
    }
}

impl<T> Shared<T> {
    fn answer(&self, answer: T) {
        let mut slot = self.slot.lock();
        match std::mem::replace(&mut *slot, Slot::Spent) {
            Slot::Calls(call) => {
                // A caller's code runs under no lock of ours.
                drop(slot);
                call(answer);
            }
            _ => {
                *slot = Slot::Answered(answer);
                self.answered.notify_all();
            }
        }
    }
}

impl<T> fmt::Debug for Pending<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let answered = matches!(*self.0.slot.lock(), Slot::Answered(_));
        f.debug_struct("Pending")
            .field("answered", &answered)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;
    use std::thread;

    #[test]
    fn an_answer_is_given_once_before_or_after_it_is_waited_for() {
        let (completion, pending) = pending(|| 0);
        completion.answer(1);
        assert_eq!(pending.wait(), 1);

        let (completion, pending) = super::pending(|| 0);
        let waits = thread::spawn(move || pending.wait());
        completion.answer(2);
        assert_eq!(waits.join().unwrap(), 2);

        let (completion, pending) = super::pending(|| 0);
        let pending = pending.wait_for(Duration::ZERO).unwrap_err();
        completion.answer(3);
        assert_eq!(pending.wait_for(Duration::ZERO).unwrap(), 3);
    }

    #[test]
    fn a_call_is_called_once_before_or_after_the_answer() {
        let (sender, receiver) = mpsc::channel();
        let (completion, pending) = pending(|| 0);
        let send = sender.clone();
        pending.then(move |answer| send.send(answer).unwrap());
        assert!(receiver.try_recv().is_err());
        completion.answer(1);
        assert_eq!(receiver.recv().unwrap(), 1);

        let (completion, pending) = super::pending(|| 0);
        completion.answer(2);
        pending.then(move |answer| sender.send(answer).unwrap());
        assert_eq!(receiver.recv().unwrap(), 2);
        assert!(receiver.recv().is_err());
    }

    #[test]
    fn a_completion_that_is_dropped_answers() {
        let (completion, pending) = pending(|| 7);
        drop(completion);
        assert_eq!(pending.wait(), 7);
    }
}
