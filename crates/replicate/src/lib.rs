//! A Strandline store on object storage.
//!
//! - [`Bucket`] is a prefix in an object store, asked from plain threads.
//! - [`Replicator`] ships a store to it, [`Replica`] follows it into a directory, [`take_over`] goes on with its log on
//!   another machine, [`restore`] makes a store of it as it was, [`Overview`] says what is in it,
//!   [`check_removed`] whether it still has what the log says is gone.
//! - [`protocol`] says who may do what next, without I/O: what a model checker goes through.
//!
//! The only agreement is that the object store creates an object if there is none. What was acknowledged as replicated
//! is in the log of every later term; a store whose bucket was taken over is fenced, and says by whom.

#![forbid(unsafe_code)]

mod ask;
mod bucket;
mod check;
mod follow;
mod object;
mod overview;
pub mod protocol;
mod remote;
mod replica;
mod replicator;
#[cfg(feature = "metrics")]
mod report;
mod restore;
mod ship;
mod takeover;

pub use bucket::{
    Bucket, BucketError, BucketErrorKind, BucketOptions, Listed, ObjectInfo, Pending, PutAnswer,
    RequestCounts, Requests, check_apart,
};
pub use check::{Leftover, RemovedCheck, RemovedCheckError, UnreadObject, check_removed};
pub use follow::{FollowError, bucket_fs, is_lazy};
pub use object::{
    CHUNK_BODY_OFFSET, CHUNK_HEADER_OFFSET, Chunk, FileName, FileNameError, FileParts, Key,
    KeyError, ObjectError, Owner, OwnerError, Part, Predecessor, Prefix, STATE_BYTES_MAX, State,
    TERM_BYTES_MAX, Term, TermKind, TermRecord,
};
pub use overview::{
    Amount, Lack, LackKind, LogOverview, ObjectAmounts, Overview, OverviewError, TermOverview,
    Unfinished, remove_unfinished,
};
pub use remote::{
    BucketFs, Catalog, NotFetched, ReadObjects, RemoteFile, RemoteOptions, RemotePart, RemoteStats,
};
pub use replica::{Replica, ReplicaActivity, ReplicaOptions, ReplicaStatus};
pub use replicator::Replicator;
pub use restore::{Until, restore};
pub use ship::{ReplicateError, ReplicateOptions, ReplicatorStage, ReplicatorStatus};
pub use takeover::{TakeOverError, TakeOverOptions, TakenOver, take_over};

/// The program of the README, compiled and run.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
