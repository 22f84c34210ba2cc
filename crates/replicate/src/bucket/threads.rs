//! `Threads`: the runtime that carries the requests of a bucket. Knows no request.

use super::attempt::Work;
use super::error::BucketError;
use super::pending::{Pending, pending};
use std::io;
use std::sync::Arc;
use tokio::runtime::{Builder, Runtime};

/// The threads of a bucket, and what their requests share.
pub(super) struct Threads {
    work: Arc<Work>,
    /// Taken when it is shut down.
    runtime: Option<Runtime>,
}

impl Threads {
    pub(super) fn start_all(work: Work, threads: usize) -> io::Result<Self> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(threads)
            .thread_name("strandline-bucket")
            .enable_all()
            .build()?;
        Ok(Self {
            work: Arc::new(work),
            runtime: Some(runtime),
        })
    }

    pub(super) fn work(&self) -> &Arc<Work> {
        &self.work
    }

    /// Starts `future`. `closed` makes the answer if the threads end first.
    pub(super) fn start<T: Send + 'static>(
        &self,
        closed: impl FnOnce(&Work) -> T + Send + 'static,
        future: impl Future<Output = T> + Send + 'static,
    ) -> Pending<T> {
        let work = Arc::clone(&self.work);
        let (completion, pending) = pending(move || closed(&work));
        if let Some(runtime) = &self.runtime {
            runtime.spawn(async move { completion.answer(future.await) });
        }
        pending
    }

    /// Starts the future that `future` makes for `request`, which is how errors name it.
    pub(super) fn start_fallible<T: Send + 'static, F>(
        &self,
        request: String,
        future: impl FnOnce(Arc<Work>, String) -> F,
    ) -> Pending<Result<T, BucketError>>
    where
        F: Future<Output = Result<T, BucketError>> + Send + 'static,
    {
        let future = future(Arc::clone(&self.work), request.clone());
        self.start(move |work| Err(work.closed(&request)), future)
    }

    /// Has `make` called where a runtime is at hand, for what asks for one when it is made.
    pub(super) fn inside<T>(&self, make: impl FnOnce() -> T) -> T {
        let _guard = self.runtime.as_ref().map(Runtime::enter);
        make()
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        // Without waiting: the last clone of a bucket may be dropped on one of these threads or on one of another
        // runtime.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
