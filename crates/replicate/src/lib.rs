//! A Strandline store on object storage.

#![forbid(unsafe_code)]

mod bucket;
mod remote;

pub use bucket::{
    Bucket, BucketError, BucketErrorKind, BucketOptions, Listed, ObjectInfo, Pending, PutAnswer,
    RequestCounts, Requests,
};
pub use remote::{
    BucketFs, Catalog, NotFetched, ReadObjects, RemoteFile, RemoteOptions, RemotePart, RemoteStats,
};
