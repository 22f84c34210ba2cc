//! Reading one's own writes: waiting until a consumer has applied an event.

use super::live::Live;
use super::status::{has_stopped, is_rebuilt};
use crate::consumer::Consumer;
use crate::progress::{Signal, Waited};
use crate::{Error, ErrorKind, PartitionState};
use std::time::Duration;
use strandline::Receipt;
use strandline_core::{Clock, Sequence, SystemClock};

/// How long it is waited before a file is looked at again: at first, and at last.
const POLL_MIN: Duration = Duration::from_millis(1);
const POLL_MAX: Duration = Duration::from_millis(20);

/// How far a partition is that runs elsewhere.
enum Saved {
    Settled,
    Behind,
}

impl Live {
    /// Waits until a consumer has applied an event and everything before it, but for what is parked; false if it has not
    /// after `timeout`.
    ///
    /// Of a consumer that runs in this process, what it applied counts; of one that runs in another, what it saved, which is
    /// looked at up to fifty times a second.
    ///
    /// # Errors
    ///
    /// At once, where the event is not applied yet: `NotRunning` if nobody works on a partition, `Faulted` if who did
    /// stopped with an error, `Rebuilding`. `NotFound`; `Corrupt`, `UnsupportedVersion`, `Io`.
    pub fn wait_until(
        &self,
        name: &str,
        receipt: &Receipt,
        timeout: Duration,
    ) -> Result<bool, Error> {
        let (clock, never) = (SystemClock::default(), Signal::default());
        let consumer = self.consumer(name)?;
        for index in 0..consumer.info().partitions {
            let mut pause = POLL_MIN;
            loop {
                let left = timeout.saturating_sub(clock.elapsed());
                let board = self.progress().board(name);
                let waited = board.as_ref();
                let waited = waited.map(|board| board.wait_past(index, receipt.sequence, left));
                match waited.transpose()?.unwrap_or(Waited::Elsewhere) {
                    Waited::Applied => break,
                    Waited::TimedOut => return Ok(false),
                    Waited::Elsewhere => match look(&consumer, index, receipt.sequence, || {
                        let here = board.as_ref().and_then(|board| board.of(index));
                        here.is_some()
                    })? {
                        Saved::Settled => break,
                        Saved::Behind if left.is_zero() => return Ok(false),
                        Saved::Behind => {
                            never.wait(pause.min(left));
                            pause = (pause * 2).min(POLL_MAX);
                        }
                    },
                }
            }
        }
        Ok(true)
    }
}

fn look(
    consumer: &Consumer,
    index: u32,
    sequence: Sequence,
    begins_here: impl Fn() -> bool,
) -> Result<Saved, Error> {
    let name = &consumer.info().name;
    loop {
        let version = consumer.version()?;
        let partition = consumer.partition_there(version, index);
        // First: one that gives the partition back saves before.
        let is_held = begins_here() || partition.holder()?.is_some();
        let state = partition.load()?.state.unwrap_or_default();
        if state.settled() > sequence {
            return Ok(Saved::Settled);
        }
        if is_held {
            return Ok(Saved::Behind);
        }
        consumer.check_there(version, &partition)?;
        if is_rebuilt(consumer, version, index)? {
            let message =
                format!("{name:?} is being built anew, and nobody works on what is served");
            return Err(Error::new(ErrorKind::Rebuilding, message));
        }
        // Another version may have taken its place meanwhile.
        if consumer.version()? == version {
            return Err(not_running(name, index, sequence, &state));
        }
    }
}

fn not_running(name: &str, index: u32, sequence: Sequence, state: &PartitionState) -> Error {
    match state.last_error.as_ref().filter(|_| has_stopped(state)) {
        Some(error) => Error::new(
            ErrorKind::Faulted,
            format!(
                "partition {index} of {name:?} has stopped with an error: {}",
                error.message
            ),
        ),
        None => Error::new(
            ErrorKind::NotRunning,
            format!(
                "nobody works on partition {index} of {name:?}, so it will not come to event {sequence}"
            ),
        ),
    }
}
