//! `Subscribe`: the events after a position, and then each as it comes.
//!
//! It waits without a thread. A client that takes nothing is not waited for by anybody else: its cursor stands still.

use super::context::{Context, batch_events, joined};
use super::record::Record;
use crate::wire::{SequencedEvent, SubscribeRequest, SubscribeResponse, cut, query_of, status_of};
use futures::stream::{BoxStream, StreamExt, unfold};
use std::collections::VecDeque;
use std::sync::Arc;
use strandline_dcb::Subscription;
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio::task::spawn_blocking;
use tonic::{Response, Status};

/// A subscription that goes on.
struct Following {
    /// None once it is over.
    events: Option<Subscription>,
    messages: VecDeque<Vec<SequencedEvent>>,
    /// How many events and bytes a batch has.
    batch: (usize, usize),
    /// Whether what is read next has come just now, and is at hand.
    is_awake: bool,
    closing: watch::Receiver<bool>,
    record: Arc<Record>,
    _stream: OwnedSemaphorePermit,
}

/// The events that a request asks for, without end.
pub(super) fn subscribe(
    context: &Context,
    record: Arc<Record>,
    request: SubscribeRequest,
) -> Result<Response<BoxStream<'static, Result<SubscribeResponse, Status>>>, Status> {
    let stream = context.stream()?;
    let query = request.query.map(query_of);
    let events = context.dcb.subscribe(query, request.after);
    let following = Following {
        events: Some(events.map_err(|error| status_of(&error))?),
        messages: VecDeque::new(),
        batch: (batch_events(request.batch_size), context.limits.batch_bytes),
        is_awake: false,
        closing: context.closing.clone(),
        record,
        _stream: stream,
    };
    let messages = unfold(following, |mut following| async {
        let message = following.next().await?;
        Some((message, following))
    });
    Ok(Response::new(messages.boxed()))
}

impl Following {
    async fn next(&mut self) -> Option<Result<SubscribeResponse, Status>> {
        while self.messages.is_empty() {
            let events = self.events.take()?;
            match self.more(events).await {
                Ok(events) => self.events = Some(events),
                Err(status) => {
                    self.record.end(status.code());
                    return Some(Err(status));
                }
            }
        }
        let events = self.messages.pop_front()?;
        self.record.add_events(events.len());
        Some(Ok(SubscribeResponse { events }))
    }

    /// Takes what is there, or waits until there may be something.
    async fn more(&mut self, mut events: Subscription) -> Result<Subscription, Status> {
        let (count, bytes) = self.batch;
        let take = move || {
            let batch = events.take_batch(count, bytes);
            (events, batch)
        };
        // What came just now is in memory.
        let (events, batch) = match std::mem::take(&mut self.is_awake) {
            true => take(),
            false => joined(spawn_blocking(take).await)?,
        };
        let batch = batch.map_err(|error| status_of(&error))?;
        if !batch.is_empty() {
            self.messages = cut(batch);
            return Ok(events);
        }
        let more = events.more();
        tokio::select! {
            more = more => more.map_err(|error| status_of(&error))?,
            _ = self.closing.wait_for(|is_closing| *is_closing) => {
                return Err(Status::unavailable(
                    "the server ends; subscribe again after the last position",
                ));
            }
        }
        self.is_awake = true;
        Ok(events)
    }
}
