//! `Held`: a position that this process holds, with the cursor that reads on from it.

use super::error::Ended;
use futures::future::{BoxFuture, Either, FutureExt, Shared, select};
use futures::stream::StreamExt;
use futures_timer::Delay;
use std::future::Future;
use std::pin::pin;
use std::time::Duration;
use strandline::{CursorStream, Delivery, Query, SavedPosition, Sequence, Store, StoredEvent};
use strandline_live::{ErrorKind, Live, NamedPosition};

/// How often it is looked whether a position that somebody else holds is free.
const LOOK: Duration = Duration::from_millis(500);

/// How often it is looked, while no event of the query comes, whether the position is past others, and is to be saved.
const SAVE: Duration = Duration::from_secs(1);

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
    /// Where that was.
    saved: Sequence,
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
            saved: cursor.sequence(),
            cursor: cursor.at(Delivery::Durable).into_stream(),
            unsaved: 0,
            save_every,
        })
    }

    /// The next event. The position is saved before it is waited for, and while that takes long.
    pub(super) async fn next(&mut self, stop: &Stop) -> Result<StoredEvent, Ended> {
        if stop.clone().now_or_never().is_some() {
            return self.stop();
        }
        if let Some(next) = self.cursor.next().now_or_never() {
            return given(next);
        }
        if self.unsaved > 0 {
            self.save()?;
        }
        let mut since_renewed = Duration::ZERO;
        loop {
            let other = select(Delay::new(SAVE), stop.clone());
            let is_to_stop = match select(self.cursor.next(), other).await {
                Either::Left((next, _)) => return given(next),
                Either::Right((other, _)) => matches!(other, Either::Right(_)),
            };
            if is_to_stop {
                return self.stop();
            }
            since_renewed += SAVE;
            if self.save()? {
                since_renewed = Duration::ZERO;
            } else if since_renewed >= self.position.lease_time() / 3 {
                self.position.beat()?;
                since_renewed = Duration::ZERO;
            }
        }
    }

    fn stop(&mut self) -> Result<StoredEvent, Ended> {
        self.save()?;
        Err(Ended::Stopped)
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
        self.save_as(store.snapshot().position(event)?)
    }

    /// Saves that everything is handled up to where the cursor is, unless that was saved; whether it was not.
    fn save(&mut self) -> Result<bool, Ended> {
        let cursor = self.cursor.cursor();
        if cursor.sequence() == self.saved {
            return Ok(false);
        }
        let position = cursor.position()?;
        self.save_as(position)?;
        Ok(true)
    }

    fn save_as(&mut self, position: SavedPosition) -> Result<(), Ended> {
        self.position.save(position)?;
        (self.saved, self.unsaved) = (position.sequence(), 0);
        Ok(())
    }
}

/// It has no end but an error.
fn given(next: Option<Result<StoredEvent, strandline::Error>>) -> Result<StoredEvent, Ended> {
    Ok(next.ok_or(Ended::Stopped)??)
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
