//! A Strandline store on object storage.

#![forbid(unsafe_code)]

mod bucket;

pub use bucket::{
    Bucket, BucketError, BucketErrorKind, BucketOptions, Listed, ObjectInfo, Pending, PutAnswer,
    RequestCounts, Requests,
};
