//! `Read`: the events of one moment, in batches, as fast as the client takes them.
//!
//! The next batch is read while the client takes the one before it, on a thread that may wait for the disk; a client that
//! takes none has no more than these two in memory. Nothing is read for one that has gone.

use super::context::{Context, batch_events, joined};
use super::record::Record;
use crate::wire::{ReadRequest, ReadResponse, SequencedEvent, cut, invalid, query_of, status_of};
use futures::stream::{BoxStream, StreamExt, unfold};
use std::collections::VecDeque;
use std::sync::Arc;
use strandline_dcb::Response as Events;
use tokio::sync::OwnedSemaphorePermit;
use tokio::task::{JoinHandle, spawn_blocking};
use tonic::{Code, Response, Status};
use umadb_dcb::DcbReadResponseSync;

type Messages = VecDeque<Vec<SequencedEvent>>;
type Batch = (Events, Result<Messages, Status>);

/// A read that goes on.
struct Reading {
    /// The messages that are there, and not given yet.
    messages: Messages,
    /// The batch that is read; none once all are.
    next: Option<JoinHandle<Batch>>,
    /// How many events and bytes a batch has.
    batch: (usize, usize),
    /// Of a read without a limit, of all its messages. With one it is the last position of each.
    head: Option<u64>,
    has_limit: bool,
    is_first: bool,
    record: Arc<Record>,
    _stream: OwnedSemaphorePermit,
}

/// The events that a request asks for.
pub(super) fn read(
    context: &Context,
    record: Arc<Record>,
    request: ReadRequest,
) -> Result<Response<BoxStream<'static, Result<ReadResponse, Status>>>, Status> {
    if request.subscribe == Some(true) {
        return Err(invalid("Read does not subscribe; call Subscribe"));
    }
    let stream = context.stream()?;
    let (backwards, limit) = (request.backwards.unwrap_or(false), request.limit);
    let query = request.query.map(query_of);
    let mut events = context
        .dcb
        .read_batches(query, request.start, backwards, limit);
    let head = match limit {
        None => events.head().map_err(|error| status_of(&error))?,
        Some(_) => None,
    };
    let batch = (batch_events(request.batch_size), context.limits.batch_bytes);
    let reading = Reading {
        messages: Messages::new(),
        next: Some(begin(events, batch)),
        batch,
        head,
        has_limit: limit.is_some(),
        is_first: true,
        record,
        _stream: stream,
    };
    let messages = unfold(reading, |mut reading| async {
        let message = reading.next().await?;
        Some((message, reading))
    });
    Ok(Response::new(messages.boxed()))
}

/// Reads a batch.
fn begin(mut events: Events, (count, bytes): (usize, usize)) -> JoinHandle<Batch> {
    spawn_blocking(move || {
        let batch = events.take_batch(count, bytes);
        let messages = batch.map(cut).map_err(|error| status_of(&error));
        (events, messages)
    })
}

impl Reading {
    async fn next(&mut self) -> Option<Result<ReadResponse, Status>> {
        while self.messages.is_empty() {
            let Some(batch) = self.next.take() else {
                return self.end();
            };
            match joined(batch.await).and_then(|(events, messages)| Ok((events, messages?))) {
                Ok((events, messages)) => {
                    if !messages.is_empty() && !events.is_over() {
                        self.next = Some(begin(events, self.batch));
                    }
                    self.messages = messages;
                }
                Err(status) => {
                    self.is_first = false;
                    self.record.end(status.code());
                    return Some(Err(status));
                }
            }
        }
        self.messages
            .pop_front()
            .map(|events| Ok(self.message(events)))
    }

    fn message(&mut self, events: Vec<SequencedEvent>) -> ReadResponse {
        self.is_first = false;
        self.record.add_events(events.len());
        let head = match self.has_limit {
            true => events.last().map(|event| event.position),
            false => self.head,
        };
        ReadResponse { events, head }
    }

    /// A read without events has a message all the same, with the head.
    fn end(&mut self) -> Option<Result<ReadResponse, Status>> {
        let message = self.is_first.then(|| Ok(self.message(Vec::new())));
        if message.is_none() {
            self.record.end(Code::Ok);
        }
        message
    }
}
