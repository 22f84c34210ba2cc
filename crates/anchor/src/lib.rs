//! Heads of a log, signed and kept where the log is not, and a store that is held against them.
//!
//! Whoever has all files of a store can write another history with right checksums and right hashes, or put the store
//! of last week in its place: nothing in the store says so. A head that is kept elsewhere does. It is some 200 bytes:
//! how many events the log had, the root of the tree over them, and a signature.
//!
//! - [`Anchors`] signs the durable head of a store, on demand or by an interval, once it is proved that the log has only
//!   grown since the head that was kept before, and hands it to each [`AnchorSink`]: [`FileSink`], [`DirectorySink`],
//!   [`CommandSink`], with the feature `http` `WitnessSink`, and with the feature `object-store` `BucketSink`.
//! - [`KeptHeads`] reads what they kept; [`check()`] holds a store against it: [`FindingKind`] says of each what it is.
//! - [`prove()`] makes a proof of an event by a head that is signed, which a stranger checks.
//!
//! It has no thread but the one that [`Anchors::start`] makes, which [`RunningAnchors`] ends; others call
//! [`Anchors::tick`]. Asks the store for the time.
//!
//! ```
//! use std::sync::Arc;
//! use strandline::fs::OsFs;
//! use strandline_anchor::proof::{LogPolicy, SignerKey};
//! use strandline::{Coordinate, Event, EventKind, Store};
//! use strandline_anchor::{Anchors, FileSink, KeptHeads, check};
//!
//! # let dir = tempfile::tempdir()?;
//! let store = Store::open(dir.path().join("orders.strand"))?;
//! let order = Coordinate::new("order:1042", "eu/payments")?;
//! store.append(&order, Event::bytes(EventKind::new(1, 1), *b"x"))?;
//!
//! // On another machine, if it is to be of use; of 32 bytes that nobody can guess.
//! let heads = dir.path().join("orders.heads");
//! let key = SignerKey::from_seed("example.org/orders".parse()?, [7; 32]);
//! let policy = LogPolicy::new(key.verifier());
//! let mut anchors = Anchors::new(key).sink(FileSink::new(Arc::new(OsFs), &heads));
//! assert!(anchors.anchor(&store)?.failed.is_empty());
//!
//! let kept = KeptHeads::read(&OsFs, &heads)?;
//! let report = check(&store.snapshot(), &kept, &policy)?;
//! assert!(report.is_sound());
//! assert_eq!((report.anchored, report.log_size), (1, 1));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#![forbid(unsafe_code)]

mod running;

mod anchors;
mod check;
mod prove;

mod sink;

mod kept;

pub use anchors::{AnchorError, Anchored, Anchors};
pub use check::{Finding, FindingKind, HeadsReport, HeldHead, HeldState, check};
pub use kept::{HEADS_BYTES_MAX, KeptHeads, Unreadable};
pub use prove::{ProveError, Proved, prove};
pub use running::{AnchorsStatus, RunningAnchors};
pub use sink::{AnchorSink, CommandSink, DirectorySink, FileSink, IsWanted, Prove, SinkError};
#[cfg(feature = "object-store")]
pub use sink::{BucketSink, heads_in};
#[cfg(feature = "http")]
pub use sink::{WitnessSink, heads_at};
/// Keys, checkpoints and notes: the crate `strandline-proof`.
pub use strandline_proof as proof;

/// The program in the README is compiled and run with the others.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
