//! Reading, listing, deleting, and creating: one try of each, on the bucket's threads.

use super::answers::{Listed, ObjectInfo, PutAnswer};
use super::attempt::{Fault, Work, within};
use super::error::{BucketErrorKind, is_conflict_of_requests};
use super::requests::Kind;
use bytes::{Bytes, BytesMut};
use futures::StreamExt;
use object_store::path::Path;
use object_store::{
    GetOptions, GetRange, GetResult, GetResultPayload, ObjectMeta, PutMode, PutPayload,
};
use std::ops::Range;

/// What one page of a listing, or one request to delete, holds.
pub(super) const PAGE_KEYS: usize = 1000;

impl Work {
    /// Creates an object if it is absent. One try, whatever comes of it.
    pub(super) async fn create(&self, key: &str, content: Bytes) -> PutAnswer {
        let request = format!("create {key}");
        match self.put(key, content, PutMode::Create).await {
            Ok(()) => PutAnswer::Created,
            Err(Fault::Store(error)) if is_taken(&error) => PutAnswer::Exists,
            Err(fault) => PutAnswer::Unclear(self.error(fault, &request)),
        }
    }

    pub(super) async fn put(&self, key: &str, content: Bytes, mode: PutMode) -> Result<(), Fault> {
        let path = self.path(key)?;
        let length = u64::try_from(content.len()).unwrap_or(u64::MAX);
        let counter = self.counters.of(Kind::Put);
        counter.sends(length);
        self.close_around(key);
        let put = self
            .store
            .put_opts(&path, PutPayload::from(content), mode.into());
        let outcome = within(self.limit(length), put).await;
        let is_failure = match &outcome {
            Ok(Ok(_)) => false,
            Ok(Err(error)) => !is_taken(error),
            Err(_) => true,
        };
        if is_failure {
            counter.fails();
        }
        outcome??;
        self.close(key);
        Ok(())
    }

    /// An object, or a range of one; nothing if it is absent.
    pub(super) async fn read(
        &self,
        key: &str,
        range: Option<Range<u64>>,
    ) -> Result<Option<Bytes>, Fault> {
        let counter = self.counters.of(Kind::Get);
        counter.makes(1);
        let outcome = self.read_once(key, range).await;
        match &outcome {
            Ok(content) => {
                let length = content.as_ref().map_or(0, Bytes::len);
                counter.receives(u64::try_from(length).unwrap_or(u64::MAX));
            }
            Err(_) => counter.fails(),
        }
        outcome
    }

    async fn read_once(
        &self,
        key: &str,
        range: Option<Range<u64>>,
    ) -> Result<Option<Bytes>, Fault> {
        let path = self.path(key)?;
        if range.as_ref().is_some_and(Range::is_empty) {
            return Err(unexpected("an empty range".to_owned()));
        }
        let options = GetOptions {
            range: range.clone().map(GetRange::Bounded),
            ..GetOptions::default()
        };
        let limit = self.options.timeout;
        let result = match within(limit, self.store.get_opts(&path, options)).await? {
            Ok(result) => result,
            Err(error) => return self.absent(error),
        };
        if let Some(asked) = &range
            && result.range != *asked
        {
            return Err(unexpected(format!(
                "bytes {asked:?} were asked for and {:?} came",
                result.range
            )));
        }
        let length = result.range.end.saturating_sub(result.range.start);
        if length > self.options.object_bytes_max {
            return Err(Fault::Other(
                BucketErrorKind::TooLarge,
                format!(
                    "{length} bytes, and {} are the most",
                    self.options.object_bytes_max
                ),
            ));
        }
        let content = self.body(result, length).await?;
        Ok(Some(content))
    }

    /// The `length` bytes that come, and not one more or less.
    async fn body(&self, result: GetResult, length: u64) -> Result<Bytes, Fault> {
        let wrong = |came: u64| unexpected(format!("{length} bytes were said and {came} came"));
        let limit = self.options.timeout;
        if matches!(result.payload, GetResultPayload::File(..)) {
            let content = within(self.limit(length), result.bytes()).await??;
            let came = u64::try_from(content.len()).unwrap_or(u64::MAX);
            return if came == length {
                Ok(content)
            } else {
                Err(wrong(came))
            };
        }
        let mut chunks = result.into_stream();
        let mut content = BytesMut::new();
        let mut came = 0_u64;
        while let Some(chunk) = within(limit, chunks.next()).await? {
            let chunk = chunk?;
            came = came.saturating_add(u64::try_from(chunk.len()).unwrap_or(u64::MAX));
            if came > length {
                return Err(wrong(came));
            }
            if came == length && content.is_empty() {
                // All in one: handed on as it is, once the stream has ended.
                return match within(limit, chunks.next()).await? {
                    None => Ok(chunk),
                    Some(more) if more.as_ref().is_ok_and(Bytes::is_empty) => Ok(chunk),
                    Some(more) => {
                        more?;
                        Err(wrong(length.saturating_add(1)))
                    }
                };
            }
            content.extend_from_slice(&chunk);
        }
        if came == length {
            Ok(content.freeze())
        } else {
            Err(wrong(came))
        }
    }

    /// What an object is, without its bytes; nothing if it is absent.
    pub(super) async fn look(&self, key: &str) -> Result<Option<ObjectInfo>, Fault> {
        let path = self.path(key)?;
        let counter = self.counters.of(Kind::Head);
        counter.makes(1);
        let options = GetOptions {
            head: true,
            ..GetOptions::default()
        };
        let looked = within(self.options.timeout, self.store.get_opts(&path, options)).await;
        let error = match looked {
            Ok(Ok(result)) => return Ok(Some(info(&result.meta))),
            Ok(Err(error)) => error,
            Err(fault) => {
                counter.fails();
                return Err(fault);
            }
        };
        if !matches!(error, object_store::Error::NotFound { .. }) {
            counter.fails();
            return Err(error.into());
        }
        // The answer to HEAD has no body: whether it is the object or the bucket that is absent, only GET says.
        self.counters.of(Kind::Get).makes(1);
        let options = GetOptions::default();
        match within(self.options.timeout, self.store.get_opts(&path, options)).await? {
            Ok(result) => Ok(Some(info(&result.meta))),
            Err(error) => self.absent(error),
        }
    }

    /// Adds to `found` what is under the folder `under` after the key `after`, as it comes.
    pub(super) async fn list(
        &self,
        under: &str,
        after: Option<&str>,
        found: &mut Vec<Listed>,
    ) -> Result<(), Fault> {
        let counter = self.counters.of(Kind::List);
        counter.makes(1);
        let outcome = self.list_once(under, after, found).await;
        if outcome.is_err() {
            counter.fails();
        }
        outcome
    }

    async fn list_once(
        &self,
        under: &str,
        after: Option<&str>,
        found: &mut Vec<Listed>,
    ) -> Result<(), Fault> {
        // An empty folder is the prefix itself, and an empty prefix the bucket.
        let folder = self.path(under)?;
        let folder = (!folder.as_ref().is_empty()).then_some(folder);
        let mut objects = match after {
            Some(after) => self
                .store
                .list_with_offset(folder.as_ref(), &self.path(after)?),
            None => self.store.list(folder.as_ref()),
        };
        let mut came = 0_usize;
        while let Some(object) = within(self.options.timeout, objects.next()).await? {
            let object = match object {
                Ok(object) => object,
                // A file that went while its directory was read.
                Err(error) => {
                    self.absent::<()>(error)?;
                    continue;
                }
            };
            came += 1;
            if came > PAGE_KEYS {
                came = 1;
                self.counters.of(Kind::List).makes(1);
            }
            if let Some(key) = object.location.as_ref().strip_prefix(&self.prefix) {
                let info = info(&object);
                found.push(Listed {
                    key: key.to_owned(),
                    length: info.length,
                    modified_ms: info.modified_ms,
                });
            }
        }
        self.check_bucket()
    }

    /// Deletes `keys`, at most a page of them. One that is absent is deleted.
    pub(super) async fn delete(&self, keys: &[String]) -> Result<(), Fault> {
        let paths: Vec<Path> = keys
            .iter()
            .map(|key| self.path(key))
            .collect::<Result<_, _>>()?;
        let counter = self.counters.of(Kind::Delete);
        counter.makes(1);
        let paths = futures::stream::iter(paths.into_iter().map(Ok)).boxed();
        let mut deleted = self.store.delete_stream(paths);
        let mut first = None;
        loop {
            let outcome = match within(self.limit(0), deleted.next()).await {
                Ok(None) => break,
                Ok(Some(Ok(_))) => continue,
                Ok(Some(Err(error))) => self.absent::<()>(error).map(|_| ()),
                Err(fault) => {
                    first = Some(fault);
                    break;
                }
            };
            // The others go on: a key that cannot be deleted holds up none of them.
            if let Err(fault) = outcome {
                first.get_or_insert(fault);
            }
        }
        match first {
            Some(fault) => {
                counter.fails();
                Err(fault)
            }
            None => self.check_bucket(),
        }
    }
}

fn is_taken(error: &object_store::Error) -> bool {
    use object_store::Error as Of;
    matches!(error, Of::AlreadyExists { .. } | Of::Precondition { .. })
        && !is_conflict_of_requests(error)
}

fn info(meta: &ObjectMeta) -> ObjectInfo {
    ObjectInfo {
        length: meta.size,
        modified_ms: u64::try_from(meta.last_modified.timestamp_millis()).unwrap_or(0),
    }
}

fn unexpected(text: String) -> Fault {
    Fault::Other(BucketErrorKind::Unexpected, text)
}
