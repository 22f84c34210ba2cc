//! `RemovedRecord`: what stands in the place of an event that was removed.

use super::event::Record;
use super::flags;
use super::names::{decode_name, decode_names, encode_name, encode_names};
use crate::codec::{DecodeError, Reader, Writer};
use crate::model::{Coordinate, EventKind, Hash, Hlc, check_name};
use std::ops::Range;

/// What is left of an event that was removed: its place in its entity's stream.
///
/// The event's hash stays where it was, beside the record, so the chains of the entity and of the log
/// go on over it. If the event was the first to use its coordinate in the segment, the names stay too, and
/// so do the name of its kind and the position in a source, where the event had them.
///
/// | field | bytes | present |
/// |---|---|---|
/// | flags, [`flags::REMOVED`] among them | 1 | always |
/// | coordinate id, local to the segment | 4 | always |
/// | clock | 4 | always |
/// | wall_ms | 8 | always |
/// | HLC counter | 4 | always |
/// | entity (length u8, bytes), scope (length u8, bytes) | 2 and more | flag: first use of the coordinate in the segment |
/// | previous hash | 32 | flag: first event of the entity in the segment |
/// | kind (u16), its name (length u8, bytes) | 4 and more | flag: the event had the name of its kind |
/// | position (u64), the name of its source (length u8, bytes) | 10 and more | flag: the event had a position in a source |
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemovedRecord {
    /// Number of the coordinate in its segment, in order of first use.
    pub local_coordinate: u32,
    /// The coordinate itself, with its first use in a segment.
    pub coordinate: Option<Coordinate>,
    /// Hash of the entity's event before this one, in the entity's first record of a segment.
    pub previous: Option<Hash>,
    /// Place in the entity's stream.
    pub clock: u32,
    /// When the event was appended, so that no later one is given an earlier time.
    pub hlc: Hlc,
    /// The event's kind and the name of that, where the event had it.
    pub kind_name: Option<(EventKind, Box<str>)>,
    /// A source and the position in it, where the event had one.
    pub tracking: Option<(Box<str>, u64)>,
}

impl RemovedRecord {
    /// What is left of a record once its event is removed.
    #[must_use]
    pub fn of(record: &Record<'_>) -> Self {
        Self {
            local_coordinate: record.local_coordinate,
            coordinate: record.coordinate.clone(),
            previous: record.previous,
            clock: record.clock,
            hlc: record.hlc,
            kind_name: record
                .extensions
                .kind_name()
                .map(|name| (record.kind, name.into())),
            tracking: record
                .extensions
                .tracking()
                .map(|(source, position)| (source.into(), position)),
        }
    }

    /// Whether a record's bytes are those of an event that was removed.
    #[must_use]
    pub fn is_one(body: &[u8]) -> bool {
        body.first().is_some_and(|own| own & flags::REMOVED != 0)
    }

    /// Appends the record's bytes to `out`.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let bit = |present, flag| if present { flag } else { 0 };
        let mut out = Writer::new(out);
        out.u8(flags::REMOVED
            | bit(self.coordinate.is_some(), flags::NAMES)
            | bit(self.previous.is_some(), flags::PREVIOUS)
            | bit(self.kind_name.is_some(), flags::KIND_NAME)
            | bit(self.tracking.is_some(), flags::TRACKING));
        out.u32(self.local_coordinate);
        out.u32(self.clock);
        out.u64(self.hlc.wall_ms());
        out.u32(self.hlc.counter());
        if let Some(coordinate) = &self.coordinate {
            encode_names(&mut out, coordinate);
        }
        if let Some(previous) = &self.previous {
            out.bytes(previous.as_bytes());
        }
        if let Some((kind, name)) = &self.kind_name {
            out.u16(kind.bits());
            encode_name(&mut out, name);
        }
        if let Some((source, position)) = &self.tracking {
            out.u64(*position);
            encode_name(&mut out, source);
        }
    }

    /// The name and place of each part of a record's bytes, in order: what a tool that shows bytes
    /// needs. The parts of damaged bytes may be missing.
    #[must_use]
    pub fn layout(body: &[u8]) -> Vec<(&'static str, Range<usize>)> {
        let Ok(record) = Self::decode(body) else {
            return vec![("body", 0..body.len())];
        };
        let mut parts = vec![
            ("flags", 0..1),
            ("coordinate", 1..5),
            ("clock", 5..9),
            ("wall_ms", 9..17),
            ("HLC counter", 17..21),
        ];
        let (named, tracked) = (record.kind_name.as_ref(), record.tracking.as_ref());
        let tracking = body.len() - tracked.map_or(0, |(source, _)| 8 + 1 + source.len());
        let kind = tracking - named.map_or(0, |(_, name)| 2 + 1 + name.len());
        let previous = match record.previous {
            Some(_) => kind.saturating_sub(Hash::BYTES),
            None => kind,
        };
        if record.coordinate.is_some() {
            parts.push(("entity and scope", 21..previous));
        }
        if record.previous.is_some() {
            parts.push(("previous hash", previous..kind));
        }
        if named.is_some() {
            parts.push(("kind and its name", kind..tracking));
        }
        if tracked.is_some() {
            parts.push(("position in a source", tracking..body.len()));
        }
        parts
    }

    /// A removed event's record from all of its bytes.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] if the bytes are cut short or hold a value that no encoder writes.
    pub fn decode(body: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(body);
        let own = reader.u8("flags")?;
        let lists = flags::KIND_NAME | flags::TRACKING;
        let known = flags::REMOVED | flags::NAMES | flags::PREVIOUS | lists;
        if own & flags::REMOVED == 0 || own & !known != 0 {
            return Err(reader.invalid("flags", "are not those of a removed event"));
        }
        let local_coordinate = reader.u32("coordinate")?;
        let clock = reader.u32("clock")?;
        let (wall_ms, counter) = (reader.u64("wall_ms")?, reader.u32("HLC counter")?);
        let hlc = Hlc::new(wall_ms, counter)
            .map_err(|_| reader.invalid("wall_ms", "needs more than 48 bits"))?;
        let coordinate = match own & flags::NAMES {
            0 => None,
            _ => Some(decode_names(&mut reader)?),
        };
        let previous = match own & flags::PREVIOUS {
            0 => None,
            _ => Some(Hash::from_bytes(reader.array("previous hash")?)),
        };
        let kind_name = match own & flags::KIND_NAME {
            0 => None,
            _ => {
                let kind = EventKind::from_bits(reader.u16("kind")?);
                let name = decode_name(&mut reader, "name of a kind")?;
                check_name("name of a kind", name)
                    .map_err(|_| reader.invalid("name of a kind", "breaks a rule for names"))?;
                Some((kind, name.into()))
            }
        };
        let tracking = match own & flags::TRACKING {
            0 => None,
            _ => {
                let position = reader.u64("position in a source")?;
                let source = decode_name(&mut reader, "source")?;
                check_name("source", source)
                    .map_err(|_| reader.invalid("source", "breaks a rule for names"))?;
                Some((source.into(), position))
            }
        };
        reader.finish("record")?;
        Ok(Self {
            local_coordinate,
            coordinate,
            previous,
            clock,
            hlc,
            kind_name,
            tracking,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::StoredRecord;
    use super::*;
    use proptest::prelude::*;

    prop_compose! {
        fn removed()(
            local_coordinate: u32,
            names in proptest::option::of(("[a-z:]{1,20}", "[a-z/]{1,20}")),
            previous in proptest::option::of(any::<[u8; 32]>()),
            clock: u32,
            wall_ms in 0..=crate::WALL_MS_MAX,
            counter: u32,
            kind_name in proptest::option::of((any::<u16>(), "[a-z.]{1,20}")),
            tracking in proptest::option::of(("[a-z.]{1,20}", any::<u64>())),
        ) -> RemovedRecord {
            let coordinate = names.map(|(entity, scope)| Coordinate::new(entity, scope).unwrap());
            RemovedRecord {
                local_coordinate,
                coordinate,
                previous: previous.map(Hash::from_bytes),
                clock,
                hlc: Hlc::new(wall_ms, counter).unwrap(),
                kind_name: kind_name.map(|(kind, name)| (EventKind::from_bits(kind), name.into())),
                tracking: tracking.map(|(source, position)| (source.into(), position)),
            }
        }
    }

    proptest! {
        #[test]
        fn removed_records_round_trip_and_every_cut_is_an_error(record in removed()) {
            let mut bytes = Vec::new();
            record.encode(&mut bytes);
            for length in 0..bytes.len() {
                prop_assert!(RemovedRecord::decode(&bytes[..length]).is_err(), "{} bytes", length);
            }
            prop_assert!(Record::decode(&bytes).is_err(), "no event is there");
            let layout = RemovedRecord::layout(&bytes);
            let ends = layout.iter().map(|(_, part)| part.end);
            let starts = layout.iter().map(|(_, part)| part.start);
            prop_assert!(starts.eq([0].into_iter().chain(ends).take(layout.len())), "no gap");
            prop_assert_eq!(layout.last().unwrap().1.end, bytes.len());
            prop_assert_eq!(
                StoredRecord::decode(&bytes).unwrap(),
                StoredRecord::Removed(record)
            );
        }

        #[test]
        fn any_bytes_decode_to_themselves_or_not_at_all(
            bytes in proptest::collection::vec(any::<u8>(), 0..90),
        ) {
            if let Ok(record) = RemovedRecord::decode(&bytes) {
                let mut again = Vec::new();
                record.encode(&mut again);
                prop_assert_eq!(again, bytes);
            }
        }
    }
}
