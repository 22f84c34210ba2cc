//! The framework on a store: loading, committing, upcasting, and commands that exclude each other.

use crate::common::{Add, Meeting, NoZero, Place, Tally, TallyEvent, added};
use cqrs_es::persist::{
    PersistedEventRepository, PersistedEventStore, SemanticVersionEventUpcaster, SerializedEvent,
};
use cqrs_es::test::TestFramework;
use cqrs_es::{AggregateError, CqrsFramework, EventStore};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::Arc;
use strandline::Store;
use strandline_cqrs_es::{
    StrandlineEventRepository, strandline_aggregate_cqrs, strandline_cqrs, strandline_snapshot_cqrs,
};

type Events = PersistedEventStore<StrandlineEventRepository, Tally>;

fn repository(store: &Arc<Store>) -> StrandlineEventRepository {
    StrandlineEventRepository::new(store)
}

/// A store of each kind that the framework has.
fn of_each_kind(store: &Arc<Store>) -> [Events; 4] {
    [
        Events::new_event_store(repository(store)),
        Events::new_snapshot_store(repository(store), 1),
        Events::new_snapshot_store(repository(store), 3),
        Events::new_aggregate_store(repository(store)),
    ]
}

fn adds(numbers: &[u64]) -> Vec<TallyEvent> {
    numbers
        .iter()
        .map(|by| TallyEvent::Added { by: *by })
        .collect()
}

async fn commits_and_loads(events: Events) {
    assert!(events.load_events("a").await.unwrap().is_empty());
    let context = events.load_aggregate("a").await.unwrap();
    assert_eq!(
        (context.current_sequence, context.current_snapshot),
        (0, None)
    );

    let metadata = HashMap::from([("time".to_owned(), "noon".to_owned())]);
    let committed = events
        .commit(adds(&[1, 2]), context, metadata.clone())
        .await
        .unwrap();
    assert_eq!(committed.len(), 2);
    let context = events.load_aggregate("a").await.unwrap();
    assert_eq!(context.current_sequence, 2);
    assert_eq!(
        context.aggregate,
        Tally {
            total: 3,
            events: 2,
            name: String::new()
        }
    );

    events
        .commit(adds(&[4, 8, 16]), context, HashMap::new())
        .await
        .unwrap();
    let loaded = events.load_events("a").await.unwrap();
    assert_eq!(
        loaded
            .iter()
            .map(|event| event.sequence)
            .collect::<Vec<_>>(),
        [1, 2, 3, 4, 5]
    );
    assert_eq!(loaded[1].metadata, metadata);
    assert_eq!(loaded[4].payload, TallyEvent::Added { by: 16 });
    let context = events.load_aggregate("a").await.unwrap();
    assert_eq!((context.current_sequence, context.aggregate.total), (5, 31));
    assert_eq!(context.aggregate.events, 5);
}

#[tokio::test]
async fn commit_and_load_events() {
    let place = Place::new();
    commits_and_loads(Events::new_event_store(repository(&place.open()))).await;
    assert!(place.kept("snapshots").is_empty());
}

#[tokio::test]
async fn commit_and_load_events_snapshot_store() {
    for size in [1, 2, 3, 4, 5, 100] {
        let place = Place::new();
        commits_and_loads(Events::new_snapshot_store(repository(&place.open()), size)).await;
        assert_eq!(
            place.kept("snapshots").len(),
            usize::from(size <= 5),
            "{size}"
        );
    }
}

#[tokio::test]
async fn commit_and_load_events_aggregate_store() {
    let place = Place::new();
    commits_and_loads(Events::new_aggregate_store(repository(&place.open()))).await;
    assert_eq!(place.kept("snapshots").len(), 1);
}

#[tokio::test]
async fn commit_no_events() {
    let place = Place::new();
    let store = place.open();
    for events in of_each_kind(&store) {
        let context = events.load_aggregate("a").await.unwrap();
        let committed = events
            .commit(Vec::new(), context, HashMap::new())
            .await
            .unwrap();
        assert!(committed.is_empty());
    }
    assert!(store.snapshot().is_empty() && place.kept("snapshots").is_empty());
}

/// What the framework hands over as a snapshot has the events of the command twice: once from when they were written
/// into the sink, and once from the commit.
#[tokio::test]
async fn the_events_of_a_command_are_counted_once_in_a_snapshot() {
    let place = Place::new();
    let store = place.open();
    let frameworks = [
        strandline_cqrs::<Tally>(&store, Vec::new(), Meeting::default()),
        strandline_aggregate_cqrs(&store, Vec::new(), Meeting::default()),
        strandline_snapshot_cqrs(&store, Vec::new(), 2, Meeting::default()),
    ];
    for (id, framework) in ["a", "b", "c"].into_iter().zip(frameworks) {
        for numbers in [vec![1], vec![2, 4, 8], vec![16]] {
            framework.execute(id, Add(numbers)).await.unwrap();
        }
        let refused = framework.execute(id, Add(vec![1, 0])).await;
        assert!(matches!(refused, Err(AggregateError::UserError(NoZero))));
        for events in of_each_kind(&store) {
            let context = events.load_aggregate(id).await.unwrap();
            let found = (context.aggregate.total, context.aggregate.events);
            assert_eq!((found, context.current_sequence), ((31, 5), 5), "{id}");
        }
    }
}

/// Both have read the same events when they are committed.
#[tokio::test]
async fn of_two_commands_on_one_state_one_gets_a_conflict() {
    let place = Place::new();
    let store = place.open();
    for (id, events) in ["a", "b", "c", "d"].into_iter().zip(of_each_kind(&store)) {
        let meeting = Meeting(Some(tokio::sync::Barrier::new(2)));
        let framework = Arc::new(CqrsFramework::new(events, Vec::new(), meeting));
        let run = |by| {
            let framework = framework.clone();
            tokio::spawn(async move { framework.execute(id, Add(vec![by])).await })
        };
        let (one, other) = (run(1), run(2));
        let outcomes = [one.await.unwrap(), other.await.unwrap()];
        let conflicts = outcomes
            .iter()
            .filter(|outcome| matches!(outcome, Err(AggregateError::AggregateConflict)));
        assert_eq!(conflicts.count(), 1, "{outcomes:?}");
        assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
        let events = repository(&store).get_events::<Tally>(id).await.unwrap();
        assert_eq!(events.len(), 1);
    }
}

/// One task for each number, all at once, each again until it wins.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn commands_that_try_again_are_all_counted_once() {
    let place = Place::new();
    let store = place.open();
    for (id, events) in ["a", "b", "c", "d"].into_iter().zip(of_each_kind(&store)) {
        let framework = Arc::new(CqrsFramework::new(events, Vec::new(), Meeting::default()));
        let tasks: Vec<_> = (1..=8)
            .map(|by| {
                let framework = framework.clone();
                tokio::spawn(async move {
                    loop {
                        match framework.execute(id, Add(vec![by, by])).await {
                            Err(AggregateError::AggregateConflict) => {}
                            outcome => return outcome.unwrap(),
                        }
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
        for events in of_each_kind(&store) {
            let context = events.load_aggregate(id).await.unwrap();
            assert_eq!(
                (context.aggregate.total, context.aggregate.events),
                (72, 16),
                "{id}"
            );
        }
    }
}

/// An event of a version that nobody takes any more: its name was another one.
fn of_old(sequence: usize) -> SerializedEvent {
    SerializedEvent {
        event_version: "0.9".to_owned(),
        payload: json!({"Increased": 5}),
        ..added("a", sequence, 5)
    }
}

fn upcasters() -> Vec<Box<dyn cqrs_es::persist::EventUpcaster>> {
    let upcast = |payload: Value| json!({"Added": {"by": payload["Increased"]}});
    vec![Box::new(SemanticVersionEventUpcaster::new(
        "Added",
        "1.0",
        Box::new(upcast),
    ))]
}

#[tokio::test]
async fn upcasted_event() {
    let place = Place::new();
    let store = place.open();
    let old = [of_old(1), added("a", 2, 1), of_old(3)];
    repository(&store)
        .persist::<Tally>(&old, None)
        .await
        .unwrap();
    for events in of_each_kind(&store) {
        // It takes part in no state without an upcaster, and is not left out.
        assert!(events.load_aggregate("a").await.is_err());
        let events = events.with_upcasters(upcasters());
        let loaded = events.load_events("a").await.unwrap();
        assert_eq!(loaded[0].payload, TallyEvent::Added { by: 5 });
        let context = events.load_aggregate("a").await.unwrap();
        assert_eq!((context.current_sequence, context.aggregate.total), (3, 11));
    }
}

/// A repository that does not know the upcasters makes no snapshot over what has to be upcast; the state is right all the
/// same, and one that knows them makes it.
#[tokio::test]
async fn upcast_events_are_in_snapshots_where_the_repository_can_upcast() {
    for (knows, kept) in [(false, 0), (true, 1)] {
        let place = Place::new();
        let store = place.open();
        let events = [of_old(1), of_old(2)];
        repository(&store)
            .persist::<Tally>(&events, None)
            .await
            .unwrap();
        let repository = || match knows {
            true => repository(&store).upcasters(upcasters()),
            false => repository(&store),
        };
        for events in [
            Events::new_aggregate_store(repository()),
            Events::new_snapshot_store(repository(), 1),
        ] {
            let events = events.with_upcasters(upcasters());
            let context = events.load_aggregate("a").await.unwrap();
            let total = context.aggregate.total;
            events
                .commit(adds(&[1]), context, HashMap::new())
                .await
                .unwrap();
            let context = events.load_aggregate("a").await.unwrap();
            assert_eq!(context.aggregate.total, total + 1);
            assert_eq!(place.kept("snapshots").len(), kept);
        }
    }
}

#[test]
fn the_test_framework_runs_beside_it() {
    let framework = || TestFramework::<Tally>::with(Meeting::default());
    framework()
        .given(adds(&[1]))
        .when(Add(vec![2]))
        .then_expect_events(adds(&[2]));
    framework()
        .given_no_previous_events()
        .when(Add(vec![0]))
        .then_expect_error(NoZero);
}
