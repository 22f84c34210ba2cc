//! `Appender`: the thread that appends, one portion at a time, while the next lines are read.

use super::batches::Members;
use super::failure::Failure;
use crossbeam_channel::{Receiver, Sender, bounded};
use std::thread::Scope;
use strandline::{
    AppendOptions, Coordinate, Durability, Error, ErrorKind, Event, EventKind, Hlc, RefusedTime,
    Store,
};
use strandline_core::HlcClock;

/// The line that an event is of.
#[derive(Debug, Clone, Copy)]
pub(super) struct Origin {
    pub(super) line: u64,
    /// The time that the event has; none where the store gives it one.
    pub(super) at: Option<Hlc>,
    /// Whether the event has another time than the line.
    pub(super) is_moved: bool,
}

/// Events that are appended together if nothing is in the way, and the lines that they are of.
pub(super) struct Portion {
    pub(super) members: Members,
    pub(super) origins: Vec<Origin>,
}

/// What became of a portion.
#[derive(Default)]
pub(super) struct Appended {
    pub(super) events: u64,
    /// Events that somebody else had appended meanwhile.
    pub(super) repeated: u64,
    pub(super) moved_times: u64,
    /// Why the rest was not appended.
    pub(super) failure: Option<Failure>,
}

/// How often the times of events are moved past those of somebody else, who appends faster than a portion is
/// prepared, before the store is left to give them.
const MOVES_MAX: usize = 4;

pub(super) struct Appender {
    portions: Sender<Portion>,
    appended: Receiver<Appended>,
    is_busy: bool,
}

impl Appender {
    /// Starts the thread, which ends when this is dropped.
    pub(super) fn start<'scope>(scope: &'scope Scope<'scope, '_>, store: &'scope Store) -> Self {
        let (portions, to_append) = bounded::<Portion>(1);
        let (done, appended) = bounded(1);
        scope.spawn(move || {
            for mut portion in to_append {
                let mut appended = Appended::default();
                append(
                    store,
                    &mut portion.members,
                    &mut portion.origins,
                    &mut appended,
                );
                if done.send(appended).is_err() {
                    break;
                }
            }
        });
        Self {
            portions,
            appended,
            is_busy: false,
        }
    }

    /// Waits for the portion that is being appended, if there is one.
    pub(super) fn wait(&mut self) -> Result<Appended, Error> {
        if !std::mem::take(&mut self.is_busy) {
            return Ok(Appended::default());
        }
        self.appended.recv().map_err(|_| ended())
    }

    /// Hands over a portion, once the one before was waited for.
    pub(super) fn append(&mut self, portion: Portion) -> Result<(), Error> {
        self.is_busy = true;
        self.portions.send(portion).map_err(|_| ended())
    }
}

fn ended() -> Error {
    Error::new(ErrorKind::Unknown, "the thread that appends has ended")
}

/// Appends events in one commit; if it is refused because of one of them, those before that one.
fn append(
    store: &Store,
    members: &mut [(Coordinate, Event)],
    origins: &mut [Origin],
    appended: &mut Appended,
) {
    // The times were looked at when the lines were read.
    let options = AppendOptions::new()
        .durability(Durability::Written)
        .any_time();
    let mut moves = 0;
    let error = loop {
        match store.append_slice(members, options) {
            Ok(receipts) => {
                for (receipt, origin) in receipts.iter().zip(origins) {
                    appended.events += u64::from(!receipt.repeated);
                    appended.repeated += u64::from(receipt.repeated);
                    appended.moved_times += u64::from(origin.is_moved && !receipt.repeated);
                }
                return;
            }
            Err(error) => match error.refused_time() {
                Some(RefusedTime::Behind { last, .. }) if moves < MOVES_MAX => {
                    moves += 1;
                    move_past(*last, members, origins);
                }
                Some(RefusedTime::Behind { .. }) if moves == MOVES_MAX => {
                    moves += 1;
                    leave_to(store, members, origins);
                }
                _ => break error,
            },
        }
    };
    let is_an_events_fault = matches!(
        error.kind(),
        ErrorKind::InvalidInput
            | ErrorKind::TooLarge
            | ErrorKind::Conflict
            | ErrorKind::KindConflict
            | ErrorKind::RefusedTime
    );
    let middle = members.len() / 2;
    if is_an_events_fault && middle > 0 {
        let (first, second) = members.split_at_mut(middle);
        let (first_origins, second_origins) = origins.split_at_mut(middle);
        append(store, first, first_origins, appended);
        if appended.failure.is_none() {
            append(store, second, second_origins, appended);
        }
        return;
    }
    let origin = origins.first().filter(|_| is_an_events_fault);
    let line = origin.map(|origin| origin.line);
    appended.failure = Some(Failure {
        line,
        error,
        looks_like: None,
    });
}

/// Gives events that are not after `last` the readings after it: somebody else has appended since the
/// lines were read.
fn move_past(last: Hlc, members: &mut [(Coordinate, Event)], origins: &mut [Origin]) {
    let mut clock = HlcClock::after(last);
    for ((_, event), origin) in members.iter_mut().zip(origins) {
        let Some(at) = origin.at else { continue };
        let Ok(reading) = clock
            .tick_at(at)
            .or_else(|behind| clock.tick(behind.last.wall_ms()))
        else {
            return;
        };
        origin.is_moved |= reading.wall_ms() != at.wall_ms();
        origin.at = Some(reading);
        change(event, |event| event.at(reading));
    }
}

/// Leaves it to the store to give events the times that it gives others now, but to those whose times are
/// still to come.
fn leave_to(store: &Store, members: &mut [(Coordinate, Event)], origins: &mut [Origin]) {
    let now_ms = store.clock().now_ms();
    for ((_, event), origin) in members.iter_mut().zip(origins) {
        if origin.at.is_some_and(|at| at.wall_ms() <= now_ms) {
            origin.at = None;
            change(event, Event::without_time);
            origin.is_moved = true;
        }
    }
}

/// Makes another event of one in its place.
fn change(event: &mut Event, make: impl FnOnce(Event) -> Event) {
    // Allocates nothing, and is gone at once.
    let nothing = Event::bytes(EventKind::new(1, 0), Vec::new());
    *event = make(std::mem::replace(event, nothing));
}
