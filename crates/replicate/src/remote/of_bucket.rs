//! A [`Bucket`] as [`ReadObjects`].

use super::objects::ReadObjects;
use crate::bucket::{Bucket, BucketErrorKind};
use bytes::Bytes;
use std::io;
use std::ops::Range;

impl ReadObjects for Bucket {
    fn read(&self, key: &str, range: Range<u64>) -> io::Result<Bytes> {
        let read = self.get_range(key, range).map_err(|error| {
            let kind = match error.kind() {
                BucketErrorKind::Denied => io::ErrorKind::PermissionDenied,
                BucketErrorKind::Throttled => io::ErrorKind::ResourceBusy,
                BucketErrorKind::Unreachable => io::ErrorKind::HostUnreachable,
                _ => io::ErrorKind::Other,
            };
            io::Error::new(kind, error)
        })?;
        read.ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "there is no such object"))
    }

    fn name(&self) -> String {
        Self::name(self).to_owned()
    }
}
