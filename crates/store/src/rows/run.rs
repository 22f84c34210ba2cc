//! `RunSaid`: what the store says of a run, of events that are gone: the newest clock reading, and the nodes of the
//! tree over the log that their leaves were made into.
//!
//! | field | bytes |
//! |---|---|
//! | wall_ms of the newest reading of its events | 8 |
//! | its counter | 4 |
//! | the perfect subtrees that its leaves are made of, none larger than 64 of them, ascending | 32 each |
//!
//! How many subtrees there are says the range of its sequences.

use super::partial::{Partial, in_groups};
use std::ops::Range;
use strandline_core::codec::{DecodeError, Reader, Writer};
use strandline_core::{Hlc, Sequence};
use strandline_proof::Hash as TreeHash;
use strandline_segment::Frame;

/// What is said of a run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct RunSaid {
    /// The newest clock reading of its events.
    pub(crate) newest: Hlc,
    /// Its part of the tree.
    pub(crate) tree: Partial,
}

/// Bytes of the nodes of a run, and of what is beside them.
pub(crate) fn said_bytes(sequences: Range<u64>) -> usize {
    const FIXED_BYTES: usize = 8 + 4;
    let nodes = in_groups(sequences).count();
    FIXED_BYTES.saturating_add(nodes.saturating_mul(TreeHash::BYTES))
}

impl RunSaid {
    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        let mut out = Writer::new(out);
        out.u64(self.newest.wall_ms());
        out.u32(self.newest.counter());
        for (_, _, hash) in self.tree.items() {
            out.bytes(hash.as_bytes());
        }
    }

    /// What is said of the run with these sequences.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] if it is not of as many.
    pub(crate) fn decode(said: &[u8], sequences: &Range<Sequence>) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(said);
        let (wall_ms, counter) = (reader.u64("wall_ms")?, reader.u32("HLC counter")?);
        let newest = Hlc::new(wall_ms, counter)
            .map_err(|_| reader.invalid("wall_ms", "needs more than 48 bits"))?;
        let mut tree = Partial::new();
        for (level, index) in in_groups(sequences.start.get()..sequences.end.get()) {
            let hash = reader.array("node of the tree")?;
            tree.push(level, index, TreeHash::from_bytes(hash));
        }
        reader.finish("run")?;
        Ok(Self { newest, tree })
    }

    /// What a frame says, if it is a run.
    ///
    /// # Errors
    ///
    /// What is wrong with it.
    pub(crate) fn of(frame: &Frame<'_>) -> Result<Option<Self>, String> {
        let (Some(sequences), Some(said)) = (frame.run(), frame.said_of_run()) else {
            return Ok(None);
        };
        let said = Self::decode(said, &sequences);
        said.map(Some).map_err(|error| {
            let (segment, offset) = (frame.start().segment, frame.start().offset);
            format!("the run at segment {segment} offset {offset} is malformed: {error}")
        })
    }
}

#[cfg(test)]
#[cfg(not(strandline_loom))]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::super::segment_tree::tests::digest;
    use super::*;
    use proptest::prelude::*;
    use strandline_proof::leaf_hash;

    proptest! {
        #[test]
        fn what_is_said_round_trips_and_fits_its_run_alone(
            start in 0..300_u64,
            count in 1..300_u64,
            wall_ms in 0..=strandline_core::WALL_MS_MAX,
            counter: u32,
        ) {
            let mut said = RunSaid { newest: Hlc::new(wall_ms, counter).unwrap(), ..RunSaid::default() };
            for number in start..start + count {
                said.tree.join(0, number, leaf_hash(digest(number).as_bytes()));
            }
            let mut bytes = Vec::new();
            said.encode(&mut bytes);
            prop_assert_eq!(bytes.len(), said_bytes(start..start + count));
            let run = |start, end| Sequence::new(start)..Sequence::new(end);
            prop_assert_eq!(RunSaid::decode(&bytes, &run(start, start + count)).unwrap(), said);
            for length in 0..bytes.len() {
                prop_assert!(RunSaid::decode(&bytes[..length], &run(start, start + count)).is_err());
            }
            bytes.push(0);
            prop_assert!(RunSaid::decode(&bytes, &run(start, start + count)).is_err());
        }
    }
}
