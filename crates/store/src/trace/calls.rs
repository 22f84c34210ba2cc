//! `Calls`: the thread on which code of callers runs that they left with the store: the wakers of their
//! tasks, and what their subscriber does with events of the store's own threads.
//!
//! So whatever such code does, no append and no sync waits for it, and no lock is held meanwhile. While
//! it runs the next in line waits.

use super::caught::caught;
use super::emit::{Event, emit, wants};
use std::collections::VecDeque;
use std::sync::Arc;
use std::task::Waker;
use strandline_core::sync::atomic::{AtomicU64, Ordering};
use strandline_core::sync::{Condvar, Mutex, thread};
use tracing::Level;

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
    Event(Event),
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
    pub(super) fn tell(&self, event: Event) {
        let mut queue = self.0.queue.lock();
        if queue.events < TOLD_MAX {
            queue.events += 1;
            queue.calls.push_back(Call::Event(event));
            self.0.called(&mut queue);
        }
    }

    /// Counts something that was caught.
    pub(super) fn count_panic(&self) {
        self.0.count_panic();
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
                            self.count_panic();
                            // This thread is there for what subscribers do.
                            if wants(Level::ERROR) {
                                emit(Box::new(move || told_panic("a waker", &reason)));
                            }
                        }
                    }
                    Call::Event(event) => emit(event),
                }
            }
        }
    }

    fn count_panic(&self) {
        self.panics.fetch_add(1, Ordering::Relaxed);
    }
}

/// Tells the subscriber of a panic that was caught.
pub(super) fn told_panic(what: &'static str, reason: &str) {
    tracing::error!(what, reason, "caught a panic");
}
