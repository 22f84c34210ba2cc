//! The check of a receipt against a store as it was at one moment.

use super::snapshot::Snapshot;
use crate::{Error, ErrorKind, Receipt, ReceiptMismatch};
use strandline_core::{EventId, Hash, Region};

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
