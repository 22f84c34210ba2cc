//! Waiting for events that are not there yet: who is woken, by what, and with which answer.

use crate::harness::{DIR, HeldFs, at, event, open, open_faulty, options};
use crate::hostile_callers::{block_on, bounded, held, waker};
use std::io::ErrorKind as Io;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Barrier};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::Duration;
use strandline::fs::{Fault, FaultFs, MemFs, Operation};
use strandline::{AppendOptions, Batch, Durability, Error, ErrorKind, Passed, Sequence, Store};

pub(crate) const EVER: Duration = Duration::MAX;
pub(crate) const AT_ONCE: Duration = Duration::ZERO;

pub(crate) fn sequence(number: u64) -> Sequence {
    Sequence::new(number)
}

fn written() -> AppendOptions<'static> {
    AppendOptions::new().durability(Durability::Written)
}

/// A task that says when it is woken.
pub(crate) struct Task {
    passed: Pin<Box<Passed>>,
    waker: Waker,
    pub(crate) woken: Receiver<()>,
}

impl Task {
    /// Polls once, while there is something to wait for.
    pub(crate) fn waits(passed: Passed) -> Self {
        let (wake, woken) = channel();
        let mut task = Self {
            passed: Box::pin(passed),
            waker: waker(move || wake.send(()).unwrap_or_default()),
            woken,
        };
        assert!(task.poll().is_pending());
        task
    }

    fn poll(&mut self) -> Poll<Result<Sequence, Error>> {
        self.passed
            .as_mut()
            .poll(&mut Context::from_waker(&self.waker))
    }

    /// What it gives once it is woken, as often as it takes.
    pub(crate) fn ready(mut self) -> Result<Sequence, Error> {
        loop {
            self.woken.recv().unwrap();
            if let Poll::Ready(outcome) = self.poll() {
                return outcome;
            }
        }
    }
}

/// What makes an event visible and durable.
type Publish = fn(&Store);

const WAYS: [(&str, Publish); 8] = [
    ("a synced append", |store| {
        store.append(&at("a", "s"), event("")).map(drop).unwrap();
    }),
    ("a written append, and a sync", |store| {
        store
            .append_with(&at("a", "s"), event(""), written())
            .unwrap();
        store.sync().unwrap();
    }),
    ("a batch", |store| {
        let batch = Batch::new()
            .push(&at("a", "s"), event(""))
            .push(&at("b", "s"), event(""));
        store.append_batch(batch).map(drop).unwrap();
    }),
    ("a submit whose ticket is waited for", |store| {
        store
            .submit(&at("a", "s"), event(""))
            .unwrap()
            .wait()
            .map(drop)
            .unwrap();
    }),
    ("a submit that nobody waits for", |store| {
        drop(store.submit(&at("a", "s"), event("")).unwrap());
    }),
    ("a submit of a task", |store| {
        drop(block_on(store.submit_async(&at("a", "s"), event(""))).unwrap());
    }),
    (
        "a written append, and the sync of the background",
        |store| {
            store
                .append_with(&at("a", "s"), event(""), written())
                .map(drop)
                .unwrap();
        },
    ),
    ("a written append, and a checkpoint", |store| {
        store
            .append_with(&at("a", "s"), event(""), written())
            .unwrap();
        store.checkpoint().map(drop).unwrap();
    }),
];

#[test]
fn each_way_of_publishing_wakes_threads_and_tasks() {
    for (way, publish) in WAYS {
        bounded(move || {
            let store = options(&MemFs::new()).sync_interval(Duration::from_millis(1));
            let store = &store.open(DIR).unwrap();
            let (visible, durable) = (
                Task::waits(store.visible_past(sequence(0))),
                Task::waits(store.durable_past(sequence(0))),
            );
            let far = Task::waits(store.visible_past(sequence(2)));
            thread::scope(|scope| {
                let threads = [
                    scope.spawn(|| store.wait_visible_past(sequence(0), EVER)),
                    scope.spawn(|| store.wait_durable_past(sequence(0), EVER)),
                ];
                publish(store);
                for thread in threads {
                    assert!(thread.join().unwrap().unwrap(), "{way}");
                }
            });
            assert!(visible.ready().unwrap() > Sequence::ZERO, "{way}");
            assert!(durable.ready().unwrap() > Sequence::ZERO, "{way}");
            assert!(!store.snapshot().is_empty(), "{way}");
            assert!(
                far.woken.try_recv().is_err(),
                "{way}: nobody publishes that"
            );
        });
    }
}

#[test]
fn what_is_written_is_visible_and_not_durable_before_its_sync() {
    bounded(|| {
        let fs = HeldFs::default();
        let store = held(&fs);
        fs.hold();
        let (visible, mut durable) = (
            Task::waits(store.visible_past(sequence(0))),
            Task::waits(store.durable_past(sequence(0))),
        );
        store
            .append_with(&at("a", "s"), event(""), written())
            .unwrap();
        assert_eq!(visible.ready().unwrap(), sequence(1));
        assert!(store.wait_visible_past(sequence(0), AT_ONCE).unwrap());
        assert!(!store.wait_durable_past(sequence(0), AT_ONCE).unwrap());
        assert!(durable.poll().is_pending());
        fs.release();
        store.sync().unwrap();
        assert_eq!(durable.ready().unwrap(), sequence(1));
    });
}

#[test]
fn what_is_passed_already_is_not_waited_for() {
    let store = open(&MemFs::new());
    let batch = (0..3).fold(Batch::new(), |batch, _| {
        batch.push(&at("a", "s"), event(""))
    });
    store.append_batch(batch).unwrap();
    for number in 0..3 {
        for timeout in [AT_ONCE, EVER] {
            assert!(store.wait_visible_past(sequence(number), timeout).unwrap());
            assert!(store.wait_durable_past(sequence(number), timeout).unwrap());
        }
        assert_eq!(
            block_on(store.visible_past(sequence(number))).unwrap(),
            sequence(3)
        );
        assert_eq!(
            block_on(store.durable_past(sequence(number))).unwrap(),
            sequence(3)
        );
    }
}

#[test]
fn a_wait_ends_with_its_timeout() {
    let store = open(&MemFs::new());
    store.append(&at("a", "s"), event("")).unwrap();
    for number in [1, 2, 1 << 63, u64::MAX - 1, u64::MAX] {
        for timeout in [AT_ONCE, Duration::from_nanos(1), Duration::from_millis(2)] {
            assert!(!store.wait_visible_past(sequence(number), timeout).unwrap());
            assert!(!store.wait_durable_past(sequence(number), timeout).unwrap());
        }
    }
}

#[test]
fn sequences_that_are_never_given_are_waited_for_until_the_end() {
    bounded(|| {
        let store = open(&MemFs::new());
        let numbers = [1 << 40, 1 << 63, u64::MAX - 1, u64::MAX];
        let tasks = numbers.map(|number| {
            let number = sequence(number);
            [store.visible_past(number), store.durable_past(number)].map(Task::waits)
        });
        store.append(&at("a", "s"), event("")).unwrap();
        for task in tasks.as_flattened() {
            assert!(task.woken.try_recv().is_err());
        }
        store.close().unwrap();
        for task in tasks.into_iter().flatten() {
            assert_eq!(task.ready().unwrap_err().kind(), ErrorKind::Closed);
        }
    });
}

#[test]
fn each_is_woken_by_the_event_that_it_waits_for() {
    bounded(|| {
        let store = open(&MemFs::new());
        let mut tasks: Vec<_> = (0..100)
            .map(|number| Task::waits(store.visible_past(sequence(number))))
            .collect();
        // In no order.
        tasks.rotate_left(37);
        for number in 0..50 {
            store.append(&at("a", "s"), event("")).unwrap();
            let at = (number + 63) % 100;
            tasks[at].woken.recv().unwrap();
            match tasks[at].poll() {
                Poll::Ready(passed) => assert_eq!(passed.unwrap(), sequence(number as u64 + 1)),
                Poll::Pending => panic!("event {number} is visible"),
            }
        }
        let more = tasks.iter().filter(|task| task.woken.try_recv().is_ok());
        assert_eq!(more.count(), 0, "nobody is woken for nothing, or twice");
    });
}

/// A waker that counts how many there are of it.
struct Counted(Arc<AtomicUsize>);

impl std::task::Wake for Counted {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn a_future_that_is_dropped_leaves_nothing() {
    let store = open(&MemFs::new());
    let counted = Arc::new(Counted(Arc::default()));
    let waker = Waker::from(counted.clone());
    let mut context = Context::from_waker(&waker);
    let mut waits: Vec<_> = (0..1000)
        .map(|number| Box::pin(store.visible_past(sequence(number / 2))))
        .collect();
    for wait in &mut waits {
        assert!(wait.as_mut().poll(&mut context).is_pending());
        assert!(wait.as_mut().poll(&mut context).is_pending());
    }
    assert_eq!(
        Arc::strong_count(&counted),
        1002,
        "one of each, whatever it was polled"
    );
    waits.truncate(500);
    assert_eq!(Arc::strong_count(&counted), 502);
    drop(waits);
    assert_eq!(Arc::strong_count(&counted), 2);
    store.append(&at("a", "s"), event("")).unwrap();
    store.close().unwrap();
    assert_eq!(counted.0.load(Ordering::Relaxed), 0, "nobody is woken");
}

#[test]
fn everyone_is_told_that_writing_stopped() {
    bounded(|| {
        let fs = FaultFs::new(Arc::new(MemFs::new()));
        let store = &open_faulty(&fs);
        store.append(&at("a", "s"), event("kept")).unwrap();
        let waits = || {
            [
                store.visible_past(sequence(1)),
                store.durable_past(sequence(1)),
            ]
        };
        let tasks = waits().map(Task::waits);
        let fault = Fault {
            after: 0,
            times: 1,
            error: Io::Other,
            partial_bytes: 0,
        };
        fs.fail(Operation::Sync, fault);
        thread::scope(|scope| {
            let threads: Vec<_> = (0..8)
                .map(|number| {
                    scope.spawn(move || match number % 2 {
                        0 => store.wait_visible_past(sequence(1), EVER),
                        _ => store.wait_durable_past(sequence(1), EVER),
                    })
                })
                .collect();
            store.append(&at("a", "s"), event("lost")).unwrap_err();
            for thread in threads {
                let error = thread.join().unwrap().unwrap_err();
                assert_eq!(error.kind(), ErrorKind::Poisoned, "{error}");
            }
        });
        for task in tasks {
            assert_eq!(task.ready().unwrap_err().kind(), ErrorKind::Poisoned);
        }
        for wait in waits() {
            assert_eq!(block_on(wait).unwrap_err().kind(), ErrorKind::Poisoned);
        }
        assert!(
            store.wait_visible_past(sequence(0), EVER).unwrap(),
            "that is there"
        );
        assert!(store.wait_durable_past(sequence(0), EVER).unwrap());
        assert_eq!(
            block_on(store.visible_past(sequence(0))).unwrap(),
            sequence(1)
        );
    });
}

#[test]
fn who_waits_for_a_store_that_ends_is_told() {
    for closes in [true, false] {
        bounded(move || {
            let store = options(&MemFs::new())
                .no_background_sync()
                .open(DIR)
                .unwrap();
            let unpolled = store.visible_past(sequence(1));
            let given = Task::waits(store.visible_past(sequence(0)));
            let made_durable = Task::waits(store.durable_past(sequence(0)));
            let never = Task::waits(store.durable_past(sequence(1)));
            store
                .append_with(&at("a", "s"), event(""), written())
                .unwrap();
            let awaited = thread::spawn(move || given.ready());
            if closes {
                store.close().unwrap();
                assert_eq!(made_durable.ready().unwrap(), sequence(1));
            } else {
                drop(store);
                assert_eq!(made_durable.ready().unwrap_err().kind(), ErrorKind::Closed);
            }
            assert_eq!(awaited.join().unwrap().unwrap(), sequence(1));
            assert_eq!(never.ready().unwrap_err().kind(), ErrorKind::Closed);
            assert_eq!(block_on(unpolled).unwrap_err().kind(), ErrorKind::Closed);
        });
    }
}

#[test]
fn a_future_does_not_keep_the_store_open() {
    let fs = MemFs::new();
    let store = open(&fs);
    let (one, other) = (
        store.visible_past(sequence(0)),
        store.durable_past(sequence(0)),
    );
    drop(store);
    // Another holder may write.
    let store = open(&fs);
    store.append(&at("a", "s"), event("")).unwrap();
    for wait in [one, other] {
        assert_eq!(block_on(wait).unwrap_err().kind(), ErrorKind::Closed);
    }
}

#[test]
fn code_of_a_waker_may_call_the_store() {
    bounded(|| {
        let store = Arc::new(open(&MemFs::new()));
        let (ended, end) = channel();
        let inner = store.clone();
        let waker = waker(move || {
            let receipt = inner.append(&at("b", "s"), event("from a waker")).unwrap();
            assert!(inner.wait_visible_past(receipt.sequence, AT_ONCE).unwrap());
            ended.send(receipt.sequence).unwrap();
        });
        let mut wait = Box::pin(store.visible_past(sequence(0)));
        let polled = wait.as_mut().poll(&mut Context::from_waker(&waker));
        assert!(polled.is_pending());
        store
            .append_with(&at("a", "s"), event(""), written())
            .unwrap();
        assert_eq!(end.recv().unwrap(), sequence(1));
        assert!(
            wait.as_mut()
                .poll(&mut Context::from_waker(&waker))
                .is_ready()
        );
    });
}

#[test]
fn a_waker_that_panics_keeps_nobody_from_being_woken() {
    bounded(|| {
        let store = open(&MemFs::new());
        let waker = waker(|| panic!("a hostile waker"));
        let mut hostile = Box::pin(store.visible_past(sequence(0)));
        let polled = hostile.as_mut().poll(&mut Context::from_waker(&waker));
        assert!(polled.is_pending());
        let task = Task::waits(store.visible_past(sequence(0)));
        store.append(&at("a", "s"), event("")).unwrap();
        assert_eq!(task.ready().unwrap(), sequence(1));
        assert_eq!(store.stats().unwrap().panics_caught, 1);
    });
}

/// Many threads each go through all events in order while others append them in every way.
#[test]
fn threads_that_go_from_event_to_event_miss_none() {
    const EVENTS: u64 = 600;
    bounded(|| {
        let options = options(&MemFs::new()).sync_interval(Duration::from_millis(1));
        let store = &options.open(DIR).unwrap();
        let begin = &Barrier::new(9);
        thread::scope(|scope| {
            for reader in 0..6 {
                scope.spawn(move || {
                    begin.wait();
                    let mut next = 0;
                    while next < EVENTS {
                        let at = sequence(next);
                        next = match reader % 3 {
                            0 => block_on(store.visible_past(at)).unwrap().get(),
                            1 => block_on(store.durable_past(at)).unwrap().get(),
                            _ => {
                                assert!(store.wait_visible_past(at, EVER).unwrap());
                                next + 1
                            }
                        };
                        assert!(store.snapshot().visible().get() >= next);
                    }
                });
            }
            for writer in 0..3 {
                scope.spawn(move || {
                    begin.wait();
                    let entity = at(&format!("writer:{writer}"), "s");
                    for number in 0..EVENTS / 3 {
                        match (number + writer) % 3 {
                            0 => drop(store.append(&entity, event("")).unwrap()),
                            1 => drop(store.append_with(&entity, event(""), written()).unwrap()),
                            _ => drop(store.submit(&entity, event("")).unwrap()),
                        }
                    }
                });
            }
        });
        assert_eq!(store.snapshot().visible(), sequence(EVENTS));
    });
}
