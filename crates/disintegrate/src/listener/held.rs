//! `Held`: a position that this process holds, with the cursor that reads on from it.

use super::error::Ended;
use futures::future::{BoxFuture, Either, FutureExt, Shared, select};
use futures::stream::StreamExt;
use futures_timer::Delay;
use std::future::Future;
use std::pin::pin;
use std::time::Duration;
use strandline::{CursorStream, Delivery, Query, Sequence, Store, StoredEvent};
use strandline_live::{ErrorKind, Live, NamedPosition};

/// How often it is looked whether a position that somebody else holds is free.
const LOOK: Duration = Duration::from_millis(500);

/// Whether to stop, as a future.
pub(super) type Stop = Shared<BoxFuture<'static, ()>>;

/// Waits, unless it is to stop.
pub(super) async fn wait(duration: Duration, stop: &Stop) -> Result<(), Ended> {
    match select(Delay::new(duration), stop.clone()).await {
        Either::Left(_) => Ok(()),
        Either::Right(_) => Err(Ended::Stopped),
    }
}

#[derive(Debug)]
pub(super) struct Held {
    position: NamedPosition,
    cursor: CursorStream,
    /// How many events were handled since the position was saved.
    unsaved: usize,
    save_every: usize,
}

impl Held {
    /// Waits for the position, and goes on from it.
    pub(super) async fn claim(
        live: &Live,
        name: &str,
        query: Query,
        save_every: usize,
        stop: &Stop,
    ) -> Result<Self, Ended> {
        let position = loop {
            match live.position(name) {
                Err(error) if error.kind() == ErrorKind::Held => wait(LOOK, stop).await?,
                position => break position?,
            }
        };
        let cursor = live.store().follow(query, position.start()?)?;
        Ok(Self {
            position,
            cursor: cursor.at(Delivery::Durable).into_stream(),
            unsaved: 0,
            save_every,
        })
    }

    /// The next event. The position is saved before it is waited for.
    pub(super) async fn next(&mut self, stop: &Stop) -> Result<StoredEvent, Ended> {
        if stop.clone().now_or_never().is_some() {
            self.save()?;
            return Err(Ended::Stopped);
        }
        let next = match self.cursor.next().now_or_never() {
            Some(next) => next,
            None => {
                self.save()?;
                let next = beating(&mut self.position, self.cursor.next());
                match select(pin!(next), stop.clone()).await {
                    Either::Left((next, _)) => next?,
                    Either::Right(_) => return Err(Ended::Stopped),
                }
            }
        };
        // It has no end but an error.
        Ok(next.ok_or(Ended::Stopped)??)
    }

    /// Waits for a handler, and keeps the position meanwhile.
    pub(super) async fn during<T>(&mut self, handler: impl Future<Output = T>) -> Result<T, Ended> {
        beating(&mut self.position, handler).await
    }

    /// The event that was read last is handled.
    pub(super) fn handled(&mut self) -> Result<(), Ended> {
        self.unsaved += 1;
        if self.unsaved >= self.save_every {
            self.save()?;
        }
        Ok(())
    }

    /// Saves that everything before this event is handled, and it is not.
    pub(super) fn save_before(&mut self, store: &Store, event: Sequence) -> Result<(), Ended> {
        self.position.save(store.snapshot().position(event)?)?;
        self.unsaved = 0;
        Ok(())
    }

    fn save(&mut self) -> Result<(), Ended> {
        if self.unsaved > 0 {
            self.position.save(self.cursor.cursor().position()?)?;
            self.unsaved = 0;
        }
        Ok(())
    }
}

/// Waits for something, and renews the lease until then.
async fn beating<T>(
    position: &mut NamedPosition,
    awaited: impl Future<Output = T>,
) -> Result<T, Ended> {
    let mut awaited = pin!(awaited);
    loop {
        let beat = Delay::new(position.lease_time() / 3);
        match select(awaited, beat).await {
            Either::Left((done, _)) => return Ok(done),
            Either::Right(((), still)) => awaited = still,
        }
        position.beat()?;
    }
}
