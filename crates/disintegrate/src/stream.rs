//! The events of a query as a stream.

use crate::coding::Form;
use crate::{Error, Position};
use disintegrate::{Event, StreamItem};
use disintegrate_serde::Serde;
use futures::Stream;
use std::collections::VecDeque;
use std::error::Error as StdError;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll};
use strandline::{Query, Sequence, Snapshot, StoredEvent};

/// How many events are read at once. Between two, other tasks of the thread have their turn.
const CHUNK: usize = 256;

/// What is visible at one moment, and then where that is.
pub(crate) struct EventStream<'a, E, S, Q> {
    form: &'a Form<E>,
    serde: &'a S,
    query: Query,
    snapshot: Snapshot,
    read: VecDeque<StoredEvent>,
    /// After which event to read on.
    after: Option<Sequence>,
    phase: Phase,
    asked: PhantomData<fn() -> Q>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// More is to be read at once.
    Reads,
    /// More is to be read once others had their turn.
    Waits,
    /// All is read.
    Read,
    Over,
}

impl<'a, E, S, Q> EventStream<'a, E, S, Q> {
    pub(crate) const fn new(
        form: &'a Form<E>,
        serde: &'a S,
        query: Query,
        snapshot: Snapshot,
    ) -> Self {
        Self {
            form,
            serde,
            query,
            snapshot,
            read: VecDeque::new(),
            after: None,
            phase: Phase::Reads,
            asked: PhantomData,
        }
    }

    fn fill(&mut self) -> Result<(), Error> {
        let mut query = self.query.clone().limit(CHUNK);
        if let Some(after) = self.after {
            query = query.after(after);
        }
        for event in self.snapshot.query(query) {
            self.read.push_back(event?);
        }
        self.after = self.read.back().map(|event| event.sequence);
        self.phase = match self.read.len() < CHUNK {
            true => Phase::Read,
            false => Phase::Waits,
        };
        Ok(())
    }
}

impl<E, S, Q> EventStream<'_, E, S, Q>
where
    E: Event,
    S: Serde<E>,
    Q: TryFrom<E> + Event,
    <Q as TryFrom<E>>::Error: StdError + Send + Sync + 'static,
{
    fn next(
        &mut self,
        context: &Context<'_>,
    ) -> Poll<Option<Result<StreamItem<Position, Q>, Error>>> {
        loop {
            while let Some(stored) = self.read.pop_front() {
                match self.form.persisted(self.serde, &stored) {
                    Ok(Some(event)) => return Poll::Ready(Some(Ok(StreamItem::Event(event)))),
                    Ok(None) => {}
                    Err(error) => return Poll::Ready(Some(Err(error))),
                }
            }
            match self.phase {
                Phase::Reads => {
                    if let Err(error) = self.fill() {
                        return Poll::Ready(Some(Err(error)));
                    }
                }
                Phase::Waits => {
                    self.phase = Phase::Reads;
                    context.waker().wake_by_ref();
                    return Poll::Pending;
                }
                Phase::Read => {
                    self.phase = Phase::Over;
                    let end = Position::before(self.snapshot.visible());
                    return Poll::Ready(Some(Ok(StreamItem::End(end))));
                }
                Phase::Over => return Poll::Ready(None),
            }
        }
    }
}

impl<E, S, Q> Stream for EventStream<'_, E, S, Q>
where
    E: Event,
    S: Serde<E>,
    Q: TryFrom<E> + Event,
    <Q as TryFrom<E>>::Error: StdError + Send + Sync + 'static,
{
    type Item = Result<StreamItem<Position, Q>, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let next = self.next(context);
        if let Poll::Ready(Some(Err(_))) = next {
            self.phase = Phase::Over;
            self.read.clear();
        }
        next
    }
}
