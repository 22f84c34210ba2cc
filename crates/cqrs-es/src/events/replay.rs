//! Events fed into a `ReplayStream`, by a thread for each stream, as fast as they are taken.
//!
//! A stream has a queue; its sender waits, as a future, while that is full. So a thread polls it: neither a runtime
//! nor a whole list of events is needed.

use crate::model::{Reading, store_failed, unknown};
use cqrs_es::persist::{PersistenceError, ReplayFeed, ReplayStream};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use strandline::{Region, Snapshot};
use strandline_core::sync::thread::{self, Thread};

/// How many events a stream holds that were read and not taken yet.
pub const REPLAY_QUEUE_EVENTS: usize = 256;

/// The events of a region of a snapshot, in commit order, as a stream. It ends with the last of them; one that cannot
/// be read is an error in its place.
///
/// # Errors
///
/// `UnknownError` if the system gives no thread.
pub(super) fn stream(
    now: Snapshot,
    region: Region,
    reading: Reading,
    aggregate_type: &'static str,
) -> Result<ReplayStream, PersistenceError> {
    let (feed, stream) = ReplayStream::new(REPLAY_QUEUE_EVENTS);
    let builder = thread::Builder::new().name("strandline-replay".to_owned());
    let spawned = builder.spawn(move || run(&now, region, &reading, aggregate_type, feed));
    spawned.map_err(unknown)?;
    Ok(stream)
}

/// Returns after the last event, or when the stream is dropped.
fn run(
    now: &Snapshot,
    region: Region,
    reading: &Reading,
    aggregate_type: &str,
    mut feed: ReplayFeed,
) {
    let mut events = now.query(region);
    while let Some(event) = events.next_ref() {
        let event = event.map_err(store_failed);
        let event = event.and_then(|event| reading.event(&event, aggregate_type));
        if wait(feed.push(event)).is_err() {
            return;
        }
    }
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// What a future gives; this thread waits for it.
fn wait<F: Future>(future: F) -> F::Output {
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut context = Context::from_waker(&waker);
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return output;
        }
        // A wake-up before this is kept.
        thread::park();
    }
}
