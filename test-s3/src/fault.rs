//! `Fault`: what goes wrong, with which requests, how often; and `Injection`, which a test holds.

use crate::request::Seen;
use parking_lot::{Condvar, Mutex};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use strandline_core::Hash;
use tokio::sync::watch;

/// What becomes of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// It is not applied, and answered with a status and an S3 code.
    Answer(u16, &'static str),
    /// It is applied, and answered with a status and an S3 code.
    DoneThenAnswer(u16, &'static str),
    /// It is answered with a status and an S3 code, and applied afterwards: after the time given, or once
    /// [`Injection::release`] is called.
    AnswerThenDone(u16, &'static str, Option<Duration>),
    /// It is not applied, and the connection is closed without an answer.
    Lost,
    /// It is applied, and the connection is closed without an answer.
    DoneThenLost,
    /// It waits until [`Injection::release`] is called; then it is applied and answered.
    Held,
    /// It is applied; the answer waits until [`Injection::release`] is called.
    DoneThenHeld,
    /// It is applied, and the connection is closed behind half of the answer's body.
    Cut,
}

impl Fault {
    /// The 409 that S3 gives when two requests for a key meet. Not applied.
    #[must_use]
    pub fn conflict() -> Self {
        Self::Answer(409, "ConditionalRequestConflict")
    }

    /// A 500. Not applied.
    #[must_use]
    pub fn internal_error() -> Self {
        Self::Answer(500, "InternalError")
    }

    /// The 503 of a store that wants fewer requests. Not applied.
    #[must_use]
    pub fn slow_down() -> Self {
        Self::Answer(503, "SlowDown")
    }

    /// The 400 for credentials that expired. Not applied.
    #[must_use]
    pub fn expired() -> Self {
        Self::Answer(400, "ExpiredToken")
    }

    /// The 403 for what is not allowed. Not applied.
    #[must_use]
    pub fn denied() -> Self {
        Self::Answer(403, "AccessDenied")
    }

    /// A 500, and the request is applied when the test says so.
    #[must_use]
    pub fn late() -> Self {
        Self::AnswerThenDone(500, "InternalError", None)
    }
}

/// How often a fault meets the requests that its predicate names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// All of them.
    Always,
    /// The first so many.
    First(u64),
    /// Some in a thousand. Which ones follows from the seed, the operation, the key, and how often this key was
    /// asked for so: not from the order in which requests arrive.
    Sometimes {
        /// Requests in a thousand that the fault meets.
        in_thousand: u64,
        /// What decides which.
        seed: u64,
    },
}

/// A fault that a server was told of. Dropping it changes nothing.
#[derive(Clone)]
pub struct Injection(Arc<Rule>);

struct Rule {
    fault: Fault,
    when: When,
    predicate: Box<dyn Fn(&Seen) -> bool + Send + Sync>,
    state: Mutex<State>,
    moved: Condvar,
    released: watch::Sender<bool>,
}

#[derive(Debug, Default)]
struct State {
    met: u64,
    done: u64,
    is_stopped: bool,
    asked: BTreeMap<String, u64>,
}

impl Injection {
    pub(crate) fn new(
        fault: Fault,
        when: When,
        predicate: impl Fn(&Seen) -> bool + Send + Sync + 'static,
    ) -> Self {
        Self(Arc::new(Rule {
            fault,
            when,
            predicate: Box::new(predicate),
            state: Mutex::default(),
            moved: Condvar::new(),
            released: watch::Sender::new(false),
        }))
    }

    /// How many requests it met.
    #[must_use]
    pub fn met(&self) -> u64 {
        self.0.state.lock().met
    }

    /// Waits until it met `count` requests.
    pub fn wait_met(&self, count: u64) {
        let mut state = self.0.state.lock();
        self.0
            .moved
            .wait_while(&mut state, |state| state.met < count);
    }

    /// Waits until what it met is over for `count` requests: applied, if they are to be, and their answers on
    /// their way, if there are any.
    pub fn wait_done(&self, count: u64) {
        let mut state = self.0.state.lock();
        self.0
            .moved
            .wait_while(&mut state, |state| state.done < count);
    }

    /// Lets go of what it holds, and of what it would hold from now on.
    pub fn release(&self) {
        self.0.released.send_replace(true);
    }

    /// Has it meet no further request. What it holds stays held.
    pub fn stop(&self) {
        self.0.state.lock().is_stopped = true;
    }

    /// The fault, if it is to meet this request.
    pub(crate) fn meet(&self, seen: &Seen) -> Option<Fault> {
        if !(self.0.predicate)(seen) {
            return None;
        }
        let mut state = self.0.state.lock();
        let meets = match self.0.when {
            When::Always => true,
            When::First(count) => state.met < count,
            When::Sometimes { in_thousand, seed } => {
                let what = format!("{seed} {:?} {}", seen.operation, seen.key);
                let times = state.asked.entry(what.clone()).or_default();
                *times += 1;
                let drawn = Hash::of(format!("{what} {times}").as_bytes());
                let (number, _) = drawn
                    .as_bytes()
                    .split_first_chunk()
                    .unwrap_or((&[0; 8], &[]));
                u64::from_le_bytes(*number) % 1000 < in_thousand
            }
        };
        if state.is_stopped || !meets {
            return None;
        }
        state.met += 1;
        self.0.moved.notify_all();
        Some(self.0.fault.clone())
    }

    pub(crate) async fn released(&self) {
        let mut released = self.0.released.subscribe();
        // The sender lives as long as `self`.
        let _ = released.wait_for(|released| *released).await;
    }

    pub(crate) fn done(&self) {
        self.0.state.lock().done += 1;
        self.0.moved.notify_all();
    }
}

impl fmt::Debug for Injection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Injection")
            .field("fault", &self.0.fault)
            .field("when", &self.0.when)
            .field("met", &self.met())
            .finish_non_exhaustive()
    }
}
