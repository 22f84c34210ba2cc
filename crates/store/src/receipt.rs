//! `Receipt`: what an append returns, and the check of one against a store.

use crate::{Error, ErrorKind, Snapshot};
use serde::{Deserialize, Serialize};
use std::fmt;
use strandline_core::{EventId, Hash, Hlc, Region, Sequence};

/// What an append returns for each event.
///
/// Kept elsewhere, it shows later that the event is where and what it was:
/// [`Snapshot::verify_receipt`].
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
    /// Whether the event had been appended before, and this is the receipt of that time.
    pub repeated: bool,
}

/// In what a store differs from a receipt: [`Error::receipt_mismatches`].
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

impl Snapshot {
    /// Checks that the event of a receipt is there, as it was when the receipt was given.
    ///
    /// Reads the event, hashes it anew, and reads the one before it in its stream. What comes before
    /// that is the business of [`Store::verify`](crate::Store::verify).
    ///
    /// ```
    /// use strandline::{Coordinate, ErrorKind, Event, EventKind, ReceiptMismatch, Store};
    ///
    /// # let dir = tempfile::tempdir()?;
    /// let store = Store::open(dir.path().join("orders.strand"))?;
    /// let order = Coordinate::new("order:1042", "eu/payments")?;
    /// let receipt = store.append(&order, Event::bytes(EventKind::new(1, 1), *b"x"))?;
    /// store.snapshot().verify_receipt(&receipt)?;
    ///
    /// let forged = strandline::Receipt { clock: 7, ..receipt };
    /// let error = store.snapshot().verify_receipt(&forged).unwrap_err();
    /// assert_eq!(error.kind(), ErrorKind::ReceiptMismatch);
    /// assert_eq!(error.receipt_mismatches(), [ReceiptMismatch::Clock { stored: 0 }]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ErrorKind::ReceiptMismatch`] with everything that differs;
    /// [`ErrorKind::Corrupt`] or [`ErrorKind::Io`] if the event cannot be read.
    pub fn verify_receipt(&self, receipt: &Receipt) -> Result<(), Error> {
        let mismatches = self.receipt_mismatches(receipt)?;
        if mismatches.is_empty() {
            return Ok(());
        }
        let listed: Vec<_> = mismatches.iter().map(ToString::to_string).collect();
        let message = format!(
            "the receipt of event {} (sequence {}) does not hold: {}",
            receipt.id,
            receipt.sequence,
            listed.join("; ")
        );
        Err(Error::new(ErrorKind::ReceiptMismatch, message).with_receipt_mismatches(mismatches))
    }

    fn receipt_mismatches(&self, receipt: &Receipt) -> Result<Vec<ReceiptMismatch>, Error> {
        let Some(event) = self.get(receipt.id)? else {
            let visible = self.visible();
            let absent = match self.index.row_at(receipt.sequence) {
                Some(other) => ReceiptMismatch::OtherEvent { id: other.id() },
                None if receipt.sequence >= visible => ReceiptMismatch::BeyondEnd { visible },
                None => ReceiptMismatch::UnknownEvent,
            };
            return Ok(vec![absent]);
        };
        let mut found = Vec::new();
        let stored = event.sequence;
        if stored != receipt.sequence {
            found.push(ReceiptMismatch::Sequence { stored });
        }
        let stored = event.clock;
        if stored != receipt.clock {
            found.push(ReceiptMismatch::Clock { stored });
        }
        let stored = event.hlc;
        if stored != receipt.hlc {
            found.push(ReceiptMismatch::Hlc { stored });
        }
        let stored = event.hash;
        if stored != receipt.hash {
            found.push(ReceiptMismatch::Hash { stored });
        }
        let computed = self.hash_anew(receipt.id, event.coordinate.entity(), event.clock)?;
        if let Some(computed) = computed.filter(|computed| *computed != stored) {
            found.push(ReceiptMismatch::Content { computed });
        }
        Ok(found)
    }

    /// The hash of an event as it is stored; none if the event before it is not there.
    fn hash_anew(&self, id: EventId, entity: &str, clock: u32) -> Result<Option<Hash>, Error> {
        let before = match clock.checked_sub(1) {
            None => Some(Hash::ZERO),
            Some(before) => {
                let before = Region::all().entity(entity).clock(before..=before);
                let row = self.index.query(&before).next();
                let hash = |row| self.reader.read_with(row, |event| event.hash());
                row.map(hash).transpose()?
            }
        };
        let Some(before) = before else {
            return Ok(None);
        };
        self.get_with(id, |event| event.hash_after(&before))
    }
}
