//! A directory whose sealed files may be in a bucket: an `Fs` that fetches their bytes when they are read.
//!
//! [`BucketFs`] stands over another file system. A file that is there is used as it is. One that is not, and
//! that the [`Catalog`] lists, is read by ranges: in blocks, each fetched once whoever wants it, kept in memory
//! and on the disk within budgets, checked when it is taken from there.
//!
//! Holds no bucket: what it needs of one is [`ReadObjects`], which [`Bucket`](crate::Bucket) is. Knows no format but what an
//! opening reads first (`prepare`): the bytes are checked by who reads them, as on any disk. Never writes to a
//! bucket.

mod block;
mod blocks;
mod catalog;
mod disk;
mod file;
mod files;
mod flight;
mod fs;
mod looks;
mod objects;
mod of_bucket;
mod of_state;
mod options;
mod pool;
mod prepare;
mod recent;
mod transfer;
mod whole;

pub use catalog::{Catalog, RemoteFile, RemotePart};
pub use fs::BucketFs;
pub(crate) use fs::RenewCatalog;
pub use objects::{NotFetched, ReadObjects};
pub use options::{RemoteOptions, RemoteStats};
