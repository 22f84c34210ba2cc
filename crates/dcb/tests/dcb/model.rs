//! Appends and reads by chance, held against a list of events and the words of the trait.

use crate::open;
use proptest::collection::vec;
use proptest::prelude::*;
use std::collections::BTreeMap;
use strandline::fs::MemFs;
use umadb_dcb::{
    DcbAppendCondition, DcbError, DcbEvent, DcbEventStoreSync, DcbQuery, DcbQueryItem, DcbResult,
    DcbSequencedEvent, TrackingInfo,
};
use uuid::Uuid;

const TYPES: [&str; 4] = ["A", "B", "C", "D"];
const TAGS: [&str; 4] = ["p", "q", "r", "s"];
const SOURCES: [&str; 2] = ["orders", "payments"];

#[derive(Debug, Clone)]
enum Step {
    Append {
        events: Vec<DcbEvent>,
        condition: Option<DcbAppendCondition>,
        tracking: Option<TrackingInfo>,
    },
    Read {
        query: Option<DcbQuery>,
        start: Option<u64>,
        backwards: bool,
        limit: Option<u32>,
    },
    Reopen,
}

/// A part of some names, each once, in any order.
fn some(names: &'static [&str]) -> impl Strategy<Value = Vec<String>> {
    let part = proptest::sample::subsequence(names, 0..=2).prop_shuffle();
    part.prop_map(|part| part.into_iter().map(str::to_owned).collect())
}

fn event() -> impl Strategy<Value = DcbEvent> {
    let uuid = proptest::option::weighted(0.3, 1..9_u128);
    let event_type = proptest::sample::select(&TYPES[..3]);
    let metadata = vec(("k", "[a-c]{0,2}"), 0..2);
    let parts = (event_type, some(&TAGS), vec(0..2_u8, 0..2), uuid, metadata);
    parts.prop_map(|(event_type, tags, data, uuid, metadata)| DcbEvent {
        event_type: event_type.to_owned(),
        tags,
        data,
        uuid: uuid.map(Uuid::from_u128),
        metadata,
    })
}

fn query() -> impl Strategy<Value = DcbQuery> {
    let item = (some(&TYPES), some(&TAGS));
    let item = item.prop_map(|(types, tags)| DcbQueryItem { types, tags });
    vec(item, 0..3).prop_map(|items| DcbQuery { items })
}

fn step() -> impl Strategy<Value = Step> {
    let condition = (query(), proptest::option::of(0..30_u64));
    let condition = condition.prop_map(|(fail_if_events_match, after)| DcbAppendCondition {
        fail_if_events_match,
        after,
    });
    let tracking = (proptest::sample::select(&SOURCES[..]), 0..20_u64);
    let tracking = tracking.prop_map(|(source, position)| TrackingInfo {
        source: source.to_owned(),
        position,
    });
    let append = (
        vec(event(), 0..4),
        proptest::option::weighted(0.4, condition),
        proptest::option::weighted(0.2, tracking),
    );
    let append = append.prop_map(|(events, condition, tracking)| Step::Append {
        events,
        condition,
        tracking,
    });
    let read = (
        proptest::option::of(query()),
        proptest::option::of(0..30_u64),
        any::<bool>(),
        proptest::option::of(0..6_u32),
    );
    let read = read.prop_map(|(query, start, backwards, limit)| Step::Read {
        query,
        start,
        backwards,
        limit,
    });
    prop_oneof![6 => append, 4 => read, 1 => Just(Step::Reopen)]
}

/// What the trait says, over a list.
#[derive(Debug, Default)]
struct Model {
    events: Vec<DcbSequencedEvent>,
    /// Of each event the position in a source that is a part of what it is: it was not the first of its append.
    marks: Vec<Option<TrackingInfo>>,
    sources: BTreeMap<String, u64>,
}

fn matches(query: &DcbQuery, event: &DcbEvent) -> bool {
    let mut items = query.items.iter();
    query.items.is_empty()
        || items.any(|item| {
            let is_of_type = item.types.is_empty() || item.types.contains(&event.event_type);
            is_of_type && item.tags.iter().all(|tag| event.tags.contains(tag))
        })
}

#[derive(Debug, PartialEq)]
enum Refused {
    Argument,
    Integrity,
}

impl Model {
    fn read(
        &self,
        query: Option<&DcbQuery>,
        start: Option<u64>,
        backwards: bool,
        limit: Option<u32>,
    ) -> (Vec<DcbSequencedEvent>, Option<u64>) {
        let none = DcbQuery::new();
        let query = query.unwrap_or(&none);
        let is_from = |position: u64| match backwards {
            false => position >= start.unwrap_or(0),
            true => position <= start.unwrap_or(u64::MAX),
        };
        let found = self.events.iter();
        let found = found.filter(|one| is_from(one.position) && matches(query, &one.event));
        let mut found: Vec<_> = found.cloned().collect();
        if backwards {
            found.reverse();
        }
        let head = match limit {
            None => self.events.last().map(|last| last.position),
            Some(limit) => {
                found.truncate(usize::try_from(limit).unwrap());
                found.last().map(|last| last.position)
            }
        };
        (found, head)
    }

    fn append(
        &mut self,
        events: &[DcbEvent],
        condition: Option<&DcbAppendCondition>,
        tracking: Option<&TrackingInfo>,
    ) -> Result<u64, Refused> {
        if events.is_empty() {
            return match tracking {
                None => Ok(0),
                Some(_) => Err(Refused::Argument),
            };
        }
        let uuids: Vec<_> = events.iter().filter_map(|event| event.uuid).collect();
        if (1..uuids.len()).any(|at| uuids[..at].contains(&uuids[at])) {
            return Err(Refused::Argument);
        }
        let known = self.known(events, tracking)?;
        if known.iter().all(Option::is_some) {
            return Ok(known.into_iter().flatten().max().unwrap_or(0));
        }
        if let Some(TrackingInfo { source, position }) = tracking
            && self
                .sources
                .get(source)
                .is_some_and(|last| position <= last)
        {
            return Err(Refused::Integrity);
        }
        if let Some(condition) = condition {
            let after = condition.after.unwrap_or(0);
            let is_others =
                |one: &DcbSequencedEvent| one.event.uuid.is_none_or(|uuid| !uuids.contains(&uuid));
            let mut since = self.events.iter().filter(|one| one.position > after);
            let query = &condition.fail_if_events_match;
            if since.any(|one| is_others(one) && matches(query, &one.event)) {
                return Err(Refused::Integrity);
            }
        }
        for (place, (event, known)) in events.iter().zip(&known).enumerate() {
            if known.is_none() {
                self.marks.push(tracking.filter(|_| place > 0).cloned());
                let position = u64::try_from(self.events.len()).unwrap() + 1;
                self.events.push(DcbSequencedEvent {
                    position,
                    event: event.clone(),
                    tracking_info: tracking.cloned(),
                });
            }
        }
        if let Some(TrackingInfo { source, position }) = tracking {
            self.sources.insert(source.clone(), *position);
        }
        Ok(self.events.last().unwrap().position)
    }

    /// Where each event of an append is already.
    fn known(
        &self,
        events: &[DcbEvent],
        tracking: Option<&TrackingInfo>,
    ) -> Result<Vec<Option<u64>>, Refused> {
        let found = |event: &DcbEvent| {
            let uuid = event.uuid?;
            let mut all = self.events.iter().zip(&self.marks);
            all.find(|(one, _)| one.event.uuid == Some(uuid))
        };
        let found: Vec<_> = events.iter().map(found).collect();
        let is_known = found.iter().any(Option::is_some);
        for (place, (event, found)) in events.iter().zip(&found).enumerate() {
            match found {
                Some((one, mark)) => {
                    let same_mark = mark.as_ref() == tracking.filter(|_| place > 0);
                    if !same_mark || !is_same(&one.event, event) {
                        return Err(Refused::Argument);
                    }
                }
                None if is_known && event.uuid.is_none() => return Err(Refused::Argument),
                None => {}
            }
        }
        let positions = found.into_iter();
        Ok(positions
            .map(|one| one.map(|(one, _)| one.position))
            .collect())
    }
}

/// Whether events are the same under the same uuid.
fn is_same(one: &DcbEvent, other: &DcbEvent) -> bool {
    let sorted = |event: &DcbEvent| {
        let mut tags = event.tags.clone();
        tags.sort();
        tags
    };
    one.event_type == other.event_type
        && sorted(one) == sorted(other)
        && one.data == other.data
        && one.metadata == other.metadata
}

fn assert_same(found: &[DcbSequencedEvent], expected: &[DcbSequencedEvent]) {
    // They have no equality of their own, and show all that they are.
    assert_eq!(format!("{found:#?}"), format!("{expected:#?}"));
}

fn refused(result: DcbResult<u64>) -> Result<u64, Refused> {
    result.map_err(|error| match error {
        DcbError::InvalidArgument(_) => Refused::Argument,
        DcbError::IntegrityError(_) => Refused::Integrity,
        error => panic!("{error}"),
    })
}

fn run(steps: Vec<Step>) {
    let fs = MemFs::new();
    let mut store = open(&fs);
    let mut model = Model::default();
    for step in steps {
        match step {
            Step::Append {
                events,
                condition,
                tracking,
            } => {
                let expected = model.append(&events, condition.as_ref(), tracking.as_ref());
                let found = refused(store.append(events, condition, tracking));
                assert_eq!(found, expected);
            }
            Step::Read {
                query,
                start,
                backwards,
                limit,
            } => {
                let expected = model.read(query.as_ref(), start, backwards, limit);
                let found = store
                    .read_with_head(query.clone(), start, backwards, limit)
                    .unwrap();
                assert_same(&found.0, &expected.0);
                assert_eq!(found.1, expected.1);
                let mut response = store.read(query, start, backwards, limit).unwrap();
                assert_eq!(response.head().unwrap(), expected.1);
            }
            Step::Reopen => {
                drop(store);
                store = open(&fs);
            }
        }
        let last = model.events.last().map(|last| last.position);
        assert_eq!(store.head().unwrap(), last);
        for source in SOURCES {
            let expected = model.sources.get(source).copied();
            assert_eq!(store.get_tracking_info(source).unwrap(), expected);
        }
    }
    assert_same(&crate::all(&store), &model.events);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]
    #[test]
    fn a_store_does_what_a_list_of_events_does(steps in vec(step(), 1..30)) {
        run(steps);
    }
}
