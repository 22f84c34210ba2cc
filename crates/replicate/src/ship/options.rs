//! `ReplicateOptions`: how a store is shipped.

use std::time::Duration;
use strandline_segment::COMMIT_BYTES_MAX;

/// How a store is shipped to a bucket. Every option has a default that suits most.
///
/// ```
/// use std::time::Duration;
/// use strandline_replicate::ReplicateOptions;
///
/// let options = ReplicateOptions::new().interval(Duration::from_secs(10)).host("db-1");
/// # drop(options);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct ReplicateOptions {
    pub(crate) linger: Duration,
    pub(crate) interval: Duration,
    pub(crate) chunk_bytes_max: u32,
    pub(crate) chunks_in_flight_max: usize,
    pub(crate) chunks_per_state: u64,
    pub(crate) backoff_first: Duration,
    pub(crate) backoff_max: Duration,
    pub(crate) grace: Duration,
    pub(crate) look_interval: Duration,
    pub(crate) refused_timeout: Duration,
    pub(crate) takes_over: bool,
    pub(crate) begins_anew: bool,
    pub(crate) host: Option<String>,
}

impl Default for ReplicateOptions {
    fn default() -> Self {
        Self {
            linger: Duration::from_millis(5),
            interval: Duration::from_secs(1),
            chunk_bytes_max: 8 << 20,
            chunks_in_flight_max: 8,
            chunks_per_state: 64,
            backoff_first: Duration::from_millis(100),
            backoff_max: Duration::from_secs(30),
            grace: Duration::from_secs(3600),
            look_interval: Duration::from_secs(1800),
            refused_timeout: Duration::from_secs(30),
            takes_over: false,
            begins_anew: false,
            host: None,
        }
    }
}

impl ReplicateOptions {
    /// The defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// How long what is durable waits for more to go with it, where an append waits to be replicated. 5 ms by
    /// default.
    pub const fn linger(mut self, linger: Duration) -> Self {
        self.linger = linger;
        self
    }

    /// How long after a chunk the next one waits for more where nothing waits for it: each chunk costs two requests.
    /// 1 s by default. What comes later than that after a chunk goes as soon as if something waited.
    pub const fn interval(mut self, interval: Duration) -> Self {
        self.interval = interval;
        self
    }

    /// Most bytes of frames in a chunk. 8 MiB by default, and at most the 64 MiB that a commit may have; a larger
    /// commit is a chunk by itself.
    pub fn chunk_bytes_max(mut self, bytes: u32) -> Self {
        // Longer ones could not be read back with the default limit of a bucket.
        self.chunk_bytes_max = bytes.min(COMMIT_BYTES_MAX);
        self
    }

    /// Most chunks that are under way. 8 by default, at least 1. So many are in memory.
    pub const fn chunks_in_flight_max(mut self, chunks: usize) -> Self {
        self.chunks_in_flight_max = chunks;
        self
    }

    /// After how many chunks a state is written, if nothing else asks for one. 64 by default, at least 1: so many
    /// chunks a reader that begins has to read.
    pub const fn chunks_per_state(mut self, chunks: u64) -> Self {
        self.chunks_per_state = chunks;
        self
    }

    /// The wait after a request that failed, and the longest. 100 ms and 30 s by default. Each is twice the one
    /// before, less up to a half by chance.
    pub const fn backoff(mut self, first: Duration, max: Duration) -> Self {
        self.backoff_first = first;
        self.backoff_max = max;
        self
    }

    /// How long an object stays that nothing needs any more but readers that have not caught up. 1 h by default.
    pub const fn grace(mut self, grace: Duration) -> Self {
        self.grace = grace;
        self
    }

    /// How often it is looked whether what was put is in the bucket still, beside once with each start. 30 min by default.
    /// What is missing or cut off, as somebody else deleted or wrote there, is put again from this store; what the store
    /// does not have itself is told ([`ReplicatorStatus::lost_objects`](crate::ReplicatorStatus::lost_objects)). A look
    /// costs two listings, each a request for a thousand objects, and two GET.
    pub const fn look_interval(mut self, interval: Duration) -> Self {
        self.look_interval = interval;
        self
    }

    /// How long a start, or a takeover, waits while the bucket does nothing but refuse, for wrong credentials or as there is
    /// no such bucket. 30 s by default; then it ends with [`ReplicateError::Refused`](crate::ReplicateError::Refused), and
    /// so do appends that wait to be replicated. Once a term has begun it is waited for as long as that lasts, as
    /// credentials may be renewed.
    pub const fn refused_timeout(mut self, timeout: Duration) -> Self {
        self.refused_timeout = timeout;
        self
    }

    /// Takes the bucket over if another writer has it. Off by default: then the shipper ends with
    /// [`ReplicateError::Fenced`](crate::ReplicateError::Fenced). The log in the bucket must be the beginning of that
    /// of the store all the same.
    pub const fn take_over(mut self, takes_over: bool) -> Self {
        self.takes_over = takes_over;
        self
    }

    /// Begins anew in a bucket that the store was shipped to before and that is empty now. Off by default: then the
    /// shipper ends with [`ReplicateError::BucketLost`](crate::ReplicateError::BucketLost), as a disk may not be
    /// mounted. A bucket that the store was never shipped to is begun in any case.
    pub const fn new_bucket(mut self, begins_anew: bool) -> Self {
        self.begins_anew = begins_anew;
        self
    }

    /// What this machine is called in the bucket, for people. The name of the host by default.
    pub fn host(mut self, host: impl Into<String>) -> Self {
        self.host = Some(host.into());
        self
    }
}
