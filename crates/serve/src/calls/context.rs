//! `Context`: what every call has.

use crate::access::Tokens;
use crate::limits::Limits;
use std::sync::Arc;
use strandline_dcb::DcbStore;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tonic::Status;

/// How many events a batch has if the client does not say.
const BATCH_EVENTS: u32 = 1024;
/// How many a batch has at most.
const BATCH_EVENTS_MAX: u32 = 4096;

/// What every call has.
#[derive(Debug)]
pub(crate) struct Context {
    pub(super) dcb: DcbStore,
    pub(super) tokens: Option<Tokens>,
    pub(super) limits: Limits,
    /// Bytes of requests that may be held yet.
    pub(super) room: Arc<Semaphore>,
    /// Reads and subscriptions that may begin yet.
    streams: Arc<Semaphore>,
    /// Whether the server is to end.
    pub(super) closing: watch::Receiver<bool>,
    /// Told once the store cannot go on.
    pub(super) broken: watch::Sender<bool>,
}

impl Context {
    pub(crate) fn new(
        dcb: DcbStore,
        tokens: Option<Tokens>,
        limits: Limits,
        closing: watch::Receiver<bool>,
        broken: watch::Sender<bool>,
    ) -> Self {
        let room = Semaphore::new(limits.budget().min(Semaphore::MAX_PERMITS));
        let streams = Semaphore::new(limits.streams.min(Semaphore::MAX_PERMITS));
        Self {
            dcb,
            tokens,
            limits,
            room: Arc::new(room),
            streams: Arc::new(streams),
            closing,
            broken,
        }
    }

    /// The room of one more read or subscription, until it is dropped.
    pub(super) fn stream(&self) -> Result<OwnedSemaphorePermit, Status> {
        Arc::clone(&self.streams).try_acquire_owned().map_err(|_| {
            let most = self.limits.streams;
            Status::resource_exhausted(format!(
                "{most} reads and subscriptions are open, which is the limit; try again later"
            ))
        })
    }
}

/// How many events a batch has, if the client asks for so many.
pub(super) fn batch_events(asked: Option<u32>) -> usize {
    let events = asked.unwrap_or(BATCH_EVENTS).clamp(1, BATCH_EVENTS_MAX);
    usize::try_from(events).unwrap_or(usize::MAX)
}

/// What a blocking thread gave; a status if it panicked, which is a bug, and ends no more than the call.
pub(super) fn joined<T>(joined: Result<T, tokio::task::JoinError>) -> Result<T, Status> {
    joined.map_err(|error| Status::internal(format!("the call has ended early: {error}")))
}
