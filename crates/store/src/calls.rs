//! `Calls`: the thread on which code of callers runs that they left with the store: the wakers of their
//! tasks, and what their subscriber does with events of the store's own threads.
//!
//! So whatever such code does, no append and no sync waits for it, and no lock is held meanwhile. While
//! it runs the next in line waits.

use crate::trace;
use std::any::Any;
use std::collections::VecDeque;
use std::sync::Arc;
use std::task::Waker;
use strandline_core::sync::atomic::{AtomicU64, Ordering};
use strandline_core::sync::{Condvar, Mutex, thread};

/// How many events of the store's threads wait at most for a subscriber; more are passed over.
const TOLD_MAX: usize = 1000;

/// The right to hand code over to the thread, which is there as soon as there is some, and ends some
/// time after [`close`](Self::close): nobody waits for it, as it may never return from what it calls.
#[derive(Debug, Clone, Default)]
pub(crate) struct Calls(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    queue: Mutex<Queue>,
    /// There is more in the queue, or it was closed.
    more: Condvar,
    /// Relaxed: it counts, and orders nothing.
    panics: AtomicU64,
}

#[derive(Default)]
struct Queue {
    calls: VecDeque<Call>,
    /// How many of them are events.
    events: usize,
    is_running: bool,
    is_closed: bool,
}

impl std::fmt::Debug for Queue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Queue")
            .field("calls", &self.calls.len())
            .field("is_running", &self.is_running)
            .finish_non_exhaustive()
    }
}

enum Call {
    Wake(Waker),
    Event(trace::Event),
}

impl Calls {
    /// Makes sure that there is a thread.
    pub(crate) fn start(&self) -> std::io::Result<()> {
        self.0.start(&mut self.0.queue.lock())
    }

    /// Wakes tasks, in this order.
    pub(crate) fn wake(&self, tasks: impl IntoIterator<Item = Waker>) {
        let mut tasks = tasks.into_iter().map(Call::Wake).peekable();
        if tasks.peek().is_some() {
            let mut queue = self.0.queue.lock();
            queue.calls.extend(tasks);
            self.0.called(&mut queue);
        }
    }

    /// Tells the subscriber.
    pub(crate) fn tell(&self, event: trace::Event) {
        let mut queue = self.0.queue.lock();
        if queue.events < TOLD_MAX {
            queue.events += 1;
            queue.calls.push_back(Call::Event(event));
            self.0.called(&mut queue);
        }
    }

    /// Runs something that may panic on a thread that has to go on. `None` if it did, which is counted
    /// and told.
    pub(crate) fn catch<R>(&self, what: &'static str, run: impl FnOnce() -> R) -> Option<R> {
        caught(run)
            .map_err(|reason| self.0.panicked(what, reason))
            .ok()
    }

    /// How often something was caught.
    pub(crate) fn panics(&self) -> u64 {
        self.0.panics.load(Ordering::Relaxed)
    }

    /// Lets the thread end once it has done what it was given. What comes later has a new one.
    pub(crate) fn close(&self) {
        self.0.queue.lock().is_closed = true;
        self.0.more.notify_one();
    }
}

impl Shared {
    fn called(self: &Arc<Self>, queue: &mut Queue) {
        if queue.is_running {
            self.more.notify_one();
        } else {
            // Where the system has no thread to give, the next call tries again.
            let _ = self.start(queue);
        }
    }

    fn start(self: &Arc<Self>, queue: &mut Queue) -> std::io::Result<()> {
        if queue.is_running {
            return Ok(());
        }
        let shared = self.clone();
        thread::Builder::new()
            .name("strandline-calls".to_owned())
            .spawn(move || shared.run())?;
        queue.is_running = true;
        Ok(())
    }

    fn run(&self) {
        loop {
            let mut queue = self.queue.lock();
            while queue.calls.is_empty() {
                if queue.is_closed {
                    queue.is_running = false;
                    return;
                }
                self.more.wait(&mut queue);
            }
            let calls = std::mem::take(&mut queue.calls);
            queue.events = 0;
            drop(queue);
            for call in calls {
                match call {
                    Call::Wake(waker) => {
                        if let Err(reason) = caught(|| waker.wake()) {
                            self.panicked("a waker", reason);
                        }
                    }
                    Call::Event(event) => trace::emit(event),
                }
            }
        }
    }

    fn panicked(&self, what: &'static str, reason: String) {
        self.panics.fetch_add(1, Ordering::Relaxed);
        trace::tell(tracing::Level::ERROR, move || {
            tracing::error!(what, reason, "caught a panic");
        });
    }
}

/// Runs something. The error is what it panicked with.
#[cfg(not(strandline_loom))]
pub(crate) fn caught<R>(run: impl FnOnce() -> R) -> Result<R, String> {
    // Whatever it has half changed is its own, or is stopped by the poison that its guards set.
    let run = std::panic::AssertUnwindSafe(run);
    std::panic::catch_unwind(run).map_err(reason)
}

/// In a model a panic is a failure of the model.
#[cfg(strandline_loom)]
pub(crate) fn caught<R>(run: impl FnOnce() -> R) -> Result<R, String> {
    Ok(run())
}

#[cfg_attr(strandline_loom, expect(dead_code, reason = "nothing is caught"))]
fn reason(panic: Box<dyn Any + Send>) -> String {
    if let Some(text) = panic.downcast_ref::<&str>() {
        return (*text).to_owned();
    }
    match panic.downcast::<String>() {
        Ok(text) => *text,
        Err(other) => {
            // To drop it may panic too.
            std::mem::forget(other);
            "something that is not text".to_owned()
        }
    }
}
