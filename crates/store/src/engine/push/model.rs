//! Loom models of what the hub and those it pushes to tell each other: `xtask loom`.

use super::hub::Hub;
use super::member::Seat;
use super::one_by_one::OneByOne;
use super::pushed::Pushed;
use super::topic::FeedKey;
use crate::engine::group_sync::model::check;
use crate::engine::news::{Mark, News};
use crate::trace::Calls;
use crossbeam_channel::{Receiver, TryRecvError};
use std::sync::Arc;
use strandline_core::sync::thread;
use strandline_core::{Query, Region, Sequence};
use strandline_index::SequenceGate;

struct Store {
    gate: Arc<SequenceGate>,
    news: Arc<News>,
    hub: Hub,
}

impl Store {
    /// A store of so many events, of which the first `visible` are visible.
    fn new(count: u64, visible: u64) -> Arc<Self> {
        let gate = Arc::new(SequenceGate::new());
        gate.reserve(count).expect("the model is small");
        if visible > 0 {
            assert!(gate.advance_to(Sequence::new(visible)));
        }
        let calls = Calls::default();
        let news = Arc::new(News::new(gate.clone(), Sequence::ZERO, calls.clone()));
        let hub = Hub::new(news.clone(), calls);
        Arc::new(Self { gate, news, hub })
    }

    fn publish(&self, end: u64) {
        assert!(self.gate.advance_to(Sequence::new(end)));
        self.news.moved();
    }

    fn try_subscribe(&self) -> Option<Subscriber> {
        let key = FeedKey {
            query: Arc::new(Query::from(Region::all())),
            mark: Mark::Visible,
        };
        let batches = Box::new(OneByOne(Sequence::ZERO));
        let (receiver, seat) = self.hub.subscribe(key, batches, 1).ok()?;
        let until = 0;
        Some(Subscriber {
            receiver,
            seat,
            until,
        })
    }

    fn subscribe(&self) -> Subscriber {
        self.try_subscribe().expect("it is open")
    }
}

struct Subscriber {
    receiver: Receiver<Pushed>,
    seat: Arc<Seat>,
    /// Up to where it was given events, or told that they are left out.
    until: u64,
}

impl Subscriber {
    /// What comes next; none at the end. A wait that is not ended runs out of steps.
    fn next(&mut self) -> Option<Pushed> {
        loop {
            match self.receiver.try_recv() {
                Ok(pushed) => return Some(pushed),
                Err(TryRecvError::Disconnected) => return None,
                Err(TryRecvError::Empty) => thread::yield_now(),
            }
        }
    }

    /// Takes what comes up to there; whether something was left out. Nothing else is missing.
    fn take_until(&mut self, end: u64) -> bool {
        let mut has_lagged = false;
        while self.until < end {
            match self.next().expect("it is not over") {
                Pushed::Events(events) => {
                    assert_eq!(events.until().get(), self.until + 1);
                    self.until = events.until().get();
                }
                Pushed::Lagged(lagged) => {
                    assert_eq!(lagged.resume_from.get(), self.until);
                    self.until = lagged.until.get();
                    has_lagged = true;
                }
            }
        }
        has_lagged
    }
}

#[test]
fn who_catches_up_goes_on_once_there_is_room() {
    check(|| {
        let store = Store::new(2, 2);
        let mut subscriber = store.subscribe();
        let has_lagged = subscriber.take_until(2);
        assert!(!has_lagged, "it was never at the watermark");
        store.hub.close();
    });
}

#[test]
fn what_comes_is_pushed() {
    check(|| {
        let store = Store::new(1, 0);
        let other = store.clone();
        let publishes = thread::spawn(move || other.publish(1));
        let mut subscriber = store.subscribe();
        subscriber.take_until(1);
        publishes.join().expect("it ends");
        store.hub.close();
    });
}

#[test]
fn who_lags_is_told_once_there_is_room() {
    check(|| {
        let store = Store::new(2, 0);
        let mut subscriber = store.subscribe();
        store.publish(1);
        store.publish(2);
        subscriber.take_until(2);
        store.hub.close();
    });
}

#[test]
fn who_subscribes_while_the_store_closes_is_told() {
    check(|| {
        let store = Store::new(1, 0);
        let other = store.clone();
        let thread = thread::spawn(move || other.try_subscribe());
        store.hub.close();
        let subscriber = thread.join().expect("it ends");
        if let Some(mut subscriber) = subscriber {
            assert!(subscriber.next().is_none());
            assert!(subscriber.seat.over().is_some(), "it is told why");
        }
        assert!(
            store.try_subscribe().is_none(),
            "nobody comes after the end"
        );
    });
}

#[test]
fn who_leaves_is_forgotten() {
    check(|| {
        let store = Store::new(2, 2);
        let mut subscriber = store.subscribe();
        subscriber.seat.leave();
        while subscriber.next().is_some() {}
        store.hub.close();
    });
}

#[test]
fn what_is_there_when_the_store_closes_is_pushed() {
    check(|| {
        let store = Store::new(1, 0);
        let mut subscriber = store.subscribe();
        store.publish(1);
        store.hub.close();
        subscriber.take_until(1);
        assert!(subscriber.next().is_none());
    });
}
