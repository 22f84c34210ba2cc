//! Replays: all events of a type in the order in which they happened, as fast as they are taken.

use crate::common::{Place, Tally, TallyEvent, TallyView, added};
use async_trait::async_trait;
use cqrs_es::persist::{
    GenericQuery, PersistedEventRepository, PersistenceError, QueryReplay, SerializedEvent,
};
use cqrs_es::{EventEnvelope, Query};
use serde_json::json;
use std::sync::{Arc, Mutex};
use strandline::{Coordinate, Durability, Event};
use strandline_cqrs_es::{
    REPLAY_QUEUE_EVENTS, StrandlineEventRepository, StrandlineViewRepository,
};

/// Notes what it is given.
#[derive(Clone, Default)]
struct Noted(Arc<Mutex<Vec<(String, usize, u64)>>>);

#[async_trait]
impl Query<Tally> for Noted {
    async fn dispatch(&self, id: &str, events: &[EventEnvelope<Tally>]) {
        for event in events {
            let TallyEvent::Added { by } = event.payload else {
                continue;
            };
            self.0
                .lock()
                .unwrap()
                .push((id.to_owned(), event.sequence, by));
        }
    }
}

#[tokio::test]
async fn events_are_replayed_in_commit_order() {
    let place = Place::new();
    let repository = StrandlineEventRepository::new(&place.open());
    let mut expected = Vec::new();
    for (id, sequence) in [("b", 1), ("a", 1), ("b", 2), ("c", 1), ("a", 2), ("b", 3)] {
        let by = expected.len() as u64 + 1;
        repository
            .persist::<Tally>(&[added(id, sequence, by)], None)
            .await
            .unwrap();
        expected.push((id.to_owned(), sequence, by));
    }
    let noted = Noted::default();
    let replay = QueryReplay::new(repository, noted.clone());
    replay.replay_all().await.unwrap();
    assert_eq!(*noted.0.lock().unwrap(), expected);

    noted.0.lock().unwrap().clear();
    replay.replay("b").await.unwrap();
    expected.retain(|(id, ..)| id == "b");
    assert_eq!(*noted.0.lock().unwrap(), expected);
    noted.0.lock().unwrap().clear();
    replay.replay("nobody").await.unwrap();
    assert!(noted.0.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_replay_is_of_the_moment_and_holds_no_more_than_its_queue() {
    let place = Place::new();
    let store = place.open();
    let repository = StrandlineEventRepository::new(&store);
    let count = REPLAY_QUEUE_EVENTS * 3;
    let events: Vec<_> = (1..=count)
        .map(|sequence| added("a", sequence, 1))
        .collect();
    repository.persist::<Tally>(&events, None).await.unwrap();
    let mut stream = repository.stream_all_events::<Tally>().await.unwrap();
    let dropped = repository.stream_events::<Tally>("a").await.unwrap();
    repository
        .persist::<Tally>(&[added("a", count + 1, 1)], None)
        .await
        .unwrap();
    drop(dropped);
    // Neither keeps the store open.
    drop(repository);
    assert!(Arc::try_unwrap(store).is_ok());
    for sequence in 1..=count {
        let event = stream.next::<Tally>(&[]).await.unwrap().unwrap();
        assert_eq!(event.sequence, sequence);
    }
    assert!(stream.next::<Tally>(&[]).await.is_none());
}

#[tokio::test]
async fn what_cannot_be_read_is_an_error_in_its_place() {
    let place = Place::new();
    let store = place.open();
    let repository = StrandlineEventRepository::new(&store);
    repository
        .persist::<Tally>(&[added("a", 1, 1)], None)
        .await
        .unwrap();
    let foreign = Event::bytes(store.kind("Added").unwrap(), *b"x");
    store
        .append(&Coordinate::new("someone", "tally").unwrap(), foreign)
        .unwrap();
    let untyped = SerializedEvent {
        payload: json!({"Unheard": "of"}),
        ..added("a", 2, 1)
    };
    repository
        .persist::<Tally>(&[untyped, added("a", 3, 1)], None)
        .await
        .unwrap();

    let mut stream = repository.stream_all_events::<Tally>().await.unwrap();
    let mut found = Vec::new();
    while let Some(event) = stream.next::<Tally>(&[]).await {
        found.push(event.map(|event| event.sequence).map_err(|error| {
            assert!(matches!(error, PersistenceError::DeserializationError(_)));
        }));
    }
    assert_eq!(found, [Ok(1), Err(()), Err(()), Ok(3)]);

    let told = Arc::new(Mutex::new(0));
    let mut replay = QueryReplay::new(repository, Noted::default());
    let counts = told.clone();
    replay.use_error_handler(Box::new(move |_| *counts.lock().unwrap() += 1));
    replay.replay_all().await.unwrap();
    assert_eq!(*told.lock().unwrap(), 2);
}

#[tokio::test]
async fn views_are_made_anew_by_a_replay() {
    let place = Place::new();
    let store = place.open();
    let repository = StrandlineEventRepository::new(&store);
    for sequence in 1..=20 {
        let events = ["a", "b"].map(|id| added(id, sequence, 1));
        repository.persist::<Tally>(&events, None).await.unwrap();
    }
    let views = StrandlineViewRepository::<TallyView, Tally>::open(&store, "tallies").unwrap();
    let views = Arc::new(views.durability(Durability::Written));
    for _ in 0..2 {
        views.clear().await.unwrap();
        let mut replay = QueryReplay::new(repository.clone(), GenericQuery::new(views.clone()));
        replay.use_error_handler(Box::new(|error| panic!("{error}")));
        replay.replay_all().await.unwrap();
        views.sync().await.unwrap();
        for id in ["a", "b"] {
            let view = GenericQuery::new(views.clone()).load(id).await.unwrap();
            assert_eq!((view.total, view.events), (20, 20));
            assert_eq!(view.sequences, (1..=20).collect::<Vec<_>>());
        }
    }
}
