//! Proofs: that an event is in the log, and that the log has only grown. Made of the tree over the log, which is in
//! `tree`.

use super::snapshot::Snapshot;
use crate::tree::LogTree;
use crate::{Error, ErrorKind};
use strandline_core::{EventId, Hash, Sequence};
use strandline_proof::{ConsistencyProof, InclusionProof, ProofError, TreeHead};

/// That an event is in a log, up to a head: whoever trusts the head needs no log to check it.
///
/// ```
/// use strandline::{Coordinate, Event, EventKind, Store};
///
/// # let dir = tempfile::tempdir()?;
/// let store = Store::open(dir.path().join("orders.strand"))?;
/// let order = Coordinate::new("order:1042", "eu/payments")?;
/// let receipt = store.append(&order, Event::bytes(EventKind::new(1, 1), *b"x"))?;
/// let proof = store.snapshot().prove(receipt.id)?.ok_or("it is there")?;
/// assert_eq!((proof.sequence, proof.digest), (receipt.sequence, receipt.hash));
/// proof.verify()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct EventProof {
    /// Sequence of the event: number of the leaf.
    pub sequence: Sequence,
    /// Hash of the event: what the leaf is made of.
    pub digest: Hash,
    /// The hashes beside the way to the root.
    pub inclusion: InclusionProof,
    /// The head that it leads to.
    pub head: TreeHead,
}

impl EventProof {
    /// Checks that the hashes lead from the digest to the head. O(log events). Says nothing of the head.
    ///
    /// # Errors
    ///
    /// [`ProofError`], which says what is wrong.
    pub fn verify(&self) -> Result<(), ProofError> {
        let (digest, index) = (self.digest.as_bytes(), self.sequence.get());
        self.inclusion.verify(digest, index, &self.head)
    }
}

impl Snapshot {
    /// The tree over the log up to the watermark.
    #[must_use]
    pub fn tree(&self) -> LogTree<'_> {
        let reader = &self.reader;
        LogTree::new(&reader.trees, &reader.log, self.visible().get())
    }

    /// The head of the tree up to the watermark: 40 bytes that stand for everything before it.
    ///
    /// What it stands for may not be durable yet: keep and sign what
    /// [`Store::durable_head`](crate::Store::durable_head) gives.
    ///
    /// O(log events) nodes; the first time after an opening, and after appends, see [`LogTree`].
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Corrupt`] or [`ErrorKind::Io`] if what is needed of the log cannot be read.
    pub fn tree_head(&self) -> Result<TreeHead, Error> {
        let tree = self.tree();
        tree.head(tree.size())
    }

    /// The head that the tree had when it was over the first `size` events, removed ones counted. As
    /// [`tree_head`](Self::tree_head).
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`] if there are not so many before the watermark; as
    /// [`tree_head`](Self::tree_head).
    pub fn tree_head_at(&self, size: u64) -> Result<TreeHead, Error> {
        self.tree().head(size)
    }

    /// The proof that the event with this id is in the log up to the watermark; `None` if no event has the id, or it
    /// was removed: then [by its sequence](Self::prove_sequence). It is checked before it is given.
    ///
    /// Reads the event and the digests of 64 records, and O(log events) nodes.
    ///
    /// # Errors
    ///
    /// As [`tree_head`](Self::tree_head).
    pub fn prove(&self, id: EventId) -> Result<Option<EventProof>, Error> {
        let Some(row) = self.index.get(id) else {
            return self.absent();
        };
        let hash = self.reader.read_with(row, |event| event.hash())?;
        let proof = self.prove_sequence(row.sequence())?;
        match proof.digest == hash {
            true => Ok(Some(proof)),
            false => Err(Error::new(
                ErrorKind::Corrupt,
                format!("event {id} is not the one of sequence {}", proof.sequence),
            )),
        }
    }

    /// The proof that the event with this sequence is in the log up to the watermark, removed or not. As
    /// [`prove`](Self::prove).
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`] if the watermark is not above it; as [`tree_head`](Self::tree_head).
    pub fn prove_sequence(&self, sequence: Sequence) -> Result<EventProof, Error> {
        let (digest, inclusion, head) = self.tree().prove(sequence.get())?;
        Ok(EventProof {
            sequence,
            digest,
            inclusion,
            head,
        })
    }

    /// The proof that the log up to the watermark has only grown since it had the head `old`: with it,
    /// [`tree_head`](Self::tree_head) is trusted by who trusts `old`. It is checked before it is given.
    ///
    /// Whatever was removed or redacted since, heads that were given stay those of the log. Before a head is said not to be
    /// the log's, the nodes of the tree are made of its frames, whatever footers say: that reads the log up to it.
    ///
    /// ```
    /// use strandline::{Coordinate, ErrorKind, Event, EventKind, Store, TreeHead};
    ///
    /// # let dir = tempfile::tempdir()?;
    /// let store = Store::open(dir.path().join("orders.strand"))?;
    /// let order = Coordinate::new("order:1042", "eu/payments")?;
    /// let event = || Event::bytes(EventKind::new(1, 1), *b"x");
    /// store.append(&order, event())?;
    /// let kept = store.durable_head()?;
    /// store.append(&order, event())?;
    ///
    /// let now = store.snapshot();
    /// now.prove_consistency(&kept)?.verify(&kept, &now.tree_head()?)?;
    /// let forged = TreeHead { size: 1, root: now.tree_head()?.root };
    /// let error = now.prove_consistency(&forged).unwrap_err();
    /// assert_eq!(error.kind(), ErrorKind::ForeignHead);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ErrorKind::ForeignHead`] if the log has not had this head, or has fewer events; as
    /// [`tree_head`](Self::tree_head).
    pub fn prove_consistency(&self, old: &TreeHead) -> Result<ConsistencyProof, Error> {
        let tree = self.tree();
        let foreign = |message| Err(Error::new(ErrorKind::ForeignHead, message));
        if old.size > tree.size() {
            let message = format!(
                "the log has {} events, and the head is of {}",
                tree.size(),
                old.size
            );
            return foreign(message);
        }
        let (proof, own, _) = tree.prove_consistency(old.size)?;
        if own.root == old.root {
            return Ok(proof);
        }
        // Footers may say so, and the log not.
        tree.make_anew(0..old.size)?;
        let (proof, own, _) = tree.prove_consistency(old.size)?;
        if own.root == old.root {
            return Ok(proof);
        }
        foreign(format!(
            "the log had the root {} at {} events, and the head has {}",
            own.root, own.size, old.root
        ))
    }
}
