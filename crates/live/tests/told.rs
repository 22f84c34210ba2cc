//! What is told of consumers, and what people ask of them, through the public interface.

#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use strandline::fs::MemFs;
use strandline::{
    Coordinate, Event, EventKind, EventRef, ManualClock, Query, Receipt, Region, Store,
    StoreOptions,
};
use strandline_live::{ApplyError, Condition, ConsumerKind, ErrorKind, Failure, Live, Projection};

/// Only ends a test that hangs.
const LONG: Duration = Duration::from_secs(300);

const NOW: u64 = 1_700_000_000_000;

struct Bench {
    live: Live,
    clock: Arc<ManualClock>,
}

fn bench() -> Bench {
    let clock = Arc::new(ManualClock::new(NOW));
    let options = StoreOptions::new()
        .fs(Arc::new(MemFs::new()))
        .clock(clock.clone());
    let store = Arc::new(options.open("/orders.strand").unwrap());
    let live = Live::open(&store).unwrap();
    Bench { live, clock }
}

fn append(store: &Store, entity: &str) -> Receipt {
    let coordinate = Coordinate::new(entity, "eu").unwrap();
    store
        .append(&coordinate, Event::bytes(EventKind::new(1, 1), *b"x"))
        .unwrap()
}

#[test]
fn what_is_told_is_what_is_there() {
    let Bench { live, clock } = bench();
    let store = live.store().clone();
    assert_eq!(
        live.status("mailer").unwrap_err().kind(),
        ErrorKind::NotFound
    );
    append(&store, "a");
    let mailer = live
        .reactor("mailer", Region::all())
        .start(|_, _| Ok(()))
        .unwrap();
    let last = append(&store, "b");
    assert!(live.wait_until("mailer", &last, LONG).unwrap());
    let status = live.status("mailer").unwrap();
    assert_eq!((status.condition, status.behind), (Condition::CaughtUp, 0));
    assert_eq!(
        (status.kind, status.partitions.len()),
        (ConsumerKind::Reactor, 1)
    );
    assert_eq!(status.sequence, status.head);
    assert_eq!(status.partitions[0].holder.unwrap().pid, std::process::id());
    mailer.drain().unwrap();

    // Nobody works on it, and what comes waits.
    append(&store, "c");
    clock.set(NOW + 90_000);
    append(&store, "c");
    let status = live.status("mailer").unwrap();
    assert_eq!((status.condition, status.behind), (Condition::Stopped, 2));
    assert_eq!(status.behind_time, Duration::from_secs(90));
    assert_eq!(status.partitions[0].holder, None);
    assert_eq!(live.consumers().unwrap()[0].name, "mailer");

    // Another process, which knows what is saved alone.
    let other = Live::open(&store).unwrap();
    assert!(other.wait_until("mailer", &last, Duration::ZERO).unwrap());
    let next = append(&store, "d");
    let error = other.wait_until("mailer", &next, LONG).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotRunning);
    let mailer = live
        .reactor("mailer", Region::all())
        .start(|_, _| Ok(()))
        .unwrap();
    assert!(mailer.wait_until(&next, LONG).unwrap());
    mailer.stop().unwrap();
    assert!(other.wait_until("mailer", &next, Duration::ZERO).unwrap());
}

/// A wait that returned early for a shard that had never started is a fault that others had.
#[test]
fn a_wait_never_ends_early() {
    let Bench { live, .. } = bench();
    let store = live.store().clone();
    let first = append(&store, "a");
    assert_eq!(
        live.wait_until("x", &first, LONG).unwrap_err().kind(),
        ErrorKind::NotFound
    );
    let held = live.position("x").unwrap();
    assert!(!live.wait_until("x", &first, Duration::ZERO).unwrap());
    let other = Live::open(&store).unwrap();
    assert!(
        !other
            .wait_until("x", &first, Duration::from_millis(5))
            .unwrap()
    );
    drop(held);
    let error = live.wait_until("x", &first, LONG).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotRunning);
    let mut held = live.position("x").unwrap();
    let mut cursor = store.follow(Region::all(), held.start().unwrap()).unwrap();
    cursor.try_next().unwrap().unwrap();
    held.save(cursor.position().unwrap()).unwrap();
    for live in [&live, &other] {
        assert!(live.wait_until("x", &first, Duration::ZERO).unwrap());
    }
    assert_eq!(live.position("x").unwrap_err().kind(), ErrorKind::Held);
}

#[test]
fn what_has_stopped_with_an_error_says_so_at_once() {
    let Bench { live, .. } = bench();
    let store = live.store().clone();
    let park = |_: &strandline::StoredEvent, _: &strandline_live::Context<'_>| {
        Err(Failure::park("no such address"))
    };
    let mailer = live
        .reactor("mailer", Region::all())
        .parked_max(1)
        .start(park)
        .unwrap();
    append(&store, "a");
    let last = append(&store, "b");
    let never = append(&store, "c");
    let error = mailer.wait_until(&never, LONG).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Faulted);
    assert_eq!(live.status("mailer").unwrap().condition, Condition::Faulted);
    assert_eq!(mailer.stop().unwrap_err().kind(), ErrorKind::TooManyParked);
    let other = Live::open(&store).unwrap();
    let status = other.status("mailer").unwrap();
    assert_eq!((status.condition, status.parked), (Condition::Faulted, 2));
    assert!(status.last_error.unwrap().message.contains("parked"));
    assert_eq!(
        other.wait_until("mailer", &never, LONG).unwrap_err().kind(),
        ErrorKind::Faulted
    );
    assert!(other.wait_until("mailer", &last, LONG).unwrap());

    // Where nobody works it is done at once.
    assert!(other.discard("mailer", "a").unwrap().is_done().unwrap());
    assert_eq!(other.status("mailer").unwrap().parked, 1);
    assert!(other.replay("mailer", None).unwrap().is_done().unwrap());
    let mailer = live
        .reactor("mailer", Region::all())
        .start(|_, _| Ok(()))
        .unwrap();
    assert!(mailer.wait_until(&never, LONG).unwrap());
    mailer.drain().unwrap();
    let status = other.status("mailer").unwrap();
    assert_eq!(
        (status.parked, status.partitions[0].counters.replayed),
        (0, 1)
    );
    assert_eq!(status.partitions[0].counters.discarded, 1);

    // From the beginning on, while it runs.
    let mailer = live
        .reactor("mailer", Region::all())
        .start(|_, _| Ok(()))
        .unwrap();
    assert!(other.reset("mailer", None).unwrap().wait(LONG).unwrap());
    assert!(mailer.wait_until(&never, LONG).unwrap());
    mailer.drain().unwrap();
    let handled = other.status("mailer").unwrap().partitions[0]
        .counters
        .handled;
    assert_eq!(handled, 2 + 3);
}

#[test]
fn a_position_of_another_store_is_no_place_to_go_on_from() {
    let Bench { live, .. } = bench();
    let Bench { live: other, .. } = bench();
    for live in [&live, &other] {
        append(live.store(), "a");
        live.position("x").unwrap();
    }
    let now = other.store().snapshot();
    let foreign = now.position(now.visible()).unwrap();
    let error = live.reset("x", Some(foreign)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ForeignPosition);
    assert!(error.refused_position().is_some());
    other.reset("x", Some(foreign)).unwrap();
    assert_eq!(other.status("x").unwrap().behind, 0);
}

/// What was restored, or copied from elsewhere, is told before anybody starts a worker.
#[test]
fn a_position_that_the_store_does_not_take_is_told() {
    let Bench { live, .. } = bench();
    let Bench { live: other, .. } = bench();
    for live in [&live, &other] {
        append(live.store(), "a");
    }
    let now = other.store().snapshot();
    let foreign = now.position(now.visible()).unwrap();
    live.position("x").unwrap().save(foreign).unwrap();
    let status = live.status("x").unwrap();
    assert_eq!(status.condition, Condition::Faulted);
    let refused = status.partitions[0].refused.unwrap();
    assert_eq!((refused.saved, refused.rewind), (foreign, None));

    live.reset("x", None).unwrap();
    let status = live.status("x").unwrap();
    assert_eq!(status.condition, Condition::Stopped);
    assert_eq!(status.partitions[0].refused, None);
}

/// The store was opened to read only before the position was saved: it is one that it does not know yet.
#[test]
fn a_position_that_is_newer_than_what_was_read_is_no_foreign_one() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("orders.strand");
    let store = Arc::new(Store::open(&path).unwrap());
    append(&store, "a");
    let reader = StoreOptions::new().read_only().open(&path).unwrap();
    let reader = Live::open(&Arc::new(reader)).unwrap();
    append(&store, "b");
    let live = Live::open(&store).unwrap();
    let now = store.snapshot();
    let position = now.position(now.visible()).unwrap();
    live.position("x").unwrap().save(position).unwrap();
    let status = reader.status("x").unwrap();
    assert_eq!(status.condition, Condition::Stopped);
    assert_eq!(status.partitions[0].refused, None);
}

#[test]
fn consumers_are_beside_the_store_however_its_path_is_written() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("orders.strand");
    let store = Arc::new(Store::open(&path).unwrap());
    let live = Live::open(&store).unwrap();
    live.position("x").unwrap();
    let link = dir.path().join("link");
    std::os::unix::fs::symlink(&path, &link).unwrap();
    for other in [
        path.join(""),
        path.join("."),
        path.join("../orders.strand"),
        link,
    ] {
        let store = StoreOptions::new().read_only().open(&other).unwrap();
        let found = Live::open(&Arc::new(store)).unwrap();
        assert_eq!(found.dir(), live.dir(), "{}", other.display());
        assert_eq!(found.consumers().unwrap().len(), 1);
    }
}

/// One of several is damaged: the others are told all the same.
#[test]
fn consumers_that_cannot_be_read_hide_no_others() {
    let dir = tempfile::tempdir().unwrap();
    let store = Arc::new(Store::open(dir.path().join("orders.strand")).unwrap());
    let live = Live::open(&store).unwrap();
    for name in ["x", "y"] {
        live.position(name).unwrap();
    }
    let folders = store.fs().list_names(live.dir()).unwrap();
    let folder = live.dir().join(&folders[0].name);
    let file = store.fs().list_names(&folder).unwrap().into_iter();
    let mut file = file.map(|entry| entry.name);
    let file = folder.join(file.rfind(|name| name.ends_with(".ckpt")).unwrap());
    strandline::fs::replace_file(&**store.fs(), &file, b"nothing").unwrap();
    assert_eq!(live.consumers().unwrap_err().kind(), ErrorKind::Corrupt);
    let (readable, unreadable) = live.consumers_readable().unwrap();
    assert_eq!((readable.len(), unreadable.len()), (1, 1));
    assert_eq!(unreadable[0].kind(), ErrorKind::Corrupt);
}

#[test]
fn a_lease_that_has_run_out_is_told_until_it_is_renewed() {
    let Bench { live, clock } = bench();
    append(live.store(), "a");
    let mut position = live.position("x").unwrap();
    let overdue = || live.status("x").unwrap().partitions[0].overdue;
    let lease = u64::try_from(position.lease_time().as_millis()).unwrap();
    assert_eq!(overdue(), None);
    clock.set(NOW + lease - 1);
    assert_eq!(overdue(), None);
    clock.set(NOW + lease + 5_000);
    assert_eq!(overdue(), Some(Duration::from_secs(5)));
    position.beat().unwrap();
    assert_eq!(overdue(), None);
    clock.set(NOW + 2 * lease + 6_000);
    assert_eq!(overdue(), Some(Duration::from_secs(1)));
    let now = live.store().snapshot();
    position.save(now.position(now.visible()).unwrap()).unwrap();
    assert_eq!(overdue(), None);

    // What to do is told to who wants it too.
    let error = live.position("x").unwrap_err().to_string();
    assert!(error.contains("try again"), "{error}");
    clock.set(NOW + 9 * lease);
    assert!(overdue().is_some());
    drop(position);
    assert_eq!(overdue(), None, "nobody holds it");
}

struct Count;

impl Projection for Count {
    const VERSION: u32 = 1;
    type State = u64;

    fn query(&self) -> Query {
        Region::all().into()
    }

    fn apply(&self, count: &mut u64, _: &EventRef<'_>) -> Result<(), ApplyError> {
        *count += 1;
        Ok(())
    }
}

#[test]
fn what_runs_in_this_process_is_told_as_of_now_though_it_is_not_saved() {
    let Bench { live, .. } = bench();
    let store = live.store().clone();
    let other = Live::open(&store).unwrap();
    let is_mended = Arc::new(AtomicBool::new(false));
    let mended = is_mended.clone();
    let mailer = live
        .reactor("mailer", Region::all())
        .save_every(LONG, u64::MAX)
        .start(move |event, _| match event.coordinate.entity() {
            "bad" if !mended.load(Ordering::Relaxed) => Err(Failure::park("wrong")),
            _ => Ok(()),
        })
        .unwrap();
    append(&store, "bad");
    append(&store, "bad");
    let last = append(&store, "good");
    assert!(mailer.wait_until(&last, LONG).unwrap());
    let status = live.status("mailer").unwrap();
    let partition = &status.partitions[0];
    assert_eq!(status.parked, 1);
    assert_eq!(
        (&*partition.parked[0].key, partition.parked[0].count),
        ("bad", 2)
    );
    assert_eq!(
        (partition.counters.handled, partition.counters.failed),
        (1, 1)
    );
    assert_eq!(status.last_error.unwrap().message, "wrong");
    assert_eq!(other.status("mailer").unwrap().parked, 0, "not saved");

    is_mended.store(true, Ordering::Relaxed);
    assert!(live.replay("mailer", None).unwrap().wait(LONG).unwrap());
    mailer.drain().unwrap();
    assert_eq!(live.status("mailer").unwrap().parked, 0);

    let counts = live.projection("counts", Count).save_every(LONG, u64::MAX);
    let counts = counts.start().unwrap();
    assert!(counts.wait_until(&last, LONG).unwrap());
    let counted = |live: &Live| {
        live.status("counts").unwrap().partitions[0]
            .counters
            .handled
    };
    assert_eq!((counted(&live), counted(&other)), (3, 0));
}
