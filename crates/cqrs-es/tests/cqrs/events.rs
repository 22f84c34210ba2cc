//! Events persisted and read through the repository.

use crate::common::{Place, Tally, added};
use cqrs_es::Aggregate;
use cqrs_es::event_sink::EventSink;
use cqrs_es::persist::{PersistedEventRepository, PersistenceError, SerializedEvent};
use proptest::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::ops::ControlFlow;
use std::sync::Arc;
use strandline::fs::MemFs;
use strandline::{
    AttributeValue, Attributes, Coordinate, Durability, Event, EventKind, Region, Store,
    StoreOptions,
};
use strandline_cqrs_es::{RecordedEvent, StrandlineEventRepository, entity_of};
use strandline_transfer::{ImportOptions, LineFormat, export, import};

/// Another type, with the same events.
#[derive(Default, Serialize, Deserialize)]
struct Other;

impl Aggregate for Other {
    const TYPE: &'static str = "other";
    type Command = ();
    type Event = crate::common::TallyEvent;
    type Error = std::convert::Infallible;
    type Services = ();

    async fn handle(&mut self, (): (), (): &(), _: &EventSink<Self>) -> Result<(), Self::Error> {
        Ok(())
    }

    fn apply(&mut self, _: Self::Event) {}
}

fn in_memory() -> Arc<Store> {
    let options = StoreOptions::new().fs(Arc::new(MemFs::new()));
    Arc::new(options.open("/tallies.strand").unwrap())
}

#[tokio::test]
async fn event_repositories() {
    let place = Place::new();
    let repository = StrandlineEventRepository::new(&place.open());
    let none = repository.get_events::<Tally>("a").await.unwrap();
    assert!(none.is_empty());

    let first = [added("a", 1, 5), added("a", 2, 7)];
    repository.persist::<Tally>(&first, None).await.unwrap();
    assert_eq!(repository.get_events::<Tally>("a").await.unwrap(), first);

    // One is there already, so none is written.
    let late = [added("a", 2, 1), added("a", 3, 1)];
    let refused = repository.persist::<Tally>(&late, None).await;
    assert!(matches!(
        refused,
        Err(PersistenceError::OptimisticLockError)
    ));
    // Nor one that leaves a gap.
    let early = repository.persist::<Tally>(&[added("a", 4, 1)], None).await;
    assert!(matches!(early, Err(PersistenceError::OptimisticLockError)));
    assert_eq!(repository.get_events::<Tally>("a").await.unwrap(), first);

    let more = [added("a", 3, 9)];
    repository.persist::<Tally>(&more, None).await.unwrap();
    for (last, expected) in [(0, 3), (1, 2), (2, 1), (3, 0), (usize::MAX, 0)] {
        let events = repository.get_last_events::<Tally>("a", last).await;
        let sequences: Vec<_> = events.unwrap().iter().map(|event| event.sequence).collect();
        assert_eq!(sequences, (last.min(3) + 1..=3).collect::<Vec<_>>());
        assert_eq!(sequences.len(), expected);
    }
}

#[tokio::test]
async fn aggregates_with_one_id_do_not_meet() {
    let store = in_memory();
    let repository = StrandlineEventRepository::new(&store);
    let mine = [added("a", 1, 5)];
    repository.persist::<Tally>(&mine, None).await.unwrap();
    let its = [SerializedEvent {
        aggregate_type: "other".to_owned(),
        ..added("a", 1, 6)
    }];
    repository.persist::<Other>(&its, None).await.unwrap();
    assert_eq!(repository.get_events::<Tally>("a").await.unwrap(), mine);
    assert_eq!(repository.get_events::<Other>("a").await.unwrap(), its);
    // What one persists for another type is not lost among its own.
    let wrong = repository.persist::<Other>(&[added("a", 2, 5)], None).await;
    assert!(matches!(wrong, Err(PersistenceError::UnknownError(_))));
    assert_eq!(store.snapshot().len(), 2);
}

#[tokio::test]
async fn events_are_found_as_any_others() {
    let store = in_memory();
    let repository = StrandlineEventRepository::new(&store);
    let event = added("a", 1, 5);
    repository
        .persist::<Tally>(std::slice::from_ref(&event), None)
        .await
        .unwrap();
    let now = store.snapshot();
    let region = Region::all().scope("tally").kind_named("Added");
    let found: Vec<_> = now.query(region).map(Result::unwrap).collect();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].coordinate.entity(), entity_of("tally", "a"));
    let recorded: RecordedEvent<Value, Value> = found[0].payload_json().unwrap();
    assert_eq!(
        (recorded.payload, recorded.metadata),
        (event.payload, event.metadata)
    );
}

#[tokio::test]
async fn an_export_takes_them_to_another_store() {
    let events = [added("a", 1, 5), added("a", 2, 7)];
    let store = in_memory();
    let repository = StrandlineEventRepository::new(&store);
    repository.persist::<Tally>(&events, None).await.unwrap();
    for format in [LineFormat::Lines, LineFormat::CloudEvents] {
        let (mut lines, mut go_on) = (Vec::new(), |_| ControlFlow::Continue(()));
        let (now, all) = (store.snapshot(), Region::all());
        export(&now, all, format, &mut lines, &mut go_on).unwrap();
        let copy = in_memory();
        let options = ImportOptions::new().format(format);
        import(&copy, &mut &*lines, options, &mut go_on).unwrap();
        let copy = StrandlineEventRepository::new(&copy);
        assert_eq!(
            copy.get_events::<Tally>("a").await.unwrap(),
            events,
            "{format:?}"
        );
        copy.persist::<Tally>(&[added("a", 3, 1)], None)
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn what_others_appended_is_an_error_and_not_left_out() {
    let store = in_memory();
    let repository = StrandlineEventRepository::new(&store);
    repository
        .persist::<Tally>(&[added("a", 1, 5)], None)
        .await
        .unwrap();
    let is_refused = async |entity: &str, scope: &str, event: Event, id: &str| {
        store
            .append(&Coordinate::new(entity, scope).unwrap(), event)
            .unwrap();
        let read = repository.get_events::<Tally>(id).await;
        assert!(
            matches!(read, Err(PersistenceError::DeserializationError(_))),
            "{entity}"
        );
    };
    let kind = store.kind("Added").unwrap();
    let raw = || Event::bytes(kind, *b"x");
    is_refused("tally:a", "tally", raw(), "a").await;
    let mut attributes = Attributes::new();
    attributes
        .add("eventversion", AttributeValue::Text("1.0".into()))
        .unwrap();
    let alike = || {
        Event::json(
            kind,
            &json!({"payload": {"Added": {"by": 5}}, "metadata": {}}),
        )
        .unwrap()
    };
    is_refused(
        "tally:b",
        "elsewhere",
        alike().with_attributes(attributes),
        "b",
    )
    .await;
    is_refused("tally:e", "tally", alike(), "e").await;
    is_refused(
        "tally:c",
        "tally",
        Event::json(kind, &json!({"Added": 5})).unwrap(),
        "c",
    )
    .await;
    let nameless = Event::json(EventKind::new(1, 1), &json!({"payload": 1, "metadata": 2}));
    is_refused("tally:d", "tally", nameless.unwrap(), "d").await;
}

#[tokio::test]
async fn what_a_store_cannot_take_is_refused_and_leaves_nothing() {
    let store = in_memory();
    let repository = StrandlineEventRepository::new(&store);
    let event = || added("a", 1, 5);
    let long = "x".repeat(300);
    for wrong in [
        SerializedEvent {
            aggregate_id: long.clone(),
            ..event()
        },
        SerializedEvent {
            aggregate_id: "a\nb".to_owned(),
            ..event()
        },
        SerializedEvent {
            event_type: String::new(),
            ..event()
        },
        SerializedEvent {
            event_type: long,
            ..event()
        },
        SerializedEvent {
            event_version: "x".repeat(4000),
            ..event()
        },
        SerializedEvent {
            payload: json!("x".repeat(17 << 20)),
            ..event()
        },
        SerializedEvent {
            sequence: 0,
            ..event()
        },
        SerializedEvent {
            sequence: usize::MAX,
            ..event()
        },
    ] {
        let refused = repository.persist::<Tally>(&[wrong], None).await;
        assert!(
            matches!(refused, Err(PersistenceError::UnknownError(_))),
            "{refused:?}"
        );
    }
    assert!(store.snapshot().is_empty());
}

#[tokio::test]
async fn a_returned_persist_is_as_durable_as_it_was_asked_for() {
    let written = StoreOptions::new().fs(Arc::new(MemFs::new()));
    let written = written.durability(Durability::Written).no_background_sync();
    let store = Arc::new(written.open("/tallies.strand").unwrap());
    let repository = StrandlineEventRepository::new(&store);
    repository
        .persist::<Tally>(&[added("a", 1, 5)], None)
        .await
        .unwrap();
    assert_eq!(store.stats().unwrap().durable.get(), 0);
    let synced = repository.durability(Durability::Synced);
    synced
        .persist::<Tally>(&[added("a", 2, 5)], None)
        .await
        .unwrap();
    assert_eq!(store.stats().unwrap().durable.get(), 2);
}

#[tokio::test]
async fn events_are_there_after_a_reopening_and_for_readers_beside() {
    let place = Place::new();
    let events = [added("a", 1, 5), added("a", 2, 7)];
    let repository = StrandlineEventRepository::new(&place.open());
    repository.persist::<Tally>(&events, None).await.unwrap();
    let beside = StrandlineEventRepository::new(&place.read_only());
    assert_eq!(beside.get_events::<Tally>("a").await.unwrap(), events);
    let refused = beside.persist::<Tally>(&[added("a", 3, 1)], None).await;
    assert!(matches!(refused, Err(PersistenceError::ConnectionError(_))));
    drop(repository);
    let repository = StrandlineEventRepository::new(&place.open());
    assert_eq!(repository.get_events::<Tally>("a").await.unwrap(), events);
    repository
        .persist::<Tally>(&[added("a", 3, 1)], None)
        .await
        .unwrap();
}

/// Values that JSON gives back as they are.
fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        prop::num::f64::NORMAL.prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(".{0,6}", inner, 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn events_come_back_as_they_were(
        id in "[^\\p{Cc}]{0,40}",
        event_type in "[^\\p{Cc}]{1,40}",
        event_version in ".{0,20}",
        payloads in prop::collection::vec((json_value(), json_value()), 1..5),
    ) {
        let events: Vec<_> = payloads
            .into_iter()
            .zip(1..)
            .map(|((payload, metadata), sequence)| SerializedEvent {
                aggregate_id: id.clone(),
                sequence,
                aggregate_type: Tally::TYPE.to_owned(),
                event_type: event_type.clone(),
                event_version: event_version.clone(),
                payload,
                metadata,
            })
            .collect();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let read = runtime.block_on(async {
            let repository = StrandlineEventRepository::new(&in_memory());
            repository.persist::<Tally>(&events, None).await.unwrap();
            repository.get_events::<Tally>(&id).await.unwrap()
        });
        prop_assert_eq!(read, events);
    }
}
