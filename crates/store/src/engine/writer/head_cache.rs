//! `HeadCache`: the newest events of entities, kept across rotations within a limit of bytes. Looks
//! nothing up: what is in it was found, or written, by the holder of the commit lock.
//!
//! A head that is kept is that of the newest event there is: each append to its entity writes the new
//! one. So that this costs no look at names, an entity that has events in the active segment is known by
//! its number there. Nothing is done at a rotation but that those numbers are forgotten.
//!
//! Only streams are kept whose newest event was not removed. A rewriting may take events, so heads within
//! the sequences that it went through are not taken any more; clocks and hashes of the others stay what they
//! were. The position of an event is not kept, since a rewriting moves it.
//!
//! Who has not been asked for goes first: CLOCK (Corbató, 1968), which needs a bit for each and no order.

use super::cells::Cells;
use super::ends::Last;
use super::rewritten::Rewritten;
use crate::engine::caches::HeadShare;
use std::hash::{BuildHasher, RandomState};
use std::ops::Range;
use std::sync::Arc;
use strandline_core::Sequence;
use strandline_core::sync::atomic::Ordering;
use strandline_index::EntityId;

/// No number of an entity, or no place.
const NONE: u32 = u32::MAX;
/// How many entries are made room for at once.
const CHUNK: usize = 64;
/// What an entry takes beside its name.
const ENTRY_BYTES: usize = size_of::<Entry>() + Cells::BYTES;
/// What an allocation takes beside what was asked for, about.
const ALLOCATION_BYTES: usize = 16;

/// The newest events of entities.
#[derive(Debug)]
pub(crate) struct HeadCache {
    share: Arc<HeadShare>,
    bytes: usize,
    /// Seeded by chance, so that nobody chooses names that are found slowly.
    hasher: RandomState,
    /// By the hashes of names: the places of their entries.
    cells: Cells,
    chunks: Vec<Vec<Entry>>,
    free: Vec<u32>,
    /// How many places there are, free ones too.
    places: u32,
    /// The place that is looked at next for one to go.
    hand: u32,
    /// By number of an entity in the active segment: the place of its entry.
    numbered: Vec<u32>,
    rewritten: Rewritten,
    hits: u64,
    misses: u64,
}

#[derive(Debug)]
struct Entry {
    /// Empty if the entry is free.
    name: Box<str>,
    last: Last,
    /// The number of the entity in the active segment, if it has one there.
    number: u32,
    /// How many rewritings there were when the head was known to be there.
    rewritings: u32,
    hash: u64,
    is_used: bool,
}

impl HeadCache {
    pub(super) fn new(share: Arc<HeadShare>) -> Self {
        Self {
            share,
            bytes: 0,
            hasher: RandomState::new(),
            cells: Cells::default(),
            chunks: Vec::new(),
            free: Vec::new(),
            places: 0,
            hand: 0,
            numbered: Vec::new(),
            rewritten: Rewritten::default(),
            hits: 0,
            misses: 0,
        }
    }

    /// Tells what is held, and how often a head was found or not.
    pub(super) fn tell(&self) {
        let HeadShare {
            bytes,
            hits,
            misses,
            ..
        } = &*self.share;
        // Relaxed: each number is one for itself. One thread at a time stores them.
        bytes.store(self.bytes as u64, Ordering::Relaxed);
        hits.store(self.hits, Ordering::Relaxed);
        misses.store(self.misses, Ordering::Relaxed);
    }

    /// The hash by which a name is found, in this cache alone.
    pub(super) fn hash(&self, name: &str) -> u64 {
        self.hasher.hash_one(name)
    }

    /// Brings into the cache of the processor what [`get`](Self::get) begins with, and waits for nothing.
    #[inline]
    pub(super) fn ask_for(&self, hash: u64) {
        self.cells.ask_for(hash);
    }

    /// The head of an entity that has no event in the active segment. Expected O(1).
    pub(super) fn get(&mut self, name: &str, hash: u64) -> Option<Last> {
        let last = self.find(name, hash).and_then(|place| {
            let now = self.rewritten.count();
            let entry = entry_at(&mut self.chunks, place)?;
            if self.rewritten.since(entry.rewritings, entry.last.sequence) {
                return None;
            }
            entry.rewritings = now;
            entry.is_used = true;
            Some(entry.last)
        });
        match last {
            Some(_) => self.hits += 1,
            None => self.misses += 1,
        }
        last
    }

    /// Keeps the head of an entity, which has a number if it has events in the active segment. Expected
    /// O(1).
    pub(super) fn put(&mut self, name: &str, hash: u64, last: Last, number: Option<EntityId>) {
        let number = number.map_or(NONE, EntityId::get);
        let rewritings = self.rewritten.count();
        let place = match self.find(name, hash) {
            Some(place) => place,
            None => match self.add(name, hash, last) {
                Some(place) => place,
                None => return,
            },
        };
        if let Some(entry) = entry_at(&mut self.chunks, place) {
            entry.last = last;
            entry.number = number;
            entry.rewritings = rewritings;
        }
        if number == NONE {
            return;
        }
        let at = at(number);
        if self.numbered.len() <= at {
            self.numbered.resize(at + 1, NONE);
        }
        if let Some(numbered) = self.numbered.get_mut(at) {
            *numbered = place;
        }
    }

    /// Notes the new head of an entity that had events in the active segment before: if it is kept at all,
    /// by its number. O(1).
    pub(super) fn follow(&mut self, number: EntityId, last: Last) {
        let Some(place) = self.numbered.get(at(number.get())) else {
            return;
        };
        let rewritings = self.rewritten.count();
        // Of a place that another entity has taken since, the number is another, or none.
        if let Some(entry) = entry_at(&mut self.chunks, *place)
            && entry.number == number.get()
        {
            entry.last = last;
            entry.rewritings = rewritings;
            entry.is_used = true;
        }
    }

    /// Forgets the numbers of the segment that was active. O(1).
    pub(super) fn rotated(&mut self) {
        self.numbered.clear();
    }

    /// Notes that segments with these sequences were rewritten, so that events of them may be gone. O(1).
    pub(crate) fn rewritten(&mut self, sequences: Range<Sequence>) {
        self.rewritten.add(sequences);
    }

    fn find(&self, name: &str, hash: u64) -> Option<u32> {
        let is_it = |place| self.entry(place).is_some_and(|entry| *entry.name == *name);
        self.cells.find(hash, is_it)
    }

    /// Adds an entry for a name that has none, in the place of others if need be; none if even that
    /// gives no room.
    fn add(&mut self, name: &str, hash: u64, last: Last) -> Option<u32> {
        let needed = bytes_of(name);
        while self.bytes.saturating_add(needed) > self.share.bytes_max {
            self.remove_one()?;
        }
        let entry = Entry {
            name: name.into(),
            last,
            number: NONE,
            rewritings: 0,
            hash,
            is_used: false,
        };
        let place = match self.free.pop() {
            Some(place) => {
                *entry_at(&mut self.chunks, place)? = entry;
                place
            }
            None => self.push(entry)?,
        };
        self.bytes = self.bytes.saturating_add(needed);
        self.cells.insert(hash, place);
        Some(place)
    }

    fn push(&mut self, entry: Entry) -> Option<u32> {
        let place = self.places;
        self.places = place.checked_add(1).filter(|places| *places < NONE)?;
        match self.chunks.last_mut() {
            Some(chunk) if chunk.len() < CHUNK => chunk.push(entry),
            _ => {
                let mut chunk = Vec::with_capacity(CHUNK);
                chunk.push(entry);
                self.chunks.push(chunk);
            }
        }
        Some(place)
    }

    /// Lets one entry go that was not asked for since the hand passed it last; none if there is none.
    fn remove_one(&mut self) -> Option<()> {
        // The first time round every bit is cleared at the latest.
        for _ in 0..u64::from(self.places) * 2 {
            let place = self.hand;
            self.hand = (place + 1) % self.places;
            let entry = entry_at(&mut self.chunks, place)?;
            if entry.name.is_empty() {
                continue;
            }
            if entry.is_used {
                entry.is_used = false;
                continue;
            }
            let name = std::mem::take(&mut entry.name);
            entry.number = NONE;
            let hash = entry.hash;
            self.cells.remove(hash, place);
            self.free.push(place);
            self.bytes = self.bytes.saturating_sub(bytes_of(&name));
            return Some(());
        }
        None
    }

    fn entry(&self, place: u32) -> Option<&Entry> {
        let place = at(place);
        self.chunks.get(place / CHUNK)?.get(place % CHUNK)
    }
}

fn entry_at(chunks: &mut [Vec<Entry>], place: u32) -> Option<&mut Entry> {
    let place = at(place);
    chunks.get_mut(place / CHUNK)?.get_mut(place % CHUNK)
}

/// What an entry takes with its name.
fn bytes_of(name: &str) -> usize {
    ENTRY_BYTES + name.len().next_multiple_of(ALLOCATION_BYTES) + ALLOCATION_BYTES
}

/// Numbers of 32 bits fit the machines that this runs on.
fn at(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

#[cfg(all(test, not(strandline_loom)))]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashMap;
    use strandline_core::{Coordinate, Hash};
    use strandline_index::{IndexWriter, channel};

    /// What a writer does that concerns its heads.
    #[derive(Debug, Clone)]
    enum Step {
        /// An append to the entity with a number, as the writer does it.
        Append(u8),
        /// An append that was looked up and not made.
        Refused(u8),
        Rotate,
        /// A rewriting of so many of the oldest sequences, which takes the newest events of some of them.
        Rewrite(u8, u8),
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            12 => (0..40_u8).prop_map(Step::Append),
            3 => (0..40_u8).prop_map(Step::Refused),
            2 => Just(Step::Rotate),
            1 => (any::<u8>(), any::<u8>()).prop_map(|(part, taken)| Step::Rewrite(part, taken)),
        ]
    }

    /// Heads as they are, and a cache beside them.
    struct Bench {
        heads: HashMap<u8, Last>,
        cache: HeadCache,
        index: IndexWriter,
        /// The entities that have events in the active segment, with their numbers there.
        live: HashMap<u8, EntityId>,
        next: u64,
    }

    impl Bench {
        fn new(bytes_max: usize) -> Self {
            Self {
                heads: HashMap::new(),
                cache: HeadCache::new(Arc::new(HeadShare::new(bytes_max))),
                index: channel().0,
                live: HashMap::new(),
                next: 0,
            }
        }

        /// What the cache says, held against what is; a miss is looked up and kept, as a writer does.
        fn look_up(&mut self, entity: u8) {
            let name = name(entity);
            let hash = self.cache.hash(&name);
            let known = self.heads.get(&entity).copied();
            match self.cache.get(&name, hash) {
                Some(last) => assert_eq!(Some(last), known, "{name}"),
                None => {
                    if let Some(last) = known {
                        self.cache.put(&name, hash, last, None);
                    }
                }
            }
        }

        fn append(&mut self, entity: u8) {
            let last = Last {
                sequence: Sequence::new(self.next),
                clock: self.heads.get(&entity).map_or(0, |last| last.clock + 1),
                hash: Hash::of(&self.next.to_le_bytes()),
            };
            self.next += 1;
            if let Some(number) = self.live.get(&entity) {
                self.cache.follow(*number, last);
            } else {
                self.look_up(entity);
                let coordinate = Coordinate::new(name(entity), "s").unwrap();
                let coordinate = self.index.intern(&coordinate).unwrap();
                let number = self.index.entity_of(coordinate).unwrap();
                self.live.insert(entity, number);
                let hash = self.cache.hash(&name(entity));
                self.cache.put(&name(entity), hash, last, Some(number));
            }
            self.heads.insert(entity, last);
        }

        fn step(&mut self, step: &Step) {
            match step {
                Step::Append(entity) => self.append(*entity),
                Step::Refused(entity) if !self.live.contains_key(entity) => self.look_up(*entity),
                Step::Refused(_) => {}
                Step::Rotate => {
                    self.cache.rotated();
                    self.index = channel().0;
                    self.live.clear();
                }
                Step::Rewrite(part, taken) => {
                    // Only what is sealed is rewritten.
                    self.step(&Step::Rotate);
                    let end = Sequence::new(self.next * u64::from(*part) / 255);
                    self.heads
                        .retain(|entity, last| last.sequence >= end || entity % 4 != taken % 4);
                    self.cache.rewritten(Sequence::ZERO..end);
                }
            }
            assert!(self.cache.bytes <= self.cache.share.bytes_max);
            let held: usize = self.entries().map(|entry| bytes_of(&entry.name)).sum();
            assert_eq!(self.cache.bytes, held);
            assert_eq!(self.cache.cells.len(), self.entries().count());
        }

        fn entries(&self) -> impl Iterator<Item = &Entry> {
            let entries = self.cache.chunks.iter().flatten();
            entries.filter(|entry| !entry.name.is_empty())
        }
    }

    fn name(entity: u8) -> String {
        "entity".repeat(usize::from(entity % 3) + 1) + &entity.to_string()
    }

    proptest! {
        #[test]
        fn a_head_that_is_kept_is_the_newest(
            steps in proptest::collection::vec(step(), 0..400),
            entries in 0..60_usize,
        ) {
            let mut bench = Bench::new(entries * bytes_of(&name(2)));
            for step in &steps {
                bench.step(step);
            }
            let entities: Vec<u8> = (0..40).filter(|entity| !bench.live.contains_key(entity)).collect();
            for entity in entities {
                bench.look_up(entity);
            }
        }
    }

    #[test]
    fn who_is_asked_for_stays() {
        let mut bench = Bench::new(8 * bytes_of(&name(0)));
        for entity in (0..120).step_by(3) {
            bench.append(entity);
            bench.step(&Step::Rotate);
            bench.look_up(0);
        }
        assert_eq!(
            bench.cache.misses, 40,
            "each was asked for once before it was there"
        );
        assert_eq!(bench.entries().count(), 8);
    }

    #[test]
    fn what_was_rewritten_long_ago_is_not_taken() {
        let mut bench = Bench::new(1 << 20);
        bench.append(1);
        bench.step(&Step::Rotate);
        for count in 0..70 {
            bench
                .cache
                .rewritten(Sequence::new(5)..Sequence::new(6 + count));
        }
        let hash = bench.cache.hash(&name(1));
        assert_eq!(
            bench.cache.get(&name(1), hash),
            None,
            "it may be one that is not known"
        );
    }
}
