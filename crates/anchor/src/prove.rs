//! `prove`: an event of a store with the proof that it is in the log, by a head that is signed; and which of several heads
//! is to prove it.

use crate::kept::KeptHeads;
use std::cmp::Reverse;
use strandline::{Error, EventId, Sequence, Snapshot, WholeEvent};
use strandline_proof::{
    DisclosedEvent, DisclosedPayload, Disclosure, ProofFile, ProofFileError, SignedCheckpoint,
};

/// Which event is to be proved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proved {
    /// The event with this id.
    Event {
        /// Its id.
        id: EventId,
        /// Whether the hash of its payload stands in the place of that, of which nobody makes it.
        without_payload: bool,
    },
    /// The digest of what has, or had, this sequence: all there is of an event that was removed.
    Digest(Sequence),
}

/// Why there is no proof.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProveError {
    /// No event has the id.
    #[error(
        "no event has the id {0}; of one that was removed the digest is proved, by its sequence"
    )]
    NoEvent(EventId),
    /// The head is of fewer events.
    #[error(
        "the head is of {size} events, and the event is number {sequence}: it is not in it, or not durable yet"
    )]
    NotInHead {
        /// Of how many events the head is.
        size: u64,
        /// Which event was to be proved.
        sequence: Sequence,
    },
    /// The head is of more events.
    #[error(
        "the head is of {size} events, and the log has {log_size}: it is an earlier one, or has lost some"
    )]
    BeyondLog {
        /// Of how many events the head is.
        size: u64,
        /// How many the log has.
        log_size: u64,
    },
    /// The head is not one of this log.
    #[error(
        "the log had another root at {size} events than this head says: run `strandline verify` with --anchors"
    )]
    OtherLog {
        /// Of how many events the head is.
        size: u64,
    },
    /// It is too long for a file.
    #[error(transparent)]
    File(#[from] ProofFileError),
    /// The log cannot be read.
    #[error(transparent)]
    Store(#[from] Error),
}

/// The event, or its digest, with the proof that it is in the log of a head that is signed. Whoever trusts the signature
/// checks it without the store.
///
/// # Errors
///
/// [`ProveError`].
pub fn prove(
    now: &Snapshot,
    proved: Proved,
    checkpoint: SignedCheckpoint,
) -> Result<ProofFile, ProveError> {
    let (sequence, whole) = match proved {
        Proved::Digest(sequence) => (sequence, None),
        Proved::Event { id, .. } => {
            let whole = now.get_whole(id)?.ok_or(ProveError::NoEvent(id))?;
            (whole.event.header().sequence, Some(whole))
        }
    };
    let head = *checkpoint.unverified().head();
    let (size, log_size) = (head.size, now.visible().get());
    if sequence.get() >= size {
        return Err(ProveError::NotInHead { size, sequence });
    }
    if size > log_size {
        return Err(ProveError::BeyondLog { size, log_size });
    }
    let then = now.snapshot_at(Sequence::new(size));
    let proof = then.prove_sequence(sequence)?;
    if proof.head != head {
        return Err(ProveError::OtherLog { size });
    }
    let disclosure = match (whole, proved) {
        (
            Some(whole),
            Proved::Event {
                without_payload, ..
            },
        ) => Disclosure::from(disclosed(&whole, without_payload)),
        _ => Disclosure::Digest(proof.digest),
    };
    let file = ProofFile::new(sequence.get(), proof.inclusion, checkpoint);
    Ok(file.with_disclosure(&disclosure)?)
}

fn disclosed(whole: &WholeEvent, without_payload: bool) -> DisclosedEvent {
    let payload = match (whole.nonce, whole.event.payload()) {
        (Some(nonce), Ok(bytes)) if !without_payload => DisclosedPayload::Stored {
            nonce,
            bytes: bytes.to_vec(),
        },
        _ => DisclosedPayload::Hash(whole.payload_hash),
    };
    DisclosedEvent::new(whole.event.header(), whole.previous, payload)
}

impl KeptHeads {
    /// The head of this log over most events that it has: what proves most of them. Heads of other logs may be among them.
    /// One that contradicts the log, and is called as it, is given if it is newer: what is proved by it fails. `None` if no
    /// head is of as many events as the log has, or fewer.
    #[must_use]
    pub fn newest_within(mut self, now: &Snapshot) -> Option<SignedCheckpoint> {
        let size = |head: &SignedCheckpoint| head.unverified().head().size;
        self.heads.retain(|head| size(head) <= now.visible().get());
        self.heads.sort_by_key(|head| Reverse(size(head)));
        let is_own = |head: &&SignedCheckpoint| {
            let head = head.unverified().head();
            now.tree_head_at(head.size).is_ok_and(|own| own == *head)
        };
        let own = self.heads.iter().find(is_own);
        let origin = own.map(|own| own.unverified().origin().to_owned());
        let is_called_so = |head: &SignedCheckpoint| {
            origin
                .as_deref()
                .is_none_or(|origin| head.unverified().origin() == origin)
        };
        self.heads.into_iter().find(is_called_so)
    }
}
