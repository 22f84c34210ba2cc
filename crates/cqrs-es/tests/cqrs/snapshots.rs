//! Snapshots: whatever becomes of their files, the state of an aggregate is that of its events.

use crate::common::{Place, Tally, added, bytes_of, overwrite};
use cqrs_es::EventStore;
use cqrs_es::persist::{
    PersistedEventRepository, PersistedEventStore, PersistenceError, SerializedSnapshot,
};
use serde_json::{Value, json};
use std::ops::ControlFlow;
use std::sync::Arc;
use strandline::Store;
use strandline::fs::{Fs, OsFs};
use strandline::maintenance::{CopyMode, Existing, Redaction, backup, redact, restore};
use strandline_cqrs_es::{StrandlineEventRepository, entity_of};

fn snapshot(total: u64, sequence: usize, number: usize) -> Option<SerializedSnapshot> {
    Some(SerializedSnapshot {
        aggregate_id: "a".to_owned(),
        aggregate: json!({"total": total, "events": sequence, "name": ""}),
        current_sequence: sequence,
        current_snapshot: number,
    })
}

fn wanted(number: usize) -> Option<(String, Value, usize)> {
    Some(("a".to_owned(), Value::Null, number))
}

#[tokio::test]
async fn snapshot_repositories() {
    let place = Place::new();
    let store = place.open();
    let repository = StrandlineEventRepository::new(&store);
    assert_eq!(repository.get_snapshot::<Tally>("a").await.unwrap(), None);
    // Of nothing there is nothing to keep.
    repository.persist::<Tally>(&[], wanted(1)).await.unwrap();
    assert_eq!(repository.get_snapshot::<Tally>("a").await.unwrap(), None);

    let first = [added("a", 1, 5), added("a", 2, 7)];
    repository
        .persist::<Tally>(&first, wanted(1))
        .await
        .unwrap();
    assert_eq!(
        repository.get_snapshot::<Tally>("a").await.unwrap(),
        snapshot(12, 2, 1)
    );
    repository
        .persist::<Tally>(&[added("a", 3, 1)], wanted(2))
        .await
        .unwrap();
    assert_eq!(
        repository.get_snapshot::<Tally>("a").await.unwrap(),
        snapshot(13, 3, 2)
    );

    // A number out of its turn changes nothing.
    for number in [0, 1, 2, 4] {
        let refused = repository.persist::<Tally>(&[], wanted(number)).await;
        assert!(
            matches!(refused, Err(PersistenceError::OptimisticLockError)),
            "{number}"
        );
    }
    // Nor does one whose events come too late.
    let refused = repository
        .persist::<Tally>(&[added("a", 3, 9)], wanted(3))
        .await;
    assert!(matches!(
        refused,
        Err(PersistenceError::OptimisticLockError)
    ));
    assert_eq!(
        repository.get_snapshot::<Tally>("a").await.unwrap(),
        snapshot(13, 3, 2)
    );
    repository.persist::<Tally>(&[], wanted(3)).await.unwrap();
    assert_eq!(
        repository.get_snapshot::<Tally>("a").await.unwrap(),
        snapshot(13, 3, 3)
    );

    // Events behind it are in the state that is given.
    repository
        .persist::<Tally>(&[added("a", 4, 1)], None)
        .await
        .unwrap();
    assert_eq!(
        repository.get_snapshot::<Tally>("a").await.unwrap(),
        snapshot(14, 4, 3)
    );
    // Also to who reads beside, and after a reopening.
    let beside = StrandlineEventRepository::new(&place.read_only());
    assert_eq!(
        beside.get_snapshot::<Tally>("a").await.unwrap(),
        snapshot(14, 4, 3)
    );
    drop((repository, store));
    let repository = StrandlineEventRepository::new(&place.open());
    assert_eq!(
        repository.get_snapshot::<Tally>("a").await.unwrap(),
        snapshot(14, 4, 3)
    );
    assert_eq!(place.kept("snapshots").len(), 1);
}

/// What each of the framework's stores has for the aggregate.
async fn states(store: &Arc<Store>) -> Vec<(u64, u64, usize)> {
    let repository = || StrandlineEventRepository::new(store);
    let mut states = Vec::new();
    for events in [
        PersistedEventStore::<_, Tally>::new_event_store(repository()),
        PersistedEventStore::new_aggregate_store(repository()),
        PersistedEventStore::new_snapshot_store(repository(), 2),
    ] {
        let context = events.load_aggregate("a").await.unwrap();
        let Tally { total, events, .. } = context.aggregate;
        states.push((total, events, context.current_sequence));
    }
    states
}

#[tokio::test]
async fn a_file_that_is_missing_older_or_damaged_costs_time_alone() {
    let place = Place::new();
    let store = place.open();
    let repository = StrandlineEventRepository::new(&store);
    repository
        .persist::<Tally>(&[added("a", 1, 5)], wanted(1))
        .await
        .unwrap();
    let file = place.kept("snapshots").remove(0);
    let older = bytes_of(&file);
    repository
        .persist::<Tally>(&[added("a", 2, 7)], wanted(2))
        .await
        .unwrap();
    let newest = bytes_of(&file);
    repository
        .persist::<Tally>(&[added("b", 1, 1)], Some(("b".to_owned(), Value::Null, 1)))
        .await
        .unwrap();
    let other = place
        .kept("snapshots")
        .into_iter()
        .find(|other| *other != file);
    let other = bytes_of(&other.unwrap());

    let expected = vec![(12, 2, 2); 3];
    let mut contents = vec![older, other, Vec::new(), vec![0; 100]];
    for place in 0..newest.len() {
        contents.push(newest[..place].to_vec());
        let mut changed = newest.clone();
        changed[place] ^= 0x10;
        contents.push(changed);
    }
    for content in contents {
        overwrite(&file, &content);
        assert_eq!(states(&store).await, expected, "{content:?}");
    }
    repository.remove_snapshot::<Tally>("a").unwrap();
    assert!(!file.exists());
    assert_eq!(states(&store).await, expected);
    // It is made anew with the next one.
    repository
        .persist::<Tally>(&[added("a", 3, 1)], wanted(1))
        .await
        .unwrap();
    assert!(file.exists());
    assert_eq!(states(&store).await, vec![(13, 3, 3); 3]);
}

/// What was made of events that are not there any more is nobody's state.
#[tokio::test]
async fn a_snapshot_of_another_course_of_the_store_is_not_taken() {
    let place = Place::new();
    let fs: Arc<dyn Fs> = Arc::new(OsFs);
    let copy = place.dir.path().join("copy");
    let mut go_on = |_| ControlFlow::Continue(());
    let store = place.open();
    let repository = StrandlineEventRepository::new(&store);
    repository
        .persist::<Tally>(&[added("a", 1, 5)], wanted(1))
        .await
        .unwrap();
    backup(&fs, &place.store_dir(), &copy, CopyMode::Copy, &mut go_on).unwrap();
    let more = [added("a", 2, 7), added("a", 3, 7)];
    repository.persist::<Tally>(&more, wanted(2)).await.unwrap();
    drop((repository, store));
    restore(
        &fs,
        &copy,
        &place.store_dir(),
        Existing::MoveAside,
        &mut go_on,
    )
    .unwrap();

    let store = place.open();
    assert_eq!(states(&store).await, vec![(5, 1, 1); 3]);
    let repository = StrandlineEventRepository::new(&store);
    let others = [added("a", 2, 1), added("a", 3, 1), added("a", 4, 1)];
    repository.persist::<Tally>(&others, None).await.unwrap();
    assert_eq!(states(&store).await, vec![(8, 4, 4); 3]);
}

/// The events are there, so the command has succeeded.
#[tokio::test]
async fn a_snapshot_that_cannot_be_written_fails_no_command() {
    let place = Place::new();
    let store = place.open();
    // Where the directory would be.
    overwrite(&place.dir.path().join("tallies.strand.cqrs"), b"");
    let repository = StrandlineEventRepository::new(&store);
    assert_eq!(repository.snapshot_failure(), None);
    repository
        .persist::<Tally>(&[added("a", 1, 5)], wanted(1))
        .await
        .unwrap();
    let told = repository.clone().snapshot_failure().unwrap();
    assert!(told.contains("tallies.strand.cqrs"), "{told}");
    assert_eq!(states(&store).await, vec![(5, 1, 1); 3]);
}

#[tokio::test]
async fn what_was_redacted_is_an_error_or_null() {
    let place = Place::new();
    let store = place.open();
    let repository = StrandlineEventRepository::new(&store);
    let events = [added("a", 1, 5), added("a", 2, 7)];
    repository
        .persist::<Tally>(&events, wanted(1))
        .await
        .unwrap();
    let first = store.snapshot().stream(&entity_of("tally", "a")).next();
    let redaction = Redaction::new().event(first.unwrap().unwrap().id);
    redact(&store, &redaction, &mut |_| ControlFlow::Continue(())).unwrap();

    let read = repository.get_events::<Tally>("a").await;
    assert!(matches!(
        read,
        Err(PersistenceError::DeserializationError(_))
    ));
    // What was in the payload is in the snapshot, until that is removed.
    assert_eq!(
        repository.get_snapshot::<Tally>("a").await.unwrap(),
        snapshot(12, 2, 1)
    );
    repository.remove_snapshot::<Tally>("a").unwrap();
    let given = repository
        .get_snapshot::<Tally>("a")
        .await
        .unwrap()
        .unwrap();
    assert!(serde_json::from_value::<Tally>(given.aggregate).is_err());
    assert_eq!(given.current_sequence, 0);

    let repository = repository.redacted_as_null();
    let read = repository.get_events::<Tally>("a").await.unwrap();
    assert_eq!(
        (&read[0].payload, &read[0].metadata),
        (&Value::Null, &json!({}))
    );
    let known = (
        &*read[0].event_type,
        &*read[0].event_version,
        read[0].sequence,
    );
    assert_eq!(known, ("Added", "1.0", 1));
    assert_eq!(read[1], events[1]);
}
