//! `Group`: the nodes of the tree over up to 64 leaves, made of the digests of their records and held against the
//! nodes that are known. Keeps nothing.

use super::known::Trees;
use super::of_segment::Asked;
use crate::rows::{GROUP, GROUP_LEVEL, perfect};
use crate::{Error, ErrorKind};
use std::ops::Range;
use strandline_core::{Hash, Sequence};
use strandline_proof::{Hash as TreeHash, leaf_hash, node_hash};
use strandline_segment::{LogView, RecordPlace, SegmentInfo};

/// The leaves of an aligned group, as many of them as there are, and what is above them.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) number: u64,
    digests: Vec<Hash>,
    /// By level, from the leaves up.
    levels: Vec<Vec<TreeHash>>,
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
            levels: Vec::new(),
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
        group.make_levels();
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
        let count = part.end.saturating_sub(part.start);
        let count = usize::try_from(count).unwrap_or(0);
        let (log, info) = (asked.log, asked.info);
        let read = log.digests(info.id(), place, count, &mut self.digests);
        read.map_err(|error| match error.is_corruption() {
            true => GroupError::Differs(Box::new(*info), part),
            false => GroupError::Other(error.into()),
        })
    }

    fn make_levels(&mut self) {
        let leaf = |digest: &Hash| leaf_hash(digest.as_bytes());
        let mut nodes: Vec<_> = self.digests.iter().map(leaf).collect();
        for _ in 0..GROUP_LEVEL {
            let (pairs, _) = nodes.as_chunks::<2>();
            let above = pairs.iter().map(|[left, right]| node_hash(left, right));
            let above = above.collect();
            self.levels.push(std::mem::replace(&mut nodes, above));
        }
        self.levels.push(nodes);
    }

    /// A node of the group, if its leaves are there.
    pub(super) fn node(&self, level: u8, index: u64) -> Option<TreeHash> {
        let first = self.number << GROUP_LEVEL.checked_sub(level)?;
        let place = usize::try_from(index.checked_sub(first)?).ok()?;
        self.levels.get(usize::from(level))?.get(place).copied()
    }

    /// The digest of a record of the group, if it is there.
    pub(super) fn digest(&self, number: u64) -> Option<Hash> {
        let place = number.checked_sub(self.number.checked_mul(GROUP)?)?;
        self.digests.get(usize::try_from(place).ok()?).copied()
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
