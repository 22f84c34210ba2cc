//! Power cuts and failing operations at each step of commands with snapshots and views, on a simulated disk.

use crate::common::{Add, Meeting, Tally, TallyEvent, TallyView};
use cqrs_es::persist::{
    GenericQuery, PersistedEventRepository, PersistedEventStore, PersistenceError, ViewRepository,
};
use cqrs_es::{Aggregate, EventStore, Query};
use std::sync::{Arc, Mutex};
use strandline::fs::{Fill, Fs, Keep, Loss, SimDisk, SimFault, SimFaultKind, SimFs};
use strandline::{Store, StoreOptions};
use strandline_cqrs_es::{
    StrandlineEventRepository, StrandlineViewRepository, strandline_aggregate_cqrs,
};

type Views = StrandlineViewRepository<TallyView, Tally>;

const COMMANDS: u64 = 4;

fn open(fs: &SimFs) -> Arc<Store> {
    let fs: Arc<dyn Fs> = Arc::new(fs.clone());
    let options = StoreOptions::new().fs(fs).no_background_sync();
    let options = options.segment_bytes_max(64 << 10);
    Arc::new(options.open("/tallies.strand").unwrap())
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    runtime.unwrap().block_on(future)
}

/// Commands of two events each; how many steps there were when each was acknowledged, and what went wrong with views.
async fn run(fs: &SimFs, store: &Arc<Store>) -> (Vec<Option<usize>>, Vec<PersistenceError>) {
    let errors = Arc::new(Mutex::new(Vec::new()));
    let mut queries: Vec<Box<dyn Query<Tally>>> = Vec::new();
    match Views::open(store, "tallies") {
        Ok(views) => {
            let mut query = GenericQuery::new(Arc::new(views));
            let errors = errors.clone();
            query.use_error_handler(Box::new(move |error| errors.lock().unwrap().push(error)));
            queries.push(Box::new(query));
        }
        Err(error) => errors.lock().unwrap().push(error),
    }
    let framework = strandline_aggregate_cqrs(store, queries, Meeting::default());
    let mut acknowledged = Vec::new();
    for number in 0..COMMANDS {
        let done = framework.execute("a", Add(vec![1, 1 << number])).await;
        acknowledged.push(done.is_ok().then(|| fs.steps_count()));
    }
    drop(framework);
    let errors = std::mem::take(&mut *errors.lock().unwrap());
    (acknowledged, errors)
}

/// The state after the first events.
fn folded(events: &[TallyEvent]) -> Tally {
    let mut tally = Tally::default();
    events.iter().cloned().for_each(|event| tally.apply(event));
    tally
}

/// Whatever there is of the events, every state is that of them; how many events the view has, if it has any.
async fn check(store: &Arc<Store>, what: &str) -> (usize, usize) {
    let repository = || StrandlineEventRepository::new(store);
    let serialized = repository().get_events::<Tally>("a").await.unwrap();
    let events = serialized.into_iter().map(|event| event.payload);
    let events: Vec<TallyEvent> = events
        .map(|payload| serde_json::from_value(payload).unwrap())
        .collect();
    assert_eq!(events.len() % 2, 0, "{what}: half a command");
    for loads in [
        PersistedEventStore::<_, Tally>::new_event_store(repository()),
        PersistedEventStore::new_aggregate_store(repository()),
        PersistedEventStore::new_snapshot_store(repository(), 3),
    ] {
        let context = loads.load_aggregate("a").await.unwrap();
        assert_eq!(context.aggregate, folded(&events), "{what}");
        assert_eq!(context.current_sequence, events.len(), "{what}");
    }
    let views = Views::open(store, "tallies").unwrap();
    let view = views.load("a").await;
    let view = view.unwrap_or_else(|error| panic!("{what}: {error}"));
    (events.len(), view.map_or(0, |view| view.sequences.len()))
}

/// Goes on where it is.
async fn go_on(store: &Arc<Store>, what: &str) {
    let (before, _) = check(store, what).await;
    let framework = strandline_aggregate_cqrs::<Tally>(store, Vec::new(), Meeting::default());
    framework.execute("a", Add(vec![1, 1])).await.unwrap();
    drop(framework);
    assert_eq!(check(store, what).await.0, before + 2, "{what}");
}

#[test]
fn a_power_cut_at_each_step_loses_nothing_that_was_acknowledged() {
    let fs = SimFs::new(SimDisk::new());
    drop(open(&fs));
    drop(fs.take_steps());
    let mut disk = fs.disk();
    let store = open(&fs);
    let (acknowledged, errors) = block_on(run(&fs, &store));
    assert!(errors.is_empty(), "{errors:?}");
    let steps = fs.take_steps();
    drop(store);
    assert!(steps.len() > 40, "{}", steps.len());
    for (at, step) in steps.iter().enumerate() {
        for (seed, keep) in (0..).zip([Keep::None, Keep::Any, Keep::Any, Keep::All]) {
            let mut cut = disk.clone();
            if seed > 0 {
                cut.apply_partly(step, seed);
            }
            let fill = Fill::Old;
            let fs = SimFs::new(cut.crash(&Loss { keep, fill, seed }));
            let what = format!("step {at} of {}: {step:?}, {keep:?} {seed}", steps.len());
            let store = open(&fs);
            let (events, in_view) = block_on(check(&store, &what));
            let acknowledged = acknowledged.iter().flatten();
            let acknowledged = acknowledged.filter(|steps| **steps <= at).count();
            assert!(events >= 2 * acknowledged, "{what}: {events} events");
            // `execute` returns after the view was updated.
            assert!(in_view >= 2 * acknowledged, "{what}: {in_view} in the view");
            assert!(in_view <= events, "{what}: a view of events that are gone");
            block_on(go_on(&store, &what));
        }
        disk.apply(step);
    }
}

#[test]
fn whatever_fails_once_is_told_and_leaves_states_that_are_right() {
    for after in 0.. {
        let fs = SimFs::new(SimDisk::new());
        let store = open(&fs);
        fs.fail(SimFault {
            operation: None,
            after,
            times: 1,
            kind: SimFaultKind::Error(std::io::ErrorKind::Other),
        });
        let (acknowledged, errors) = block_on(run(&fs, &store));
        let is_met = fs.first_fault_was_met();
        fs.heal();
        let what = format!("failure {after}: {acknowledged:?} {errors:?}");
        let next = fs.next_process();
        drop(store);
        let store = open(&next);
        let (events, in_view) = block_on(check(&store, &what));
        let acknowledged = acknowledged.iter().flatten().count();
        assert!(events >= 2 * acknowledged, "{what}: {events} events");
        if errors.is_empty() && acknowledged == 4 {
            assert_eq!(in_view, events, "{what}: nobody was told");
        }
        block_on(go_on(&store, &what));
        if !is_met {
            assert!(after > 40, "{after} operations");
            return;
        }
    }
}
