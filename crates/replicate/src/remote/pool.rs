//! `Pool`: a few threads that wait for requests. Knows nothing of what these are.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use strandline_core::sync::{Condvar, Mutex, thread};

type Job = Box<dyn FnOnce() + Send>;

/// Threads that are started when there is work, and end with the pool.
///
/// A job that runs then runs to its end; one that waits is dropped.
pub(super) struct Pool {
    shared: Arc<Shared>,
    threads_max: usize,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    work: Condvar,
}

#[derive(Default)]
struct State {
    jobs: VecDeque<Job>,
    threads: usize,
    idle: usize,
    is_over: bool,
}

impl Pool {
    pub(super) fn new(threads_max: usize) -> Self {
        Self {
            shared: Arc::default(),
            threads_max,
        }
    }

    /// Whether there is so much work that what is only a guess is better left.
    pub(super) fn is_busy(&self) -> bool {
        self.shared.state.lock().jobs.len() >= self.threads_max
    }

    /// Has a job done, on a thread of the pool; here if no thread can be had.
    pub(super) fn run(&self, job: Job) {
        let mut state = self.shared.state.lock();
        let is_short = state.idle <= state.jobs.len() && state.threads < self.threads_max;
        if is_short {
            let shared = self.shared.clone();
            let builder = thread::Builder::new().name("strandline-fetch".to_owned());
            if builder.spawn(move || shared.work()).is_ok() {
                state.threads += 1;
            }
        }
        if state.threads == 0 {
            drop(state);
            return job();
        }
        state.jobs.push_back(job);
        drop(state);
        self.shared.work.notify_one();
    }
}

impl Shared {
    fn work(&self) {
        let mut state = self.state.lock();
        while !state.is_over {
            match state.jobs.pop_front() {
                Some(job) => {
                    drop(state);
                    // A panic must not take the thread: others wait for what is behind in the queue.
                    let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(job));
                    state = self.state.lock();
                }
                None => {
                    state.idle += 1;
                    self.work.wait(&mut state);
                    state.idle -= 1;
                }
            }
        }
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        let mut state = self.shared.state.lock();
        state.is_over = true;
        let left = std::mem::take(&mut state.jobs);
        drop(state);
        self.shared.work.notify_all();
        // Without the lock: what waits for one of them is told by its drop.
        drop(left);
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool")
            .field("threads_max", &self.threads_max)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Barrier, mpsc};

    #[test]
    fn as_many_jobs_run_at_once_as_there_are_threads() {
        let pool = Pool::new(4);
        let all = Arc::new(Barrier::new(5));
        for _ in 0..4 {
            let all = all.clone();
            pool.run(Box::new(move || {
                all.wait();
            }));
        }
        all.wait();
    }

    #[test]
    fn a_panic_takes_no_thread_and_what_waits_at_the_end_is_dropped() {
        let pool = Pool::new(1);
        let (sender, receiver) = mpsc::channel();
        let (begun, is_begun) = mpsc::channel();
        let held = Arc::new(Barrier::new(2));
        pool.run(Box::new(|| panic!("a source that panics")));
        let in_job = held.clone();
        pool.run(Box::new(move || {
            begun.send(()).unwrap();
            in_job.wait();
        }));
        pool.run(Box::new(move || sender.send(()).unwrap()));
        is_begun.recv().unwrap();
        drop(pool);
        assert!(receiver.recv().is_err(), "it was dropped unsent");
        held.wait();
    }
}
