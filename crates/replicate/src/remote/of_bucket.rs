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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bucket::{BucketOptions, PutAnswer};

    #[test]
    fn what_is_absent_is_not_found() {
        let bucket = Bucket::open("memory:", BucketOptions::default()).unwrap();
        let put = bucket.put_new("data/a", Bytes::from_static(b"0123456789"));
        assert!(matches!(put, PutAnswer::Created));
        let bucket: &dyn ReadObjects = &bucket;
        assert_eq!(bucket.read("data/a", 2..5).unwrap(), &b"234"[..]);
        let absent = bucket.read("data/b", 0..1).unwrap_err();
        assert_eq!(absent.kind(), io::ErrorKind::NotFound);
        let short = bucket.read("data/a", 2..50).unwrap_err();
        assert_ne!(short.kind(), io::ErrorKind::NotFound);
    }
}
