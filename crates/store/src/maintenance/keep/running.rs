//! `keep` and `RunningRetention`: the thread that follows rules, and its handle.

use super::options::KeepOptions;
use super::status::RetentionStatus;
use crate::maintenance::rewrite::{Compacted, Limit, Outlook, Retention, follow_rules};
use crate::trace;
use crate::{Error, ErrorKind, Store};
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Weak};
use std::time::Duration;
use strandline_core::sync::thread::{self, JoinHandle};
use strandline_core::sync::{Condvar, Mutex};
use tracing::Level;

/// How long after a failure the next run is at first; twice as long after each, and no longer than the interval.
const RETRY_FIRST: Duration = Duration::from_secs(1);
/// How long is waited at least: an interval of nothing is no busy loop.
const WAIT_MIN: Duration = Duration::from_millis(1);

/// A thread that follows rules: what [`keep`] gives.
///
/// It does not keep the store open, and ends with it; while a run is under way it holds an `Arc` of the store, so drop
/// this before a store is taken out of its `Arc` to be closed. Dropping this ends the thread: a run that is under way is
/// cancelled with nothing changed, or, once it has begun to replace segments, is done.
#[derive(Debug)]
pub struct RunningRetention {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    status: RetentionStatus,
    is_stopped: bool,
    is_hurried: bool,
}

/// Follows `rules` now, and then each interval, by a thread of its own, while the store is used: what they do not keep
/// is removed as by [`compact()`](crate::maintenance::compact()). Rules by age are right for it
/// ([`Retention::keep_for`]), as a time that is fixed once stays where it was.
///
/// Runs never overlap, with each other or with other compactions and redactions of the store: one waits for the other.
/// A run at which nothing can have to go, as nothing was appended and nothing got too old since the last one, costs a
/// look at one row; another one costs what a compaction does. One that fails is tried again after a second, two, four,
/// and at most the interval, and so is one that would leave nothing of the store, unless
/// [`KeepOptions::may_remove_all`] is said.
///
/// ```
/// use std::sync::Arc;
/// use std::time::Duration;
/// use strandline::maintenance::{KeepOptions, Retention, keep};
/// use strandline::{Coordinate, Event, EventKind, Store};
///
/// let dir = tempfile::tempdir()?;
/// let store = Arc::new(Store::open(dir.path().join("meters.strand"))?);
/// let meter = Coordinate::new("meter:7", "eu/grid")?;
/// for reading in [b"1", b"2", b"3"] {
///     store.append(&meter, Event::bytes(EventKind::new(1, 1), *reading))?;
/// }
/// let rules = Retention::new().keep_newest(1);
/// let every = KeepOptions::new().every(Duration::from_secs(600));
/// let running = keep(&store, &rules, &every)?;
///
/// let status = running.wait(Duration::from_secs(30), |status| status.events == 2);
/// assert!(status.is_some_and(|status| status.last_error.is_none()));
/// assert_eq!(store.snapshot().len(), 1);
/// drop(running);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// [`ErrorKind::InvalidInput`] for rules that [`compact()`](crate::maintenance::compact()) refuses whatever is in the
/// store; [`ErrorKind::ReadOnly`]; [`ErrorKind::Io`] if there is no thread to be had.
pub fn keep(
    store: &Arc<Store>,
    rules: &Retention,
    options: &KeepOptions,
) -> Result<RunningRetention, Error> {
    rules.check()?;
    if store.shared().writer.is_none() {
        let message = "a store that is open to read only removes nothing; open it to write";
        return Err(Error::new(ErrorKind::ReadOnly, message));
    }
    let shared = Arc::new(Shared::default());
    let keeping = Keeping {
        rules: rules.clone(),
        options: *options,
        outlook: None,
        shared: shared.clone(),
    };
    let of_thread = Arc::downgrade(store);
    let thread = thread::Builder::new().name("strandline-keep".to_owned());
    let thread = thread.spawn(move || keeping.work(&of_thread));
    let thread = thread.map_err(|error| Error::io("start a thread for", store.dir(), error))?;
    Ok(RunningRetention {
        shared,
        thread: Some(thread),
    })
}

impl RunningRetention {
    /// How it gets on. O(1), and waits for no run.
    #[must_use]
    pub fn status(&self) -> RetentionStatus {
        self.shared.state.lock().status.clone()
    }

    /// Has the rules followed without waiting for the interval. Returns at once: [`wait`](Self::wait) says how it went.
    pub fn run_soon(&self) {
        self.shared.state.lock().is_hurried = true;
        self.shared.changed.notify_all();
    }

    /// Waits until the status is as `is_met` asks, and gives it; `None` if it is not after the timeout, or never will be
    /// because the thread has ended.
    pub fn wait(
        &self,
        timeout: Duration,
        mut is_met: impl FnMut(&RetentionStatus) -> bool,
    ) -> Option<RetentionStatus> {
        let mut state = self.shared.state.lock();
        let goes_on = |state: &mut State| !is_met(&state.status) && !state.status.has_ended;
        let changed = &self.shared.changed;
        changed.wait_while_for(&mut state, goes_on, timeout);
        is_met(&state.status).then(|| state.status.clone())
    }

    /// Ends the thread, as dropping this does, and says how it got on.
    #[must_use]
    pub fn stop(mut self) -> RetentionStatus {
        self.end();
        self.status()
    }

    fn end(&mut self) {
        self.shared.state.lock().is_stopped = true;
        self.shared.changed.notify_all();
        if let Some(thread) = self.thread.take()
            // It is dropped by what the thread itself drops: the last handle of a store that has it beside it.
            && thread.thread().id() != thread::current().id()
        {
            // What it was told before it panicked, if it did, is in the status.
            let _ = thread.join();
        }
    }
}

impl Drop for RunningRetention {
    fn drop(&mut self) {
        self.end();
    }
}

/// What the thread knows.
struct Keeping {
    rules: Retention,
    options: KeepOptions,
    /// What is known since the last run that went well.
    outlook: Option<Outlook>,
    shared: Arc<Shared>,
}

impl Keeping {
    fn work(mut self, store: &Weak<Store>) {
        while self.run_and_wait(store).is_continue() {}
        let mut state = self.shared.state.lock();
        state.status.has_ended = true;
        state.status.next_ms = None;
        drop(state);
        self.shared.changed.notify_all();
    }

    fn run_and_wait(&mut self, store: &Weak<Store>) -> ControlFlow<()> {
        let Some(open) = store.upgrade() else {
            return ControlFlow::Break(());
        };
        let ran = catch_unwind(AssertUnwindSafe(|| {
            let ran = self.run(&open);
            (ran, open.clock().now_ms())
        }));
        let wait = match ran {
            Ok((ran, now_ms)) => self.note(ran, now_ms),
            Err(_) => None,
        };
        // Nobody who closes the store is to wait for the next run.
        drop(open);
        let Some(wait) = wait else {
            let mut state = self.shared.state.lock();
            state.status.failures = state.status.failures.saturating_add(1);
            state.status.last_error = Some("code of the caller's has panicked".to_owned());
            return ControlFlow::Break(());
        };
        let mut state = self.shared.state.lock();
        let is_idle = |state: &mut State| !state.is_stopped && !state.is_hurried;
        self.shared
            .changed
            .wait_while_for(&mut state, is_idle, wait);
        state.is_hurried = false;
        state.status.next_ms = None;
        match state.is_stopped {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        }
    }

    /// Follows the rules, unless nothing can have to go.
    fn run(&mut self, store: &Store) -> Result<Option<Compacted>, Error> {
        let now_ms = store.clock().now_ms();
        let is_nothing = |outlook: &Outlook| outlook.is_nothing(&store.snapshot(), now_ms);
        if self.outlook.as_ref().is_some_and(is_nothing) {
            return Ok(None);
        }
        let shared = self.shared.clone();
        let limit = match self.options.may_remove_all {
            true => Limit::None,
            false => Limit::NotEverything,
        };
        self.outlook = None;
        let followed = follow_rules(store, &self.rules, limit, &mut |_| match shared
            .state
            .lock()
            .is_stopped
        {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        });
        let (done, outlook) = followed?;
        self.outlook = Some(outlook);
        Ok(Some(done))
    }

    /// Notes what a run came to, and gives how long it is until the next.
    fn note(&self, ran: Result<Option<Compacted>, Error>, now_ms: u64) -> Option<Duration> {
        let is_stopped = self.shared.state.lock().is_stopped;
        let mut state = self.shared.state.lock();
        let status = &mut state.status;
        status.runs += 1;
        let failed = match ran {
            // It was stopped, which is no failure.
            Err(_) if is_stopped => None,
            Err(error) => Some(error),
            Ok(done) => {
                status.last_run_ms = Some(now_ms);
                (status.failures, status.last_error, status.last_error_kind) = (0, None, None);
                if let Some(done) = done.filter(|done| done.events + done.headers > 0) {
                    status.events += done.events;
                    status.headers += done.headers;
                    status.last_removal = Some(done);
                }
                None
            }
        };
        if let Some(error) = &failed {
            status.failures = status.failures.saturating_add(1);
            status.last_error = Some(causes(error));
            status.last_error_kind = Some(error.kind());
        }
        let failures = status.failures;
        let wait = wait_after(failures, self.options.every);
        let wait_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
        status.next_ms = Some(now_ms.saturating_add(wait_ms));
        let reason = status.last_error.clone();
        drop(state);
        self.shared.changed.notify_all();
        if let (Some(_), Some(error)) = (failed, reason) {
            trace::tell(Level::WARN, move || {
                tracing::warn!(
                    error,
                    failures,
                    delay_ms = wait_ms,
                    "rules were not followed"
                );
            });
        }
        Some(wait)
    }
}

/// How long until the next run.
fn wait_after(failures: u32, every: Duration) -> Duration {
    let wait = match failures.checked_sub(1) {
        None => every,
        Some(before) => RETRY_FIRST.saturating_mul(1 << before.min(20)).min(every),
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

#[cfg(test)]
#[cfg(not(strandline_loom))]
mod tests {
    use super::*;

    #[test]
    fn what_fails_is_tried_again_ever_later_up_to_the_interval() {
        let wait = |failures| wait_after(failures, Duration::from_secs(60)).as_secs();
        assert_eq!([0, 1, 2, 3, 6, 7, 99].map(wait), [60, 1, 2, 4, 32, 60, 60]);
        let short = Duration::from_millis(10);
        assert_eq!(wait_after(1, short), short);
        assert_eq!(wait_after(0, Duration::ZERO), WAIT_MIN);
    }
}
