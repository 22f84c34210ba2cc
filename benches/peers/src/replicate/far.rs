//! `Far`: a bucket as far away as one of S3 may be; whether bytes are in it, and what it was asked for.

use std::collections::HashSet;
use std::ops::Sub;
use std::time::{Duration, Instant};
use strandline_benches::engine::Failure;
use strandline_test_s3::{Operation, TestS3};

/// How long each request waits before anything becomes of it.
pub(super) const LATENCY: Duration = Duration::from_millis(30);
/// How often the bucket is looked at.
const LOOK: Duration = Duration::from_millis(1);
/// How much of the end of a large object is looked through: what was committed last stands there.
const END_BYTES: usize = 256 << 10;
/// Bytes of a payload that are looked for: so many at random are nowhere else.
const NEEDLE_BYTES: usize = 16;

/// A server on the loopback interface with one bucket, in this process.
pub(super) struct Far {
    server: TestS3,
}

/// Requests that arrived at a bucket, and bytes.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Spent {
    /// That write or list: what S3 takes most for.
    pub(super) writes: u64,
    pub(super) lists: u64,
    /// That read an object, or ask whether it is there.
    pub(super) reads: u64,
    /// That delete: free on S3.
    pub(super) deletes: u64,
    /// Of the bodies of requests.
    pub(super) bytes_sent: u64,
}

impl Sub for Spent {
    type Output = Self;

    fn sub(self, before: Self) -> Self {
        Self {
            writes: self.writes - before.writes,
            lists: self.lists - before.lists,
            reads: self.reads - before.reads,
            deletes: self.deletes - before.deletes,
            bytes_sent: self.bytes_sent - before.bytes_sent,
        }
    }
}

impl Far {
    pub(super) fn start() -> Result<Self, Failure> {
        let server = TestS3::start()?;
        server.set_latency(LATENCY);
        Ok(Self { server })
    }

    /// The bucket's name, its URL, and what a client has to know, by the names that `object_store` has for it.
    pub(super) fn server(&self) -> &TestS3 {
        &self.server
    }

    pub(super) fn spent(&self) -> Spent {
        let mut spent = Spent::default();
        self.server.count(|seen| {
            let kind = match seen.operation {
                Operation::Get | Operation::Head => &mut spent.reads,
                Operation::List => &mut spent.lists,
                Operation::Delete | Operation::DeleteMany | Operation::AbortUpload => {
                    &mut spent.deletes
                }
                _ => &mut spent.writes,
            };
            *kind += 1;
            spent.bytes_sent += seen.bytes as u64;
            false
        });
        spent
    }

    /// How many objects there are, and their bytes.
    pub(super) fn held(&self) -> (usize, u64) {
        let keys = self.server.keys("");
        let objects = keys.iter().filter_map(|key| self.server.object(key));
        (keys.len(), objects.map(|object| object.len() as u64).sum())
    }

    /// Looks at objects that are created from now on.
    pub(super) fn watch(&self) -> Watch<'_> {
        Watch {
            server: &self.server,
            seen: self.server.keys("").into_iter().collect(),
        }
    }
}

/// What looks for bytes in new objects.
pub(super) struct Watch<'a> {
    server: &'a TestS3,
    seen: HashSet<String>,
}

impl Watch<'_> {
    /// Waits until a payload is in the bucket, and gives the moment; `None` if that takes longer than `timeout`.
    ///
    /// Payloads that do not compress stand in a compressed object as they are. Two parts of the payload are looked for, as one
    /// may be like something before it by chance.
    ///
    /// # Errors
    ///
    /// That of `check`, which is asked whether there is any hope.
    pub(super) fn wait(
        &mut self,
        payload: &[u8],
        timeout: Duration,
        mut check: impl FnMut() -> Result<(), Failure>,
    ) -> Result<Option<Instant>, Failure> {
        let needles: Vec<_> = payload.rchunks(payload.len() / 2).collect();
        let needles: Vec<_> = needles
            .iter()
            .filter_map(|half| half.get(NEEDLE_BYTES..2 * NEEDLE_BYTES))
            .collect();
        let began = Instant::now();
        while began.elapsed() < timeout {
            for key in self.server.keys("") {
                if self.seen.contains(&key) {
                    continue;
                }
                let object = self.server.object(&key).unwrap_or_default();
                let end = object.len().saturating_sub(END_BYTES);
                let end = object.get(end..).unwrap_or_default();
                if needles.iter().any(|needle| contains(end, needle)) {
                    return Ok(Some(Instant::now()));
                }
                self.seen.insert(key);
            }
            check()?;
            std::thread::sleep(LOOK);
        }
        Ok(None)
    }
}

fn contains(bytes: &[u8], needle: &[u8]) -> bool {
    bytes.windows(needle.len()).any(|window| window == needle)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payload_is_found_once_it_is_there() {
        let far = Far::start().unwrap();
        let payload: Vec<u8> = (0..200).collect();
        far.server().put_object("before", payload.clone());
        let mut watch = far.watch();
        let none = Duration::from_millis(20);
        // What was there before does not count.
        assert!(watch.wait(&payload, none, || Ok(())).unwrap().is_none());
        far.server().put_object("other", vec![7; 1_000_000]);
        assert!(watch.wait(&payload, none, || Ok(())).unwrap().is_none());
        let mut large = vec![7; 1_000_000];
        large.extend_from_slice(&payload);
        far.server().put_object("large", large);
        let long = Duration::from_secs(600);
        assert!(watch.wait(&payload, long, || Ok(())).unwrap().is_some());
        let failed = watch.wait(&[9; 200], long, || Err("ended".into()));
        assert!(failed.is_err());
    }
}
