//! `SourcePositions`: how far sources were gone through, as the records of a segment say, or of several, and
//! that list in bytes. What else stands beside it is in [`summary`](super::summary).

use std::collections::BTreeMap;
use std::sync::Arc;
use strandline_core::codec::{DecodeError, Reader, Writer};
use strandline_core::{Sequence, check_name};

/// The greatest position of each source, each with the sequence of the first record that has it.
///
/// The positions of a source ascend in the log, so the greatest is the last one; where somebody forged it
/// otherwise, nothing depends on the order in which lists are put together.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct SourcePositions(BTreeMap<Arc<str>, (u64, Sequence)>);

impl SourcePositions {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// Notes that the record of a sequence has a position in a source.
    pub(crate) fn note(&mut self, source: &str, position: u64, at: Sequence) {
        match self.0.get_mut(source) {
            Some(known) => {
                let is_later = position > known.0 || position == known.0 && at < known.1;
                if is_later {
                    *known = (position, at);
                }
            }
            None => drop(self.0.insert(source.into(), (position, at))),
        }
    }

    /// Adds the positions of another list.
    pub(super) fn add(&mut self, other: &Self) {
        for (source, (position, at)) in &other.0 {
            self.note(source, *position, *at);
        }
    }

    /// The sources, ascending, each with its position and the sequence of the record that has it.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&Arc<str>, u64, Sequence)> {
        let all = self.0.iter();
        all.map(|(source, (position, at))| (source, *position, *at))
    }

    /// Appends how many there are, and each.
    pub(super) fn encode(&self, out: &mut Writer<'_>) {
        out.u32(u32::try_from(self.0.len()).unwrap_or(u32::MAX));
        for (source, (position, at)) in &self.0 {
            out.u64(*position);
            out.u64(at.get());
            out.u8(u8::try_from(source.len()).unwrap_or(u8::MAX));
            out.bytes(source.as_bytes());
        }
    }

    /// Reads what [`encode`](Self::encode) wrote. Allocates no more than the bytes are.
    pub(super) fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let count = reader.u32("number of sources")?;
        if count == 0 {
            return Err(reader.invalid("number of sources", "is zero"));
        }
        let mut positions = Self::default();
        for _ in 0..count {
            let position = reader.u64("position in a source")?;
            let at = Sequence::new(reader.u64("sequence")?);
            let length = reader.u8("source")?;
            let source = reader.bytes("source", usize::from(length))?;
            let source = std::str::from_utf8(source).ok();
            let source = source.filter(|source| check_name("source", source).is_ok());
            let source =
                source.ok_or_else(|| reader.invalid("source", "breaks a rule for names"))?;
            let last = positions.0.last_key_value();
            if last.is_some_and(|(last, _)| **last >= *source) {
                return Err(reader.invalid("source", "does not ascend"));
            }
            positions.0.insert(source.into(), (position, at));
        }
        Ok(positions)
    }
}
