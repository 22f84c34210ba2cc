//! `Roomed`: the body of a request that is read from the network only once there is room for it.
//!
//! A message begins with its length, so the room for all of it is asked for before more of it is read: no request waits
//! with a part of its room for another that does the same.

use bytes::{Buf, Bytes};
use futures::future::BoxFuture;
use http_body::Frame;
use parking_lot::Mutex;
use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::sync::{AcquireError, OwnedSemaphorePermit, Semaphore};
use tokio::time::{Sleep, sleep};
use tonic::Status;
use tonic::body::Body;

/// Before each message: one byte that says whether it is compressed, and four of its length.
const PREFIX: usize = 5;

type Permit = Result<OwnedSemaphorePermit, AcquireError>;

/// The room of a request, from when its body has it until this is dropped.
#[derive(Debug, Clone, Default)]
pub(super) struct Held(Arc<Mutex<Option<OwnedSemaphorePermit>>>);

/// The body of a request.
pub(super) struct Roomed {
    inner: Body,
    room: Arc<Semaphore>,
    /// A longer message takes no room, as it is refused by its length.
    bytes_max: usize,
    time: Duration,
    /// From when on it was waited for, if it was.
    deadline: Option<Pin<Box<Sleep>>>,
    prefix: Vec<u8>,
    /// What was read before there was room: the frame with the length of the message, and what of it came before.
    early: VecDeque<Frame<Bytes>>,
    asked: Option<BoxFuture<'static, Permit>>,
    has_room: bool,
    held: Held,
}

impl Roomed {
    /// A body that takes room for a message of `bytes_max` bytes at most, and has `time` to arrive.
    pub(super) fn new(
        inner: Body,
        room: &Arc<Semaphore>,
        bytes_max: usize,
        time: Duration,
    ) -> (Self, Held) {
        let held = Held::default();
        let body = Self {
            inner,
            room: Arc::clone(room),
            bytes_max,
            time,
            deadline: None,
            prefix: Vec::new(),
            early: VecDeque::new(),
            asked: None,
            has_room: false,
            held: held.clone(),
        };
        (body, held)
    }

    /// Asks for the room of the message once its length is known.
    fn ask(&mut self, data: &Bytes) {
        let missing = PREFIX - self.prefix.len();
        let (prefix, _) = data.split_at(missing.min(data.len()));
        self.prefix.extend_from_slice(prefix);
        let Some(mut length) = self.prefix.get(1..PREFIX) else {
            return;
        };
        let length = usize::try_from(length.get_u32()).unwrap_or(usize::MAX);
        let wanted = if length > self.bytes_max { 0 } else { length };
        let wanted = u32::try_from(wanted).unwrap_or(u32::MAX);
        match Arc::clone(&self.room).try_acquire_many_owned(wanted) {
            Ok(permit) => self.enter(permit),
            Err(_) => {
                self.asked = Some(Box::pin(Arc::clone(&self.room).acquire_many_owned(wanted)))
            }
        }
    }

    fn enter(&mut self, permit: OwnedSemaphorePermit) {
        *self.held.0.lock() = Some(permit);
        self.has_room = true;
        self.asked = None;
    }

    /// Waits, but not for ever.
    fn wait(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let time = self.time;
        let deadline = self.deadline.get_or_insert_with(|| Box::pin(sleep(time)));
        let Poll::Ready(()) = deadline.as_mut().poll(context) else {
            return Poll::Pending;
        };
        let status = match self.asked {
            None => Status::deadline_exceeded("the request did not arrive in time"),
            Some(_) => Status::resource_exhausted(
                "there was no room for the request in time; try again later",
            ),
        };
        Poll::Ready(Some(Err(status)))
    }
}

impl http_body::Body for Roomed {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let this = self.get_mut();
        loop {
            if this.has_room
                && let Some(frame) = this.early.pop_front()
            {
                return Poll::Ready(Some(Ok(frame)));
            }
            if let Some(asked) = &mut this.asked {
                match asked.as_mut().poll(context) {
                    Poll::Pending => return this.wait(context),
                    Poll::Ready(Ok(permit)) => this.enter(permit),
                    Poll::Ready(Err(_)) => {
                        let ended = Status::unavailable("the server ends");
                        return Poll::Ready(Some(Err(ended)));
                    }
                }
                continue;
            }
            let frame = match Pin::new(&mut this.inner).poll_frame(context) {
                Poll::Pending => return this.wait(context),
                Poll::Ready(Some(Ok(frame))) if !this.has_room => frame,
                // A body that ends before the length of its message is let through, and refused as that.
                Poll::Ready(None) if !this.early.is_empty() => {
                    this.has_room = true;
                    continue;
                }
                ready => return ready,
            };
            match frame.data_ref() {
                Some(data) if data.is_empty() => {}
                Some(data) => {
                    let data = data.clone();
                    this.early.push_back(frame);
                    this.ask(&data);
                }
                None => {
                    this.early.push_back(frame);
                    this.has_room = true;
                }
            }
        }
    }
}
