//! A process that dies between its events and their view: the events are there, and a replay brings the view back.

use crate::common::{Add, Meeting, Place, Tally, TallyView};
use async_trait::async_trait;
use cqrs_es::persist::{GenericQuery, PersistedEventRepository, QueryReplay, ViewRepository};
use cqrs_es::{EventEnvelope, Query};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use strandline::Store;
use strandline_cqrs_es::{
    StrandlineEventRepository, StrandlineViewRepository, strandline_aggregate_cqrs,
};

const DIR: &str = "STRANDLINE_CQRS_KILLED_DIR";

type Views = StrandlineViewRepository<TallyView, Tally>;

/// Ends the process with the second command, before the view has it.
struct Dies;

#[async_trait]
impl Query<Tally> for Dies {
    async fn dispatch(&self, _: &str, events: &[EventEnvelope<Tally>]) {
        if events.iter().any(|event| event.sequence > 1) {
            std::process::abort();
        }
    }
}

#[tokio::test]
#[ignore = "it ends the process; another test runs it"]
async fn execute_until_killed() {
    let dir = std::env::var(DIR).unwrap();
    let store = Arc::new(Store::open(Path::new(&dir)).unwrap());
    let views = Arc::new(Views::open(&store, "tallies").unwrap());
    let queries: Vec<Box<dyn Query<Tally>>> =
        vec![Box::new(Dies), Box::new(GenericQuery::new(views))];
    let framework = strandline_aggregate_cqrs(&store, queries, Meeting::default());
    framework.execute("a", Add(vec![5])).await.unwrap();
    framework.execute("a", Add(vec![7, 9])).await.unwrap();
}

#[tokio::test]
async fn a_view_that_a_killed_process_left_behind_is_made_anew() {
    let place = Place::new();
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "killed::execute_until_killed", "--ignored"])
        .env(DIR, place.store_dir())
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&child.stdout);
    assert!(
        !child.status.success() && !told.contains("test result"),
        "{told}"
    );

    let store = place.open();
    let repository = StrandlineEventRepository::new(&store);
    assert_eq!(repository.get_events::<Tally>("a").await.unwrap().len(), 3);
    let views = Arc::new(Views::open(&store, "tallies").unwrap());
    let behind = views.load("a").await.unwrap().unwrap();
    assert_eq!((behind.total, behind.events), (5, 1));
    // The aggregate itself is not behind.
    let snapshot = repository
        .get_snapshot::<Tally>("a")
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (snapshot.current_sequence, &snapshot.aggregate["total"]),
        (3, &21.into())
    );

    views.clear().await.unwrap();
    let query: GenericQuery<_, TallyView, Tally> = GenericQuery::new(views.clone());
    QueryReplay::new(repository, query)
        .replay_all()
        .await
        .unwrap();
    let view = views.load("a").await.unwrap().unwrap();
    assert_eq!((view.total, view.sequences), (21, vec![1, 2, 3]));
}
