//! `Bucket`: what is asked of an object store, blocking or started.

use super::answers::{Listed, ObjectInfo, PutAnswer};
use super::error::BucketError;
use super::options::BucketOptions;
use super::pending::Pending;
use super::read::PAGE_KEYS;
use super::requests::Requests;
use super::threads::Threads;
use super::{large, open};
use bytes::Bytes;
use object_store::ObjectStore;
use std::fmt;
use std::io::Read;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

/// A prefix in an object store. Cloned at the cost of a count.
///
/// Keys are relative to the prefix: segments of letters, digits and `-_.`, joined by slashes. All calls may be
/// made from any thread, one that runs tasks of another runtime included (which they hold up, as anything does
/// that blocks). Those that begin with `start` return at once.
///
/// The threads that carry requests end when the last clone is dropped. What is under way then is answered with
/// [`Closed`](super::BucketErrorKind::Closed), and may be applied all the same.
///
/// ```
/// use bytes::Bytes;
/// use strandline_replicate::{Bucket, BucketOptions, PutAnswer};
///
/// let bucket = Bucket::open("memory:", BucketOptions::new())?;
/// let content = Bytes::from_static(b"one");
/// assert!(matches!(bucket.put_new("terms/1", content.clone()), PutAnswer::Created));
/// assert!(matches!(bucket.put_new("terms/1", content.clone()), PutAnswer::Exists));
/// assert_eq!(bucket.get("terms/1")?, Some(content));
/// assert_eq!(bucket.get("terms/2")?, None);
/// # Ok::<(), strandline_replicate::BucketError>(())
/// ```
#[derive(Clone)]
pub struct Bucket(Arc<Threads>);

impl Bucket {
    /// Opens the bucket that a URL names. Makes no request.
    ///
    /// - `s3://BUCKET/PREFIX`, `gs://BUCKET/PREFIX`, `az://CONTAINER/PREFIX`, with the features `s3`, `gcs` and
    ///   `azure`; credentials and endpoints come from the environment and from
    ///   [`BucketOptions::setting`], which goes before it. An endpoint with `http://` is spoken to without TLS.
    /// - `file:///DIRECTORY`: a directory, which is made if its parent is there. What is written is synced.
    /// - `memory:`: a bucket in this process, for tests, gone with its last clone.
    ///
    /// # Errors
    ///
    /// [`NotABucket`](super::BucketErrorKind::NotABucket) if the URL names none, its feature is not built in or
    /// its settings are wrong; [`Unreachable`](super::BucketErrorKind::Unreachable) if no threads can be made.
    pub fn open(url: &str, options: BucketOptions) -> Result<Self, BucketError> {
        let place = open::place(url, &options)?;
        Self::at(place, options)
    }

    /// The bucket in `store` under `prefix`, which may be empty. Tries that `store` makes by itself should be
    /// off: see the module's text.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open).
    pub fn new(
        store: Arc<dyn ObjectStore>,
        prefix: &str,
        options: BucketOptions,
    ) -> Result<Self, BucketError> {
        let place = open::given(store, prefix)?;
        Self::at(place, options)
    }

    fn at(place: open::Place, options: BucketOptions) -> Result<Self, BucketError> {
        let threads = options.threads;
        let work = place.into_work(options)?;
        let name = Arc::clone(&work.name);
        let started = Threads::start_all(work, threads);
        let started = started.map_err(|error| open::no_threads(&name, error))?;
        Ok(Self(Arc::new(started)))
    }

    /// The bucket and the prefix, as people are shown them: a URL where it was opened from one.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0.work().name
    }

    pub(super) fn name_shared(&self) -> &Arc<str> {
        &self.0.work().name
    }

    /// The directory that it is, if it is one.
    pub(super) fn root(&self) -> Option<&Path> {
        self.0.work().root.as_deref()
    }

    /// What was asked of the bucket by this and all clones.
    #[must_use]
    pub fn requests(&self) -> Requests {
        self.0.work().counters.read()
    }

    /// Creates an object if none is there.
    pub fn put_new(&self, key: &str, content: Bytes) -> PutAnswer {
        self.start_put(key, content).wait()
    }

    /// Starts [`put_new`](Self::put_new). Requests started one after the other may be applied in any order.
    pub fn start_put(&self, key: &str, content: Bytes) -> Pending<PutAnswer> {
        let work = Arc::clone(self.0.work());
        let key = key.to_owned();
        let request = format!("create {key}");
        self.0.start(
            move |work| PutAnswer::Unclear(work.closed(&request)),
            async move { work.create(&key, content).await },
        )
    }

    /// Reads an object; `None` if it is absent.
    ///
    /// # Errors
    ///
    /// If the object store does not give it, or it is longer than [`BucketOptions::object_bytes_max`].
    pub fn get(&self, key: &str) -> Result<Option<Bytes>, BucketError> {
        self.start_get(key).wait()
    }

    /// Starts [`get`](Self::get).
    pub fn start_get(&self, key: &str) -> Pending<Result<Option<Bytes>, BucketError>> {
        self.start_read(key, None)
    }

    /// Reads the bytes `range` of an object; `None` if it is absent. All of them or an error.
    ///
    /// # Errors
    ///
    /// As [`get`](Self::get), and [`Unexpected`](super::BucketErrorKind::Unexpected) if the range is
    /// empty or the object has not all of it.
    pub fn get_range(&self, key: &str, range: Range<u64>) -> Result<Option<Bytes>, BucketError> {
        self.start_get_range(key, range).wait()
    }

    /// Starts [`get_range`](Self::get_range).
    pub fn start_get_range(
        &self,
        key: &str,
        range: Range<u64>,
    ) -> Pending<Result<Option<Bytes>, BucketError>> {
        self.start_read(key, Some(range))
    }

    fn start_read(
        &self,
        key: &str,
        range: Option<Range<u64>>,
    ) -> Pending<Result<Option<Bytes>, BucketError>> {
        let key = key.to_owned();
        let request = match &range {
            Some(range) => format!("read bytes {range:?} of {key}"),
            None => format!("read {key}"),
        };
        self.0.start_fallible(request, async move |work, request| {
            work.repeat(&request, || work.read(&key, range.clone()))
                .await
        })
    }

    /// Length and time of an object; `None` if it is absent.
    ///
    /// # Errors
    ///
    /// If the object store does not say.
    pub fn head(&self, key: &str) -> Result<Option<ObjectInfo>, BucketError> {
        let key = key.to_owned();
        self.0
            .start_fallible(format!("look at {key}"), async move |work, request| {
                work.repeat(&request, || work.look(&key)).await
            })
            .wait()
    }

    /// Everything under the folder `under` (empty: under the prefix) whose key is greater than `after`, in the
    /// order of keys. Every page is read: memory and requests are linear in what there is.
    ///
    /// # Errors
    ///
    /// If the object store does not give all of it.
    pub fn list(&self, under: &str, after: Option<&str>) -> Result<Vec<Listed>, BucketError> {
        self.start_list(under, after).wait()
    }

    /// Starts [`list`](Self::list).
    pub fn start_list(
        &self,
        under: &str,
        after: Option<&str>,
    ) -> Pending<Result<Vec<Listed>, BucketError>> {
        let under = under.trim_end_matches('/').to_owned();
        let after = after.map(str::to_owned);
        let request = match under.as_str() {
            "" => "list everything".to_owned(),
            under => format!("list {under}"),
        };
        self.0.start_fallible(request, async move |work, request| {
            large::list(work, request, &under, after).await
        })
    }

    /// Deletes objects, up to 1,000 with a request where the object store can. Those that are absent are
    /// deleted.
    ///
    /// # Errors
    ///
    /// If one could not be deleted. Others may have been.
    pub fn delete(&self, keys: &[String]) -> Result<(), BucketError> {
        self.start_delete(keys).wait()
    }

    /// Starts [`delete`](Self::delete).
    pub fn start_delete(&self, keys: &[String]) -> Pending<Result<(), BucketError>> {
        let keys = keys.to_vec();
        let request = match keys.as_slice() {
            [key] => format!("delete {key}"),
            keys => format!("delete {} objects", keys.len()),
        };
        self.0.start_fallible(request, async move |work, request| {
            for page in keys.chunks(PAGE_KEYS) {
                work.repeat(&request, || work.delete(page)).await?;
            }
            Ok(())
        })
    }

    /// Writes `length` bytes that `content` gives, in parts where they are many, over what is there. For keys
    /// that are named by their content alone: two that write at once write the same.
    ///
    /// Memory is bounded by [`BucketOptions::part_bytes`] times one more than
    /// [`BucketOptions::parts_in_flight_max`]. `content` is read on this thread.
    ///
    /// # Errors
    ///
    /// If `content` cannot be read or has other than `length` bytes
    /// ([`Source`](super::BucketErrorKind::Source)), or the object store does not take them. The object may be
    /// there all the same, whole; parts of one that is not are taken back where the object store can be
    /// reached.
    pub fn put_large(
        &self,
        key: &str,
        length: u64,
        content: &mut dyn Read,
    ) -> Result<(), BucketError> {
        large::put(&self.0, key, length, content, &|| false)
    }

    /// As [`put_large`](Self::put_large), but ends with [`Closed`](super::BucketErrorKind::Closed) once `is_over` says
    /// that nobody waits for it any more. What was sent is left under way, and parts may stay.
    pub(crate) fn put_large_unless(
        &self,
        key: &str,
        length: u64,
        content: &mut dyn Read,
        is_over: &dyn Fn() -> bool,
    ) -> Result<(), BucketError> {
        large::put(&self.0, key, length, content, is_over)
    }
}

impl fmt::Debug for Bucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bucket")
            .field("name", &self.name())
            .finish_non_exhaustive()
    }
}
