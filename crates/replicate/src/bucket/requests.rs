//! `Requests`: how many requests of each kind were made of a bucket, and what they carried.

use serde::Serialize;
use strandline_core::sync::atomic::{AtomicU64, Ordering};

/// Requests that were made of a bucket since it was opened, by kind: what a provider bills for.
///
/// A try counts as a request. A listing counts as one for each 1,000 objects that it gave, which is what a page
/// of S3 holds; a deletion as one for each 1,000 keys (as many as there are keys where an object store has no
/// request for many).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[non_exhaustive]
pub struct Requests {
    /// Objects written whole, if absent or named by their content.
    pub put: RequestCounts,
    /// Parts of large objects, and the beginning and the end of each.
    pub part: RequestCounts,
    /// Objects and ranges read.
    pub get: RequestCounts,
    /// Lengths and times asked for.
    pub head: RequestCounts,
    /// Listings.
    pub list: RequestCounts,
    /// Deletions.
    pub delete: RequestCounts,
}

impl Requests {
    /// All kinds together.
    #[must_use]
    pub fn total(&self) -> RequestCounts {
        let kinds = [
            self.put,
            self.part,
            self.get,
            self.head,
            self.list,
            self.delete,
        ];
        kinds
            .iter()
            .fold(RequestCounts::default(), |sum, kind| RequestCounts {
                requests: sum.requests + kind.requests,
                failed: sum.failed + kind.failed,
                bytes_sent: sum.bytes_sent + kind.bytes_sent,
                bytes_received: sum.bytes_received + kind.bytes_received,
            })
    }
}

/// Requests of one kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[non_exhaustive]
pub struct RequestCounts {
    /// Requests made, tries that failed included.
    pub requests: u64,
    /// Those that failed. That something is absent, or there already, is no failure.
    pub failed: u64,
    /// Bytes of objects sent, those of failed tries included.
    pub bytes_sent: u64,
    /// Bytes of objects received.
    pub bytes_received: u64,
}

/// The kind of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Put,
    Part,
    Get,
    Head,
    List,
    Delete,
}

#[derive(Debug, Default)]
pub(super) struct Counters {
    put: Counter,
    part: Counter,
    get: Counter,
    head: Counter,
    list: Counter,
    delete: Counter,
}

#[derive(Debug, Default)]
pub(super) struct Counter {
    requests: AtomicU64,
    failed: AtomicU64,
    bytes_sent: AtomicU64,
    bytes_received: AtomicU64,
}

impl Counters {
    pub(super) fn of(&self, kind: Kind) -> &Counter {
        match kind {
            Kind::Put => &self.put,
            Kind::Part => &self.part,
            Kind::Get => &self.get,
            Kind::Head => &self.head,
            Kind::List => &self.list,
            Kind::Delete => &self.delete,
        }
    }

    pub(super) fn read(&self) -> Requests {
        Requests {
            put: self.put.read(),
            part: self.part.read(),
            get: self.get.read(),
            head: self.head.read(),
            list: self.list.read(),
            delete: self.delete.read(),
        }
    }
}

// Relaxed throughout: counts order nothing else.
impl Counter {
    pub(super) fn sends(&self, bytes: u64) {
        self.makes(1);
        self.bytes_sent.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(super) fn makes(&self, requests: u64) {
        self.requests.fetch_add(requests, Ordering::Relaxed);
    }

    pub(super) fn fails(&self) {
        self.failed.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn receives(&self, bytes: u64) {
        self.bytes_received.fetch_add(bytes, Ordering::Relaxed);
    }

    fn read(&self) -> RequestCounts {
        RequestCounts {
            requests: self.requests.load(Ordering::Relaxed),
            failed: self.failed.load(Ordering::Relaxed),
            bytes_sent: self.bytes_sent.load(Ordering::Relaxed),
            bytes_received: self.bytes_received.load(Ordering::Relaxed),
        }
    }
}
