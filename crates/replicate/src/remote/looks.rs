//! `Looks`: short ranges of objects that were asked for by themselves: what is looked at of each segment when it is
//! listed. A block of them each would be thousands of times as much. Fetches nothing.

use super::transfer::Receive;
use bytes::Bytes;
use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::sync::Arc;
use strandline_core::sync::Mutex;

/// Most that is kept, in bytes, with what it takes to find it: of some 60,000 segments.
const BYTES_MAX: usize = 16 << 20;
/// What a range takes beside its bytes.
const OVERHEAD_BYTES: usize = 128;

/// Ranges of objects, as long as somebody lists the objects. Memory: 16 MiB at most.
#[derive(Debug, Default)]
pub(super) struct Looks {
    ranges: HashMap<Arc<str>, Vec<(u64, Bytes)>>,
    bytes: usize,
}

impl Looks {
    /// Keeps a range, if there is room.
    pub(super) fn add(&mut self, object: Arc<str>, start: u64, bytes: Bytes) {
        let room = BYTES_MAX.saturating_sub(self.bytes);
        if bytes.len().saturating_add(OVERHEAD_BYTES) <= room {
            self.bytes += bytes.len() + OVERHEAD_BYTES;
            self.ranges.entry(object).or_default().push((start, bytes));
        }
    }

    /// The bytes of a range, if they are in one that is kept.
    pub(super) fn find(&self, object: &str, range: &Range<u64>) -> Option<&[u8]> {
        let kept = self.ranges.get(object)?;
        kept.iter().find_map(|(start, bytes)| {
            let first = usize::try_from(range.start.checked_sub(*start)?).ok()?;
            let end = usize::try_from(range.end.checked_sub(*start)?).ok()?;
            bytes.get(first..end)
        })
    }

    /// Keeps those of these objects alone.
    pub(super) fn keep(&mut self, objects: &HashSet<Arc<str>>) {
        self.ranges.retain(|object, _| objects.contains(object));
        let all = self.ranges.values().flatten();
        self.bytes = all.map(|(_, bytes)| bytes.len() + OVERHEAD_BYTES).sum();
    }
}

/// The place of a range that is on its way.
#[derive(Debug, Default)]
pub(super) struct Look(Mutex<Option<Bytes>>);

impl Look {
    /// The bytes, once they came.
    pub(super) fn take(&self) -> Option<Bytes> {
        self.0.lock().take()
    }
}

impl Receive for Look {
    fn is_wanted(&self) -> bool {
        true
    }

    fn receive(&self, bytes: Bytes, _: u64) {
        *self.0.lock() = Some(bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_within_a_range_is_found_as_long_as_its_object_is_kept() {
        let mut looks = Looks::default();
        looks.add("a".into(), 100, Bytes::from_static(b"0123456789"));
        looks.add("a".into(), 0, Bytes::from_static(b"head"));
        assert_eq!(looks.find("a", &(102..105)), Some(&b"234"[..]));
        assert_eq!(looks.find("a", &(0..4)), Some(&b"head"[..]));
        for (object, range) in [("a", 99..102), ("a", 105..111), ("b", 0..4)] {
            assert_eq!(looks.find(object, &range), None, "{object} {range:?}");
        }
        looks.keep(&HashSet::from(["b".into()]));
        assert_eq!(looks.find("a", &(0..4)), None);
        assert_eq!(looks.bytes, 0);
    }

    #[test]
    fn no_more_is_kept_than_there_is_room_for() {
        let mut looks = Looks::default();
        let bytes = Bytes::from(vec![0; 1 << 20]);
        for number in 0..20 {
            looks.add(format!("{number}").into(), 0, bytes.clone());
        }
        assert!(looks.bytes <= BYTES_MAX);
        assert_eq!(looks.ranges.len(), 15);
    }
}
