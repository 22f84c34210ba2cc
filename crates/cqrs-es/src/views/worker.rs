//! `Worker`: a thread that does what waits for a disk, one piece after the other, for tasks that wait for it.

use crate::model::{Fault, unknown};
use cqrs_es::persist::PersistenceError;
use crossbeam_channel::{Sender, unbounded};
use strandline_core::fs::FileLock;
use strandline_core::sync::thread::{self, JoinHandle};
use tokio::sync::oneshot;

type Job = Box<dyn FnOnce() + Send>;

/// A thread that has a lock as long as it runs. Dropping it waits for what it was given, and lets the lock go.
#[derive(Debug)]
pub(super) struct Worker {
    /// None once it is dropped.
    jobs: Option<Sender<Job>>,
    thread: Option<JoinHandle<()>>,
}

impl Worker {
    /// # Errors
    ///
    /// `UnknownError` if the system gives no thread.
    pub(super) fn start(lock: Box<dyn FileLock>) -> Result<Self, PersistenceError> {
        let (jobs, given) = unbounded::<Job>();
        let builder = thread::Builder::new().name("strandline-views".to_owned());
        let thread = builder.spawn(move || {
            given.into_iter().for_each(|job| job());
            drop(lock);
        });
        Ok(Self {
            jobs: Some(jobs),
            thread: Some(thread.map_err(unknown)?),
        })
    }

    /// What `work` gives, on the thread. Once this was polled it is done, also where the future is dropped.
    ///
    /// # Errors
    ///
    /// As `work`; `UnknownError` if the thread has ended, since something panicked on it.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, PersistenceError> + Send + 'static,
    ) -> Result<T, PersistenceError> {
        let (give, given) = oneshot::channel();
        if let Some(jobs) = &self.jobs {
            // A thread that has ended drops it, and with it what answers.
            drop(jobs.send(Box::new(move || drop(give.send(work())))));
        }
        let gone = |_| unknown(Fault("the thread of the views has ended".to_owned()));
        given.await.map_err(gone)?
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        drop(self.jobs.take());
        if let Some(thread) = self.thread.take() {
            // One that panicked has let the lock go too.
            drop(thread.join());
        }
    }
}
