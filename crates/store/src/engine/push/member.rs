//! `Member`: a subscriber as the hub has it, and `Seat`, what it has in common with the subscription.

use super::bell::Bell;
use super::pushed::{Lagged, Pushed, PushedEvents};
use super::room::{Place, Room};
use crate::StoredEvent;
use crate::engine::news::Over;
use crossbeam_channel::{Receiver, Sender, unbounded};
use std::sync::{Arc, OnceLock};
use strandline_core::Sequence;
use strandline_core::sync::atomic::{AtomicBool, Ordering};

/// What a subscription and the hub tell each other.
#[derive(Debug)]
pub(crate) struct Seat {
    room: Arc<Room>,
    bell: Arc<Bell>,
    /// The subscription was dropped. Before the bell is rung, after it is heard.
    is_empty: AtomicBool,
    /// Why nothing more comes; set before the channel is closed.
    over: OnceLock<Over>,
}

impl Seat {
    /// Has the hub forget the subscriber.
    pub(crate) fn leave(&self) {
        self.is_empty.store(true, Ordering::Release);
        self.bell.ring();
    }

    /// Why the channel was closed, or is about to be; none while it is not.
    pub(crate) fn over(&self) -> Option<&Over> {
        self.over.get()
    }
}

/// A subscriber.
#[derive(Debug)]
pub(super) struct Member {
    /// It is the room that bounds it: an item is a batch, which has a place, or says what was left out, which is
    /// followed by a batch before the next one that says so.
    sender: Sender<Pushed>,
    seat: Arc<Seat>,
}

/// A subscriber, with what it is given and the seat it has.
pub(super) fn member(capacity: u32, bell: &Arc<Bell>) -> (Member, Receiver<Pushed>, Arc<Seat>) {
    let (sender, receiver) = unbounded();
    let seat = Arc::new(Seat {
        room: Arc::new(Room::new(capacity, bell.clone())),
        bell: bell.clone(),
        is_empty: AtomicBool::new(false),
        over: OnceLock::new(),
    });
    let member = Member {
        sender,
        seat: seat.clone(),
    };
    (member, receiver, seat)
}

impl Member {
    /// Whether the subscription was dropped.
    pub(super) fn is_gone(&self) -> bool {
        self.seat.is_empty.load(Ordering::Acquire)
    }

    /// A place for a batch.
    pub(super) fn take(&self) -> Option<Place> {
        self.seat.room.take()
    }

    /// Whether a subscriber that had no place may be given batches again.
    pub(super) fn is_open(&self) -> bool {
        self.seat.room.is_open()
    }

    /// Gives a batch; false if nobody is left to take it.
    pub(super) fn give(&self, events: &Arc<[StoredEvent]>, until: Sequence, place: Place) -> bool {
        let events = PushedEvents::new(events.clone(), until, place);
        self.sender.send(Pushed::Events(events)).is_ok()
    }

    /// Says what was left out; false if nobody is left to be told.
    pub(super) fn tell(&self, resume_from: Sequence, until: Sequence) -> bool {
        let lagged = Lagged { resume_from, until };
        self.sender.send(Pushed::Lagged(lagged)).is_ok()
    }

    /// Gives nothing more, and says why.
    pub(super) fn end(self, over: &Over) {
        let _ = self.seat.over.set(over.clone());
    }
}
