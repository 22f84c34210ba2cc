//! Many tasks: what each costs, in what order they are woken, and how many for one place.

use crate::harness::{HeldFs, at, bounded, event, until};
use crate::hostile_callers::{block_on, held, submit_pending, waker};
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::thread;
use strandline::{Clock, StoreOptions, SystemClock};

#[test]
fn many_tickets_in_flight_cost_each_the_same() {
    bounded(|| {
        let fs = HeldFs::default();
        let store = held(&fs);
        let noop = waker(|| {});
        fs.hold();
        let a = at("a", "s");
        let submits = (0..32_000).map(|_| Box::pin(store.submit(&a, event("")).unwrap()));
        let mut tickets: Vec<_> = submits.collect();
        let clock = SystemClock::default();
        let polls = tickets.chunks_mut(250).map(|chunk| {
            let begun = clock.elapsed();
            for ticket in chunk {
                let polled = ticket.as_mut().poll(&mut Context::from_waker(&noop));
                assert!(polled.is_pending());
            }
            clock.elapsed() - begun
        });
        let polls: Vec<_> = polls.collect();
        // The fastest, since others may have the processor.
        let first = *polls[..16].iter().min().unwrap();
        let last = *polls[polls.len() / 2..].iter().min().unwrap();
        fs.release();
        store.sync().unwrap();
        // Where each poll looks at all that wait, those of the second half take 60 times as long as the first.
        assert!(
            last < 10 * first,
            "{first:?} for the first, {last:?} for the last"
        );
    });
}

#[test]
fn tickets_are_woken_in_order() {
    bounded(|| {
        let fs = HeldFs::default();
        let store = held(&fs);
        fs.hold();
        let woken: Arc<Mutex<Vec<usize>>> = Arc::default();
        let tickets = (0..100).map(|number| {
            let woken = woken.clone();
            submit_pending(&store, &waker(move || woken.lock().unwrap().push(number)))
        });
        let tickets: Vec<_> = tickets.collect();
        fs.release();
        until("all are woken", || woken.lock().unwrap().len() == 100);
        assert!(woken.lock().unwrap().is_sorted());
        drop(tickets);
    });
}

/// A small executor that polls what was woken, and counts.
struct Executor {
    woken: Arc<Mutex<VecDeque<usize>>>,
    wakes: Arc<AtomicUsize>,
}

impl Executor {
    fn waker(&self, task: usize) -> Waker {
        let (woken, wakes) = (self.woken.clone(), self.wakes.clone());
        waker(move || {
            wakes.fetch_add(1, Ordering::SeqCst);
            woken.lock().unwrap().push_back(task);
        })
    }
}

#[test]
fn one_task_is_woken_for_each_place_that_comes_free() {
    const TASKS: usize = 400;
    bounded(|| {
        let fs = HeldFs::default();
        let options = StoreOptions::new().fs(Arc::new(fs.clone()));
        let store = options.in_flight_max(4).open("/store").unwrap();
        fs.hold();
        let a = at("a", "s");
        let first: Vec<_> = (0..4)
            .map(|_| store.submit(&a, event("x")).unwrap())
            .collect();
        let executor = Executor {
            woken: Arc::default(),
            wakes: Arc::default(),
        };
        let mut tasks: Vec<_> = (0..TASKS)
            .map(|number| {
                (
                    Some(Box::pin(store.submit_async(&a, event("x")))),
                    executor.waker(number),
                )
            })
            .collect();
        for (future, waker) in &mut tasks {
            let future = future.as_mut().unwrap().as_mut();
            assert!(future.poll(&mut Context::from_waker(waker)).is_pending());
        }
        fs.release();
        let mut tickets = Vec::new();
        while tickets.len() < TASKS {
            let next = executor.woken.lock().unwrap().pop_front();
            let Some(next) = next else {
                thread::yield_now();
                continue;
            };
            let (future, waker) = &mut tasks[next];
            if let Some(polled) = future {
                match polled.as_mut().poll(&mut Context::from_waker(waker)) {
                    Poll::Ready(ticket) => {
                        tickets.push(ticket.unwrap());
                        *future = None;
                    }
                    Poll::Pending => {}
                }
            }
        }
        let wakes = executor.wakes.load(Ordering::SeqCst);
        assert!(wakes < 3 * TASKS, "{wakes} wake-ups of {TASKS} tasks");
        for ticket in first.into_iter().chain(tickets) {
            ticket.wait().unwrap();
        }
    });
}

#[test]
fn who_was_woken_for_a_place_and_is_dropped_passes_it_on() {
    bounded(|| {
        let fs = HeldFs::default();
        let options = StoreOptions::new().fs(Arc::new(fs.clone()));
        let store = options.in_flight_max(1).open("/store").unwrap();
        fs.hold();
        let a = at("a", "s");
        let first = store.submit(&a, event("1")).unwrap();
        let woken = [(); 2].map(|()| Arc::new(AtomicBool::new(false)));
        let mut waiting = woken.clone().map(|woken| {
            let waker = waker(move || woken.store(true, Ordering::SeqCst));
            let mut submit = Box::pin(store.submit_async(&a, event("2")));
            let polled = submit.as_mut().poll(&mut Context::from_waker(&waker));
            assert!(polled.is_pending());
            Some(submit)
        });
        fs.release();
        first.wait().unwrap();
        until("the first is woken", || woken[0].load(Ordering::SeqCst));
        assert!(!woken[1].load(Ordering::SeqCst), "there is one place");
        waiting[0] = None;
        until("the next is woken", || woken[1].load(Ordering::SeqCst));
        let ticket = block_on(waiting[1].take().unwrap()).unwrap();
        ticket.wait().unwrap();
    });
}
