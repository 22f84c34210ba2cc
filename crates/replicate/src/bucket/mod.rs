//! The bucket: requests to an object store, made from plain threads, with what an answer does and does not say.
//!
//! Holds [`Bucket`], its options, its errors and its counts. Knows keys as text and objects as bytes: what they
//! mean, which are written when, and what follows from an answer is `protocol`'s.
//!
//! # Tries
//!
//! A request that may be made twice (reading, listing, deleting, writing bytes under a key that is named by
//! them) is tried again here when the object store throttles, fails or cannot be reached. The tries that
//! `object_store` makes by itself are off, so that each is counted, bounded in time and seen.
//!
//! A create-if-absent is tried once. Whoever repeats it without looking cannot tell its own object from
//! another's: the first try may have been applied though its answer was lost, and the second then says "already
//! exists" of the writer's own object. For the same reason [`PutAnswer::Exists`] is no proof that the object is
//! another's: `object_store` gives it for a 409 as well, which S3 sends when two requests for a key meet,
//! whatever becomes of either. Only reading the object tells. And an unclear request may still be applied
//! later: that the object is absent now does not say that it stays so.

mod answers;
mod apart;
mod attempt;
mod client;
mod error;
#[cfg(test)]
mod faults;
mod large;
mod open;
mod options;
mod pending;
mod private;
mod read;
mod requests;
#[cfg(test)]
mod suite;
mod threads;
#[cfg(any(feature = "s3", feature = "gcs", feature = "azure"))]
mod tries;
mod unfinished;

pub use answers::{Listed, ObjectInfo, PutAnswer};
pub use apart::check_apart;
pub use client::Bucket;
pub use error::{BucketError, BucketErrorKind};
pub use options::BucketOptions;
pub use pending::Pending;
pub use requests::{RequestCounts, Requests};
