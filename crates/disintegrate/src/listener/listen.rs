//! The loop of one listener.

use super::config::{ListenerConfig, Retry, RetryAction};
use super::error::{Ended, ListenerError, ListenerErrorKind};
use super::held::{Held, Stop, wait};
use crate::question::question;
use crate::{Position, StrandlineEventStore};
use disintegrate::{Event, EventListener, PersistedEvent};
use disintegrate_serde::Serde;
use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;
use strandline::Sequence;
use strandline_live::Live;

/// How long whoever was taken over waits before it looks whether it may go on.
const TAKEN_OVER: Duration = Duration::from_millis(500);

/// A listener, and what it is called with.
pub(super) struct Listener<E, S, L, R> {
    pub(super) events: StrandlineEventStore<E, S>,
    pub(super) live: Live,
    pub(super) listener: L,
    pub(super) config: ListenerConfig<R>,
}

impl<E, S, L, R> Listener<E, S, L, R>
where
    E: Event + Send + Sync,
    S: Serde<E> + Send + Sync,
{
    /// Calls it, whenever this process holds its position, until it is to stop or gives up.
    pub(super) async fn run<Q>(self, stop: Stop) -> Result<(), ListenerError>
    where
        Q: TryFrom<E> + Event + Clone + Send + Sync + 'static,
        <Q as TryFrom<E>>::Error: StdError + Send + Sync + 'static,
        L: EventListener<Position, Q>,
        L::Error: fmt::Display,
        R: Retry<L::Error>,
    {
        let mut last_processed = Position::default();
        loop {
            let ended = match self.listen(&stop, &mut last_processed).await {
                Ok(never) => match never {},
                Err(Ended::TakenOver) => wait(TAKEN_OVER, &stop).await,
                Err(ended) => Err(ended),
            };
            match ended {
                Ok(()) | Err(Ended::TakenOver) => {}
                Err(Ended::Stopped) => return Ok(()),
                Err(Ended::Failed(kind)) => {
                    return Err(ListenerError {
                        listener_id: self.listener.id(),
                        last_processed,
                        kind,
                    });
                }
            }
        }
    }

    /// Claims the position, and handles events until it is lost or there is a reason to end.
    async fn listen<Q>(
        &self,
        stop: &Stop,
        last_processed: &mut Position,
    ) -> Result<std::convert::Infallible, Ended>
    where
        Q: TryFrom<E> + Event + Clone + Send + Sync + 'static,
        <Q as TryFrom<E>>::Error: StdError + Send + Sync + 'static,
        L: EventListener<Position, Q>,
        L::Error: fmt::Display,
        R: Retry<L::Error>,
    {
        let query = question(self.listener.query(), &self.events.form().scope, None);
        let (name, save_every) = (self.listener.id(), self.config.save_every);
        let mut held = Held::claim(&self.live, name, query, save_every, stop).await?;
        loop {
            let stored = held.next(stop).await?;
            let (form, serde) = (self.events.form(), self.events.serde());
            let decoded = form.persisted(serde, &stored);
            if decoded.is_err() {
                held.save_before(self.events.store(), stored.sequence)?;
            }
            if let Some(event) = decoded? {
                self.handle(&mut held, stored.sequence, &event, stop)
                    .await?;
            }
            *last_processed = Position::of(stored.sequence);
            held.handled()?;
        }
    }

    /// Tries an event until it is handled.
    async fn handle<Q>(
        &self,
        held: &mut Held,
        sequence: Sequence,
        event: &PersistedEvent<Position, Q>,
        stop: &Stop,
    ) -> Result<(), Ended>
    where
        Q: Event + Clone + Send + Sync + 'static,
        L: EventListener<Position, Q>,
        L::Error: fmt::Display,
        R: Retry<L::Error>,
    {
        let mut attempts = 0;
        loop {
            let handled = held.during(self.listener.handle(event.clone())).await?;
            let Err(error) = handled else {
                return Ok(());
            };
            if attempts == 0 {
                held.save_before(self.events.store(), sequence)?;
            }
            attempts += 1;
            match self.config.retry.retry(&error, attempts) {
                RetryAction::Wait { duration } => held.during(wait(duration, stop)).await??,
                RetryAction::Abort => {
                    return Err(Ended::Failed(ListenerErrorKind::Handler {
                        position: event.id(),
                        attempts,
                        message: error.to_string(),
                    }));
                }
            }
        }
    }
}
