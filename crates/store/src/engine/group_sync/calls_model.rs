//! Loom models of sleep and of the thread for callers' code: `xtask loom`.

use super::levels::Reach;
use super::model::{Fails, bench, check};
use super::room::{Attempt, Room};
use super::ticket_model::Unpark;
use crate::engine::parker::Parker;
use crate::trace::Calls;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use strandline_core::sync::thread;

#[test]
fn a_thread_that_parks_is_woken_whenever_it_is_unparked() {
    check(|| {
        let parker = Arc::new(Parker::default());
        let other = parker.clone();
        let thread = thread::spawn(move || {
            for _ in 0..2 {
                other.unpark();
            }
        });
        parker.park();
        thread.join().expect("it ends");
        // The second may have come before the sleep, and then it is gone with the first.
        parker.unpark();
        parker.park();
    });
}

#[test]
fn who_is_to_be_woken_while_the_store_closes_is_woken() {
    check(|| {
        let calls = Calls::default();
        calls.start().expect("a model has threads");
        let parker = Arc::new(Parker::default());
        let (other, task) = (calls.clone(), parker.clone());
        let thread = thread::spawn(move || other.wake([Waker::from(Arc::new(Unpark(task)))]));
        // Before the wake-up was left with it, after it, and while it is made.
        calls.close();
        parker.park();
        thread.join().expect("it ends");
    });
}

#[test]
fn who_is_dropped_passes_its_place_on() {
    check(|| {
        let bench = bench(Fails::Never);
        let end = bench.write();
        bench.group.submitted(Reach::Published, end);
        let attempt = || match bench.group.oldest_if_full(1) {
            Some(_) => Attempt::Full,
            None => Attempt::Done(()),
        };
        let mut first = Room::new(bench.group.clone(), 1);
        let mut second = Room::new(bench.group.clone(), 1);
        let noop = Waker::noop();
        assert!(first.poll(&Context::from_waker(noop), attempt).is_pending());
        let parker = Arc::new(Parker::default());
        let waker = Waker::from(Arc::new(Unpark(parker.clone())));
        let context = Context::from_waker(&waker);
        assert!(second.poll(&context, attempt).is_pending());
        let other = bench.clone();
        let thread = thread::spawn(move || other.group.wait(end).expect("the disk works"));
        // Woken for the place or not yet.
        drop(first);
        parker.park();
        assert!(matches!(
            second.poll(&context, attempt),
            Poll::Ready(Ok(()))
        ));
        thread.join().expect("it ends");
    });
}
