//! `ReplicatorStatus`: how far a store is shipped, and what stands in the way; and where the shipper notes it.

use super::error::ReplicateError;
use crate::bucket::Requests;
use crate::object::Term;
use serde::Serialize;
use std::collections::VecDeque;
use std::time::Duration;
use strandline_core::Sequence;
use strandline_core::sync::{Condvar, Mutex};

/// How many times are kept of what is not replicated.
const BEHIND_MAX: usize = 64;

/// How far a store is shipped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ReplicatorStatus {
    /// Number of the term, once it has begun.
    pub term: Option<u64>,
    /// What the shipper does.
    pub stage: ReplicatorStage,
    /// All below this sequence is replicated.
    pub replicated: u64,
    /// All below this sequence is on the disk of this machine, as the shipper saw it last.
    pub durable: u64,
    /// Events on this disk that are not replicated.
    pub lag_events: u64,
    /// Bytes of chunks that are under way.
    pub in_flight_bytes: u64,
    /// For how long, in milliseconds, the oldest of what is not replicated is on this disk, as the shipper saw it. Of
    /// what is very far behind it may say a little more.
    pub lag_ms: u64,
    /// Chunks that were acknowledged in this term.
    pub chunks: u64,
    /// Number of the newest acknowledged state of the term.
    pub state: u64,
    /// Objects that were missing in the bucket, cut off or damaged since the shipper was started, as somebody else deleted
    /// or wrote there, and what of the store was in them was put again. It is looked for them with each start, and then
    /// each [`look_interval`](crate::ReplicateOptions::look_interval).
    pub mended_objects: u64,
    /// Objects that were so when it was looked last, and of which this store has nothing itself: a
    /// [lazy](crate::TakeOverOptions::lazy) one has left it in the bucket. Events of `tracing` name them.
    pub lost_objects: u64,
    /// What went wrong last, if nothing was acknowledged since; or what went wrong with the last file or deletion,
    /// if another has not succeeded since.
    pub last_error: Option<String>,
    /// In how many milliseconds the shipper tries again, if it waits after a failure.
    pub next_try_ms: Option<u64>,
    /// What was asked of the bucket.
    pub requests: Requests,
}

/// What a shipper does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ReplicatorStage {
    /// It takes a term, and puts what the bucket lacks.
    Beginning,
    /// It ships what becomes durable.
    Shipping,
    /// Another writer has the bucket: nothing more is shipped.
    Fenced,
    /// It has ended for another reason, or was stopped.
    Ended,
}

/// What a shipper notes, and whoever waits for it reads.
#[derive(Debug)]
pub(crate) struct Board {
    noted: Mutex<Noted>,
    moved: Condvar,
}

#[derive(Debug, Clone)]
pub(crate) struct Noted {
    pub(crate) term: Option<Term>,
    pub(crate) stage: ReplicatorStage,
    pub(crate) replicated: Sequence,
    pub(crate) durable: Sequence,
    pub(crate) in_flight_bytes: u64,
    /// What is not replicated: up to which sequence it was seen on this disk when, by the clock of the store, the
    /// oldest first.
    behind: VecDeque<(Sequence, Duration)>,
    pub(crate) chunks: u64,
    pub(crate) state: u64,
    mended: u64,
    lost: usize,
    pub(crate) last_error: Option<String>,
    /// Of the last job beside the chunks, if that failed.
    pub(crate) job_error: Option<String>,
    pub(crate) next_try: Option<Duration>,
    /// How often it was asked whether something is to be deleted at once.
    pub(crate) asked: u64,
    /// Of these, how many were answered: nothing is.
    pub(crate) settled: u64,
}

impl Noted {
    /// The log is on this disk up to `end`, seen at this time.
    fn durable(&mut self, end: Sequence, now: Duration) {
        if end > self.durable.max(self.replicated) {
            self.behind.push_back((end, now));
            self.thin();
        }
        self.durable = self.durable.max(end);
    }

    /// The log is replicated up to `end`, which is on this disk.
    pub(crate) fn replicated(&mut self, end: Sequence) {
        self.replicated = end;
        self.durable = self.durable.max(end);
        while self.behind.front().is_some_and(|(below, _)| *below <= end) {
            self.behind.pop_front();
        }
    }

    /// Of so many more objects what they had was put again, and so many are lost.
    pub(crate) const fn mended(&mut self, (mended, lost): (u64, usize)) {
        self.mended = self.mended.saturating_add(mended);
        self.lost = lost;
    }

    /// Since when the oldest of what is not replicated is on this disk.
    fn behind_since(&self) -> Option<Duration> {
        self.behind.front().map(|(_, since)| *since)
    }

    /// Takes the two that were seen in the shortest time for one, as old as the older, if there are too many.
    fn thin(&mut self) {
        if self.behind.len() <= BEHIND_MAX {
            return;
        }
        let times = self.behind.iter().map(|(_, since)| *since);
        let pairs = times.clone().zip(times.skip(1)).enumerate();
        let closest = pairs.min_by_key(|(_, (one, next))| next.saturating_sub(*one));
        if let Some((at, (since, _))) = closest {
            self.behind.remove(at);
            if let Some(next) = self.behind.get_mut(at) {
                next.1 = since;
            }
        }
    }
}

impl Board {
    pub(crate) fn new() -> Self {
        let noted = Noted {
            term: None,
            stage: ReplicatorStage::Beginning,
            replicated: Sequence::ZERO,
            durable: Sequence::ZERO,
            in_flight_bytes: 0,
            behind: VecDeque::new(),
            chunks: 0,
            state: 0,
            mended: 0,
            lost: 0,
            last_error: None,
            job_error: None,
            next_try: None,
            asked: 0,
            settled: 0,
        };
        Self {
            noted: Mutex::new(noted),
            moved: Condvar::new(),
        }
    }

    /// Notes something, and wakes who waits.
    pub(crate) fn note(&self, change: impl FnOnce(&mut Noted)) {
        change(&mut self.noted.lock());
        self.moved.notify_all();
    }

    /// Asks whether the bucket has something that is to be deleted at once. The answer is there once so many are settled.
    pub(crate) fn ask_settled(&self) -> u64 {
        let mut noted = self.noted.lock();
        noted.asked = noted.asked.saturating_add(1);
        noted.asked
    }

    /// The newest question that was not answered.
    pub(crate) fn unsettled(&self) -> Option<u64> {
        let noted = self.noted.lock();
        (noted.asked > noted.settled).then_some(noted.asked)
    }

    /// Notes up to where the log is on this disk at this time.
    pub(crate) fn durable(&self, end: Sequence, now: Duration) {
        self.note(|noted| noted.durable(end, now));
    }

    /// Notes an error, and when there is another try.
    pub(crate) fn failed(&self, error: &ReplicateError, next_try: Option<Duration>) {
        let text = with_sources(error);
        self.note(|noted| {
            noted.last_error = Some(text);
            noted.next_try = next_try;
        });
    }

    /// Waits until what is noted is as wanted, and gives it; `None` after the timeout.
    pub(crate) fn wait(
        &self,
        timeout: Duration,
        mut wanted: impl FnMut(&Noted) -> bool,
    ) -> Option<Noted> {
        let mut noted = self.noted.lock();
        if !wanted(&noted) {
            self.moved
                .wait_while_for(&mut noted, |noted| !wanted(noted), timeout);
        }
        wanted(&noted).then(|| noted.clone())
    }

    /// What is noted now, at this time of the store's clock.
    pub(crate) fn status(&self, now: Duration, requests: Requests) -> ReplicatorStatus {
        let noted = self.noted.lock().clone();
        let ms = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        ReplicatorStatus {
            term: noted.term.map(Term::get),
            stage: noted.stage,
            replicated: noted.replicated.get(),
            durable: noted.durable.get(),
            lag_events: noted.durable.get().saturating_sub(noted.replicated.get()),
            in_flight_bytes: noted.in_flight_bytes,
            lag_ms: noted
                .behind_since()
                .map_or(0, |since| ms(now.saturating_sub(since))),
            chunks: noted.chunks,
            state: noted.state,
            mended_objects: noted.mended,
            lost_objects: u64::try_from(noted.lost).unwrap_or(u64::MAX),
            last_error: noted.last_error.or(noted.job_error),
            next_try_ms: noted.next_try.map(|at| ms(at.saturating_sub(now))),
            requests,
        }
    }
}

/// An error, and what is behind it.
pub(crate) fn with_sources(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        let more = error.to_string();
        if !text.contains(&more) {
            text.push_str(": ");
            text.push_str(&more);
        }
        source = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn lag_ms(board: &Board, now: Duration) -> u64 {
        board.status(now, Requests::default()).lag_ms
    }

    #[test]
    fn the_lag_is_that_of_the_oldest_event_that_is_not_acknowledged() {
        let board = Board::new();
        let told = |end: u64| board.note(|noted| noted.replicated(Sequence::new(end)));
        board.durable(Sequence::new(10), at(1));
        board.durable(Sequence::new(10), at(2));
        board.durable(Sequence::new(20), at(5));
        board.durable(Sequence::new(30), at(9));
        assert_eq!(lag_ms(&board, at(11)), 10_000);
        told(5);
        assert_eq!(lag_ms(&board, at(11)), 10_000);
        told(10);
        assert_eq!(lag_ms(&board, at(11)), 6_000);
        told(25);
        assert_eq!(lag_ms(&board, at(11)), 2_000);
        told(30);
        assert_eq!(lag_ms(&board, at(11)), 0);
        // What comes replicated has never been behind.
        told(40);
        board.durable(Sequence::new(40), at(12));
        assert_eq!(lag_ms(&board, at(20)), 0);
    }

    #[test]
    fn a_long_outage_takes_no_more_memory_and_its_lag_is_never_too_small() {
        let board = Board::new();
        let seconds = 100_000;
        for second in 0..seconds {
            board.durable(Sequence::new(second + 1), at(second));
        }
        for acknowledged in (0..seconds).step_by(1000) {
            board.note(|noted| {
                noted.replicated(Sequence::new(acknowledged));
                assert!(noted.behind.len() <= BEHIND_MAX);
            });
            let lag = lag_ms(&board, at(seconds)) / 1000;
            let exact = seconds - acknowledged;
            assert!(
                (exact..exact + seconds / 10).contains(&lag),
                "{lag} of {exact}"
            );
        }
    }
}
