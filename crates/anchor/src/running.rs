//! `RunningAnchors`: heads signed by a thread, now and then. Signs nothing itself: that is `anchors`'.

use crate::anchors::{AnchorError, Anchored, Anchors};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Weak};
use std::time::Duration;
use strandline::{Store, TreeHead};
use strandline_core::sync::thread::{self, JoinHandle};
use strandline_core::sync::{Condvar, Mutex};

/// How long after a failure the next try is at first; twice as long after each, and no longer than the interval.
const RETRY_FIRST: Duration = Duration::from_secs(1);
/// How long is waited at least: an interval of nothing is no busy loop.
const WAIT_MIN: Duration = Duration::from_millis(1);

/// A thread that signs heads of a store: what [`Anchors::start`] gives.
///
/// It reads the store as any reader does, so no append waits for it, and no place that does not answer holds one up. It
/// does not keep the store open, and ends with it. Dropping this ends it too, once a request that is under way is
/// answered, for which a witness has 30 seconds and a program as long as it takes.
#[derive(Debug)]
pub struct RunningAnchors {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

/// How a thread that signs heads gets on.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct AnchorsStatus {
    /// The head that was signed last, and kept in one place at least.
    pub head: Option<TreeHead>,
    /// When that was, by the store's clock, in milliseconds since 1970.
    pub signed_ms: Option<u64>,
    /// How many heads were signed and kept in one place at least.
    pub heads: u64,
    /// How many tries in a row have failed, in one place at least.
    pub failures: u32,
    /// Why the last one did, with where; `None` once one goes well.
    pub last_error: Option<String>,
    /// Whether a place has a head that the log does not go on from: nothing is signed until that ends. It asks for a
    /// person.
    pub is_refused: bool,
    /// Whether the thread has ended: the store was dropped, or a sink has panicked.
    pub has_ended: bool,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    status: AnchorsStatus,
    is_stopped: bool,
    is_hurried: bool,
}

impl Anchors {
    /// Signs a head now, and then each [interval](Self::interval) if the log has grown, by a thread of its own. A place
    /// that fails is tried again after a second, two, four, and at most the interval; the others are left in peace
    /// meanwhile. What is signed is what is durable then.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use std::time::Duration;
    /// use strandline::fs::OsFs;
    /// use strandline::{Coordinate, Event, EventKind, Store};
    /// use strandline_anchor::proof::SignerKey;
    /// use strandline_anchor::{Anchors, FileSink};
    ///
    /// # let dir = tempfile::tempdir()?;
    /// let store = Arc::new(Store::open(dir.path().join("orders.strand"))?);
    /// let key = SignerKey::from_seed("example.org/orders".parse()?, [7; 32]);
    /// let sink = FileSink::new(Arc::new(OsFs), dir.path().join("orders.heads"));
    /// let anchors = Anchors::new(key).sink(sink).interval(Duration::from_secs(60));
    /// let running = anchors.start(&store)?;
    ///
    /// let order = Coordinate::new("order:1042", "eu/payments")?;
    /// store.append(&order, Event::bytes(EventKind::new(1, 1), *b"x"))?;
    /// running.sign_soon();
    /// assert_eq!(running.status().last_error, None);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// If there is no thread to be had.
    pub fn start(self, store: &Arc<Store>) -> io::Result<RunningAnchors> {
        let shared = Arc::new(Shared::default());
        let (store, of_thread) = (Arc::downgrade(store), shared.clone());
        let thread = thread::Builder::new().name("strandline-anchors".to_owned());
        let thread = thread.spawn(move || {
            of_thread.work(self, &store);
            of_thread.state.lock().status.has_ended = true;
            of_thread.changed.notify_all();
        })?;
        Ok(RunningAnchors {
            shared,
            thread: Some(thread),
        })
    }
}

impl RunningAnchors {
    /// How it gets on. O(1), and no request.
    #[must_use]
    pub fn status(&self) -> AnchorsStatus {
        self.shared.state.lock().status.clone()
    }

    /// Has a head signed without waiting for the interval, wherever the log has grown since the last one. Returns at
    /// once: [`wait`](Self::wait) says how it went.
    pub fn sign_soon(&self) {
        self.shared.state.lock().is_hurried = true;
        self.shared.changed.notify_all();
    }

    /// Waits until the status is as `is_met` asks, and gives it; `None` if it is not after the timeout, or never will be
    /// because the thread has ended.
    pub fn wait(
        &self,
        timeout: Duration,
        mut is_met: impl FnMut(&AnchorsStatus) -> bool,
    ) -> Option<AnchorsStatus> {
        let mut state = self.shared.state.lock();
        let goes_on = |state: &mut State| !is_met(&state.status) && !state.status.has_ended;
        self.shared
            .changed
            .wait_while_for(&mut state, goes_on, timeout);
        is_met(&state.status).then(|| state.status.clone())
    }

    /// Ends the thread, once a request that is under way is answered, and says how it got on.
    #[must_use]
    pub fn stop(mut self) -> AnchorsStatus {
        self.end();
        self.status()
    }

    fn end(&mut self) {
        self.shared.state.lock().is_stopped = true;
        self.shared.changed.notify_all();
        if let Some(thread) = self.thread.take() {
            // What it was told before it panicked, if it did, is in the status.
            let _ = thread.join();
        }
    }
}

impl Drop for RunningAnchors {
    fn drop(&mut self) {
        self.end();
    }
}

impl Shared {
    fn work(&self, mut anchors: Anchors, store: &Weak<Store>) {
        let mut is_hurried = false;
        loop {
            let Some(open) = store.upgrade() else {
                return;
            };
            let signed = catch_unwind(AssertUnwindSafe(|| {
                // One that is opened to read only is shown what its writer has appended.
                open.refresh()?;
                match is_hurried {
                    true => anchors.catch_up(&open),
                    false => anchors.tick(&open),
                }
            }));
            let now_ms = open.clock().now_ms();
            // Nobody who closes the store is to wait for the next head.
            drop(open);
            let Ok(signed) = signed else {
                let mut state = self.state.lock();
                state.status.last_error = Some("a sink has panicked".to_owned());
                state.status.failures = state.status.failures.saturating_add(1);
                return;
            };
            let failures = self.note(&signed, now_ms);
            let wait = wait_after(failures, anchors.time_between());
            let mut state = self.state.lock();
            let is_idle = |state: &mut State| !state.is_stopped && !state.is_hurried;
            self.changed.wait_while_for(&mut state, is_idle, wait);
            if state.is_stopped {
                return;
            }
            is_hurried = std::mem::take(&mut state.is_hurried);
        }
    }

    /// Notes what a try came to, and gives how many have failed in a row.
    fn note(&self, signed: &Result<Option<Anchored>, AnchorError>, now_ms: u64) -> u32 {
        let error = match signed {
            Ok(None) => None,
            Ok(Some(anchored)) => anchored
                .failed
                .first()
                .map(|(place, error)| format!("{place}: {}", causes(error))),
            Err(error) => Some(causes(error)),
        };
        let mut state = self.state.lock();
        let status = &mut state.status;
        if let Ok(Some(anchored)) = signed
            && !anchored.kept.is_empty()
        {
            status.head = Some(*anchored.checkpoint.unverified().head());
            status.signed_ms = Some(now_ms);
            status.heads += 1;
        }
        status.is_refused = matches!(signed, Err(AnchorError::Refused { .. }));
        status.failures = match &error {
            Some(_) => status.failures.saturating_add(1),
            None => 0,
        };
        status.last_error.clone_from(&error);
        let (failures, head) = (status.failures, status.head);
        drop(state);
        self.changed.notify_all();
        tell(signed, error.as_deref(), head);
        failures
    }
}

/// How long until the next try.
fn wait_after(failures: u32, interval: Duration) -> Duration {
    let wait = match failures.checked_sub(1) {
        None => interval,
        Some(before) => RETRY_FIRST
            .saturating_mul(1 << before.min(20))
            .min(interval),
    };
    wait.max(WAIT_MIN)
}

/// An error and its causes.
fn causes(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(cause) => format!("{error}: {}", causes(cause)),
        None => error.to_string(),
    }
}

#[cfg(feature = "tracing")]
fn tell(
    signed: &Result<Option<Anchored>, AnchorError>,
    error: Option<&str>,
    head: Option<TreeHead>,
) {
    let told = || match (signed, error) {
        (Err(AnchorError::Refused { .. }), Some(error)) => {
            tracing::error!(
                error,
                "no head is signed: the log does not go on from one that is kept"
            );
        }
        (_, Some(error)) => tracing::warn!(error, "a head is not kept"),
        (Ok(Some(_)), None) => {
            tracing::info!(
                events = head.map(|head| head.size),
                "a head is signed and kept"
            );
        }
        _ => {}
    };
    // A subscriber that panics ends no thread.
    let _ = catch_unwind(AssertUnwindSafe(told));
}

#[cfg(not(feature = "tracing"))]
fn tell(_: &Result<Option<Anchored>, AnchorError>, _: Option<&str>, _: Option<TreeHead>) {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fails_is_tried_again_ever_later_up_to_the_interval() {
        let wait = |failures| wait_after(failures, Duration::from_secs(60)).as_secs();
        assert_eq!([0, 1, 2, 3, 6, 7, 99].map(wait), [60, 1, 2, 4, 32, 60, 60]);
        let short = Duration::from_millis(10);
        assert_eq!(wait_after(1, short), short);
    }
}
