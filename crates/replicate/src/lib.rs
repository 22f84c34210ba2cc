//! A Strandline store on object storage.

#![forbid(unsafe_code)]

mod remote;

pub use remote::{
    BucketFs, Catalog, NotFetched, Part, ReadObjects, RemoteFile, RemoteOptions, RemoteStats,
};
