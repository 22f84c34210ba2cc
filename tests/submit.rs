//! Submitting: tickets that threads wait for and tasks await, how many, and what they are told.

use crate::harness::{HeldFs, at, event, open, open_faulty, texts};
use std::io::ErrorKind as Io;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;
use strandline::fs::{Fault, FaultFs, MemFs, Operation};
use strandline::{
    AppendOptions, Batch, Durability, ErrorKind, EventId, ExpectedVersion, Store, StoreOptions,
};

struct Unpark(std::thread::Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Runs a future on this thread, without any runtime.
fn block_on<F: Future>(future: F) -> F::Output {
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(output) => return output,
            Poll::Pending => std::thread::park(),
        }
    }
}

fn held(fs: &HeldFs, in_flight_max: usize) -> Store {
    let options = StoreOptions::new().fs(Arc::new(fs.clone()));
    options.in_flight_max(in_flight_max).open("/store").unwrap()
}

#[test]
fn what_is_submitted_is_durable_and_visible_when_its_ticket_is_ready() {
    let store = open(&MemFs::new());
    let a = at("a", "s");
    let tickets: Vec<_> = (0..100)
        .map(|number: u32| store.submit(&a, event(&number.to_string())).unwrap())
        .collect();
    for (clock, ticket) in (0..).zip(tickets) {
        let receipt = if clock % 2 == 0 {
            ticket.wait().unwrap()
        } else {
            block_on(ticket).unwrap()
        };
        assert_eq!(receipt.clock, clock);
        assert!(receipt.durable);
        assert!(store.snapshot().get(receipt.id).unwrap().is_some());
        store.snapshot().verify_receipt(&receipt).unwrap();
    }
    let batch = Batch::new().push(&a, event("x")).push(&a, event("y"));
    let receipts = block_on(store.submit_batch(batch).unwrap()).unwrap();
    assert_eq!(receipts.len(), 2);
    assert!(receipts.iter().all(|receipt| receipt.durable));
    assert!(store.verify().unwrap().is_intact());
}

#[test]
fn one_sync_serves_all_that_are_in_flight() {
    let held = HeldFs::default();
    let fs = FaultFs::new(Arc::new(held.clone()));
    let store = open_faulty(&fs);
    let a = at("a", "s");
    store.append(&a, event("first")).unwrap();
    let before = fs.calls(Operation::Sync);
    for _ in 0..20 {
        held.hold();
        let tickets: Vec<_> = (0..64)
            .map(|_| store.submit(&a, event("x")).unwrap())
            .collect();
        held.release();
        for ticket in tickets {
            ticket.wait().unwrap();
        }
    }
    let syncs = fs.calls(Operation::Sync) - before;
    assert!(
        syncs <= 20 * 2,
        "{syncs} syncs: one under way, then one for all the others"
    );
}

#[test]
fn nothing_is_visible_before_its_sync_and_everything_awaited_is_woken_by_it() {
    let fs = HeldFs::default();
    let store = held(&fs, 1024);
    let a = at("a", "s");
    fs.hold();
    let mut awaited = Box::pin(store.submit(&a, event("1")).unwrap());
    let dropped = store.submit(&a, event("2")).unwrap();
    let last = store.submit(&a, event("3")).unwrap();
    let unpark = Arc::new(Unpark(std::thread::current()));
    let waker = Waker::from(unpark.clone());
    let mut context = Context::from_waker(&waker);
    assert!(awaited.as_mut().poll(&mut context).is_pending());
    assert!(awaited.as_mut().poll(&mut context).is_pending());
    let mut abandoned = Box::pin(dropped);
    assert!(abandoned.as_mut().poll(&mut context).is_pending());
    drop(abandoned);
    assert!(store.snapshot().is_empty());
    let stats = store.stats().unwrap();
    assert_eq!(
        (stats.in_flight, stats.durable_lag, stats.visible_lag),
        (3, 3, 3)
    );
    assert_eq!(
        Arc::strong_count(&unpark),
        3,
        "one waker for each task that waits"
    );
    fs.release();
    let receipt = block_on(awaited).unwrap();
    assert!(receipt.durable);
    last.wait().unwrap();
    assert_eq!(
        texts(&store),
        ["1", "2", "3"],
        "a dropped ticket takes nothing back"
    );
    let stats = store.stats().unwrap();
    assert_eq!(
        (stats.in_flight, stats.durable_lag, stats.visible_lag),
        (0, 0, 0)
    );
}

#[test]
fn too_many_in_flight_wait_or_are_refused() {
    let fs = HeldFs::default();
    let store = held(&fs, 2);
    let a = at("a", "s");
    fs.hold();
    let tickets = ["1", "2"].map(|text| store.submit(&a, event(text)).unwrap());
    let error = store.try_submit(&a, event("refused")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Busy);
    assert!(
        error.to_string().starts_with("2 submitted appends"),
        "{error}"
    );
    std::thread::scope(|scope| {
        let third = scope.spawn(|| store.submit(&a, event("3")).unwrap().wait().unwrap());
        std::thread::sleep(Duration::from_millis(50));
        assert!(!third.is_finished(), "there is no room");
        assert_eq!(store.stats().unwrap().in_flight, 2);
        fs.release();
        assert_eq!(third.join().unwrap().clock, 2);
    });
    for ticket in tickets {
        ticket.wait().unwrap();
    }
    store.try_submit(&a, event("4")).unwrap().wait().unwrap();
    assert_eq!(texts(&store), ["1", "2", "3", "4"]);
}

fn fail_next_sync(fs: &FaultFs) {
    fs.fail(
        Operation::Sync,
        Fault {
            after: 0,
            times: 1,
            error: Io::Other,
            partial_bytes: 0,
        },
    );
}

#[test]
fn a_failed_sync_is_told_to_every_ticket() {
    let fs = FaultFs::new(Arc::new(MemFs::new()));
    let store = open_faulty(&fs);
    let a = at("a", "s");
    store.append(&a, event("kept")).unwrap();
    fail_next_sync(&fs);
    let (mut waited, mut awaited) = (Vec::new(), Vec::new());
    // The driver syncs at once, so that later ones may be refused already.
    for number in 0..10 {
        match store.submit(&a, event("lost")) {
            Ok(ticket) if number % 2 == 0 => waited.push(ticket),
            Ok(ticket) => awaited.push(ticket),
            Err(error) => assert_eq!(error.kind(), ErrorKind::Poisoned),
        }
    }
    assert!(!waited.is_empty());
    let waited = waited.into_iter().map(|ticket| ticket.wait());
    let awaited = awaited.into_iter().map(block_on);
    for outcome in waited.chain(awaited) {
        let error = outcome.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unknown);
        assert_eq!(error.ids().len(), 1);
    }
    assert_eq!(texts(&store), ["kept"]);
}

#[test]
fn a_refusal_waits_for_what_decided_it() {
    let fs = HeldFs::default();
    let store = held(&fs, 1024);
    let a = at("a", "s");
    let id = EventId::from_u128(1);
    fs.hold();
    let first = store.submit(&a, event("x").with_id(id)).unwrap();
    let refused = event("y").expecting(ExpectedVersion::NoStream);
    let refused = store.submit(&a, refused).unwrap();
    let repeat = store.submit(&a, event("x").with_id(id)).unwrap();
    fs.release();
    let error = refused.wait().unwrap_err();
    assert_eq!(error.version_conflict().unwrap().actual, Some(0));
    assert_eq!(store.snapshot().len(), 1, "who reads again sees why");
    let (first, repeat) = (first.wait().unwrap(), repeat.wait().unwrap());
    assert!(repeat.repeated && repeat.durable);
    assert_eq!(repeat.sequence, first.sequence);
    let invalid = store.submit(&a, event("z").with_version(0)).unwrap_err();
    assert_eq!(invalid.kind(), ErrorKind::InvalidInput, "told at once");
}

#[test]
fn a_written_submit_is_ready_at_once() {
    let fs = HeldFs::default();
    let store = held(&fs, 1);
    fs.hold();
    let lazy = AppendOptions::new().durability(Durability::Written);
    for _ in 0..3 {
        let ticket = store.submit_with(&at("a", "s"), event("x"), lazy).unwrap();
        assert!(!block_on(ticket).unwrap().durable);
    }
    fs.release();
}

#[test]
fn tickets_outlive_the_store_and_do_not_keep_it_open() {
    let fs = MemFs::new();
    let store = open(&fs);
    let a = at("a", "s");
    let tickets = ["1", "2", "3"].map(|text| store.submit(&a, event(text)).unwrap());
    drop(store);
    let reopened = open(&fs);
    assert_eq!(texts(&reopened), ["1", "2", "3"]);
    for ticket in tickets {
        assert!(block_on(ticket).unwrap().durable);
    }
}

#[test]
fn threads_and_tasks_share_one_store() {
    let dir = tempfile::tempdir().unwrap();
    let store = StoreOptions::new()
        .in_flight_max(8)
        .open(dir.path())
        .unwrap();
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let store = &store;
            scope.spawn(move || {
                let coordinate = at(&format!("thread:{thread}"), "s");
                for clock in 0..25 {
                    let receipt = match thread {
                        0 => store.append(&coordinate, event("x")).unwrap(),
                        1 => store
                            .submit(&coordinate, event("x"))
                            .unwrap()
                            .wait()
                            .unwrap(),
                        _ => block_on(store.submit(&coordinate, event("x")).unwrap()).unwrap(),
                    };
                    assert_eq!(receipt.clock, clock);
                    assert!(receipt.durable);
                }
            });
        }
    });
    assert_eq!(store.snapshot().len(), 100);
    assert!(store.verify().unwrap().is_intact());
}

#[test]
fn a_task_that_finds_no_room_waits_for_it() {
    let fs = HeldFs::default();
    let store = held(&fs, 2);
    let a = at("a", "s");
    fs.hold();
    let tickets = ["1", "2"].map(|text| block_on(store.submit_async(&a, event(text))).unwrap());
    let batch = Batch::new().push(&a, event("3")).push(&a, event("4"));
    let mut waits = Box::pin(store.submit_batch_async(batch));
    let mut abandoned = Box::pin(store.submit_async(&a, event("never")));
    let unpark = Arc::new(Unpark(std::thread::current()));
    let waker = Waker::from(unpark.clone());
    let mut context = Context::from_waker(&waker);
    assert!(waits.as_mut().poll(&mut context).is_pending());
    assert!(waits.as_mut().poll(&mut context).is_pending());
    assert!(abandoned.as_mut().poll(&mut context).is_pending());
    assert_eq!(Arc::strong_count(&unpark), 4, "one waker for each task");
    drop(abandoned);
    assert_eq!(Arc::strong_count(&unpark), 3, "none for one that is gone");
    assert_eq!(store.stats().unwrap().in_flight, 2);
    fs.release();
    let receipts = block_on(async { waits.await.unwrap().await.unwrap() });
    assert!(receipts.iter().all(|receipt| receipt.durable));
    for ticket in tickets {
        assert!(block_on(ticket).unwrap().durable);
    }
    assert_eq!(texts(&store), ["1", "2", "3", "4"]);
}

#[test]
fn a_task_that_waits_for_room_is_told_that_writing_has_stopped() {
    let faulty = FaultFs::new(Arc::new(MemFs::new()));
    let store = StoreOptions::new()
        .fs(Arc::new(faulty.clone()))
        .in_flight_max(1)
        .open("/store")
        .unwrap();
    let a = at("a", "s");
    store.append(&a, event("kept")).unwrap();
    fail_next_sync(&faulty);
    let outcomes = [1, 2].map(|_| block_on(store.submit_async(&a, event("lost"))).map(block_on));
    let [first, second] = outcomes;
    assert_eq!(first.unwrap().unwrap_err().kind(), ErrorKind::Unknown);
    assert_eq!(second.unwrap_err().kind(), ErrorKind::Poisoned);
    assert_eq!(texts(&store), ["kept"]);
}

#[test]
fn an_invalid_submit_is_told_by_its_future_and_a_dropped_one_writes_nothing() {
    let store = open(&MemFs::new());
    let a = at("a", "s");
    drop(store.submit_async(&a, event("never polled")));
    let error = block_on(store.submit_async(&a, event("x").with_version(0))).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert!(store.snapshot().is_empty());
}

#[test]
fn many_tasks_share_little_room() {
    const TASKS: usize = 8;
    const EVENTS: usize = 30;
    let dir = tempfile::tempdir().unwrap();
    let store = StoreOptions::new()
        .in_flight_max(3)
        .open(dir.path())
        .unwrap();
    std::thread::scope(|scope| {
        for task in 0..TASKS {
            let store = &store;
            scope.spawn(move || {
                let coordinate = at(&format!("task:{task}"), "s");
                block_on(async {
                    let mut tickets = Vec::new();
                    for _ in 0..EVENTS {
                        tickets.push(store.submit_async(&coordinate, event("x")).await.unwrap());
                        assert!(store.stats().unwrap().in_flight <= 3);
                    }
                    for (clock, ticket) in (0..).zip(tickets) {
                        let receipt = ticket.await.unwrap();
                        assert_eq!((receipt.clock, receipt.durable), (clock, true));
                    }
                });
            });
        }
    });
    assert_eq!(store.snapshot().len(), (TASKS * EVENTS) as u64);
    assert!(store.verify().unwrap().is_intact());
}

/// A repeat took a place among those in flight until everything that was submitted before it was durable,
/// though its own event was durable long since.
#[test]
fn a_repeat_is_in_flight_as_long_as_its_event() {
    let fs = HeldFs::default();
    let store = held(&fs, 3);
    let given = |number: u128| event("x").with_id(EventId::from_u128(number));
    store.append(&at("e", "s"), given(1)).unwrap();
    fs.hold();
    let first = store.try_submit(&at("e", "s"), given(2)).unwrap();
    let again = store.try_submit(&at("e", "s"), given(2));
    let repeats: Vec<_> = (0..10)
        .map(|_| store.try_submit(&at("e", "s"), given(1)))
        .collect();
    let in_flight = store.stats().unwrap().in_flight;
    fs.release();
    for repeat in repeats.into_iter().chain([again]) {
        assert!(repeat.unwrap().wait().unwrap().repeated);
    }
    assert!(!first.wait().unwrap().repeated);
    assert_eq!(in_flight, 2);
    assert_eq!(store.stats().unwrap().in_flight, 0);
}
