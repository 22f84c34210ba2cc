//! The domain of the example, in a store of its own.

#[path = "../examples/disintegrate_courses/domain.rs"]
pub(crate) mod domain;

use disintegrate::serde::json::Json;
use disintegrate::{
    DecisionMaker, Event, EventSourcedStateStore, EventStore, NoSnapshot, StreamItem, StreamQuery,
};
use domain::SchoolEvent;
use futures::StreamExt;
use futures::executor::block_on;
use std::path::Path;
use std::sync::Arc;
use strandline::{Durability, Store, StoreOptions};
use strandline_disintegrate::{Error, Position, StrandlineEventStore};

pub(crate) type Events = StrandlineEventStore<SchoolEvent, Json<SchoolEvent>>;
pub(crate) type States<N> = EventSourcedStateStore<Position, SchoolEvent, Events, N>;

pub(crate) fn open(dir: &Path) -> Events {
    let store = StoreOptions::new().durability(Durability::Written);
    on(&Arc::new(store.open(dir.join("school.strand")).unwrap()))
}

pub(crate) fn on(store: &Arc<Store>) -> Events {
    StrandlineEventStore::new(store, Json::default()).scope("school")
}

pub(crate) fn decides(events: &Events) -> DecisionMaker<States<NoSnapshot>> {
    DecisionMaker::new(EventSourcedStateStore::new(events.clone(), NoSnapshot))
}

pub(crate) fn course(course_id: &str, seats: u32) -> SchoolEvent {
    SchoolEvent::CourseOpened {
        course_id: course_id.to_owned(),
        seats,
    }
}

pub(crate) fn enrolled(course_id: &str, student_id: i64) -> SchoolEvent {
    SchoolEvent::StudentEnrolled {
        course_id: course_id.to_owned(),
        student_id,
    }
}

pub(crate) fn put(events: &Events, new: Vec<SchoolEvent>) -> Vec<u64> {
    let put = block_on(events.append_without_validation(new)).unwrap();
    put.iter().map(|event| event.id().get()).collect()
}

/// What a query finds, with positions, and the end.
pub(crate) fn read<Q>(
    events: &Events,
    query: &StreamQuery<Position, Q>,
) -> Result<(Vec<(u64, Q)>, u64), Error>
where
    Q: TryFrom<SchoolEvent> + Event + Clone + Send + Sync + 'static,
    <Q as TryFrom<SchoolEvent>>::Error: std::error::Error + Send + Sync + 'static,
{
    let items: Vec<_> = block_on(events.stream(query).collect());
    let (mut found, mut end) = (Vec::new(), None);
    for item in items {
        assert!(end.is_none(), "the end is the last");
        match item? {
            StreamItem::Event(event) => found.push((event.id().get(), event.into_inner())),
            StreamItem::End(position) => end = Some(position.get()),
        }
    }
    Ok((found, end.unwrap()))
}
