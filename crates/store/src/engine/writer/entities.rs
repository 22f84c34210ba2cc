//! `Entities`: the entities of the events of a commit, each of them looked up once, and what was found. How
//! is in `chain`.

use super::ends::{ChainEnd, Last, StreamEnd};
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hash, Hasher};
use strandline_core::Sequence;
use strandline_index::{CoordinateId, EntityId};

/// No event.
const NONE: u32 = u32::MAX;

/// The entities of the commit that is being made.
#[derive(Debug, Default)]
pub(super) struct Entities {
    /// By event: the place of its entity among all, and the number of its coordinate, if it has one.
    events: Vec<(u32, Option<CoordinateId>)>,
    all: Vec<OfCommit>,
    /// By number of an entity in the active segment: of the commit that last had it, and its place there.
    numbered: Vec<(u32, u32)>,
    /// Number of the commit, never 0.
    commit: u32,
}

/// An entity that has events in the commit.
#[derive(Debug)]
pub(super) struct OfCommit {
    /// The place of its first event.
    pub(super) first: u32,
    /// The hash of its name among the heads that are kept; none if the entity has events in the active
    /// segment.
    pub(super) hash: Option<u64>,
    pub(super) end: StreamEnd,
    /// How many of its events were checked.
    pub(super) checked: u32,
    /// The last of its events that was assigned its place.
    assigned: u32,
}

/// Places by name, in the order in which they came.
pub(super) type ByName<'a> = HashMap<Named<'a>, u32, BuildHasherDefault<Passed>>;

/// A name with its hash.
#[derive(Debug, Clone, Copy)]
pub(super) struct Named<'a> {
    pub(super) name: &'a str,
    pub(super) hash: u64,
}

impl PartialEq for Named<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Named<'_> {}

impl Hash for Named<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.hash);
    }
}

/// Takes a number for its hash.
#[derive(Debug, Default)]
pub(super) struct Passed(u64);

impl Hasher for Passed {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = number;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

impl Entities {
    /// Begins a commit, in time that does not depend on what there is.
    pub(super) fn begin(&mut self) {
        self.events.clear();
        self.all.clear();
        self.commit = self.commit.wrapping_add(1);
        if self.commit == 0 {
            self.numbered.fill((0, 0));
            self.commit = 1;
        }
    }

    /// How many entities there are.
    pub(super) fn len(&self) -> usize {
        self.all.len()
    }

    /// The next event is of the entity at a place, which is the next if it is new, and of a coordinate.
    pub(super) fn push_event(&mut self, place: u32, coordinate: Option<CoordinateId>) {
        if at(place) == self.all.len() {
            self.all.push(OfCommit {
                // A commit has at most 65,535 events.
                first: u32::try_from(self.events.len()).unwrap_or(NONE),
                hash: None,
                end: StreamEnd::default(),
                checked: 0,
                assigned: NONE,
            });
        }
        self.events.push((place, coordinate));
    }

    /// The place of the entity with a number in the active segment, which is the next if it is new.
    pub(super) fn place_of(&mut self, number: EntityId) -> u32 {
        let next = u32::try_from(self.all.len()).unwrap_or(NONE);
        let number = at(number.get());
        if self.numbered.len() <= number {
            self.numbered.resize(number + 1, (0, 0));
        }
        let Some(own) = self.numbered.get_mut(number) else {
            return next;
        };
        if own.0 != self.commit {
            *own = (self.commit, next);
        }
        own.1
    }

    /// The entity at a place among all.
    pub(super) fn get_mut(&mut self, place: usize) -> Option<&mut OfCommit> {
        self.all.get_mut(place)
    }

    /// The entities, in the order of their first events.
    pub(super) fn all(&self) -> &[OfCommit] {
        &self.all
    }

    /// The entity of the event at a place.
    pub(super) fn of_event(&mut self, event: usize) -> Option<&mut OfCommit> {
        let (place, _) = self.events.get(event)?;
        self.all.get_mut(at(*place))
    }

    /// The number of the coordinate of the event at a place, if it had one when the entities were looked up
    /// and no rotation came since.
    pub(super) fn coordinate_of(&self, event: usize) -> Option<CoordinateId> {
        self.events
            .get(event)
            .and_then(|(_, coordinate)| *coordinate)
    }

    /// Notes that the active segment is another now, so that no entity has events or numbers there.
    pub(super) fn rotated(&mut self, hash: impl Fn(usize) -> u64) {
        for (_, coordinate) in &mut self.events {
            *coordinate = None;
        }
        for entity in &mut self.all {
            entity.hash.get_or_insert_with(|| hash(at(entity.first)));
        }
    }

    /// Makes the event at a place the last of its entity, and gives the one before it in the commit.
    pub(super) fn assign(&mut self, event: usize) -> Option<usize> {
        let own = u32::try_from(event).ok()?;
        let before = std::mem::replace(&mut self.of_event(event)?.assigned, own);
        (before != NONE).then(|| at(before))
    }
}

impl OfCommit {
    /// The last event of the entity in the commit, once all were assigned.
    pub(super) fn last(&self) -> usize {
        at(self.assigned)
    }

    /// Where the chain ends before the commit; the active segment begins at `segment_start`.
    pub(super) fn chain_end(&self, segment_start: Sequence) -> ChainEnd {
        self.end
            .last
            .map_or(ChainEnd::START, |last: Last| ChainEnd {
                next_clock: last.clock.checked_add(1),
                hash: last.hash,
                in_segment: last.sequence >= segment_start,
            })
    }
}

/// Numbers of 32 bits fit the machines that this runs on.
fn at(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

#[cfg(all(test, not(strandline_loom)))]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    fn entity(name: &str, writer: &mut strandline_index::IndexWriter) -> EntityId {
        let coordinate = strandline_core::Coordinate::new(name, "s").unwrap();
        let coordinate = writer.intern(&coordinate).unwrap();
        writer.entity_of(coordinate).unwrap()
    }

    #[test]
    fn a_commit_knows_nothing_of_those_before_even_when_numbers_wrap() {
        let (mut writer, _) = strandline_index::channel();
        let [a, b] = ["a", "b"].map(|name| entity(name, &mut writer));
        let mut entities = Entities::default();
        let push = |entities: &mut Entities, number| {
            let place = entities.place_of(number);
            entities.push_event(place, None);
            place
        };
        for commit in [0, 7, u32::MAX - 1] {
            entities.commit = commit;
            entities.begin();
            let places = [b, a, b].map(|number| push(&mut entities, number));
            assert_eq!(places, [0, 1, 0]);
            assert_eq!(
                [0, 1, 2].map(|event| entities.assign(event)),
                [None, None, Some(0)]
            );
            entities.begin();
            assert_eq!(push(&mut entities, a), 0, "after {commit}");
            assert_eq!(entities.assign(0), None, "after {commit}");
        }
    }
}
