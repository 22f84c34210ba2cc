//! Requests of the protocol made of a bucket, and what its answers are to it.

use super::backoff::Backoff;
use super::denials::Denials;
use super::error::ReplicateError;
use crate::bucket::{Bucket, BucketError, Listed, Pending, PutAnswer};
use crate::object::Key;
use crate::protocol::{Answer, Request};
use bytes::Bytes;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use strandline_core::sync::atomic::{AtomicBool, Ordering};
use strandline_core::sync::thread;

/// What a bucket answered: for the protocol, and the error for people where it is unclear.
pub(crate) type Answered = (Answer<Bytes>, Option<BucketError>);

/// Makes a request and waits for its answer; `None` once it is to stop.
fn ask(bucket: &Bucket, stop: &Stop, request: &Request<Bytes>) -> Option<Answered> {
    let is_over = &|| stop.is_stopped();
    match request {
        Request::Put { key, content } => {
            let started = bucket.start_put(&key.to_string(), content.clone());
            started.wait_unless(is_over).map(put)
        }
        Request::Get { key } => {
            let started = bucket.start_get(&key.to_string());
            started.wait_unless(is_over).map(got)
        }
        Request::List(listing) => {
            let started = crate::ask::start_list(bucket, listing);
            started.wait_unless(is_over).map(listed)
        }
    }
}

/// Starts a request; `then` is called with its answer, on a thread of the bucket.
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
        Request::List(listing) => {
            crate::ask::start_list(bucket, &listing).then(move |answer| then(listed(answer)))
        }
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

fn listed(answer: Result<Vec<Listed>, BucketError>) -> Answered {
    match answer {
        Ok(listed) => (Answer::Listed(crate::ask::numbers(&listed)), None),
        Err(error) => (Answer::Unclear, Some(error)),
    }
}

/// Where a shipper that waits looks whether it is to stop.
#[derive(Debug, Default)]
pub(crate) struct Stop {
    is_stopped: AtomicBool,
    /// It is to stop with that, too.
    with: Option<Arc<Self>>,
}

impl Stop {
    pub(crate) fn stop(&self) {
        // Relaxed: nothing is handed over by it.
        self.is_stopped.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_stopped(&self) -> bool {
        self.is_stopped.load(Ordering::Relaxed)
            || self.with.as_ref().is_some_and(|with| with.is_stopped())
    }

    /// One of a part of what is to stop with `with`, and may stop before.
    pub(crate) fn with(with: Arc<Self>) -> Self {
        Self {
            is_stopped: AtomicBool::new(false),
            with: Some(with),
        }
    }

    /// The answer to a request.
    ///
    /// # Errors
    ///
    /// Its error; [`ReplicateError::Stopped`] once it is to stop, with the request left under way.
    pub(crate) fn during<T>(
        &self,
        pending: Pending<Result<T, BucketError>>,
    ) -> Result<T, ReplicateError> {
        let answer = pending.wait_unless(&|| self.is_stopped());
        Ok(answer.ok_or(ReplicateError::Stopped)??)
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

/// Does something if the thread panics that has it.
pub(crate) struct OnPanic<F: Fn()>(pub(crate) F);

impl<F: Fn()> Drop for OnPanic<F> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0();
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
    pub(crate) refused: Refused<Key>,
    /// None once the bucket has been of use.
    pub(crate) denials: &'a mut Option<Denials>,
}

/// What was refused as being there, to be known again where it is not: whoever asks in turns, and waits for nothing, would
/// do so for ever.
#[derive(Debug)]
pub(crate) struct Refused<K>(BTreeSet<K>);

impl<K> Default for Refused<K> {
    fn default() -> Self {
        Self(BTreeSet::new())
    }
}

impl<K: Ord> Refused<K> {
    /// Notes what was answered of an object, and says whether it was refused as being there before and is not.
    pub(crate) fn note(&mut self, of: K, answer: &Answer<Bytes>) -> bool {
        match answer {
            Answer::Exists => {
                self.0.insert(of);
                false
            }
            Answer::Absent => self.0.remove(&of),
            _ => {
                self.0.remove(&of);
                false
            }
        }
    }
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
        let answered = ask(self.bucket, self.stop, request);
        let (answer, error) = answered.ok_or(ReplicateError::Stopped)?;
        if let Some(error) = error {
            self.failed(ReplicateError::Bucket(error))?;
            return Ok(answer);
        }
        // One that may read and not write is of no use: a listing says nothing.
        if matches!(answer, Answer::Created) {
            *self.denials = None;
        }
        if let Request::Put { key, .. } | Request::Get { key } = request
            && self.refused.note(key.clone(), &answer)
        {
            self.failed(ReplicateError::Contradictory(key.clone()))?;
        }
        // That something is there, or nothing, is no progress: so a PUT is refused, and so it is compared.
        if !matches!(answer, Answer::Absent | Answer::Exists) {
            self.backoff.reset();
        }
        Ok(answer)
    }

    /// The key of the first object that is under one of these, if there is any. A request for each 1,000 objects.
    pub(crate) fn first_under(
        &mut self,
        fronts: &[&str],
    ) -> Result<Option<String>, ReplicateError> {
        for front in fronts {
            let listed = self.listed(|bucket| bucket.start_list(front, None))?;
            if let Some(first) = listed.into_iter().next() {
                return Ok(Some(first.key));
            }
        }
        Ok(None)
    }

    /// What a listing has, which is begun anew after a wait where it fails.
    pub(crate) fn listed(
        &mut self,
        start: impl Fn(&Bucket) -> Pending<Result<Vec<Listed>, BucketError>>,
    ) -> Result<Vec<Listed>, ReplicateError> {
        loop {
            match self.stop.during(start(self.bucket)) {
                Ok(listed) => return Ok(listed),
                Err(ReplicateError::Stopped) => return Err(ReplicateError::Stopped),
                Err(error) => self.failed(error)?,
            }
        }
    }

    /// Waits after a failure.
    ///
    /// # Errors
    ///
    /// [`ReplicateError::Stopped`]; [`ReplicateError::Refused`] if the bucket has refused for long enough.
    pub(crate) fn failed(&mut self, error: ReplicateError) -> Result<(), ReplicateError> {
        let delay = self.backoff.next();
        let denials = self.denials.as_mut();
        if denials.is_some_and(|denials| denials.note(&error, delay)) {
            return Err(match error {
                ReplicateError::Bucket(error) => ReplicateError::Refused(error),
                error => error,
            });
        }
        (self.note)(&error, delay);
        self.stop.wait(delay)
    }
}
