//! `Window`: an object read from its beginning to its end, a stretch at a time, and hashed on the way.

use crate::bucket::{Bucket, BucketError};
use bytes::Bytes;
use strandline::maintenance::Meter;

/// How much is asked for at a time, in bytes, if no frame is longer.
const BYTES: u64 = 4 << 20;

/// Why an object is not read on.
#[derive(Debug, thiserror::Error)]
pub(super) enum Stopped {
    /// It is not there, or not any more.
    #[error("it is not there")]
    Absent,
    #[error(transparent)]
    Bucket(#[from] BucketError),
    /// By whoever watches.
    #[error(transparent)]
    Watcher(#[from] strandline::Error),
}

/// What is asked for more of an object, and told of it.
struct Source<'a, 'm> {
    bucket: &'a Bucket,
    key: String,
    meter: &'a mut Meter<'m>,
}

/// An object of a length. Memory: a stretch.
pub(super) struct Window<'a, 'm> {
    from: Option<Source<'a, 'm>>,
    length: u64,
    /// What was read last, and where in the object it begins.
    held: Bytes,
    at: u64,
    hasher: blake3::Hasher,
    /// Up to where it was hashed.
    hashed: u64,
}

impl<'a, 'm> Window<'a, 'm> {
    pub(super) fn new(
        bucket: &'a Bucket,
        key: String,
        length: u64,
        meter: &'a mut Meter<'m>,
    ) -> Self {
        Self {
            from: Some(Source { bucket, key, meter }),
            length,
            held: Bytes::new(),
            at: 0,
            hasher: blake3::Hasher::new(),
            hashed: 0,
        }
    }

    /// The first `length` bytes of what was read.
    pub(super) fn of(bytes: Bytes, length: u64) -> Self {
        let hasher = blake3::Hasher::new();
        Self {
            from: None,
            length: length.min(bytes.len() as u64),
            held: bytes,
            at: 0,
            hasher,
            hashed: 0,
        }
    }

    pub(super) const fn length(&self) -> u64 {
        self.length
    }

    /// The bytes from `from` on: `least` at least, or as many as there are. What is before `from` is not asked for any
    /// more, and `from` is not behind what was given before.
    pub(super) fn bytes(&mut self, from: u64, least: u64) -> Result<&[u8], Stopped> {
        let end = self.length.min(from.saturating_add(least));
        let held = self.at.saturating_add(self.held.len() as u64);
        if from < self.at || end > held {
            self.read(from, least)?;
        }
        let skip = usize::try_from(from.saturating_sub(self.at)).unwrap_or(usize::MAX);
        Ok(self.held.get(skip..).unwrap_or_default())
    }

    fn read(&mut self, from: u64, least: u64) -> Result<(), Stopped> {
        let end = self.length.min(from.saturating_add(least.max(BYTES)));
        let Some(object) = &mut self.from else {
            return Ok(());
        };
        self.held = Bytes::new();
        if from < end {
            let read = object.bucket.get_range(&object.key, from..end)?;
            self.held = read.ok_or(Stopped::Absent)?;
        }
        self.at = from;
        let new = usize::try_from(self.hashed.saturating_sub(from)).unwrap_or(usize::MAX);
        let new = self.held.get(new..).unwrap_or_default();
        self.hasher.update(new);
        self.hashed = self.hashed.saturating_add(new.len() as u64);
        object.meter.add(new.len() as u64)?;
        Ok(())
    }

    /// The first 8 bytes of the hash of all of it, as keys have them. Reads what is left.
    pub(super) fn content(&mut self) -> Result<u64, Stopped> {
        while self.hashed < self.length && self.from.is_some() {
            self.read(self.hashed, BYTES)?;
        }
        let hash = self.hasher.finalize();
        let front = hash.as_bytes().first_chunk().copied().unwrap_or_default();
        Ok(u64::from_be_bytes(front))
    }
}
