//! `Work`: what every request needs, and how one is tried: bounded in time, counted, again after a wait.

use super::error::{BucketError, BucketErrorKind, classify, said};
use super::options::BucketOptions;
use super::requests::Counters;
use object_store::ObjectStore;
use object_store::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use strandline_core::Random;

/// What requests share. They hold it on the bucket's threads, without the threads themselves.
#[derive(Debug)]
pub(super) struct Work {
    pub(super) store: Arc<dyn ObjectStore>,
    /// The bucket and the prefix, as they are shown.
    pub(super) name: Arc<str>,
    /// What stands before each key: empty, or ends with a slash.
    pub(super) prefix: String,
    /// The directory that serves as the bucket, if one does.
    pub(super) root: Option<PathBuf>,
    /// Whether listings come in the order of keys.
    pub(super) is_ordered: bool,
    pub(super) options: BucketOptions,
    pub(super) counters: Counters,
    pub(super) random: Arc<Random>,
}

/// Why one try failed.
#[derive(Debug)]
pub(super) enum Fault {
    Store(object_store::Error),
    /// No answer in time.
    Silent(Duration),
    Other(BucketErrorKind, String),
}

impl From<object_store::Error> for Fault {
    fn from(error: object_store::Error) -> Self {
        Self::Store(error)
    }
}

impl Work {
    /// Makes `attempt` again and again until it succeeds, fails for good, or has been made often enough.
    pub(super) async fn repeat<T, F>(
        &self,
        request: &str,
        mut attempt: impl FnMut() -> F,
    ) -> Result<T, BucketError>
    where
        F: Future<Output = Result<T, Fault>>,
    {
        let mut tries = 1;
        loop {
            let error = match attempt().await {
                Ok(done) => return Ok(done),
                Err(fault) => self.error(fault, request),
            };
            if tries >= self.options.tries_max || !error.kind().is_passing() {
                return Err(error);
            }
            tracing::debug!(%error, tries, "a request to the bucket is tried again");
            tokio::time::sleep(backoff(&self.options, &self.random, tries)).await;
            tries += 1;
        }
    }

    /// How long a try may take that sends `bytes` bytes.
    pub(super) fn limit(&self, bytes: u64) -> Duration {
        self.options.timeout + Duration::from_secs(bytes >> 20)
    }

    pub(super) fn error(&self, fault: Fault, request: &str) -> BucketError {
        match fault {
            Fault::Store(error) => {
                BucketError::with(classify(&error), &self.name, request, said(&error))
            }
            Fault::Silent(limit) => BucketError::with(
                BucketErrorKind::Unreachable,
                &self.name,
                request,
                format!("no answer within {limit:?}"),
            ),
            Fault::Other(kind, text) => BucketError::with(kind, &self.name, request, text),
        }
    }

    /// What an answer is that would come if the bucket were dropped meanwhile.
    pub(super) fn closed(&self, request: &str) -> BucketError {
        BucketError::new(BucketErrorKind::Closed, &self.name, request)
    }

    pub(super) fn path(&self, key: &str) -> Result<Path, Fault> {
        Ok(Path::parse(format!("{}{key}", self.prefix)).map_err(object_store::Error::from)?)
    }

    /// Checks that an absent object is absent from a bucket that is there.
    pub(super) fn check_bucket(&self) -> Result<(), Fault> {
        match &self.root {
            Some(root) if !root.is_dir() => Err(Fault::Other(
                BucketErrorKind::NotABucket,
                format!("{} is no directory", root.display()),
            )),
            _ => Ok(()),
        }
    }

    /// Turns "not found" into nothing, where the bucket itself is there.
    pub(super) fn absent<T>(&self, error: object_store::Error) -> Result<Option<T>, Fault> {
        let is_absent = matches!(error, object_store::Error::NotFound { .. })
            && classify(&error) != BucketErrorKind::NotABucket;
        if !is_absent {
            return Err(error.into());
        }
        self.check_bucket()?;
        Ok(None)
    }
}

/// Waits for `future`, for `limit` at most.
pub(super) async fn within<T>(
    limit: Duration,
    future: impl Future<Output = T>,
) -> Result<T, Fault> {
    tokio::time::timeout(limit, future)
        .await
        .map_err(|_| Fault::Silent(limit))
}

/// How long to wait after `tries` tries: doubled each time, the last half of it at random.
pub(super) fn backoff(options: &BucketOptions, random: &Random, tries: u32) -> Duration {
    let doublings = tries.saturating_sub(1).min(16);
    let whole = options
        .backoff_first
        .saturating_mul(1 << doublings)
        .min(options.backoff_max);
    let half = whole / 2;
    let half_us = u64::try_from(half.as_micros()).unwrap_or(u64::MAX - 1);
    half + Duration::from_micros(random.number() % (half_us + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_longest_and_differ() {
        let options =
            BucketOptions::new().backoff(Duration::from_millis(100), Duration::from_millis(350));
        let random = Random::from_seed(1);
        for (tries, whole_ms) in [(1, 100), (2, 200), (3, 350), (4, 350), (u32::MAX, 350)] {
            let waits: Vec<_> = (0..50).map(|_| backoff(&options, &random, tries)).collect();
            let whole = Duration::from_millis(whole_ms);
            assert!(waits.iter().all(|wait| (whole / 2..=whole).contains(wait)));
            assert!(waits.iter().any(|wait| *wait != waits[0]));
        }
    }
}
