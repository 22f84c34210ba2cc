//! The names of kinds that the records of a segment give, or of several, and that list in bytes. What else
//! stands beside it is in [`summary`](super::summary).
//!
//! Of a kind that is named more than once the first name counts, by the sequences of the records: so the names
//! of several segments do not depend on the order in which they are put together.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;
use strandline_core::codec::{DecodeError, Reader, Writer};
use strandline_core::{EventKind, Sequence, check_name};

/// The names of kinds, each with the sequence of the first record that gave it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct KindNames(BTreeMap<EventKind, (Sequence, Arc<str>)>);

impl KindNames {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// Notes that the record of a sequence names a kind. Whether it is the first one.
    pub(crate) fn note(&mut self, kind: EventKind, name: &str, at: Sequence) -> bool {
        match self.0.entry(kind) {
            Entry::Vacant(vacant) => drop(vacant.insert((at, name.into()))),
            Entry::Occupied(known) if known.get().0 <= at => return false,
            Entry::Occupied(mut known) => drop(known.insert((at, name.into()))),
        }
        true
    }

    /// Whether a kind is named so.
    pub(crate) fn is(&self, kind: EventKind, name: &str) -> bool {
        self.0.get(&kind).is_some_and(|(_, own)| **own == *name)
    }

    /// Adds the names of another list.
    pub(super) fn add(&mut self, other: &Self) {
        for (kind, (at, name)) in &other.0 {
            self.note(*kind, name, *at);
        }
    }

    /// The kinds, ascending, each with its name.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (EventKind, &Arc<str>)> {
        self.0.iter().map(|(kind, (_, name))| (*kind, name))
    }

    /// The kinds in the order in which they were named.
    pub(crate) fn by_sequence(&self) -> Vec<(EventKind, &Arc<str>)> {
        let mut all: Vec<_> = self.0.iter().collect();
        all.sort_by_key(|(_, (at, _))| *at);
        let all = all.into_iter();
        all.map(|(kind, (_, name))| (*kind, name)).collect()
    }

    /// Appends how many there are, and each.
    pub(super) fn encode(&self, out: &mut Writer<'_>) {
        // There are 65,536 kinds.
        out.u32(u32::try_from(self.0.len()).unwrap_or(u32::MAX));
        for (kind, (at, name)) in &self.0 {
            out.u16(kind.bits());
            out.u64(at.get());
            out.u8(u8::try_from(name.len()).unwrap_or(u8::MAX));
            out.bytes(name.as_bytes());
        }
    }

    /// Reads what [`encode`](Self::encode) wrote. Allocates no more than the bytes are.
    pub(super) fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut kinds = Self::default();
        let count = reader.u32("number of kinds")?;
        let mut last = None;
        for _ in 0..count {
            let kind = EventKind::from_bits(reader.u16("kind")?);
            let at = Sequence::new(reader.u64("sequence")?);
            let length = reader.u8("name of a kind")?;
            let name = reader.bytes("name of a kind", usize::from(length))?;
            let name = std::str::from_utf8(name).ok();
            let name = name.filter(|name| check_name("name of a kind", name).is_ok());
            let name =
                name.ok_or_else(|| reader.invalid("name of a kind", "breaks a rule for names"))?;
            if last.is_some_and(|last| last >= kind) || kind.is_reserved() {
                return Err(reader.invalid("kind", "does not ascend, or is reserved"));
            }
            last = Some(kind);
            kinds.0.insert(kind, (at, name.into()));
        }
        Ok(kinds)
    }
}
