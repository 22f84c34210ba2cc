//! Subscriptions: what is there and what comes, pushed in order and once; who is too slow is told what was left out;
//! nobody waits for anybody; and how they end.

use crate::compact::small;
use crate::following::all;
use crate::harness::{
    KINDS, at, bounded, cases, dir, event, fill, open, open_faulty, options, until,
};
use proptest::prelude::*;
use std::sync::Arc;
use std::thread;
use std::time::Duration;
use strandline::fs::{Fault, FaultFs, MemFs, Operation};
use strandline::{
    AppendOptions, Batch, Delivery, Durability, ErrorKind, Event, Pushed, PushedEvents, Query,
    Region, SUBSCRIPTION_CAPACITY_MAX, Sequence, Start, Store, StoreOptions, Subscription,
};

const FAULT: Fault = Fault {
    after: 0,
    times: u64::MAX,
    error: std::io::ErrorKind::Other,
    partial_bytes: 0,
};

fn events_of(pushed: Pushed) -> PushedEvents {
    match pushed {
        Pushed::Events(events) => events,
        Pushed::Lagged(lagged) => panic!("{lagged:?}"),
    }
}

fn sequences(events: &PushedEvents) -> Vec<u64> {
    events.iter().map(|event| event.sequence.get()).collect()
}

/// The sequences of so many events, of which none may be left out.
fn take(subscription: &Subscription, count: usize) -> Vec<u64> {
    let mut seen = Vec::new();
    while seen.len() < count {
        seen.extend(sequences(&events_of(subscription.recv().unwrap())));
    }
    seen
}

fn subscribe(store: &Store, capacity: usize) -> Subscription {
    let from = Start::Beginning;
    store.subscribe(Region::all(), from, capacity).unwrap()
}

fn waiting(subscription: &Subscription) -> usize {
    subscription.receiver().len()
}

/// A live subscriber for one batch, whom one waits for and who has missed `missed` events since.
fn lagging(store: &Store, missed: usize) -> Subscription {
    let subscription = subscribe(store, 1);
    fill(store, 1);
    take(&subscription, 1);
    fill(store, 1);
    until("a batch waits", || waiting(&subscription) == 1);
    // Another one says when the hub has come past these.
    let other = subscribe(store, 1 << 10);
    fill(store, missed);
    let count = store.snapshot().visible().get() as usize;
    take(&other, count);
    subscription
}

#[test]
fn what_is_there_and_what_comes_is_pushed_once_and_in_order() {
    bounded(|| {
        let store = Arc::new(open(&MemFs::new()));
        fill(&store, 700);
        let subscription = subscribe(&store, 1 << 10);
        let writers = [0, 1].map(|_| {
            let store = store.clone();
            thread::spawn(move || fill(&store, 300))
        });
        assert!(take(&subscription, 1300).into_iter().eq(0..1300));
        for writer in writers {
            writer.join().unwrap();
        }
        assert!(subscription.try_recv().unwrap().is_none());
        let moment = Duration::from_millis(1);
        assert!(subscription.recv_timeout(moment).unwrap().is_none());
    });
}

#[test]
fn who_catches_up_with_little_room_misses_nothing() {
    bounded(|| {
        let store = open(&MemFs::new());
        fill(&store, 2000);
        for capacity in [1, 2, 3] {
            let subscription = subscribe(&store, capacity);
            assert!(take(&subscription, 2000).into_iter().eq(0..2000));
        }
        // Taken from the channel, a batch makes room once it is looked at, though it is kept.
        let subscription = subscribe(&store, 1);
        let (mut kept, mut seen) = (Vec::new(), 0);
        while seen < 2000 {
            let events = events_of(subscription.receiver().recv().unwrap());
            seen += events.len();
            kept.push(events);
        }
        // Or dropped.
        let subscription = subscribe(&store, 1);
        while subscription
            .receiver()
            .recv()
            .map(events_of)
            .unwrap()
            .until()
            < Sequence::new(2000)
        {}
    });
}

#[test]
fn who_never_reads_holds_up_nobody_and_keeps_little() {
    bounded(|| {
        let store = open(&MemFs::new());
        fill(&store, 1000);
        let never = subscribe(&store, 2);
        let reads = subscribe(&store, 1 << 10);
        take(&reads, 1000);
        let live = store.follow(Region::all(), Start::Now).unwrap();
        let never_live = live.subscribe(3).unwrap();
        fill(&store, 500);
        assert!(take(&reads, 500).into_iter().eq(1000..1500));
        let mut next = 1500;
        while waiting(&never_live) < 3 {
            fill(&store, 1);
            assert_eq!(take(&reads, 1), [next]);
            next += 1;
        }
        fill(&store, 100);
        assert!(take(&reads, 100).into_iter().eq(next..next + 100));
        assert_eq!((waiting(&never), waiting(&never_live)), (2, 3));
    });
}

#[test]
fn who_lags_is_told_what_was_left_out_and_goes_on() {
    bounded(|| {
        let store = open(&MemFs::new());
        let subscription = lagging(&store, 3);
        assert_eq!(sequences(&events_of(subscription.recv().unwrap())), [1]);
        let lagged = match subscription.recv().unwrap() {
            Pushed::Lagged(lagged) => lagged,
            Pushed::Events(events) => panic!("{events:?}"),
        };
        assert_eq!(lagged.sequences(), 2..5);
        let missed = store.snapshot();
        let missed = missed.query(lagged.missed(Region::all()));
        assert!(missed.map(|event| event.unwrap().sequence.get()).eq(2..5));
        fill(&store, 1);
        assert_eq!(take(&subscription, 1), [5]);
    });
}

#[test]
fn equal_subscriptions_share_what_is_read() {
    bounded(|| {
        let store = open(&MemFs::new());
        let both = [0, 1].map(|_| subscribe(&store, 8));
        fill(&store, 1);
        for subscription in &both {
            take(subscription, 1);
        }
        fill(&store, 1);
        let [one, other] = both.map(|subscription| events_of(subscription.recv().unwrap()));
        assert!(Arc::ptr_eq(&one.to_shared(), &other.to_shared()));
        assert_eq!(one.until(), Sequence::new(2));
    });
}

#[test]
fn what_is_pushed_is_of_the_query_and_durable_where_that_was_asked() {
    bounded(|| {
        let store = options(&MemFs::new()).no_background_sync();
        let store = store.open(dir()).unwrap();
        let written = || AppendOptions::new().durability(Durability::Written);
        let cursor = store
            .follow(Region::all().entity("a"), Start::Beginning)
            .unwrap();
        let durable = cursor.at(Delivery::Durable).subscribe(8).unwrap();
        let visible = store
            .subscribe(Region::all().entity("b"), Start::Now, 8)
            .unwrap();
        for entity in ["a", "b", "c"] {
            store
                .append_with(&at(entity, "s"), event(""), written())
                .unwrap();
        }
        assert_eq!(take(&visible, 1), [1]);
        assert!(durable.try_recv().unwrap().is_none());
        store.sync().unwrap();
        assert_eq!(take(&durable, 1), [0]);
    });
}

#[test]
fn a_dropped_subscription_ends_at_once() {
    bounded(|| {
        let store = open(&MemFs::new());
        fill(&store, 600);
        // While it catches up, while it has no room, while it is live, and while it lags.
        let no_room = subscribe(&store, 1);
        until("a batch waits", || waiting(&no_room) == 1);
        let live = subscribe(&store, 8);
        take(&live, 600);
        for subscription in [subscribe(&store, 8), no_room, live] {
            let receiver = subscription.receiver().clone();
            drop(subscription);
            while receiver.recv().is_ok() {}
        }
        let store = open(&MemFs::new());
        let lagging = lagging(&store, 2);
        let receiver = lagging.receiver().clone();
        drop(lagging);
        while receiver.recv().is_ok() {}
        fill(&store, 1);
    });
}

#[test]
fn the_end_of_a_store_comes_after_what_was_pushed() {
    for closes in [true, false] {
        bounded(move || {
            let fs = MemFs::new();
            let store = open(&fs);
            fill(&store, 3);
            let subscription = subscribe(&store, 8);
            take(&subscription, 3);
            fill(&store, 2);
            let slow = subscribe(&store, 1);
            let waits = all(&store, Start::Now).subscribe(1).unwrap();
            let waits = thread::spawn(move || waits.recv().unwrap_err().kind());
            match closes {
                true => store.close().unwrap(),
                false => drop(store),
            }
            assert_eq!(take(&subscription, 2), [3, 4]);
            assert_eq!(subscription.recv().unwrap_err().kind(), ErrorKind::Closed);
            assert_eq!(subscription.error().unwrap().kind(), ErrorKind::Closed);
            assert_eq!(waits.join().unwrap(), ErrorKind::Closed);
            assert_eq!(
                slow.iter().last().unwrap().unwrap_err().kind(),
                ErrorKind::Closed
            );
            open(&fs).close().unwrap();
        });
    }
}

#[test]
fn a_failure_is_told_after_what_was_pushed() {
    bounded(|| {
        let fs = FaultFs::new(Arc::new(MemFs::new()));
        let store = open_faulty(&fs);
        fill(&store, 2);
        let subscription = subscribe(&store, 8);
        fs.fail(Operation::Sync, FAULT);
        store.append(&at("a", "s"), event("lost")).unwrap_err();
        assert_eq!(take(&subscription, 2), [0, 1]);
        assert_eq!(subscription.recv().unwrap_err().kind(), ErrorKind::Poisoned);
        assert_eq!(
            subscription.try_recv().unwrap_err().kind(),
            ErrorKind::Poisoned
        );
    });
    bounded(|| {
        let fs = FaultFs::new(Arc::new(MemFs::new()));
        let options = StoreOptions::new()
            .fs(Arc::new(fs.clone()))
            .no_mapped_reads();
        let store = options.open(dir()).unwrap();
        fill(&store, 2);
        fs.fail(Operation::Read, FAULT);
        let subscription = subscribe(&store, 8);
        assert_eq!(subscription.recv().unwrap_err().kind(), ErrorKind::Io);
        fs.heal();
        // The others go on.
        assert_eq!(take(&subscribe(&store, 8), 2), [0, 1]);
    });
}

#[test]
fn a_store_opened_to_read_only_pushes_what_another_writes() {
    bounded(|| {
        let fs = MemFs::new();
        let store = open(&fs);
        fill(&store, 3);
        let reader = options(&fs).read_only().open(dir()).unwrap();
        let subscription = subscribe(&reader, 8);
        fill(&store, 3);
        assert!(take(&subscription, 6).into_iter().eq(0..6));
        reader.close().unwrap();
        assert_eq!(subscription.recv().unwrap_err().kind(), ErrorKind::Closed);
    });
}

#[test]
fn what_cannot_be_subscribed_to_is_refused() {
    let store = open(&MemFs::new());
    for capacity in [0, SUBSCRIPTION_CAPACITY_MAX + 1, usize::MAX] {
        let refused = store.subscribe(Region::all(), Start::Now, capacity);
        assert_eq!(refused.unwrap_err().kind(), ErrorKind::InvalidInput);
    }
    let limited = Query::from(Region::all()).limit(1);
    let refused = store.subscribe(limited, Start::Now, 1);
    assert_eq!(refused.unwrap_err().kind(), ErrorKind::InvalidInput);
    let cursor = all(&store, Start::Now);
    drop(store);
    assert_eq!(cursor.subscribe(1).unwrap_err().kind(), ErrorKind::Closed);
}

/// A batch has 256 events, or 256 KiB of payload and the event that comes to it.
#[test]
fn a_batch_is_bounded() {
    bounded(|| {
        let store = open(&MemFs::new());
        let large = Event::bytes(KINDS[0], vec![b'x'; 100 << 10]);
        store.append(&at("a", "s"), large.clone()).unwrap();
        let many = |event: &Event, count| {
            (0..count).fold(Batch::new(), |batch, _| {
                batch.push(&at("a", "s"), event.clone())
            })
        };
        store.append_batch(many(&large, 6)).unwrap();
        store.append_batch(many(&event("x"), 600)).unwrap();
        let subscription = subscribe(&store, 64);
        let mut counts = Vec::new();
        while counts.iter().sum::<usize>() < 607 {
            counts.push(events_of(subscription.recv().unwrap()).len());
        }
        assert_eq!(counts, [3, 3, 256, 256, 89]);
    });
}

#[derive(Debug, Clone)]
enum Step {
    Append {
        count: usize,
        bytes: usize,
    },
    /// A subscriber takes so many, some by its channel.
    Take {
        subscriber: usize,
        most: usize,
        raw: bool,
    },
    Again {
        subscriber: usize,
        capacity: usize,
    },
    Sync,
}

const SUBSCRIBERS: usize = 4;

fn step() -> impl Strategy<Value = Step> {
    let subscriber = 0..SUBSCRIBERS;
    prop_oneof![
        5 => (1..300_usize, 0..900_usize).prop_map(|(count, bytes)| Step::Append { count, bytes }),
        6 => (subscriber.clone(), 1..4_usize, any::<bool>())
            .prop_map(|(subscriber, most, raw)| Step::Take { subscriber, most, raw }),
        1 => (subscriber, 1..5_usize)
            .prop_map(|(subscriber, capacity)| Step::Again { subscriber, capacity }),
        2 => Just(Step::Sync),
    ]
}

fn query_of(number: usize) -> Query {
    match number {
        0 | 1 => Query::from(Region::all()),
        2 => Query::from(Region::all().entity("entity:1")),
        _ => Query::any_of([
            Region::all().entity("entity:2"),
            Region::all().kinds([KINDS[1]]),
        ]),
    }
}

/// A subscriber, and up to where it was given events or told that they are left out.
struct Subscriber {
    subscription: Subscription,
    until: Sequence,
}

fn subscriber(store: &Store, number: usize, from: Option<u64>, capacity: usize) -> Subscriber {
    let start = from.map_or(Start::Beginning, |last| Start::After(Sequence::new(last)));
    let cursor = store.follow(query_of(number), start).unwrap();
    let delivery = match number {
        3 => Delivery::Durable,
        _ => Delivery::Visible,
    };
    Subscriber {
        until: cursor.sequence(),
        subscription: cursor.at(delivery).subscribe(capacity).unwrap(),
    }
}

impl Subscriber {
    /// What was given is all there is of the query in its place, and nothing lies between it and what was before.
    fn check(&mut self, store: &Store, number: usize, pushed: &Pushed) {
        let between = |until: Sequence| {
            let now = store.snapshot();
            let mut query = query_of(number).before(until);
            if let Some(before) = self.until.get().checked_sub(1) {
                query = query.after(Sequence::new(before));
            }
            now.query(query).collect::<Result<Vec<_>, _>>().unwrap()
        };
        self.until = match pushed {
            Pushed::Events(events) => {
                assert_eq!(events[..], between(events.until()), "subscriber {number}");
                assert!(!events.is_empty());
                events.until()
            }
            Pushed::Lagged(lagged) => {
                // What lies between has nothing of the query.
                assert!(
                    between(lagged.resume_from).is_empty(),
                    "subscriber {number}"
                );
                assert!(lagged.until > lagged.resume_from);
                lagged.until
            }
        };
    }
}

proptest! {
    #![proptest_config(cases(40))]

    /// What is given and what is said to be left out are all there is, in order, once.
    #[test]
    fn what_is_given_and_what_is_left_out_are_everything(
        steps in prop::collection::vec(step(), 1..40),
        capacities in prop::array::uniform4(1..5_usize),
    ) {
        let store = small(&MemFs::new()).no_background_sync().open(dir()).unwrap();
        let mut subscribers: Vec<_> = (0..SUBSCRIBERS)
            .map(|number| subscriber(&store, number, None, capacities[number]))
            .collect();
        let mut appended = 0_usize;
        for step in steps {
            match step {
                Step::Append { count, bytes } => {
                    let numbers: Vec<_> = (appended..appended + count).collect();
                    for numbers in numbers.chunks(40) {
                        let mut batch = Batch::new();
                        for number in numbers {
                            let entity = at(&format!("entity:{}", number % 5), "s");
                            let one = Event::bytes(KINDS[number % 3], vec![b'x'; bytes]);
                            batch = batch.push(&entity, one);
                        }
                        store.append_batch(batch).unwrap();
                    }
                    appended += count;
                }
                Step::Take { subscriber, most, raw } => {
                    let own = &mut subscribers[subscriber];
                    for _ in 0..most {
                        let pushed = match raw {
                            true => own.subscription.receiver().try_recv().ok(),
                            false => own.subscription.try_recv().unwrap(),
                        };
                        let Some(pushed) = pushed else { break };
                        own.check(&store, subscriber, &pushed);
                    }
                }
                Step::Again { subscriber: number, capacity } => {
                    let from = subscribers[number].until.get().checked_sub(1);
                    subscribers[number] = subscriber(&store, number, from, capacity);
                }
                Step::Sync => store.sync().unwrap(),
            }
        }
        // Each comes to the end, which every query has an event at.
        let batch = Batch::new()
            .push(&at("entity:1", "s"), Event::bytes(KINDS[1], *b"end"));
        let end = store.append_batch(batch).unwrap()[0].sequence;
        store.sync().unwrap();
        for (number, own) in subscribers.iter_mut().enumerate() {
            while own.until <= end {
                let pushed = own.subscription.recv().unwrap();
                own.check(&store, number, &pushed);
            }
        }
    }
}
