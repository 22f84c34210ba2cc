//! `Receipt`: what an append returns, and in what a store may differ from one. The check is a reading.

use serde::{Deserialize, Serialize};
use std::fmt;
use strandline_core::{EventId, Hash, Hlc, Sequence};

/// What an append returns for each event.
///
/// Kept elsewhere, it shows later that the event is where and what it was:
/// [`Snapshot::verify_receipt`](crate::Snapshot::verify_receipt).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// Id of the event.
    pub id: EventId,
    /// Place in the global commit order.
    pub sequence: Sequence,
    /// Place in the entity's stream, from 0.
    pub clock: u32,
    /// When it was appended.
    pub hlc: Hlc,
    /// Hash of the event: the head of its entity's chain when it was appended.
    pub hash: Hash,
    /// Whether the event was on the disk when the receipt was given. Always so for
    /// [`Durability::Synced`](crate::Durability::Synced); for others
    /// [`Store::wait_durable`](crate::Store::wait_durable) waits for it.
    pub durable: bool,
    /// Whether a replication had acknowledged the event when the receipt was given. Always so for
    /// [`Durability::Replicated`](crate::Durability::Replicated); for others
    /// [`Store::wait_replicated`](crate::Store::wait_replicated) waits for it. A replication that began after
    /// the event was written knows of it once it has acknowledged what came before.
    #[serde(default)]
    pub replicated: bool,
    /// Whether the event had been appended before, and this is the receipt of that time.
    pub repeated: bool,
}

/// In what a store differs from a receipt: [`Error::receipt_mismatches`](crate::Error::receipt_mismatches).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReceiptMismatch {
    /// No event has the id, and the store ends before the receipt's sequence.
    BeyondEnd {
        /// Where the store ends: events with sequences below it are there.
        visible: Sequence,
    },
    /// No event has the id, and another one has the receipt's sequence.
    OtherEvent {
        /// Id of that one.
        id: EventId,
    },
    /// No event has the id, and none the sequence, which is before the store ends: a compaction
    /// removed the event, or it never was in this store.
    UnknownEvent,
    /// The event has another sequence.
    Sequence {
        /// What the store has.
        stored: Sequence,
    },
    /// The event has another clock.
    Clock {
        /// What the store has.
        stored: u32,
    },
    /// The event has another time.
    Hlc {
        /// What the store has.
        stored: Hlc,
    },
    /// The event has another hash: it, or one before it in its entity's chain, is not what it was.
    Hash {
        /// What the store has.
        stored: Hash,
    },
    /// The store has the receipt's hash, and the event that is stored with it has another.
    Content {
        /// Hash of the event as it is stored.
        computed: Hash,
    },
}

impl fmt::Display for ReceiptMismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BeyondEnd { visible } => {
                write!(f, "the event is not there; the store ends before {visible}")
            }
            Self::OtherEvent { id } => {
                write!(f, "the event is not there; event {id} is in its place")
            }
            Self::UnknownEvent => {
                f.write_str("the event is not there: it was removed, or never written")
            }
            Self::Sequence { stored } => write!(f, "its sequence is {stored}"),
            Self::Clock { stored } => write!(f, "its clock is {stored}"),
            Self::Hlc { stored } => write!(f, "its time is {stored}"),
            Self::Hash { stored } => write!(f, "its hash is {stored}"),
            Self::Content { computed } => {
                write!(f, "its content was changed: it has the hash {computed}")
            }
        }
    }
}
