//! Strandline is an embedded, append-only event store.
//!
//! One directory, one writer, any number of readers, no server and no async runtime. Events of an
//! entity form a stream and a hash chain, batches are all or nothing, reads come from snapshots,
//! and an append returns when its events are visible and as durable as it asked.
//!
//! Start with [`Store`]; [`StoreOptions`] says what can be chosen, [`Snapshot`] what can be read,
//! [`Region`] what can be asked, and [`Error`] what can go wrong.
//!
//! # Visibility
//!
//! An event is visible when its append returns, and not before it is as durable as that append
//! asked. Where every append is [`Durability::Synced`], the default, no reader ever acts on an
//! event that a power cut can take back. Events become visible in the order of their sequences, so
//! a [`Durability::Written`] append also publishes what was written before it: a store that mixes
//! both gives its readers the weaker promise.
//!
//! # Writing
//!
//! An [`Event`] may expect a version of its entity's stream ([`ExpectedVersion`]); an append may
//! depend on what has happened in any [`Region`] since the caller looked ([`AppendCondition`]), by
//! entity, scope, kind or tag. Both are checked where events are given their places, so of writers
//! that exclude each other one alone succeeds. An event with an id of the caller's is written once,
//! however often it is appended. A [`Batch`] is all or nothing, and its members may cause each other.
//! [`Store::submit`] returns a [`Ticket`] before the sync, so that one thread keeps many appends in
//! flight; it is a future that needs no runtime. A [`Receipt`] can be checked later
//! ([`Snapshot::verify_receipt`]). [`EventPayload`] and [`Registry`] make events of types, and read
//! what older versions of these wrote.
//!
//! # Reading live
//!
//! [`Store::follow`] a query gives a [`Cursor`]: every event that there is, and then each as it comes. What is visible
//! is all below a watermark, and nothing appears below it later, so nothing can be passed over. How far it came is a
//! [`SavedPosition`], which a store that is another one, was restored, or lost its end does not take.
//! [`Store::wait_visible_past`] and [`Store::visible_past`] wait without reading, until the event of a
//! [`Receipt::sequence`] is visible, say; [`Store::wait_durable`] until that of a receipt is on the disk, and syncs
//! where nobody else does, which [`Store::wait_durable_past`] and [`Store::durable_past`] leave to others.
//! [`Store::subscribe`] pushes instead: a [`Subscription`] is a channel of batches, and tells who is too slow what was
//! left out. With the feature `stream`, `Cursor::into_stream` gives a `futures_core::Stream`.
//!
//! # Failures
//!
//! [`Error::class`] says what a failure means for an append: nothing was written, or only a reopen
//! can tell. A failed sync is never tried again: the store stops writing until it is reopened,
//! and reads go on.
//!
//! # Layers
//!
//! The parts are crates of their own: `strandline-core`, `strandline-segment` (a log of commits of
//! anything), `strandline-index` (an event index in memory) and `strandline-checkpoint` (a file of
//! checksummed sections).

#![forbid(unsafe_code)]

mod append;
mod engine;
mod follow;
pub mod maintenance;
mod meter;
mod model;
mod open;
mod read;
mod replication;
mod rows;
mod store;
mod trace;
mod tree;
mod upkeep;
mod verify;

pub use append::{Outcome, Submit, Ticket};
pub use engine::push::{Lagged, Pushed, PushedEvents};
#[cfg(feature = "stream")]
pub use follow::CursorStream;
pub use follow::{
    Cursor, Delivery, SUBSCRIPTION_CAPACITY_MAX, Start, Subscription, SubscriptionIter,
};
pub use model::typed::{
    Codec, CodecError, EventEnum, EventPayload, GonePayload, Json, MessagePack, OpenPayload,
    Registry,
};
pub use model::{
    AppendCondition, AppendOptions, BATCH_BYTES_MAX, BATCH_EVENTS_MAX, Batch,
    CONDITION_REGIONS_MAX, CONDITION_TAGS_MAX, CacheStats, ConditionConflict, Difference,
    Durability, Error, ErrorClass, ErrorKind, Event, EventRef, ExpectedVersion, HeadCacheStats,
    IdConflict, KindConflict, LockHolder, MADE_KINDS_CATEGORY, OpenPath, OpenReport, OpenTimes,
    Order, PAYLOAD_BYTES_MAX_DEFAULT, Page, PageToken, PageTokenError, PositionMismatch, Receipt,
    ReceiptMismatch, RefusedPosition, RefusedTime, SavedPosition, SavedPositionError, Stats,
    StoreOptions, StoredEvent, TRACKED_SOURCES_MAX, Tracked, TrackingConflict, VersionConflict,
};
pub use read::{EventPlace, EventProof, Events, KindCount, Passed, Snapshot, WholeEvent};
pub use replication::Replication;
pub use store::Store;
pub use tree::LogTree;
pub use verify::{PROBLEMS_MAX, Problem, ProblemKind, VerifyReport};

#[cfg(feature = "derive")]
pub use strandline_derive::{EventEnum, EventPayload};

pub use strandline_core::codec::DecodeError;
pub use strandline_core::fs;
pub use strandline_core::{
    ATTRIBUTES_BYTES_MAX, AttributeError, AttributeValue, Attributes, Clock, ClockKey, Coordinate,
    EXTENSION_BYTES_MAX, EntityFilter, Epoch, EpochError, EventHeader, EventId, EventIdError,
    EventKind, Extensions, Hash, HashChain, Hex, HexError, Hlc, HlcError, KindError, KindFilter,
    KindRange, KindSet, ManualClock, NAME_BYTES_MAX, NameError, Nonce, PayloadEncoding, Query,
    Region, Seal, SealForm, SealKeyId, SealKeyIdError, Sequence, SystemClock, TAG_BYTES_MAX,
    TAGS_MAX,
};
pub use strandline_index::{Causes, IndexLayout, Names, PartPlan, Plan, PlanKey, RowView, Rows};
/// Trees of hashes over a log, and the proofs that are made of them: the crate `strandline-proof`.
pub use strandline_proof as proof;
pub use strandline_proof::{ConsistencyProof, InclusionProof, TreeHead};
