//! `Running`: work on a thread, watched and stopped from another.

use super::perform::perform;
use crate::protocol::{ProgressTold, Request};
use serde_json::Value;
use std::io;
use std::ops::ControlFlow;
use std::os::unix::net::UnixStream;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;
use strandline::maintenance::Progress;
use strandline::{Clock as _, Error, ErrorKind, Store, SystemClock};
use strandline_core::sync::Mutex;
use strandline_core::sync::thread::{self, JoinHandle};

/// How often who listens is woken by progress.
const TELL_INTERVAL: Duration = Duration::from_millis(100);

/// Wakes the thread that listens, by a byte in a pipe.
#[derive(Debug, Clone)]
pub(crate) struct Waker(Arc<UnixStream>);

impl Waker {
    /// The waker, and the end that becomes readable when it wakes.
    pub(crate) fn pair() -> io::Result<(Self, UnixStream)> {
        let (to, from) = UnixStream::pair()?;
        to.set_nonblocking(true)?;
        from.set_nonblocking(true)?;
        Ok((Self(Arc::new(to)), from))
    }

    pub(crate) fn wake(&self) {
        // Where it is full it is readable.
        let _ = rustix::net::send(&*self.0, &[1], rustix::net::SendFlags::NOSIGNAL);
    }
}

/// What the two threads share.
#[derive(Debug, Default)]
struct State {
    progress: Option<ProgressTold>,
    /// Whether there is progress that was not taken yet.
    is_new: bool,
    is_cancelled: bool,
    came_to: Option<Result<Value, Error>>,
}

/// Work that was begun.
#[derive(Debug)]
pub(crate) struct Running {
    pub(crate) request: Request,
    pub(crate) asked_by: u32,
    pub(crate) since_ms: u64,
    state: Arc<Mutex<State>>,
    thread: JoinHandle<()>,
}

/// Work that has ended.
#[derive(Debug)]
pub(crate) struct Finished {
    pub(crate) request: Request,
    pub(crate) asked_by: u32,
    pub(crate) since_ms: u64,
    pub(crate) came_to: Result<Value, Error>,
}

impl Running {
    /// Begins work on a store, which stays open until it has ended.
    pub(crate) fn start(
        store: Arc<Store>,
        request: Request,
        asked_by: u32,
        waker: Waker,
    ) -> Result<Self, Error> {
        let since_ms = SystemClock::default().now_ms();
        let state = Arc::new(Mutex::new(State::default()));
        let (of_thread, asked) = (state.clone(), request.clone());
        let thread = thread::Builder::new().name("strandline-work".to_owned());
        let thread = thread.spawn(move || {
            let worked = catch_unwind(AssertUnwindSafe(|| {
                work(&store, &asked, &of_thread, &waker)
            }));
            let came_to = worked.unwrap_or_else(|_| {
                Err(Error::new(
                    ErrorKind::Unknown,
                    format!(
                        "the {} panicked; `strandline verify` says what the store is",
                        asked.name()
                    ),
                ))
            });
            // Before it is told, so that who waits for the end can close the store.
            drop(store);
            of_thread.lock().came_to = Some(came_to);
            waker.wake();
        });
        let thread = thread.map_err(|error| {
            Error::new(ErrorKind::NotWritten, "there is no thread to be had").with_source(error)
        })?;
        Ok(Self {
            request,
            asked_by,
            since_ms,
            state,
            thread,
        })
    }

    /// Has it stop at the next point at which it can.
    pub(crate) fn cancel(&self) {
        self.state.lock().is_cancelled = true;
    }

    pub(crate) fn is_cancelled(&self) -> bool {
        self.state.lock().is_cancelled
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.state.lock().came_to.is_some()
    }

    /// How far it is, where that was told.
    pub(crate) fn progress(&self) -> Option<ProgressTold> {
        self.state.lock().progress
    }

    /// How far it is, if that is news.
    pub(crate) fn new_progress(&self) -> Option<ProgressTold> {
        let mut state = self.state.lock();
        let is_new = std::mem::take(&mut state.is_new);
        state.progress.filter(|_| is_new)
    }

    /// Waits for its end.
    pub(crate) fn finish(self) -> Finished {
        // What it came to is there though the thread panicked.
        let _ = self.thread.join();
        let came_to = self.state.lock().came_to.take();
        Finished {
            request: self.request,
            asked_by: self.asked_by,
            since_ms: self.since_ms,
            came_to: came_to.unwrap_or_else(|| {
                Err(Error::new(
                    ErrorKind::Unknown,
                    "what it came to is not known",
                ))
            }),
        }
    }
}

/// Does it, tells how far it is, and stops when that is asked for.
fn work(
    store: &Store,
    request: &Request,
    state: &Mutex<State>,
    waker: &Waker,
) -> Result<Value, Error> {
    let clock = SystemClock::default();
    let mut tell_at = Duration::ZERO;
    perform(store, request, &mut |progress: Progress| {
        let now = clock.elapsed();
        let is_due = now >= tell_at;
        {
            let mut state = state.lock();
            if state.is_cancelled {
                return ControlFlow::Break(());
            }
            state.progress = Some(progress.into());
            state.is_new |= is_due;
        }
        if is_due {
            tell_at = now + TELL_INTERVAL;
            waker.wake();
        }
        ControlFlow::Continue(())
    })
}
