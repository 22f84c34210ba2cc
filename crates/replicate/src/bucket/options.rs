//! `BucketOptions`: how requests are made.

use std::fmt;
use std::time::Duration;

/// How requests to a bucket are made. Every option has a default that suits most.
///
/// ```
/// use std::time::Duration;
/// use strandline_replicate::BucketOptions;
///
/// let options = BucketOptions::new()
///     .timeout(Duration::from_secs(5))
///     .setting("aws_region", "eu-central-1");
/// # drop(options);
/// ```
#[derive(Clone)]
pub struct BucketOptions {
    pub(super) timeout: Duration,
    pub(super) tries_max: u32,
    pub(super) backoff_first: Duration,
    pub(super) backoff_max: Duration,
    pub(super) object_bytes_max: u64,
    pub(super) part_bytes: u64,
    pub(super) parts_in_flight_max: usize,
    pub(super) threads: usize,
    pub(super) settings: Vec<(String, String)>,
}

impl Default for BucketOptions {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(10),
            tries_max: 5,
            backoff_first: Duration::from_millis(100),
            backoff_max: Duration::from_secs(5),
            object_bytes_max: 128 << 20,
            part_bytes: 8 << 20,
            parts_in_flight_max: 4,
            threads: 2,
            settings: Vec::new(),
        }
    }
}

impl BucketOptions {
    /// The defaults.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// How long an object store may be silent before a try is given up. 10 s by default. A request that sends
    /// content has a second more for each MiB of it.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// How often a request is made that may be made twice, the first time included: 5 by default, at least 1.
    /// A create-if-absent is always made once.
    #[must_use]
    pub fn tries_max(mut self, tries: u32) -> Self {
        self.tries_max = tries.max(1);
        self
    }

    /// The wait before the second try, and the longest before any. 100 ms and 5 s by default. Each wait is twice
    /// the one before, and between half and the whole of that is waited, at random.
    #[must_use]
    pub fn backoff(mut self, first: Duration, max: Duration) -> Self {
        self.backoff_first = first;
        self.backoff_max = max.max(first);
        self
    }

    /// Longest object, or range of one, that is read into memory, in bytes. 128 MiB by default. A longer one is
    /// [`TooLarge`](super::BucketErrorKind::TooLarge), before anything is allocated for it.
    ///
    /// A chunk is as long as its longest commit, which may have 64 MiB, and a little more. Whoever ships or follows
    /// logs with such commits needs room for them: a shipper reads a chunk back where it does not know whether it was
    /// put.
    #[must_use]
    pub fn object_bytes_max(mut self, bytes: u64) -> Self {
        self.object_bytes_max = bytes;
        self
    }

    /// Length of the parts that a large object is sent in, in bytes. 8 MiB by default, at least 5 MiB, which S3
    /// asks for. Longer where the object would have more than 10,000 of them.
    #[must_use]
    pub fn part_bytes(mut self, bytes: u64) -> Self {
        self.part_bytes = bytes.max(5 << 20);
        self
    }

    /// Parts of a large object that are under way at once. 4 by default, at least 1. One more is in memory.
    #[must_use]
    pub fn parts_in_flight_max(mut self, parts: usize) -> Self {
        self.parts_in_flight_max = parts.max(1);
        self
    }

    /// Threads that carry requests. 2 by default, at least 1.
    #[must_use]
    pub fn threads(mut self, threads: usize) -> Self {
        self.threads = threads.max(1);
        self
    }

    /// A setting of the object store, by the name that the crate `object_store` has for it, such as
    /// `aws_endpoint`, `aws_region`, `aws_access_key_id`, `google_service_account`, `azure_storage_account_name`.
    /// It goes before what the environment says (`AWS_REGION` and so on).
    #[must_use]
    pub fn setting(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.settings.push((name.into(), value.into()));
        self
    }
}

/// Shows the names of the settings and no value: some are secrets.
impl fmt::Debug for BucketOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.settings.iter().map(|(name, _)| name).collect();
        f.debug_struct("BucketOptions")
            .field("timeout", &self.timeout)
            .field("tries_max", &self.tries_max)
            .field("backoff_first", &self.backoff_first)
            .field("backoff_max", &self.backoff_max)
            .field("object_bytes_max", &self.object_bytes_max)
            .field("part_bytes", &self.part_bytes)
            .field("parts_in_flight_max", &self.parts_in_flight_max)
            .field("threads", &self.threads)
            .field("settings", &names)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::{Chunk, Term};
    use bytes::Bytes;
    use strandline_core::{Hash, Sequence};
    use strandline_segment::{COMMIT_BYTES_MAX, SegmentHeader, SegmentId};

    #[test]
    fn the_longest_chunk_can_be_read_by_default() {
        let header = SegmentHeader {
            identity: [1; 16],
            id: SegmentId::FIRST,
            generation: 0,
            nonce: [2; 16],
            first_sequence: Sequence::ZERO,
            base_log_hash: Hash::ZERO,
            has_runs: false,
        };
        let start = header.start();
        let mut end = start;
        end.offset += COMMIT_BYTES_MAX;
        let chunk = Chunk {
            term: Term::FIRST,
            number: 0,
            state: 0,
            header,
            start,
            end,
            body: Bytes::from(vec![0; usize::try_from(COMMIT_BYTES_MAX).unwrap()]),
        };
        let bytes = u64::try_from(chunk.encode().len()).unwrap();
        let longest = BucketOptions::new().object_bytes_max;
        assert!(bytes <= longest, "{bytes} bytes, {longest} are read");
    }

    #[test]
    fn secrets_are_not_shown() {
        let options = BucketOptions::new().setting("aws_secret_access_key", "hush");
        let shown = format!("{options:?}");
        assert!(shown.contains("aws_secret_access_key"), "{shown}");
        assert!(!shown.contains("hush"), "{shown}");
    }
}
