//! `Job`: work that takes as long as the store is large, on a thread of its own, so that no request waits for it.
//!
//! What took long is not begun again for ten times as long, however often it is asked for, so that looking at a large
//! store takes a tenth of a processor at most. One at a time: who asks for the same meanwhile is told how far it is, and who asks for other work waits for his turn.

use parking_lot::{Condvar, Mutex};
use std::fmt;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::thread;
use std::time::Duration;
use strandline::Clock;
use strandline::maintenance::{OnProgress, Progress};

/// Work of one kind, and what came of it last. `K` says what was asked for.
pub(crate) struct Job<K, T> {
    name: &'static str,
    clock: Arc<dyn Clock>,
    shared: Arc<Shared<K, T>>,
}

struct Shared<K, T> {
    state: Mutex<State<K, T>>,
    changed: Condvar,
}

/// For how many times as long as work took it is not begun again.
const REST_TIMES: u32 = 10;

struct State<K, T> {
    running: Option<(K, Option<Progress>)>,
    done: Option<Done<K, T>>,
}

struct Done<K, T> {
    key: K,
    result: Arc<T>,
    at: Duration,
    took: Duration,
}

/// What is known of work.
#[derive(Debug)]
pub(crate) struct Seen<T> {
    /// What came of it, and how long ago that was.
    pub(crate) done: Option<(Arc<T>, Duration)>,
    /// Whether it is at work now.
    pub(crate) is_running: bool,
    /// How far it is, if it has said so.
    pub(crate) progress: Option<Progress>,
}

impl<K, T> fmt::Debug for Job<K, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Job")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl<K: Clone + PartialEq + Send + 'static, T: Send + Sync + 'static> Job<K, T> {
    /// Work that was not done yet.
    pub(crate) fn new(name: &'static str, clock: Arc<dyn Clock>) -> Self {
        let state = State {
            running: None,
            done: None,
        };
        Self {
            name,
            clock,
            shared: Arc::new(Shared {
                state: Mutex::new(state),
                changed: Condvar::new(),
            }),
        }
    }

    /// What is known of the work for `key`; begins nothing.
    pub(crate) fn seen(&self, key: &K) -> Seen<T> {
        self.of(&self.shared.state.lock(), key)
    }

    /// What comes of the work for `key`, which is begun unless it is at work, or was done less than `fresh` ago, or less than
    /// ten times as long ago as it took. Waits for it, but not for longer than `wait`.
    pub(crate) fn ask(
        &self,
        key: &K,
        fresh: Duration,
        wait: Duration,
        work: impl FnOnce(OnProgress<'_>) -> T + Send + 'static,
    ) -> Seen<T> {
        let mut state = self.shared.state.lock();
        let seen = self.of(&state, key);
        let took = state.done.as_ref().map_or(Duration::ZERO, |done| done.took);
        let fresh = fresh.max(took.saturating_mul(REST_TIMES));
        let is_fresh = seen.done.as_ref().is_some_and(|(_, age)| *age < fresh);
        if is_fresh {
            return seen;
        }
        if state.running.is_none() {
            state.running = Some((key.clone(), None));
            drop(state);
            self.start(key.clone(), work);
            state = self.shared.state.lock();
        }
        let end = self.clock.elapsed().saturating_add(wait);
        let is_at_work = |state: &State<K, T>| {
            state
                .running
                .as_ref()
                .is_some_and(|(running, _)| running == key)
        };
        while is_at_work(&state) {
            let left = end.saturating_sub(self.clock.elapsed());
            if left.is_zero() || self.shared.changed.wait_for(&mut state, left).timed_out() {
                break;
            }
        }
        self.of(&state, key)
    }

    fn of(&self, state: &State<K, T>, key: &K) -> Seen<T> {
        let now = self.clock.elapsed();
        let done = state.done.as_ref().filter(|done| done.key == *key);
        let running = state.running.as_ref().filter(|(running, _)| running == key);
        Seen {
            done: done.map(|done| (done.result.clone(), now.saturating_sub(done.at))),
            is_running: running.is_some(),
            progress: running.and_then(|(_, progress)| *progress),
        }
    }

    fn start(&self, key: K, work: impl FnOnce(OnProgress<'_>) -> T + Send + 'static) {
        let (shared, clock) = (self.shared.clone(), self.clock.clone());
        let run = move || {
            // Says that nothing runs any more, also where the work panics.
            let ended = Ended(&shared);
            let begun = clock.elapsed();
            let result = work(&mut |progress| {
                if let Some((_, told)) = &mut shared.state.lock().running {
                    *told = Some(progress);
                }
                ControlFlow::Continue(())
            });
            let at = clock.elapsed();
            shared.state.lock().done = Some(Done {
                key,
                result: Arc::new(result),
                took: at.saturating_sub(begun),
                at,
            });
            drop(ended);
        };
        let started = thread::Builder::new()
            .name(format!("inspector-{}", self.name))
            .spawn(run);
        if started.is_err() {
            self.shared.state.lock().running = None;
        }
    }
}

struct Ended<'a, K, T>(&'a Shared<K, T>);

impl<K, T> Drop for Ended<'_, K, T> {
    fn drop(&mut self) {
        self.0.state.lock().running = None;
        self.0.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::channel;
    use strandline::{ManualClock, SystemClock};

    #[test]
    fn whoever_asks_meanwhile_does_not_begin_it_again() {
        let job = Job::<u8, &str>::new("test", Arc::new(SystemClock::default()));
        let (go, wait) = channel::<()>();
        let first = job.ask(&1, Duration::MAX, Duration::ZERO, move |_| {
            let _ = wait.recv();
            "first"
        });
        assert!(first.is_running && first.done.is_none());
        let second = job.ask(&1, Duration::MAX, Duration::ZERO, |_| "second");
        assert!(second.is_running);
        let other = job.ask(&2, Duration::MAX, Duration::ZERO, |_| "other");
        assert!(!other.is_running && other.done.is_none());
        go.send(()).unwrap();
        let last = job.ask(&1, Duration::MAX, Duration::from_secs(20), |_| "third");
        assert_eq!(last.done.map(|(result, _)| *result), Some("first"));
        assert!(!job.seen(&1).is_running);
    }

    /// Cause: names of a large store were counted every two seconds, which took a second.
    #[test]
    fn what_took_long_is_not_begun_again_soon() {
        let clock = Arc::new(ManualClock::new(0));
        let job = Job::<u8, u8>::new("test", clock.clone());
        let ask = |result: u8, at_ms: u64, takes_ms: u64| {
            clock.set(at_ms);
            let during = clock.clone();
            let (fresh, wait) = (Duration::from_secs(2), Duration::from_secs(20));
            let seen = job.ask(&1, fresh, wait, move |_| {
                during.set(at_ms + takes_ms);
                result
            });
            seen.done.map(|(result, _)| *result)
        };
        assert_eq!(ask(1, 0, 1_000), Some(1));
        assert_eq!(ask(2, 10_000, 0), Some(1));
        assert_eq!(ask(3, 12_000, 0), Some(3));
        assert_eq!(ask(4, 14_001, 0), Some(4));
    }

    #[test]
    fn work_that_panics_does_not_block_the_next() {
        let job = Job::<u8, u8>::new("test", Arc::new(SystemClock::default()));
        let wait = Duration::from_secs(20);
        assert!(
            job.ask(&1, Duration::MAX, wait, |_| panic!("broken"))
                .done
                .is_none()
        );
        let next = job.ask(&1, Duration::MAX, wait, |_| 7);
        assert_eq!(next.done.map(|(result, _)| *result), Some(7));
    }
}
