//! Reactors on their threads.

use super::{LONG, append, live, memory, number, options};
use crate::handle::Live;
use crate::{Backoff, Condition, ErrorKind, Failure};
use std::collections::HashMap;
use std::sync::Arc;
use strandline::{Query, Region, Store};
use strandline_core::Random;
use strandline_core::sync::Mutex;

fn shop() -> (Arc<Store>, Live) {
    let store = Arc::new(options(&memory()).open("/shop.strand").unwrap());
    let live = live(&store);
    (store, live)
}

/// Eight partitions, and a third of all tries fails: the order of each entity is that of the log.
#[test]
fn the_order_of_an_entity_is_that_of_the_log_whatever_fails() {
    let (store, live) = shop();
    for number in 0..1500 {
        append(&store, number * 7 % 50, number);
    }
    let seen: Arc<Mutex<HashMap<String, Vec<usize>>>> = Arc::default();
    let random = Random::from_seed(7);
    let reactor = live
        .reactor("mailer", Region::all())
        .partitions(8)
        .tries(1000)
        .backoff(Backoff::none())
        .start({
            let seen = seen.clone();
            move |event, _| {
                if random.number().is_multiple_of(3) {
                    return Err(Failure::retry("by chance"));
                }
                let entity = event.coordinate.entity().to_owned();
                seen.lock().entry(entity).or_default().push(number(event));
                Ok(())
            }
        })
        .unwrap();
    let mut last = None;
    for number in 1500..3000 {
        last = Some(append(&store, number * 7 % 50, number));
    }
    assert!(reactor.wait_until(&last.unwrap(), LONG).unwrap());
    reactor.stop().unwrap();
    let seen = seen.lock();
    assert_eq!(seen.len(), 50);
    for (entity, numbers) in &*seen {
        assert_eq!(numbers.len(), 60, "{entity}");
        assert!(numbers.is_sorted(), "{entity}: {numbers:?}");
    }
}

#[test]
fn a_drain_finishes_what_waits_and_takes_no_more() {
    let (store, live) = shop();
    let tried: Arc<Mutex<u32>> = Arc::default();
    let reactor = live
        .reactor("mailer", Region::all())
        .tries(10)
        .backoff(Backoff::none())
        .start({
            let tried = tried.clone();
            move |_, context| {
                *tried.lock() += 1;
                match context.tries {
                    1..5 => Err("not yet".into()),
                    _ => Ok(()),
                }
            }
        })
        .unwrap();
    append(&store, 0, 0);
    while *tried.lock() == 0 {
        std::thread::yield_now();
    }
    reactor.drain().unwrap();
    assert_eq!(*tried.lock(), 5);
}

#[test]
fn a_partition_goes_on_in_the_next_process_and_only_one_handles_it() {
    let (store, live) = shop();
    let count: Arc<Mutex<usize>> = Arc::default();
    let start = |live: &Live| {
        let count = count.clone();
        let reactor = live.reactor("mailer", Region::all()).partitions(2);
        let handled = move |_: &strandline::StoredEvent, _: &crate::Context<'_>| {
            *count.lock() += 1;
            Ok(())
        };
        reactor.start(handled).unwrap()
    };
    let first = start(&live);
    for number in 0..100 {
        append(&store, number % 9, number);
    }
    let last = append(&store, 0, 100);
    assert!(first.wait_until(&last, LONG).unwrap());
    // As in another process: it waits for its share, and knows nothing of the first.
    let other = Live::open_in(&store, "/live").unwrap();
    let second = start(&other);
    first.stop().unwrap();
    let last = append(&store, 1, 101);
    assert!(second.wait_until(&last, LONG).unwrap());
    second.stop().unwrap();
    assert_eq!(
        *count.lock(),
        102,
        "each once, for each saved when it stopped"
    );
}

#[test]
fn why_it_stopped_is_said_at_once() {
    let (store, live) = shop();
    let reactor = live
        .reactor("mailer", Region::all())
        .tries(1)
        .parked_max(0)
        .start(|_, _| Err("never".into()))
        .unwrap();
    append(&store, 0, 0);
    while reactor.error().is_none() {
        std::thread::yield_now();
    }
    let last = append(&store, 1, 1);
    let error = reactor.wait_until(&last, LONG).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Faulted);
    let error = reactor.stop().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TooManyParked);
}

#[test]
fn what_cannot_be_started_is_refused_before_anything_is_made() {
    let (_store, live) = shop();
    let limited = Query::from(Region::all()).limit(3);
    assert!(live.reactor("a", limited).start(|_, _| Ok(())).is_err());
    let none = live.reactor("a", Region::all()).partitions(0);
    assert!(none.start(|_, _| Ok(())).is_err());
    assert!(live.consumers().unwrap().is_empty());
    let two = live.reactor("a", Region::all()).partitions(2);
    two.start(|_, _| Ok(())).unwrap().stop().unwrap();
    let three = live.reactor("a", Region::all()).partitions(3);
    let error = three.start(|_, _| Ok(())).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::OtherConsumer);
}

/// A thread that ends without a word is the worst that can be: who waits would wait on.
#[test]
fn a_panic_beside_the_handler_stops_the_reactor_and_is_said() {
    struct Twice;
    impl Drop for Twice {
        fn drop(&mut self) {
            panic!("while what was caught is dropped");
        }
    }
    let (store, live) = shop();
    let panics = |_: &strandline::StoredEvent, _: &crate::Context<'_>| {
        std::panic::panic_any(Twice);
    };
    let reactor = live.reactor("mailer", Region::all()).start(panics).unwrap();
    let last = append(&store, 0, 0);
    let error = reactor.wait_until(&last, LONG).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Faulted);
    let error = reactor.stop().unwrap_err();
    assert!(error.to_string().contains("is dropped"), "{error}");
    let status = live.status("mailer").unwrap();
    assert_eq!(status.condition, Condition::Faulted);
    assert_eq!(status.sequence, last.sequence, "it comes again");
}
