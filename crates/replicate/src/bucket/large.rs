//! What takes many requests: large objects in parts, and listings that go on where they broke off.

use super::answers::Listed;
use super::attempt::{Fault, Work, within};
use super::error::{BucketError, BucketErrorKind};
use super::pending::Pending;
use super::requests::Kind;
use super::threads::Threads;
use bytes::Bytes;
use object_store::{MultipartUpload, PutMode, PutMultipartOptions, PutPayload};
use std::collections::VecDeque;
use std::error::Error;
use std::io::Read;
use std::sync::Arc;
use std::time::Duration;

/// The most parts that an object may have on S3.
const PARTS_MAX: u64 = 10_000;

/// All that is under `under` after `after`, in order. After a failure it goes on behind the last key that came,
/// where keys come in order.
pub(super) async fn list(
    work: Arc<Work>,
    request: String,
    under: &str,
    after: Option<String>,
) -> Result<Vec<Listed>, BucketError> {
    let found = tokio::sync::Mutex::new(Vec::<Listed>::new());
    work.repeat(&request, || async {
        let mut found = found.lock().await;
        if !work.is_ordered {
            found.clear();
        }
        let after = found
            .last()
            .map(|last| last.key.clone())
            .or_else(|| after.clone());
        work.list(under, after.as_deref(), &mut found).await
    })
    .await?;
    let mut found = found.into_inner();
    found.sort_unstable();
    found.dedup_by(|one, other| one.key == other.key);
    Ok(found)
}

/// As [`put_large`](super::Bucket::put_large).
pub(super) fn put(
    threads: &Threads,
    key: &str,
    length: u64,
    content: &mut dyn Read,
    is_over: &dyn Fn() -> bool,
) -> Result<(), BucketError> {
    let source = Source {
        threads,
        key,
        content,
    };
    let part_bytes = threads
        .work()
        .options
        .part_bytes
        .max(length.div_ceil(PARTS_MAX));
    if length <= part_bytes {
        return put_whole(threads, key, source.last(length)?, is_over);
    }
    Upload::begin(threads, key, is_over)?.send(length, part_bytes, source)
}

fn put_whole(
    threads: &Threads,
    key: &str,
    content: Bytes,
    is_over: &dyn Fn() -> bool,
) -> Result<(), BucketError> {
    let path_of = key.to_owned();
    let put = threads.start_fallible(format!("write {key}"), async move |work, request| {
        work.repeat(&request, || {
            work.put(&path_of, content.clone(), PutMode::Overwrite)
        })
        .await
    });
    wait(threads, key, put, is_over)
}

/// Waits for an answer, unless it is over before.
fn wait<T>(
    threads: &Threads,
    key: &str,
    pending: Pending<Result<T, BucketError>>,
    is_over: &dyn Fn() -> bool,
) -> Result<T, BucketError> {
    let answer = pending.wait_unless(is_over);
    answer.unwrap_or_else(|| Err(threads.work().closed(&format!("write {key}"))))
}

/// Where the content of a large object comes from.
struct Source<'a> {
    threads: &'a Threads,
    key: &'a str,
    content: &'a mut dyn Read,
}

impl Source<'_> {
    fn part(&mut self, length: u64) -> Result<Bytes, BucketError> {
        let mut part = Vec::with_capacity(usize::try_from(length).unwrap_or(0));
        (&mut *self.content)
            .take(length)
            .read_to_end(&mut part)
            .map_err(|error| self.error(error))?;
        if u64::try_from(part.len()).is_ok_and(|came| came == length) {
            Ok(part.into())
        } else {
            Err(self.error("it is shorter than was said"))
        }
    }

    /// The last part, behind which nothing comes.
    fn last(mut self, length: u64) -> Result<Bytes, BucketError> {
        let part = self.part(length)?;
        let mut more = Vec::new();
        let more = (&mut *self.content).take(1).read_to_end(&mut more);
        match more.map_err(|error| self.error(error))? {
            0 => Ok(part),
            _ => Err(self.error("it is longer than was said")),
        }
    }

    fn error(&self, why: impl Into<Box<dyn Error + Send + Sync>>) -> BucketError {
        let request = format!("write {}", self.key);
        let name = &self.threads.work().name;
        BucketError::with(BucketErrorKind::Source, name, request, why)
    }
}

/// A large object that is being written.
struct Upload<'a> {
    threads: &'a Threads,
    key: String,
    upload: Box<dyn MultipartUpload>,
    under_way: VecDeque<Pending<Result<(), BucketError>>>,
    is_over: &'a dyn Fn() -> bool,
}

impl<'a> Upload<'a> {
    fn begin(
        threads: &'a Threads,
        key: &str,
        is_over: &'a dyn Fn() -> bool,
    ) -> Result<Self, BucketError> {
        let key = key.to_owned();
        let path_of = key.clone();
        let begun = threads.start_fallible(format!("begin {key}"), async move |work, request| {
            work.repeat(&request, || work.begin(&path_of)).await
        });
        let upload = wait(threads, &key, begun, is_over)?;
        Ok(Self {
            threads,
            key,
            upload,
            under_way: VecDeque::new(),
            is_over,
        })
    }

    fn send(
        mut self,
        length: u64,
        part_bytes: u64,
        mut source: Source<'_>,
    ) -> Result<(), BucketError> {
        let sent = (|| {
            let mut left = length;
            while left > part_bytes {
                let part = source.part(part_bytes)?;
                self.send_part(part)?;
                left -= part_bytes;
            }
            self.send_part(source.last(left)?)?;
            self.wait_until(0)
        })();
        match sent {
            Ok(()) => self.finish(length),
            Err(error) => {
                self.take_back();
                Err(error)
            }
        }
    }

    fn send_part(&mut self, part: Bytes) -> Result<(), BucketError> {
        let in_flight_max = self.threads.work().options.parts_in_flight_max;
        self.wait_until(in_flight_max.saturating_sub(1))?;
        let length = u64::try_from(part.len()).unwrap_or(u64::MAX);
        let upload = &mut self.upload;
        let sending = self
            .threads
            .inside(|| upload.put_part(PutPayload::from(part)));
        let request = format!("write a part of {}", self.key);
        let pending = self
            .threads
            .start_fallible(request, async move |work, request| {
                work.counters.of(Kind::Part).sends(length);
                // The object store tries a part again by itself, as its policy says.
                let outcome = within(work.limit_of_tries(length), sending).await;
                let outcome = outcome.and_then(|sent| sent.map_err(Fault::from));
                outcome.map_err(|fault| {
                    work.counters.of(Kind::Part).fails();
                    work.error(fault, &request)
                })
            });
        self.under_way.push_back(pending);
        Ok(())
    }

    /// Waits until at most `count` parts are under way.
    fn wait_until(&mut self, count: usize) -> Result<(), BucketError> {
        while self.under_way.len() > count {
            match self.under_way.pop_front() {
                Some(part) => wait(self.threads, &self.key, part, self.is_over)?,
                None => break,
            }
        }
        Ok(())
    }

    fn finish(self, length: u64) -> Result<(), BucketError> {
        let Self {
            threads,
            key,
            mut upload,
            is_over,
            ..
        } = self;
        let request = format!("finish {key}");
        let name = key.clone();
        let finished = threads.start_fallible(request, async move |work, request| {
            work.counters.of(Kind::Part).makes(1);
            let finished = within(work.limit(0), upload.complete()).await;
            let Err(fault) = finished.and_then(|done| done.map_err(Fault::from)) else {
                work.close(&key);
                return Ok(());
            };
            work.counters.of(Kind::Part).fails();
            // The answer may have been lost behind the deed. The key is that of the content.
            let there = work.repeat(&request, || work.look(&key)).await;
            if there.is_ok_and(|there| there.is_some_and(|info| info.length == length)) {
                return Ok(());
            }
            work.abort(&mut upload).await;
            Err(work.error(fault, &request))
        });
        wait(threads, &name, finished, is_over)
    }

    fn take_back(mut self) {
        // A part that arrives behind the end of an upload would stay for ever.
        while let Some(part) = self.under_way.pop_front() {
            drop(part.wait_unless(self.is_over));
        }
        let mut upload = self.upload;
        let aborting = self
            .threads
            .start_fallible("take back".to_owned(), async move |work, _| {
                work.abort(&mut upload).await;
                Ok(())
            });
        drop(aborting.wait_unless(self.is_over));
    }
}

impl Work {
    async fn begin(&self, key: &str) -> Result<Box<dyn MultipartUpload>, Fault> {
        let path = self.path(key)?;
        self.close_around(key);
        let counter = self.counters.of(Kind::Part);
        counter.makes(1);
        let options = self.multipart();
        let begun = within(self.limit(0), self.store.put_multipart_opts(&path, options));
        let begun = begun.await.and_then(|begun| begun.map_err(Fault::from));
        if begun.is_err() {
            counter.fails();
        }
        begun
    }

    /// Takes an upload back. Left where the object store cannot be reached: what providers have rules for.
    async fn abort(&self, upload: &mut Box<dyn MultipartUpload>) {
        self.counters.of(Kind::Part).makes(1);
        if !matches!(within(self.limit(0), upload.abort()).await, Ok(Ok(()))) {
            self.counters.of(Kind::Part).fails();
        }
    }

    /// How long all tries of a part together may take.
    fn limit_of_tries(&self, bytes: u64) -> Duration {
        (self.limit(bytes) + self.options.backoff_max).saturating_mul(self.options.tries_max)
    }

    #[cfg(not(any(feature = "s3", feature = "gcs", feature = "azure")))]
    fn multipart(&self) -> PutMultipartOptions {
        PutMultipartOptions::default()
    }

    #[cfg(any(feature = "s3", feature = "gcs", feature = "azure"))]
    fn multipart(&self) -> PutMultipartOptions {
        let tries = super::tries::PartTries {
            options: self.options.clone(),
            random: Arc::clone(&self.random),
        };
        PutMultipartOptions::default().with_retry_policy(Arc::new(tries))
    }
}
