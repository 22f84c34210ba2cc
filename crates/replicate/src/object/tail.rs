//! `Tail`: which bytes of which segment's file an object has that joins chunks, as its name says.

use super::key::{Key, Term};
use super::name::FileName;
use std::collections::BTreeSet;
use strandline_segment::SegmentId;

/// What the name begins with.
const FRONT: &str = "tail-";

/// Bytes of a segment's file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tail {
    term: Term,
    segment: u64,
    generation: u64,
    from: u64,
    to: u64,
}

impl Tail {
    /// The name of an object with the bytes of a segment's file from `from` to `to`.
    pub(crate) fn name(segment: SegmentId, generation: u32, from: u64, to: u64) -> String {
        let front = front(segment.get().into(), generation.into());
        format!("{front}{from:010}-{to:010}")
    }

    /// The bytes that the object of this key has, if its name says so.
    pub(crate) fn of(key: &Key) -> Option<Self> {
        let Key::Data { term, name, .. } = key else {
            return None;
        };
        let mut numbers = name.as_str().strip_prefix(FRONT)?.split('-');
        let mut number = || numbers.next()?.parse::<u64>().ok();
        let (segment, generation, from, to) = (number()?, number()?, number()?, number()?);
        let is_whole = numbers.next().is_none();
        is_whole.then_some(Self {
            term: *term,
            segment,
            generation,
            from,
            to,
        })
    }

    /// Whether one of these objects, of the same term, has all these bytes and more: the whole file, or a larger part.
    /// O(parts of the file among them).
    pub(crate) fn is_covered(&self, keys: &BTreeSet<Key>) -> bool {
        let named = |name: &str| {
            let name = name.parse::<FileName>().ok()?;
            Some(Key::Data {
                term: self.term,
                name,
                content: 0,
            })
        };
        let first = named(&front(self.segment, self.generation));
        let parts = first.into_iter().flat_map(|first| keys.range(first..));
        let mut parts = parts.map_while(Self::of).take_while(|part| {
            (part.term, part.segment, part.generation) == (self.term, self.segment, self.generation)
        });
        parts.any(|part| part.has_more_than(self)) || {
            let file = self.file_name();
            let first = file.as_deref().and_then(named);
            let mut whole = first.into_iter().flat_map(|first| keys.range(first..));
            whole.next().is_some_and(|key| {
                matches!(key, Key::Data { term, name, .. }
                    if *term == self.term && Some(name.as_str()) == file.as_deref())
            })
        }
    }

    const fn has_more_than(&self, other: &Self) -> bool {
        self.from <= other.from
            && other.to <= self.to
            && (self.from < other.from || other.to < self.to)
    }

    /// What the segment's file is called.
    fn file_name(&self) -> Option<String> {
        let segment = u32::try_from(self.segment).ok()?;
        Some(match self.generation {
            0 => SegmentId::new(segment).file_name(),
            generation => format!("segment-{segment:010}-{generation:010}.log"),
        })
    }
}

/// What the names of all parts of a segment's file begin with.
fn front(segment: u64, generation: u64) -> String {
    format!("{FRONT}{segment:010}-{generation:010}-")
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    fn key(term: u64, name: &str) -> Key {
        Key::Data {
            term: Term::new(term).unwrap(),
            name: name.parse().unwrap(),
            content: 7,
        }
    }

    fn part(segment: u32, generation: u32, from: u64, to: u64) -> Key {
        let name = Tail::name(SegmentId::new(segment), generation, from, to);
        key(2, &name)
    }

    #[test]
    fn a_part_is_covered_by_a_larger_one_and_by_the_whole_file_of_its_term() {
        let is_covered = |by: &[Key]| {
            let by: BTreeSet<Key> = by.iter().cloned().collect();
            Tail::of(&part(3, 1, 100, 200)).unwrap().is_covered(&by)
        };
        for by in [
            part(3, 1, 0, 200),
            part(3, 1, 100, 201),
            part(3, 1, 0, 1000),
            key(2, "segment-0000000003-0000000001.log"),
        ] {
            assert!(is_covered(&[part(3, 1, 0, 50), by.clone()]), "{by}");
            assert!(
                is_covered(&[part(3, 0, 0, 500), by.clone(), part(4, 1, 0, 1)]),
                "{by}"
            );
        }
        for by in [
            part(3, 1, 100, 200),
            part(3, 1, 101, 300),
            part(3, 1, 0, 199),
            part(3, 0, 0, 1000),
            part(2, 1, 0, 1000),
            part(33, 1, 0, 1000),
            key(2, "segment-0000000003.log"),
            key(2, "segment-0000000003-0000000002.log"),
            key(1, "segment-0000000003-0000000001.log"),
            key(3, &Tail::name(SegmentId::new(3), 1, 0, 1000)),
        ] {
            assert!(!is_covered(std::slice::from_ref(&by)), "{by}");
        }
    }

    #[test]
    fn what_is_no_part_is_told_from_one() {
        for name in [
            "tail",
            "tail-1-2-3",
            "tail-1-2-3-4-5",
            "tail-1-x-3-4",
            "segment-0000000003.log",
            "index-1-2-3-4.idx",
        ] {
            assert_eq!(Tail::of(&key(1, name)), None, "{name}");
        }
        assert!(Tail::of(&key(1, "tail-1-2-3-4")).is_some());
    }
}
