//! Requests of the protocol made of a bucket, and what its answers are to it.

use super::backoff::Backoff;
use super::error::ReplicateError;
use crate::bucket::{Bucket, BucketError, PutAnswer};
use crate::protocol::{Answer, Request};
use bytes::Bytes;
use std::time::Duration;
use strandline_core::sync::atomic::{AtomicBool, Ordering};
use strandline_core::sync::thread;

/// What a bucket answered: for the protocol, and the error for people where it is unclear.
pub(crate) type Answered = (Answer<Bytes>, Option<BucketError>);

/// Makes a request and waits for its answer.
fn ask(bucket: &Bucket, request: &Request<Bytes>) -> Answered {
    match request {
        Request::Put { key, content } => put(bucket.put_new(&key.to_string(), content.clone())),
        Request::Get { .. } | Request::List(_) => match crate::ask::ask(bucket, request) {
            Ok(answer) => (answer, None),
            Err(error) => (Answer::Unclear, Some(error)),
        },
    }
}

/// Starts a request; `then` is called with its answer, on a thread of the bucket. A listing is waited for: no
/// shipper asks for one.
pub(crate) fn start(
    bucket: &Bucket,
    request: Request<Bytes>,
    then: impl FnOnce(Answered) + Send + 'static,
) {
    match request {
        Request::Put { key, content } => bucket
            .start_put(&key.to_string(), content)
            .then(move |answer| then(put(answer))),
        Request::Get { key } => bucket
            .start_get(&key.to_string())
            .then(move |answer| then(got(answer))),
        Request::List(_) => then(ask(bucket, &request)),
    }
}

fn put(answer: PutAnswer) -> Answered {
    match answer {
        PutAnswer::Created => (Answer::Created, None),
        PutAnswer::Exists => (Answer::Exists, None),
        PutAnswer::Unclear(error) => (Answer::Unclear, Some(error)),
    }
}

fn got(answer: Result<Option<Bytes>, BucketError>) -> Answered {
    match answer {
        Ok(Some(content)) => (Answer::Found(content), None),
        Ok(None) => (Answer::Absent, None),
        Err(error) => (Answer::Unclear, Some(error)),
    }
}

/// Where a shipper that waits looks whether it is to stop.
#[derive(Debug, Default)]
pub(crate) struct Stop(AtomicBool);

impl Stop {
    pub(crate) fn stop(&self) {
        // Relaxed: nothing is handed over by it.
        self.0.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_stopped(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// An error once it is to stop, for what reads while it is sent.
    pub(crate) fn check(&self) -> std::io::Result<()> {
        match self.is_stopped() {
            true => Err(std::io::Error::other("the shipper was stopped")),
            false => Ok(()),
        }
    }

    /// Waits, or less if it is to stop.
    ///
    /// # Errors
    ///
    /// [`ReplicateError::Stopped`].
    pub(crate) fn wait(&self, time: Duration) -> Result<(), ReplicateError> {
        const STEP: Duration = Duration::from_millis(20);
        let mut left = time;
        while !left.is_zero() && !self.is_stopped() {
            let step = left.min(STEP);
            thread::sleep(step);
            left = left.saturating_sub(step);
        }
        match self.is_stopped() {
            true => Err(ReplicateError::Stopped),
            false => Ok(()),
        }
    }
}

/// Makes requests one after another; an unclear answer is followed by a wait.
pub(crate) struct Patient<'a> {
    pub(crate) bucket: &'a Bucket,
    pub(crate) backoff: &'a mut Backoff,
    pub(crate) stop: &'a Stop,
    /// Told of errors that a wait follows.
    pub(crate) note: &'a dyn Fn(&ReplicateError, Duration),
}

impl Patient<'_> {
    /// The answer to a request; an unclear one after a wait.
    ///
    /// # Errors
    ///
    /// [`ReplicateError::Stopped`], and what waiting does not mend: refused credentials are waited for, as somebody
    /// may renew them.
    pub(crate) fn ask(
        &mut self,
        request: &Request<Bytes>,
    ) -> Result<Answer<Bytes>, ReplicateError> {
        let (answer, error) = ask(self.bucket, request);
        match error {
            Some(error) => self.failed(&ReplicateError::Bucket(error))?,
            // That nothing is there is no progress: it is what a PUT that is refused is compared with.
            None if answer == Answer::Absent => {}
            None => self.backoff.reset(),
        }
        Ok(answer)
    }

    /// Waits after a failure.
    pub(crate) fn failed(&mut self, error: &ReplicateError) -> Result<(), ReplicateError> {
        let delay = self.backoff.next();
        (self.note)(error, delay);
        self.stop.wait(delay)
    }
}
