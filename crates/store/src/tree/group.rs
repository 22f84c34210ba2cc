//! `Group`: the nodes of the tree over up to 64 leaves, made of the digests of their records and held against the
//! nodes that are known. Keeps nothing.

use super::known::Trees;
use super::of_segment::Asked;
use crate::rows::{GROUP, Partial, RunSaid, perfect};
use crate::{Error, ErrorKind};
use std::ops::Range;
use strandline_core::{Hash, Sequence};
use strandline_proof::{Hash as TreeHash, leaf_hash};
use strandline_segment::{Digests, LogView, RecordPlace, SegmentInfo};

/// The leaves of an aligned group, as many of them as there are, and what is above them.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) number: u64,
    /// Those of records that are there or have a record of their own, with their numbers.
    digests: Vec<(u64, Hash)>,
    /// Leaves, and of those that are in runs what these have of the tree.
    nodes: Partial,
}

/// Why a group cannot be made.
pub(super) enum GroupError {
    /// The records of this segment are not those that the nodes known of it were made of.
    Differs(Box<SegmentInfo>, Range<u64>),
    /// It has more leaves than a moment ago.
    HasGrown,
    Other(Error),
}

impl From<Error> for GroupError {
    fn from(error: Error) -> Self {
        Self::Other(error)
    }
}

impl Group {
    /// The group with this number, of the first `size` leaves at least, as far as it goes. Reads its records'
    /// digests: some 64 small reads, of what is not mapped.
    pub(super) fn read(
        trees: &Trees,
        log: &LogView,
        size: u64,
        number: u64,
    ) -> Result<Self, GroupError> {
        let first = number.saturating_mul(GROUP);
        let end = first.saturating_add(GROUP);
        let mut group = Self {
            number,
            digests: Vec::with_capacity(usize::try_from(GROUP).unwrap_or(0)),
            nodes: Partial::new(),
        };
        let mut parts = Vec::new();
        let mut at = first;
        while at < end.min(size) {
            let info = segment_of(log, at)?;
            let asked = Asked::new(log, info, size);
            let of_segment = trees.of_segment(info);
            let part = at..end.min(of_segment.end(&asked)?);
            if part.is_empty() {
                return Err(left_out(at).into());
            }
            let place = match at == first && at >= info.start().sequence.get() {
                true => of_segment.place(&asked, number)?,
                false => None,
            };
            group.read_part(&asked, part.clone(), place)?;
            at = part.end;
            parts.push((info, of_segment, part));
        }
        for (info, of_segment, part) in parts {
            let asked = Asked::new(log, info, size);
            for (level, index) in perfect(part.clone()) {
                let known = of_segment.node(&asked, level, index)?;
                // Of the active segment, which another snapshot may ask about, too.
                let known = known.ok_or(GroupError::HasGrown)?;
                if group.node(level, index) != Some(known) {
                    return Err(GroupError::Differs(Box::new(*info), part));
                }
            }
            trees.used(info.id(), &of_segment);
        }
        Ok(group)
    }

    /// Reads the digests of some records of a segment.
    fn read_part(
        &mut self,
        asked: &Asked<'_>,
        part: Range<u64>,
        place: Option<RecordPlace>,
    ) -> Result<(), GroupError> {
        let (log, info) = (asked.log, asked.info);
        let mut at = part.start;
        let mut is_right = true;
        let read = log.digests(info.id(), place, part.clone(), |found| match found {
            Digests::Of(digest) => {
                let leaf = leaf_hash(digest.as_bytes());
                self.digests.push((at, digest));
                self.nodes.push(0, at, leaf);
                at = at.saturating_add(1);
            }
            Digests::Run { sequences, said } => match RunSaid::decode(said, &sequences) {
                Ok(run) => {
                    let leaves = |level: &u8, index: &u64| (*index << level, (*index + 1) << level);
                    for (level, index, hash) in run.tree.items() {
                        let (first, end) = leaves(level, index);
                        if first >= part.start && end <= part.end {
                            self.nodes.push(*level, *index, *hash);
                        }
                    }
                    at = sequences.end.get();
                }
                Err(_) => is_right = false,
            },
        });
        match read {
            Ok(()) if is_right => Ok(()),
            Ok(()) => Err(GroupError::Differs(Box::new(*info), part)),
            Err(error) if error.is_corruption() => Err(GroupError::Differs(Box::new(*info), part)),
            Err(error) => Err(GroupError::Other(error.into())),
        }
    }

    /// A node of the group, if its leaves are there, or in runs that have it.
    pub(super) fn node(&self, level: u8, index: u64) -> Option<TreeHash> {
        self.nodes.node(level, index)
    }

    /// The digest of a record of the group, if it is there.
    pub(super) fn digest(&self, number: u64) -> Option<Hash> {
        let at = self.digests.binary_search_by_key(&number, |(own, _)| *own);
        self.digests.get(at.ok()?).map(|(_, digest)| *digest)
    }
}

/// The segment that has a record.
pub(super) fn segment_of(log: &LogView, number: u64) -> Result<&SegmentInfo, Error> {
    let info = log.info_at(Sequence::new(number));
    let has_it = |info: &&SegmentInfo| info.end().is_none_or(|end| end.sequence.get() > number);
    info.filter(has_it).ok_or_else(|| left_out(number))
}

fn left_out(number: u64) -> Error {
    let message = format!("the log has no record of sequence {number}, and so no tree");
    Error::new(ErrorKind::Corrupt, message)
}
