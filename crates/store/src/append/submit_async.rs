//! Submitting from async code: a future that waits for room among what is in flight.

use super::commit::is_full;
use super::ticket::{Outcome, Ticket};
use crate::engine::group_sync::{Attempt, Pending, Reach, Room};
use crate::upkeep::Running;
use crate::{Error, ErrorKind, Receipt};
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use strandline_core::Sequence;
use strandline_segment::SyncHandle;

/// A submit that waits for room: what [`Store::submit_async`](crate::Store::submit_async) gives.
///
/// A future that needs no runtime and blocks no executor while it waits. It gives the [`Ticket`],
/// which is a future too. Nothing is written before it is polled, and nothing if it is dropped before
/// it is ready.
///
/// ```
/// use strandline::{Coordinate, Event, EventKind, Store};
///
/// async fn record(
///     store: &Store,
///     sensor: &Coordinate,
///     readings: &[f64],
/// ) -> Result<(), strandline::Error> {
///     let mut tickets = Vec::new();
///     for reading in readings {
///         let event = Event::json(EventKind::new(1, 1), reading)?;
///         tickets.push(store.submit_async(sensor, event).await?); // has its place among all others
///     }
///     for ticket in tickets {
///         assert!(ticket.await?.durable); // is on the disk
///     }
///     Ok(())
/// }
/// # let dir = tempfile::tempdir()?;
/// # let store = Store::open(dir.path().join("log.strand"))?;
/// # let sensor = Coordinate::new("sensor:1", "hall")?;
/// # let mut run = std::pin::pin!(record(&store, &sensor, &[1.0, 2.5]));
/// # let mut context = std::task::Context::from_waker(std::task::Waker::noop());
/// # while run.as_mut().poll(&mut context).is_pending() { std::thread::yield_now(); }
/// # assert_eq!(store.snapshot().len(), 2);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "nothing is written before it is polled"]
pub struct Submit<'a, R: Outcome = Receipt> {
    running: &'a Running,
    room: Room<SyncHandle>,
    /// The wait until the segment can be sealed that has no room.
    held: Option<Pending<SyncHandle>>,
    /// Submits if there is room. None once it did.
    submit: Option<Submitting<'a, R>>,
}

type Submitting<'a, R> = Box<dyn Fn(&Running) -> Result<Ticket<R>, Error> + Send + 'a>;

impl<R: Outcome> fmt::Debug for Submit<'_, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Submit")
            .field("room", &self.room)
            .finish_non_exhaustive()
    }
}

impl<'a, R: Outcome> Submit<'a, R> {
    /// Submits once there is room.
    pub(crate) fn new(
        running: &'a Running,
        submit: impl Fn(&Running) -> Result<Ticket<R>, Error> + Send + 'a,
    ) -> Self {
        Self {
            running,
            room: Room::new(
                running.shared.group.clone(),
                running.shared.options.in_flight_max,
            ),
            held: None,
            submit: Some(Box::new(submit)),
        }
    }
}

impl<R: Outcome> Future for Submit<'_, R> {
    type Output = Result<Ticket<R>, Error>;

    /// # Panics
    ///
    /// If it is polled again after it was ready.
    #[expect(
        clippy::expect_used,
        reason = "a future that is polled again after it was ready is a bug of the caller"
    )]
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        if let Err(error) = this.running.shared.check_process() {
            return Poll::Ready(Err(error));
        }
        let submit = this.submit.as_ref();
        let submit = submit.expect("a submit is not polled again after it was ready");
        let done = loop {
            if let Some(held) = &mut this.held {
                let waited = ready!(held.poll(context));
                this.held = None;
                if let Err(poison) = waited {
                    break Err(poison.into());
                }
            }
            let attempted = this.room.poll(context, || attempt(this.running, submit));
            match ready!(attempted) {
                Err(poison) => break Err(poison.into()),
                Ok(Err(error)) if error.kind() == ErrorKind::Busy => {
                    let group = this.running.shared.group.clone();
                    let held = Pending::new(group, Reach::Published, error.decided_by());
                    this.held = Some(held);
                    this.running.ask_driver();
                }
                Ok(done) => break done,
            }
        };
        this.submit = None;
        Poll::Ready(done)
    }
}

/// Submits if there is room. Refused with `Busy` where what is in the segment has to be replicated first.
fn attempt<R: Outcome>(
    running: &Running,
    submit: &Submitting<'_, R>,
) -> Attempt<Result<Ticket<R>, Error>> {
    loop {
        // Looked at first, so that nothing is hashed in vain.
        match is_full(&running.shared) {
            Err(error) => return Attempt::Done(Err(error)),
            Ok(true) => return Attempt::Full,
            Ok(false) => {}
        }
        match submit(running) {
            // Somebody else took the room.
            Err(error)
                if error.kind() == ErrorKind::Busy && error.decided_by() == Sequence::ZERO => {}
            submitted => return Attempt::Done(submitted),
        }
    }
}
