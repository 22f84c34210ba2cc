//! A Strandline store on object storage.

#![forbid(unsafe_code)]

mod ask;
mod bucket;
mod follow;
mod object;
pub mod protocol;
mod remote;
mod replica;
mod replicator;
mod restore;
mod ship;
mod takeover;

pub use bucket::{
    Bucket, BucketError, BucketErrorKind, BucketOptions, Listed, ObjectInfo, Pending, PutAnswer,
    RequestCounts, Requests,
};
pub use follow::FollowError;
pub use object::{
    CHUNK_BODY_OFFSET, CHUNK_HEADER_OFFSET, Chunk, FileName, FileNameError, FileParts, Key,
    KeyError, ObjectError, Owner, OwnerError, Part, Predecessor, Prefix, State, TERM_BYTES_MAX,
    Term, TermKind, TermRecord,
};
pub use remote::{
    BucketFs, Catalog, NotFetched, ReadObjects, RemoteFile, RemoteOptions, RemotePart, RemoteStats,
};
pub use replica::{Replica, ReplicaActivity, ReplicaOptions, ReplicaStatus};
pub use replicator::Replicator;
pub use restore::{Until, restore};
pub use ship::{ReplicateError, ReplicateOptions, ReplicatorStage, ReplicatorStatus};
pub use takeover::{TakeOverError, TakeOverOptions, TakenOver, take_over};
