//! `LogTree`: the tree over a log, as a snapshot has it, whose nodes are found or made as they are asked for.

use super::group::{Group, GroupError, segment_of};
use super::known::Trees;
use super::of_segment::Asked;
use crate::rows::{GROUP, GROUP_LEVEL};
use crate::{Error, ErrorKind};
use std::cell::RefCell;
use std::ops::Range;
use strandline_core::{Hash, Sequence};
use strandline_proof::{
    ConsistencyProof, Hash as TreeHash, InclusionProof, Nodes, TreeError, TreeHead, consistency,
    inclusion, node_hash, root,
};
use strandline_segment::{LogView, SegmentId, SegmentInfo};

/// The tree over the log up to a snapshot's watermark: RFC 6962, with SHA-256, over the hashes of its events by
/// sequence. Those of removed events are in it: they stay in the log, so a head or proof that was given stays right.
///
/// A segment's nodes are in its footer. Of the active one they are made of what was appended since they were asked for
/// before, O(bytes of that), and kept in memory, a byte an event; so too of a segment whose footer has none, as an
/// earlier version wrote it, or that has not got its footer yet. What is asked for first after an opening makes the
/// nodes of several segments: O(segments · log events), with a few small reads a segment.
///
/// For who writes tiles, say: [`Nodes`] are those of the tree.
#[derive(Debug)]
pub struct LogTree<'s> {
    trees: &'s Trees,
    log: &'s LogView,
    size: u64,
    /// The group that was made last.
    group: RefCell<Option<Group>>,
    /// The segments of which the nodes were made anew.
    made_anew: RefCell<Vec<SegmentId>>,
}

/// How often something is made once more, after nodes that it was made of were made anew.
const ATTEMPTS: usize = 3;

impl<'s> LogTree<'s> {
    pub(crate) const fn new(trees: &'s Trees, log: &'s LogView, size: u64) -> Self {
        Self {
            trees,
            log,
            size,
            group: RefCell::new(None),
            made_anew: RefCell::new(Vec::new()),
        }
    }

    /// Number of leaves: sequences below it are in the tree.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// The head of the tree over the first `size` leaves. O(log events) nodes, and up to 64 digests are read.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`] if there are not so many, or it ends within 64 leaves whose events were removed with
    /// those beside them: of a multiple of 64 it can always be told. [`ErrorKind::Corrupt`] or [`ErrorKind::Io`] if what is
    /// needed of the log cannot be read.
    pub fn head(&self, size: u64) -> Result<TreeHead, Error> {
        self.check_size(size)?;
        let root = root(size, self).map_err(unwrapped)?;
        Ok(TreeHead { size, root })
    }

    /// The leaf with this number: the hash of the event with this sequence, removed or not. Reads the digests of 64
    /// records and holds them against the tree; those of the 64 that were read last are kept.
    ///
    /// # Errors
    ///
    /// As [`head`](Self::head); [`ErrorKind::InvalidInput`] also if the event was removed with those beside it, as of
    /// these the log has roots of subtrees alone.
    pub fn digest(&self, number: u64) -> Result<Hash, Error> {
        self.check_size(number.saturating_add(1))?;
        self.with_group(number / GROUP, |group| group.digest(number))?
            .ok_or_else(|| in_run(number))
    }

    /// That a leaf is in the tree, with its digest and the tree's head; checked. O(log events) nodes.
    pub(crate) fn prove(&self, number: u64) -> Result<(Hash, InclusionProof, TreeHead), Error> {
        self.check_size(number.saturating_add(1))?;
        for _ in 0..ATTEMPTS {
            let digest = self.digest(number)?;
            let head = self.head(self.size)?;
            let proof = inclusion(number, self.size, self).map_err(unwrapped)?;
            if proof.verify(digest.as_bytes(), number, &head).is_ok() {
                return Ok((digest, proof, head));
            }
            let group = number / GROUP * GROUP;
            self.make_anew(group..group.saturating_add(GROUP))?;
        }
        Err(contradicted(number))
    }

    /// That the tree of its size has grown out of that of `old` leaves, with the heads of both; checked.
    pub(crate) fn prove_consistency(
        &self,
        old: u64,
    ) -> Result<(ConsistencyProof, TreeHead, TreeHead), Error> {
        for _ in 0..ATTEMPTS {
            let (before, now) = (self.head(old)?, self.head(self.size)?);
            let proof = consistency(old, self.size, self).map_err(unwrapped)?;
            if proof.verify(&before, &now).is_ok() {
                return Ok((proof, before, now));
            }
            self.make_anew(old.saturating_sub(1)..old.saturating_add(1))?;
        }
        Err(contradicted(old))
    }

    fn check_size(&self, size: u64) -> Result<(), Error> {
        if size <= self.size {
            return Ok(());
        }
        let message = format!("the log has {} events and not {size}", self.size);
        Err(Error::new(ErrorKind::InvalidInput, message))
    }

    /// Makes the nodes of the segments with these leaves of the log itself, whatever their footers say: for who signs a
    /// head, and is to answer for it. Reads those segments.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Corrupt`] if they are damaged, [`ErrorKind::Io`].
    pub fn make_anew(&self, leaves: Range<u64>) -> Result<(), Error> {
        let mut at = leaves.start;
        while at < leaves.end.min(self.size) {
            let info = segment_of(self.log, at)?;
            self.make_segment_anew(info)?;
            at = info.end().map_or(u64::MAX, |end| end.sequence.get());
        }
        Ok(())
    }

    fn make_segment_anew(&self, info: &SegmentInfo) -> Result<(), Error> {
        let asked = Asked::new(self.log, info, self.size);
        self.trees.of_segment(info).make_anew(&asked)?;
        self.trees.forget_spine();
        self.group.borrow_mut().take();
        self.made_anew.borrow_mut().push(info.id());
        Ok(())
    }

    /// What `get` gives of a group.
    fn with_group<T>(&self, number: u64, get: impl Fn(&Group) -> T) -> Result<T, Error> {
        loop {
            if let Some(group) = &*self.group.borrow()
                && group.number == number
            {
                return Ok(get(group));
            }
            match Group::read(self.trees, self.log, self.size, number) {
                Ok(group) => drop(self.group.borrow_mut().replace(group)),
                Err(GroupError::Other(error)) => return Err(error),
                Err(GroupError::HasGrown) => {}
                Err(GroupError::Differs(info, part)) => {
                    if self.made_anew.borrow().contains(&info.id()) {
                        let message = format!(
                            "{}: the records from sequence {} on are not those that its frames were",
                            info.file_name(),
                            part.start
                        );
                        return Err(Error::new(ErrorKind::Corrupt, message));
                    }
                    // What is wrong with frames is found, and named, as they are read.
                    self.make_segment_anew(&info)?;
                }
            }
        }
    }

    /// A node of several segments.
    fn spanning(&self, level: u8, index: u64) -> Result<TreeHash, Error> {
        let (known, begun) = self.trees.spine(level, index);
        if let Some(known) = known {
            return Ok(known);
        }
        let below = level.checked_sub(1).ok_or_else(|| missing(level, index))?;
        let left = self.node(below, index.saturating_mul(2))?;
        let right = self.node(below, index.saturating_mul(2).saturating_add(1))?;
        let node = node_hash(&left, &right);
        self.trees.keep(level, index, node, begun);
        Ok(node)
    }
}

impl Nodes for LogTree<'_> {
    type Error = Error;

    fn node(&self, level: u8, index: u64) -> Result<TreeHash, Error> {
        let leaves = 1_u64.checked_shl(level.into());
        let first = leaves.and_then(|leaves| index.checked_mul(leaves));
        let (Some(leaves), Some(first)) = (leaves, first) else {
            return Err(missing(level, index));
        };
        let end = first.saturating_add(leaves);
        if end > self.size {
            return Err(missing(level, index));
        }
        let info = segment_of(self.log, first)?;
        if info
            .end()
            .is_some_and(|segment| segment.sequence < Sequence::new(end))
        {
            return self.spanning(level, index);
        }
        let asked = Asked::new(self.log, info, self.size);
        if level < GROUP_LEVEL
            && let Some(group) = &*self.group.borrow()
            && let Some(node) = group.node(level, index)
        {
            return Ok(node);
        }
        let of_segment = self.trees.of_segment(info);
        if let Some(node) = of_segment.node(&asked, level, index)? {
            self.trees.used(info.id(), &of_segment);
            return Ok(node);
        }
        if level >= GROUP_LEVEL {
            return Err(missing(level, index));
        }
        self.with_group(first / GROUP, |group| group.node(level, index))?
            .ok_or_else(|| in_run(first))
    }
}

fn missing(level: u8, index: u64) -> Error {
    let message = format!("the tree has no node {index} of level {level}");
    Error::new(ErrorKind::InvalidInput, message)
}

/// The error of a leaf below what is kept of a run.
fn in_run(number: u64) -> Error {
    let message = format!(
        "the event of sequence {number} was removed with those beside it, and of these the log has no digests any more: \
         a compaction was told to forget them"
    );
    Error::new(ErrorKind::NoDigest, message)
}

fn contradicted(number: u64) -> Error {
    let message = format!("the nodes of the tree around leaf {number} contradict each other");
    Error::new(ErrorKind::Corrupt, message)
}

fn unwrapped(error: TreeError<Error>) -> Error {
    match error {
        TreeError::Nodes(error) => error,
        TreeError::Range(error) => {
            Error::new(ErrorKind::InvalidInput, "there is no such proof").with_source(error)
        }
    }
}
