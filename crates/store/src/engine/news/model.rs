//! Loom models of waiting for a watermark: `xtask loom`.

use super::awaited::Awaited;
use super::lookout::Look;
use super::over::Over;
use super::watermarks::{Mark, News};
use crate::engine::group_sync::model::{Fails, bench, check};
use crate::engine::parker::Parker;
use crate::trace::Calls;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;
use strandline_core::Sequence;
use strandline_core::sync::thread;
use strandline_index::SequenceGate;

const FIRST: Sequence = Sequence::ZERO;

/// Wakes a thread of a model, as an executor does.
struct Unpark(Arc<Parker>);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

struct Events {
    gate: Arc<SequenceGate>,
    news: Arc<News>,
    calls: Calls,
}

/// Ends the thread that wakes tasks.
impl Drop for Events {
    fn drop(&mut self) {
        self.calls.close();
    }
}

/// News of `count` events that are written, none of which is visible.
fn events(count: u64) -> Arc<Events> {
    let gate = Arc::new(SequenceGate::new());
    gate.reserve(count).expect("the model is small");
    let calls = Calls::default();
    let news = Arc::new(News::new(gate.clone(), Sequence::ZERO, calls.clone()));
    Arc::new(Events { gate, news, calls })
}

impl Events {
    fn publish(&self, end: u64) {
        assert!(self.gate.advance_to(Sequence::new(end)));
        self.news.moved();
    }

    fn wait(&self, sequence: Sequence) -> Result<Sequence, Over> {
        let waited = self.news.wait(Mark::Visible, sequence, Duration::MAX);
        waited.map(|passed| passed.expect("a model has no end of time"))
    }

    fn awaited(&self, sequence: Sequence) -> Awaited {
        Awaited::new(self.news.clone(), Mark::Visible, sequence)
    }
}

/// A task whose wake-ups a thread of a model sleeps for.
struct Task {
    parker: Arc<Parker>,
    waker: Waker,
}

impl Task {
    fn new() -> Self {
        let parker = Arc::new(Parker::default());
        let waker = Waker::from(Arc::new(Unpark(parker.clone())));
        Self { parker, waker }
    }

    fn poll(&self, awaited: &mut Awaited) -> Poll<Result<Sequence, Over>> {
        awaited.poll(&Context::from_waker(&self.waker))
    }

    fn block_on(&self, awaited: &mut Awaited) -> Result<Sequence, Over> {
        loop {
            match self.poll(awaited) {
                Poll::Ready(outcome) => return outcome,
                Poll::Pending => self.parker.park(),
            }
        }
    }
}

fn passed(end: u64) -> impl Fn(Result<Sequence, Over>) {
    move |outcome| assert_eq!(outcome.expect("it comes"), Sequence::new(end))
}

#[test]
fn a_thread_that_waits_is_woken_by_whoever_publishes() {
    check(|| {
        let events = events(1);
        let other = events.clone();
        let thread = thread::spawn(move || other.publish(1));
        passed(1)(events.wait(FIRST));
        thread.join().expect("it ends");
    });
}

#[test]
fn whoever_publishes_wakes_a_thread_that_waits() {
    check(|| {
        let events = events(1);
        let other = events.clone();
        let thread = thread::spawn(move || passed(1)(other.wait(FIRST)));
        events.publish(1);
        thread.join().expect("it ends");
    });
}

#[test]
fn two_that_wait_for_different_sequences_are_each_woken() {
    check(|| {
        let events = events(2);
        let (other, publisher) = (events.clone(), events.clone());
        let thread = thread::spawn(move || passed(2)(other.wait(Sequence::new(1))));
        let publishes = thread::spawn(move || publisher.publish(1));
        passed(1)(events.wait(FIRST));
        events.publish(2);
        thread.join().expect("it ends");
        publishes.join().expect("it ends");
    });
}

#[test]
fn of_two_that_wait_for_one_event_each_is_woken() {
    check(|| {
        let events = events(1);
        let (other, publisher) = (events.clone(), events.clone());
        let thread = thread::spawn(move || passed(1)(other.wait(FIRST)));
        let publishes = thread::spawn(move || publisher.publish(1));
        passed(1)(events.wait(FIRST));
        thread.join().expect("it ends");
        publishes.join().expect("it ends");
    });
}

#[test]
fn whose_time_is_over_wakes_those_whom_it_was_told_to_wake() {
    check(|| {
        let events = events(1);
        let (other, publisher) = (events.clone(), events.clone());
        let thread = thread::spawn(move || passed(1)(other.wait(FIRST)));
        let publishes = thread::spawn(move || publisher.publish(1));
        // Over before it sleeps.
        let moment = Duration::from_nanos(1);
        let waited = events.news.wait(Mark::Visible, FIRST, moment);
        waited.expect("nothing has ended");
        thread.join().expect("it ends");
        publishes.join().expect("it ends");
        assert!(!events.news.is_awaited(), "nobody is left behind");
    });
}

#[test]
fn a_task_that_waits_is_woken_by_whoever_publishes() {
    check(|| {
        let events = events(1);
        events.news.start_calls().expect("a model has threads");
        let other = events.clone();
        let thread = thread::spawn(move || other.publish(1));
        passed(1)(Task::new().block_on(&mut events.awaited(FIRST)));
        thread.join().expect("it ends");
    });
}

#[test]
fn a_wait_that_is_dropped_hides_no_other() {
    check(|| {
        let events = events(1);
        events.news.start_calls().expect("a model has threads");
        let (gone, task) = (Task::new(), Task::new());
        let (mut first, mut second) = (events.awaited(FIRST), events.awaited(FIRST));
        assert!(gone.poll(&mut first).is_pending());
        assert!(task.poll(&mut second).is_pending());
        let other = events.clone();
        let thread = thread::spawn(move || other.publish(1));
        drop(first);
        // Not polled again before it is woken.
        task.parker.park();
        passed(1)(task.block_on(&mut second));
        thread.join().expect("it ends");
        assert!(!events.news.is_awaited(), "nobody is left behind");
    });
}

#[test]
fn who_begins_to_wait_while_the_store_closes_is_told() {
    check(|| {
        let events = events(1);
        let other = events.clone();
        let thread = thread::spawn(move || other.news.end(&Over::closed()));
        assert!(events.wait(FIRST).is_err());
        thread.join().expect("it ends");
        assert!(!events.news.is_awaited(), "nobody is left behind");
    });
}

#[test]
fn who_looks_while_the_store_ends_is_given_what_came_before() {
    check(|| {
        let events = events(1);
        let ends = events.clone();
        let ends = thread::spawn(move || {
            ends.publish(1);
            ends.news.end(&Over::closed());
        });
        let looked = events.news.wait(Mark::Visible, FIRST, Duration::ZERO);
        looked.expect("it came before the end");
        ends.join().expect("it ends");
    });
}

#[test]
fn who_begins_to_wait_while_writing_stops_is_told() {
    check(|| {
        let bench = bench(Fails::Always);
        let other = bench.clone();
        let thread = thread::spawn(move || assert!(other.append().is_err()));
        for mark in [Mark::Visible, Mark::Durable] {
            let news = bench.group.news();
            assert!(news.wait(mark, FIRST, Duration::MAX).is_err());
        }
        thread.join().expect("it ends");
    });
}

#[test]
fn what_is_waited_for_to_be_durable_is_synced_and_visible() {
    check(|| {
        let bench = bench(Fails::Never);
        let other = bench.clone();
        let thread = thread::spawn(move || other.append().expect("the disk works"));
        let news = bench.group.news();
        let waited = news.wait(Mark::Durable, FIRST, Duration::MAX);
        let durable = waited.expect("the disk works").expect("there is time");
        bench.assert_durable(durable);
        thread.join().expect("it ends");
    });
}

#[test]
fn who_begins_to_wait_has_the_lookout_look() {
    check(|| {
        let gate = Arc::new(SequenceGate::new());
        gate.reserve(1).expect("the model is small");
        let calls = Calls::default();
        let news = News::of_another(gate.clone(), Sequence::ZERO, calls.clone());
        let news = Arc::new(news);
        let lookout = news.lookout().expect("another writes");
        let looked = news.clone();
        let look = move || {
            if looked.is_over() {
                Look::Over
            } else if looked.is_awaited() {
                assert!(gate.advance_to(Sequence::new(1)));
                looked.moved();
                Look::Something
            } else {
                Look::Unawaited
            }
        };
        lookout.start(&calls, look).expect("a model has threads");
        passed(1)(
            news.wait(Mark::Visible, FIRST, Duration::MAX)
                .map(|passed| passed.expect("there is time")),
        );
        news.end(&Over::closed());
        let thread = lookout.take().expect("it was started");
        thread.join().expect("it ends");
    });
}
